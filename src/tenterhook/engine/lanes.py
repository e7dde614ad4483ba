"""A lane per hook: a short queue of claimed deliveries, at most so many in flight, and the rest in the database.

A slot is reserved before the insert; a lane that has rows in the database is in spill mode until a refill comes back
short, so old work never starves. Next due times are in memory; nothing polls (DESIGN §3.4.4). The lanes know nothing of
HTTP or SQL statements beyond claiming: `Carrier` carries one delivery and settles it.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import islice

import structlog

from tenterhook.domain.event_hook import EventHook
from tenterhook.engine.bodies import Bodies, Elements
from tenterhook.engine.lane import Carrier, Job, Lane
from tenterhook.engine.subscriptions import Subscriptions
from tenterhook.failpoints import passing
from tenterhook.store import deliveries
from tenterhook.store.database import Batch, Class, Database
from tenterhook.store.deliveries import Claimed
from tenterhook.store.schema import Queue
from tenterhook.store.transaction import Tx

log = structlog.get_logger(__name__)

#: Deliveries that one lane holds in memory, and all lanes together.
LANE_CAPACITY = 1024
TOTAL_CAPACITY = 50_000
#: A spilled queue is refilled when it has fallen to this.
LOW_WATER = 32
#: Outcomes of one lane that may wait for their commit before the lane stops.
MAX_UNSETTLED = 512
#: Deliveries whose events are read back together.
LOAD_AT_ONCE = 32
#: How long a delivery is left alone whose events could not be read.
READ_AGAIN_S = 1.0
#: Work that could be sent and has waited longer than this for a connection means: refuse new work.
OVERDUE_S = 30.0
_QUEUES = tuple(Queue)
_NOTHING_DUE: list[int | None] = [None for _ in Queue]


class Lanes:
    """All lanes of one process, and the connections they share."""

    def __init__(self, database: Database, subscriptions: Subscriptions, boot: str, now_ms: Callable[[], int]) -> None:
        self.boot = boot
        self.database = database
        self.carrier: Carrier | None = None
        self.max_in_flight = 1024
        self.in_flight = 0
        self.closing = False
        self.lost = 0  #: deliveries that the slow comparison found in nobody's hands
        self._subscriptions = subscriptions
        self._now_ms = now_ms
        self._lanes: dict[str, Lane] = {}
        self._ring: deque[Lane] = deque()
        self._lock = threading.Lock()  # guards spilled, reserved and _reserved between the two threads
        self._reserved = 0
        self._queued = 0
        self.bodies = Bodies()
        self._loading: dict[int, asyncio.Future[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._claims: Batch[tuple[Lane, Queue], int] = Batch("claim", Class.OUTCOME, self._claim)
        self._releases: Batch[list[int], None] = Batch("release", Class.OUTCOME, self._release)
        subscriptions.on_change = self.wake

    # -- on the writing thread ----------------------------------------------------------------------------------------

    def reserve(self, tx: Tx, org_id: str, hook_id: str, wanted: int) -> int:
        """Promise slots for *wanted* new deliveries; those beyond the answer go to the database only."""
        hook = self._subscriptions.snapshot.hooks.get(hook_id)
        with self._lock:
            lane = self._lanes.get(hook_id)
            if lane is None:
                lane = self._lanes[hook_id] = Lane(org_id, hook_id, _width(hook))
            free = min(LANE_CAPACITY - lane.depth - lane.reserved, TOTAL_CAPACITY - self._queued - self._reserved)
            if self.closing or hook is None or not hook.runnable or lane.spilled[Queue.FIRST]:
                free = 0
            granted = max(0, min(wanted, free))
            lane.reserved += granted
            self._reserved += granted
            if granted < wanted:
                lane.spilled[Queue.FIRST] = True
        tx.after_rollback(lambda: self._unreserve(lane, granted))
        return granted

    def _unreserve(self, lane: Lane, count: int) -> None:
        with self._lock:
            lane.reserved -= count
            self._reserved -= count

    def _claim(self, tx: Tx, wanted: list[tuple[Lane, Queue]]) -> list[int]:
        return [self._claim_one(tx, lane, queue) for lane, queue in wanted]

    def _claim_one(self, tx: Tx, lane: Lane, queue: Queue) -> int:
        key = (lane.org_id, lane.hook_id)
        limit = max(1, LANE_CAPACITY - lane.depth - lane.reserved)
        found = deliveries.claim(tx, key, queue, limit, self.boot, self._now_ms())
        passing("claim.before_commit")
        short = len(found) < limit
        due = deliveries.next_due(tx, key, queue) if short else None
        with self._lock:
            lane.spilled[queue] = not short
        tx.after_rollback(lambda: self._spill(lane, queue))
        tx.after_commit_on_loop(lambda: self._refilled(lane, queue, found, due))
        return len(found)

    def _spill(self, lane: Lane, queue: Queue) -> None:
        with self._lock:
            lane.spilled[queue] = True

    def _release(self, tx: Tx, given: list[list[int]]) -> list[None]:
        for ids in given:
            deliveries.release(tx, ids, self.boot)
        return [None for _ in given]

    # -- on the event loop --------------------------------------------------------------------------------------------

    def lane_of(self, hook_id: str) -> Lane | None:
        """Return the hook's lane, made if the hook lives."""
        lane = self._lanes.get(hook_id)
        if lane is None:
            hook = self._subscriptions.committed.get(hook_id)
            if hook is None:
                return None
            with self._lock:
                lane = self._lanes.setdefault(hook_id, Lane(hook.org_id, hook_id, _width(hook)))
        return lane

    def accept(self, born: Mapping[str, tuple[Sequence[Job], Mapping[int, Elements]]]) -> None:
        """Take over committed deliveries, by hook: those that `reserve` had made room for, and the events of all."""
        for hook_id, (jobs, elements) in born.items():
            lane = self._lanes.get(hook_id)
            if lane is None:
                continue  # the hook was deleted meanwhile, and nothing had been promised to it
            self._unreserve(lane, len(jobs))
            for delivery_id, events in elements.items():
                self.bodies.keep(delivery_id, events)
            lane.queues[Queue.FIRST].extend(jobs)
            self._queued += len(jobs)
            passing("lane.accepted")
            self.kick(lane)

    def wake(self, hook_id: str) -> None:
        """Look at a hook anew: it changed, or deliveries of it became due in the database."""
        lane = self.lane_of(hook_id)
        if lane is None:
            return
        with self._lock:
            lane.spilled[:] = [True for _ in Queue]
        self.kick(lane)
        with self._lock:
            idle = not (lane.reserved or lane.depth or lane.running)
            if idle and hook_id not in self._subscriptions.committed:
                self._lanes.pop(hook_id, None)

    def drop(self, hook_id: str, delivery_id: int) -> None:
        """Forget a queued delivery that was cancelled; one that is under way goes on to its end."""
        lane = self._lanes.get(hook_id)
        for queue in lane.queues if lane is not None else ():
            for job in queue:
                if job.claimed.id == delivery_id:
                    queue.remove(job)
                    self._queued -= 1
                    self.bodies.take(delivery_id)
                    return

    def expect(self, lane: Lane, queue: Queue, due_ms: int) -> None:
        """Note that a delivery of the lane waits in the database until *due_ms*."""
        known = lane.next_due[queue]
        if known is None or due_ms < known:
            lane.next_due[queue] = due_ms
        self._arm(lane)

    def kick(self, lane: Lane) -> None:
        """Start as many workers as the lane may have, and refill it if it runs low."""
        hook = self._hook(lane)
        if hook is None:
            if lane.depth:
                self._give_back(lane)
            return
        width = hook.delivery_policy.max_concurrency
        while lane.in_flight < min(int(lane.window), width) and lane.depth and lane.unsettled < MAX_UNSETTLED:
            if not self._may_start(lane):
                break
            lane.in_flight += 1
            self.in_flight += 1
            task = asyncio.get_running_loop().create_task(self._work(lane))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self._refill(lane)

    def overdue(self) -> bool:
        """Return whether runnable work has waited too long for a connection."""
        if not self._ring:
            return False
        since = self._ring[0].waits_since
        return since is not None and asyncio.get_running_loop().time() - since > OVERDUE_S

    def known_ids(self) -> set[int]:
        """Return the ids of all deliveries in this process's hands."""
        lanes = list(self._lanes.values())
        known = {job.claimed.id for lane in lanes for queue in lane.queues for job in queue}
        return known.union(job.claimed.id for lane in lanes for job in lane.running)

    def oldest_due(self) -> int | None:
        """Return the due time (ms) of the oldest delivery that is in a lane's hands, or None."""
        firsts = [lane.queues[0][0].claimed.due_at for lane in self._lanes.values() if lane.queues[0]]
        return min(firsts, default=None)

    @property
    def queued(self) -> int:
        """Return how many deliveries wait in memory."""
        return self._queued

    async def close(self, deadline_s: float) -> None:
        """Start no more, give back what is queued, wait for what is in flight until the deadline, then cut it off."""
        self.closing = True
        for lane in self._lanes.values():
            if lane.timer is not None:
                lane.timer.cancel()
            self._give_back(lane)
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=deadline_s)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=1.0)

    # -- a lane's work ------------------------------------------------------------------------------------------------

    async def _work(self, lane: Lane) -> None:
        try:
            while (hook := self._hook(lane)) is not None and self.carrier is not None:
                job = lane.take()
                if job is None:
                    break
                self._queued -= 1
                lane.running.add(job)
                elements = await self._elements(lane, job, self.carrier)
                await self.carrier.carry(lane, hook, job, elements)
                if not self._goes_on(lane, hook):
                    break
                self._refill(lane)
        finally:
            lane.in_flight -= 1
            self.in_flight -= 1
            self._turn_ring()
            if not self.closing:
                self.kick(lane)

    def _goes_on(self, lane: Lane, hook: EventHook) -> bool:
        """Return whether a worker that has carried one job may take the next."""
        if lane.unsettled >= MAX_UNSETTLED or lane.in_flight > min(lane.window, hook.delivery_policy.max_concurrency):
            return False
        return not self._ring and (lane.in_flight == 1 or self._roomy())

    def _roomy(self) -> bool:
        return self.in_flight <= self.max_in_flight * 3 // 4

    def _may_start(self, lane: Lane) -> bool:
        """Every lane is sure of its first connection; further ones only while a quarter of them is free."""
        if self.in_flight >= self.max_in_flight:
            if lane.waits_since is None and lane.in_flight == 0:
                lane.waits_since = asyncio.get_running_loop().time()
                self._ring.append(lane)
            return False
        return lane.in_flight == 0 or self._roomy()

    def _turn_ring(self) -> None:
        while self._ring and self.in_flight < self.max_in_flight:
            lane = self._ring.popleft()
            lane.waits_since = None
            self.kick(lane)

    async def _elements(self, lane: Lane, job: Job, carrier: Carrier) -> Elements:
        held = self.bodies.take(job.claimed.id)
        if held is not None:
            return held
        try:
            return await self._read_back(lane, job, carrier)
        except BaseException:
            # Or it would be in this lane's hands for ever. Not at once: what failed now would fail again.
            lane.running.discard(job)
            asyncio.get_running_loop().call_later(READ_AGAIN_S, self._return, lane, [job.claimed.id])
            raise

    async def _read_back(self, lane: Lane, job: Job, carrier: Carrier) -> Elements:
        """Return the events of *job*, and fetch those of the lane's next jobs with them."""
        wanted = job.claimed.id
        under_way = self._loading.get(wanted)
        if under_way is not None:
            await asyncio.wait([under_way])
            elements = self.bodies.take(wanted)
            if elements is not None:
                return elements
        ids = [wanted]
        for queued in islice(lane.queues[job.queue], LOAD_AT_ONCE - 1):
            if queued.claimed.id not in self._loading and queued.claimed.id not in self.bodies:
                ids.append(queued.claimed.id)
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._loading.update(dict.fromkeys(ids, future))
        try:
            found = await carrier.read_back(ids)
        finally:
            future.set_result(None)
            for one in ids:
                self._loading.pop(one, None)
        for one in ids[1:]:
            self.bodies.keep(one, found[one])
        return found[wanted]

    def _hook(self, lane: Lane) -> EventHook | None:
        """Return the lane's hook if deliveries may go to it now."""
        hook = self._subscriptions.committed.get(lane.hook_id)
        return hook if hook is not None and hook.runnable and not self.closing else None

    def _give_back(self, lane: Lane) -> None:
        jobs = [job for queue in lane.queues for job in queue]
        if not jobs:
            return
        for queue in lane.queues:
            queue.clear()
        self._queued -= len(jobs)
        with self._lock:
            lane.spilled[:] = [True for _ in Queue]
        self._return(lane, [job.claimed.id for job in jobs])

    def _return(self, lane: Lane, ids: list[int]) -> None:
        failed = partial(log.error, "deliveries could not be given back", hook=lane.hook_id)
        # Looked at again once the rows are free: a claim of the same commit may have run before their release.
        done = partial(self.wake, lane.hook_id)
        self.database.submit(self._releases, ids, lambda _: done(), lambda error: failed(error=repr(error)))

    # -- refilling ----------------------------------------------------------------------------------------------------

    def _refill(self, lane: Lane) -> None:
        if not any(lane.spilled) and lane.next_due == _NOTHING_DUE:
            return
        if self._hook(lane) is None:
            return  # paused or deleted while a worker was busy: what waits stays where it is
        now = self._now_ms()
        for queue in _QUEUES:
            due = lane.next_due[queue]
            wanted = lane.spilled[queue] or (due is not None and due <= now)
            if wanted and not lane.refilling[queue] and len(lane.queues[queue]) <= LOW_WATER:
                lane.refilling[queue] = True
                failed = partial(self._refill_failed, lane, queue)
                self.database.submit(self._claims, (lane, queue), lambda _: None, failed)

    def _refill_failed(self, lane: Lane, queue: Queue, error: BaseException) -> None:
        log.error("refill failed", hook=lane.hook_id, error=repr(error))
        lane.refilling[queue] = False
        self.expect(lane, queue, self._now_ms() + 1000)

    def _refilled(self, lane: Lane, queue: Queue, found: Iterable[Claimed], due: int | None) -> None:
        lane.refilling[queue] = False
        lane.next_due[queue] = due
        jobs = [Job(claimed, queue=queue) for claimed in found]
        lane.queues[queue].extend(jobs)
        self._queued += len(jobs)
        if self.closing:
            self._give_back(lane)
            return
        self._arm(lane)
        self.kick(lane)

    def _arm(self, lane: Lane) -> None:
        """Set the lane's one timer to its next due time."""
        dues = [due for due in lane.next_due if due is not None]
        if lane.timer is not None:
            lane.timer.cancel()
            lane.timer = None
        if dues and not self.closing:
            delay = max(0.0, (min(dues) - self._now_ms()) / 1000)
            lane.timer = asyncio.get_running_loop().call_later(min(delay, 3600.0), self._ring_timer, lane)

    def _ring_timer(self, lane: Lane) -> None:
        lane.timer = None
        # Asked before the kick: what falls due between the two looks at the clock must not lose its timer.
        now = self._now_ms()
        self.kick(lane)
        if not any(due is not None and due <= now for due in lane.next_due):
            self._arm(lane)


def _width(hook: EventHook | None) -> int:
    return hook.delivery_policy.max_concurrency if hook is not None else 1
