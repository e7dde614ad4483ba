"""Search the System Log: one page of it, and where the next one begins."""

from __future__ import annotations

import asyncio
import time

import msgspec

from tenterhook.domain.cursor import Order, Position, open_cursor, seal_cursor
from tenterhook.domain.filter_ast import StepsError
from tenterhook.domain.log_query import LogQuery, LogSearch, plan_search
from tenterhook.domain.principal import Principal
from tenterhook.engine.budget import Hold
from tenterhook.engine.pipeline import Pipeline
from tenterhook.errors import QueryTimeoutError
from tenterhook.store import log_index, log_search, log_words, orgs
from tenterhook.store.database import Database
from tenterhook.store.log_candidates import Committed, Published
from tenterhook.store.transaction import Tx

#: Seconds that one page may take, all its slices together.
BUDGET_S = 5.0
#: The part of it after which a poll answers with what it has, if it has got somewhere: its next link goes on.
POLL_SHARE = 0.8
#: How many rows are scanned before the index is asked, and again while one in so many of them is found.
FIRST_ROWS = 1_000
DENSE = 100
#: A scan that takes longer (seconds) is followed by one of fewer rows, of so many at least: events may be large.
LONG_SLICE_S = 0.016
MIN_ROWS = 50
#: Bytes of bodies in one page; a page of larger events ends early, with a next link.
MAX_PAGE_BYTES = 4 * 1024 * 1024
#: An empty page of a polling query that passed over so many rows moves on nevertheless. Below it, the next link is the
#: request itself, which is how clients know that they have reached the end.
PASSED_ROWS = 2 * log_search.SLICE_ROWS

#: The first sentence is Okta's.
_TOO_LONG = "Your last request took too long to complete. A narrower since, until or filter may succeed."
_TOO_MUCH = "Your last request took too long to complete. An event holds more than the filter may look at."


class LogPage(msgspec.Struct, frozen=True):
    """One page of the log."""

    bodies: list[bytes]  #: each a log event's JSON
    #: Whether there is a next link; its ``after``, None if it is the one of this request.
    has_next: bool
    after: str | None = None


class _Reading(msgspec.Struct):
    """How far a page has got."""

    position: Position | None
    #: The loop's time from which on what there is makes a page, if it has got somewhere; None: never short.
    good_until: float | None
    max_bytes: int = MAX_PAGE_BYTES  #: of bodies; the event that exceeds it is the last
    hold: Hold | None = None  #: what counts them
    found: list[log_search.Found] = []
    rows: int = FIRST_ROWS  #: that the next scan passes over
    size: int = 0
    passed: int = 0
    ended: bool = False
    is_dense: bool = False  #: whether the rows that were scanned last held many

    def take(self, found: list[log_search.Found], passed: int) -> None:
        """Add what a look found among *passed* rows."""
        size = sum(len(one.body) for one in found)
        if self.hold is not None:
            self.hold.add(size)
        self.found += found
        self.size += size
        self.passed += passed

    @property
    def room(self) -> int:
        """How many bytes of bodies the page may still get; negative: it is full."""
        return self.max_bytes - self.size

    def is_over(self, want: int) -> bool:
        """Return whether the page is full, the log at its end, or a poll's time nearly up with a way to go on."""
        return self.ended or len(self.found) >= want or self.room < 0 or self.is_late()

    def is_late(self, passed: int = 0) -> bool:
        """Return whether a poll that has passed over *passed* rows more should answer before it is too late."""
        if self.good_until is None or self.passed + passed < PASSED_ROWS:
            return False
        return asyncio.get_running_loop().time() > self.good_until


async def search_logs(
    pipeline: Pipeline,
    principal: Principal,
    query: LogQuery,
    *,
    budget_s: float = BUDGET_S,
    max_bytes: int = MAX_PAGE_BYTES,
    hold: Hold | None = None,
) -> LogPage:
    """Return the page of the caller's log that *query* asks for.

    max_bytes: of bodies; the event that exceeds it is the page's last. hold: what counts them from when they are found.
    Raises: InvalidError, if its cursor is none of this org's; QueryTimeoutError, if it takes more than *budget_s*: a
    bounded page is never short. A poll's is, as long as it leads on; OverloadedError, if *hold* may hold no more.
    """
    now_ms, kept_since = pipeline.now_ms(), pipeline.oldest_event()
    org_id = principal.org_id

    def begin(tx: Tx) -> tuple[bytes, LogSearch, Position | None]:
        key = orgs.cursor_key(tx, org_id)
        cursor = None if query.after is None else open_cursor(key, org_id, query.after)
        search = plan_search(query, cursor, now_ms)
        start = search.after
        if search.order is Order.COMMITTED:
            start = log_search.start_of(tx, org_id, search.oldest(kept_since), search.after)
        return key, search, start

    try:
        async with asyncio.timeout(budget_s):
            key, search, start = await pipeline.database.read(begin)
            asked = log_search.Range(
                org_id, search.order, search.oldest(kept_since), search.until, search.filter, search.keywords
            )
            polls = search.order is Order.COMMITTED
            good_until = asyncio.get_running_loop().time() + budget_s * POLL_SHARE if polls else None
            reading = await _read(pipeline, asked, _Reading(start, good_until, max_bytes, hold), search.limit)
    except TimeoutError as error:
        raise QueryTimeoutError(_TOO_LONG) from error
    except StepsError as error:
        raise QueryTimeoutError(_TOO_MUCH) from error
    bodies = [found.body for found in reading.found[: search.limit]]
    has_next, place = _next_place(search, reading)
    return LogPage(bodies, has_next, None if place is None else seal_cursor(key, org_id, search.cursor(place)))


async def _read(pipeline: Pipeline, asked: log_search.Range, reading: _Reading, limit: int) -> _Reading:
    """Read until the page is full; a bounded one looks an event further: is it the last?

    The first rows are scanned in any case: what is dense fills a page from them. What is not is looked up in the index,
    where the query has words for it; anything else is scanned slice after slice, by few searches at a time.
    """
    if not limit:
        return reading
    database, want = pipeline.database, limit if asked.order is Order.COMMITTED else limit + 1
    await _scan(database, asked, reading, want, FIRST_ROWS)
    if reading.is_over(want):
        return reading
    words = None if log_search.is_pinned(asked) else await index_words(database, asked)
    while words is not None and reading.is_dense and not reading.is_over(want):
        await _scan(database, asked, reading, want, FIRST_ROWS)
    if reading.is_over(want):
        return reading
    async with pipeline.long_searches.turn(asked.org_id):
        if words is not None:
            await _look_up(database, asked, reading, want, words)
        while not reading.is_over(want):
            await _scan(database, asked, reading, want, reading.rows)
    return reading


async def _scan(database: Database, asked: log_search.Range, reading: _Reading, want: int, rows: int) -> None:
    at, missing, room = reading.position, want - len(reading.found), reading.room

    def look(tx: Tx) -> tuple[log_search.Slice, float]:
        began = time.monotonic()
        return log_search.search(tx, asked, at, missing, room, rows), time.monotonic() - began

    part, took_s = await database.search(look)
    reading.rows = min(max(rows // 4, MIN_ROWS) if took_s > LONG_SLICE_S else rows * 2, log_search.SLICE_ROWS)
    reading.take(part.found, part.passed)
    reading.position, reading.ended = part.position, part.ended
    reading.is_dense = len(part.found) * DENSE >= part.passed


async def index_words(database: Database, asked: log_search.Range) -> str | None:
    """Return what the index is asked for, or None if it is of no help."""

    def look(tx: Tx) -> str | None:
        return None if log_search.has_most(tx, asked.org_id) else log_index.org_word(tx, asked.org_id)

    return log_words.match_of(await database.search(look), asked.filter, asked.keywords)


async def _look_up(database: Database, asked: log_search.Range, reading: _Reading, want: int, words: str) -> None:
    """Take what the index has. In the order of commits the tail is still to be scanned after it."""
    at, missing, room = reading.position, want - len(reading.found), reading.room
    if asked.order is Order.COMMITTED:
        committed = Committed(asked, words, at, missing)
        before = committed.position.seq
        while not await database.search(committed.step):
            if reading.is_late(committed.position.seq - before):
                break
        places, ended = committed.found, False
        end: Position | None = committed.position
    else:
        published = Published(asked, words, at, missing)
        while not await database.search(published.step):
            pass
        if published.useless:
            return
        places, end, ended = published.found, at, published.ended
    found = await database.search(lambda tx: log_search.bodies(tx, places, room))
    reading.take(found, 0 if end is None else end.seq - (at.seq if at is not None else 0))
    if reading.room < 0:
        reading.position = found[-1].position
    else:
        reading.position, reading.ended = (
            (places[-1] if places and not ended and len(places) == missing else end),
            ended,
        )


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
