"""Add up what has ended, behind the delivering: every few seconds, and at once what a former process has noted."""

from __future__ import annotations

import asyncio
from functools import partial

import structlog

from tenterhook.engine.pipeline import Pipeline
from tenterhook.errors import OverloadedError, stack_of
from tenterhook.store import tallies
from tenterhook.store.database import Database
from tenterhook.store.write_queue import Class

log = structlog.get_logger(__name__)

#: Seconds between two looks: adding up is cheaper the more there is, and whoever reads adds the rest up alone.
PAUSE_S = 5.0
#: Seconds after a step that failed.
RETRY_S = 5.0


async def tally_forever(pipeline: Pipeline, pause_s: float = PAUSE_S) -> None:
    """Add up what ends. Runs until cancelled."""
    database, seen = pipeline.database, -1
    while True:
        try:
            commits = database.commits
            if commits != seen:
                await add_up(database)
                seen = commits
        except OverloadedError:
            await asyncio.sleep(RETRY_S)
        except Exception as error:
            # The figures must outlive one failed step: the notes stay, and are read meanwhile.
            log.error("adding up what has ended failed", stack=stack_of(error))
            await asyncio.sleep(RETRY_S)
        await asyncio.sleep(pause_s)


async def add_up(database: Database) -> int:
    """Add up what has been noted so far; return in how many steps. One at a time."""
    steps = 0
    while (made := await database.search(tallies.folded)) is not None:
        await database.write(partial(tallies.replace, made=made), Class.MAINTENANCE)
        steps += 1
    return steps
