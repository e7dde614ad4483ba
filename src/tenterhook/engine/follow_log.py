"""Follow the System Log live: what is committed, in the order of commits, each event with the cursor after it.

It reads through `search_logs`, so that a filter means here what it means there; commits only wake it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import NamedTuple

import msgspec

from tenterhook.domain.cursor import Cursor, Order, Position, open_cursor, seal_cursor
from tenterhook.domain.log_query import LogQuery, plan_search
from tenterhook.domain.principal import Principal
from tenterhook.engine.followers import Follower
from tenterhook.engine.pipeline import Pipeline
from tenterhook.engine.search_logs import search_logs
from tenterhook.errors import InvalidError, OverloadedError
from tenterhook.ids import parse_uuid
from tenterhook.store import log_events, log_search, orgs
from tenterhook.store.transaction import Tx

PAGE_EVENTS = 500
#: Pages of larger events have fewer of them. A client that does not read keeps a page and an event more in memory, and
#: what is being written of it: 200 tails with events of 240 kB kept 190 MB when it was measured.
PAGE_BYTES = 256 * 1024

_BOUNDED = "belongs to a bounded query: a live tail goes on in the order of commits only."


class Told(NamedTuple):
    """One event of a live tail."""

    cursor: str  #: what to come back with after this event
    body: bytes  #: the log event's JSON, on one line


class News(NamedTuple):
    """What a live tail has to say: events, or none: a sign of life."""

    events: list[Told]
    cursor: str  #: after all that was looked at: where the log goes on, even if the filter let nothing through


class Tail(msgspec.Struct):
    """Where a live tail stands."""

    org_id: str
    query: LogQuery
    key: bytes  #: signs the org's cursors
    position: Position
    behind: bool = True  #: whether the log may hold more already

    def cursor(self, position: Position | None = None) -> str:
        """Return the text to come back with after *position* (where the tail stands)."""
        place = position or self.position
        return seal_cursor(self.key, self.org_id, Cursor(Order.COMMITTED, self.query.since or 0, None, place))


async def begin_tail(pipeline: Pipeline, principal: Principal, query: LogQuery) -> Tail:
    """Return where a live tail of the caller's log begins: after the query's cursor, at its `since`, or now.

    Raises: InvalidError, if its cursor is none of this org's, or not of the order of commits.
    """
    org_id, now_ms = principal.org_id, pipeline.now_ms()

    def begin(tx: Tx) -> Tail:
        key = orgs.cursor_key(tx, org_id)
        cursor = None if query.after is None else open_cursor(key, org_id, query.after)
        search = plan_search(query, cursor, now_ms)
        if search.order is not Order.COMMITTED:
            raise InvalidError(f"'after': {_BOUNDED}", [f"after: {_BOUNDED}"])
        if search.after is None and query.since is None:
            position = Position(log_events.last_seq(tx, org_id))
        else:
            position = log_search.start_of(tx, org_id, search.oldest(pipeline.oldest_event()), search.after)
        since = None if search.after is None and query.since is None else search.since
        return Tail(org_id, msgspec.structs.replace(query, since=since), key, position)

    return await pipeline.database.read(begin)


async def follow_log(
    pipeline: Pipeline, follower: Follower, tail: Tail, still_allowed: Callable[[], Awaitable[Principal | None]]
) -> AsyncGenerator[News]:
    """Yield what the log gets, from where *tail* stands; without events, after a heartbeat of silence.

    Ends when the server stops, or when *still_allowed*, asked before every look at the log, returns no caller; when it
    cannot be answered for now (OverloadedError), it is asked again at the next look, and nothing is read until then.
    Nothing is read while the last news are not taken.
    Raises: QueryTimeoutError.
    """
    clock = asyncio.get_running_loop().time
    said = clock()
    while not follower.closing:
        follower.look()
        tail.behind, events = True, []
        try:
            if (principal := await still_allowed()) is None:
                return
            events = await _read(pipeline, principal, tail)
        except OverloadedError:
            pass  # the readers are busy: the next look asks again, and nothing has been passed over
        if events or clock() - said >= follower.heartbeat_s:
            yield News(events, tail.cursor())
            said = clock()
        await follower.rest()
        if not tail.behind:
            await follower.wait(max(0.0, said + follower.heartbeat_s - clock()))


async def _read(pipeline: Pipeline, principal: Principal, tail: Tail) -> list[Told]:
    """Return the next page and move the tail behind it; none, if the log has not grown."""
    # Asked before the search, which then sees at least so much: if it finds nothing, the tail may stand there.
    end = await pipeline.database.read(lambda tx: log_events.last_seq(tx, tail.org_id))
    told = await _search(pipeline, principal, tail, end) if end > tail.position.seq else []
    tail.behind = tail.position.seq < end
    return told


async def _search(pipeline: Pipeline, principal: Principal, tail: Tail, end: int) -> list[Told]:
    query = msgspec.structs.replace(tail.query, after=tail.cursor(), limit=PAGE_EVENTS)
    page = await search_logs(pipeline, principal, query, max_bytes=PAGE_BYTES)
    if page.bodies:
        return await _told(pipeline, tail, page.bodies)
    cursor = None if page.after is None else open_cursor(tail.key, tail.org_id, page.after)
    tail.position = Position(max(tail.position.seq, end if cursor is None else cursor.position.seq))
    return []


async def _told(pipeline: Pipeline, tail: Tail, bodies: list[bytes]) -> list[Told]:
    """Give each event its cursor; a page of `search_logs` has only the one after its last."""
    uuids = [parse_uuid(_UUID.decode(body).uuid) or b"" for body in bodies]
    places = await pipeline.database.read(lambda tx: log_events.places(tx, tail.org_id, uuids))
    told = []
    position = tail.position
    for uuid, body in zip(uuids, bodies, strict=True):
        # What retention took meanwhile has no place any more: its cursor is that of the event before it.
        position = Position(places.get(uuid, position.seq))
        told.append(Told(tail.cursor(position), body))
    tail.position = position
    return told


class _Named(msgspec.Struct):
    uuid: str


_UUID = msgspec.json.Decoder(_Named)
