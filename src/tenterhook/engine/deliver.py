"""Carry one delivery: compose, send, settle, record (DESIGN §3.4.5-6)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import msgspec
import structlog

from tenterhook.domain.act import Act, hook_target
from tenterhook.domain.attempt import Attempt, Outcome, Phases, Reason, without_secret
from tenterhook.domain.destination import DestinationError
from tenterhook.domain.envelope import render_body, render_element, source_of
from tenterhook.domain.event_hook import EventHook
from tenterhook.domain.retry import Decision, settle
from tenterhook.domain.strict_json import reload
from tenterhook.egress.client import Head, Request
from tenterhook.engine.bodies import Elements
from tenterhook.engine.compose import delivery_head
from tenterhook.engine.lane import Job, Lane
from tenterhook.engine.lanes import Lanes
from tenterhook.engine.pipeline import Pipeline
from tenterhook.engine.record import record_act
from tenterhook.errors import stack_of
from tenterhook.failpoints import passing
from tenterhook.ids import new_request_id, uuid_text
from tenterhook.store import deliveries, event_hooks, log_events
from tenterhook.store.deliveries import Settled
from tenterhook.store.schema import Queue, State
from tenterhook.store.transaction import Tx
from tenterhook.store.write_queue import Batch, Class

log = structlog.get_logger(__name__)

#: How long a delivery waits after an error of our own, before it is tried again.
OWN_ERROR_WAIT_S = 60.0
#: How long it waits when this process had no connection free for it.
NO_CONNECTION_WAIT_S = 1.0
#: Without an answer after this long, a failure counts as a time-out, whichever phase it fell into.
SLOW_MS = 1000.0
#: Hooks whose rendered heads are remembered.
MAX_REMEMBERED = 20_000
#: The longest pause before an outcome is offered to the database again.
MAX_OFFER_PAUSE_S = 30.0


class _Out(msgspec.Struct):
    """An attempt and its decision, on the way to the writing thread."""

    lane: Lane
    job: Job
    channel_version: int  #: of the hook as it was when the attempt was made
    attempt: Attempt
    decision: Decision
    due_at: int = 0  #: ms; when the next attempt is due, if there is one
    health: bool | None = None  #: True: the hook works again; False: it begins to fail; None: no transition

    @property
    def state(self) -> State:
        """What the delivery becomes."""
        if not self.decision.ended:
            return State.READY
        return State.DELIVERED if self.decision.delivered else State.FAILED

    @property
    def settled(self) -> Settled:
        """What the store is told."""
        decision = self.decision
        return Settled(self.job.claimed, self.attempt, self.state, self.due_at, decision.step, decision.end_reason)


class _Shape(msgspec.Struct):
    """What is rendered once per version of a hook."""

    version: int
    channel_version: int
    head: Head


class Courier:
    """Carries the jobs of all lanes. One per pipeline."""

    def __init__(self, pipeline: Pipeline, jitter: Callable[[], float] = random.random) -> None:
        self._pipeline = pipeline
        self._jitter = jitter
        self._shapes: dict[str, _Shape] = {}
        self._bases: dict[tuple[str, int], str] = {}
        self._settles: Batch[_Out, bool] = Batch("settle", Class.OUTCOME, self._settle)
        self.own_errors = 0
        self.unfenced = 0  #: outcomes that came too late to count

    # -- send ---------------------------------------------------------------------------------------------------------

    async def carry(self, lane: Lane, hook: EventHook, job: Job, elements: Elements) -> None:
        """Send *job*, whose events are *elements*, and submit its outcome."""
        try:
            if not elements:
                self._expire(lane, hook, job)
                return
            passing("deliver.before_send")
            attempt = await self._send(hook, job, elements)
            passing("deliver.after_send")
            self._submit(lane, hook, job, attempt)
        except asyncio.CancelledError:
            text = "This server was stopped before the receiver had answered."
            self._put_off(lane, hook, job, text, wait_s=0.0)
            raise
        except Exception as error:
            # A lane must outlive one job: whatever we got wrong is logged, counted and tried again later.
            log.error("delivery failed for a reason of our own", hook=hook.id, stack=stack_of(error))
            self.own_errors += 1
            text = "An error of this server prevented the attempt."
            self._put_off(lane, hook, job, text, wait_s=OWN_ERROR_WAIT_S)

    async def _send(self, hook: EventHook, job: Job, elements: Elements) -> Attempt:
        claimed = job.claimed
        base = self._bases.get((hook.id, claimed.hook_version))
        if base is None:
            base = await self._base_of(hook, claimed.hook_version)
        try:
            head = self._shape(hook).head
        except DestinationError as error:
            # The hook was registered under other rules than today's: no SYN leaves for an address they refuse.
            return self._unsent(job, Reason.BLOCKED, f"This address may not be called: {error}")
        event_id = uuid_text(claimed.event_id)
        body = render_body(source_of(base, hook.id), event_id, elements, claimed.created)
        request = Request(
            head=head,
            request_id=new_request_id(),
            body=body,
            pool=(hook.id, hook.channel_version),
            number=claimed.attempt_no + 1,
            queue_ms=max(0.0, self._pipeline.now_ms() - float(claimed.due_at)),
        )
        attempt = await self._pipeline.client.send(request, hook.delivery_policy.timeout_seconds)
        return without_secret(attempt, hook.secret)

    async def _base_of(self, hook: EventHook, version: int) -> str:
        """Return the public URL under which the delivery was made: it is part of the body's bytes."""
        base = hook.public_url
        if version != hook.version:
            made = await self._pipeline.database.read_first(
                lambda tx: event_hooks.get_version(tx, hook.org_id, hook.id, version)
            )
            base = made.public_url if made is not None else base
        if len(self._bases) > MAX_REMEMBERED:
            self._bases.clear()
        self._bases[hook.id, version] = base
        return base

    def _shape(self, hook: EventHook) -> _Shape:
        shape = self._shapes.get(hook.id)
        if shape is None or shape.version != hook.version:
            if shape is not None and shape.channel_version != hook.channel_version:
                self._pipeline.client.forget((hook.id, shape.channel_version))
            if len(self._shapes) > MAX_REMEMBERED:
                self._shapes.clear()
            head = delivery_head(self._pipeline, hook)
            shape = self._shapes[hook.id] = _Shape(hook.version, hook.channel_version, head)
        return shape

    @staticmethod
    def _unsent(job: Job, reason: Reason, message: str) -> Attempt:
        """Return the attempt that did not come to an exchange."""
        number = job.claimed.attempt_no + 1
        return Attempt(Outcome.FAILED, reason, message, datetime.now(UTC), Phases(), number=number)

    # -- settle -------------------------------------------------------------------------------------------------------

    def _submit(self, lane: Lane, hook: EventHook, job: Job, attempt: Attempt) -> None:
        now_ms = self._pipeline.now_ms()
        # Only a Retry-After that is a date asks what time it is.
        now = attempt.started if attempt.retry_after is None else datetime.fromtimestamp(now_ms / 1000, UTC)
        decision = settle(attempt, job.claimed.step, hook.delivery_policy.retry_policy, now, self._jitter())
        if attempt.reason is Reason.INTERRUPTED and not self._pipeline.lanes.closing:
            decision = msgspec.structs.replace(decision, wait_s=NO_CONNECTION_WAIT_S)
        self._adapt(lane, hook, attempt)
        self._put(_Out(lane, job, hook.channel_version, attempt, decision), now_ms)

    def _put_off(self, lane: Lane, hook: EventHook, job: Job, text: str, wait_s: float) -> None:
        """Book the delivery again after an attempt that says nothing about its receiver."""
        if job.submitted:
            return
        attempt = self._unsent(job, Reason.INTERRUPTED, text)
        decision = Decision(ended=False, wait_s=wait_s, step=job.claimed.step)
        self._put(_Out(lane, job, hook.channel_version, attempt, decision), self._pipeline.now_ms())

    def _expire(self, lane: Lane, hook: EventHook, job: Job) -> None:
        """End a delivery whose events the log does not hold any more."""
        text = "The events of this delivery are beyond the log's retention."
        attempt = self._unsent(job, Reason.INTERRUPTED, text)
        decision = Decision(ended=True, end_reason="EXPIRED", step=job.claimed.step, logs_failure=True)
        self._put(_Out(lane, job, hook.channel_version, attempt, decision), self._pipeline.now_ms())

    def _put(self, out: _Out, now_ms: int) -> None:
        out.due_at = now_ms + int(out.decision.wait_s * 1000)
        out.health = self._transition(out.lane, out.attempt)
        out.lane.unsettled += 1
        out.job.submitted = True
        self._offer(out, 1.0)

    def _offer(self, out: _Out, pause_s: float) -> None:
        """Hand an outcome to the writing thread, again and again if need be: an attempt must not be forgotten."""

        def refused(error: BaseException) -> None:
            log.error("an outcome could not be written", delivery=out.job.claimed.id, error=repr(error))
            asyncio.get_running_loop().call_later(pause_s, self._offer, out, min(2 * pause_s, MAX_OFFER_PAUSE_S))

        self._pipeline.database.submit(self._settles, out, lambda _: None, refused)

    def _adapt(self, lane: Lane, hook: EventHook, attempt: Attempt) -> None:
        if attempt.outcome is Outcome.DELIVERED:
            lane.succeeded(hook.delivery_policy.max_concurrency)
        elif attempt.reason is Reason.TIMEOUT or (attempt.phases.total >= SLOW_MS and attempt.status is None):
            lane.timed_out()

    @staticmethod
    def _transition(lane: Lane, attempt: Attempt) -> bool | None:
        """Return whether the hook has begun to work (True) or to fail (False), None if nothing changed; and say so."""
        healthy = attempt.outcome is Outcome.DELIVERED
        if attempt.reason is Reason.INTERRUPTED or lane.healthy is healthy:
            return None
        if not healthy:
            log.warning("deliveries of an event hook fail", hook=lane.hook_id, reason=attempt.message)
        elif lane.healthy is False:
            log.info("deliveries of an event hook arrive again", hook=lane.hook_id)
        lane.healthy = healthy
        return healthy

    # -- on the writing thread ----------------------------------------------------------------------------------------

    def _settle(self, tx: Tx, outs: list[_Out]) -> list[bool]:
        passing("settle.before_update")
        lanes, now_ms = self._pipeline.lanes, self._pipeline.now_ms()
        applied = deliveries.settle(tx, [out.settled for out in outs], lanes.boot, now_ms)
        for out, was_ours in zip(outs, applied, strict=True):
            if not was_ours:
                self.unfenced += 1
                continue
            claimed = out.job.claimed
            if out.health is not None:
                deliveries.mark_health(tx, (claimed.org_id, claimed.hook_id), None if out.health else now_ms)
            if out.decision.logs_failure:
                self._log_failure(tx, out)
            if out.decision.pauses_hook:
                self._pause(tx, out)
        passing("settle.before_commit")
        tx.after_commit_on_loop(lambda: self._settled(lanes, outs, applied))
        return applied

    def _settled(self, lanes: Lanes, outs: Sequence[_Out], applied: Sequence[bool]) -> None:
        passing("settle.after_commit")
        for out, was_ours in zip(outs, applied, strict=True):
            lane = out.lane
            lane.unsettled -= 1
            lane.running.discard(out.job)
            if not was_ours:
                lane.healthy = None  # what it told did not count: the next outcome tells anew
            if out.state is State.READY and lane.hook_id not in self._pipeline.subscriptions.committed:
                self._pipeline.subscriptions.removed.set()  # deleted while it was on its way: its queue is to be ended
            elif out.state is State.READY:
                lanes.expect(lane, Queue.RETRY, out.due_at)
        for lane in {id(out.lane): out.lane for out in outs}.values():
            lanes.kick(lane)

    def _log_failure(self, tx: Tx, out: _Out) -> None:
        claimed, attempt = out.job.claimed, out.attempt
        hook = self._pipeline.subscriptions.snapshot.hooks.get(claimed.hook_id)
        act = Act(
            org_id=claimed.org_id,
            event_type="event_hook.delivery",
            targets=[hook_target(claimed.hook_id, hook.name if hook is not None else None)],
            failure=attempt.message,
            debug={
                "eventId": uuid_text(claimed.event_id),
                "attempts": str(attempt.number),
                "errorMessage": attempt.message,
                "finalOutcome": out.decision.end_reason or "RETRYING",
            },
        )
        record_act(self._pipeline, tx, act)

    def _pause(self, tx: Tx, out: _Out) -> None:
        """The receiver is gone for good (410): nothing more goes to it until somebody says so."""
        claimed, vault = out.job.claimed, self._pipeline.vault
        hook = event_hooks.get(tx, vault, claimed.org_id, claimed.hook_id)
        if hook is None or hook.delivery_policy.paused or hook.channel_version != out.channel_version:
            return  # what is gone is an address that the hook has left already
        policy = hook.delivery_policy.model_copy(update={"paused": True})
        paused = hook.changed(self._pipeline.now_ms(), delivery_policy=policy)
        event_hooks.update(tx, vault, paused, log_events.next_seq(tx))
        self._pipeline.subscriptions.put(tx, paused)
        target = hook_target(hook.id, hook.name)
        debug = {"deliveryPolicy.paused": "true", "reason": "The receiver answered 410 Gone."}
        act = Act(org_id=hook.org_id, event_type="event_hook.updated", targets=[target], debug=debug)
        record_act(self._pipeline, tx, act)

    # -- read back ----------------------------------------------------------------------------------------------------

    async def read_back(self, ids: Sequence[int]) -> dict[int, Elements]:
        """Return the events of deliveries from the log, rendered; empty where retention took some of them."""

        def read(tx: Tx) -> dict[int, Elements]:
            seqs = deliveries.seqs_of(tx, ids)
            found = log_events.bodies(tx, {seq for carried in seqs.values() for seq in carried})
            # Rendered here and not on the event loop: it is milliseconds for a full delivery.
            rendered = {seq: render_element(reload(body)) for seq, body in found.items()}
            return {
                identity: tuple(rendered[seq] for seq in carried) if all(seq in rendered for seq in carried) else ()
                for identity, carried in seqs.items()
            }

        return await self._pipeline.database.read_first(read)
