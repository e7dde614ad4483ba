"""How many deliveries the lanes hold in memory: promised before they are stored, and never more than the bounds.

The writing thread promises slots inside its transaction, the event loop fills and empties them; this is the one place
where the two touch the same numbers.
"""

from __future__ import annotations

import threading

from tenterhook.engine.lane import Lane
from tenterhook.store.schema import Queue

#: Deliveries that one lane holds in memory, and all lanes together.
LANE_CAPACITY = 256
TOTAL_CAPACITY = 50_000
#: What every lane is sure of, however many hung ones fill the total.
SURE = 8


class Slots:
    """The slots of all lanes."""

    def __init__(self, lane_capacity: int = LANE_CAPACITY, total_capacity: int = TOTAL_CAPACITY) -> None:
        self._lane_capacity = lane_capacity
        self._total_capacity = total_capacity
        self._lock = threading.Lock()
        self._reserved = 0
        self.queued = 0  #: deliveries that wait in lanes; changed on the event loop only

    def reserve(self, lane: Lane, wanted: int) -> int:
        """Promise up to *wanted* slots of a lane and return how many."""
        with self._lock:
            free = min(
                self._lane_capacity - lane.depth - lane.reserved,
                self._total_capacity - self.queued - self._reserved,
            )
            free = max(free, min(SURE, self._lane_capacity) - lane.depth - lane.reserved)
            granted = max(0, min(wanted, free))
            lane.reserved += granted
            self._reserved += granted
        return granted

    def release(self, lane: Lane, count: int) -> None:
        """Take a promise back: it was filled, or its transaction undone."""
        with self._lock:
            lane.reserved -= count
            self._reserved -= count

    def spill(self, lane: Lane, *queues: Queue, spilled: bool = True) -> None:
        """Note that the database holds (or holds no more) due deliveries of these queues which the lane has not."""
        with self._lock:
            for queue in queues:
                lane.spilled[queue] = spilled
