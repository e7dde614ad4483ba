"""The quota at work: what exceeds it is held, told and sent when its window opens."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from engine_rig import BOOT, NOW, ORG, OTHER, Rig, appended, entry, hook, run

from tenterhook.domain.quota import WINDOW_MS
from tenterhook.engine.pipeline import Limits
from tenterhook.engine.recover import resume
from tenterhook.store import quotas
from tenterhook.store.schema import State

DAY = WINDOW_MS
WARNING, VIOLATION = "system.operation.rate_limit.warning", "system.operation.rate_limit.violation"
DUES = "SELECT due_at, count(*) FROM delivery JOIN delivery_event ON delivery_id = id WHERE hold = 'QUOTA' GROUP BY 1"


def limited(rig: Rig, limit: int | None) -> None:
    rig.pipeline.limits = Limits(events_per_24h=limit)


async def publish(rig: Rig, count: int, org_id: str = ORG) -> None:
    """Append *count* events that a hook wants in one commit."""
    await rig.publish(*[{"eventType": "a.b"}] * count, org_id=org_id)


async def told(rig: Rig, org_id: str = ORG) -> list[str]:
    rows = await rig.rows(
        "SELECT event_type FROM log_event WHERE org_id = ? AND event_type LIKE 'system.%' ORDER BY seq", org_id
    )
    return [kind for (kind,) in rows]


async def used(rig: Rig, org_id: str = ORG) -> list[tuple[int, ...]]:
    return await rig.rows("SELECT window_start, used FROM quota WHERE org_id = ?", org_id)


async def ring(rig: Rig, now: int) -> None:
    """Let time pass, and wake the lanes as their timers would."""
    rig.now = now
    for one in list(rig.subscriptions.committed):
        rig.lanes.wake(one)


def test_what_exceeds_the_limit_is_held_until_the_window_reopens_and_then_sent(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        limited(rig, 3)
        await rig.put(hook(max_events_per_request=1))
        for _ in range(5):
            await publish(rig, 1)
        await rig.reach(State.DELIVERED, 3)
        assert (await rig.states())[State.READY] == 2
        assert await rig.rows(DUES) == [(NOW + DAY, 2)]
        await ring(rig, NOW + DAY - 1)
        await publish(rig, 1)  # proves that the lane runs; this one is held as well
        assert (await rig.states())[State.READY] == 3
        await ring(rig, NOW + DAY)
        await rig.all_delivered(6)
        assert sorted(identity for _, identity in rig.carrier.carried) == [1, 2, 3, 4, 5, 6]

    run(tmp_path, story)


def test_a_lane_that_slept_is_woken_by_its_own_timer(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        limited(rig, 1)
        await rig.put(hook())
        await publish(rig, 1)
        rig.now = NOW + DAY - 40
        await publish(rig, 1)
        await rig.reach(State.DELIVERED, 1)
        assert (await rig.states())[State.READY] == 1
        rig.now = NOW + DAY
        await rig.all_delivered(2)

    run(tmp_path, story)


def test_a_batch_that_straddles_the_limit_is_parted_into_deliveries_that_go_and_deliveries_that_wait(
    tmp_path: Path,
) -> None:
    async def story(rig: Rig) -> None:
        limited(rig, 4)
        await rig.put(hook("a"), hook("b"))
        await publish(rig, 10)
        await rig.reach(State.DELIVERED, 2)
        rows = await rig.rows(
            "SELECT delivery.hook_id, hold, due_at, count(*) FROM delivery JOIN delivery_event ON delivery_id = id"
            " GROUP BY id ORDER BY 1, id"
        )
        waits = [(None, NOW, 4), ("QUOTA", NOW + DAY, 4), ("QUOTA", NOW + 2 * DAY, 2)]
        assert rows == [(hook(letter).id, *one) for letter in "ab" for one in waits]
        assert await used(rig) == [(NOW, 10)], "an event counts once, however many hooks it triggers"

    run(tmp_path, story)


def test_three_times_the_limit_takes_three_windows(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        limited(rig, 5)
        await rig.put(hook(max_events_per_request=1))
        await publish(rig, 15)
        for window, sent in enumerate((5, 10, 15)):
            await ring(rig, NOW + window * DAY)
            await rig.reach(State.DELIVERED, sent)
            assert await rig.states() == {State.DELIVERED: sent, **({State.READY: 15 - sent} if sent < 15 else {})}

    run(tmp_path, story)


def test_what_is_carried_over_uses_up_the_next_window_first(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        limited(rig, 4)
        await rig.put(hook(max_events_per_request=1))
        await publish(rig, 7)
        await ring(rig, NOW + DAY + 10)
        await publish(rig, 2)
        await rig.reach(State.DELIVERED, 8)
        assert (await rig.states())[State.READY] == 1
        assert (await rig.rows(DUES))[-1] == (NOW + 2 * DAY, 1)
        assert await used(rig) == [(NOW + DAY, 5)]

    run(tmp_path, story)


def test_a_new_window_begins_with_its_first_event(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        limited(rig, 4)
        await rig.put(hook())
        await publish(rig, 2)
        rig.now = NOW + DAY + 5000
        await publish(rig, 4)
        await rig.all_delivered(2)
        assert await used(rig) == [(NOW + DAY + 5000, 4)]

    run(tmp_path, story)


def test_one_orgs_excess_holds_nothing_of_another(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        limited(rig, 2)
        await rig.put(hook("a", max_events_per_request=1), hook("b", OTHER, max_events_per_request=1))
        await publish(rig, 5)
        await publish(rig, 2, OTHER)
        await rig.reach(State.DELIVERED, 4)
        held = await rig.rows("SELECT org_id, count(*) FROM delivery WHERE state = 0 GROUP BY org_id")
        assert held == [(ORG, 3)]
        assert await used(rig, OTHER) == [(NOW, 2)]
        assert await told(rig, OTHER) == [WARNING, VIOLATION]

    run(tmp_path, story)


def test_events_that_no_hook_wants_are_not_counted(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        limited(rig, 1)
        await rig.put(hook())
        await rig.publish(*[{"eventType": "x.y"}] * 5)
        assert await used(rig) == []
        await publish(rig, 1)
        await rig.all_delivered(1)

    run(tmp_path, story)


def test_without_a_limit_everything_is_counted_and_nothing_held(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        await rig.put(hook())
        for _ in range(3):
            await publish(rig, 100)
        assert await used(rig) == [(NOW, 300)]
        await rig.all_delivered(3)
        assert await told(rig) == []

    run(tmp_path, story)


def test_an_append_that_is_undone_spends_nothing(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        await rig.put(hook())

        def undone(tx: Any) -> None:
            quotas.spend(tx, ORG, 7, None, NOW)
            raise RuntimeError("undone")

        with pytest.raises(RuntimeError, match="undone"):
            await rig.database.write(undone)
        assert await used(rig) == []
        await appended(rig, [entry(rig)])
        assert await used(rig) == [(NOW, 1)]

    run(tmp_path, story)


# ---- what the log is told --------------------------------------------------------------------------------------------


def test_the_log_warns_at_70_percent_and_tells_of_the_violation_once_a_window_each(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        limited(rig, 10)
        await rig.put(hook())
        await publish(rig, 6)
        assert await told(rig) == []
        await publish(rig, 1)
        assert await told(rig) == [WARNING]
        await publish(rig, 2)
        assert await told(rig) == [WARNING]
        for _ in range(3):
            await publish(rig, 1)
        assert await told(rig) == [WARNING, VIOLATION]
        rig.now = NOW + DAY
        await publish(rig, 8)  # on two that were carried over
        assert await told(rig) == [WARNING, VIOLATION, WARNING, VIOLATION]

    run(tmp_path, story)


def test_what_the_log_is_told_has_oktas_debug_data_as_texts(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        limited(rig, 10)
        await rig.put(hook())
        await publish(rig, 1)
        rig.now = NOW + 3_600_000
        await publish(rig, 9)
        bodies = await rig.rows("SELECT body FROM log_event WHERE event_type LIKE 'system.%' ORDER BY seq")
        warning, violation = [json.loads(body) for (body,) in bodies]
        assert warning["outcome"]["result"] == "ALLOW"
        assert violation["outcome"]["result"] == "DENY"
        assert {event["severity"] for event in (warning, violation)} == {"WARN"}
        data = violation["debugContext"]["debugData"]
        assert all(isinstance(value, str) for value in data.values())
        assert data["operationRateLimitType"] == "event_hook_delivery"
        assert data["operationRateLimitThreshold"] == "10"
        assert data["operationRateLimitSecondsToReset"] == str(23 * 3600)
        assert (data["operationRateLimitTimeSpan"], data["operationRateLimitTimeUnit"]) == ("24", "HOURS")
        assert data["operationRateLimitScopeType"] == "ORG"
        assert warning["debugContext"]["debugData"]["operationRateLimitThreshold"] == "7"

    run(tmp_path, story)


def test_a_hook_may_want_what_is_told_and_gets_it_at_once_and_free(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        limited(rig, 10)
        await rig.put(hook(items=("a.b", WARNING, VIOLATION), max_events_per_request=1))
        await publish(rig, 12)
        assert await told(rig) == [WARNING, VIOLATION]
        assert await used(rig) == [(NOW, 12)]
        await rig.reach(State.DELIVERED, 12)
        assert await rig.rows(DUES) == [(NOW + DAY, 2)]
        sent = await rig.rows(
            "SELECT event_type FROM log_event JOIN delivery_event USING (seq) JOIN delivery ON delivery_id = id"
            " WHERE delivery.state = ? ORDER BY seq DESC LIMIT 2",
            int(State.DELIVERED),
        )
        assert sent == [(VIOLATION,), (WARNING,)]

    run(tmp_path, story)


# ---- restarts and other limits ---------------------------------------------------------------------------------------


def test_a_lane_finds_what_is_held_after_a_restart(tmp_path: Path) -> None:
    async def first(rig: Rig) -> None:
        limited(rig, 1)
        await rig.put(hook())
        await publish(rig, 3)
        await rig.reach(State.DELIVERED, 1)

    async def second(rig: Rig) -> None:
        rig.now = NOW + DAY - 30
        rig.subscriptions.load([hook()])
        await resume(rig.pipeline)
        assert rig.carrier.carried == []
        rig.now = NOW + DAY
        await rig.reach(State.DELIVERED, 2)
        await ring(rig, NOW + 2 * DAY)
        await rig.all_delivered(3)

    run(tmp_path, first)
    run(tmp_path, second)


@pytest.mark.parametrize(
    ("limit", "ready_at", "count"),
    [
        (None, [(NOW, 8)], 12),
        (12, [(NOW, 8)], 12),
        (8, [(NOW, 4), (NOW + DAY, 4)], 12),
        (2, [(NOW + DAY, 2), (NOW + 2 * DAY, 2), (NOW + 3 * DAY, 2), (NOW + 4 * DAY, 2)], 10),
    ],
    ids=["none", "enough", "larger", "smaller"],
)
def test_a_start_with_another_limit_books_what_is_held_anew(
    tmp_path: Path, limit: int | None, ready_at: list[tuple[int, int]], count: int
) -> None:
    async def story(rig: Rig) -> None:
        limited(rig, 4)
        await rig.put(hook(max_events_per_request=1))
        await publish(rig, 12)
        await rig.reach(State.DELIVERED, 4)
        assert await rig.database.write(lambda tx: quotas.adopt_limit(tx, limit, NOW)) == 1
        assert await rig.database.write(lambda tx: quotas.adopt_limit(tx, limit, NOW)) == 0
        found = await rig.rows("SELECT due_at, count(*) FROM delivery WHERE state = 0 GROUP BY due_at ORDER BY 1")
        assert found == ready_at
        assert await used(rig) == [(NOW, count)]
        in_order = await rig.rows("SELECT due_at FROM delivery WHERE state = 0 ORDER BY id")
        assert in_order == sorted(in_order)
        free = await rig.rows("SELECT count(*) FROM delivery WHERE state = 0 AND due_at <= ? AND hold IS NOT NULL", NOW)
        assert free == [(0,)]

    run(tmp_path, story)


def test_a_limit_that_comes_after_much_was_sent_holds_for_one_window_only(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        await rig.put(hook())
        await publish(rig, 900)
        await rig.database.write(lambda tx: quotas.adopt_limit(tx, 10, NOW))
        limited(rig, 10)
        await publish(rig, 1)
        assert await rig.rows(DUES) == [(NOW + DAY, 1)]

    run(tmp_path, story)


def test_an_event_that_two_hooks_hold_has_one_place_when_it_is_booked_anew(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        limited(rig, 1)
        await rig.put(hook("a", max_events_per_request=1), hook("b", max_events_per_request=1))
        await publish(rig, 5)
        await rig.database.write(lambda tx: quotas.adopt_limit(tx, 3, NOW))
        found = await rig.rows("SELECT hook_id, due_at FROM delivery WHERE state = 0 ORDER BY hook_id, id")
        dues = [NOW, NOW, NOW + DAY, NOW + DAY]
        assert found == [(hook(letter).id, due) for letter in "ab" for due in dues]

    run(tmp_path, story)


def test_what_is_held_is_not_in_memory_and_refuses_nobody(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        limited(rig, 1)
        await rig.put(hook())
        await publish(rig, 1)
        await rig.all_delivered(1)
        await publish(rig, 500)
        assert rig.lanes.bodies.bytes == 0
        assert rig.lanes.queued == 0
        assert rig.lanes.oldest_due() is None
        rig.publishing.admit()
        assert await rig.rows("SELECT count(*) FROM delivery WHERE boot = ?", BOOT) == [(0,)]

    run(tmp_path, story)
