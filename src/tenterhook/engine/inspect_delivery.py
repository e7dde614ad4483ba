"""Inspect one delivery: all that a person asks of it when it went wrong, with its very bytes."""

from __future__ import annotations

import msgspec

from tenterhook.domain.attempt import Attempt
from tenterhook.domain.delivery_policy import DeliveryPolicy
from tenterhook.domain.envelope import render_body, render_element, source_of
from tenterhook.domain.event_hook import EventHook
from tenterhook.domain.log_event import Tree
from tenterhook.domain.principal import Principal
from tenterhook.domain.strict_json import reload
from tenterhook.domain.timestamp import format_ms, parse_timestamp
from tenterhook.engine.pipeline import Pipeline
from tenterhook.engine.retry_delivery import why_not_retry
from tenterhook.engine.show_deliveries import (
    KIND,
    DeliveryView,
    answer_is_shown,
    find_delivery,
    hook_at,
    sent_headers,
    whole_view,
)
from tenterhook.errors import NotFoundError
from tenterhook.ids import parse_uuid, uuid_text
from tenterhook.store import deliveries, delivery_views, event_hooks, log_events
from tenterhook.store.delivery_views import Row
from tenterhook.store.schema import State
from tenterhook.store.transaction import Tx

#: Events that are told of; the request's body has them all.
MAX_EVENTS = 50


class SentRequest(msgspec.Struct, frozen=True):
    """The request of the last attempt; before the first one, as it would be sent now."""

    method: str
    url: str
    headers: dict[str, str]  #: those of the attempt, its secret masked; Host and Content-Length are the connection's


class Inspection(msgspec.Struct, frozen=True, kw_only=True):
    """One delivery, with what it is about."""

    view: DeliveryView
    hook_name: str | None  #: as it is, or was last; None: nobody knows it any more
    hook_lives: bool
    policy: DeliveryPolicy | None  #: today's; None: the hook was deleted
    step: int  #: how many of the policy's waits are used up
    ended: str | None
    under_way: bool  #: whether an attempt is under way or about to begin
    retry_refusal: str | None  #: why it cannot be retried now; None: it can
    event_count: int
    events: list[Tree]  #: the first `MAX_EVENTS`, as the log has them; those beyond retention are missing
    request: SentRequest | None  #: None: the hook was deleted before anything was sent
    body: bytes | None  #: the same at every attempt; None: the log does not hold all of its events any more


async def inspect_delivery(pipeline: Pipeline, principal: Principal, event_id: str) -> Inspection:
    """Return one delivery with its events, and the request as it was sent.

    Raises: NotFoundError.
    """

    def read(tx: Tx) -> Inspection:
        row = find_delivery(tx, principal.org_id, event_id)
        view = whole_view(pipeline, tx, row)
        hook = event_hooks.get(tx, pipeline.vault, row.org_id, row.hook_id)
        seqs = deliveries.seqs_of(tx, [row.id])[row.id]
        trees = _trees(pipeline, tx, row, seqs)
        return Inspection(
            view=view,
            hook_name=event_hooks.names_of(tx, row.org_id, {row.hook_id}).get(row.hook_id),
            hook_lives=hook is not None,
            policy=None if hook is None else hook.delivery_policy,
            step=row.step,
            ended=None if row.ended_at is None else format_ms(row.ended_at),
            under_way=row.state is State.CLAIMED,
            retry_refusal=why_not_retry(pipeline, tx, row),
            event_count=len(seqs),
            events=trees[:MAX_EVENTS],
            request=_request(pipeline, tx, row, view, hook),
            body=_body(tx, row, trees) if len(trees) == len(seqs) else None,
        )

    return await pipeline.database.read(read)


async def read_request_body(pipeline: Pipeline, principal: Principal, event_id: str) -> bytes:
    """Return the body of a delivery's requests, as each of them carried it.

    Raises: NotFoundError, also if the log does not hold all of its events any more.
    """

    def read(tx: Tx) -> bytes:
        row = find_delivery(tx, principal.org_id, event_id)
        seqs = deliveries.seqs_of(tx, [row.id])[row.id]
        trees = _trees(pipeline, tx, row, seqs)
        if len(trees) < len(seqs):
            raise NotFoundError(event_id, KIND)
        return _body(tx, row, trees)

    return await pipeline.database.read(read)


async def read_response_body(pipeline: Pipeline, principal: Principal, event_id: str, number: int) -> bytes:
    """Return what was read of the body that an attempt was answered with.

    Raises: NotFoundError, also if there was no answer, or none that may be shown.
    """

    def read(tx: Tx) -> Attempt | None:
        row = find_delivery(tx, principal.org_id, event_id)
        kept = delivery_views.attempts_of(tx, row.org_id, [row.id], pipeline.oldest_attempt())[row.id]
        return next((one for one in kept if one.number == number), None)

    attempt = await pipeline.database.read(read)
    if attempt is None or not answer_is_shown(attempt):
        raise NotFoundError(event_id, KIND)
    return attempt.response_body


def _trees(pipeline: Pipeline, tx: Tx, row: Row, seqs: list[int]) -> list[Tree]:
    """Return the events that a delivery carries, in log order, but for those beyond retention."""
    kept = set(delivery_views.uuids_of(tx, [row.id], pipeline.oldest_event())[row.id])
    bodies = log_events.bodies(tx, seqs) if kept else {}
    trees = (reload(bodies[seq]) for seq in seqs if seq in bodies)
    return [tree for tree in trees if parse_uuid(tree["uuid"]) in kept]


def _body(tx: Tx, row: Row, trees: list[Tree]) -> bytes:
    made = event_hooks.get_version(tx, row.org_id, row.hook_id, row.hook_version)
    assert made is not None  # versions are only ever added
    elements = [render_element(tree) for tree in trees]
    return render_body(source_of(made.public_url, row.hook_id), uuid_text(row.event_id), elements, row.created)


def _request(pipeline: Pipeline, tx: Tx, row: Row, view: DeliveryView, hook: EventHook | None) -> SentRequest | None:
    if not view.attempts:
        return None if hook is None else SentRequest("POST", hook.channel.config.uri, sent_headers(pipeline, hook))
    last = view.attempts[-1]
    then = hook_at(tx, row, parse_timestamp(last.started) or 0)
    if then is None or last.request is msgspec.UNSET:
        return None
    return SentRequest("POST", then.channel.config.uri, last.request.headers)
