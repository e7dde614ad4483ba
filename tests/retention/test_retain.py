"""Retention: what is too old goes in steps, what waits for it ends and says so, and nothing younger is touched."""

from __future__ import annotations

import asyncio
from typing import Any

from api_rig import EVENT, Api, receiving, until, with_api
from retention_rig import Clock, count, failures, no_loose_ends, paused, raw, resume, rows, wanted

from tenterhook.domain.event_hook import EventHook
from tenterhook.domain.timestamp import DAY_MS, format_ms
from tenterhook.engine import retain as module
from tenterhook.engine.retain import ANEW_EVERY_MS, STEP, Progress, Retained, Walk, retain

# ---- the log ---------------------------------------------------------------------------------------------------------


@with_api(retention_log_days=10)
async def test_events_older_than_the_retention_go_and_younger_ones_stay(api: Api) -> None:
    clock = Clock(api)
    await api.publish(*[EVENT] * 5)
    clock.to_day(5)
    young = await api.publish(*[EVENT] * 3)
    clock.to_day(10)
    assert (await retain(api.pipeline)).events == 0, "exactly as old as the retention is not too old"
    clock.to_day(10.001)
    assert (await retain(api.pipeline)).events >= 5
    assert await wanted(api) == raw(young)
    assert await retain(api.pipeline) == Retained(), "there is nothing left to do"


@with_api(retention_log_days=10)
async def test_a_seq_never_comes_back(api: Api) -> None:
    clock = Clock(api)
    await api.publish(*[EVENT] * 5)
    ((last,),) = await rows(api, "SELECT max(seq) FROM log_event")
    clock.to_day(11)
    await retain(api.pipeline)
    assert await count(api, "log_event") == 0
    await api.publish()
    assert await rows(api, "SELECT seq FROM log_event") == [(last + 1,)]


@with_api(retention_log_days=10)
async def test_a_uuid_is_known_for_as_long_as_its_event_is_kept(api: Api) -> None:
    clock = Clock(api)
    event = {**EVENT, "uuid": "0190b3a0-1111-7000-8000-000000000001"}
    answers = []
    for day in (0.0, 9.9, 10.1):
        clock.to_day(day)
        await retain(api.pipeline)
        answers.append((await api.call("POST", "/api/v1/events", json=event)).json()["duplicates"])
    assert answers == [0, 1, 0]


@with_api(retention_log_days=10)
async def test_the_index_of_words_loses_what_the_log_loses(api: Api) -> None:
    clock = Clock(api)
    await api.publish({**EVENT, "displayMessage": "quicksilver"})
    await until(lambda: count(api, "log_span"))
    clock.to_day(11)
    young = await api.publish({**EVENT, "displayMessage": "quicksilver"})
    await retain(api.pipeline)
    await until(lambda: count(api, "log_span"))
    answer = await api.call("GET", f"/api/v1/logs?q=quicksilver&since={format_ms(clock.start)}")
    assert [one["uuid"] for one in answer.json()] == young
    ((oldest,),) = await rows(api, "SELECT min(seq) FROM log_event")
    assert await count(api, "log_span", f"first_seq < {oldest}") == 0


@with_api(retention_log_days=10)
async def test_it_goes_in_steps_while_publishing_goes_on_and_nothing_young_is_lost(api: Api) -> None:
    clock = Clock(api)
    for _ in range(3):
        await api.publish(*[EVENT] * 1000)
    clock.to_day(11)
    before = api.pipeline.database.commits
    kept: list[str] = []

    async def publish() -> None:
        while not task.done():
            kept.extend(await api.publish(*[EVENT] * 10))

    task = asyncio.create_task(retain(api.pipeline))
    await publish()
    assert (await task).events >= 3000
    assert api.pipeline.database.commits - before >= 3000 // STEP
    assert kept
    assert await wanted(api) == raw(kept)


# ---- deliveries ------------------------------------------------------------------------------------------------------


@with_api(retention_log_days=10)
async def test_what_a_paused_hook_holds_beyond_the_retention_ends_expired_and_the_log_says_so(api: Api) -> None:
    clock = Clock(api)
    async with receiving(204) as receiver:
        hook = await paused(api, receiver.url)
        other = await paused(api, receiver.url, "other")
        await api.publish(*[EVENT] * 3)
        clock.to_day(6)
        young = await api.publish()
        clock.to_day(11)
        done = await retain(api.pipeline)
        assert (done.expired, done.deliveries) == (6, 0)
        found = await api.deliveries(hook)
        assert [(one["status"], one["endReason"]) for one in found] == [("HELD", None), *[("FAILED", "EXPIRED")] * 3]
        assert [one["events"] for one in found] == [young, [], [], []]
        told = await failures(api)
        assert sorted(one["target"][0]["id"] for one in told) == sorted([hook.id, other.id])
        data = [one["debugContext"]["debugData"] for one in told]
        assert [(one["deliveries"], one["finalOutcome"]) for one in data] == [("3", "EXPIRED")] * 2
        assert {one["outcome"]["result"] for one in told} == {"FAILURE"}
        answer = await api.call("POST", f"/api/v1/deliveries/{found[-1]['id']}/retry")
        assert answer.status_code == 400
        assert "does not hold" in answer.text
        assert receiver.requests == []
        api.pipeline.lanes._refill._now_ms = api.pipeline.now_ms  # the lanes have the platform's own
        await resume(api, hook)
        await until(lambda: len(receiver.requests) == 1)
        assert young[0].encode() in receiver.requests[0]


@with_api(retention_log_days=10, retention_attempt_days=5)
async def test_ended_deliveries_go_with_their_attempts_once_their_events_are_gone(api: Api) -> None:
    clock = Clock(api)
    async with receiving(204) as receiver:
        hook = await api.add_hook(receiver.url)
        await api.publish()
        await api.wait_for(hook, "DELIVERED")
        held = await paused(api, receiver.url)
        clock.to_day(9)
        await api.publish()
        assert (await retain(api.pipeline)).deliveries == 0
        clock.to_day(11)
        assert (await retain(api.pipeline)).deliveries == 1
        await no_loose_ends(api)
        assert len(await api.deliveries(hook)) == 1
        assert len(await api.deliveries(held)) == 1
        clock.to_day(20)
        assert (await retain(api.pipeline)).expired == 1
        assert len(await api.deliveries(held)) == 1, "what expired is shown for as long as attempts are kept"
        clock.to_day(26)
        await retain(api.pipeline)
        assert await count(api, "delivery") == 0
        await no_loose_ends(api)


@with_api(retention_log_days=5, retention_attempt_days=30)
async def test_what_is_kept_between_the_two_retentions_is_not_looked_at_again(api: Api) -> None:
    clock = Clock(api)

    def fill(tx: Any) -> None:
        for at in range(1, 5 * STEP + 1):
            values = (at, "00oX", "who", at.to_bytes(4), clock.start, clock.start)
            sql = "INSERT INTO delivery VALUES (?,?,?,?,1,'PUBLISH',2,0,NULL,1,0,0,?,?,NULL,NULL)"
            tx.driver.execute(sql, values)

    await api.pipeline.database.write(fill)
    progress = Progress()
    looks: list[int] = []
    real = api.pipeline.database.read

    async def read(fn: Any) -> Any:
        found = await real(fn)
        if getattr(fn, "func", None) is module.expired_rows.old_deliveries:
            looks.append(len(found))
        return found

    api.pipeline.database.read = read  # type: ignore[method-assign]
    seen = []
    for hours in (0, 1, 24, 25 * 24 + 1):
        clock.now = clock.start + 6 * DAY_MS + hours * ANEW_EVERY_MS
        await retain(api.pipeline, progress)
        seen.append(sum(looks))
        looks.clear()
    assert seen == [5 * STEP, 0, 0, 5 * STEP]
    assert await count(api, "delivery") == 0


def test_what_was_passed_over_is_looked_at_after_an_hour_and_the_more_it_is_the_later() -> None:
    walk = Walk(upto=50, since_ms=1)
    walk.pass_over([7, 9])
    walk.pass_over([30])
    walk.go_back(ANEW_EVERY_MS)
    assert walk.upto == 50
    walk.go_back(ANEW_EVERY_MS + 1)
    assert (walk.upto, walk.left, walk.first_left) == (6, 0, None)
    walk = Walk(upto=50, since_ms=0, first_left=7, left=10**9)
    walk.go_back(24 * ANEW_EVERY_MS - 1)
    assert walk.upto == 50
    walk.go_back(24 * ANEW_EVERY_MS)
    assert walk.upto == 6
    walk.go_back(0)
    assert walk.upto == 0, "a clock that was set back begins at the beginning"


@with_api(retention_log_days=10)
async def test_a_delivery_under_way_is_left_to_its_attempt(api: Api) -> None:
    clock = Clock(api)
    async with receiving(204, hangs=True) as receiver:
        hook = await api.add_hook(receiver.url, name="slow")
        policy = hook.delivery_policy.model_copy(update={"timeout_seconds": 30.0})
        hook = await api.change_hook(hook, delivery_policy=policy)
        await api.publish()
        await receiver.arrived.wait()
        clock.to_day(11)
        progress = Progress()
        assert (await retain(api.pipeline, progress)).expired == 0
        receiver.gate.set()
        assert (await api.wait_for(hook, "DELIVERED"))["events"] == []
        clock.now += ANEW_EVERY_MS
        await retain(api.pipeline, progress)
        assert await count(api, "delivery") == 1, "it has just ended"
        clock.to_day(42)
        await retain(api.pipeline, progress)
        assert await count(api, "delivery") == 0


@with_api(retention_log_days=10)
async def test_a_booked_retry_whose_events_are_gone_ends_expired(api: Api) -> None:
    clock = Clock(api)
    async with receiving(500) as receiver:
        hook = await api.add_hook(receiver.url)
        await api.publish()

        async def booked() -> bool:
            return len((await api.deliveries(hook))[0]["attempts"]) == 2

        # Not when the second request has come: until its outcome is stored, the delivery is under way.
        await until(booked)
        clock.to_day(11)
        assert (await retain(api.pipeline)).expired == 1
        (one,) = await api.deliveries(hook)
        assert (one["status"], one["endReason"], len(one["attempts"])) == ("FAILED", "EXPIRED", 2)


# ---- attempts --------------------------------------------------------------------------------------------------------


@with_api(retention_attempt_days=5)
async def test_attempts_go_before_their_delivery(api: Api) -> None:
    clock = Clock(api)
    async with receiving(204) as receiver:
        hook = await api.add_hook(receiver.url)
        await api.publish()
        await api.wait_for(hook, "DELIVERED")
        clock.to_day(4)
        assert (await retain(api.pipeline)).attempts == 0
        clock.to_day(6)
        assert (await retain(api.pipeline)).attempts == 1
        (one,) = await api.deliveries(hook)
        assert (one["status"], one["attempts"]) == ("DELIVERED", [])
        assert len(one["events"]) == 1


@with_api(retention_attempt_days=5)
async def test_the_attempt_of_an_old_delivery_that_was_tried_late_goes_in_its_own_time(api: Api) -> None:
    clock = Clock(api)
    hook = await paused(api, "http://127.0.0.1:9/")
    await api.publish()

    def try_late(tx: Any) -> None:
        started = clock.start + 4 * DAY_MS
        sql = "INSERT INTO attempt SELECT org_id, id, 1, ?, 'FAILED', 'CONNECT', NULL, x'7b7d' FROM delivery"
        tx.driver.execute(sql, (started,))

    await api.pipeline.database.write(try_late)
    progress = Progress()
    found = []
    for day in (6.0, 8.9, 9.1):
        clock.to_day(day)
        found.append((await retain(api.pipeline, progress)).attempts)
    assert found == [0, 0, 1]
    assert len(await api.deliveries(hook, "?status=HELD")) == 1


@with_api(retention_attempt_days=5)
async def test_many_attempts_of_several_orgs_go_in_steps(api: Api) -> None:
    clock = Clock(api)

    def fill(tx: Any) -> None:
        for at in range(2):
            tx.driver.execute("INSERT INTO org VALUES (?, 'x', 0, x'00')", (f"00o{at}",))
            tx.driver.execute(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 700) INSERT INTO attempt"
                " SELECT ?, i / 3 * 2 + 2 + ?, i, ?, 'FAILED', NULL, NULL, x'7b7d' FROM n",
                (f"00o{at}", at, clock.start),
            )
            for i in range(235):
                values = (i * 2 + 2 + at, f"00o{at}", "who", bytes([at, i // 256, i % 256]), clock.start)
                sql = "INSERT INTO delivery VALUES (?,?,?,?,1,'PUBLISH',2,0,NULL,1,0,0,?5,?5,NULL,NULL)"
                tx.driver.execute(sql, values)
                young = (f"00o{at}", 10**6 + values[0], values[0])
                tx.driver.execute("INSERT INTO delivery_event VALUES (?,'who',?,0,?)", young)

    await api.pipeline.database.write(fill)
    clock.to_day(6)
    assert (await retain(api.pipeline)).attempts == 1400
    assert await count(api, "attempt") == 0


# ---- what is beyond retention and not gone yet -----------------------------------------------------------------------


async def looked_at(api: Api, hook: EventHook, uuid: str) -> tuple[int, int]:
    """Return what a preview of the event answers, and on how many events the hook's filter is tried."""
    path = f"/api/v1/eventHooks/{hook.id}"
    preview = await api.call("POST", f"{path}/preview", json={"uuid": uuid})
    trial = await api.call("POST", f"{path}/filter/test", json={})
    tested: int = trial.json()["tested"]
    return preview.status_code, tested


@with_api(retention_log_days=10, retention_attempt_days=5)
async def test_nothing_beyond_retention_is_shown_even_before_it_is_gone(api: Api) -> None:
    clock = Clock(api)
    async with receiving(400) as receiver:
        hook = await api.add_hook(receiver.url)
        (uuid,) = await api.publish()
        one = await api.wait_for(hook, "RETRYING")
        clock.to_day(6)
        shown = (await api.call("GET", f"/api/v1/deliveries/{one['id']}")).json()
        assert (shown["attempts"], shown["events"]) == ([], [uuid])
        assert (await api.call("GET", f"/api/v1/logs/{uuid}/deliveries")).status_code == 200
        assert await looked_at(api, hook, uuid) == (200, 1)
        clock.to_day(11)
        shown = (await api.call("GET", f"/api/v1/deliveries/{one['id']}")).json()
        assert (shown["attempts"], shown["events"]) == ([], [])
        assert (await api.call("GET", f"/api/v1/logs/{uuid}/deliveries")).status_code == 404
        assert (await api.call("POST", f"/api/v1/deliveries/{one['id']}/retry")).status_code == 400
        assert await looked_at(api, hook, uuid) == (404, 0)
        listed = (await api.call("GET", f"/api/v1/logs?since={format_ms(clock.start)}")).json()
        assert uuid not in [event["uuid"] for event in listed]
        assert await count(api, "log_event") > 0
