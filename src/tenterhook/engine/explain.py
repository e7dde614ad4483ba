"""Explain where one event went: each hook of the org, whether it matched and why not, and its deliveries."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from tenterhook.domain.event_hook import EventHook
from tenterhook.domain.principal import Principal
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
        seq, event_type = _event(tx, principal.org_id, uuid)
        carried: dict[str, list[Row]] = {}
        for row in delivery_views.carrying(tx, principal.org_id, seq):
            carried.setdefault(row.hook_id, []).append(row)
        return [
            _explanation(pipeline, tx, (principal.org_id, *found), (seq, event_type), carried.get(found[0], []))
            for found in _hooks(tx, principal.org_id, after, limit)
        ]

    return await pipeline.database.read(read)


def _event(tx: Tx, org_id: str, uuid: str) -> tuple[int, str]:
    table, raw = schema.log_event.c, parse_uuid(uuid)
    statement = sa.select(table.seq, table.event_type).where(table.org_id == org_id, table.uuid == raw)
    row = None if raw is None else tx.connection.execute(statement).one_or_none()
    if row is None:
        raise NotFoundError(uuid, KIND)
    return row.seq, row.event_type


def _hooks(tx: Tx, org_id: str, after: str | None, limit: int) -> list[tuple[str, str, bool]]:
    """Return (id, name, whether it lives) of the org's hooks."""
    table = schema.event_hook.c
    statement = sa.select(table.id, table.name, table.deleted.is_(None)).where(table.org_id == org_id)
    if after is not None:
        statement = statement.where(table.id > after)
    rows = tx.connection.execute(statement.order_by(table.id).limit(limit))
    return [(identity, name, bool(lives)) for identity, name, lives in rows]


def _explanation(
    pipeline: Pipeline, tx: Tx, hook: tuple[str, str, str, bool], event: tuple[int, str], rows: list[Row]
) -> Explanation:
    org_id, hook_id, name, lives = hook
    seq, event_type = event
    then = event_hooks.version_in_force(tx, org_id, hook_id, seq)
    now = event_hooks.get(tx, pipeline.vault, org_id, hook_id) if lives and rows else None
    matched, reason = judge(then, event_type)
    return Explanation(
        hook_id=hook_id,
        name=name,
        # What was delivered had matched, whatever is known of the hook today.
        matched=matched or bool(rows),
        reason=reason,
        hook_version=None if then is None else then.version,
        status=None if then is None else then.status,
        verification_status=None if then is None else then.verification_status,
        deliveries=views_of(tx, {hook_id: now}, rows),
    )


def judge(then: EventHook | None, event_type: str) -> tuple[bool, str]:
    """Return whether a hook, as it was *then*, matched an event of this type, and why or why not."""
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
    if then.verification_status == "UNVERIFIED":
        return True, f"The hook subscribed to {event_type}; it was UNVERIFIED again, so its deliveries were held."
    return True, f"The hook subscribed to {event_type}, and was ACTIVE and VERIFIED."
