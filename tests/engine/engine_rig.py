"""What the tests of the engine begin with: a real database, hooks, lanes, and a carrier that does as it is told."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar, cast

import msgspec

from tenterhook.domain import log_event
from tenterhook.domain.attempt import Attempt, Outcome, Phases, Reason
from tenterhook.domain.channel import Channel, Config
from tenterhook.domain.delivery_policy import DeliveryPolicy
from tenterhook.domain.envelope import render_element
from tenterhook.domain.event_hook import EventHook, Events
from tenterhook.domain.principal import Principal, Role, permissions_of
from tenterhook.domain.strict_json import reload
from tenterhook.engine.append import Entry, append, make_entry
from tenterhook.engine.bodies import Elements
from tenterhook.engine.freed_places import FreedPlaces
from tenterhook.engine.lane import Job, Lane
from tenterhook.engine.lanes import Lanes
from tenterhook.engine.pipeline import Limits, Pipeline
from tenterhook.engine.publish import Publishing, PublishResult
from tenterhook.engine.subscriptions import Subscriptions
from tenterhook.ids import uuid7
from tenterhook.store import deliveries, log_events, orgs
from tenterhook.store.database import Database
from tenterhook.store.deliveries import Settled
from tenterhook.store.migrate import migrate
from tenterhook.store.schema import Queue, State
from tenterhook.store.transaction import Tx
from tenterhook.store.write_queue import Batch, Class

T = TypeVar("T")

ORG, OTHER = "00o" + "a" * 17, "00o" + "b" * 17
BOOT = "boot-1"
NOW = 1_767_323_045_678  # 2026-01-02T03:04:05.678Z


def hook(letter: str = "a", org_id: str = ORG, *, items: Sequence[str] = ("a.b",), **policy: Any) -> EventHook:
    """Return an active and verified hook. policy: of its deliveryPolicy."""
    return EventHook(
        id="who" + letter * 17,
        org_id=org_id,
        status="ACTIVE",
        verification_status="VERIFIED",
        name=f"Hook {letter}",
        description=None,
        created=NOW,
        created_by="00u" + "a" * 17,
        last_updated=NOW,
        events=Events(items=tuple(items)),
        channel=Channel(config=Config(uri="https://svc.example.com/hook", headers=(), auth_scheme=None)),
        delivery_policy=DeliveryPolicy(**{"retry": "durable", **policy}),
        ever_verified=True,
        public_url="https://hooks.example.com",
    )


class Carrying:
    """A `Carrier` that holds every job until its gate is open, then settles it in the database."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.open = asyncio.Event()
        self.open.set()
        self.closed_for: set[str] = set()  #: hooks whose jobs hang, whatever the gate
        self.never = asyncio.Event()
        self.carried: list[tuple[str, int]] = []
        self.elements: dict[int, Elements] = {}
        self.reads: list[list[int]] = []
        self.in_flight: Counter[str] = Counter()
        self.most_in_flight: Counter[str] = Counter()
        self.outcomes: Batch[tuple[Lane, Job], bool] = Batch("settle", Class.OUTCOME, self._settle)

    async def carry(self, lane: Lane, hook: EventHook, job: Job, elements: Elements) -> None:
        self.carried.append((hook.id, job.claimed.id))
        self.elements[job.claimed.id] = elements
        self.in_flight[hook.id] += 1
        self.most_in_flight[hook.id] = max(self.most_in_flight[hook.id], self.in_flight[hook.id])
        try:
            await (self.never if hook.id in self.closed_for else self.open).wait()
        finally:
            self.in_flight[hook.id] -= 1
        lane.unsettled += 1
        job.submitted = True
        self.rig.database.submit(self.outcomes, (lane, job), lambda _: None, lambda error: None)

    def _settle(self, tx: Tx, jobs: list[tuple[Lane, Job]]) -> list[bool]:
        done = [Settled(job.claimed, attempt(job), State.DELIVERED, NOW, 0, None) for _, job in jobs]
        applied = deliveries.settle(tx, done, BOOT, NOW)
        tx.after_commit_on_loop(lambda: self._settled(jobs))
        return applied

    def _settled(self, jobs: list[tuple[Lane, Job]]) -> None:
        for lane, job in jobs:
            lane.unsettled -= 1
            lane.running.discard(job)
            self.rig.lanes.kick(lane)

    async def read_back(self, ids: Sequence[int]) -> dict[int, Elements]:
        self.reads.append(list(ids))

        def read(tx: Tx) -> dict[int, Elements]:
            seqs = deliveries.seqs_of(tx, ids)
            return {
                identity: tuple(render_element(reload(log_events.bodies(tx, [seq])[seq])) for seq in carried)
                for identity, carried in seqs.items()
            }

        return await self.rig.database.read(read)


def attempt(job: Job, outcome: Outcome = Outcome.DELIVERED, reason: Reason | None = None) -> Attempt:
    """Return what an exchange did."""
    started = datetime.fromtimestamp(NOW / 1000, UTC)
    return Attempt(outcome, reason, "", started, Phases(), number=job.claimed.attempt_no + 1)


class Rig:
    """One running engine, as much of it as appending and carrying need."""

    def __init__(self, path: Path) -> None:
        self.now = NOW
        self.database = Database(path / "events.db")
        self.database.run_now(self._found)
        self.subscriptions = Subscriptions()
        self.lanes = Lanes(self.database, self.subscriptions, BOOT, lambda: self.now)
        self.carrier = Carrying(self)
        self.lanes.carrier = self.carrier
        parts = SimpleNamespace(
            database=self.database,
            subscriptions=self.subscriptions,
            lanes=self.lanes,
            limits=Limits(),
            freed=FreedPlaces(),
            now_ms=lambda: self.now,
        )
        self.pipeline = cast("Pipeline", parts)
        self.publishing = Publishing(self.pipeline, disk_floor_bytes=0)

    def _found(self, tx: Tx) -> None:
        migrate(tx)
        if orgs.first(tx) is not None:
            return  # a former process's database
        for org_id in (ORG, OTHER):
            orgs.insert(tx, orgs.Org(org_id, org_id, 0, org_id.encode() * 2))

    async def put(self, *hooks: EventHook) -> None:
        """Commit hooks."""
        for one in hooks:
            await self.database.write(lambda tx, one=one: self.subscriptions.put(tx, one))
        lanes = [lane for one in hooks if (lane := self.lanes.lane_of(one.id)) is not None]
        await self.until(lambda: not any(any(lane.refilling) for lane in lanes))

    async def remove(self, one: EventHook) -> None:
        """Commit a hook's deletion."""
        await self.database.write(lambda tx: self.subscriptions.remove(tx, one))

    async def publish(self, *events: Any, org_id: str = ORG, ndjson: bool = False) -> PublishResult:
        """Publish *events*: dicts, or one body as it is."""
        body = events[0] if isinstance(events[0], bytes) else msgspec.json.encode(events)
        principal = Principal(
            org_id=org_id,
            admin_id="00u1",
            login="ann@example.com",
            name="Ann",
            token_id="00T1",
            permissions=permissions_of(Role.SUPER_ADMIN, operator=True),
            role=Role.SUPER_ADMIN,
            request_id="request-1",
        )
        return await self.publishing.publish(principal, body, ndjson=ndjson)

    async def rows(self, sql: str, *parameters: Any) -> list[Any]:
        """Return what a query finds."""
        return await self.database.read(lambda tx: tx.driver.execute(sql, parameters).fetchall())

    async def states(self) -> Counter[State]:
        """Return how many deliveries are in each state."""
        found = await self.rows("SELECT state, count(*) FROM delivery GROUP BY state")
        return Counter({State(state): count for state, count in found})

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until *condition* holds; `run` bounds how long."""
        while not condition():  # noqa: ASYNC110 - what is waited for is the engine's own state
            await asyncio.sleep(0.001)

    async def reach(self, state: State, count: int) -> None:
        """Wait until at least *count* deliveries are in *state*."""
        while (await self.states())[state] < count:  # noqa: ASYNC110 - what is waited for is in the database
            await asyncio.sleep(0.002)

    async def all_delivered(self, count: int) -> None:
        """Wait until *count* deliveries are settled; there must be no others."""
        await self.reach(State.DELIVERED, count)
        assert await self.states() == Counter({State.DELIVERED: count})


def run(path: Path, story: Callable[[Rig], Awaitable[T]]) -> T:
    """Run *story* on a fresh engine and close it, all within a minute."""

    async def whole() -> T:
        rig = Rig(path)
        rig.database.start()
        try:
            async with asyncio.timeout(60):
                return await story(rig)
        finally:
            rig.carrier.never.set()
            rig.carrier.open.set()
            await rig.lanes.close(5.0)
            await rig.database.close()

    return asyncio.run(whole())


def entry(rig: Rig, event: dict[str, Any] | None = None, org_id: str = ORG) -> Entry:
    """Return an event that is matched and ready to be appended."""
    raw = msgspec.json.encode(event or {"eventType": "a.b"})
    draft = log_event.read_event(raw, NOW, uuid7(), "request-1")
    assert isinstance(draft, log_event.Draft), draft
    return make_entry(rig.subscriptions.snapshot, org_id, draft)


async def appended(rig: Rig, entries: Sequence[Entry]) -> int:
    """Append *entries* in one commit."""
    return await rig.database.write(lambda tx: append(tx, rig.subscriptions, rig.lanes, entries, rig.now))


async def backlog(rig: Rig, one: EventHook, count: int, queue: Queue = Queue.FIRST) -> None:
    """Store *count* events and a waiting delivery of each, as a former process left them."""

    def write(tx: Tx) -> None:
        rows = [log_events.Row(one.org_id, uuid7(), NOW, "a.b", b'{"eventType":"a.b"}') for _ in range(count)]
        first = log_events.append(tx, rows, NOW)
        born = [deliveries.Born(one.org_id, one.id, uuid7(), 1, [first + at]) for at in range(count)]
        deliveries.insert(tx, born, "former", NOW)
        tx.driver.execute("UPDATE delivery SET queue = ? WHERE state = 0 AND hook_id = ?", (int(queue), one.id))

    await rig.database.write(write)
