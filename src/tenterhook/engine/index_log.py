"""Index the System Log behind the publishing: small steps, each in a commit of its own or another's."""

from __future__ import annotations

import asyncio
from functools import partial

import structlog

from tenterhook.engine.pipeline import Pipeline
from tenterhook.errors import OverloadedError, stack_of
from tenterhook.store import log_index
from tenterhook.store.database import Database
from tenterhook.store.write_queue import Class

log = structlog.get_logger(__name__)

#: Events of one step: 7 ms of the writing thread.
STEP = 250
#: Events of one step once so many full ones came one after another: a log that is published into faster than it is
#: indexed, or one that was never indexed.
LARGE_STEP, PATIENCE = 1_000, 20
#: Seconds between two looks at whether something was committed, and how long a few events wait for more: the index is
#: cheaper in larger pieces, and searches scan what it lacks.
PAUSE_S = 0.5
#: Seconds after a step that failed.
RETRY_S = 5.0


async def index_forever(pipeline: Pipeline, pause_s: float = PAUSE_S) -> None:
    """Index what the log has and what comes into it. Runs until cancelled."""
    database, seen = pipeline.database, -1
    while True:
        try:
            commits = database.commits
            if commits != seen:
                await index_tail(database)
                # What was committed meanwhile, by us too, is looked for after the pause.
                seen = commits
        except OverloadedError:
            # The disk is full, or publishing needs all of the writer: neither is helped by trying at once.
            await asyncio.sleep(RETRY_S)
        except Exception as error:
            # The index must outlive one failed step; what is not indexed is scanned meanwhile.
            log.error("indexing the log failed", stack=stack_of(error))
            await asyncio.sleep(RETRY_S)
        await asyncio.sleep(pause_s)


async def index_tail(database: Database) -> int:
    """Index step after step until nothing is left to be indexed; return how many events that were."""
    total, steps = 0, 0
    while await database.read(log_index.has_tail):  # asked of a reader: an idle log stays idle
        most = LARGE_STEP if steps >= PATIENCE else STEP
        count = await database.write(partial(log_index.fill, most=most), Class.MAINTENANCE)
        total, steps = total + count, steps + 1
    return total
