"""What a search of the System Log finds, as a file to keep: a log event's JSON on each line, the newest first."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import msgspec
from starlette.responses import StreamingResponse

from tenterhook.console.log_tail import still_reading
from tenterhook.console.visit import Visit
from tenterhook.domain.log_query import MAX_LIMIT, LogQuery
from tenterhook.engine.browse_log import LogView, browse_log
from tenterhook.engine.budget import Budget
from tenterhook.errors import NotAuthenticatedError

#: A file has no more.
MAX_EVENTS = 100_000
#: Bytes of one page on its way: a reader that is slow keeps so many in memory.
PAGE_BYTES = 1024 * 1024


async def log_file(visit: Visit, query: LogQuery) -> StreamingResponse:
    """Return the answer; its first page is read before it begins, so that what can be wrong is told as a page.

    One that fails later breaks off without an end, which browsers tell: a file that looks whole is whole.
    """
    asked = msgspec.structs.replace(query, limit=MAX_LIMIT)
    first = await browse_log(visit.pipeline, visit.principal, asked, max_bytes=PAGE_BYTES)
    name = datetime.fromtimestamp(visit.pipeline.now_ms() / 1000, UTC).strftime("system-log-%Y%m%dT%H%M%SZ.ndjson")
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(_lines(visit, asked, first), headers=headers, media_type="application/x-ndjson")


async def _lines(visit: Visit, asked: LogQuery, view: LogView) -> AsyncIterator[bytes]:
    """Yield a page after the other, each counted until the client has taken it."""
    budget: Budget = visit.request.app.state.answering
    allowed, told = still_reading(visit), 0
    while True:
        part = view.bodies[: MAX_EVENTS - told]
        told += len(part)
        lines = b"".join(body + b"\n" for body in part)
        with budget.hold(visit.principal.org_id) as hold:
            hold.add(len(lines))
            yield lines
        if view.older is None or told >= MAX_EVENTS:
            return
        if await allowed() is None:
            raise NotAuthenticatedError("the session has ended")
        asked = msgspec.structs.replace(asked, after=view.older)
        view = await browse_log(visit.pipeline, visit.principal, asked, max_bytes=PAGE_BYTES)
