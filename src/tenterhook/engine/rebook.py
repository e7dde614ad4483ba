"""Give back the places in a quota whose deliveries ended before their window came, and let what waits behind move up.

A hook was deleted, a delivery cancelled or expired: its place is nobody's then, and the org's living hooks must not
wait for it (docs/decisions/0006).
"""

from __future__ import annotations

import asyncio
from functools import partial

import structlog

from tenterhook.engine.pipeline import Pipeline
from tenterhook.errors import stack_of
from tenterhook.store import quotas
from tenterhook.store.quotas import Move, Plan
from tenterhook.store.transaction import Tx
from tenterhook.store.write_queue import Class

log = structlog.get_logger(__name__)

#: Deliveries that one transaction moves: publishing shares its commits with them, and keeps its pace.
STEP = 200
#: Deliveries that one look finds to be moved; the next look finds the rest.
MOST = 10_000
#: Looks at one org before others have their turn; what is left then is found by the next look at all orgs.
MAX_LOOKS = 100
#: How often all orgs are looked at whose quota is used up: what was left over, and what a clock set back has moved.
LOOK_EVERY_S = 3600.0
#: Between two rounds, so that many cancelled one by one are few rounds.
PAUSE_S = 1.0


async def rebook_forever(pipeline: Pipeline, every_s: float = LOOK_EVERY_S, pause_s: float = PAUSE_S) -> None:
    """Book anew, now for every org, and for those where something held ended. Runs until cancelled."""
    while True:
        try:
            await _rebook_all(pipeline, every_s, pause_s)
        except Exception as error:
            # One failed look must not end the looking; the next one finds the same rows.
            log.error("booking held deliveries anew failed", stack=stack_of(error))
            await asyncio.sleep(pause_s)


async def _rebook_all(pipeline: Pipeline, every_s: float, pause_s: float) -> None:
    """Look at every org whose quota is used up, then for *every_s* at those where something ended."""
    pipeline.freed.note(await pipeline.database.read(quotas.used_up))
    try:
        async with asyncio.timeout(every_s):
            while True:
                for org_id in pipeline.freed.take():
                    await rebook(pipeline, org_id)
                await asyncio.sleep(pause_s)
                await pipeline.freed.some.wait()
    except TimeoutError:
        return


async def rebook(pipeline: Pipeline, org_id: str) -> int:
    """Let what an org holds take the places that are free; return how many deliveries got an earlier window.

    In small steps, so it may meet new events, which take their places behind: it looks until nothing is out of place.
    """
    limit, moved = pipeline.limits.events_per_24h, 0
    if limit is None:
        return 0
    for _ in range(MAX_LOOKS):
        now_ms = pipeline.now_ms()
        plan = await pipeline.database.search(
            partial(quotas.plan, org_id=org_id, limit=limit, now_ms=now_ms, most=MOST)
        )
        if plan is None:
            break
        keep = partial(quotas.adopt_plan, org_id=org_id, made=plan, limit=limit, now_ms=now_ms)
        if await pipeline.database.write(keep, Class.MAINTENANCE):
            moved += await _move(pipeline, plan)
    if moved:
        log.info("held deliveries moved up", org=org_id, count=moved)
    return moved


async def _move(pipeline: Pipeline, plan: Plan) -> int:
    moved = 0
    for at in range(0, len(plan.moves), STEP):
        step = partial(_move_step, pipeline=pipeline, moves=plan.moves[at : at + STEP])
        moved += await pipeline.database.write(step, Class.MAINTENANCE)
    return moved


def _move_step(tx: Tx, pipeline: Pipeline, moves: list[Move]) -> int:
    dues: dict[str, int] = {}
    for one in moves:
        dues[one.hook_id] = min(one.due_at, dues.get(one.hook_id, one.due_at))
    moved = quotas.move(tx, moves, pipeline.now_ms())
    tx.after_commit_on_loop(lambda: pipeline.lanes.await_due(dues))
    return moved
