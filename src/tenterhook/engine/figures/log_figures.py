"""Read what a log query finds as figures: how many events when, and which values they have most.

Both are made within a fraction of a second, whatever the log: what there was no time for is said. The histogram of a
query without conditions is counted in the index; everything else looks at the events themselves, newest first.
"""

from __future__ import annotations

import time
from collections import Counter
from functools import partial
from typing import Any, NamedTuple

import msgspec

from tenterhook.domain.cursor import Order, Position
from tenterhook.domain.filter_ast import StepsError
from tenterhook.domain.log_query import DEFAULT_WINDOW_MS, LogQuery
from tenterhook.domain.principal import Principal
from tenterhook.domain.timestamp import DAY_MS
from tenterhook.engine.pipeline import Pipeline
from tenterhook.engine.search_logs import DENSE, FIRST_ROWS, index_words
from tenterhook.store import log_counts, log_search
from tenterhook.store.log_candidates import Published
from tenterhook.store.log_search import Found, Range
from tenterhook.store.transaction import Tx

#: Seconds that the events are looked at, and that they are counted in the index.
LOOKING_S, COUNTING_S = 0.03, 0.04
#: Rows that are passed over without the index, and events that are looked at.
MAX_ROWS = 5_000
#: Rows of one look: 8 ms or less.
_LOOK_ROWS = 500
_MAX_BYTES = 4 * 1024 * 1024
MAX_BUCKETS, MAX_VALUES = 60, 8
#: Characters of a value.
MAX_SHOWN = 255

_SECOND, _MINUTE, _HOUR = 1_000, 60_000, 3_600_000
_STEPS = (
    *(_SECOND, 5 * _SECOND, 10 * _SECOND, 30 * _SECOND, _MINUTE, 2 * _MINUTE, 5 * _MINUTE, 10 * _MINUTE),
    *(15 * _MINUTE, 30 * _MINUTE, _HOUR, 2 * _HOUR, 3 * _HOUR, 4 * _HOUR, 6 * _HOUR, 12 * _HOUR),
    *(DAY_MS, 2 * DAY_MS, 7 * DAY_MS),
)
ATTRIBUTES = ("eventType", "actor.alternateId", "outcome.result", "severity", "client.ipAddress")


class Count(NamedTuple):
    """Events of one bucket."""

    start: int  #: ms
    events: int


class Histogram(msgspec.Struct, frozen=True):
    """How many events were published when."""

    bucket_ms: int
    buckets: list[Count]  #: oldest first, at most `MAX_BUCKETS`, those without events too
    counted: int  #: events in all buckets
    complete: bool  #: no: what was published before `reaches_back_to` was not counted
    reaches_back_to: int  #: ms; the buckets are right from there on


class Facet(msgspec.Struct, frozen=True):
    """The values that one attribute of the events has most."""

    attribute: str  #: as a filter names it
    values: list[tuple[str, int]]  #: with how many of the events that were looked at have it, most first
    distinct: int  #: how many different values those have


class LogFigures(msgspec.Struct, frozen=True):
    """What a log query finds, as figures."""

    since: int  #: ms
    until: int  #: ms, exclusive
    histogram: Histogram
    facets: list[Facet]  #: of `ATTRIBUTES`, in their order
    counted: int  #: events that the facets are made of
    complete: bool  #: whether those are all that the query finds; no: they are the newest ones
    reaches_back_to: int  #: ms; the facets are made of all that was published from there on


class _Looking(msgspec.Struct):
    """What was found of the events themselves."""

    found: dict[str, Counter[str]]
    times: Counter[int] = msgspec.field(default_factory=Counter)
    events: int = 0
    position: Position | None = None
    passed: int = 0
    ended: bool = False

    def add(self, found: list[Found], bucket_ms: int) -> None:
        for one in found:
            self.times[one.position.published // bucket_ms * bucket_ms] += 1
            for attribute, value in zip(ATTRIBUTES, _values(one.body), strict=True):
                if isinstance(value, str):
                    self.found[attribute][value[:MAX_SHOWN]] += 1
        self.events += len(found)


async def read_log_figures(
    pipeline: Pipeline,
    principal: Principal,
    query: LogQuery,
    *,
    looking_s: float = LOOKING_S,
    counting_s: float = COUNTING_S,
) -> LogFigures:
    """Return the figures of what *query* finds between its since and until; its limit, order and cursor do not matter.

    Takes about *looking_s*, and *counting_s* more without filter and keywords.
    """
    until = pipeline.now_ms() + 1 if query.until is None else query.until
    since = max(until - DEFAULT_WINDOW_MS if query.since is None else query.since, pipeline.oldest_event())
    since = min(since, until)
    asked = Range(principal.org_id, Order.NEWEST, since, until, query.filter, query.keywords)
    bucket_ms = _step(until - since)
    looking = _Looking({attribute: Counter() for attribute in ATTRIBUTES})
    try:
        await _look(pipeline, asked, looking, bucket_ms, time.monotonic() + looking_s)
    except StepsError:
        pass  # an event holds more than a filter may look at: what was found before it is told
    reached = since if looking.ended else until if looking.position is None else looking.position.published
    counts, complete, back = dict(looking.times), looking.ended, reached
    if query.filter is None and not query.keywords and not looking.ended:
        counts, complete, back = await _count(pipeline, asked, bucket_ms, time.monotonic() + counting_s)
    buckets = [Count(start, counts.get(start, 0)) for start in range(since // bucket_ms * bucket_ms, until, bucket_ms)]
    return LogFigures(
        since=since,
        until=until,
        histogram=Histogram(bucket_ms, buckets, sum(counts.values()), complete, back),
        facets=[_facet(attribute, looking.found[attribute]) for attribute in ATTRIBUTES],
        counted=looking.events,
        complete=looking.ended,
        reaches_back_to=reached,
    )


def _step(length_ms: int) -> int:
    """Return the shortest step of which `MAX_BUCKETS` hold a length of time, wherever it begins."""
    for step in _STEPS:
        if length_ms // step + 2 <= MAX_BUCKETS:
            return step
    return (length_ms // (MAX_BUCKETS - 2) // DAY_MS + 1) * DAY_MS


def _facet(attribute: str, values: Counter[str]) -> Facet:
    most = sorted(values.items(), key=lambda one: (-one[1], one[0]))[:MAX_VALUES]
    return Facet(attribute, most, len(values))


# ---- the events themselves -------------------------------------------------------------------------------------------


async def _look(pipeline: Pipeline, asked: Range, looking: _Looking, bucket_ms: int, end: float) -> None:
    """Look at events, newest first: row after row what is dense, by the index what is rare and has words."""
    while looking.passed < FIRST_ROWS and not _is_over(looking, end):
        await _scan(pipeline, asked, looking, bucket_ms)
    if _is_over(looking, end):
        return
    if looking.events * DENSE < looking.passed and not log_search.is_pinned(asked):
        words = await index_words(pipeline.database, asked)
        if words is not None and await _look_up(pipeline, asked, looking, bucket_ms, (words, end)):
            return
    while not _is_over(looking, end):
        await _scan(pipeline, asked, looking, bucket_ms)


def _is_over(looking: _Looking, end: float) -> bool:
    return looking.ended or looking.passed >= MAX_ROWS or time.monotonic() > end


async def _scan(pipeline: Pipeline, asked: Range, looking: _Looking, bucket_ms: int) -> None:
    rows = min(_LOOK_ROWS, MAX_ROWS - looking.passed)

    def look(tx: Tx) -> log_search.Slice:
        part = log_search.search(tx, asked, looking.position, rows, _MAX_BYTES, rows)
        looking.add(part.found, bucket_ms)
        return part

    part = await pipeline.database.search(look)
    looking.position, looking.ended = part.position, part.ended
    looking.passed += part.passed


async def _look_up(pipeline: Pipeline, asked: Range, looking: _Looking, bucket_ms: int, how: tuple[str, float]) -> bool:
    """Take what the index has until the time is up (how: words, the end); no if it is of no use."""
    words, end = how
    walk = Published(asked, words, looking.position, MAX_ROWS)
    while not (over := await pipeline.database.search(walk.step)) and time.monotonic() < end:
        pass
    if walk.useless:
        return False
    places, room = walk.found, _MAX_BYTES
    taken: list[Found] = await pipeline.database.search(lambda tx: log_search.bodies(tx, places, room))
    looking.add(taken, bucket_ms)
    looking.ended = over and walk.ended and sum(len(one.body) for one in taken) <= room
    if taken:
        looking.position = taken[-1].position
    return True


class _Named(msgspec.Struct, rename="camel"):
    alternate_id: Any = None
    result: Any = None
    ip_address: Any = None


class _Event(msgspec.Struct, rename="camel"):
    """What facets are made of."""

    event_type: Any = None
    actor: _Named | None = None
    outcome: _Named | None = None
    severity: Any = None
    client: _Named | None = None


_decoder = msgspec.json.Decoder(_Event)
_NOBODY = _Named()


def _values(body: bytes) -> tuple[Any, Any, Any, Any, Any]:
    event = _decoder.decode(body)
    actor, outcome, client = event.actor or _NOBODY, event.outcome or _NOBODY, event.client or _NOBODY
    return event.event_type, actor.alternate_id, outcome.result, event.severity, client.ip_address


# ---- the index alone -------------------------------------------------------------------------------------------------


async def _count(pipeline: Pipeline, asked: Range, bucket_ms: int, end: float) -> tuple[dict[int, int], bool, int]:
    """Count by bucket from the newest back; return the counts, whether they are all, and how far they reach (ms)."""
    until = asked.until or 0
    first = asked.since // bucket_ms * bucket_ms
    starts = list(range(first, until, bucket_ms))[::-1]
    spans = [(max(start, asked.since), min(start + bucket_ms, until)) for start in starts]
    counts: dict[int, int] = {}
    while len(counts) < len(spans):
        left = spans[len(counts) :]
        part = await pipeline.database.search(partial(log_counts.count_published, org_id=asked.org_id, spans=left))
        at = len(counts)
        counts.update(zip(starts[at:], part.counts, strict=False))
        if part.is_cut:
            return counts, False, spans[len(counts) - 1][1]
        if time.monotonic() > end:
            break
    return counts, len(counts) == len(spans), spans[len(counts) - 1][0] if counts else until
