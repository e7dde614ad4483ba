"""Say how this process is: for probes and people."""

from __future__ import annotations

import asyncio
from importlib.metadata import version

import msgspec

from tenterhook.engine.pipeline import Pipeline
from tenterhook.errors import OverloadedError
from tenterhook.store import deliveries, log_events
from tenterhook.store.schema import Queue
from tenterhook.store.transaction import Tx

#: Hooks whose waiting deliveries are looked at, and deliveries counted, at most: this must stay cheap.
MAX_HOOKS, MAX_COUNTED = 1000, 1000
DEADLINE_S = 2.0


class Health(msgspec.Struct, frozen=True, rename="camel"):
    """How this process is."""

    status: str
    version: str
    profile: str
    mode: str  #: development or production
    durability: dict[str, object]  #: what SQLite answered when its settings were read back; grade FULL or REDUCED
    runnable: int  #: deliveries that could go out now: in lanes, and due in the database (at most MAX_COUNTED there)
    oldest_pending_age_seconds: float  #: since the oldest of those was due; 0 if there is none


class _Waiting(msgspec.Struct):
    count: int = 0
    oldest_due: int | None = None

    def note(self, due_ms: int, count: int = 0) -> None:
        self.count += count
        self.oldest_due = due_ms if self.oldest_due is None else min(self.oldest_due, due_ms)


async def check_health(pipeline: Pipeline) -> Health:
    """Return how this process is. Its database is asked, within `DEADLINE_S`.

    Raises: OverloadedError, if the database does not answer.
    """
    now_ms = pipeline.now_ms()
    hooks = [(hook.org_id, hook.id) for hook in list(pipeline.subscriptions.committed.values()) if hook.runnable]
    waiting = await _ask(pipeline, hooks[:MAX_HOOKS], now_ms)
    in_lanes = pipeline.lanes.oldest_due()
    if in_lanes is not None:
        waiting.note(in_lanes)
    oldest = now_ms if waiting.oldest_due is None else waiting.oldest_due
    return Health(
        status="ok",
        version=version("tenterhook"),
        profile=pipeline.profile,
        mode="development" if pipeline.dev else "production",
        durability=_durability(pipeline.database.settings),
        runnable=waiting.count + pipeline.lanes.queued + pipeline.lanes.in_flight,
        oldest_pending_age_seconds=max(0, now_ms - oldest) / 1000,
    )


async def check_ready(pipeline: Pipeline) -> None:
    """Return if this process can take work.

    Raises: OverloadedError.
    """
    if pipeline.lanes.closing:
        raise OverloadedError("this server is stopping", 5)
    await _ask(pipeline, [], 0)


async def _ask(pipeline: Pipeline, hooks: list[tuple[str, str]], now_ms: int) -> _Waiting:
    try:
        async with asyncio.timeout(DEADLINE_S):
            return await pipeline.database.read(lambda tx: _look(tx, hooks, now_ms))
    except TimeoutError as error:
        raise OverloadedError("the database does not answer", 5) from error


def _look(tx: Tx, hooks: list[tuple[str, str]], now_ms: int) -> _Waiting:
    """Look at what is due of these hooks: a few index seeks each, never a scan of what is held."""
    found = _Waiting()
    log_events.next_seq(tx)  # whether the database answers at all: without hooks nothing else would ask it
    for hook in hooks:
        for queue in Queue:
            room = MAX_COUNTED - found.count
            count, oldest = deliveries.count_due(tx, hook, queue, now_ms, max(1, room))
            if oldest is not None:
                found.note(oldest, min(count, room))
    return found


def _durability(settings: dict[str, object]) -> dict[str, object]:
    full = settings.get("journal_mode") == "wal" and settings.get("synchronous") == 2
    return {"grade": "FULL" if full else "REDUCED", **settings}
