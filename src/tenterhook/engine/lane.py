"""One hook's lane: what it has in memory, and who carries its deliveries."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Protocol

import msgspec

from tenterhook.domain.event_hook import EventHook
from tenterhook.engine.bodies import Elements
from tenterhook.store.deliveries import Claimed
from tenterhook.store.schema import Queue

#: Which queue a lane serves at each turn: first tries, retries and replays as 4:1:1.
_TURNS = (Queue.FIRST, Queue.FIRST, Queue.RETRY, Queue.FIRST, Queue.FIRST, Queue.REPLAY)


class Job(msgspec.Struct, eq=False):
    """One delivery in a lane."""

    claimed: Claimed
    queue: Queue = Queue.FIRST
    submitted: bool = False  #: whether an outcome of it is on its way to the database


class Lane:
    """What one hook has in memory. Touched on the event loop, but for `spilled` and `reserved` (see `Slots`)."""

    def __init__(self, org_id: str, hook_id: str, width: int) -> None:
        self.org_id, self.hook_id = org_id, hook_id
        self.queues: tuple[deque[Job], ...] = tuple(deque() for _ in Queue)
        self.spilled = [False for _ in Queue]
        self.next_due: list[int | None] = [None for _ in Queue]
        self.refilling = [False for _ in Queue]
        self.reserved = 0
        self.running: set[Job] = set()
        self.in_flight = 0
        self.starting = 0  #: workers that were started and hold no delivery yet
        self.not_before = 0.0  #: until when, by the event loop's clock, nothing is claimed for it
        self.unsettled = 0
        self.window = float(width)
        self.turn = 0
        self.timer: asyncio.TimerHandle | None = None
        self.waits_since: float | None = None  #: since when it stands on the ring
        self.healthy: bool | None = None  #: whether its last attempt succeeded; None: not known yet

    @property
    def depth(self) -> int:
        """Return how many deliveries are queued in memory."""
        return sum(map(len, self.queues))

    @property
    def oldest_due(self) -> int | None:
        """Return since when (ms) the oldest delivery that is queued in memory is due; None if none is."""
        return min((queue[0].claimed.due_at for queue in self.queues if queue), default=None)

    def take(self) -> Job | None:
        """Return the next job by the turns of the queues."""
        for _ in _TURNS:
            queue = self.queues[_TURNS[self.turn]]
            self.turn = (self.turn + 1) % len(_TURNS)
            if queue:
                return queue.popleft()
        return None

    def succeeded(self, width: int) -> None:
        """Open the window a little."""
        self.window = min(float(width), self.window + 1.0 / self.window)

    def timed_out(self) -> None:
        """Halve the window: a receiver that hangs holds one connection, not sixteen."""
        self.window = max(1.0, self.window / 2)


class Carrier(Protocol):
    """Carries a lane's jobs out."""

    async def carry(self, lane: Lane, hook: EventHook, job: Job, elements: Elements) -> None:
        """Send one job and submit its outcome. Never raises for what a peer does."""

    async def read_back(self, ids: Sequence[int]) -> dict[int, Elements]:
        """Return the events of deliveries, by delivery id, from the log; empty where retention took them."""
