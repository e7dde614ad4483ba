"""Filters that are long to read or to judge hold nobody up but who asks."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from hook_rig import HOOKS, Rig, with_rig
from hook_samples import body

from tenterhook.domain.verdict import MATCHED, HookFilter
from tenterhook.engine.aside import MAX_OF_ORG, Aside
from tenterhook.engine.explain import SLICE_HOOKS
from tenterhook.engine.register import create_event_hook, replace_event_hook
from tenterhook.engine.try_filter import MAX_EXPRESSION_BYTES
from tenterhook.errors import InvalidError, OverloadedError
from tenterhook.store.transaction import Tx

TYPES = [f"user.lifecycle.{verb}" for verb in ("create", "activate", "deactivate", "suspend", "unsuspend")]


class Watched(dict[str, Any]):
    """A body that notes which threads read it."""

    def __init__(self, whole: dict[str, Any]) -> None:
        super().__init__(whole)
        self.readers: set[int] = set()

    def get(self, key: str, default: Any = None) -> Any:
        self.readers.add(threading.get_ident())
        return super().get(key, default)


def heavy(size: int) -> dict[str, Any]:
    """A filter of five expressions, of about *size* bytes together."""
    expression = f"event.actor.id eq '{'x' * (size // len(TYPES) - 30)}'"
    entries = [{"event": name, "condition": {"expression": expression}} for name in TYPES]
    return {"type": "EXPRESSION_LANGUAGE", "eventFilterMap": entries}


async def tried(rig: Rig, hook: dict[str, Any], **trial: object) -> Any:
    return await rig.call("POST", f"{HOOKS}/{hook['id']}/filter/test", trial)


@with_rig()
async def test_the_body_of_a_hook_is_read_beside_the_event_loop(rig: Rig) -> None:
    principal = await rig.principal()
    made = Watched(body(events__items=TYPES, events__filter=heavy(12_000)))
    hook = await create_event_hook(rig.pipeline, principal, made)
    changed = Watched({**made, "name": "another"})
    await replace_event_hook(rig.pipeline, principal, hook.id, changed)
    for one in (made, changed):
        assert one.readers
        assert threading.get_ident() not in one.readers


@with_rig()
async def test_a_filter_that_is_tried_may_be_shorter_than_one_that_is_kept(rig: Rig) -> None:
    hook = await rig.create(events__items=TYPES)
    assert (await tried(rig, hook, filter=heavy(MAX_EXPRESSION_BYTES - 100))).status_code == 200
    told = await tried(rig, hook, filter=heavy(MAX_EXPRESSION_BYTES + 1000))
    assert told.status_code == 400
    assert "filter.eventFilterMap: its expressions are longer than 16,384 bytes together" in told.text
    kept = await rig.create(name="kept", events__items=TYPES, events__filter=heavy(MAX_EXPRESSION_BYTES + 1000))
    assert len(kept["events"]["filter"]["eventFilterMap"]) == len(TYPES)


@with_rig()
async def test_filter_tests_count_as_verifications(rig: Rig) -> None:
    hook = await rig.create()
    assert (await tried(rig, hook)).status_code == 200
    limits = {one["name"]: one for one in (await rig.call("GET", "/api/v1/limits")).json()}
    assert limits["verifications"]["used"] == 1


@with_rig()
async def test_what_many_hooks_made_of_an_event_is_told_in_many_reads(rig: Rig) -> None:
    names = [(await rig.create(name=f"hook {nth}"))["id"] for nth in range(2 * SLICE_HOOKS + 1)]
    published = await rig.call("POST", "/api/v1/events", {"eventType": TYPES[0]})
    uuid = published.json()["events"][0]["uuid"]
    reads: list[int] = []
    read = rig.pipeline.database.read

    async def counted(fn: Callable[[Tx], Any]) -> Any:
        reads.append(1)
        return await read(fn)

    rig.pipeline.database.read = counted  # type: ignore[method-assign]
    told = (await rig.call("GET", f"/api/v1/logs/{uuid}/deliveries")).json()
    assert [one["hookId"] for one in told] == sorted(names)
    assert len(reads) >= 4, "the event, and at most ten hooks at a time"


def test_a_verdict_that_is_known_is_not_found_once_more() -> None:
    event = {"eventType": "x", "actor": {"id": "one"}}
    filtered = HookFilter("event.actor.id eq 'another'")
    assert "did not match" in filtered.explain(event)
    assert filtered.explain(event, MATCHED) == "The filter matched."


def test_one_work_is_done_at_a_time_and_an_org_has_so_many_waiting() -> None:
    async def walk() -> None:
        aside, gate, busy = Aside(), threading.Event(), []

        def work() -> int:
            busy.append(1)
            assert len(busy) == 1, "another is at work"
            assert gate.wait(10)
            busy.pop()
            return threading.get_ident()

        calls = [asyncio.create_task(aside.run("one", work)) for _ in range(MAX_OF_ORG)]
        await asyncio.sleep(0)
        with pytest.raises(OverloadedError):
            await aside.run("one", work)
        other = asyncio.create_task(aside.run("other", work))
        await asyncio.sleep(0)
        gate.set()
        done = await asyncio.gather(other, *calls)
        assert threading.get_ident() not in done
        assert await aside.run("one", lambda: 7) == 7

    asyncio.run(walk())


def test_what_the_work_raises_is_raised_and_nothing_waits_any_more() -> None:
    async def walk() -> None:
        aside = Aside()

        def fail() -> None:
            raise InvalidError("thing", ["name: is wrong"])

        for _ in range(2 * MAX_OF_ORG):
            with pytest.raises(InvalidError):
                await aside.run("one", fail)

    asyncio.run(walk())
