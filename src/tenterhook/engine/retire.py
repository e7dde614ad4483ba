"""End the queue of a deleted hook: each of its waiting deliveries FAILED, HOOK_DELETED (DESIGN §2.3)."""

from __future__ import annotations

import asyncio
from functools import partial

import structlog

from tenterhook.domain.act import Act, hook_target
from tenterhook.engine.pipeline import Pipeline
from tenterhook.engine.record import record_act
from tenterhook.errors import stack_of
from tenterhook.store import deliveries
from tenterhook.store.transaction import Tx
from tenterhook.store.write_queue import Class

log = structlog.get_logger(__name__)

#: Deliveries ended in one transaction: small steps, so that publishing keeps its pace.
STEP = 500
#: How often hooks are looked for whose deletion left something waiting, such as an attempt that was in flight.
LOOK_EVERY_S = 30.0


async def retire_forever(pipeline: Pipeline, every_s: float = LOOK_EVERY_S) -> None:
    """End the queues of deleted hooks, now and whenever one is left over. Runs until cancelled."""
    while True:
        pipeline.subscriptions.removed.clear()  # before the look: what is deleted meanwhile is looked for again
        try:
            await retire(pipeline)
        except Exception as error:
            # One failed look must not end the looking; the next one finds the same rows.
            log.error("ending the queue of a deleted hook failed", stack=stack_of(error))
        try:
            async with asyncio.timeout(every_s):
                await pipeline.subscriptions.removed.wait()
        except TimeoutError:
            continue


async def retire(pipeline: Pipeline) -> int:
    """End what waits for deleted hooks; return how many deliveries that were."""
    total = 0
    for org_id, hook_id, name in await pipeline.database.read(deliveries.left_behind):
        end = partial(_end, pipeline=pipeline, key=(org_id, hook_id), name=name)
        while ended := await pipeline.database.write(end, Class.MAINTENANCE):
            total += ended
        pipeline.freed.note([org_id])
    return total


def _end(tx: Tx, pipeline: Pipeline, key: tuple[str, str], name: str) -> int:
    """End a step of a hook's deliveries and say so in the log, in one transaction."""
    ended = deliveries.end_waiting(tx, key, "HOOK_DELETED", STEP, pipeline.now_ms())
    if ended:
        act = Act(
            org_id=key[0],
            event_type="event_hook.delivery",
            targets=[hook_target(key[1], name)],
            failure=f"The event hook was deleted; {ended} waiting deliveries ended.",
            debug={"deliveries": str(ended), "finalOutcome": "HOOK_DELETED"},
        )
        record_act(pipeline, tx, act)
    return ended
