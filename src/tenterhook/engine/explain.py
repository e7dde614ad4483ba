"""Explain where one event went: each hook of the org, whether it matched and why not, and its deliveries."""

from __future__ import annotations

import asyncio
from time import monotonic

import msgspec

from tenterhook.domain.event_hook import EventHook
from tenterhook.domain.log_event import Tree, without_targets
from tenterhook.domain.principal import Principal
from tenterhook.domain.provenance import MAX_HOPS, went_round
from tenterhook.domain.strict_json import reload
from tenterhook.domain.verdict import HookFilter
from tenterhook.engine.list_event_types import doubt_of
from tenterhook.engine.pipeline import Pipeline
from tenterhook.engine.show_deliveries import DeliveryView, views_of
from tenterhook.errors import NotFoundError, QueryTimeoutError
from tenterhook.ids import parse_uuid
from tenterhook.store import delivery_views, event_hooks, log_events
from tenterhook.store.delivery_views import Row
from tenterhook.store.transaction import Tx

#: What answers call an event that is not there.
KIND = "LogEvent"
#: Seconds that one page may take.
BUDGET_S = 5.0
#: What is judged in one go, on a reading thread: so many hooks, and none more after so many seconds.
SLICE_HOOKS, SLICE_S = 10, 0.01

_TOO_LONG = "Your last request took too long to complete. A smaller limit may succeed."


class Explanation(msgspec.Struct, frozen=True, rename="camel"):
    """What one hook made of one event."""

    hook_id: str
    name: str  #: today's
    matched: bool
    reason: str  #: in words
    hook_version: int | None  #: in force when the event was logged; None: the hook did not exist
    status: str | None  #: then
    verification_status: str | None  #: then
    deliveries: list[DeliveryView]


class _Asked(msgspec.Struct, frozen=True):
    """What a page is about."""

    org_id: str
    seq: int
    event: Tree  #: as filters saw it
    carried: dict[str, list[Row]]  #: the deliveries that carry it, by hook id
    hooks: list[tuple[str, str, bool]]  #: id, today's name, whether it lives


async def explain(
    pipeline: Pipeline, principal: Principal, uuid: str, *, after: str | None, limit: int, carried: bool | None = None
) -> list[Explanation]:
    """Return what each of the org's hooks made of the event; by hook id, beginning after *after*.

    Told are the hooks that live, and those that lived when the event was logged.
    carried: only those to which a delivery carries it, or only the others; None: all.
    Raises: NotFoundError, if the log holds no such event; QueryTimeoutError.
    """
    org_id = principal.org_id

    def begin(tx: Tx) -> _Asked:
        seq, logged = find_event(pipeline, tx, org_id, uuid)
        rows: dict[str, list[Row]] = {}
        for row in delivery_views.carrying(tx, org_id, seq):
            rows.setdefault(row.hook_id, []).append(row)
        if carried:
            names = event_hooks.names_of(tx, org_id, rows.keys())
            living = pipeline.subscriptions.committed
            hooks = [(id, names[id], id in living) for id in sorted(names) if after is None or id > after][:limit]
        else:
            hooks = event_hooks.names(tx, org_id, seq, after, limit, () if carried is None else rows.keys())
        return _Asked(org_id, seq, without_targets(logged), rows, hooks)

    try:
        async with asyncio.timeout(BUDGET_S):
            asked = await pipeline.database.read(begin)
            found = await pipeline.database.read(lambda tx: _slice(pipeline, tx, asked, 0))
            if len(found) < len(asked.hooks):
                async with pipeline.long_searches.turn(org_id):
                    await _go_on(pipeline, asked, found)
    except TimeoutError as error:
        raise QueryTimeoutError(_TOO_LONG) from error
    return found


async def show_event(pipeline: Pipeline, principal: Principal, uuid: str) -> Tree:
    """Return the org's event as the log has it.

    Raises: NotFoundError.
    """
    _, event = await pipeline.database.read(lambda tx: find_event(pipeline, tx, principal.org_id, uuid))
    return event


async def doubt_type(pipeline: Pipeline, principal: Principal, uuid: str) -> str | None:
    """Return what is wrong with the type of the org's event, if the org knows no such type, else None.

    Raises: NotFoundError.
    """

    def look(tx: Tx) -> str | None:
        _, event = find_event(pipeline, tx, principal.org_id, uuid)
        return doubt_of(tx, principal.org_id, str(event["eventType"]))

    return await pipeline.database.read(look)


async def _go_on(pipeline: Pipeline, asked: _Asked, found: list[Explanation]) -> None:
    """Add what the other hooks made of the event, in many reads: others' reads come between them."""

    def more(tx: Tx) -> list[Explanation]:
        return _slice(pipeline, tx, asked, len(found))

    while len(found) < len(asked.hooks):
        found += await pipeline.database.read(more)


def _slice(pipeline: Pipeline, tx: Tx, asked: _Asked, at: int) -> list[Explanation]:
    """Return what the hooks from *at* on made of the event: of some, and of no more once `SLICE_S` have passed."""
    until = monotonic() + SLICE_S
    found: list[Explanation] = []
    for hook in asked.hooks[at : at + SLICE_HOOKS]:
        found.append(_explanation(pipeline, tx, asked, hook))
        if monotonic() > until:
            break
    return found


def find_event(pipeline: Pipeline, tx: Tx, org_id: str, uuid: str) -> tuple[int, Tree]:
    """Return the ``seq`` of the org's event, and the event as the log has it.

    Raises: NotFoundError, also for what is beyond retention and not gone yet.
    """
    raw = parse_uuid(uuid)
    found = None if raw is None else log_events.get(tx, org_id, raw, pipeline.oldest_event())
    if found is None:
        raise NotFoundError(uuid, KIND)
    seq, body = found
    return seq, reload(body)


def _explanation(pipeline: Pipeline, tx: Tx, asked: _Asked, hook: tuple[str, str, bool]) -> Explanation:
    hook_id, name, lives = hook
    org_id, rows = asked.org_id, asked.carried.get(hook_id, [])
    now = pipeline.subscriptions.committed.get(hook_id) if lives else None
    then = now
    # Most hooks are today as they were: reading a version from the database costs a hundred times as much.
    if now is None or now.version != event_hooks.version_number_in_force(tx, org_id, hook_id, asked.seq):
        then = event_hooks.version_in_force(tx, org_id, hook_id, asked.seq)
    matched, reason = judge(then, asked.event)
    return Explanation(
        hook_id=hook_id,
        name=name,
        # What was delivered had matched, whatever is known of the hook today.
        matched=matched or bool(rows),
        reason=reason,
        hook_version=None if then is None else then.version,
        status=None if then is None else then.status,
        verification_status=None if then is None else then.verification_status,
        deliveries=views_of(pipeline, tx, {hook_id: now}, rows) if rows else [],
    )


def judge(then: EventHook | None, event: Tree) -> tuple[bool, str]:
    """Return whether a hook, as it was *then*, matched this event, and why or why not."""
    event_type = event["eventType"]
    if then is None:
        return False, "The hook did not exist yet when the event was logged."
    if then.deleted:
        return False, "The hook had been deleted when the event was logged."
    if not then.wants(event_type):
        return False, f"The hook did not subscribe to {event_type} when the event was logged."
    if then.status == "INACTIVE":
        return False, "The hook was INACTIVE when the event was logged."
    if not then.subscribed:
        return False, "The hook was UNVERIFIED when the event was logged, and had never been verified."
    if went_round(event):
        return False, f"The event had come in by way of event hooks {MAX_HOPS} times, so it went to no hook any more."
    subscribed, matched = f"The hook subscribed to {event_type}", ""
    expression = None if then.events.filter is None else then.events.filter.expression_for(event_type)
    if expression is not None:
        chosen = HookFilter(expression)
        verdict = chosen.judge(event)
        if not verdict.matched:
            return False, chosen.explain(event, verdict)
        matched = ", its filter matched"
    if then.verification_status == "UNVERIFIED":
        return True, f"{subscribed}{matched}; it was UNVERIFIED again, so its deliveries were held."
    return True, f"{subscribed}{matched}, and it was ACTIVE and VERIFIED."
