"""Many calls, hung endpoints, breakers, and a stop in the middle."""

from __future__ import annotations

import asyncio
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any

import msgspec
from api_rig import Api, api_at, until, with_api
from call_rig import (
    AMPLE_S,
    NOTHING,
    Behaviour,
    add_hook,
    ask,
    debug,
    endpoint,
    hang,
    question,
    said,
    told,
    with_budget,
)
from inline_rig import HOOKS, act, logged

from tenterhook.domain.inline.breaker import MOST_FAILURES
from tenterhook.domain.inline.kind import IMPORT, REGISTRATION, SAML, TOKEN
from tenterhook.engine.inline import untold
from tenterhook.engine.inline.places import FEW, Places
from tenterhook.store.transaction import Tx

OPENED, CLOSED = "tenterhook.inline_hook.breaker_opened", "tenterhook.inline_hook.breaker_closed"


async def time_out(api: Api, type: str) -> None:
    """Open the breaker of *type*, whose endpoint hangs; the calls that follow have all the time they need.

    That they got no answer is all that counts: on a busy machine not each of them comes as far as a request.
    """
    with_budget(api, 0.2)
    for _ in range(MOST_FAILURES):
        assert (await ask(api, type))["outcome"] != "SUCCESS"
    with_budget(api, AMPLE_S)


def after(gate: asyncio.Event, answer: bytes = b"") -> Behaviour:
    """Return what waits for *gate*, says *answer* and closes."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await gate.wait()
        writer.write(answer)

    return behave


def probe_now(api: Api, hook: dict[str, Any]) -> None:
    """Let the time until the next probe have passed."""
    breakers = api.pipeline.switchboard.breakers
    revision, breaker = breakers._failing[hook["id"]]
    breakers._failing[hook["id"]] = (revision, msgspec.structs.replace(breaker, probe_at=monotonic()))


# -- the breaker -------------------------------------------------------------------------------------------------------


@with_api()
async def test_an_endpoint_that_keeps_hanging_is_not_asked_and_the_call_is_answered_at_once(api: Api) -> None:
    async with endpoint(hang) as receiver:
        hook = await add_hook(api, REGISTRATION.type, receiver.url)
        await time_out(api, REGISTRATION.type)
        asked = len(receiver.requests)
        assert asked > 0
        result = await ask(api, REGISTRATION.type)
        assert len(receiver.requests) == asked
    assert (result["outcome"], result["hookId"]) == ("FAILED", hook["id"])
    assert result["reason"].startswith(
        "The endpoint was not asked: its last 5 calls got no answer. It is tried again from 20"
    )
    (opened,) = await told(api, OPENED)
    assert (opened["severity"], opened["target"][0]["id"]) == ("WARN", hook["id"])
    executed = await told(api, "inline_hook.executed", MOST_FAILURES + 1)
    assert debug(executed[-1])["attempts"] == "0"


@with_api()
async def test_a_probe_that_is_answered_closes_the_breaker(api: Api) -> None:
    async with endpoint(hang) as receiver:
        hook = await add_hook(api, TOKEN.type, receiver.url)
        await time_out(api, TOKEN.type)
        asked, receiver.turns = len(receiver.requests), [NOTHING]
        probe_now(api, hook)
        assert (await ask(api, TOKEN.type))["outcome"] == "SUCCESS"
        assert (await ask(api, TOKEN.type))["outcome"] == "SUCCESS"
        assert len(receiver.requests) == asked + 2
    (closed,) = await told(api, CLOSED)
    assert (closed["severity"], closed["outcome"]["result"]) == ("INFO", "SUCCESS")
    await told(api, OPENED)


@with_api()
async def test_one_probe_at_a_time_is_made_and_a_failed_one_is_not_told_again(api: Api) -> None:
    gate = asyncio.Event()
    async with endpoint(hang) as receiver:
        hook = await add_hook(api, TOKEN.type, receiver.url)
        await time_out(api, TOKEN.type)
        asked, receiver.turns = len(receiver.requests), [after(gate)]
        probe_now(api, hook)
        calls = [asyncio.create_task(ask(api, TOKEN.type)) for _ in range(5)]
        await until(lambda: sum(call.done() for call in calls) == 4)
        await until(lambda: len(receiver.requests) > asked)
        gate.set()
        reasons = [result["reason"] for result in await asyncio.gather(*calls)]
        assert len(receiver.requests) == asked + 1
    assert sum("Another call is trying it now." in reason for reason in reasons) == 4
    await told(api, "inline_hook.executed", MOST_FAILURES + 5)
    await told(api, OPENED)


@with_api()
async def test_a_probe_whose_caller_goes_away_makes_room_for_the_next(api: Api) -> None:
    async with endpoint(hang) as receiver:
        hook = await add_hook(api, TOKEN.type, receiver.url)
        await time_out(api, TOKEN.type)
        asked, receiver.turns = len(receiver.requests), [hang, NOTHING]
        probe_now(api, hook)
        probe = asyncio.create_task(api.hooks.call_inline(TOKEN.type, question(TOKEN.type)["data"]))
        await until(lambda: len(receiver.requests) == asked + 1)
        probe.cancel()
        await asyncio.wait([probe])
        assert (await ask(api, TOKEN.type))["outcome"] == "SUCCESS"


@with_api()
async def test_a_changed_hook_is_asked_at_once(api: Api) -> None:
    async with endpoint(hang) as receiver, endpoint() as mended:
        hook = await add_hook(api, TOKEN.type, receiver.url)
        await time_out(api, TOKEN.type)
        changed = await api.call("POST", f"{HOOKS}/{hook['id']}", json={"channel": {"config": {"uri": mended.url}}})
        assert changed.status_code == 200, changed.text
        assert (await ask(api, TOKEN.type))["outcome"] == "SUCCESS"


@with_api()
async def test_an_endpoint_that_answers_errors_is_asked_again_and_again(api: Api) -> None:
    async with endpoint(said(None, "500 Internal Server Error")) as receiver:
        with_budget(api, AMPLE_S)
        await add_hook(api, TOKEN.type, receiver.url)
        for _ in range(2 * MOST_FAILURES):
            assert (await ask(api, TOKEN.type))["outcome"] == "UNCHANGED"
        assert len(receiver.requests) == 2 * MOST_FAILURES
    assert await logged(api, OPENED) == []


# -- places ------------------------------------------------------------------------------------------------------------


@with_api(inline_concurrency=3)
async def test_a_call_beyond_the_limit_of_its_org_and_type_is_answered_at_once(api: Api) -> None:
    gate = asyncio.Event()
    async with endpoint(after(gate, NOTHING)) as receiver, endpoint() as other:
        with_budget(api, AMPLE_S)
        hook = await add_hook(api, TOKEN.type, receiver.url)
        await add_hook(api, SAML.type, other.url)
        waiting = [asyncio.create_task(ask(api, TOKEN.type)) for _ in range(3)]
        await until(lambda: len(receiver.requests) == 3)
        result = await ask(api, TOKEN.type)
        assert (await ask(api, SAML.type))["outcome"] == "SUCCESS"
        assert not any(task.done() for task in waiting), "the others were answered while these waited"
        gate.set()
        assert {answered["outcome"] for answered in await asyncio.gather(*waiting)} == {"SUCCESS"}
        assert len(receiver.requests) == 3
    assert (result["outcome"], result["hookId"]) == ("UNCHANGED", hook["id"])
    assert "TENTERHOOK_INLINE_CONCURRENCY" in result["reason"]
    assert api.pipeline.switchboard.places.empty.is_set()


def test_when_places_run_short_who_holds_few_still_gets_one() -> None:
    places = Places(of_one=100, of_all=40)
    with _held(places, "greedy", 30):
        assert _refused(places, "greedy")
        with _held(places, "modest", FEW):
            assert _refused(places, "modest")
            with _held(places, "late", 2):
                assert _refused(places, "late"), "all are taken"
    assert places.empty.is_set()


class _held:  # noqa: N801 - used like a function
    """Hold *count* places of an org."""

    def __init__(self, places: Places, org_id: str, count: int) -> None:
        self._holds = [places.hold(org_id, "type") for _ in range(count)]

    def __enter__(self) -> None:
        assert [hold.__enter__() for hold in self._holds] == [None] * len(self._holds)

    def __exit__(self, *exc: object) -> None:
        for hold in self._holds:
            hold.__exit__(None, None, None)


def _refused(places: Places, org_id: str) -> bool:
    with places.hold(org_id, "type") as refusal:
        return refusal is not None


@with_api(inline_concurrency=200)
async def test_many_calls_on_a_hung_endpoint_keep_nobody_else_waiting(api: Api) -> None:
    with_budget(api, 60.0)
    many = min(150, api.pipeline.switchboard.places.of_all // 2)  # as many as this process may have files for
    async with endpoint(hang) as hung, endpoint() as healthy, endpoint() as event_receiver:
        await add_hook(api, IMPORT.type, hung.url)
        await add_hook(api, TOKEN.type, healthy.url)
        await api.add_hook(event_receiver.url)
        waiting = [asyncio.create_task(ask(api, IMPORT.type)) for _ in range(many)]
        await until(lambda: len(hung.requests) >= many)
        for _ in range(5):
            assert (await ask(api, TOKEN.type))["outcome"] == "SUCCESS"
        await api.publish()
        await until(lambda: event_receiver.requests)
        assert not any(task.done() for task in waiting), "the others were done while these waited"
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


# -- the log -----------------------------------------------------------------------------------------------------------


@with_api()
async def test_nobody_waits_for_the_log(api: Api) -> None:
    begun, answered = Event(), Event()

    def occupy(tx: Tx) -> bool:
        begun.set()
        return answered.wait(AMPLE_S)

    async with endpoint() as receiver:
        await add_hook(api, TOKEN.type, receiver.url)
        occupied = asyncio.create_task(api.pipeline.database.write(occupy))
        await until(begun.is_set)
        assert (await ask(api, TOKEN.type))["outcome"] == "SUCCESS"
        assert api.pipeline.switchboard.untold.waiting == 1
        answered.set()
        assert await occupied, "the database was written again only after the answer"
    await told(api, "inline_hook.response.processed")
    await until(lambda: api.pipeline.switchboard.untold.waiting == 0)


@with_api()
async def test_what_finds_no_room_is_counted_and_told_when_there_is_room_again(api: Api) -> None:
    waiting = api.pipeline.switchboard.untold
    async with endpoint() as receiver:
        hook = await add_hook(api, TOKEN.type, receiver.url)
        waiting.waiting = untold.MAX_WAITING
        for _ in range(3):
            assert (await ask(api, TOKEN.type))["outcome"] == "SUCCESS"
        waiting.waiting = 0
        assert (await ask(api, TOKEN.type))["outcome"] == "SUCCESS"
    (event,) = await told(api, "tenterhook.inline_call.untold")
    assert debug(event) == {"dropped": "3"}
    assert "3 log events" in event["outcome"]["reason"]
    await told(api, "inline_hook.response.processed")
    await until(lambda: waiting.waiting == 0)
    assert (await act(api, hook, "deactivate")).status_code == 200


def test_a_stop_ends_the_calls_under_way_and_the_log_has_all_of_them(tmp_path: Path) -> None:
    async def first() -> None:
        async with endpoint(hang) as receiver, endpoint() as healthy, api_at(tmp_path / "data") as api:
            with_budget(api, AMPLE_S)
            await add_hook(api, REGISTRATION.type, receiver.url)
            await add_hook(api, TOKEN.type, healthy.url)
            asked = question(REGISTRATION.type)["data"]
            calls = [asyncio.create_task(api.hooks.call_inline(REGISTRATION.type, asked)) for _ in range(5)]
            await until(lambda: len(receiver.requests) == 5)
            for _ in range(5):
                await ask(api, TOKEN.type)
            await api.hooks.stop()
            results = await asyncio.gather(*calls)
            assert {result.outcome for result in results} == {"FAILED"}

    async def second() -> None:
        async with api_at(tmp_path / "data") as api:
            assert len(await logged(api, "inline_hook.executed")) == 5
            assert len(await logged(api, "inline_hook.response.processed")) == 5

    asyncio.run(first())
    asyncio.run(second())
