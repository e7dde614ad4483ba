"""Reading the System Log in its two orders, a slice at a time.

A slice passes over a bounded number of rows, so that no search keeps a reading thread from the others. What a filter
surely needs is asked of SQLite itself: a row that lacks those bytes is never decoded. This is how dense conditions are
found, and what the index does not know yet; for the rest see `log_candidates`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import sqlalchemy as sa

from tenterhook.domain.cursor import Order, Position
from tenterhook.domain.filter_ast import Clause, Kind, Node, Operator, Steps, holds, required
from tenterhook.domain.keyword import mentions
from tenterhook.store.log_events import last_seq
from tenterhook.store.schema import log_event
from tenterhook.store.transaction import Tx

#: How many rows one slice passes over, and how many of them it decodes.
SLICE_ROWS = 5_000
SLICE_CANDIDATES = 500
#: What a filter may look at in one event: 10 ms at most.
MAX_STEPS = 20_000
#: How long one slice judges events (seconds); the one that exceeds it is its last.
SLICE_S = 0.008
#: How many places of the log are looked at to guess how much of it is an org's.
SAMPLES = 15

_ALL = log_event.c
_NEEDED = (Operator.EQ, Operator.CO, Operator.SW, Operator.EW)


class Range(msgspec.Struct, frozen=True):
    """Which rows of one org a search is about, and in which order."""

    org_id: str
    order: Order
    since: int  #: ms, of published; not used in the order of commits
    until: int | None  #: ms, of published, exclusive; None in the order of commits
    filter: Node | None
    keywords: tuple[str, ...] = ()  #: all of which an event must mention


class Found(NamedTuple):
    """One event of a slice."""

    position: Position
    body: bytes


class Slice(NamedTuple):
    """What one look brought."""

    found: list[Found]
    position: Position | None  #: the last row that was passed over; None: none was
    passed: int  #: at least how many rows were passed over
    ended: bool  #: whether nothing is left after this slice


def start_of(tx: Tx, org_id: str, since: int, after: Position | None) -> Position:
    """Return the place in the order of commits after which every event was recorded at *since* (ms) or later.

    Never before *after*. recorded_at rises with seq, so a binary search finds it without an index.
    """
    low = after.seq if after is not None else 0
    high = last_seq(tx, org_id)
    # Invariant: rows up to low are too old or passed; the first row after high is new enough.
    while low < high:
        middle = (low + high) // 2
        row = tx.driver.execute(
            "SELECT seq, recorded_at FROM log_event WHERE org_id = ? AND seq > ? ORDER BY seq LIMIT 1",
            (org_id, middle),
        ).fetchone()
        if row is None or row[1] >= since:
            high = middle
        else:
            low = row[0]
    return Position(low)


def count_since(tx: Tx, org_id: str, recorded_ms: int, most: int) -> int:
    """Return how many events the org's log took in at a time (ms) or later, up to *most*; reads the index only."""
    after = start_of(tx, org_id, recorded_ms, None)
    row: Any = tx.driver.execute(
        "SELECT count(*) FROM (SELECT 1 FROM log_event WHERE org_id = ? AND seq > ? LIMIT ?)",
        (org_id, after.seq, most),
    ).fetchone()
    return int(row[0])


def has_most(tx: Tx, org_id: str) -> bool:
    """Return whether nearly all of the log seems to be this org's, by a few samples of it."""
    # Two look-ups: SQLite reads the whole table for both in one.
    ends = tx.driver.execute("SELECT (SELECT min(seq) FROM log_event), (SELECT max(seq) FROM log_event)").fetchone()
    if ends is None or ends[0] is None:
        return True
    first, last = ends
    places = {first + (last - first) * part // SAMPLES for part in range(SAMPLES + 1)}
    sql = "SELECT org_id FROM log_event WHERE seq >= ? ORDER BY seq LIMIT 1"
    found = [row[0] for place in places if (row := tx.driver.execute(sql, (place,)).fetchone()) is not None]
    return found.count(org_id) >= len(found) * 3 // 4


def search(tx: Tx, asked: Range, after: Position | None, want: int, max_bytes: int, rows: int = SLICE_ROWS) -> Slice:
    """Return up to *want* events after *after* that filter and keywords let through, from the next *rows* of the log.

    max_bytes: of bodies; the event that exceeds it is the last. Fewer than *want* events say nothing about the rest:
    go on after the slice's position unless it has ended.
    """
    if asked.filter is None and not asked.keywords:
        found = _taken(_rows(tx, asked, after, None, want), asked, want, max_bytes)
        ended = len(found.events) < want and not found.is_cut
        return Slice(found.events, found.last or after, len(found.events), ended)
    edge = None if is_pinned(asked) else _edge(tx, asked, after, rows)
    taken = _taken(_rows(tx, asked, after, edge, SLICE_CANDIDATES), asked, want, max_bytes)
    if len(taken.events) == want or taken.is_cut or taken.seen == SLICE_CANDIDATES:
        return Slice(taken.events, taken.last, taken.seen, False)
    if edge is not None:
        return Slice(taken.events, edge, rows, False)
    return Slice(taken.events, _end(tx, asked, after), taken.seen, True)


class _Taken(NamedTuple):
    events: list[Found]
    last: Position | None
    seen: int
    is_cut: bool  #: whether its bytes or its time ended it


def lets_through(asked: Range, body: bytes) -> bool:
    """Return whether the event is one that filter and keywords ask for.

    Raises: StepsError, if the event holds more than a filter may look at.
    """
    if asked.filter is None and not asked.keywords:
        return True
    event = msgspec.json.decode(body)
    return (asked.filter is None or holds(asked.filter, event, Steps(MAX_STEPS))) and mentions(asked.keywords, event)


def bodies(tx: Tx, positions: Iterable[Position], max_bytes: int) -> list[Found]:
    """Return the events at *positions*, but for those that retention took; one that exceeds max_bytes is the last."""
    found: list[Found] = []
    for position in positions:
        row = tx.driver.execute("SELECT body FROM log_event WHERE seq = ?", (position.seq,)).fetchone()
        if row is not None:
            found.append(Found(position, row[0]))
            max_bytes -= len(row[0])
        if max_bytes < 0:
            break
    return found


def _taken(rows: sa.CursorResult[int, int, bytes], asked: Range, want: int, max_bytes: int) -> _Taken:
    events: list[Found] = []
    last, seen, size = None, 0, 0
    end, cut = time.monotonic() + SLICE_S, False
    with rows:  # a statement left open would hold its snapshot beyond this transaction
        for seq, published, body in rows:
            seen += 1
            last = Position(seq, published)
            if lets_through(asked, body):
                events.append(Found(last, body))
                size += len(body)
            cut = size > max_bytes or time.monotonic() > end
            if cut or len(events) == want:
                break
    return _Taken(events, last, seen, cut)


def _rows(
    tx: Tx, asked: Range, after: Position | None, upto: Position | None, limit: int
) -> sa.CursorResult[int, int, bytes]:
    query = sa.select(_ALL.seq, _ALL.published, _ALL.body).where(*_within(asked, after, upto), *conditions(asked))
    return tx.connection.execute(query.order_by(*_ordering(asked.order)).limit(limit))


def _edge(tx: Tx, asked: Range, after: Position | None, rows: int) -> Position | None:
    """Return where the slice ends, found in the index alone; None if fewer rows are left."""
    query = sa.select(_ALL.seq, _ALL.published) if asked.order is not Order.COMMITTED else sa.select(_ALL.seq)
    query = query.where(*_within(asked, after, None)).order_by(*_ordering(asked.order)).limit(1).offset(rows - 1)
    row = tx.connection.execute(query).first()
    return None if row is None else Position(*row)


def _end(tx: Tx, asked: Range, after: Position | None) -> Position | None:
    if asked.order is not Order.COMMITTED:
        return after
    return Position(max(last_seq(tx, asked.org_id), after.seq if after is not None else 0))


def _within(asked: Range, after: Position | None, upto: Position | None) -> list[sa.ColumnElement[bool]]:
    rules: list[sa.ColumnElement[bool]] = [_ALL.org_id == asked.org_id]
    if asked.order is Order.COMMITTED:
        rules += [_ALL.seq > after.seq] if after is not None else []
        return [*rules, _ALL.seq <= upto.seq] if upto is not None else rules
    low, high = (asked.since, -1), (asked.until or 0, -1)
    if asked.order is Order.NEWEST:
        after, upto = (None if upto is None else _before(upto)), (None if after is None else _before(after))
    low = max(low, (after.published, after.seq)) if after is not None else low
    high = min(high, (upto.published, upto.seq + 1)) if upto is not None else high
    # One bound a side: with two, SQLite seeks by the first and would read the range from its start for every slice.
    place = sa.tuple_(_ALL.published, _ALL.seq)
    return [*rules, place > sa.tuple_(*low), place < sa.tuple_(*high)]


def _before(position: Position) -> Position:
    return Position(position.seq - 1, position.published)


def _ordering(order: Order) -> list[sa.ColumnElement[Any]]:
    if order is Order.COMMITTED:
        return [_ALL.seq.asc()]
    if order is Order.OLDEST:
        return [_ALL.published.asc(), _ALL.seq.asc()]
    return [_ALL.published.desc(), _ALL.seq.desc()]


# ---- what SQLite can rule out ----------------------------------------------------------------------------------------


def conditions(asked: Range) -> list[sa.ColumnElement[bool]]:
    """Return what every row that matches satisfies. Never more: the event decides, these only spare it work."""
    clauses = () if asked.filter is None else required(asked.filter)
    made = [*map(_condition, clauses), *map(_mentioned, asked.keywords)]
    return [condition for condition in made if condition is not None]


def _condition(clause: Clause) -> sa.ColumnElement[bool] | None:
    value = clause.value
    if clause.kind is not Kind.TEXT or clause.operator not in _NEEDED or not isinstance(value, str):
        return None
    if clause.operator is Operator.EQ and clause.path == ("eventType",):
        return _ALL.event_type == value
    if (uuid := _pinned_uuid(clause)) is not None:
        return _ALL.uuid == uuid
    return sa.func.instr(_ALL.body, value.encode()) > 0 if _is_verbatim(value) else None


def _mentioned(word: str) -> sa.ColumnElement[bool] | None:
    if not word.isascii() or not _is_verbatim(word):
        return None
    there = sa.func.instr(sa.func.lower(sa.cast(_ALL.body, sa.Text)), word) > 0
    # SQLite's lower() leaves the one sign alone that is not ASCII and whose lower case is: that of the kelvin.
    return sa.or_(there, sa.func.instr(_ALL.body, "\u212a".encode()) > 0) if "k" in word else there


def _is_verbatim(value: str) -> bool:
    """Return whether a body that holds *value* has its very bytes: our encoder escapes nothing but these."""
    return bool(value) and not any(character in '"\\\x7f' or character < " " for character in value)


def _pinned_uuid(clause: Clause) -> bytes | None:
    if clause.path != ("uuid",) or clause.operator is not Operator.EQ or not isinstance(clause.value, str):
        return None
    try:
        return UUID(clause.value).bytes
    except ValueError:
        return None


def is_pinned(asked: Range) -> bool:
    """Return whether the filter names one uuid: a look-up, however long the log is."""
    return asked.filter is not None and any(_pinned_uuid(clause) is not None for clause in required(asked.filter))
