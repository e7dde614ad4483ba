"""Bring deliveries from the database into their lanes: what spilled, and what falls due.

Next due times are in memory, one timer a lane; nothing polls (DESIGN §3.4.4). A lane that runs low claims the next rows
in order, as far as there are slots; one that finds none stands in line for them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from functools import partial

import structlog

from tenterhook.engine.lane import Job, Lane
from tenterhook.engine.slots import Slots
from tenterhook.failpoints import passing
from tenterhook.store import deliveries
from tenterhook.store.database import Database
from tenterhook.store.deliveries import Claimed
from tenterhook.store.schema import Queue
from tenterhook.store.transaction import Tx
from tenterhook.store.write_queue import Batch, Class

log = structlog.get_logger(__name__)

#: A queue is refilled when it has fallen to this.
LOW_WATER = 32
#: Rows that one claim takes at most: it shares its commit with others, and a lane's three claims share its slots.
CLAIM_AT_ONCE = 80
#: How long a lane leaves the database alone after a claim was refused.
REFUSED_WAIT_S = 1.0
_MAX_TIMER_S = 3600.0
_QUEUES = tuple(Queue)
_NOTHING_DUE: list[int | None] = [None for _ in Queue]


class Refill:
    """Claims and timers of all lanes. Belongs to the event loop, but for what its batches run."""

    def __init__(self, database: Database, slots: Slots, boot: str, now_ms: Callable[[], int]) -> None:
        self._database = database
        self._slots = slots
        self._boot = boot
        self._now_ms = now_ms
        self._hungry: dict[Lane, None] = {}  # lanes that found no slot free, in the order in which they came
        self._claims: Batch[tuple[Lane, Queue], None] = Batch("claim", Class.OUTCOME, self._claim)
        self._releases: Batch[list[int], None] = Batch("release", Class.OUTCOME, self._release)
        #: Whether deliveries of a lane may go out now; set by `Lanes`, as the next two.
        self.runnable: Callable[[Lane], bool] = lambda lane: False
        self.filled: Callable[[Lane], None] = lambda lane: None
        self.returned: Callable[[Lane], None] = lambda lane: None

    def look(self, lane: Lane) -> None:
        """Claim for every queue of the lane that runs low and has something due in the database."""
        if not any(lane.spilled) and lane.next_due == _NOTHING_DUE:
            return
        if not self.runnable(lane) or asyncio.get_running_loop().time() < lane.not_before:
            return
        now = self._now_ms()
        for queue in _QUEUES:
            due = lane.next_due[queue]
            wanted = lane.spilled[queue] or (due is not None and due <= now)
            if wanted and not lane.refilling[queue] and len(lane.queues[queue]) <= LOW_WATER:
                lane.refilling[queue] = True
                refused = partial(self._refused, lane, queue)
                self._database.submit(self._claims, (lane, queue), _ignore, refused, rows=CLAIM_AT_ONCE)

    def expect(self, lane: Lane, queue: Queue, due_ms: int) -> None:
        """Note that a delivery of the lane waits in the database until *due_ms*."""
        known = lane.next_due[queue]
        if known is None or due_ms < known:
            lane.next_due[queue] = due_ms
        self._arm(lane)

    def give_back(self, lane: Lane) -> None:
        """Put everything that is queued in the lane back into the database."""
        ids = [job.claimed.id for queue in lane.queues for job in queue]
        if not ids:
            return
        for queue in lane.queues:
            queue.clear()
        self._slots.queued -= len(ids)
        self._slots.spill(lane, *_QUEUES)
        self.give_back_ids(lane, ids)

    def give_back_ids(self, lane: Lane, ids: list[int]) -> None:
        """Make claimed deliveries READY again, and look at the lane once they are."""
        failed = partial(log.error, "deliveries could not be given back", hook=lane.hook_id)
        done = partial(self.returned, lane)
        self._database.submit(self._releases, ids, lambda _: done(), lambda error: failed(error=repr(error)))

    def feed(self) -> None:
        """Let the first lane that stands in line for slots look again; call it when slots became free.

        One at a time: each look is a transaction, and while slots are few most looks would be in vain.
        """
        if self._hungry:
            lane = next(iter(self._hungry))
            del self._hungry[lane]
            self.look(lane)

    def stop(self, lane: Lane) -> None:
        """Forget the lane's timer."""
        if lane.timer is not None:
            lane.timer.cancel()
            lane.timer = None

    # -- on the writing thread ----------------------------------------------------------------------------------------

    def _claim(self, tx: Tx, wanted: list[tuple[Lane, Queue]]) -> list[None]:
        for lane, queue in wanted:
            self._claim_one(tx, lane, queue)
        return [None for _ in wanted]

    def _claim_one(self, tx: Tx, lane: Lane, queue: Queue) -> None:
        room = self._slots.reserve(lane, CLAIM_AT_ONCE)
        tx.after_rollback(partial(self._slots.release, lane, room))
        if room == 0:
            self._slots.spill(lane, queue)
            tx.after_commit_on_loop(partial(self._starved, lane, queue))
            return
        key = (lane.org_id, lane.hook_id)
        found = deliveries.claim(tx, key, queue, room, self._boot, self._now_ms())
        passing("claim.before_commit")
        short = len(found) < room
        due = deliveries.next_due(tx, key, queue) if short else None
        self._slots.spill(lane, queue, spilled=not short)
        tx.after_rollback(partial(self._slots.spill, lane, queue))
        tx.after_commit_on_loop(partial(self._refilled, lane, queue, found, due, room))

    def _release(self, tx: Tx, given: list[list[int]]) -> list[None]:
        for ids in given:
            deliveries.release(tx, ids, self._boot)
        return [None for _ in given]

    # -- afterwards, on the event loop --------------------------------------------------------------------------------

    def _refilled(self, lane: Lane, queue: Queue, found: Iterable[Claimed], due: int | None, room: int) -> None:
        self._slots.release(lane, room)
        lane.refilling[queue] = False
        lane.next_due[queue] = due
        jobs = [Job(claimed, queue=queue) for claimed in found]
        lane.queues[queue].extend(jobs)
        self._slots.queued += len(jobs)
        if not self.runnable(lane):
            self.give_back(lane)
            return
        self._arm(lane)
        self.filled(lane)
        if len(jobs) < room:
            self.feed()  # what was promised and not needed

    def _starved(self, lane: Lane, queue: Queue) -> None:
        lane.refilling[queue] = False
        self._hungry[lane] = None

    def _refused(self, lane: Lane, queue: Queue, error: BaseException) -> None:
        """The database did not take the claim (a full disk): it is left alone for a while."""
        loop = asyncio.get_running_loop()
        if loop.time() >= lane.not_before:
            log.error("deliveries could not be claimed", hook=lane.hook_id, error=repr(error))
            lane.not_before = loop.time() + REFUSED_WAIT_S
            loop.call_later(REFUSED_WAIT_S * 1.01, self.filled, lane)
        lane.refilling[queue] = False

    def _arm(self, lane: Lane) -> None:
        """Set the lane's one timer to its next due time."""
        self.stop(lane)
        dues = [due for due in lane.next_due if due is not None]
        if dues and self.runnable(lane):
            delay = max(0.0, (min(dues) - self._now_ms()) / 1000)
            lane.timer = asyncio.get_running_loop().call_later(min(delay, _MAX_TIMER_S), self._ring, lane)

    def _ring(self, lane: Lane) -> None:
        lane.timer = None
        # Asked before the look: what falls due between the two looks at the clock must not lose its timer.
        now = self._now_ms()
        self.filled(lane)
        if not any(due is not None and due <= now for due in lane.next_due):
            self._arm(lane)


def _ignore(_: object) -> None:
    """A claim's result comes as an effect of its commit."""
