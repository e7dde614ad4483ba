"""Places in the quota of what ended while it was held: they are given back, and what waits behind moves up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from api_rig import EVENT, Api, api_at, receiving, until, with_api
from engine_rig import NOW, ORG, OTHER, Rig, hook, run

from tenterhook.domain.delivery_policy import DeliveryPolicy
from tenterhook.domain.event_hook import EventHook, Events
from tenterhook.domain.quota import WINDOW_MS
from tenterhook.engine import rebook as module
from tenterhook.engine.pipeline import Limits
from tenterhook.engine.rebook import rebook, rebook_forever
from tenterhook.engine.retain import retain
from tenterhook.store import quotas
from tenterhook.store.schema import State

DAY = WINDOW_MS
ONE = DeliveryPolicy(retry="durable", max_events_per_request=1)
Ends = Callable[[Api, EventHook], Awaitable[None]]


async def delete(api: Api, one: EventHook) -> None:
    assert (await api.call("POST", f"/api/v1/eventHooks/{one.id}/lifecycle/deactivate")).status_code == 200
    assert (await api.call("DELETE", f"/api/v1/eventHooks/{one.id}")).status_code == 204


async def cancel(api: Api, one: EventHook) -> None:
    held = await api.deliveries(one, "?status=HELD")
    assert held
    for delivery in held:
        answer = await api.call("POST", f"/api/v1/deliveries/{delivery['id']}/cancel")
        assert answer.status_code == 200, answer.text


async def expire(api: Api, one: EventHook) -> None:
    """End what the hook holds as retention would, by making its events old."""

    def age(tx: Any) -> None:
        tx.driver.execute(
            "UPDATE log_event SET recorded_at = 0 WHERE seq IN (SELECT seq FROM delivery_event WHERE hook_id = ?)",
            (one.id,),
        )

    await api.pipeline.database.write(age)
    await retain(api.pipeline)


async def days(api: Api) -> list[int]:
    """Return how many windows after this one each held delivery is due, oldest first."""
    quota, rows = await api.pipeline.database.read(
        lambda tx: (
            tx.driver.execute("SELECT window_start FROM quota").fetchone(),
            tx.driver.execute(
                "SELECT due_at FROM delivery WHERE hold = 'QUOTA' AND state = 0 AND due_at > ? ORDER BY id",
                (api.pipeline.now_ms(),),
            ).fetchall(),
        )
    )
    return [(due - quota[0]) // DAY for (due,) in rows]


async def used(api: Api) -> int:
    limits = (await api.call("GET", "/api/v1/limits")).json()
    return int(next(one["used"] for one in limits if one["name"] == "eventsTriggeringHooks"))


@pytest.mark.parametrize("ends", [delete, cancel, expire])
def test_when_what_a_noisy_hook_holds_ends_a_quiet_one_waits_for_the_next_window_only(
    tmp_path: Path, ends: Ends
) -> None:
    @with_api(limit_events_per_24h=2)
    async def story(api: Api) -> None:
        async with receiving(204) as receiver:
            noisy = await api.add_hook(receiver.url, delivery_policy=ONE)
            quiet = await api.add_hook(receiver.url, events=Events(items=("user.lifecycle.delete",)))
            await api.publish(*[EVENT] * 12)
            await until(lambda: len(receiver.requests) == 2)
            await api.publish({"eventType": "user.lifecycle.delete"})
            assert (await days(api))[-1] == 6
            await ends(api, noisy)
            await until(lambda: moved_up(api))
            assert await used(api) == 3
            await api.publish(*[{"eventType": "user.lifecycle.delete"}] * 2)
            assert await days(api) == [1, 1, 2]
            assert len(await api.deliveries(quiet, "?status=HELD")) == 3

    async def moved_up(api: Api) -> bool:
        return await days(api) == [1]

    story(tmp_path)


@with_api(limit_events_per_24h=2)
async def test_places_are_given_back_although_nobody_waits_behind(api: Api) -> None:
    async with receiving(204) as receiver:
        noisy = await api.add_hook(receiver.url, delivery_policy=ONE)
        await api.publish(*[EVENT] * 6)
        await cancel(api, noisy)

        async def freed() -> bool:
            return await used(api) == 2

        await until(freed)
        await api.publish(EVENT)
        assert await days(api) == [1]


def test_every_start_gives_back_what_a_crash_kept(tmp_path: Path) -> None:
    async def story() -> None:
        async with receiving(204) as receiver:
            async with api_at(tmp_path / "data", limit_events_per_24h=2) as api:
                await api.add_hook(receiver.url, delivery_policy=ONE)
                await api.publish(*[EVENT] * 9)
                sql = "UPDATE delivery SET state = 3 WHERE state = 0 AND id < (SELECT max(id) FROM delivery)"
                await api.pipeline.database.write(lambda tx: tx.driver.execute(sql) and None)
                assert await days(api) == [4]
            async with api_at(tmp_path / "data", limit_events_per_24h=2) as api:

                async def moved_up() -> bool:
                    return await days(api) == [1]

                await until(moved_up)

    asyncio.run(story())


# ---- the booking itself ----------------------------------------------------------------------------------------------


async def publish(rig: Rig, count: int, *, org_id: str = ORG, kind: str = "a.b") -> None:
    await rig.publish(*[{"eventType": kind}] * count, org_id=org_id)


async def end(rig: Rig, where: str) -> None:
    """End held deliveries, as no verb would: without a word to the quota."""
    sql = f"UPDATE delivery SET state = 3 WHERE state = 0 AND {where}"
    await rig.database.write(lambda tx: tx.driver.execute(sql) and None)


async def dues(rig: Rig) -> list[int]:
    found = await rig.rows("SELECT due_at FROM delivery WHERE state = 0 ORDER BY id")
    return [(due - NOW) // DAY for (due,) in found]


async def flooded(rig: Rig, count: int, limit: int = 2) -> None:
    """Let two hooks hold *count* events less the limit, one each."""
    rig.pipeline.limits = Limits(events_per_24h=limit)
    await rig.put(hook("a", max_events_per_request=1), hook("b", items=("x.y",), max_events_per_request=1))
    await publish(rig, count)
    await rig.reach(State.DELIVERED, limit)


def test_what_is_in_its_place_is_left_alone(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        await flooded(rig, 9)
        assert await rig.database.read(lambda tx: quotas.plan(tx, ORG, 2, NOW, 100)) is None
        assert await rebook(rig.pipeline, ORG) == 0
        assert await dues(rig) == [1, 1, 2, 2, 3, 3, 4]

    run(tmp_path, story)


def test_what_moves_up_keeps_its_order_and_is_moved_in_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STEP", 2)
    monkeypatch.setattr(module, "MOST", 3)

    async def story(rig: Rig) -> None:
        await flooded(rig, 30)
        await end(rig, "id % 3 <> 0")
        assert await rebook(rig.pipeline, ORG) > 6
        assert await dues(rig) == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
        assert await rig.rows("SELECT used FROM quota") == [(12,)]
        await publish(rig, 1, kind="x.y")
        assert (await dues(rig))[-1] == 6

    run(tmp_path, story)


def test_a_lane_that_slept_for_days_wakes_in_the_earlier_window(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        await flooded(rig, 20)
        await publish(rig, 1, kind="x.y")
        await end(rig, f"hook_id = '{hook('a').id}'")
        assert rig.lanes.lane_of(hook("b").id).next_due[0] == NOW + 10 * DAY
        rig.now = NOW + DAY - 40
        await rebook(rig.pipeline, ORG)
        rig.now = NOW + DAY
        await rig.reach(State.DELIVERED, 3)

    run(tmp_path, story)


def test_an_event_that_another_hook_still_holds_keeps_its_place(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        rig.pipeline.limits = Limits(events_per_24h=2)
        await rig.put(hook("a", max_events_per_request=1), hook("b", max_events_per_request=1))
        await publish(rig, 6)
        await end(rig, f"hook_id = '{hook('a').id}'")
        assert await rebook(rig.pipeline, ORG) == 0
        assert await rig.rows("SELECT used FROM quota") == [(6,)]

    run(tmp_path, story)


def test_what_was_tried_and_waits_for_its_retry_is_not_booked_anew(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        await flooded(rig, 6)
        sql = "UPDATE delivery SET attempt_no = 1, queue = 1, due_at = ? WHERE state = 0 AND id = 3"
        await rig.database.write(lambda tx: tx.driver.execute(sql, (NOW + 7,)) and None)
        await rebook(rig.pipeline, ORG)
        assert await rig.rows("SELECT due_at FROM delivery WHERE id = 3") == [(NOW + 7,)]
        await rig.database.write(lambda tx: quotas.adopt_limit(tx, 3, NOW))
        assert await rig.rows("SELECT due_at FROM delivery WHERE id = 3") == [(NOW + 7,)]

    run(tmp_path, story)


def test_places_of_one_org_are_not_given_to_another(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        await flooded(rig, 8)
        await rig.put(hook("c", OTHER, max_events_per_request=1))
        await publish(rig, 8, org_id=OTHER)
        await end(rig, f"org_id = '{ORG}'")
        assert await rebook(rig.pipeline, ORG) == 0
        assert await dues(rig) == [1, 1, 2, 2, 3, 3]
        assert await rig.rows("SELECT used FROM quota ORDER BY org_id") == [(2,), (8,)]

    run(tmp_path, story)


def test_a_plan_for_a_window_that_has_ended_changes_nothing(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        await flooded(rig, 10)
        await end(rig, "id < 9")
        plan = await rig.database.read(lambda tx: quotas.plan(tx, ORG, 2, NOW, 100))
        assert plan is not None
        assert plan.freed == 6
        assert not await rig.database.write(lambda tx: quotas.adopt_plan(tx, ORG, plan, 2, NOW + DAY))
        assert await rig.rows("SELECT used FROM quota") == [(10,)]

    run(tmp_path, story)


def test_the_loop_outlives_a_look_that_fails_and_finds_what_it_missed(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        await flooded(rig, 10)
        await end(rig, "id < 10")
        tables = "quota", "quota_hidden"
        await rig.database.write(lambda tx: tx.driver.execute("ALTER TABLE {} RENAME TO {}".format(*tables)) and None)
        loop = asyncio.create_task(rebook_forever(rig.pipeline, pause_s=0.01))
        await asyncio.sleep(0.05)
        assert not loop.done()
        await rig.database.write(lambda tx: tx.driver.execute("ALTER TABLE {1} RENAME TO {0}".format(*tables)) and None)
        await until(lambda: moved_up(rig))
        loop.cancel()
        await asyncio.gather(loop, return_exceptions=True)

    async def moved_up(rig: Rig) -> bool:
        return await dues(rig) == [1]

    run(tmp_path, story)


def test_retention_that_ends_nothing_held_costs_no_look(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        await flooded(rig, 2)
        assert await rig.database.read(quotas.used_up) == []
        rig.pipeline.freed.note([])
        assert not rig.pipeline.freed.some.is_set()

    run(tmp_path, story)
