"""Search the System Log: one page of it, and where the next one begins."""

from __future__ import annotations

import asyncio

import msgspec

from tenterhook.domain.cursor import Order, Position, open_cursor, seal_cursor
from tenterhook.domain.log_query import LogQuery, LogSearch, plan_search
from tenterhook.domain.principal import Principal
from tenterhook.engine.pipeline import Pipeline
from tenterhook.errors import QueryTimeoutError
from tenterhook.store import log_search
from tenterhook.store.database import Database
from tenterhook.store.transaction import Tx

#: Seconds that one page may take, all its slices together.
BUDGET_S = 5.0
#: Bytes of bodies in one page; a page of larger events ends early, with a next link.
MAX_PAGE_BYTES = 16 * 1024 * 1024
#: An empty page of a polling query that passed over so many rows moves on nevertheless. Below it, the next link is the
#: request itself, which is how clients know that they have reached the end.
PASSED_ROWS = 2 * log_search.SLICE_ROWS

#: The first sentence is Okta's.
_TOO_LONG = "Your last request took too long to complete. A narrower since, until or filter may succeed."


class LogPage(msgspec.Struct, frozen=True):
    """One page of the log."""

    bodies: list[bytes]  #: each a log event's JSON
    #: Whether there is a next link; its ``after``, None if it is the one of this request.
    has_next: bool
    after: str | None = None


class _Reading(msgspec.Struct):
    """How far a page has got."""

    position: Position | None
    found: list[log_search.Found]
    size: int = 0
    passed: int = 0
    ended: bool = False


async def search_logs(
    pipeline: Pipeline, principal: Principal, query: LogQuery, *, budget_s: float = BUDGET_S
) -> LogPage:
    """Return the page of the caller's log that *query* asks for.

    Raises: InvalidError, if its cursor is none of this org's; QueryTimeoutError, if it takes more than *budget_s*.
    """
    now_ms = pipeline.now_ms()
    org_id = principal.org_id

    def begin(tx: Tx) -> tuple[bytes, LogSearch, Position | None]:
        key = log_search.cursor_key(tx, org_id)
        cursor = None if query.after is None else open_cursor(key, org_id, query.after)
        search = plan_search(query, cursor, now_ms)
        start = search.after
        if search.order is Order.COMMITTED:
            start = log_search.start_of(tx, org_id, search.oldest(now_ms), search.after)
        return key, search, start

    try:
        async with asyncio.timeout(budget_s):
            key, search, start = await pipeline.database.read(begin)
            asked = log_search.Range(org_id, search.order, search.oldest(now_ms), search.until, search.filter)
            reading = await _read(pipeline.database, asked, start, search.limit)
    except TimeoutError as error:
        raise QueryTimeoutError(_TOO_LONG) from error
    bodies = [found.body for found in reading.found[: search.limit]]
    has_next, place = _next_place(search, reading)
    return LogPage(bodies, has_next, None if place is None else seal_cursor(key, org_id, search.cursor(place)))


async def _read(database: Database, asked: log_search.Range, start: Position | None, limit: int) -> _Reading:
    """Read slice after slice until the page is full; a bounded one looks an event further: is it the last?"""
    reading = _Reading(start, [])
    want = limit if asked.order is Order.COMMITTED or not limit else limit + 1
    while len(reading.found) < want and reading.size <= MAX_PAGE_BYTES and not reading.ended:
        at, missing, room = reading.position, want - len(reading.found), MAX_PAGE_BYTES - reading.size

        def look(tx: Tx, at: Position | None = at, missing: int = missing, room: int = room) -> log_search.Slice:
            return log_search.search(tx, asked, at, missing, room)

        part = await database.read(look)
        reading.found += part.found
        reading.size += sum(len(found.body) for found in part.found)
        reading.passed += part.passed
        reading.position, reading.ended = part.position, part.ended
    return reading


def _next_place(search: LogSearch, reading: _Reading) -> tuple[bool, Position | None]:
    """Return whether a page follows, and after which place; no place: this request again."""
    found = reading.found
    if search.order is Order.COMMITTED:
        moves = bool(found) or reading.passed >= PASSED_ROWS
        place = reading.position if moves and search.limit else None
        return True, None if place is None else Position(place.seq)
    if len(found) > search.limit > 0:
        return True, found[search.limit - 1].position
    if reading.ended or not search.limit:
        return False, None
    return True, reading.position
