"""A lane per hook: a short queue of claimed deliveries, at most so many in flight, and the rest in the database.

A slot is reserved before the insert; a lane that has rows in the database is in spill mode until a refill comes back
short, so old work never starves (DESIGN §3.4.4). This module deals out connections: who may start, who goes on, who
waits. `Slots` counts what is in memory, `Refill` brings rows in, a `Carrier` carries one delivery and settles it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from itertools import islice

import structlog

from tenterhook.domain.event_hook import EventHook
from tenterhook.engine.bodies import Bodies, Elements
from tenterhook.engine.lane import Carrier, Job, Lane
from tenterhook.engine.refill import Refill
from tenterhook.engine.slots import Slots
from tenterhook.engine.subscriptions import Subscriptions
from tenterhook.errors import stack_of
from tenterhook.failpoints import passing
from tenterhook.store.database import Database
from tenterhook.store.schema import Queue
from tenterhook.store.transaction import Tx

log = structlog.get_logger(__name__)

#: Outcomes of one lane that may wait for their commit before the lane stops.
MAX_UNSETTLED = 512
#: Deliveries whose events are read back together.
LOAD_AT_ONCE = 32
#: How long a delivery is left alone that could not be carried for a reason of our own.
CARRY_AGAIN_S = 1.0
#: Work that could be sent and has waited longer than this for a connection means: refuse new work.
OVERDUE_S = 30.0


class Lanes:
    """All lanes of one process, and the connections they share."""

    def __init__(
        self,
        database: Database,
        subscriptions: Subscriptions,
        boot: str,
        now_ms: Callable[[], int],
        slots: Slots | None = None,
    ) -> None:
        self.boot = boot
        self.carrier: Carrier | None = None
        self.max_in_flight = 1024
        self.in_flight = 0
        self.closing = False
        self.lost = 0  #: deliveries that the slow comparison found in nobody's hands
        self.bodies = Bodies()
        self._subscriptions = subscriptions
        self._slots = slots or Slots()
        self._refill = Refill(database, self._slots, boot, now_ms)
        self._refill.runnable = lambda lane: self._hook(lane) is not None
        self._refill.filled = self.kick
        self._refill.returned = lambda lane: self.wake(lane.hook_id)
        self._lanes: dict[str, Lane] = {}
        self._ring: deque[Lane] = deque()
        self._loading: dict[int, asyncio.Future[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        subscriptions.on_change = self.wake

    # -- on the writing thread ----------------------------------------------------------------------------------------

    def reserve(self, tx: Tx, org_id: str, hook_id: str, wanted: int) -> int:
        """Promise slots for *wanted* new deliveries; those beyond the answer go to the database only."""
        hook = self._subscriptions.snapshot.hooks.get(hook_id)
        lane = self._lanes.get(hook_id) or self._lanes.setdefault(hook_id, Lane(org_id, hook_id, _width(hook)))
        granted = 0
        if hook is not None and hook.runnable and not self.closing and not lane.spilled[Queue.FIRST]:
            granted = self._slots.reserve(lane, wanted)
        if granted < wanted:
            self._slots.spill(lane, Queue.FIRST)
        tx.after_rollback(lambda: self._slots.release(lane, granted))
        return granted

    # -- on the event loop --------------------------------------------------------------------------------------------

    def lane_of(self, hook_id: str) -> Lane | None:
        """Return the hook's lane, made if the hook lives."""
        lane = self._lanes.get(hook_id)
        hook = self._subscriptions.committed.get(hook_id)
        if lane is None and hook is not None:
            lane = self._lanes.setdefault(hook_id, Lane(hook.org_id, hook_id, _width(hook)))
        return lane

    def accept(self, born: Mapping[str, tuple[Sequence[Job], Mapping[int, Elements]]]) -> None:
        """Take over committed deliveries, by hook: those that `reserve` had made room for, and the events of all."""
        for hook_id, (jobs, elements) in born.items():
            lane = self._lanes.get(hook_id)
            if lane is None:
                continue  # the hook was deleted meanwhile, and nothing had been promised to it
            self._slots.release(lane, len(jobs))
            if self._hook(lane) is not None:
                for delivery_id, events in elements.items():
                    self.bodies.keep(delivery_id, events)
            lane.queues[Queue.FIRST].extend(jobs)
            self._slots.queued += len(jobs)
            passing("lane.accepted")
            self.kick(lane)

    def wake(self, hook_id: str) -> None:
        """Look at a hook anew: it changed, or deliveries of it became due in the database."""
        lane = self.lane_of(hook_id)
        if lane is not None:
            self._slots.spill(lane, *Queue)
            self.kick(lane)

    def drop(self, hook_id: str, delivery_id: int) -> None:
        """Forget a queued delivery that was cancelled; one that is under way goes on to its end."""
        lane = self._lanes.get(hook_id)
        for queue in lane.queues if lane is not None else ():
            for job in queue:
                if job.claimed.id == delivery_id:
                    queue.remove(job)
                    self._slots.queued -= 1
                    self.bodies.take(delivery_id)
                    return

    def expect(self, lane: Lane, queue: Queue, due_ms: int) -> None:
        """Note that a delivery of the lane waits in the database until *due_ms*."""
        self._refill.expect(lane, queue, due_ms)

    def await_due(self, held: Mapping[str, int]) -> None:
        """Note that new deliveries wait in the database until a time (ms), by hook."""
        for hook_id, due_ms in held.items():
            lane = self.lane_of(hook_id)
            if lane is not None:
                self.expect(lane, Queue.FIRST, due_ms)

    def kick(self, lane: Lane) -> None:
        """Start as many workers as the lane may have and has work for, and refill it if it runs low."""
        hook = self._hook(lane)
        if hook is None:
            self._rest(lane)
            return
        width = min(int(lane.window), hook.delivery_policy.max_concurrency)
        while lane.in_flight < width and lane.starting < lane.depth and lane.unsettled < MAX_UNSETTLED:
            if not self._may_start(lane):
                break
            lane.in_flight += 1
            lane.starting += 1
            self.in_flight += 1
            task = asyncio.get_running_loop().create_task(self._work(lane))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self._refill.look(lane)

    def overdue(self) -> bool:
        """Return whether runnable work has waited too long for a connection."""
        if not self._ring:
            return False
        since = self._ring[0].waits_since
        return since is not None and asyncio.get_running_loop().time() - since > OVERDUE_S

    def known_ids(self) -> set[int]:
        """Return the ids of all deliveries in this process's hands."""
        # A copy: publishing adds lanes on the writing thread.
        lanes = list(self._lanes.values())
        known = {job.claimed.id for lane in lanes for queue in lane.queues for job in queue}
        return known.union(job.claimed.id for lane in lanes for job in lane.running)

    def oldest_due(self, org_id: str | None = None) -> int | None:
        """Return the due time (ms) of the oldest delivery that is queued in a lane, or None. org_id: of whose lanes."""
        lanes = list(self._lanes.values())
        dues = (lane.oldest_due for lane in lanes if org_id in (None, lane.org_id))
        return min((due for due in dues if due is not None), default=None)

    @property
    def queued(self) -> int:
        """Return how many deliveries wait in memory."""
        return self._slots.queued

    async def close(self, deadline_s: float) -> None:
        """Start no more, give back what is queued, wait for what is in flight until the deadline, then cut it off."""
        self.closing = True
        for lane in list(self._lanes.values()):
            self._refill.stop(lane)
            self._refill.give_back(lane)
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=deadline_s)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=1.0)

    # -- a lane's work ------------------------------------------------------------------------------------------------

    async def _work(self, lane: Lane) -> None:
        lane.starting -= 1
        try:
            while (hook := self._hook(lane)) is not None and self.carrier is not None:
                job = lane.take()
                if job is None:
                    break
                self._slots.queued -= 1
                lane.running.add(job)
                if not await self._carry(lane, hook, job, self.carrier) or not self._goes_on(lane, hook):
                    break
                self._refill.look(lane)
        finally:
            lane.in_flight -= 1
            self.in_flight -= 1
            self._turn_ring()
            self._refill.feed()
            self.kick(lane)

    async def _carry(self, lane: Lane, hook: EventHook, job: Job, carrier: Carrier) -> bool:
        """Carry one job; return whether that went as it should. One that has no outcome is given back."""
        try:
            elements = self.bodies.take(job.claimed.id)
            if elements is None:
                elements = await self._read_back(lane, job, carrier)
            await carrier.carry(lane, hook, job, elements)
        except BaseException as error:
            # Whatever it was: a job without an outcome must not stay in this lane's hands for ever.
            if not job.submitted:
                lane.running.discard(job)
                self._give_back_later(lane, job)
            if not isinstance(error, Exception):
                raise
            log.error("a delivery could not be carried", hook=lane.hook_id, stack=stack_of(error))
            return False
        return True

    def _give_back_later(self, lane: Lane, job: Job) -> None:
        give_back, ids = self._refill.give_back_ids, [job.claimed.id]
        if self.closing:
            give_back(lane, ids)
        else:  # not at once: what failed now would fail again
            asyncio.get_running_loop().call_later(CARRY_AGAIN_S, give_back, lane, ids)

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

    def _rest(self, lane: Lane) -> None:
        """Empty a lane whose hook may get nothing now; forget it if the hook is gone and nothing is under way."""
        self._refill.give_back(lane)
        busy = lane.reserved or lane.running or lane.in_flight or any(lane.refilling)
        if lane.hook_id not in self._subscriptions.committed and not busy and not self.closing:
            self._refill.stop(lane)
            self._lanes.pop(lane.hook_id, None)


def _width(hook: EventHook | None) -> int:
    return hook.delivery_policy.max_concurrency if hook is not None else 1
