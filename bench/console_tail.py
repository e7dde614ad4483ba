"""The live tail benchmark: what one open page of the console costs the server while 500 events a second are logged.

The server runs as a process of its own; the same load is published to it without a tail, with one, and with twenty, and
the processor time that it took is compared. The tails read what comes, as browsers do.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import httpx2

from tenterhook.cli.simulate import events

RATE, BATCH, SECONDS = 500, 25, 12
TAILS = (0, 1, 20)
_TICK = os.sysconf("SC_CLK_TCK")
_CSRF = re.compile(r'name="csrf" value="([0-9a-f]+)"')


@dataclass
class Seen:
    """What one tail has read."""

    messages: int = 0
    shown: int = 0
    skipped: int = 0
    size: int = 0


@dataclass
class Run:
    """One load, and what it took."""

    tails: int
    events: int
    seconds: float
    processor_s: float
    seen: Seen  #: by the first tail

    @property
    def share(self) -> float:
        """Of one core."""
        return self.processor_s / self.seconds


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[tuple[int, str, str]]:
    """Start a server; yield its process id, its address and an admin's token."""
    command = ["-m", "tenterhook.cli", "serve", "--port", "0", "--data", str(folder / "data"), "--dev", "--json"]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        assert process.stdout is not None
        said = json.loads(await process.stdout.readline())
        yield process.pid, said["url"], await asyncio.to_thread(_first_line, said["adminToken"])
    finally:
        process.terminate()
        await process.wait()


def _first_line(path: str) -> str:
    return Path(path).read_text().strip()


async def signed_in(url: str, token: str) -> httpx2.AsyncClient:
    """Return a browser, as far as this needs one, in which the first super admin is signed in."""
    auth = {"Authorization": f"SSWS {token}"}
    client = httpx2.AsyncClient(base_url=url, trust_env=False, timeout=30)
    [admin, *_] = (await client.get("/api/v1/admins", headers=auth)).json()
    link = (await client.post(f"/api/v1/admins/{admin['id']}/sign-in-link", headers=auth, json={})).json()["url"]
    page = await client.get(link)
    found = _CSRF.search(page.text)
    assert found is not None
    form = {"csrf": found[1], "link": link.partition("link=")[2], "next": "/console"}
    answer = await client.post("/console/sign-in", data=form, headers={"Origin": url})
    assert answer.status_code == 303, answer.text
    return client


async def follow(client: httpx2.AsyncClient, seen: Seen | None) -> None:
    """Read a live tail for as long as one is let; only what is counted is taken apart."""
    async with client.stream("GET", "/console/system-log/stream") as answer:
        assert answer.status_code == 200
        if seen is None:
            async for _ in answer.aiter_raw():
                pass
            return
        async for line in answer.aiter_lines():
            if line.startswith("data: "):
                said = json.loads(line[6:])
                seen.messages += 1
                seen.shown += said["rows"].count('<li class="log-row"')
                seen.skipped += said["skipped"]
                seen.size += len(line)


async def publish(url: str, token: str, batches: Sequence[bytes]) -> None:
    """Publish at a steady rate."""
    headers = {"Authorization": f"SSWS {token}", "Content-Type": "application/json"}
    async with httpx2.AsyncClient(base_url=url, trust_env=False, headers=headers) as client:
        began = time.monotonic()
        for at, batch in enumerate(batches):
            await asyncio.sleep(max(0.0, began + at * BATCH / RATE - time.monotonic()))
            answer = await client.post("/api/v1/events", content=batch)
            assert answer.status_code == 200, answer.text


def processor_s(pid: int) -> float:
    """Return the processor time that a process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


async def run(tails: int) -> Run:
    """Measure one load on a server of its own."""
    with tempfile.TemporaryDirectory() as folder:
        async with AsyncExitStack() as stack:
            pid, url, token = await stack.enter_async_context(serving(Path(folder)))
            client = await signed_in(url, token)
            stack.push_async_callback(client.aclose)
            life, seen = events(Random(7)), Seen()
            batches = [json.dumps([next(life) for _ in range(BATCH)]).encode() for _ in range(RATE // BATCH * SECONDS)]
            following = [asyncio.create_task(follow(client, None if at else seen)) for at in range(tails)]
            await asyncio.sleep(1)
            before, began = processor_s(pid), time.monotonic()
            await publish(url, token, batches)
            took, seconds = processor_s(pid) - before, time.monotonic() - began
            await asyncio.sleep(0.5)
            for task in following:
                task.cancel()
            await asyncio.gather(*following, return_exceptions=True)
            return Run(tails, len(batches) * BATCH, seconds, took, seen)


async def main() -> None:
    """Measure, and print a table."""
    print(f"{RATE} events/s for {SECONDS} s, {BATCH} a call; the server's processor time, of one core")
    bare = 0.0  # seconds of processor time for each event: on a busy machine the rate is not kept exactly
    for tails in TAILS:
        found = await run(tails)
        bare = bare or found.processor_s / found.events
        line = f"{tails:>2} tails  {found.events / found.seconds:6.0f} events/s  {found.share:6.1%}"
        if tails:
            one = found.seen
            each = (found.processor_s - bare * found.events) / found.seconds / tails
            line += f"  {each:5.1%} a tail; {one.messages} messages of {one.size // max(1, one.messages):,} bytes"
            line += f", {one.shown:,} rows shown, {one.skipped:,} skipped"
        print(line, flush=True)


if __name__ == "__main__":
    asyncio.run(main())
