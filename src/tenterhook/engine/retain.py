"""Keep the log, its deliveries and their attempts for as long as the settings say, and no longer (DESIGN §2.3).

A delivery that still waits when its events are beyond retention ends FAILED/EXPIRED, and the log says so; then the
events go. Everything happens in small transactions of the maintenance class, each of which leaves the record whole: a
crash between two of them loses nothing but the rest of this round.
"""

from __future__ import annotations

import asyncio
from functools import partial

import msgspec
import structlog

from tenterhook.domain.act import Act, hook_target
from tenterhook.engine.pipeline import Pipeline
from tenterhook.engine.record import record_act
from tenterhook.errors import stack_of
from tenterhook.store import expired_rows
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
#: Orgs whose attempts are looked at in one read.
_ORGS = 200


class Progress(msgspec.Struct):
    """How far this process has looked: a hint that saves looking at the same rows every minute."""

    since_ms: int = 0
    deliveries: int = 0  #: the last delivery id that was looked at
    attempts: dict[str, int] = {}  #: org id -> the last delivery id whose attempts were looked at


class Retained(msgspec.Struct):
    """What one round has taken away."""

    events: int = 0
    expired: int = 0  #: deliveries that ended because their events are gone
    deliveries: int = 0
    attempts: int = 0


async def retain_forever(pipeline: Pipeline, every_s: float = LOOK_EVERY_S) -> None:
    """Take away what is beyond retention, every *every_s* seconds. Runs until cancelled."""
    progress = Progress()
    while True:
        await asyncio.sleep(every_s)
        try:
            await retain(pipeline, progress)
        except Exception as error:
            # One failed round must not end the looking; the next one finds the same rows.
            log.error("retention failed", stack=stack_of(error))


async def retain(pipeline: Pipeline, progress: Progress | None = None) -> Retained:
    """Take away what is beyond retention, in steps, and return how much that was."""
    now_ms = pipeline.now_ms()
    progress = progress or Progress()
    if not 0 <= now_ms - progress.since_ms < ANEW_EVERY_MS:
        progress.since_ms, progress.deliveries, progress.attempts = now_ms, 0, {}
    done = Retained()
    last = await pipeline.database.read(partial(expired_rows.last_seq_before, recorded_ms=pipeline.oldest_event()))
    await _take_deliveries(pipeline, progress, last, done)
    await _take_events(pipeline, last, done)
    await _take_attempts(pipeline, progress, done)
    if done != Retained():
        log.info("retention", **msgspec.structs.asdict(done))
    return done


async def _take_deliveries(pipeline: Pipeline, progress: Progress, upto_seq: int, done: Retained) -> None:
    """End those that wait for what is about to go, and delete those that ended long enough ago to have been seen."""
    while True:
        look = partial(expired_rows.old_deliveries, after_id=progress.deliveries, upto_seq=upto_seq, limit=STEP)
        found = await pipeline.database.read(look)
        if not found:
            return
        seen_ms = pipeline.oldest_attempt()
        waiting = [one.id for one in found if one.state is State.READY]
        ended = [one.id for one in found if _has_ended(one, seen_ms)]
        if waiting or ended:
            end = partial(_end_deliveries, pipeline=pipeline, waiting=waiting, ended=ended, seen_ms=seen_ms)
            expired, deleted = await pipeline.database.write(end, Class.MAINTENANCE)
            done.expired += expired
            done.deliveries += deleted
        progress.deliveries = found[-1].id


def _has_ended(one: Old, before_ms: int) -> bool:
    return one.ended_at is not None and one.ended_at < before_ms


def _end_deliveries(tx: Tx, pipeline: Pipeline, waiting: list[int], ended: list[int], seen_ms: int) -> tuple[int, int]:
    """End and delete a step of deliveries, and say in the log what ended, in one transaction."""
    expired = expired_rows.expire(tx, waiting, pipeline.now_ms())
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


async def _take_attempts(pipeline: Pipeline, progress: Progress, done: Retained) -> None:
    """Delete old attempts of deliveries that are old themselves; what was tried late is found by a later look."""
    before_ms = pipeline.oldest_attempt()
    upto = await pipeline.database.read(partial(expired_rows.last_delivery_before, created_ms=before_ms))
    orgs = await pipeline.database.read(expired_rows.org_ids) if upto else []
    for start in range(0, len(orgs), _ORGS):
        chunk = orgs[start : start + _ORGS]
        look = partial(_attempt_runs, progress=progress, orgs=chunk, upto=upto, before_ms=before_ms)
        while runs := await pipeline.database.read(look):
            for run in runs:
                if run.old:
                    step = partial(expired_rows.delete_attempts, run=run, before_ms=before_ms)
                    done.attempts += await pipeline.database.write(step, Class.MAINTENANCE)
                progress.attempts[run.org_id] = run.upto


def _attempt_runs(tx: Tx, progress: Progress, orgs: list[str], upto: int, before_ms: int) -> list[AttemptRun]:
    runs = [
        expired_rows.attempt_run(tx, org_id, (progress.attempts.get(org_id, 0), upto), before_ms, STEP)
        for org_id in orgs
    ]
    return [run for run in runs if run is not None]
