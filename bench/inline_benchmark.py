"""Inline calls: what one costs, how long its caller waits, and what 200 that wait for a hung endpoint cost others.

The product has one core; endpoints and load share the other. Ratios are inside one run: with and without the 200.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import uvloop

from bench.first_benchmark import CONNECTIONS, DEADLINE_S, TYPE, body_of
from bench.hostile import BEHAVIOURS, TOKEN_URL, full_backlog, listen
from bench.product import PRODUCT_CPU, Product, pinned
from bench.wire import Load, Sink
from tenterhook.domain.inline.kind import IMPORT, TOKEN
from tenterhook.domain.inline.sample import sample_data

WAITING = 200
ROUNDS = 5
#: Calls wait for the hung endpoint as long as a setting lets them, so that a round is done meanwhile.
TIMEOUT_S = 30


@dataclass(frozen=True)
class Report:
    """The figures."""

    bare_cpu_us_per_post: float  #: the yardstick: our sender alone, posting as many bytes
    bare_p99_ms: float  #: the same at 500 posts a second
    cpu_us_per_call: float  #: of `call_inline`, embedded
    p50_ms: float  #: at 500 calls a second, embedded
    p99_ms: float
    api_calls_per_s: float  #: POST /api/v1/inlineCalls, closed loop
    api_cpu_us_per_call: float
    deliveries_ratio: float  #: seconds for the same events with 200 calls waiting, over those without
    calls_ratio: float  #: the same of other inline calls
    beyond_ms: dict[str, list[float]]  #: what callers of hostile endpoints waited beyond their budget, by what those do


class _Hung:
    """An endpoint that reads, and answers nothing until its gate is opened."""

    def __init__(self) -> None:
        self.waiting = 0
        self.gate = asyncio.Event()

    async def listen(self) -> int:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port: int = server.sockets[0].getsockname()[1]
        return port

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                await reader.readexactly(int(head.partition(b"content-length: ")[2].split(b"\r\n")[0]))
                self.waiting += 1
                await self.gate.wait()
                self.waiting -= 1
                writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def _request(product: Product, path: str, body: bytes) -> bytes:
    head = [
        f"POST /api/v1/{path} HTTP/1.1",
        f"Host: localhost:{product.port}",
        f"Authorization: SSWS {product.token}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    ]
    return ("\r\n".join(head) + "\r\n\r\n").encode() + body


def _question(type: str) -> bytes:
    return json.dumps({"type": type, "data": sample_data(type)}, separators=(",", ":")).encode()


def _register(product: Product, uri: str, hung: str) -> None:
    channel = {"type": "HTTP", "version": "1.0.0", "config": {"uri": uri}}
    events = {"type": "EVENT_TYPE", "items": [TYPE]}
    hook = product.call("POST", "/eventHooks", {"name": "bench", "events": events, "channel": channel})
    product.call("POST", f"/eventHooks/{hook['id']}/lifecycle/verify")
    for type, where in ((TOKEN.type, uri), (IMPORT.type, hung)):
        asked = {"type": "HTTP", "version": "1.0.0", "config": {"uri": where}}
        product.call("POST", "/inlineHooks", {"name": type, "type": type, "version": "1.0.0", "channel": asked})


async def _timed(product: Product, request: bytes, count: int, connections: int) -> float:
    began = time.perf_counter()
    await Load(request, count, connections).run(product.port, DEADLINE_S)
    return time.perf_counter() - began


async def _deliver(product: Product, sink: Sink, events: int) -> float:
    """Publish, and return how many seconds it took until all were delivered."""
    sink.reset()
    began = time.perf_counter()
    await Load(_request(product, "events", body_of(1)), events, CONNECTIONS).run(product.port, DEADLINE_S)
    await sink.until(events, DEADLINE_S)
    return time.perf_counter() - began


@asynccontextmanager
async def _waiting(product: Product, hung: _Hung) -> AsyncIterator[None]:
    """Have so many calls wait for the hung endpoint; they are answered at the end, so that no breaker opens."""
    hung.gate.clear()
    load = Load(_request(product, "inlineCalls", _question(IMPORT.type)), WAITING, WAITING)
    waiting = asyncio.create_task(load.run(product.port, 2.0 * TIMEOUT_S))
    while hung.waiting < WAITING:  # noqa: ASYNC110 - a count, which no event tells
        await asyncio.sleep(0.01)
    yield
    if hung.waiting < WAITING:
        print("Calls to the hung endpoint timed out before the round beside them ended.", file=sys.stderr)
    hung.gate.set()
    await waiting


async def _beside(folder: Path, scale: float) -> dict[str, float]:
    sink, hung = Sink(), _Hung()
    uris = [f"http://127.0.0.1:{await one.listen()}/ask" for one in (sink, hung)]
    environ = {"TENTERHOOK_INLINE_TIMEOUT_SECONDS": str(TIMEOUT_S), "TENTERHOOK_INLINE_CONCURRENCY": str(2 * WAITING)}
    events, calls = max(500, int(3_000 * scale)), max(500, int(3_000 * scale))
    with Product(folder / "data", environ) as product:
        await asyncio.to_thread(_register, product, *uris)
        ask = _request(product, "inlineCalls", _question(TOKEN.type))
        await _deliver(product, sink, events)  # warm
        await _timed(product, ask, calls, CONNECTIONS)
        cpu, began = product.cpu_s(), time.perf_counter()
        await _timed(product, ask, calls, CONNECTIONS)
        seconds, used = time.perf_counter() - began, product.cpu_s() - cpu
        deliveries, others = [], []
        for _ in range(ROUNDS):
            alone = await _deliver(product, sink, events), await _timed(product, ask, calls, 16)
            async with _waiting(product, hung):
                beside = await _deliver(product, sink, events), await _timed(product, ask, calls, 16)
            deliveries.append(beside[0] / alone[0])
            others.append(beside[1] / alone[1])
    return {
        "api_calls_per_s": calls / seconds,
        "api_cpu_us_per_call": used / calls * 1e6,
        "deliveries_ratio": median(deliveries),
        "calls_ratio": median(others),
    }


async def _printed_by(*command: str) -> Any:
    """Return the JSON that a module of ours prints, run on the product's core."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", *command, **pinned(PRODUCT_CPU))
    try:
        printed, _ = await asyncio.wait_for(process.communicate(), DEADLINE_S)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return json.loads(printed)


async def _embedded(scale: float) -> dict[str, float]:
    sink = Sink()
    uri = f"http://127.0.0.1:{await sink.listen()}/ask"
    figures: dict[str, float] = await _printed_by("bench.inline_caller", uri, str(max(1_000, int(10_000 * scale))))
    return figures


async def _hostile() -> dict[str, list[float]]:
    """Return what callers wait beyond their budget, by what the endpoint does to them: ms."""
    ports = {case: await listen(behaviour) for case, behaviour in BEHAVIOURS.items()}
    cases = {case: f"http://127.0.0.1:{port}/ask" for case, port in ports.items()}
    silent = ports["no answer"]
    full, kept = full_backlog()
    cases |= {
        "no TLS handshake": f"https://127.0.0.1:{silent}/ask",
        TOKEN_URL: f"http://127.0.0.1:{silent}/ask",
        "no connection": f"http://127.0.0.1:{full}/ask",
    }
    beyond: dict[str, list[float]] = await _printed_by("bench.inline_waiter", json.dumps(cases))
    for one in kept:
        one.close()
    return beyond


async def _run(scale: float) -> Report:
    print("inline calls, embedded ...", file=sys.stderr)
    embedded = await _embedded(scale)
    print("inline calls of hostile endpoints ...", file=sys.stderr)
    beyond = await _hostile()
    print(f"inline calls, {WAITING} of them waiting for a hung endpoint ...", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="tenterhook-bench-") as folder:
        return Report(**embedded, **await _beside(Path(folder), scale), beyond_ms=beyond)


def main(scale: float) -> dict[str, Any]:
    """Run the benchmark, print its table, and return its figures."""
    report = uvloop.run(_run(scale))
    rows = [
        ("bare sender, CPU µs a post", f"{report.bare_cpu_us_per_post:.0f}", ""),
        ("bare sender at 500 posts/s, p99 ms", f"{report.bare_p99_ms:.1f}", ""),
        ("call_inline, CPU µs a call", f"{report.cpu_us_per_call:.0f}", "250"),
        ("call_inline, x bare sender", f"{report.cpu_us_per_call / report.bare_cpu_us_per_post:.1f}", ""),
        ("call_inline at 500 calls/s, p50 ms", f"{report.p50_ms:.1f}", ""),
        ("call_inline at 500 calls/s, p99 ms", f"{report.p99_ms:.1f}", "10"),
        ("POST /api/v1/inlineCalls, calls/s", f"{report.api_calls_per_s:,.0f}", ""),
        ("POST /api/v1/inlineCalls, CPU µs a call", f"{report.api_cpu_us_per_call:.0f}", ""),
        (f"deliveries beside {WAITING} hung calls, x alone", f"{report.deliveries_ratio:.2f}", "1.2"),
        (f"other calls beside {WAITING} hung calls, x alone", f"{report.calls_ratio:.2f}", "1.2"),
    ]
    rows += [
        (f"waited beyond the budget, {case}: worst ms", f"{max(times):.0f}", "100")
        for case, times in report.beyond_ms.items()
    ]
    for name, figure, aim in rows:
        print(f"{name:<72}{figure:>8}   {f'aim {aim}' if aim else ''}".rstrip())
    return {"inline": asdict(report)}
