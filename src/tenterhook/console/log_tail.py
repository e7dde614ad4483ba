"""The live tail of the System Log for a page: rows as HTML, a few messages a second however much is logged.

It follows the log as the API's stream does. What comes faster than anybody reads is counted instead of shown.
Source: DESIGN §2.3; the HTML standard's "Server-sent events".
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from functools import partial

import msgspec
from starlette.responses import StreamingResponse
from starlette.types import Send

from tenterhook.console.visit import Visit
from tenterhook.domain.principal import Permission, Principal
from tenterhook.engine.follow_log import News, Tail, follow_log
from tenterhook.engine.open_console import still_inside
from tenterhook.errors import NotAuthenticatedError, QueryTimeoutError

#: Seconds between two messages.
BEAT_S = 0.25
#: Rows of one message, and how many a second there may be in the long run: more than a reader can follow.
MOST_ROWS, ROWS_PER_S = 100, 80
#: Bytes of the events that wait to be shown; what is older is counted as skipped.
MAX_BYTES = 256 * 1024
#: How long a browser waits before it comes back.
RETRY_MS = 2000

Renderer = Callable[[list[bytes]], str]


class LogTail(StreamingResponse):
    """The answer: it takes its place among the followers when it begins and gives it up however it ends.

    rendered: makes rows of events, the newest first.
    """

    media_type = "text/event-stream"

    def __init__(self, visit: Visit, tail: Tail, rendered: Renderer) -> None:
        # Proxies are asked not to gather what they pass on; the connection ends with the stream.
        super().__init__((), headers={"x-accel-buffering": "no", "connection": "close"})
        self._visit, self._tail, self._rendered = visit, tail, rendered

    async def stream_response(self, send: Send) -> None:
        """Send the answer until the session ends, the server stops or the browser goes."""
        pipeline = self._visit.pipeline
        with pipeline.followers.enter(self._tail.org_id) as follower:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            await _write(send, b"retry: %d\nid: %b\n\n" % (RETRY_MS, self._tail.cursor().encode()))
            try:
                async with aclosing(follow_log(pipeline, follower, self._tail, still_reading(self._visit))) as pages:
                    await self._tell(send, pages)
            except QueryTimeoutError as error:
                await _write(send, b"event: problem\ndata: %b\n\n" % msgspec.json.encode(str(error)))
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _tell(self, send: Send, pages: AsyncGenerator[News]) -> None:
        clock = asyncio.get_running_loop().time
        batch, due, room, said = _Batch(), 0.0, float(MOST_ROWS), clock()
        async for news in pages:
            batch.take(news)
            if self._tail.behind and clock() < due:
                continue  # the log has more already: it is this message's as well
            room, said = min(MOST_ROWS, room + (clock() - said) * ROWS_PER_S), clock()
            shown = batch.newest(max(1, int(room)))
            room -= len(shown)
            message = await self._visit.press.make(self._tail.org_id, partial(batch.message, shown, self._rendered))
            await _write(send, message)
            batch, due = _Batch(), clock() + 2 * BEAT_S
            await asyncio.sleep(BEAT_S)


class _Batch:
    """What goes into one message."""

    def __init__(self) -> None:
        self._newest: deque[bytes] = deque()
        self._size = self._events = 0
        self._cursor = ""

    def take(self, news: News) -> None:
        """Add news; of many only the newest are kept."""
        self._cursor = news.cursor
        self._events += len(news.events)
        for told in news.events[-MOST_ROWS:]:
            self._newest.append(told.body)
            self._size += len(told.body)
        while len(self._newest) > MOST_ROWS or (self._size > MAX_BYTES and len(self._newest) > 1):
            self._size -= len(self._newest.popleft())

    def newest(self, most: int) -> list[bytes]:
        """Return at most so many events, the newest first."""
        return list(self._newest)[: -most - 1 : -1]

    def message(self, shown: list[bytes], rendered: Renderer) -> bytes:
        """Return what is to be written, with these of its events; without any: a sign of life."""
        place = b"id: %b\n" % self._cursor.encode()
        if not shown:
            return b": still here\n" + place + b"\n"
        said = {"rows": rendered(shown), "skipped": self._events - len(shown)}
        return place + b"data: %b\n\n" % msgspec.json.encode(said)


def still_reading(visit: Visit) -> Callable[[], Awaitable[Principal | None]]:
    """Return what tells whether the reader of a page may still read this org's log."""
    inside = visit.inside
    if inside is None:
        raise NotAuthenticatedError("nobody is signed in")

    async def ask() -> Principal | None:
        found = await still_inside(visit.pipeline, inside.cookie, visit.person)
        return found if found is not None and found.may(Permission.READ_LOG) else None

    return ask


async def _write(send: Send, chunk: bytes) -> None:
    """Send *chunk*; returns when the browser has taken enough of what was sent before."""
    await send({"type": "http.response.body", "body": chunk, "more_body": True})
