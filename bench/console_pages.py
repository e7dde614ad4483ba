"""The console over HTTP, as browsers ask for it: what each page takes, and what twenty open consoles cost deliveries.

Both on the log that the console benchmark has made. The product has one core; browsers, publisher and receiver share
the other.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from urllib.parse import quote

import httpx2

from bench.console_tail import follow, signed_in
from bench.first_benchmark import TYPE, body_of
from bench.pressure import Caller
from bench.product import Product
from bench.wire import Sink
from tenterhook.ids import uuid7, uuid_text

READS = 100
CONSOLES, RATE, SECONDS, ROUNDS = 20, 200, 10.0, 5
HOOKS = "/console/event-hooks"
INLINE_HOOK = {
    "type": "com.okta.oauth2.tokens.transform",
    "version": "1.0.0",
    "channel": {"type": "HTTP", "version": "1.0.0", "config": {"uri": "https://hooks.example.com/token"}},
}


@dataclass
class Page:
    """What one page takes, from the request to the last byte, in milliseconds."""

    what: str
    p50_ms: float
    p95_ms: float
    worst_ms: float
    size: int  #: bytes of HTML


@dataclass
class Beside:
    """Milliseconds from publishing an event until its delivery arrives, p99 of each round."""

    alone_ms: list[float]
    beside_ms: list[float]

    @property
    def ratio(self) -> float:
        """The median over the rounds, each against the one before it."""
        return median(two / one for one, two in zip(self.alone_ms, self.beside_ms, strict=True))


# ---- pages -----------------------------------------------------------------------------------------------------------


async def pages(data: Path, reads: int = READS) -> list[Page]:
    """Measure every kind of page on the log at *data*, by one browser."""
    found = []
    with Product(data, {}) as product:
        asked = INLINE_HOOK | {"name": uuid_text(uuid7())}
        inline = await asyncio.to_thread(product.call, "POST", "/inlineHooks", asked)
        async with _browser(product) as browser:
            paths = await _paths(browser) | {"an inline hook": f"/console/inline-hooks/{inline['id']}"}
        for what, path in paths.items():
            # Each in a session of its own: one may ask for 1,200 a minute.
            async with _browser(product) as browser:
                found.append(await _measure(browser, what, path, reads))
            print(f"  {what}: p95 {found[-1].p95_ms:.1f} ms", file=sys.stderr)
    return found


@asynccontextmanager
async def _browser(product: Product) -> AsyncIterator[httpx2.AsyncClient]:
    browser = await signed_in(product.url, product.token)
    try:
        yield browser
    finally:
        await browser.aclose()


async def _paths(browser: httpx2.AsyncClient) -> dict[str, str]:
    hook = await _first(browser, HOOKS, rf'"({HOOKS}/who\w+)"')
    delivery = await _first(browser, "/console/deliveries?status=FAILED", r'"(/console/deliveries/[0-9a-f-]{36})"')
    event = await _first(browser, "/console/system-log", r'id="e-([0-9a-f-]{36})"')
    sought = quote('eventType eq "user.session.start" and outcome.result eq "FAILURE"')
    return {
        **{f"overview, {span}": f"/console?span={span}" for span in ("hour", "day", "week")},
        "event hooks": HOOKS,
        "an event hook": hook,
        "an event hook's form": f"{hook}/edit",
        "a new event hook": f"{HOOKS}/new",
        "an event hook's preview": f"{hook}/preview",
        "deliveries": "/console/deliveries",
        "deliveries that failed": "/console/deliveries?status=FAILED",
        "deliveries of a hook": f"/console/deliveries?hook={hook.rpartition('/')[2]}",
        "a delivery": delivery,
        "explain": f"/console/explain?uuid={event}",
        "inline hooks": "/console/inline-hooks",
        "hook keys": "/console/hook-keys",
        "System Log": "/console/system-log",
        "System Log, keyword": "/console/system-log?q=failure",
        "System Log, filter": f"/console/system-log?q={sought}",
        "event types": "/console/event-types",
        "tokens": "/console/tokens",
        "admins": "/console/admins",
        "orgs": "/console/orgs",
        "limits": "/console/limits",
        "account": "/console/account",
    }


async def _first(browser: httpx2.AsyncClient, path: str, pattern: str) -> str:
    page = (await browser.get(path)).text
    found = re.search(pattern, page)
    if found is None:
        raise RuntimeError(f"{path} has no {pattern}")
    return found[1]


async def _measure(browser: httpx2.AsyncClient, what: str, path: str, reads: int) -> Page:
    times, size = [], 0
    for _ in range(reads):
        began = time.perf_counter()
        answer = await browser.get(path)
        times.append((time.perf_counter() - began) * 1000)
        if answer.status_code != 200:
            raise RuntimeError(f"{path}: {answer.status_code}")
        size = len(answer.content)
    cuts = quantiles(times, n=20)
    return Page(what, cuts[9], cuts[18], max(times), size)


# ---- twenty open consoles --------------------------------------------------------------------------------------------


class _Receiver(Sink):
    """A sink that keeps when each event came."""

    def __init__(self) -> None:
        super().__init__()
        self.came: dict[bytes, float] = {}

    def took(self, body: bytes) -> None:
        super().took(body)
        at = body.index(b'"uuid":"') + 8
        self.came[body[at : at + 36]] = time.perf_counter()


async def beside_consoles(data: Path) -> Beside:
    """Publish and deliver at a steady rate, in turns alone and beside open consoles that renew themselves."""
    receiver, found = _Receiver(), Beside([], [])
    uri = f"http://127.0.0.1:{await receiver.listen()}/hook"
    with Product(data, {}) as product:
        hook_id = await asyncio.to_thread(_register, product, uri)
        browsers = [await signed_in(product.url, product.token) for _ in range(CONSOLES)]
        looks = _looks(f"{HOOKS}/{hook_id}")
        await _deliver(product, receiver)  # warm
        for _ in range(ROUNDS):
            found.alone_ms.append(await _deliver(product, receiver))
            open_ = [
                asyncio.create_task(looks[at % len(looks)](browser, 5.0 * at / CONSOLES))
                for at, browser in enumerate(browsers)
            ]
            await asyncio.sleep(1)
            found.beside_ms.append(await _deliver(product, receiver))
            for task in open_:
                task.cancel()
            ended = await asyncio.gather(*open_, return_exceptions=True)
            for one in ended:
                if isinstance(one, Exception):
                    raise one
        for browser in browsers:
            await browser.aclose()
        await asyncio.to_thread(product.call, "POST", f"/eventHooks/{hook_id}/lifecycle/deactivate")
    return found


def _register(product: Product, uri: str) -> str:
    channel = {"type": "HTTP", "version": "1.0.0", "config": {"uri": uri}}
    events, policy = {"type": "EVENT_TYPE", "items": [TYPE]}, {"maxEventsPerRequest": 1}
    body = {"name": uri, "events": events, "channel": channel, "deliveryPolicy": policy}
    hook_id: str = product.call("POST", "/eventHooks", body)["id"]
    product.call("POST", f"/eventHooks/{hook_id}/lifecycle/verify")
    return hook_id


def _looks(hook: str) -> list[Callable[[httpx2.AsyncClient, float], Awaitable[None]]]:
    """Return what consoles are open at: a fourth of them each at the overview, deliveries, a hook, and the log."""

    def live(path: str) -> Callable[[httpx2.AsyncClient, float], Awaitable[None]]:
        async def look(browser: httpx2.AsyncClient, begin_s: float) -> None:
            await asyncio.sleep(begin_s)
            while True:
                answer = await browser.get(path, headers={"x-console-live": "1"})
                if answer.status_code != 200:
                    raise RuntimeError(f"{path}: {answer.status_code}")
                await asyncio.sleep(5)

        return look

    async def tail(browser: httpx2.AsyncClient, begin_s: float) -> None:
        await follow(browser, None)

    return [live("/console"), live("/console/deliveries"), live(hook), tail]


async def _deliver(product: Product, receiver: _Receiver) -> float:
    """Return the p99 of the milliseconds from when an event was due to be published until it was delivered."""
    receiver.came.clear()
    receiver.reset()
    sent: dict[bytes, float] = {}
    callers = [Caller(product.port) for _ in range(16)]
    free = asyncio.Queue[Caller]()
    for caller in callers:
        free.put_nowait(caller)

    async def publish(due: float) -> None:
        uuid = uuid_text(uuid7()).encode()
        sent[uuid] = due
        caller = await free.get()
        status = await caller.call(product.publish_request(b'{"uuid":"' + uuid + b'",' + body_of(1)[1:]))
        assert status == 200, status
        free.put_nowait(caller)

    began, tasks = time.perf_counter(), []
    for number in range(int(RATE * SECONDS)):
        due = began + number / RATE
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(publish(due)))
    await asyncio.gather(*tasks)
    await receiver.until(len(sent), 30.0)
    for caller in callers:
        caller.close()
    waited = sorted((receiver.came[uuid] - due) * 1000 for uuid, due in sent.items())
    return waited[len(waited) * 99 // 100]
