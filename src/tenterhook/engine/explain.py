"""Explain where one event went: each hook of the org, whether it matched and why not, and its deliveries."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from tenterhook.domain.event_hook import EventHook
from tenterhook.domain.log_event import Tree, without_targets
from tenterhook.domain.principal import Principal
from tenterhook.domain.provenance import MAX_HOPS, went_round
from tenterhook.domain.strict_json import reload
from tenterhook.domain.verdict import HookFilter
from tenterhook.engine.pipeline import Pipeline
from tenterhook.engine.show_deliveries import DeliveryView, views_of
from tenterhook.errors import NotFoundError
from tenterhook.ids import parse_uuid
from tenterhook.store import delivery_views, event_hooks, schema
from tenterhook.store.delivery_views import Row
from tenterhook.store.transaction import Tx

#: What answers call an event that is not there.
KIND = "LogEvent"


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


async def explain(
    pipeline: Pipeline, principal: Principal, uuid: str, *, after: str | None, limit: int
) -> list[Explanation]:
    """Return what each of the org's hooks, living or deleted, made of the event; by hook id, beginning after *after*.

    Raises: NotFoundError, if the log holds no such event.
    """

    def read(tx: Tx) -> list[Explanation]:
        seq, event = _event(tx, principal.org_id, uuid, pipeline.oldest_event())
        carried: dict[str, list[Row]] = {}
        for row in delivery_views.carrying(tx, principal.org_id, seq):
            carried.setdefault(row.hook_id, []).append(row)
        return [
            _explanation(pipeline, tx, (principal.org_id, *found), (seq, event), carried.get(found[0], []))
            for found in _hooks(tx, principal.org_id, after, limit)
        ]

    return await pipeline.database.read(read)


def _event(tx: Tx, org_id: str, uuid: str, since_ms: int) -> tuple[int, Tree]:
    """Return the event's ``seq``, and the event as filters saw it. since_ms: what was recorded before it is gone."""
    table, raw = schema.log_event.c, parse_uuid(uuid)
    rules = (table.org_id == org_id, table.uuid == raw, table.recorded_at >= since_ms)
    statement = sa.select(table.seq, table.body).where(*rules)
    row = None if raw is None else tx.connection.execute(statement).one_or_none()
    if row is None:
        raise NotFoundError(uuid, KIND)
    return row.seq, without_targets(reload(row.body))


def _hooks(tx: Tx, org_id: str, after: str | None, limit: int) -> list[tuple[str, str, bool]]:
    """Return (id, name, whether it lives) of the org's hooks."""
    table = schema.event_hook.c
    statement = sa.select(table.id, table.name, table.deleted.is_(None)).where(table.org_id == org_id)
    if after is not None:
        statement = statement.where(table.id > after)
    rows = tx.connection.execute(statement.order_by(table.id).limit(limit))
    return [(identity, name, bool(lives)) for identity, name, lives in rows]


def _explanation(
    pipeline: Pipeline, tx: Tx, hook: tuple[str, str, str, bool], event: tuple[int, Tree], rows: list[Row]
) -> Explanation:
    org_id, hook_id, name, lives = hook
    seq, tree = event
    then = event_hooks.version_in_force(tx, org_id, hook_id, seq)
    now = event_hooks.get(tx, pipeline.vault, org_id, hook_id) if lives and rows else None
    matched, reason = judge(then, tree)
    return Explanation(
        hook_id=hook_id,
        name=name,
        # What was delivered had matched, whatever is known of the hook today.
        matched=matched or bool(rows),
        reason=reason,
        hook_version=None if then is None else then.version,
        status=None if then is None else then.status,
        verification_status=None if then is None else then.verification_status,
        deliveries=views_of(pipeline, tx, {hook_id: now}, rows),
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
    subscribed = f"The hook subscribed to {event_type}"
    expression = None if then.events.filter is None else then.events.filter.expression_for(event_type)
    if expression is not None:
        judged = HookFilter(expression)
        if not judged.judge(event).matched:
            return False, judged.explain(event)
        subscribed += ", its filter matched"
    if then.verification_status == "UNVERIFIED":
        return True, f"{subscribed}; it was UNVERIFIED again, so its deliveries were held."
    return True, f"{subscribed}, and was ACTIVE and VERIFIED."
