"""Start where a former process ended, and find what a hand-over lost while this one runs (DESIGN §3.4.4)."""

from __future__ import annotations

import asyncio
from functools import partial

import structlog

from tenterhook.engine.pipeline import Pipeline
from tenterhook.errors import stack_of
from tenterhook.failpoints import passing
from tenterhook.store import deliveries
from tenterhook.store.schema import Queue
from tenterhook.store.transaction import Tx
from tenterhook.store.write_queue import Class

log = structlog.get_logger(__name__)

HEAL_EVERY_S = 30.0
#: Hooks looked at in one read at the start.
_CHUNK = 1000


def recover(tx: Tx, boot: str) -> int:
    """Make what other boots had claimed READY again; return how many deliveries."""
    count = deliveries.recover(tx, boot)
    passing("recover.before_commit")
    return count


async def resume(pipeline: Pipeline) -> None:
    """Tell each lane what waits for it in the database."""
    passing("recover.after_commit")
    hooks = [(hook.org_id, hook.id) for hook in pipeline.subscriptions.committed.values()]
    for start in range(0, len(hooks), _CHUNK):
        chunk = hooks[start : start + _CHUNK]
        dues = await pipeline.database.read(partial(_dues, hooks=chunk))
        for hook_id, queue, due in dues:
            lane = pipeline.lanes.lane_of(hook_id)
            if lane is not None:
                pipeline.lanes.expect(lane, queue, due)


def _dues(tx: Tx, hooks: list[tuple[str, str]]) -> list[tuple[str, Queue, int]]:
    found = [(hook[1], queue, deliveries.next_due(tx, hook, queue)) for hook in hooks for queue in Queue]
    return [(hook_id, queue, due) for hook_id, queue, due in found if due is not None]


async def heal_forever(pipeline: Pipeline, every_s: float = HEAL_EVERY_S) -> None:
    """Compare the claimed rows with what the lanes hold, and give back what nobody holds. Runs until cancelled."""
    suspects: set[int] = set()
    while True:
        await asyncio.sleep(every_s)
        try:
            suspects = await heal(pipeline, suspects)
        except Exception as error:
            # The comparison must outlive one failed read; the next one finds the same.
            log.error("the comparison of claimed deliveries failed", stack=stack_of(error))


async def heal(pipeline: Pipeline, suspects: set[int]) -> set[int]:
    """Return the claimed deliveries that no lane knows; those that were so the last time already are given back."""
    lanes = pipeline.lanes
    claimed = await pipeline.database.read(lambda tx: deliveries.claimed_ids(tx, lanes.boot))
    unknown = set(claimed) - lanes.known_ids()
    lost = sorted(unknown & suspects)
    if lost:
        lanes.lost += len(lost)
        log.error("claimed deliveries were in nobody's hands; they go on", count=len(lost))
        await pipeline.database.write(lambda tx: deliveries.release(tx, lost, lanes.boot), Class.OUTCOME)
        for hook_id in list(pipeline.subscriptions.committed):
            lanes.wake(hook_id)
    return unknown - set(lost)
