"""Find an org's deliveries across its hooks, newest first: by hook, status, reason, event type and times."""

from __future__ import annotations

import time
from functools import partial

import msgspec

from tenterhook.domain.attempt import Attempt, Reason
from tenterhook.domain.principal import Principal
from tenterhook.domain.timestamp import format_ms, parse_timestamp
from tenterhook.engine.pipeline import Pipeline
from tenterhook.engine.register import known_event_hooks
from tenterhook.engine.show_deliveries import (
    ENTITY,
    STATUSES,
    AttemptView,
    attempt_view,
    hold_reason,
    next_attempt,
    status_of,
)
from tenterhook.errors import InvalidError, QueryTimeoutError
from tenterhook.ids import parse_uuid, uuid_text
from tenterhook.store import delivery_search, delivery_views, event_hooks, expired_rows
from tenterhook.store.delivery_search import ALL_IDS, Contents, Place, Slice, Sought
from tenterhook.store.delivery_views import Row
from tenterhook.store.transaction import Tx

#: Seconds that one page may take.
BUDGET_S = 2.0
#: Rows that the first look passes over, and any other at least and at most.
FIRST_ROWS, MIN_ROWS, MAX_ROWS = 1_000, 200, 20_000
#: A look that takes longer (seconds) is followed by a shorter one.
LONG_LOOK_S = 0.016
MAX_TYPE = 255
#: What ended before a time was made before it, unless the clock was set back meanwhile: this far (ms) is allowed for.
CLOCK_STEP_MS = 60_000

_CURSOR = "must be the eventId of a delivery, taken from a page or its Link header"
_TOO_LONG = (
    "Your last request took too long to complete. A narrower since and until, a hookId, or status=FAILED may succeed."
)


class DeliveryQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which deliveries are asked for; None: all."""

    hook_id: str | None = None
    statuses: frozenset[str] = frozenset()  #: of `STATUSES`; none: all
    reason: Reason | None = None  #: of the last attempt
    event_type: str | None = None  #: it carries an event of this type
    since: int | None = None  #: ms; made then or later
    until: int | None = None  #: ms; made before
    ended_since: int | None = None  #: ms; ended then or later
    ended_until: int | None = None  #: ms; ended before
    after: str | None = None  #: an eventId: those older than it
    before: str | None = None  #: an eventId: those newer than it, the nearest ones
    limit: int = 50


class DeliverySummary(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """One delivery in a list across hooks."""

    id: str
    event_id: str
    hook_id: str
    hook_name: str | None  #: as it is, or was last; None: nobody knows it any more
    origin: str
    status: str
    end_reason: str | None
    hold_reason: str | None
    event_count: int
    event_types: list[str]  #: of its first events, each once
    created: str
    ended: str | None
    attempt_count: int
    last_attempt: AttemptView | None
    next_attempt: str | None


class DeliveryPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of deliveries, newest first."""

    deliveries: list[DeliverySummary]
    older: str | None  #: the ``after`` of the page of older ones; None: there are none
    newer: str | None  #: the ``before`` of the page of newer ones; None: there are none, or this is the first page
    complete: bool  #: no: the time was up before the page was full; `older` or `newer` leads on
    reaches_back_to: str | None  #: if not complete: when the delivery was made that was looked at last


class _Finding(msgspec.Struct):
    rows: list[Row]
    place: Place | None
    look_rows: int = FIRST_ROWS
    ended: bool = False
    complete: bool = True


def read_delivery_query(given: dict[str, str], limit: int, after: str | None) -> DeliveryQuery:
    """Return what query parameters ask for; an empty one asks for something that there is not, unless it is any text.

    limit and after were read already.

    Raises: InvalidError, with every problem.
    """
    problems: list[str] = []
    statuses = frozenset(part.strip() for part in given["status"].split(",")) if "status" in given else frozenset()
    if not statuses <= set(STATUSES):
        problems.append(f"status: must be one or more of {', '.join(STATUSES)}, with commas between")
    reason = given.get("reason")
    if reason is not None and reason not in set(Reason):
        problems.append(f"reason: must be one of {', '.join(Reason)}")
    event_type = given.get("eventType") or None
    if event_type is not None and len(event_type) > MAX_TYPE:
        problems.append(f"eventType: must be the name of an event type, at most {MAX_TYPE} characters")
    since, until = _span(given, ("since", "until"), problems)
    ended_since, ended_until = _span(given, ("endedSince", "endedUntil"), problems)
    if problems:
        raise InvalidError(ENTITY, problems)
    return DeliveryQuery(
        hook_id=given.get("hookId") or None,
        statuses=statuses,
        reason=None if reason is None else Reason(reason),
        event_type=event_type,
        since=since,
        until=until,
        ended_since=ended_since,
        ended_until=ended_until,
        after=after,
        limit=limit,
    )


def _span(given: dict[str, str], names: tuple[str, str], problems: list[str]) -> tuple[int | None, int | None]:
    times: list[int | None] = []
    for name in names:
        text = given.get(name)
        times.append(None if text is None else parse_timestamp(text))
        if text is not None and times[-1] is None:
            problems.append(f"{name}: must be a date-time in ISO 8601, such as 2026-01-02T03:04:05.678Z")
    since, until = times
    if since is not None and until is not None and since > until:
        problems.append(f"{names[0]}: must not be after {names[1]}")
    return since, until


async def find_deliveries(
    pipeline: Pipeline, principal: Principal, query: DeliveryQuery, *, budget_s: float = BUDGET_S
) -> DeliveryPage:
    """Return the deliveries of the caller's org that *query* asks for; what is found within *budget_s*, and how far.

    Raises: InvalidError, if the hook never was, or a cursor is no delivery of the org.
    """
    end = time.monotonic() + budget_s
    hooks = {one.id: one for one in known_event_hooks(pipeline, principal)}
    held = tuple(one.id for one in hooks.values() if not one.runnable)
    newer = query.before is not None

    def begin(tx: Tx) -> tuple[Sought, _Finding, Slice, float]:
        sought, place = _sought(pipeline, tx, principal, query, held)
        began = time.monotonic()
        first = delivery_search.look(tx, sought, place, newer, query.limit + 1, FIRST_ROWS)
        return sought, _Finding([], place), first, time.monotonic() - began

    sought, finding, part, took_s = await pipeline.database.read(begin)
    while True:
        finding.rows += part.rows
        finding.place, finding.ended = part.place, part.ended
        missing = query.limit + 1 - len(finding.rows)
        if finding.ended or missing <= 0:
            break
        if time.monotonic() > end:
            finding.complete = False
            break
        pace = finding.look_rows // 4 if took_s > LONG_LOOK_S else finding.look_rows * 2
        finding.look_rows = min(max(pace, MIN_ROWS), MAX_ROWS)
        look = partial(
            delivery_search.look,
            sought=sought,
            after=finding.place,
            newer=newer,
            want=missing,
            rows=finding.look_rows,
        )
        began = time.monotonic()
        part = await pipeline.database.search(look)
        took_s = time.monotonic() - began
    return await pipeline.database.read(lambda tx: _page(pipeline, tx, principal, query, finding))


async def list_all_deliveries(
    pipeline: Pipeline, principal: Principal, query: DeliveryQuery, *, budget_s: float = BUDGET_S
) -> DeliveryPage:
    """Return the same, or nothing: a page that is short for want of time is refused.

    Raises: InvalidError, as `find_deliveries`; QueryTimeoutError.
    """
    page = await find_deliveries(pipeline, principal, query, budget_s=budget_s)
    if not page.complete:
        raise QueryTimeoutError(_TOO_LONG)
    return page


def _sought(
    pipeline: Pipeline, tx: Tx, principal: Principal, query: DeliveryQuery, held: tuple[str, ...]
) -> tuple[Sought, Place | None]:
    org_id = principal.org_id
    if query.hook_id is not None and not event_hooks.ever_lived(tx, org_id, query.hook_id):
        raise InvalidError(ENTITY, ["hookId: this org never had an event hook of this id"])
    sought = Sought(
        org_id=org_id,
        hook_id=query.hook_id,
        statuses=query.statuses,
        held_hooks=held,
        reason=query.reason,
        event_type=query.event_type,
        ids=_ids(tx, query),
        ended_since=query.ended_since,
        ended_until=query.ended_until,
        now_ms=pipeline.now_ms(),
        boot=pipeline.lanes.boot,
    )
    name, cursor = ("before", query.before) if query.before is not None else ("after", query.after)
    return sought, None if cursor is None else _place(tx, org_id, name, cursor)


def _ids(tx: Tx, query: DeliveryQuery) -> tuple[int, int]:
    """Return the first and the last id of what can be asked for: ids rise as deliveries are made.

    What ended late may have been made at any time before: a bound of the end says nothing of the first.
    """
    first, last = ALL_IDS
    if query.since is not None:
        first = expired_rows.last_delivery_before(tx, query.since) + 1
    ends = [] if query.until is None else [query.until]
    if query.ended_until is not None:
        ends.append(query.ended_until + CLOCK_STEP_MS)
    if ends:
        last = expired_rows.last_delivery_before(tx, min(ends))
    return first, last


def _place(tx: Tx, org_id: str, name: str, cursor: str) -> Place:
    raw = parse_uuid(cursor)
    row = None if raw is None else delivery_views.get(tx, org_id, raw)
    if row is None:
        raise InvalidError(ENTITY, [f"{name}: {_CURSOR}"])
    return Place(row.id, row.event_id)


def _page(pipeline: Pipeline, tx: Tx, principal: Principal, query: DeliveryQuery, finding: _Finding) -> DeliveryPage:
    has_more = len(finding.rows) > query.limit
    rows = finding.rows[: query.limit]
    newer = query.before is not None
    if newer:
        rows.reverse()
    onward: str | None = None
    if has_more:
        onward = uuid_text((rows[0] if newer else rows[-1]).event_id)
    elif not finding.complete and finding.place is not None:
        onward = uuid_text(finding.place.event_id)
    back = None
    if newer or query.after is not None:
        back = uuid_text((rows[-1] if newer else rows[0]).event_id) if rows else query.before or query.after
    return DeliveryPage(
        deliveries=_summaries(pipeline, tx, principal, rows),
        older=back if newer else onward,
        newer=onward if newer else back,
        complete=finding.complete,
        reaches_back_to=None if finding.complete else _made(tx, principal.org_id, finding.place),
    )


def _made(tx: Tx, org_id: str, place: Place | None) -> str | None:
    row = None if place is None else delivery_views.get(tx, org_id, place.event_id)
    return None if row is None else format_ms(row.created)


def _summaries(pipeline: Pipeline, tx: Tx, principal: Principal, rows: list[Row]) -> list[DeliverySummary]:
    ids = [row.id for row in rows]
    contents = delivery_search.contents_of(tx, ids, pipeline.oldest_event())
    attempts = delivery_search.last_attempts(tx, principal.org_id, ids, pipeline.oldest_attempt())
    names = event_hooks.names_of(tx, principal.org_id, {row.hook_id for row in rows})
    return [_summary(pipeline, row, contents[row.id], attempts.get(row.id), names.get(row.hook_id)) for row in rows]


def _summary(
    pipeline: Pipeline, row: Row, contents: Contents, attempt: Attempt | None, name: str | None
) -> DeliverySummary:
    hook = pipeline.subscriptions.committed.get(row.hook_id)
    held = hold_reason(row, hook, pipeline.now_ms())
    identity = uuid_text(row.event_id)
    return DeliverySummary(
        id=identity,
        event_id=identity,
        hook_id=row.hook_id,
        hook_name=name,
        origin=row.origin,
        status=status_of(row, held),
        end_reason=row.end_reason,
        hold_reason=held,
        event_count=contents.events,
        event_types=contents.types,
        created=format_ms(row.created),
        ended=None if row.ended_at is None else format_ms(row.ended_at),
        attempt_count=row.attempt_no,
        last_attempt=None if attempt is None else attempt_view(attempt),
        next_attempt=next_attempt(row, held),
    )
