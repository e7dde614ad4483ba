"""Browse the System Log: a page of it, the newest first, with the ways to the pages on both its sides."""

from __future__ import annotations

import msgspec

from tenterhook.domain.cursor import Cursor, Order, Position, open_cursor, seal_cursor
from tenterhook.domain.log_query import LogQuery
from tenterhook.domain.principal import Principal
from tenterhook.domain.timestamp import parse_timestamp
from tenterhook.engine.pipeline import Pipeline
from tenterhook.engine.search_logs import MAX_PAGE_BYTES, LogPage, search_logs
from tenterhook.errors import InvalidError
from tenterhook.ids import parse_uuid
from tenterhook.store import log_events, orgs
from tenterhook.store.transaction import Tx

_POLLED = "belongs to a poll, which has no pages before it. Begin again without it."


class LogView(msgspec.Struct, frozen=True):
    """A page and its neighbours."""

    bodies: list[bytes]  #: each a log event's JSON, the newest first
    newer: str | None  #: the ``after`` of the page before this one; None: there is none
    older: str | None  #: likewise of the page after it


class _Place(msgspec.Struct):
    uuid: str
    published: str


_PLACE = msgspec.json.Decoder(_Place)


async def browse_log(
    pipeline: Pipeline, principal: Principal, query: LogQuery, *, max_bytes: int = MAX_PAGE_BYTES
) -> LogView:
    """Return the page of the caller's log that *query* asks for: its order does not matter, its ``after`` does.

    Raises: as `search_logs`; InvalidError as well, if its cursor is that of a poll.
    """
    if query.after is None:
        newest = msgspec.structs.replace(query, descending=True)
        page = await search_logs(pipeline, principal, newest, max_bytes=max_bytes)
        return LogView(page.bodies, None, page.after if page.has_next else None)
    cursor = await pipeline.database.read(lambda tx: _cursor_of(tx, principal.org_id, query.after or ""))
    if cursor is not None and cursor.order is Order.COMMITTED:
        raise InvalidError(f"'after': {_POLLED}", [f"after: {_POLLED}"])
    asked = msgspec.structs.replace(query, descending=None)
    page = await search_logs(pipeline, principal, asked, max_bytes=max_bytes)
    assert cursor is not None  # or the search had refused it
    return await pipeline.database.read(lambda tx: _view(tx, principal.org_id, cursor, page))


def _cursor_of(tx: Tx, org_id: str, text: str) -> Cursor | None:
    return open_cursor(orgs.cursor_key(tx, org_id), org_id, text)


def _view(tx: Tx, org_id: str, cursor: Cursor, page: LogPage) -> LogView:
    """Return a page that was come to by *cursor*; the way back begins at its first event."""
    back, onward = None, page.after if page.has_next else None
    if page.bodies:
        order = Order.OLDEST if cursor.order is Order.NEWEST else Order.NEWEST
        place = _place(tx, org_id, page.bodies[0])
        back = None if place is None else _seal(tx, org_id, Cursor(order, cursor.since, cursor.until, place))
    if cursor.order is Order.NEWEST:
        return LogView(page.bodies, back, onward)
    return LogView(page.bodies[::-1], onward, back)


def _place(tx: Tx, org_id: str, body: bytes) -> Position | None:
    """Return where an event is; None, if retention has taken it meanwhile."""
    event = _PLACE.decode(body)
    uuid, published = parse_uuid(event.uuid) or b"", parse_timestamp(event.published)
    seq = log_events.places(tx, org_id, [uuid]).get(uuid)
    return None if seq is None or published is None else Position(seq, published)


def _seal(tx: Tx, org_id: str, cursor: Cursor) -> str:
    return seal_cursor(orgs.cursor_key(tx, org_id), org_id, cursor)
