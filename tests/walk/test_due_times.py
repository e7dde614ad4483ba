"""A delivery that waits for its time gets its turn, whatever the clock does between two looks at it."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from tenterhook.engine.lanes import Lanes
from tenterhook.engine.subscriptions import Subscriptions
from tenterhook.store.schema import Queue

DUE = 1001


class Claims:
    """Stands where the database does, and notes what is asked of it."""

    def __init__(self):
        self.asked = asyncio.Event()

    def submit(self, batch, item, done, failed, *, rows=1):
        self.asked.set()


def clock_of(times):
    """Return a clock that shows *times* one after the other, and the last one for ever."""
    left = list(times)
    return lambda: left.pop(0) if len(left) > 1 else left[0]


# A timer of the event loop may fire a little before the time that the wall clock shows.
@pytest.mark.parametrize("early", range(6))
def test_a_timer_that_fires_a_moment_early_does_not_lose_the_retry(early):
    async def run():
        claims, subscriptions = Claims(), Subscriptions()
        policy = SimpleNamespace(max_concurrency=1)
        subscriptions.committed = {"who1": SimpleNamespace(org_id="00o1", runnable=True, delivery_policy=policy)}
        lanes = Lanes(claims, subscriptions, "boot", clock_of([DUE - 1] * (1 + early) + [DUE]))
        lanes.expect(lanes.lane_of("who1"), Queue.RETRY, DUE)
        async with asyncio.timeout(5):
            await claims.asked.wait()

    asyncio.run(run())
