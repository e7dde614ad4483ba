"""``GET /api/v1/logs/stream``: the System Log as it happens, as Server-Sent Events.

Source: DESIGN §2.3; the HTML standard's "Server-sent events" (a browser's EventSource reads it as it is).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Send

from tenterhook.api.errors import complaint_of, error_body
from tenterhook.api.logs import Parameters, ReadsLog, query_parameters
from tenterhook.domain.log_query import LogQuery, read_log_query
from tenterhook.domain.principal import Permission, Principal
from tenterhook.engine.authenticate import authenticate
from tenterhook.engine.follow_log import News, Tail, begin_tail, follow_log
from tenterhook.engine.followers import Follower
from tenterhook.engine.pipeline import Pipeline
from tenterhook.errors import InvalidError, NotAuthenticatedError, QueryTimeoutError

PATH = "/api/v1/logs/stream"
#: How long a client waits before it comes back.
RETRY_MS = 2000
#: What is written at once.
CHUNK_BYTES = 64 * 1024

router = APIRouter()

StillAllowed = Callable[[], Awaitable[Principal | None]]

_NOT_HERE = "has no meaning for a live tail, which is in the order of commits and has no end."


@router.get(PATH, summary="Follow the System Log live", response_class=StreamingResponse)
async def stream_log_events(request: Request, principal: ReadsLog) -> Response:
    """Answer without an end: each log event as it is committed, its id the cursor to come back with.

    ``Last-Event-ID`` (or ``after``) goes on where a stream was cut, ``since`` begins in the past, else it begins now.
    """
    pipeline: Pipeline = request.app.state.pipeline
    query = _read_query(request, pipeline.now_ms())
    tail = await begin_tail(pipeline, principal, query)
    return _EventStream(pipeline, tail, _asking_again(pipeline, request.headers["authorization"], principal))


def _read_query(request: Request, now_ms: int) -> LogQuery:
    parameters = query_parameters(request)
    refused = [name for name, value in parameters if value and name in ("until", "limit", "sortOrder")]
    if refused:
        summary = " ".join(f"'{name}': {_NOT_HERE}" for name in refused)
        raise InvalidError(summary, [f"{name}: {_NOT_HERE}" for name in refused])
    return read_log_query(_with_last_id(parameters, request.headers.get("last-event-id")), now_ms)


def _with_last_id(parameters: Parameters, last_id: str | None) -> Parameters:
    """Put what an EventSource came back with in the place of the ``after`` that its address may still have."""
    if not last_id:
        return parameters
    return [*(pair for pair in parameters if pair[0] != "after"), ("after", last_id)]


def _asking_again(pipeline: Pipeline, header: str, caller: Principal) -> StillAllowed:
    """Return what tells whether the caller of a while ago may still read this org's log."""

    async def still_allowed() -> Principal | None:
        try:
            principal = await authenticate(pipeline, header)
        except NotAuthenticatedError:
            return None
        return principal if principal.org_id == caller.org_id and principal.may(Permission.READ_LOG) else None

    return still_allowed


class _EventStream(StreamingResponse):
    """The answer: it takes its place among the followers when it begins and gives it up however it ends."""

    media_type = "text/event-stream"

    def __init__(self, pipeline: Pipeline, tail: Tail, still_allowed: StillAllowed) -> None:
        # Proxies are asked not to gather what they pass on; the connection ends with the stream.
        super().__init__((), headers={"x-accel-buffering": "no", "connection": "close"})
        self._pipeline, self._tail, self._still_allowed = pipeline, tail, still_allowed

    async def stream_response(self, send: Send) -> None:
        """Send the answer until the follower is sent home or the client goes."""
        with self._pipeline.followers.enter(self._tail.org_id) as follower:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            await _write(send, _greeting(self._tail.cursor()))
            try:
                await self._tell(send, follower)
            except QueryTimeoutError as error:
                await _write(send, b"event: problem\ndata: %b\n\n" % error_body(complaint_of(error)))
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _tell(self, send: Send, follower: Follower) -> None:
        async with aclosing(follow_log(self._pipeline, follower, self._tail, self._still_allowed)) as pages:
            async for news in pages:
                for chunk in _chunks(news):
                    await _write(send, chunk)


async def _write(send: Send, chunk: bytes) -> None:
    """Send *chunk*; returns when the client has taken enough of what was sent before."""
    await send({"type": "http.response.body", "body": chunk, "more_body": True})


def _greeting(cursor: str) -> bytes:
    """Return what flushes the headers, and a first id: who is cut before the first event misses none either."""
    return b": connected\nretry: %d\nid: %b\n\n" % (RETRY_MS, cursor.encode())


def _chunks(news: News) -> Iterator[bytes]:
    """Yield *news* in pieces of about `CHUNK_BYTES`; a sign of life if there is none, with an id but no event."""
    if not news.events:
        yield b": still here\nid: %b\n\n" % news.cursor.encode()
        return
    lines: list[bytes] = []
    size = 0
    for cursor, body in news.events:
        lines.append(b"id: %b\ndata: %b\n\n" % (cursor.encode(), body))
        size += len(body)
        if size >= CHUNK_BYTES:
            yield b"".join(lines)
            lines, size = [], 0
    if lines:
        yield b"".join(lines)
