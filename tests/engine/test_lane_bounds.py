"""Lanes when something goes wrong, or much is there at once: nothing stuck, nothing unbounded, no busy loop."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import apsw
import pytest
from engine_rig import Rig, appended, backlog, entry, hook, run

from tenterhook.engine import lanes as lanes_module
from tenterhook.engine import refill as refill_module
from tenterhook.engine import slots as slots_module
from tenterhook.engine.lanes import Lanes
from tenterhook.engine.slots import Slots
from tenterhook.store import deliveries
from tenterhook.store.schema import Queue, State

ONE = {"max_events_per_request": 1}


def test_a_carrier_that_raises_loses_no_delivery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes_module, "CARRY_AGAIN_S", 0.01)

    async def story(rig: Rig) -> None:
        carry, broken = rig.carrier.carry, [True, True, True]

        async def carry_or_raise(*given: object) -> None:
            if broken:
                broken.pop()
                raise OverflowError("a receiver's header that nobody foresaw")
            await carry(*given)  # type: ignore[arg-type]

        rig.carrier.carry = carry_or_raise  # type: ignore[method-assign, assignment]
        await rig.put(hook(**ONE))
        await appended(rig, [entry(rig) for _ in range(5)])
        await rig.all_delivered(5)
        assert rig.lanes.known_ids() == set()
        assert rig.lanes.in_flight == 0

    run(tmp_path, story)


def test_all_lanes_together_hold_no_more_than_the_total_and_still_drain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slots_module, "SURE", 2)
    letters = "abcdefgh"
    most = 0

    async def story(rig: Rig) -> None:
        nonlocal most
        rig.lanes = Lanes(rig.database, rig.subscriptions, rig.lanes.boot, lambda: rig.now, Slots(256, 100))
        rig.lanes.carrier = rig.carrier
        rig.carrier.open.clear()
        hooks = [hook(letter, max_concurrency=1, **ONE) for letter in letters]
        await rig.put(*hooks)
        for one in hooks:
            await backlog(rig, one, 150)
            rig.lanes.wake(one.id)
        await rig.until(lambda: rig.lanes.queued >= 100)
        rig.carrier.open.set()
        while (await rig.states())[State.DELIVERED] < 150 * len(letters):
            most = max(most, rig.lanes.queued)
        await rig.all_delivered(150 * len(letters))
        assert rig.lanes.queued == 0

    run(tmp_path, story)
    assert most <= 100 + 2 * len(letters), "the total, and what every lane is sure of"


def test_full_slots_leave_every_lane_a_few(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        rig.lanes = Lanes(rig.database, rig.subscriptions, rig.lanes.boot, lambda: rig.now, Slots(256, 20))
        rig.lanes.carrier = rig.carrier
        hung, healthy = hook("a", max_concurrency=1, **ONE), hook("b", max_concurrency=1, items=("c.d",), **ONE)
        rig.carrier.closed_for.add(hung.id)
        await rig.put(hung, healthy)
        await appended(rig, [entry(rig) for _ in range(100)])
        await appended(rig, [entry(rig, {"eventType": "c.d"}) for _ in range(100)])
        await rig.until(lambda: sum(hook_id == healthy.id for hook_id, _ in rig.carrier.carried) == 100)

    run(tmp_path, story)


def test_a_claim_that_is_refused_is_not_tried_again_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refill_module, "REFUSED_WAIT_S", 0.2)
    claim, full, refusals = deliveries.claim, True, 0

    def claim_on_a_full_disk(*given: Any) -> list[deliveries.Claimed]:
        nonlocal refusals
        if full:
            refusals += 1
            raise apsw.FullError("database or disk is full")
        return claim(*given)

    async def story(rig: Rig) -> None:
        nonlocal full
        one = hook(max_concurrency=1, **ONE)
        await rig.put(one)
        await backlog(rig, one, 3)
        monkeypatch.setattr(deliveries, "claim", claim_on_a_full_disk)
        lane = rig.lanes.lane_of(one.id)
        assert lane is not None
        rig.lanes.expect(lane, Queue.FIRST, rig.now - 1)
        await rig.until(lambda: refusals > 0)
        await asyncio.sleep(0.1)
        assert refusals == 1, "left alone, and not one claim after the other"
        full = False
        await rig.all_delivered(3)

    run(tmp_path, story)


def test_an_event_on_an_idle_lane_starts_one_worker(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        rig.carrier.open.clear()
        await rig.put(hook(max_concurrency=16, **ONE))
        await appended(rig, [entry(rig)])
        assert rig.lanes.in_flight == 1
        await appended(rig, [entry(rig) for _ in range(3)])
        assert rig.lanes.in_flight == 4
        rig.carrier.open.set()
        await rig.all_delivered(4)

    run(tmp_path, story)


def test_the_lane_of_a_deleted_hook_goes_when_its_last_attempt_has_ended(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        one = hook(**ONE)
        rig.carrier.open.clear()
        await rig.put(one)
        await appended(rig, [entry(rig)])
        await rig.until(lambda: rig.carrier.in_flight[one.id] == 1)
        await rig.remove(one)
        assert list(rig.lanes._lanes) == [one.id]
        rig.carrier.open.set()
        await rig.reach(State.DELIVERED, 1)
        await rig.until(lambda: not rig.lanes._lanes)
        assert await rig.states() == Counter({State.DELIVERED: 1})

    run(tmp_path, story)
