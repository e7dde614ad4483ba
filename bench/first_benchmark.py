"""The first benchmark: events published, logged, delivered and settled, a second and per core.

Closed loop. The product has one core; sink and load share the other. Beside each run the yardstick: our sender alone,
posting the bytes that the product sent, to the same sink. Ratios to it hold when the machine changes; figures do not.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import uvloop

from bench.product import PRODUCT_CPU, Product, pinned
from bench.wire import Load, Sink

TYPE = "user.lifecycle.create"
CONNECTIONS = 64
DEADLINE_S = 120.0
#: An event of 1.4 kB, as an identity platform writes it; without uuid, so that one text serves for all.
EVENT = {
    "eventType": TYPE,
    "displayMessage": "Create a user",
    "severity": "INFO",
    "actor": {"id": "00u1a2b3c4d5e6f7g8h9", "type": "User", "alternateId": "ada@example.com", "displayName": "Ada"},
    "client": {
        "userAgent": {
            "rawUserAgent": "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101",
            "os": "Linux",
            "browser": "FIREFOX",
        },
        "zone": "null",
        "device": "Computer",
        "id": None,
        "ipAddress": "192.0.2.7",
        "geographicalContext": {
            "city": "Bonn",
            "state": "North Rhine-Westphalia",
            "country": "Germany",
            "postalCode": "53111",
            "geolocation": {"lat": 50.73, "lon": 7.1},
        },
    },
    "outcome": {"result": "SUCCESS", "reason": None},
    "target": [
        {"id": "00u9h8g7f6e5d4c3b2a1", "type": "User", "alternateId": "grace@example.com", "displayName": "Grace"},
        {"id": "00g9h8g7f6e5d4c3b2a1", "type": "UserGroup", "alternateId": "unknown", "displayName": "Everyone"},
    ],
    "transaction": {"type": "WEB", "id": "X0f4OtUfr-wS2HbInFKHZQAAB0M", "detail": {}},
    "debugContext": {
        "debugData": {"requestUri": "/api/v1/users", "url": "/api/v1/users?activate=true", "threatSuspected": "false"}
    },
    "authenticationContext": {"authenticationStep": 0, "externalSessionId": "102n-Zv0qXzTt2ZBPkZ1A3r8Q"},
    "securityContext": {
        "asNumber": 64496,
        "asOrg": "example",
        "isp": "example",
        "domain": "example.net",
        "isProxy": False,
    },
    "request": {"ipChain": [{"ip": "192.0.2.7", "version": "V4", "source": None}]},
}


@dataclass(frozen=True)
class Case:
    """One thing to measure."""

    name: str
    events_a_call: int
    max_events: int
    events: int
    fsync_ms: int = 0


CASES = (
    Case("single events, 1 a delivery", 1, 1, 20_000),
    Case("batches of 100, 1 a delivery", 100, 1, 30_000),
    Case("batches of 100, 100 a delivery", 100, 100, 60_000),
)


@dataclass(frozen=True)
class Result:
    """What one case came to."""

    case: str
    fsync_ms: int
    events: int
    events_per_s: float
    answered_per_s: float
    cpu_us_per_event: float
    deliveries: int
    bytes_per_event: int
    ready_s: float
    rss_idle_mb: float
    rss_peak_mb: float
    rss_after_mb: float
    bare_posts_per_s: float
    bare_cpu_us_per_post: float

    @property
    def cpu_ratio(self) -> float:
        """CPU of an event as a multiple of what the posts that carried it cost the sender alone."""
        return self.cpu_us_per_event / (self.bare_cpu_us_per_post * self.deliveries / self.events)


def body_of(count: int) -> bytes:
    """Return the body of one publish call."""
    return json.dumps(EVENT if count == 1 else [EVENT] * count, separators=(",", ":")).encode()


def slow_fsync(folder: Path, ms: int) -> dict[str, str] | None:
    """Return the environment that makes fsync take *ms* longer, or None where it cannot be had."""
    if not ms:
        return {}
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        return None
    library = folder / "slow_fsync.so"
    if not library.exists():
        source = Path(__file__).with_name("slow_fsync.c")
        subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"], check=True)
    return {"LD_PRELOAD": str(library), "BENCH_FSYNC_US": str(ms * 1000)}


async def measure(case: Case, folder: Path, environ: dict[str, str], data: Path | None = None) -> Result:
    """Run one case on a fresh data directory, or on *data*, which stays."""
    sink = Sink()
    sink_port = await sink.listen()
    uri = f"http://127.0.0.1:{sink_port}/hook"
    kept = data is not None
    data = data or Path(tempfile.mkdtemp(dir=folder))
    with Product(data, environ) as product:
        hook_id = await asyncio.to_thread(_register, product, uri, case)
        await asyncio.sleep(1.0)
        idle = product.memory_mb("VmRSS")
        await _publish(product, sink, hook_id, case, min(case.events, 2_000))  # warm
        cpu, began = product.cpu_s(), time.perf_counter()
        answered_s = await _publish(product, sink, hook_id, case, case.events)
        seconds, used = time.perf_counter() - began, product.cpu_s() - cpu
        deliveries, size = sink.requests, len(sink.body)
        peak = product.memory_mb("VmHWM")
        await asyncio.sleep(2.0)
        after, ready_s = product.memory_mb("VmRSS"), product.ready_s
    bare = await _bare(uri, size, min(20_000, 2 * deliveries))
    if not kept:
        shutil.rmtree(data, ignore_errors=True)
    return Result(
        case=case.name,
        fsync_ms=case.fsync_ms,
        events=case.events,
        events_per_s=case.events / seconds,
        answered_per_s=case.events / answered_s,
        cpu_us_per_event=used / case.events * 1e6,
        deliveries=deliveries,
        bytes_per_event=len(body_of(1)),
        ready_s=ready_s,
        rss_idle_mb=idle,
        rss_peak_mb=peak,
        rss_after_mb=after,
        bare_posts_per_s=bare["posts_per_s"],
        bare_cpu_us_per_post=bare["cpu_us_per_post"],
    )


def _register(product: Product, uri: str, case: Case) -> str:
    channel = {"type": "HTTP", "version": "1.0.0", "config": {"uri": uri}}
    policy = {"maxEventsPerRequest": case.max_events, "maxConcurrency": 16, "timeoutSeconds": 10}
    events = {"type": "EVENT_TYPE", "items": [TYPE]}
    body = {"name": "bench", "events": events, "channel": channel, "deliveryPolicy": policy}
    hook_id: str = product.call("POST", "/eventHooks", body)["id"]
    product.call("POST", f"/eventHooks/{hook_id}/lifecycle/verify")
    return hook_id


async def _publish(product: Product, sink: Sink, hook_id: str, case: Case, events: int) -> float:
    """Publish, and return once all is delivered and settled; the answer is how long the publishing took."""
    sink.reset()
    request = product.publish_request(body_of(case.events_a_call))
    began = time.perf_counter()
    await Load(request, events // case.events_a_call, CONNECTIONS).run(product.port, DEADLINE_S)
    answered_s = time.perf_counter() - began
    await sink.until(events, DEADLINE_S)
    end = time.monotonic() + DEADLINE_S
    while await asyncio.to_thread(product.call, "GET", f"/eventHooks/{hook_id}/deliveries?status=PENDING&limit=1"):
        if time.monotonic() > end:
            raise RuntimeError("deliveries stay unsettled")
        await asyncio.sleep(0.01)
    return answered_s


async def _bare(uri: str, size: int, posts: int) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.bare_sender", uri, str(size), str(max(posts, 1000)), "16"]
    process = await asyncio.create_subprocess_exec(*command, **pinned(PRODUCT_CPU))
    try:
        printed, _ = await asyncio.wait_for(process.communicate(), DEADLINE_S)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    figures: dict[str, float] = json.loads(printed)
    return figures


_COLUMNS = (
    ("case", 30), ("fsync+", 7), ("events/s", 9), ("CPU us", 7), ("bare/s", 8), ("bare us", 8), ("x bare", 7),
    ("ready s", 8), ("RSS idle", 9), ("peak", 6), ("after", 6),
)  # fmt: skip


def table(results: list[Result]) -> str:
    """Return the results for people."""
    lines = ["".join(name.ljust(width) if not at else name.rjust(width) for at, (name, width) in enumerate(_COLUMNS))]
    for one in results:
        cells = (
            *(one.case, f"{one.fsync_ms} ms", f"{one.events_per_s:,.0f}", f"{one.cpu_us_per_event:.0f}"),
            *(f"{one.bare_posts_per_s:,.0f}", f"{one.bare_cpu_us_per_post:.0f}", f"{one.cpu_ratio:.1f}"),
            *(f"{one.ready_s:.2f}", f"{one.rss_idle_mb:.0f}", f"{one.rss_peak_mb:.0f}", f"{one.rss_after_mb:.0f}"),
        )
        lines.append("".join(
            cell.ljust(width) if not at else cell.rjust(width)
            for at, (cell, (_, width)) in enumerate(zip(cells, _COLUMNS, strict=True))
        ))  # fmt: skip
    return "\n".join(lines)


def report(results: list[Result]) -> dict[str, Any]:
    """Return the results for machines."""
    machine = {"python": platform.python_version(), "machine": platform.machine(), "cpus": os.cpu_count()}
    return {"machine": machine, "results": [{**asdict(one), "cpu_ratio": one.cpu_ratio} for one in results]}


async def _run_all(scale: float, fsyncs: list[int]) -> list[Result]:
    results = []
    with tempfile.TemporaryDirectory(prefix="tenterhook-bench-") as name:
        folder = Path(name)
        for ms in fsyncs:
            environ = slow_fsync(folder, ms)
            if environ is None:
                print(f"No C compiler: the runs with {ms} ms fsync are left out.", file=sys.stderr)
                continue
            for case in CASES:
                events = max(1_000, int(case.events * scale)) // case.events_a_call * case.events_a_call
                scaled = Case(case.name, case.events_a_call, case.max_events, events, ms)
                print(f"{case.name}, fsync + {ms} ms ...", file=sys.stderr)
                results.append(await measure(scaled, folder, environ))
    return results


def main(scale: float, fsyncs: list[int]) -> dict[str, Any]:
    """Run the benchmark, print its table, and return its figures."""
    results = uvloop.run(_run_all(scale, fsyncs))
    print(table(results))
    return report(results)
