"""Keep the log, its deliveries and their attempts for as long as the settings say, and no longer (DESIGN §2.3).

A delivery that still waits when its events are beyond retention ends FAILED/EXPIRED, and the log says so; then the
events go. Everything happens in small transactions of the maintenance class, each of which leaves the record whole: a
crash between two of them loses nothing but the rest of this round.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial

import msgspec
import structlog

from tenterhook.domain.act import Act, hook_target
from tenterhook.engine.pipeline import Pipeline
from tenterhook.engine.record import record_act
from tenterhook.engine.trust_clock import begin_trust
from tenterhook.errors import stack_of
from tenterhook.store import expired_rows, log_events, orgs, tallies
from tenterhook.store.expired_rows import AttemptRun, Old
from tenterhook.store.schema import State
from tenterhook.store.transaction import Tx
from tenterhook.store.write_queue import Class

log = structlog.get_logger(__name__)

#: Rows that one transaction takes: publishing shares its commits with them, and keeps its pace.
STEP = 200
#: How often it is looked for what has become too old.
LOOK_EVERY_S = 60.0
#: How often what had to be passed over is looked at again: a delivery under way, one that ended lately.
ANEW_EVERY_MS = 3_600_000
#: With each so many that were passed over, they are looked at an hour later; once a day at the latest.
MANY_LEFT, MOST_HOURS = 10_000, 24
#: Orgs whose attempts are looked at in one read.
_ORGS = 200


class Walk(msgspec.Struct):
    """How far deliveries have been looked at, by id."""

    upto: int = 0  #: the last one that was looked at
    first_left: int | None = None  #: the first one that was passed over and will have to go later
    left: int = 0  #: how many there were
    since_ms: int = 0  #: when it went back last

    def go_back(self, now_ms: int) -> None:
        """Begin anew with what was passed over, if it is time to; at the beginning if the clock was set back."""
        ago = now_ms - self.since_ms
        hours = min(1 + self.left // MANY_LEFT, MOST_HOURS)
        if 0 <= ago < hours * ANEW_EVERY_MS:
            return
        self.upto = 0 if ago < 0 else self.upto if self.first_left is None else self.first_left - 1
        self.first_left, self.left, self.since_ms = None, 0, now_ms

    def pass_over(self, ids: list[int]) -> None:
        """Note what will have to go later."""
        self.left += len(ids)
        if ids and self.first_left is None:
            self.first_left = ids[0]


class Progress(msgspec.Struct):
    """How far this process has looked: a hint that saves looking at the same rows every minute.

    Two walks, since deliveries may be kept for longer than their events. Each leaves little behind that it has to go
    back to: the one what is under way, the other what ended late.
    """

    since_ms: int = 0
    waiting: Walk = msgspec.field(default_factory=Walk)  #: through those whose events are beyond retention
    ended: Walk = msgspec.field(default_factory=Walk)  #: through those of them whose attempts would be, too
    attempts: dict[str, int] = {}  #: org id -> the last delivery id whose attempts were looked at


class Retained(msgspec.Struct):
    """What one round has taken away."""

    events: int = 0
    expired: int = 0  #: deliveries that ended because their events are gone
    deliveries: int = 0
    attempts: int = 0
    tallies: int = 0


async def retain_forever(
    pipeline: Pipeline, every_s: float = LOOK_EVERY_S, steady_s: Callable[[], float] = time.monotonic
) -> None:
    """Take away what is beyond retention, every *every_s* seconds, if the clock may be believed. Runs until cancelled.

    steady_s: a clock that nobody sets.
    """
    progress, trust = Progress(), None
    while True:
        try:
            if trust is None:
                last_ms = await pipeline.database.read(log_events.last_recorded)
                trust = begin_trust(pipeline.now_ms(), steady_s(), last_ms)
            elif trust.holds(pipeline.now_ms(), steady_s()):
                await retain(pipeline, progress)
        except Exception as error:
            # One failed round must not end the looking; the next one finds the same rows.
            log.error("retention failed", stack=stack_of(error))
        await asyncio.sleep(every_s)


async def retain(pipeline: Pipeline, progress: Progress | None = None) -> Retained:
    """Take away what is beyond retention, in steps, and return how much that was. Believes the clock."""
    # Read once: a clock that jumps in the middle of a round changes nothing for it.
    now_ms, kept_ms, seen_ms = pipeline.now_ms(), pipeline.oldest_event(), pipeline.oldest_attempt()
    progress = progress or Progress()
    _begin_anew(progress, now_ms)
    done = Retained()
    last = await pipeline.database.read(partial(expired_rows.last_seq_before, recorded_ms=kept_ms))
    await _take_deliveries(pipeline, progress, (last, seen_ms), done)
    await _take_events(pipeline, last, done)
    await _take_attempts(pipeline, progress, seen_ms, done)
    await _take_tallies(pipeline, now_ms, done)
    if done != Retained():
        log.info("retention", **msgspec.structs.asdict(done))
    return done


def _begin_anew(progress: Progress, now_ms: int) -> None:
    progress.waiting.go_back(now_ms)
    progress.ended.go_back(now_ms)
    if not 0 <= now_ms - progress.since_ms < ANEW_EVERY_MS:
        progress.since_ms, progress.attempts = now_ms, {}


async def _take_deliveries(pipeline: Pipeline, progress: Progress, bounds: tuple[int, int], done: Retained) -> None:
    """End those that wait for what is about to go, and delete those that ended long enough ago to have been seen.

    bounds: the last ``seq`` that is about to go, and the time (ms) from which on what ended is kept.
    """
    await _walk(pipeline, progress.waiting, bounds, None, done)
    last = await pipeline.database.read(partial(expired_rows.last_delivery_before, created_ms=bounds[1]))
    await _walk(pipeline, progress.ended, bounds, last, done)


async def _walk(pipeline: Pipeline, walk: Walk, bounds: tuple[int, int], last_id: int | None, done: Retained) -> None:
    """Walk on, as far as the bounds and the id of a delivery (None: any) allow, and note what is left behind."""
    upto_seq, seen_ms = bounds
    while True:
        look = partial(expired_rows.old_deliveries, ids=(walk.upto, last_id), upto_seq=upto_seq, limit=STEP)
        found = await pipeline.database.read(look)
        if not found:
            return
        waiting = [one.id for one in found if one.state is State.READY]
        ended = [one.id for one in found if _has_ended(one, seen_ms)]
        if waiting or ended:
            end = partial(_end_deliveries, pipeline=pipeline, waiting=waiting, ended=ended, seen_ms=seen_ms)
            expired, deleted = await pipeline.database.write(end, Class.MAINTENANCE)
            done.expired += expired
            done.deliveries += deleted
        if last_id is None:  # what has ended is the other walk's
            walk.pass_over([one.id for one in found if one.state is State.CLAIMED])
        else:
            walk.pass_over([one.id for one in found if not _has_ended(one, seen_ms)])
        walk.upto = found[-1].id


def _has_ended(one: Old, before_ms: int) -> bool:
    return one.ended_at is not None and one.ended_at < before_ms


def _end_deliveries(tx: Tx, pipeline: Pipeline, waiting: list[int], ended: list[int], seen_ms: int) -> tuple[int, int]:
    """End and delete a step of deliveries, and say in the log what ended, in one transaction."""
    expired = expired_rows.expire(tx, waiting, pipeline.now_ms())
    tx.after_commit_on_loop(lambda: pipeline.freed.note(org_id for org_id, _ in expired))
    for (org_id, hook_id), count in expired.items():
        hook = pipeline.subscriptions.snapshot.hooks.get(hook_id)
        act = Act(
            org_id=org_id,
            event_type="event_hook.delivery",
            targets=[hook_target(hook_id, None if hook is None else hook.name)],
            failure=f"The log's retention ended {count} deliveries that still waited; their events are gone.",
            debug={"deliveries": str(count), "finalOutcome": "EXPIRED"},
        )
        record_act(pipeline, tx, act)
    return sum(expired.values()), expired_rows.delete_deliveries(tx, ended, seen_ms)


async def _take_events(pipeline: Pipeline, upto_seq: int, done: Retained) -> None:
    step = partial(expired_rows.delete_events, upto_seq=upto_seq, limit=STEP)
    while deleted := await pipeline.database.write(step, Class.MAINTENANCE):
        done.events += deleted


async def _take_attempts(pipeline: Pipeline, progress: Progress, before_ms: int, done: Retained) -> None:
    """Delete old attempts of deliveries that are old themselves; what was tried late is found by a later look."""
    upto = await pipeline.database.read(partial(expired_rows.last_delivery_before, created_ms=before_ms))
    org_ids = await pipeline.database.read(orgs.ids) if upto else []
    for start in range(0, len(org_ids), _ORGS):
        chunk = org_ids[start : start + _ORGS]
        look = partial(_attempt_runs, progress=progress, org_ids=chunk, upto=upto, before_ms=before_ms)
        while runs := await pipeline.database.read(look):
            for run in runs:
                if run.old:
                    step = partial(expired_rows.delete_attempts, run=run, before_ms=before_ms)
                    done.attempts += await pipeline.database.write(step, Class.MAINTENANCE)
                progress.attempts[run.org_id] = run.upto


def _attempt_runs(tx: Tx, progress: Progress, org_ids: list[str], upto: int, before_ms: int) -> list[AttemptRun]:
    runs = [
        expired_rows.attempt_run(tx, org_id, (progress.attempts.get(org_id, 0), upto), before_ms, STEP)
        for org_id in org_ids
    ]
    return [run for run in runs if run is not None]


async def _take_tallies(pipeline: Pipeline, now_ms: int, done: Retained) -> None:
    """Delete the tallies of spans that are shown no more."""
    for org_id in await pipeline.database.read(partial(tallies.orgs_to_forget, now_ms=now_ms)):
        step = partial(tallies.forget, org_id=org_id, now_ms=now_ms, limit=STEP)
        while deleted := await pipeline.database.write(step, Class.MAINTENANCE):
            done.tallies += deleted
