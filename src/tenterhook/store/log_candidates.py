"""Finding sparse events of the log through its index: candidates by their words, each judged by the event itself.

A walk belongs to one page and goes step by step, each step a short read of its own. It is about the log as it was when
the walk began: what is indexed or appended meanwhile changes nothing for it. It keeps places only, at most as many as
the page wants, so its memory does not grow with the log.

`Committed` walks by ``seq``, as the index does. `Published` walks by ``published``, which it does not: a window of time
after the other, in each through the spans that have something of that time. Events published long before they were
recorded make spans overlap, and windows costlier, but nothing is missed.
"""

from __future__ import annotations

import time
from itertools import pairwise
from typing import Any, NamedTuple

import sqlalchemy as sa

from tenterhook.domain.cursor import Order, Position
from tenterhook.store import log_index
from tenterhook.store.log_events import last_seq
from tenterhook.store.log_search import Range, conditions, lets_through
from tenterhook.store.schema import log_event
from tenterhook.store.transaction import Tx

#: How many candidates one look judges.
CANDIDATES = 300
#: How long one step goes on looking, and how long one look should take (seconds).
STEP_S = 0.008
LOOK_S = 0.004
#: How many ``seq`` one look at the index spans: at first, at least and at most. Words that are common each and rare
#: together cost by this, not by what is found.
REACH, MIN_REACH, MAX_REACH = 100_000, 4_000, 4_000_000
#: How many ``seq`` of the tail one look passes over, and with how many the index is of no use for `Published`.
TAIL_ROWS = 5_000
MAX_TAIL = 100_000
#: Spans of the first window, and how much a window may grow over the one before.
FIRST_SPANS, GROWTH = 8, 8
#: Before every seq, up or down.
_FIRST = -(1 << 63)
#: Runs of spans that one window looks at apart; what lies between further ones is looked at with them.
MAX_RUNS = 16

_ALL = log_event.c
#: A step of the index, whatever becomes of the candidates: the words' own limit bounds it.
_WORDS = sa.text(
    "SELECT rowid AS seq FROM log_text WHERE log_text MATCH :words AND rowid BETWEEN :first AND :last"
    " ORDER BY rowid LIMIT :most"
).columns(sa.column("seq", sa.Integer))


class _Look(NamedTuple):
    found: list[Position]
    last: int  #: the seq that was looked at last


class Committed:
    """A page's walk in the order of commits, as far as the index reaches."""

    def __init__(self, asked: Range, words: str, after: Position | None, want: int) -> None:
        self._asked, self._words, self._want = asked, words, want
        self._upto: int | None = None
        self._reach = REACH
        #: What was found, in order.
        self.found: list[Position] = []
        #: The last place that was passed.
        self.position = after or Position(0)

    def step(self, tx: Tx) -> bool:
        """Look on for a moment; return whether the walk is over: the page is full, or the tail begins."""
        if self._upto is None:
            self._upto = log_index.indexed_upto(tx)
        end = time.monotonic() + STEP_S
        while len(self.found) < self._want and self.position.seq < self._upto:
            if time.monotonic() > end:
                return False
            first = self.position.seq + 1
            began = time.monotonic()
            look = _look(tx, self._asked, self._words, (first, min(self._upto, first + self._reach)), None)
            self._reach = _paced(self._reach, time.monotonic() - began)
            self.found += look.found[: self._want - len(self.found)]
            full = len(self.found) == self._want
            self.position = Position(self.found[-1].seq if full else look.last)
        return True


class Published:
    """A page's walk in the order of publishing, up or down."""

    def __init__(self, asked: Range, words: str, after: Position | None, want: int) -> None:
        self._asked, self._words, self._want = asked, words, want
        self._down = asked.order is Order.NEWEST
        until = asked.until or 0
        # In both orders the walk goes up in _key, which is the time or its negative.
        self._begin, self._stop = (1 - until, 1 - asked.since) if self._down else (asked.since, until)
        self._after = None if after is None else self._key(after)
        self._upto = self._tail_at = self._last = -1
        self._tail: list[Position] = []
        self._spans, self._reach = FIRST_SPANS, REACH
        self._window: _Window | None = None
        #: What was found, in order.
        self.found: list[Position] = []
        #: Whether nothing is left after what was found.
        self.ended = False
        #: Whether the index knows so little yet that a scan is as good; nothing was found then.
        self.useless = False

    def step(self, tx: Tx) -> bool:
        """Look on for a moment; return whether the walk is over: the page is full, or nothing is left."""
        if self._last < 0:
            self._upto = self._tail_at = log_index.indexed_upto(tx)
            self._last = last_seq(tx, self._asked.org_id)
            self.useless = not self._upto or self._last - self._upto > MAX_TAIL
        end = time.monotonic() + STEP_S
        while not (self.ended or self.useless or len(self.found) >= self._want):
            if time.monotonic() > end:
                return False
            if self._tail_at < self._last:
                self._look_at_tail(tx)
            else:
                self._look_at_window(tx)
        return True

    def _key(self, position: Position) -> tuple[int, int]:
        if self._down:
            return -position.published, -position.seq
        return position.published, position.seq

    def _published(self, low: int, high: int) -> tuple[int, int]:
        """Return the times [from, to) that keys of [low, high) have."""
        return (1 - high, 1 - low) if self._down else (low, high)

    def _kept(self, places: list[Position], most: int) -> list[Position]:
        """Return the first *most* of *places* in the walk's order, without those that former pages had."""
        after = self._after
        return sorted((one for one in places if after is None or self._key(one) > after), key=self._key)[:most]

    def _look_at_tail(self, tx: Tx) -> None:
        """Judge some of what is not indexed yet, by seq, and keep what the page could want of it."""
        upto = min(self._last, self._tail_at + TAIL_ROWS)
        query = (
            sa.select(_ALL.seq, _ALL.published, _ALL.body)
            .where(_ALL.org_id == self._asked.org_id, _ALL.seq > self._tail_at, _ALL.seq <= upto)
            .where(*conditions(self._asked))
            .order_by(_ALL.seq)
            .limit(CANDIDATES)
        )
        start = self._begin if self._after is None else self._after[0]
        low, high = self._published(start, self._stop)
        seen, last = 0, upto
        end, cut = time.monotonic() + STEP_S, False
        with tx.connection.execute(query) as rows:
            for seq, published, body in rows:
                seen, last = seen + 1, seq
                if low <= published < high and lets_through(self._asked, body):
                    self._tail.append(Position(seq, published))
                if cut := time.monotonic() > end:
                    break
        self._tail_at = last if cut or seen == CANDIDATES else upto
        self._tail = self._kept(self._tail, self._want)

    def _look_at_window(self, tx: Tx) -> None:
        """Judge some candidates of the window; when it has been seen whole, take what it has and go on to the next."""
        window = self._window
        if window is None:
            window = self._window = self._next_window(tx)
        if window.runs:
            first, last = window.runs[0]
            began = time.monotonic()
            times = self._published(window.low, window.high)
            look = _look(tx, self._asked, self._words, (first, min(last, first + self._reach)), times)
            self._reach = _paced(self._reach, time.monotonic() - began)
            window.found = self._kept(window.found + look.found, self._want - len(self.found))
            window.count += len(look.found)
            window.runs = [(look.last + 1, last), *window.runs[1:]] if look.last < last else window.runs[1:]
        if not window.runs:
            self._close(window)

    def _next_window(self, tx: Tx) -> _Window:
        low = self._begin if self._after is None else self._after[0]
        bound = "-newest" if self._down else "oldest"
        row = tx.driver.execute(
            f"SELECT {bound} FROM log_span WHERE {bound} > ? ORDER BY {bound} LIMIT 1 OFFSET ?",  # noqa: S608
            (low, self._spans - 1),
        ).fetchone()
        high = self._stop if row is None else min(row[0], self._stop)
        since, until = self._published(low, high)
        spans: list[tuple[Any, ...]] = tx.driver.execute(
            "SELECT first_seq, last_seq FROM log_span WHERE newest >= ? AND oldest < ? ORDER BY first_seq",
            (since, until),
        ).fetchall()
        return _Window(low, high, _runs([(int(first), min(int(last), self._upto)) for first, last in spans]))

    def _close(self, window: _Window) -> None:
        tail = [one for one in self._tail if self._key(one)[0] < window.high]
        self._tail = [one for one in self._tail if self._key(one)[0] >= window.high]
        self.found += self._kept(window.found + tail, self._want - len(self.found))
        self.ended = window.high >= self._stop and len(self.found) < self._want
        self._after = (window.high, _FIRST)
        self._window = None
        missing = self._want - len(self.found)
        # As many spans as should hold what is missing, if the log goes on as it was here.
        wanted = self._spans * missing * 5 // (window.count * 4) if window.count else self._spans * GROWTH
        self._spans = max(1, min(wanted, self._spans * GROWTH))


class _Window:
    def __init__(self, low: int, high: int, runs: list[tuple[int, int]]) -> None:
        self.low, self.high = low, high  #: keys of time, from and to
        self.runs = runs  #: (first, last) seq that are still to be looked at
        self.found: list[Position] = []
        self.count = 0


def _look(tx: Tx, asked: Range, words: str, seqs: tuple[int, int], times: tuple[int, int] | None) -> _Look:
    """Judge the candidates among *seqs* (first, last), published in *times* (from, to): as many as a look may."""
    first, last = seqs
    if first > last:
        return _Look([], last)
    asks = _WORDS.bindparams(words=words, first=first, last=last, most=CANDIDATES).subquery()
    rules = [_ALL.seq == asks.c.seq, _ALL.org_id == asked.org_id, *conditions(asked)]
    if times is not None:
        rules += [_ALL.published >= times[0], _ALL.published < times[1]]
    joined = asks.outerjoin(log_event, sa.and_(*rules))
    query = sa.select(asks.c.seq, _ALL.published, _ALL.body).select_from(joined).order_by(asks.c.seq)
    found: list[Position] = []
    seen, furthest = 0, first
    end, cut = time.monotonic() + STEP_S, False
    with tx.connection.execute(query) as rows:
        for seq, published, body in rows:
            seen, furthest = seen + 1, max(seq, furthest)
            if body is not None and lets_through(asked, body):
                found.append(Position(seq, published))
            if cut := time.monotonic() > end:
                break
    return _Look(found, furthest if cut or seen == CANDIDATES else last)


def _paced(reach: int, took_s: float) -> int:
    """Return how far the next look goes, by how long this one took."""
    if took_s > 2 * LOOK_S:
        return max(reach // 4, MIN_REACH)
    return min(reach * 4, MAX_REACH) if took_s < LOOK_S else reach


def _runs(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return *spans* (first, last; in order) as few runs: those that touch are one, and so are the nearest of many."""
    spans = [(first, last) for first, last in spans if first <= last]
    gaps = sorted((after[0] - before[1] for before, after in pairwise(spans)), reverse=True)
    widest = max(gaps[MAX_RUNS - 1] if len(gaps) >= MAX_RUNS else 1, 1)
    runs: list[tuple[int, int]] = []
    for first, last in spans:
        if runs and first - runs[-1][1] <= widest:
            runs[-1] = (runs[-1][0], last)
        else:
            runs.append((first, last))
    return runs
