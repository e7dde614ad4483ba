"""Lanes: slots reserved before the insert, spill and refill, fairness between hooks, and nothing lost or starved."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest
from engine_rig import NOW, ORG, Rig, appended, backlog, entry, hook, run
from lanes_rig import ONE, job, lane_of, publish_one_by_one

from tenterhook.engine import lanes as lanes_module
from tenterhook.engine.bodies import Bodies
from tenterhook.engine.lane import Lane
from tenterhook.engine.lanes import LOAD_AT_ONCE
from tenterhook.engine.slots import LANE_CAPACITY
from tenterhook.store.schema import Queue, State
from tenterhook.store.transaction import Tx

# -- slots, spill and refill -------------------------------------------------------------------------------------------


def test_what_a_lane_has_room_for_is_born_claimed_and_the_rest_waits_in_the_database(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        rig.carrier.open.clear()
        await rig.put(hook(max_concurrency=1, **ONE))
        await appended(rig, [entry(rig) for _ in range(LANE_CAPACITY + 44)])
        assert await rig.states() == Counter({State.CLAIMED: LANE_CAPACITY, State.READY: 44})
        lane = lane_of(rig)
        assert lane.reserved == 0
        assert lane.depth + len(lane.running) == LANE_CAPACITY
        rig.carrier.open.set()
        await rig.all_delivered(LANE_CAPACITY + 44)
        assert [one for _, one in rig.carrier.carried] == list(range(1, LANE_CAPACITY + 45))

    run(tmp_path, story)


def test_a_lane_in_spill_mode_takes_nothing_past_what_waits_in_the_database(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        rig.carrier.open.clear()
        await rig.put(hook(max_concurrency=1, **ONE))
        await appended(rig, [entry(rig) for _ in range(LANE_CAPACITY + 1)])
        await publish_one_by_one(rig, 5)
        assert (await rig.states())[State.READY] == 6
        rig.carrier.open.set()
        await rig.all_delivered(LANE_CAPACITY + 6)
        assert [one for _, one in rig.carrier.carried] == list(range(1, LANE_CAPACITY + 7))

    run(tmp_path, story)


def test_old_work_never_starves_however_much_new_work_comes(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        one = hook(max_concurrency=1, **ONE)
        await rig.put(one)
        await backlog(rig, one, 700)
        rig.lanes.wake(one.id)
        await publish_one_by_one(rig, 150)
        await rig.all_delivered(850)
        assert [identity for _, identity in rig.carrier.carried] == list(range(1, 851))

    run(tmp_path, story)


def test_a_lane_never_holds_more_than_its_capacity(tmp_path: Path) -> None:
    deepest = 0

    async def story(rig: Rig) -> None:
        nonlocal deepest
        one = hook(max_concurrency=4, **ONE)
        await rig.put(one)
        await backlog(rig, one, 2000)
        rig.lanes.wake(one.id)
        while (await rig.states())[State.DELIVERED] < 2000:
            deepest = max(deepest, lane_of(rig).depth)
        await rig.all_delivered(2000)
        assert rig.lanes.queued == 0

    run(tmp_path, story)
    assert 0 < deepest <= LANE_CAPACITY


def test_the_slots_of_a_transaction_that_is_undone_are_given_back(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        await rig.put(hook())

        def reserve(tx: Tx) -> None:
            assert rig.lanes.reserve(tx, ORG, hook().id, 10) == 10
            assert rig.lanes.reserve(tx, ORG, hook().id, LANE_CAPACITY - 10) == LANE_CAPACITY - 10
            raise RuntimeError("undone")

        for _ in range(3):
            with pytest.raises(RuntimeError, match="undone"):
                await rig.database.write(reserve)
        assert lane_of(rig).reserved == 0

    run(tmp_path, story)


@pytest.mark.parametrize(
    "change", [{"status": "INACTIVE"}, {"verification_status": "UNVERIFIED"}], ids=["inactive", "unverified"]
)
def test_a_hook_that_may_not_be_called_gets_no_slot(tmp_path: Path, change: dict[str, str]) -> None:
    async def story(rig: Rig) -> None:
        await rig.put(hook().model_copy(update=change))
        granted = await rig.database.write(lambda tx: rig.lanes.reserve(tx, ORG, hook().id, 1))
        unknown = await rig.database.write(lambda tx: rig.lanes.reserve(tx, ORG, hook("z").id, 1))
        assert (granted, unknown) == (0, 0)

    run(tmp_path, story)


def test_a_delivery_whose_time_has_not_come_waits_for_the_lanes_timer(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        one = hook()
        await rig.put(one)
        await backlog(rig, one, 1, Queue.RETRY)
        await rig.database.write(lambda tx: tx.driver.execute("UPDATE delivery SET due_at = ?", (NOW + 40,)))
        rig.lanes.expect(lane_of(rig), Queue.RETRY, NOW + 40)
        await asyncio.sleep(0.02)
        assert rig.carrier.carried == []
        rig.now = NOW + 40
        await rig.all_delivered(1)

    run(tmp_path, story)


# -- the bodies --------------------------------------------------------------------------------------------------------


def test_events_that_memory_did_not_hold_are_read_back_in_groups_and_are_the_same_bytes(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        await rig.put(hook(max_concurrency=2, **ONE))
        rig.carrier.open.clear()
        entries = [entry(rig, {"eventType": "a.b", "data": {"at": at, "x": None}}) for at in range(80)]
        await appended(rig, entries)
        rig.lanes.bodies = Bodies()
        rig.carrier.open.set()
        await rig.all_delivered(80)
        assert [rig.carrier.elements[at + 1] for at in range(80)] == [(one.element,) for one in entries]
        assert rig.carrier.reads
        assert max(map(len, rig.carrier.reads)) <= LOAD_AT_ONCE
        assert len(rig.carrier.reads) < 20

    run(tmp_path, story)


def test_no_budget_for_bodies_costs_reads_and_loses_nothing(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        rig.lanes.bodies = Bodies(budget=0)
        await rig.put(hook(**ONE))
        await appended(rig, [entry(rig) for _ in range(100)])
        await rig.all_delivered(100)
        assert all(rig.carrier.elements.values())

    run(tmp_path, story)


# -- who gets a connection ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [1, 3, 16])
def test_a_hook_has_as_many_in_flight_as_its_policy_says_and_no_more(tmp_path: Path, width: int) -> None:
    async def story(rig: Rig) -> None:
        rig.carrier.open.clear()
        await rig.put(hook(max_concurrency=width, **ONE))
        await appended(rig, [entry(rig) for _ in range(60)])
        await rig.until(lambda: rig.carrier.in_flight[hook().id] == width)
        await asyncio.sleep(0.01)
        assert rig.carrier.in_flight[hook().id] == width
        rig.carrier.open.set()
        await rig.all_delivered(60)
        assert rig.carrier.most_in_flight[hook().id] == width

    run(tmp_path, story)


def test_time_outs_shrink_the_window_to_one_and_successes_open_it_again() -> None:
    lane = Lane(ORG, hook().id, 16)
    windows = []
    for _ in range(6):
        lane.timed_out()
        windows.append(lane.window)
    assert windows == [8, 4, 2, 1, 1, 1]
    for _ in range(400):
        lane.succeeded(16)
    assert lane.window == 16


def test_a_shrunken_window_leaves_the_lane_one_connection(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        await rig.put(hook(max_concurrency=16, **ONE))
        lane_of(rig).window = 1.0
        rig.carrier.open.clear()
        await appended(rig, [entry(rig) for _ in range(20)])
        await rig.until(lambda: rig.carrier.in_flight[hook().id] == 1)
        await asyncio.sleep(0.01)
        assert rig.carrier.in_flight[hook().id] == 1
        rig.carrier.open.set()
        await rig.all_delivered(20)
        assert rig.carrier.most_in_flight[hook().id] == 1

    run(tmp_path, story)


def test_a_lane_serves_first_tries_retries_and_replays_as_four_to_one_to_one() -> None:
    lane = Lane(ORG, hook().id, 1)
    for queue in Queue:
        lane.queues[queue].extend(job(at, queue) for at in range(100))
    taken = [lane.take() for _ in range(60)]
    counts = Counter(one.queue for one in taken if one is not None)
    assert counts == Counter({Queue.FIRST: 40, Queue.RETRY: 10, Queue.REPLAY: 10})
    assert [one.claimed.id for one in taken if one is not None and one.queue is Queue.RETRY] == list(range(10))


@pytest.mark.parametrize("queue", list(Queue))
def test_a_queue_that_is_alone_is_served_at_every_turn(queue: Queue) -> None:
    lane = Lane(ORG, hook().id, 1)
    lane.queues[queue].extend(job(at, queue) for at in range(20))
    taken = [lane.take() for _ in range(20)]
    assert [one.claimed.id for one in taken if one is not None] == list(range(20))
    assert lane.take() is None


def test_a_hook_that_hangs_leaves_a_quarter_of_the_connections_to_the_others(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        rig.lanes.max_in_flight = 8
        await rig.put(hook("a", max_concurrency=16, **ONE), hook("b", items=("x.y",), **ONE))
        rig.carrier.closed_for.add(hook("a").id)
        await appended(rig, [entry(rig) for _ in range(30)])
        await rig.until(lambda: rig.lanes.in_flight >= 6)
        await asyncio.sleep(0.01)
        assert rig.lanes.in_flight < 8
        await appended(rig, [entry(rig, {"eventType": "x.y"}) for _ in range(30)])
        await rig.reach(State.DELIVERED, 30)
        assert rig.lanes.in_flight < 8

    run(tmp_path, story)


def test_every_lane_gets_its_first_connection_in_turn_when_there_are_few(tmp_path: Path) -> None:
    letters = "abcdefghij"

    async def story(rig: Rig) -> None:
        rig.lanes.max_in_flight = 2
        rig.carrier.open.clear()
        await rig.put(*(hook(letter, **ONE) for letter in letters))
        await appended(rig, [entry(rig) for _ in range(5)])
        await rig.until(lambda: rig.lanes.in_flight == 2)
        await asyncio.sleep(0.01)
        assert rig.lanes.in_flight == 2
        rig.carrier.open.set()
        await rig.all_delivered(50)
        assert {hook_id[3] for hook_id, _ in rig.carrier.carried[:12]} == set(letters)

    run(tmp_path, story)


def test_work_that_waits_too_long_for_a_connection_is_overdue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(rig: Rig) -> None:
        rig.lanes.max_in_flight = 1
        rig.carrier.open.clear()
        await rig.put(hook("a", **ONE), hook("b", **ONE))
        assert not rig.lanes.overdue()
        await appended(rig, [entry(rig)])
        await rig.until(lambda: rig.lanes.in_flight == 1)
        assert not rig.lanes.overdue()
        monkeypatch.setattr(lanes_module, "OVERDUE_S", -1.0)
        assert rig.lanes.overdue()
        rig.carrier.open.set()
        await rig.all_delivered(2)
        assert not rig.lanes.overdue()

    run(tmp_path, story)


def test_a_lane_stops_when_too_many_of_its_outcomes_wait_for_their_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes_module, "MAX_UNSETTLED", 5)

    async def story(rig: Rig) -> None:
        await rig.put(hook(max_concurrency=1, **ONE))
        lane = lane_of(rig)
        lane.unsettled = 3
        rig.carrier.open.clear()
        await appended(rig, [entry(rig) for _ in range(20)])
        lane.unsettled = 5
        rig.carrier.open.set()
        await rig.until(lambda: lane.in_flight == 0)
        await asyncio.sleep(0.02)
        assert len(rig.carrier.carried) == 1
        lane.unsettled = 0
        rig.lanes.kick(lane)
        await rig.all_delivered(20)

    run(tmp_path, story)
