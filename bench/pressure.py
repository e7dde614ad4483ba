"""What publishers wait, alone and beside twenty searches at a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import quantiles
from urllib.parse import urlencode

from bench.first_benchmark import body_of
from bench.product import Product

SECONDS = 20.0
PUBLISHERS, EVENTS_PER_S = 8, 400
SEARCHERS = 20
#: A token may make 1,200 log queries a minute.
TOKENS = 60
Query = Callable[[Random], list[tuple[str, str]]]


@dataclass
class Pressure:
    """Publishing at a fixed pace, in milliseconds from the call to its answer."""

    events_per_s: float
    p50_alone_ms: float
    p99_alone_ms: float
    p50_beside_ms: float
    p99_beside_ms: float
    searches: int
    refused: int  #: answered with something else than 200

    def in_words(self) -> str:
        """Return the figures in a line."""
        times = self.p99_beside_ms / self.p99_alone_ms
        return (
            f"publishing {self.events_per_s:.0f}/s: p50 {self.p50_alone_ms:.1f}, p99 {self.p99_alone_ms:.1f} ms alone; "
            f"p50 {self.p50_beside_ms:.1f}, p99 {self.p99_beside_ms:.1f} ms ({times:.2f} x) beside {SEARCHERS} "
            f"searches at a time ({self.searches / SECONDS:.0f} a second, {self.refused} refused)"
        )


class Caller:
    """One connection: a request after the other."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def call(self, request: bytes) -> int:
        """Return the status of the answer."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 20)
        reader, writer = self._streams
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].split(b"\r\n", 1)[0]
        await reader.readexactly(int(length or 0))
        return int(head.split(b" ", 2)[1])

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()


async def under_searches(data: Path, queries: dict[str, Query], orders: dict[str, list[tuple[str, str]]]) -> Pressure:
    """Publish at a fixed pace into the log at *data*: first alone, then while it is searched all the time."""
    with Product(data, {}) as product:
        made = [await asyncio.to_thread(_token, product, number) for number in range(TOKENS)]
        await _publish(product, 3.0)  # warm
        alone = await _publish(product, SECONDS)
        stop = asyncio.Event()
        counts = [0, 0]
        searchers = [
            asyncio.create_task(_search(product, made[number::SEARCHERS], queries, orders, number, counts, stop))
            for number in range(SEARCHERS)
        ]
        await asyncio.sleep(2.0)
        beside = await _publish(product, SECONDS)
        stop.set()
        await asyncio.gather(*searchers)
    p50, p99 = _cuts(alone)
    p50_beside, p99_beside = _cuts(beside)
    return Pressure(len(alone) / SECONDS, p50, p99, p50_beside, p99_beside, *counts)


def _token(product: Product, number: int) -> str:
    body = {"name": f"bench {number}", "role": "READ_ONLY_ADMIN"}
    token: str = product.call("POST", "/api-tokens", body)["token"]
    return token


def _cuts(times: list[float]) -> tuple[float, float]:
    cuts = quantiles(times, n=100)
    return cuts[49], cuts[98]


async def _publish(product: Product, seconds: float) -> list[float]:
    request = product.publish_request(body_of(1))
    times: list[float] = []

    async def one(number: int) -> None:
        caller = Caller(product.port)
        every = PUBLISHERS / EVENTS_PER_S
        due = time.perf_counter() + every * number / PUBLISHERS
        end = due + seconds
        while due < end:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            began = time.perf_counter()
            status = await caller.call(request)
            assert status == 200, status
            # From when it was due: a publisher that waits does not publish less, it publishes late.
            times.append((time.perf_counter() - max(due, began - every)) * 1000)
            due = max(due + every, time.perf_counter() - every)
        caller.close()

    await asyncio.gather(*(one(number) for number in range(PUBLISHERS)))
    return times


async def _search(
    product: Product,
    tokens: list[str],
    queries: dict[str, Query],
    orders: dict[str, list[tuple[str, str]]],
    seed: int,
    counts: list[int],
    stop: asyncio.Event,
) -> None:
    random, caller = Random(seed), Caller(product.port)
    while not stop.is_set():
        parameters = random.choice(list(queries.values()))(random)
        if not any(name == "since" for name, _ in parameters):
            parameters = parameters + random.choice(list(orders.values()))
        head = (
            f"GET /api/v1/logs?{urlencode(parameters)} HTTP/1.1\r\nHost: 127.0.0.1:{product.port}\r\n"
            f"Authorization: SSWS {random.choice(tokens)}\r\n\r\n"
        )
        status = await caller.call(head.encode())
        counts[0] += 1
        counts[1] += status != 200
    caller.close()
