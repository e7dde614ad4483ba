"""Write down when tokens were last used: at most once a minute each, and at a stop."""

from __future__ import annotations

import asyncio
from functools import partial

import structlog

from tenterhook.engine.pipeline import Pipeline
from tenterhook.errors import stack_of
from tenterhook.store import api_tokens
from tenterhook.store.write_queue import Class

log = structlog.get_logger(__name__)

EVERY_S = 60.0
#: Tokens written in one transaction: small steps, so that publishing keeps its pace.
STEP = 200
_LAST_WRITE_S = 2.0


async def remember_uses_forever(pipeline: Pipeline, every_s: float = EVERY_S) -> None:
    """Write the last uses now and then, and once more when cancelled."""
    try:
        while True:
            await asyncio.sleep(every_s)
            try:
                await remember_uses(pipeline)
            except Exception as error:
                # One failed write must not end the writing; a token that is used again is written next time.
                log.error("writing the last uses of tokens failed", stack=stack_of(error))
    finally:
        async with asyncio.timeout(_LAST_WRITE_S):
            await remember_uses(pipeline)


async def remember_uses(pipeline: Pipeline) -> int:
    """Write the last uses that were not written yet; return how many tokens that were."""
    uses = pipeline.tokens.take_uses()
    for start in range(0, len(uses), STEP):
        await pipeline.database.write(
            partial(api_tokens.write_uses, uses=uses[start : start + STEP]), Class.MAINTENANCE
        )
    return len(uses)
