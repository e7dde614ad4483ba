"""`Tenterhook.call_inline` in a process of its own, as an application embeds it. Prints one JSON line."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvloop

from tenterhook.domain.destination import parse_destination
from tenterhook.domain.inline.kind import TOKEN
from tenterhook.domain.inline.sample import sample_data
from tenterhook.egress.client import Request, render_head
from tenterhook.engine.inline.register import create_inline_hook
from tenterhook.platform import Tenterhook

CONCURRENT = 16
RATE, RATED_S = 500, 10.0

Ask = Callable[[], Awaitable[None]]


async def _add_hook(hooks: Tenterhook, uri: str) -> None:
    channel = {"type": "HTTP", "version": "1.0.0", "config": {"uri": uri}}
    body = {"name": "bench", "type": TOKEN.type, "version": "1.0.0", "channel": channel}
    await create_inline_hook(hooks.pipeline, hooks._caller(), body)


async def _busy(hooks: Tenterhook, ask: Ask, calls: int) -> float:
    """Ask in a closed loop, and return what the process used for each, all threads: CPU µs."""
    left = iter(range(calls))

    async def caller() -> None:
        for _ in left:
            await ask()

    cpu = time.process_time()
    await asyncio.gather(*(caller() for _ in range(CONCURRENT)))
    while hooks.pipeline.switchboard.untold.waiting:  # noqa: ASYNC110 - what the log is told of them counts, too
        await asyncio.sleep(0.005)
    return (time.process_time() - cpu) / calls * 1e6


async def _paced(ask: Ask) -> list[float]:
    """Ask at a steady rate, whether answers come or not, and return how long each caller waited, sorted: ms."""

    async def timed() -> float:
        at = time.perf_counter()
        await ask()
        return (time.perf_counter() - at) * 1000

    began, tasks = time.perf_counter(), []
    for number in range(int(RATE * RATED_S)):
        await asyncio.sleep(max(0.0, began + number / RATE - time.perf_counter()))
        tasks.append(asyncio.create_task(timed()))
    return sorted(await asyncio.gather(*tasks))


def _sender(hooks: Tenterhook, uri: str, size: int) -> Ask:
    """Return the yardstick: our own sender alone, on connections of its own."""
    rules, agent = hooks.pipeline.rules, [("User-Agent", "Okta-Integrations"), ("Content-Type", "application/json")]
    head = render_head("POST", parse_destination(uri, rules), agent)
    request = Request(head, "req0123456789abcdef0123456789", b"x" * size, "bench", need_body=True)

    async def send() -> None:
        attempt = await hooks.pipeline.client.send(request, 10.0)
        assert attempt.status == 204, attempt

    return send


async def main(uri: str, calls: int) -> dict[str, float]:
    """Measure calls of the endpoint at *uri*, which answers 204."""
    with tempfile.TemporaryDirectory(prefix="tenterhook-bench-") as folder:
        async with Tenterhook.at(str(Path(folder) / "data"), dev=True) as hooks:
            await _add_hook(hooks, uri)
            data = sample_data(TOKEN.type)

            async def call() -> None:
                result = await hooks.call_inline(TOKEN.type, data)
                assert result.outcome == "SUCCESS", result

            send = _sender(hooks, uri, len(json.dumps(data)))
            for ask in (send, call):
                await _busy(hooks, ask, 2_000)  # warm
            bare_us, cpu_us = await _busy(hooks, send, calls), await _busy(hooks, call, calls)
            bare, times = await _paced(send), await _paced(call)
    return {
        "bare_cpu_us_per_post": bare_us,
        "bare_p99_ms": bare[len(bare) * 99 // 100],
        "cpu_us_per_call": cpu_us,
        "p50_ms": times[len(times) // 2],
        "p99_ms": times[len(times) * 99 // 100],
    }


print(json.dumps(uvloop.run(main(sys.argv[1], int(sys.argv[2])))))
