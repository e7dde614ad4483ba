"""Lanes of a rig, and work for them."""

from __future__ import annotations

from engine_rig import NOW, ORG, Rig, appended, entry, hook

from tenterhook.engine.lane import Job, Lane
from tenterhook.store.deliveries import Claimed
from tenterhook.store.schema import Queue

ONE = {"max_events_per_request": 1}


def lane_of(rig: Rig, letter: str = "a") -> Lane:
    """Return a hook's lane."""
    lane = rig.lanes.lane_of(hook(letter).id)
    assert lane is not None
    return lane


def job(identity: int, queue: Queue = Queue.FIRST) -> Job:
    """Return a job that is in no database."""
    return Job(Claimed(identity, ORG, hook().id, bytes(16), 1, 0, 0, NOW, NOW), queue)


async def publish_one_by_one(rig: Rig, count: int) -> None:
    """Append *count* events, a commit each."""
    for _ in range(count):
        await appended(rig, [entry(rig)])
