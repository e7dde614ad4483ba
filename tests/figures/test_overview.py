"""How an org and its hooks fare, read from a running pipeline with real receivers."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from api_rig import EVENT, Api, receiving, until, with_api

from tenterhook.domain.delivery_policy import CustomRetry, DeliveryPolicy
from tenterhook.domain.principal import Principal
from tenterhook.engine.figures.hooks import HOURS, read_hook_figures
from tenterhook.engine.figures.overview import read_overview
from tenterhook.engine.figures.spans import Span
from tenterhook.engine.tally import add_up

ONCE = DeliveryPolicy(retry=CustomRetry(waits_seconds=(), retry_on=()), max_events_per_request=1)
LATER = DeliveryPolicy(retry=CustomRetry(waits_seconds=(3600,), retry_on=("5XX",)), max_events_per_request=1)
PAUSED = DeliveryPolicy(retry="durable", paused=True, max_events_per_request=1)
STRANGER = "00o" + "z" * 17


def me(api: Api) -> Principal:
    principal = api.hooks._principal
    assert principal is not None
    return principal


async def count(api: Api, where: str) -> int:
    sql = f"SELECT count(*) FROM delivery WHERE {where}"
    found: Any = await api.pipeline.database.read(lambda tx: tx.driver.execute(sql).fetchall())
    return int(found[0][0])


async def ended(api: Api, many: int) -> None:
    async def there() -> bool:
        return await count(api, "ended_at IS NOT NULL") >= many

    await until(there)


@with_api()
async def test_the_overview_tells_what_arrived_and_what_failed_and_why(api: Api) -> None:
    async with receiving(204) as good, receiving(500) as bad:
        await api.add_hook(good.url, name="good", delivery_policy=ONCE)
        failing = await api.add_hook(bad.url, name="bad", delivery_policy=ONCE)
        await api.publish(*[EVENT] * 3)
        await ended(api, 6)
        for added_up in (False, True):
            if added_up:
                await add_up(api.pipeline.database)
            for span in Span:
                found = await read_overview(api.pipeline, me(api), span)
                assert (found.delivered, found.failed_attempts, found.ended_failed) == (3, 3, 3)
                assert sum(one.delivered for one in found.buckets) == 3
                assert len(found.buckets) == span.buckets
                assert found.success_rate == 0.5
                assert found.p50_ms is not None
                assert 0 < found.p50_ms <= found.p95_ms <= found.p99_ms < 5_000
    [one] = found.failing
    assert (one.hook_id, one.name, one.reason, one.status) == (failing.id, "bad", "STATUS", 500)
    assert one.message
    assert found.failing_count == 1
    assert found.hooks == 2
    assert (found.pending, found.held, found.oldest_pending_ms) == (0, 0, None)
    logged: Any = await api.pipeline.database.read(
        lambda tx: tx.driver.execute("SELECT count(*) FROM log_event").fetchall()
    )
    assert (found.events, found.events_is_exact) == (logged[0][0], True)


@with_api()
async def test_a_hook_that_waits_for_a_retry_says_why_and_counts_as_pending(api: Api) -> None:
    async with receiving(503) as bad:
        hook = await api.add_hook(bad.url, name="later", delivery_policy=LATER)
        await api.publish(*[EVENT] * 4)
        await until(lambda: len(bad.requests) == 4)

        async def booked() -> bool:
            return await count(api, "state = 0 AND attempt_no = 1") == 4

        await until(booked)
    found = await read_overview(api.pipeline, me(api), Span.HOUR)
    assert (found.pending, found.held, found.waiting_is_exact) == (4, 0, True)
    assert found.oldest_pending_ms is None, "what waits for its retry is not overdue"
    [one] = found.failing
    assert (one.status, one.waiting, one.waiting_is_exact) == (503, 4, True)
    assert one.since <= found.now
    figures = await read_hook_figures(api.pipeline, me(api))
    assert figures[hook.id].failing_since == one.since
    assert (figures[hook.id].waiting, figures[hook.id].held) == (4, 0)


@with_api()
async def test_what_a_paused_or_unverified_hook_holds_is_held_and_told(api: Api) -> None:
    async with receiving(204) as good:
        paused = await api.add_hook(good.url, name="paused", delivery_policy=PAUSED)
        unverified = await api.add_hook(good.url, name="moved", verification_status="UNVERIFIED", delivery_policy=ONCE)
        await api.publish(*[EVENT] * 5)
        found = await read_overview(api.pipeline, me(api), Span.DAY)
        figures = await read_hook_figures(api.pipeline, me(api), [paused.id, unverified.id, "whoUNKNOWNUNKNOWNUNK"])
    assert (found.pending, found.held) == (0, 10)
    [holding] = found.unverified
    assert (holding.hook_id, holding.name, holding.held, holding.held_is_exact) == (unverified.id, "moved", 5, True)
    assert figures.keys() == {paused.id, unverified.id}
    for one in figures.values():
        assert (one.waiting, one.held, one.success_rate, one.failing_since) == (5, 5, None, None)
        assert one.last_delivery is not None


@with_api()
async def test_what_is_in_a_lane_is_counted_too(api: Api) -> None:
    slow = ONCE.model_copy(update={"max_concurrency": 1, "timeout_seconds": 30})
    async with receiving(204, hangs=True) as hanging:
        hook = await api.add_hook(hanging.url, delivery_policy=slow)
        await api.publish(*[EVENT] * 4)
        await asyncio.wait_for(hanging.arrived.wait(), 10)
        await asyncio.sleep(0.05)
        found = await read_overview(api.pipeline, me(api), Span.HOUR)
        figures = await read_hook_figures(api.pipeline, me(api))
    assert found.pending == figures[hook.id].waiting == 4
    assert found.oldest_pending_ms is not None
    assert found.oldest_pending_ms >= 40


@with_api(limit_events_per_24h=3)
async def test_what_the_quota_holds_is_held_and_the_quota_is_told(api: Api) -> None:
    async with receiving(204) as good:
        hook = await api.add_hook(good.url, delivery_policy=ONCE)
        await api.publish(*[EVENT] * 5)
        await ended(api, 3)
        found = await read_overview(api.pipeline, me(api), Span.HOUR)
        figures = await read_hook_figures(api.pipeline, me(api))
    assert (found.quota_used, found.quota_limit) == (5, 3)
    assert found.quota_ends is not None
    assert (found.delivered, found.pending, found.held) == (3, 0, 2)
    assert (figures[hook.id].waiting, figures[hook.id].held) == (2, 2)


@with_api()
async def test_a_hook_has_an_hourly_line_of_its_own(api: Api) -> None:
    start = api.pipeline.now_ms()
    async with receiving(204) as good, receiving(500) as bad:
        first = await api.add_hook(good.url, delivery_policy=ONCE)
        second = await api.add_hook(bad.url, delivery_policy=ONCE)
        api.pipeline.now_ms = lambda: start - 5 * 3_600_000
        await api.publish(EVENT)
        await ended(api, 2)
        await add_up(api.pipeline.database)
        api.pipeline.now_ms = lambda: start
        await api.publish(EVENT, EVENT)
        await ended(api, 6)
        figures = await read_hook_figures(api.pipeline, me(api))
    line = [one.delivered for one in figures[first.id].buckets]
    assert len(line) == HOURS
    assert (line[-1], line[-6], sum(line)) == (2, 1, 3)
    assert figures[first.id].success_rate == 1.0
    assert [one.ended_failed for one in figures[second.id].buckets] == line
    assert (figures[second.id].success_rate, figures[second.id].failed_attempts) == (0.0, 3)


@with_api()
async def test_another_org_sees_nothing(api: Api) -> None:
    async with receiving(500) as bad:
        await api.add_hook(bad.url, delivery_policy=ONCE)
        await api.add_hook(bad.url, delivery_policy=PAUSED)
        await api.publish(*[EVENT] * 2)
        await ended(api, 2)
        stranger = msgspec.structs.replace(me(api), org_id=STRANGER)
        found = await read_overview(api.pipeline, stranger, Span.HOUR)
        assert (found.ended_failed, found.held, found.pending, found.failing, found.events) == (0, 0, 0, [], 0)
        assert (found.hooks, found.success_rate, found.p99_ms) == (0, None, None)
        assert await read_hook_figures(api.pipeline, stranger) == {}
        ours = await read_overview(api.pipeline, me(api), Span.HOUR)
        assert (ours.ended_failed, ours.held) == (2, 2)


@with_api()
async def test_a_deleted_hook_leaves_its_ends_in_the_orgs_figures(api: Api) -> None:
    async with receiving(204) as good:
        hook = await api.add_hook(good.url, status="INACTIVE", delivery_policy=ONCE)
        active = await api.change_hook(hook, status="ACTIVE")
        await api.publish(EVENT)
        await ended(api, 1)
        await api.change_hook(active, status="INACTIVE")
        answer = await api.call("DELETE", f"/api/v1/eventHooks/{hook.id}")
        assert answer.status_code == 204, answer.text
        found = await read_overview(api.pipeline, me(api), Span.HOUR)
        assert (found.delivered, found.hooks) == (1, 0)
        assert await read_hook_figures(api.pipeline, me(api)) == {}
