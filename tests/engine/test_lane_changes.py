"""Lanes whose hook changes, and lanes at the end and at the beginning of a process: nothing is lost."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from pathlib import Path

from engine_rig import BOOT, NOW, ORG, Carrying, Rig, appended, backlog, entry, hook, run
from lanes_rig import ONE

from tenterhook.engine.bodies import Bodies
from tenterhook.engine.recover import heal, recover, resume
from tenterhook.ids import uuid7
from tenterhook.store import deliveries
from tenterhook.store.deliveries import Born
from tenterhook.store.schema import Queue, State
from tenterhook.store.transaction import Tx

# -- changes of a hook -------------------------------------------------------------------------------------------------


def test_a_paused_hook_gives_its_queue_back_and_goes_on_where_it_was(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        rig.carrier.open.clear()
        await rig.put(hook(max_concurrency=2, **ONE))
        await appended(rig, [entry(rig) for _ in range(10)])
        await rig.until(lambda: rig.carrier.in_flight[hook().id] == 2)
        await rig.put(hook(max_concurrency=2, paused=True, **ONE))
        await rig.reach(State.READY, 8)
        await appended(rig, [entry(rig)])
        rig.carrier.open.set()
        await rig.reach(State.DELIVERED, 2)
        await asyncio.sleep(0.02)
        assert await rig.states() == Counter({State.DELIVERED: 2, State.READY: 9})
        await rig.put(hook(max_concurrency=1, **ONE))
        await rig.all_delivered(11)
        assert [one for _, one in rig.carrier.carried[2:]] == list(range(3, 12))

    run(tmp_path, story)


def test_what_is_given_back_in_the_commit_of_a_claim_is_found_all_the_same(tmp_path: Path) -> None:
    inside, gate = threading.Event(), threading.Event()

    def hold(tx: Tx) -> None:
        inside.set()
        assert gate.wait(30)

    async def story(rig: Rig) -> None:
        rig.carrier.open.clear()
        await rig.put(hook(max_concurrency=1, **ONE), hook("b", items=("x.y",)))
        await appended(rig, [entry(rig) for _ in range(5)])
        await rig.until(lambda: rig.carrier.in_flight[hook().id] == 1)
        holding = asyncio.create_task(rig.database.write(hold))
        assert await asyncio.to_thread(inside.wait, 30)
        # While the writer is busy: another lane's claim, then a pause and its end, one after another.
        rig.lanes.wake(hook("b").id)
        for paused in (True, False):
            rig.subscriptions.committed[hook().id] = hook(max_concurrency=1, paused=paused, **ONE)
            rig.lanes.wake(hook().id)
        gate.set()
        await holding
        rig.carrier.open.set()
        await rig.all_delivered(5)

    run(tmp_path, story)


def test_a_deleted_hooks_queue_goes_back_to_the_database_and_its_lane_goes(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        rig.carrier.open.clear()
        await rig.put(hook(max_concurrency=1, **ONE))
        await appended(rig, [entry(rig) for _ in range(5)])
        await rig.until(lambda: rig.carrier.in_flight[hook().id] == 1)
        await rig.remove(hook())
        await rig.reach(State.READY, 4)
        rig.carrier.open.set()
        await rig.reach(State.DELIVERED, 1)
        assert rig.lanes.known_ids() == set()
        assert await rig.states() == Counter({State.DELIVERED: 1, State.READY: 4})

    run(tmp_path, story)


def test_a_cancelled_delivery_is_dropped_from_its_queue(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        rig.carrier.open.clear()
        await rig.put(hook(max_concurrency=1, **ONE))
        await appended(rig, [entry(rig) for _ in range(3)])
        await rig.until(lambda: len(rig.carrier.carried) == 1)
        rig.lanes.drop(hook().id, 2)
        rig.lanes.drop(hook().id, 99)
        assert rig.lanes.known_ids() == {1, 3}
        rig.carrier.open.set()
        await rig.until(lambda: len(rig.carrier.carried) == 2)
        assert rig.carrier.carried[-1] == (hook().id, 3)

    run(tmp_path, story)


# -- the end and the beginning -----------------------------------------------------------------------------------------


def test_closing_starts_nothing_more_and_gives_back_what_is_queued(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        rig.carrier.open.clear()
        await rig.put(hook(max_concurrency=2, **ONE))
        await appended(rig, [entry(rig) for _ in range(20)])
        await rig.until(lambda: rig.carrier.in_flight[hook().id] == 2)
        await rig.lanes.close(0.01)
        assert rig.lanes.in_flight == 0
        await rig.reach(State.READY, 20)  # those that were cut off without an outcome too
        await appended(rig, [entry(rig)])
        assert await rig.states() == Counter({State.READY: 21})
        assert len(rig.carrier.carried) == 2

    run(tmp_path, story)


def test_closing_waits_for_what_is_in_flight(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        rig.carrier.open.clear()
        await rig.put(hook(max_concurrency=2, **ONE))
        await appended(rig, [entry(rig) for _ in range(5)])
        await rig.until(lambda: rig.carrier.in_flight[hook().id] == 2)
        closing = asyncio.create_task(rig.lanes.close(30.0))
        await asyncio.sleep(0.01)
        assert not closing.done()
        rig.carrier.open.set()
        await closing
        await rig.reach(State.DELIVERED, 2)
        assert await rig.states() == Counter({State.DELIVERED: 2, State.READY: 3})

    run(tmp_path, story)


def test_a_start_takes_up_what_a_former_process_had_claimed_or_left_waiting(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        one = hook(**ONE)
        await rig.put(one)
        await backlog(rig, one, 3)
        await backlog(rig, one, 2, Queue.RETRY)
        await rig.database.write(
            lambda tx: tx.driver.execute("UPDATE delivery SET state = 1, boot = 'former' WHERE id IN (1, 2)")
        )
        assert await rig.database.write(lambda tx: recover(tx, BOOT)) == 2
        await resume(rig.pipeline)
        await rig.all_delivered(5)

    run(tmp_path, story)


def test_a_claimed_delivery_that_is_in_nobodys_hands_is_found_and_goes_on(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        one = hook(**ONE)
        rig.carrier.open.clear()
        await rig.put(one)
        await appended(rig, [entry(rig)])
        await backlog(rig, one, 1)
        lost = Born(ORG, one.id, uuid7(), 1, [2], claimed=True)
        await rig.database.write(lambda tx: tx.driver.execute("DELETE FROM delivery WHERE id = 2"))
        await rig.database.write(lambda tx: tx.driver.execute("DELETE FROM delivery_event WHERE delivery_id = 2"))
        await rig.database.write(lambda tx: deliveries.insert(tx, [lost], BOOT, NOW))
        suspects = await heal(rig.pipeline, set())
        assert suspects == {lost.id}
        assert rig.lanes.lost == 0
        assert await heal(rig.pipeline, suspects) == set()
        assert rig.lanes.lost == 1
        rig.carrier.open.set()
        await rig.all_delivered(2)
        assert sorted(identity for _, identity in rig.carrier.carried) == [1, lost.id]

    run(tmp_path, story)


class Forgetful(Carrying):
    """A carrier whose first look into the log fails."""

    async def read_back(self, ids: list[int]) -> dict[int, tuple[bytes, ...]]:  # type: ignore[override]
        if not self.reads:
            self.reads.append([])
            raise OSError("the log cannot be read now")
        return await super().read_back(ids)


def test_a_delivery_whose_events_could_not_be_read_now_is_not_lost(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
        rig.lanes.carrier = rig.carrier = Forgetful(rig)
        rig.lanes.bodies = Bodies(budget=0)
        await rig.put(hook(max_concurrency=1, **ONE))
        await appended(rig, [entry(rig) for _ in range(3)])
        await rig.all_delivered(3)
        assert sorted(identity for _, identity in rig.carrier.carried) == [1, 2, 3]

    run(tmp_path, story)
