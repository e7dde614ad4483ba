"""Read how an org's hooks fare: what ended in a span of time, what waits, and what fails or holds."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from tenterhook.domain.attempt import Attempt
from tenterhook.domain.event_hook import EventHook
from tenterhook.domain.principal import Principal
from tenterhook.domain.quota import WINDOW_MS, Quota
from tenterhook.domain.tally import Tally
from tenterhook.engine.figures.spans import Bucket, Span, bucketed
from tenterhook.engine.pipeline import Pipeline
from tenterhook.engine.register import known_event_hooks
from tenterhook.store import backlogs, log_search, quotas, tallies
from tenterhook.store.backlogs import Backlog
from tenterhook.store.transaction import Tx

#: Hooks that are listed as failing, and as holding; there may be more.
MAX_LISTED = 50
#: Log events that are counted.
MAX_EVENTS = 200_000


class FailingHook(msgspec.Struct, frozen=True):
    """A hook whose last delivery did not arrive."""

    hook_id: str
    name: str
    since: int  #: ms; when its deliveries began to fail
    reason: str | None  #: of a failed attempt (`domain.attempt.Reason`); None: no attempt was found
    status: int | None  #: of the answer, if one came
    message: str | None  #: in words
    waiting: int  #: deliveries that have not ended
    waiting_is_exact: bool  #: no: there are more


class HoldingHook(msgspec.Struct, frozen=True):
    """An active hook whose deliveries are held until its endpoint is verified."""

    hook_id: str
    name: str
    held: int
    held_is_exact: bool  #: no: there are more


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """How an org's hooks fare. Times are ms since the epoch."""

    span: Span
    since: int  #: where the first bucket begins
    now: int
    bucket_ms: int
    buckets: list[Bucket]  #: oldest first; the last one has just begun
    delivered: int  #: these three: in all buckets together
    failed_attempts: int
    ended_failed: int
    success_rate: float | None  #: 0 to 1, of deliveries that ended; None if none did
    p50_ms: float | None  #: these three: of the receivers' time, if any answered
    p95_ms: float | None
    p99_ms: float | None
    pending: int  #: deliveries that may go out, now or at their next attempt
    held: int  #: deliveries that may not: their hook is paused, unverified or inactive, or the quota is used up
    waiting_is_exact: bool  #: no: more are pending or held than these
    oldest_pending_ms: int | None  #: for how long the oldest delivery that could go out now has been due
    quota_used: int  #: events that triggered hooks in the window under way
    quota_limit: int | None  #: None: there is none
    quota_ends: int | None  #: when the window ends; None: it begins with the next event that triggers one
    failing: list[FailingHook]  #: the longest failing first, at most `MAX_LISTED`
    failing_count: int
    unverified: list[HoldingHook]  #: the most held first, at most `MAX_LISTED`
    unverified_count: int
    hooks: int  #: living ones
    events: int  #: that were logged in the span
    events_is_exact: bool  #: no: there were more


class _Facts(NamedTuple):
    tallies: dict[int, Tally]
    backlogs: dict[str, Backlog]
    failing: dict[str, int]
    why: dict[str, Attempt | None]
    quota: Quota | None
    events: int


async def read_overview(pipeline: Pipeline, principal: Principal, span: Span) -> Overview:
    """Return how the hooks of the caller's org fare. A few ms, however long the log and the queues are."""
    now_ms = pipeline.now_ms()
    starts = span.starts(now_ms)
    hooks = {one.id: one for one in known_event_hooks(pipeline, principal)}
    queued_due = pipeline.lanes.oldest_due(principal.org_id)

    def read(tx: Tx) -> _Facts:
        org_id = principal.org_id
        failing = backlogs.failing_since(tx, org_id)
        since = max(starts[0], pipeline.oldest_event())
        return _Facts(
            tallies.series(tx, org_id, tallies.ALL, span.grain, tallies.starts_of(span.grain, starts[0], now_ms + 1)),
            backlogs.by_hook(tx, org_id, pipeline.lanes.boot, now_ms),
            failing,
            {
                hook_id: backlogs.last_failure(tx, org_id, hook_id, pipeline.oldest_attempt())
                for hook_id in _longest(failing)
            },
            quotas.get(tx, org_id, pipeline.limits.events_per_24h, now_ms),
            log_search.count_since(tx, org_id, since, MAX_EVENTS),
        )

    facts = await pipeline.database.read(read)
    whole = Tally()
    for one in facts.tallies.values():
        whole.add(one)
    waits = _Waits(hooks, facts.backlogs)
    due = waits.runnable_due(now_ms) + ([] if queued_due is None else [queued_due])
    quota = facts.quota
    unverified = waits.unverified()
    return Overview(
        span=span,
        since=starts[0],
        now=now_ms,
        bucket_ms=span.bucket_ms,
        buckets=bucketed(span, starts, facts.tallies),
        delivered=whole.delivered,
        failed_attempts=whole.failed_attempts,
        ended_failed=whole.ended_failed,
        success_rate=whole.success_rate,
        p50_ms=whole.quantile_ms(0.5),
        p95_ms=whole.quantile_ms(0.95),
        p99_ms=whole.quantile_ms(0.99),
        pending=waits.pending,
        held=waits.held,
        waiting_is_exact=waits.is_exact,
        oldest_pending_ms=max(0, now_ms - min(due)) if due else None,
        quota_used=0 if quota is None else quota.used,
        quota_limit=pipeline.limits.events_per_24h,
        quota_ends=quota.window_start + WINDOW_MS if quota is not None and quota.used else None,
        failing=[_failing(waits, hook_id, facts) for hook_id in _longest(facts.failing) if hook_id in hooks],
        failing_count=len(facts.failing.keys() & hooks.keys()),
        unverified=unverified[:MAX_LISTED],
        unverified_count=len(unverified),
        hooks=len(hooks),
        events=facts.events,
        events_is_exact=facts.events < MAX_EVENTS,
    )


def _longest(failing: dict[str, int]) -> list[str]:
    return sorted(failing, key=lambda hook_id: (failing[hook_id], hook_id))[:MAX_LISTED]


def _failing(waits: _Waits, hook_id: str, facts: _Facts) -> FailingHook:
    attempt = facts.why[hook_id]
    backlog = facts.backlogs.get(hook_id)
    return FailingHook(
        hook_id=hook_id,
        name=waits.hooks[hook_id].name,
        since=facts.failing[hook_id],
        reason=None if attempt is None else attempt.reason,
        status=None if attempt is None else attempt.status,
        message=None if attempt is None else attempt.message,
        waiting=waits.of(hook_id),
        waiting_is_exact=backlog is None or backlog.is_exact,
    )


class _Waits:
    """What has not ended: in the database, and in lanes."""

    def __init__(self, hooks: dict[str, EventHook], backlogs: dict[str, Backlog]) -> None:
        self.hooks, self._backlogs = hooks, backlogs
        self.is_exact = all(one.is_exact for one in backlogs.values())
        self.held = sum(held_of(hooks.get(hook_id), one) for hook_id, one in backlogs.items())
        self.pending = sum(one.total for one in backlogs.values()) - self.held

    def of(self, hook_id: str) -> int:
        """Return how many deliveries of a hook have not ended."""
        backlog = self._backlogs.get(hook_id)
        return 0 if backlog is None else backlog.total

    def runnable_due(self, now_ms: int) -> list[int]:
        """Return since when (ms) deliveries in the database are due that may go out."""
        return [
            one.oldest_due
            for hook_id, one in self._backlogs.items()
            if one.oldest_due is not None
            and one.oldest_due <= now_ms
            and (hook := self.hooks.get(hook_id)) is not None
            and hook.runnable
        ]

    def unverified(self) -> list[HoldingHook]:
        """Return the active hooks that hold deliveries for want of a verification, those that hold most first."""
        found = []
        for hook_id, one in self._backlogs.items():
            hook = self.hooks.get(hook_id)
            if hook is not None and hook.status == "ACTIVE" and hook.verification_status == "UNVERIFIED":
                found.append(HoldingHook(hook_id, hook.name, one.total, one.is_exact))
        return sorted(found, key=lambda one: (-one.held, one.hook_id))


def held_of(hook: EventHook | None, backlog: Backlog) -> int:
    """Return how many of a hook's deliveries may not go out: all, if it holds them, else those over the quota."""
    return backlog.total if hook is not None and not hook.runnable else backlog.over_quota
