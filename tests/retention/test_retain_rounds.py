"""Rounds of retention: cut off in the middle, after a failure, and beside a clock that jumps."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from api_rig import EVENT, Api, api_at, receiving, until, with_api
from retention_rig import Clock, count, failures, no_loose_ends, paused, raw, wanted

from tenterhook.engine import retain as module
from tenterhook.engine.retain import STEP, Retained, retain
from tenterhook.store.write_queue import Class

# ---- ends in the middle ----------------------------------------------------------------------------------------------


def held_after_a_step(api: Api) -> asyncio.Event:
    """Let no round of retention go on after its first step of deliveries; return what is set then."""
    real, stepped = api.pipeline.database.write, asyncio.Event()

    async def write(fn: Any, klass: Class = Class.DOCUMENT) -> Any:
        result = await real(fn, klass)
        if getattr(fn, "func", None) is module._end_deliveries:
            stepped.set()
            await asyncio.Event().wait()
        return result

    api.pipeline.database.write = write  # type: ignore[method-assign]
    return stepped


def test_a_round_that_is_cut_off_leaves_a_whole_record_and_the_next_one_ends_it(tmp_path: Path) -> None:
    async def walk() -> None:
        async with receiving(204) as receiver:
            async with api_at(tmp_path / "data", retention_log_days=10) as api:
                clock = Clock(api)
                hook = await paused(api, receiver.url)
                await api.publish(*[EVENT] * 900)
                clock.to_day(11)
                young = await api.publish()
                stepped = held_after_a_step(api)
                task = asyncio.create_task(retain(api.pipeline))
                await asyncio.wait_for(stepped.wait(), 10)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                assert await count(api, "delivery", "end_reason = 'EXPIRED'") == STEP
                assert await count(api, "delivery", "state = 0") == 901 - STEP
            async with api_at(tmp_path / "data", retention_log_days=10) as api:
                api.pipeline.now_ms = lambda: clock.now
                await no_loose_ends(api)
                await retain(api.pipeline)
                assert await count(api, "delivery", "end_reason = 'EXPIRED'") == 900
                told = await failures(api)
                assert sum(int(one["debugContext"]["debugData"]["deliveries"]) for one in told) == 900
                assert await wanted(api) == raw(young)
                assert len(await api.deliveries(hook, "?status=HELD")) == 1

    asyncio.run(asyncio.wait_for(walk(), 60))


@with_api(retention_log_days=10)
async def test_the_loop_takes_away_what_became_too_old_and_goes_on_after_a_failure(api: Api) -> None:
    clock = Clock(api)
    await api.publish()
    real, failed = api.pipeline.oldest_event, asyncio.Event()

    def fails_once() -> int:
        if not failed.is_set():
            failed.set()
            raise RuntimeError("once")
        return real()

    api.pipeline.oldest_event = fails_once  # type: ignore[method-assign]
    async with running(api, lambda: clock.now / 1000):
        clock.to_day(11)
        await until(lambda: _none_left(api))
    assert failed.is_set()


@asynccontextmanager
async def running(api: Api, steady_s: Callable[[], float]) -> AsyncIterator[None]:
    """Run the loop, which has begun to watch the clock when the block begins."""
    looks = 0

    def looked() -> float:
        nonlocal looks
        looks += 1
        return steady_s()

    task = asyncio.create_task(module.retain_forever(api.pipeline, 0.01, looked))
    try:
        await until(lambda: looks)
        yield
    finally:
        task.cancel()


@with_api(retention_log_days=10)
async def test_a_clock_that_jumps_ahead_deletes_nothing_and_one_set_right_goes_on_at_once(api: Api) -> None:
    clock = Clock(api)
    steady = Clock(api)
    api.pipeline.now_ms = lambda: clock.now
    await api.publish()
    clock.to_day(0.9)
    steady.to_day(0.9)
    looks = 0

    def steady_s() -> float:
        nonlocal looks
        looks += 1
        return steady.now / 1000

    async with running(api, steady_s):
        clock.to_day(40)
        seen = looks
        await until(lambda: looks > seen + 5)
        assert await count(api, "log_event") > 0
        clock.to_day(0.9)
        seen = looks
        await until(lambda: looks > seen + 5)
        clock.to_day(11)
        steady.to_day(11)
        await until(lambda: _none_left(api))


@with_api(retention_log_days=10)
async def test_a_clock_that_jumps_in_the_middle_of_a_round_changes_nothing_for_it(api: Api) -> None:
    clock = Clock(api)
    async with receiving(204) as receiver:
        hook = await api.add_hook(receiver.url)
        await api.publish()
        await api.wait_for(hook, "DELIVERED")
        real = api.pipeline.database.read

        async def read(fn: Any) -> Any:
            clock.to_day(400)
            return await real(fn)

        api.pipeline.database.read = read  # type: ignore[method-assign]
        assert await retain(api.pipeline) == Retained()


@with_api(retention_log_days=10)
async def test_after_a_month_off_the_server_retains_an_hour_later(api: Api) -> None:
    clock = Clock(api)
    await api.publish()
    clock.to_day(40)
    steady, looks = 0.0, 0

    def steady_s() -> float:
        nonlocal looks
        looks += 1
        return steady

    async with running(api, steady_s):
        await until(lambda: looks > 5)
        assert await count(api, "log_event") > 0
        clock.now, steady = clock.now + 3_600_000, 3600.0
        await until(lambda: _none_left(api))


async def _none_left(api: Api) -> bool:
    return await count(api, "log_event") == 0
