"""Retry or cancel one delivery, because a person says so."""

from __future__ import annotations

from tenterhook.domain.act import Act, hook_target
from tenterhook.domain.principal import Principal
from tenterhook.domain.timestamp import format_ms
from tenterhook.engine.pipeline import Pipeline
from tenterhook.engine.record import record_act
from tenterhook.engine.show_deliveries import ENTITY, DeliveryView, find_delivery, whole_view
from tenterhook.errors import InvalidError
from tenterhook.ids import uuid_text
from tenterhook.store import delivery_views, event_hooks
from tenterhook.store.delivery_views import Row
from tenterhook.store.quotas import HOLD
from tenterhook.store.schema import State
from tenterhook.store.transaction import Tx


async def retry_delivery(pipeline: Pipeline, principal: Principal, event_id: str) -> DeliveryView:
    """Let a FAILED or waiting delivery go once more now, under the same eventId, and return it.

    One that its hook holds is due from now on and stays held: its ``holdReason`` says why. A failed one whose policy is
    used up gets this one attempt.
    Raises: NotFoundError; InvalidError, if it is under way, was delivered, is held by the quota, or has nothing or
    nowhere to go.
    """

    def store(tx: Tx) -> DeliveryView:
        row = find_delivery(tx, principal.org_id, event_id)
        _refuse(why_not_retry(pipeline, tx, row))
        delivery_views.make_due(tx, row, pipeline.now_ms())
        tx.after_commit_on_loop(lambda: pipeline.lanes.wake(row.hook_id))
        return whole_view(pipeline, tx, find_delivery(tx, principal.org_id, event_id))

    return await pipeline.database.write(store)


async def cancel_delivery(pipeline: Pipeline, principal: Principal, event_id: str) -> DeliveryView:
    """End a delivery that has not ended: FAILED, ``endReason`` CANCELLED, and log it.

    An attempt that is under way is not cut off; it is still recorded, and changes nothing any more.
    Raises: NotFoundError; InvalidError, if it has ended.
    """

    def store(tx: Tx) -> DeliveryView:
        row = find_delivery(tx, principal.org_id, event_id)
        if row.state in (State.DELIVERED, State.FAILED):
            _refuse(f"status: This delivery has ended ({row.state.name}); only one that waits can be cancelled.")
        _free_place(pipeline, tx, row)
        delivery_views.cancel(tx, row, pipeline.now_ms())
        _log_cancelled(pipeline, tx, principal, row)
        if row.state is State.CLAIMED:
            tx.after_commit_on_loop(lambda: pipeline.lanes.drop(row.hook_id, row.id))
        return whole_view(pipeline, tx, find_delivery(tx, principal.org_id, event_id))

    return await pipeline.database.write(store)


def why_not_retry(pipeline: Pipeline, tx: Tx, row: Row) -> str | None:
    """Return why nobody may retry a delivery now, as a problem of it; None: anybody who may retry may."""
    if row.state is State.DELIVERED:
        return "status: This delivery was DELIVERED; there is nothing to retry."
    if row.state is State.CLAIMED:
        return "status: An attempt of this delivery is under way or about to begin; wait for its outcome."
    if event_hooks.get(tx, pipeline.vault, row.org_id, row.hook_id) is None:
        return "hookId: The event hook of this delivery was deleted; there is nowhere to send it."
    if not delivery_views.uuids_of(tx, [row.id], pipeline.oldest_event())[row.id]:
        return "events: The System Log does not hold the events of this delivery any more."
    return _why_held_back(pipeline, row)


def _why_held_back(pipeline: Pipeline, row: Row) -> str | None:
    """Return why the quota lets nobody send this at once: held, or cancelled before its window had come."""
    limit = pipeline.limits.events_per_24h
    if limit is None or row.hold != HOLD or row.attempt_no or row.due_at <= (row.ended_at or pipeline.now_ms()):
        return None
    quota = f"the quota of {limit:,} events in 24 hours (TENTERHOOK_LIMIT_EVENTS_PER_24H)"
    if row.state is State.READY:
        return f"status: This delivery is held by {quota}. It goes out by itself at {format_ms(row.due_at)}."
    return (
        f"status: This delivery was cancelled while it was held by {quota}; its place was given to others. Publish the "
        "event anew."
    )


def _free_place(pipeline: Pipeline, tx: Tx, row: Row) -> None:
    """Let others have the place of what the quota holds and now will not."""
    if row.awaits_window(pipeline.now_ms()):
        tx.after_commit_on_loop(lambda: pipeline.freed.note([row.org_id]))


def _refuse(why: str | None) -> None:
    if why is not None:
        raise InvalidError(ENTITY, [why])


def _log_cancelled(pipeline: Pipeline, tx: Tx, principal: Principal, row: Row) -> None:
    hook = event_hooks.get(tx, pipeline.vault, row.org_id, row.hook_id)
    act = Act(
        org_id=row.org_id,
        event_type="event_hook.delivery",
        principal=principal,
        targets=[hook_target(row.hook_id, None if hook is None else hook.name)],
        failure="The delivery was cancelled by an admin.",
        debug={
            "eventId": uuid_text(row.event_id),
            "attempts": str(row.attempt_no),
            "finalOutcome": "CANCELLED",
        },
    )
    record_act(pipeline, tx, act)
