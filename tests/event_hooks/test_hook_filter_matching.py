"""Filters at work: what goes out, what is explained, what is counted, and trying one on the log."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hook_rig import HOOKS, Endpoint, Rig, causes, endpoint, with_rig
from hook_samples import body

from tenterhook.domain import log_event
from tenterhook.engine.append import append, make_entry
from tenterhook.engine.subscriptions import Subscriptions
from tenterhook.engine.try_filter import Trial, read_trial, try_filter
from tenterhook.errors import InvalidError
from tenterhook.ids import uuid7
from tenterhook.store import event_hooks, filter_errors, recent_events

CREATE, ACTIVATE = "user.lifecycle.create", "user.lifecycle.activate"
FAILED = "event.outcome.result eq 'FAILURE'"
FRAGILE = "event.outcome.reason.contains('LOCKED')"


def filter_of(expression: str, event: str = CREATE) -> dict[str, Any]:
    return {
        "type": "EXPRESSION_LANGUAGE",
        "eventFilterMap": [{"event": event, "condition": {"expression": expression}}],
    }


def event(result: str = "FAILURE", event_type: str = CREATE, **more: Any) -> dict[str, Any]:
    return {"eventType": event_type, "outcome": {"result": result, "reason": None}, **more}


async def verified(rig: Rig, receiver: Endpoint, expression: str | None = None, **changes: Any) -> dict[str, Any]:
    """Return a verified hook with this filter."""
    made = {"channel__config__uri": receiver.url, "deliveryPolicy": {"retry": "okta"}, **changes}
    if expression is not None:
        made["events__filter"] = filter_of(expression)
    shown = await rig.create(**made)
    assert (await rig.act(shown, "verify")).status_code == 200
    return shown


async def publish(rig: Rig, *events: dict[str, Any]) -> list[str]:
    answer = await rig.call("POST", "/api/v1/events", list(events))
    assert answer.status_code == 200, answer.text
    return [one["uuid"] for one in answer.json()["events"]]


async def logged(rig: Rig, uuid: str) -> dict[str, Any]:
    (found,) = (await rig.call("GET", f"/api/v1/logs?filter=uuid%20eq%20%22{uuid}%22")).json()
    assert isinstance(found, dict)
    return found


async def explained(rig: Rig, uuid: str, shown: dict[str, Any]) -> dict[str, Any]:
    found = (await rig.call("GET", f"/api/v1/logs/{uuid}/deliveries")).json()
    return next(one for one in found if one["hookId"] == shown["id"])


async def tried(rig: Rig, shown: dict[str, Any], **trial: Any) -> dict[str, Any]:
    answer = await rig.call("POST", f"{HOOKS}/{shown['id']}/filter/test", trial)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def delivered(receiver: Endpoint, count: int) -> list[str]:
    """Return the types and results of the events that came, once there are *count*."""
    found: list[str] = []
    async with asyncio.timeout(10):
        while len(found) < count:
            await asyncio.sleep(0.01)
            sent = [json.loads(post.partition(b"\r\n\r\n")[2]) for post in receiver.posts]
            found = [one["outcome"]["result"] for each in sent for one in each["data"]["events"]]
    return found


@with_rig()
async def test_only_the_events_that_the_filter_lets_through_are_delivered(rig: Rig) -> None:
    async with endpoint() as receiver:
        shown = await verified(rig, receiver, FAILED)
        good, bad = await publish(rig, event("SUCCESS"), event("FAILURE"))
        assert await delivered(receiver, 1) == ["FAILURE"]
        assert (await explained(rig, good, shown))["deliveries"] == []
        assert len((await explained(rig, bad, shown))["deliveries"]) == 1


@with_rig()
async def test_types_without_an_entry_are_not_filtered(rig: Rig) -> None:
    async with endpoint() as receiver:
        await verified(rig, receiver, FAILED)
        await publish(rig, event("SUCCESS"), event("ALLOW", ACTIVATE), event("FAILURE"))
        assert sorted(await delivered(receiver, 2)) == ["ALLOW", "FAILURE"]


@with_rig()
async def test_an_event_names_only_the_hooks_whose_filter_matched(rig: Rig) -> None:
    async with endpoint() as receiver:
        strict = await verified(rig, receiver, FAILED, name="strict")
        free = await verified(rig, receiver, name="free")
        good, bad = await publish(rig, event("SUCCESS"), event("FAILURE"))
        named = [(await logged(rig, uuid))["debugContext"]["debugData"]["targetEventHookIds"] for uuid in (good, bad)]
        assert named == [free["id"], ",".join(sorted([strict["id"], free["id"]]))]


@with_rig()
async def test_an_event_that_no_filter_lets_through_names_no_hook(rig: Rig) -> None:
    async with endpoint() as receiver:
        await verified(rig, receiver, FAILED)
        (uuid,) = await publish(rig, event("SUCCESS"))
        assert "targetEventHookIds" not in (await logged(rig, uuid))["debugContext"]["debugData"]


@with_rig()
async def test_explain_names_the_clause_that_was_false_by_the_version_then_in_force(rig: Rig) -> None:
    async with endpoint() as receiver:
        shown = await verified(rig, receiver, FAILED)
        (before,) = await publish(rig, event("SUCCESS"))
        document = {**await rig.read(shown), "deliveryPolicy": {"retry": "okta"}}
        document["events"] = {**document["events"], "filter": filter_of("event.outcome.result ne 'x'")}
        assert (await rig.call("PUT", f"{HOOKS}/{shown['id']}", document)).status_code == 200
        (after,) = await publish(rig, event("SUCCESS"))
        told = await explained(rig, before, shown)
        assert not told["matched"]
        assert told["reason"] == "The filter did not match: event.outcome.result is 'SUCCESS', not 'FAILURE'."
        told = await explained(rig, after, shown)
        assert told["matched"]
        assert told["reason"] == f"The hook subscribed to {CREATE}, its filter matched, and it was ACTIVE and VERIFIED."


@with_rig()
async def test_explain_names_a_deleted_hook_only_of_events_that_it_lived_to_see(rig: Rig) -> None:
    async with endpoint() as receiver:
        (before,) = await publish(rig, event())
        shown = await verified(rig, receiver)
        (during,) = await publish(rig, event())
        assert (await explained(rig, before, shown))["reason"].startswith("The hook did not exist yet")
        await rig.act(shown, "deactivate")
        assert (await rig.call("DELETE", f"{HOOKS}/{shown['id']}")).status_code == 204
        (after,) = await publish(rig, event())
        told = [(await rig.call("GET", f"/api/v1/logs/{uuid}/deliveries")).json() for uuid in (before, during, after)]
        assert [[one["hookId"] for one in hooks] for hooks in told] == [[], [shown["id"]], []]


@with_rig()
async def test_a_replacement_without_a_filter_has_none(rig: Rig) -> None:
    async with endpoint() as receiver:
        shown = await verified(rig, receiver, FAILED)
        assert (await rig.read(shown))["events"]["filter"]["eventFilterMap"][0]["condition"]["expression"] == FAILED
        document = await rig.read(shown)
        del document["events"]["filter"]
        answer = await rig.call("PUT", f"{HOOKS}/{shown['id']}", document)
        assert answer.json()["events"]["filter"] is None
        assert answer.json()["verificationStatus"] == "VERIFIED"
        await publish(rig, event("SUCCESS"))
        assert await delivered(receiver, 1) == ["SUCCESS"]


@with_rig()
async def test_a_bad_expression_is_refused_with_what_and_where(rig: Rig) -> None:
    document = body(events__filter=filter_of('event.outcome.result eq "FAILURE"'))
    (cause,) = causes(await rig.call("POST", HOOKS, document))
    assert cause.startswith(
        "events.filter.eventFilterMap[0].condition.expression: unexpected '\"FAILURE\"' at column 25"
    )


@with_rig()
async def test_a_filter_is_in_force_again_after_a_start(rig: Rig) -> None:
    async with endpoint() as receiver:
        shown = await verified(rig, receiver, FAILED)
        stored = await rig.pipeline.database.read(lambda tx: event_hooks.every_living(tx, rig.pipeline.vault))
        begun = Subscriptions()
        begun.load(stored)
        org_id = (await rig.principal()).org_id
        filtered, free = (begun.snapshot.matching(org_id, one) for one in (CREATE, ACTIVATE))
        assert [one.hook_id for one in (*filtered, *free)] == [shown["id"]] * 2
        assert filtered[0].filter is not None
        assert not filtered[0].filter.judge(event("SUCCESS")).matched
        assert filtered[0].filter.judge(event("FAILURE")).matched
        assert free[0].filter is None


# ---- filter errors ---------------------------------------------------------------------------------------------------


@with_rig()
async def test_a_filter_that_cannot_be_evaluated_loses_no_event_and_spoils_no_batch(rig: Rig) -> None:
    async with endpoint() as receiver, endpoint() as other:
        shown = await verified(rig, receiver, FRAGILE, name="fragile")
        await verified(rig, other, name="free")
        locked = {"result": "FAILURE", "reason": "LOCKED_OUT"}
        bad, good = await publish(rig, event("SUCCESS"), event(outcome=locked))
        assert sorted(await delivered(other, 2)) == ["FAILURE", "SUCCESS"]
        assert await delivered(receiver, 1) == ["FAILURE"]
        told = await explained(rig, bad, shown)
        assert not told["matched"]
        why = "The filter could not be evaluated: event.outcome.reason is null, and .contains needs a text."
        assert told["reason"] == why
        assert (await explained(rig, good, shown))["matched"]
        assert (await rig.read(shown))["status"] == "ACTIVE"


@with_rig()
async def test_filter_errors_are_counted_and_the_log_is_told_once_in_ten_minutes(rig: Rig) -> None:
    async with endpoint() as receiver:
        shown = await verified(rig, receiver, FRAGILE)
        now = rig.pipeline.now_ms()
        rig.pipeline.now_ms = lambda: now
        (first, _) = await publish(rig, event(), event())
        await publish(rig, event())
        (told,) = await rig.log("event_hook.filter_error")
        assert told["outcome"]["result"] == "FAILURE"
        assert told["outcome"]["reason"].startswith("The filter could not be evaluated: event.outcome.reason is null")
        assert told["debugContext"]["debugData"]["total"] == "2"
        assert told["debugContext"]["debugData"]["uuid"] != first
        assert (told["target"][0]["id"], told["target"][0]["type"]) == (shown["id"], "EventHook")
        now += filter_errors.TELL_EVERY_MS - 1
        await publish(rig, event())
        assert len(await rig.log("event_hook.filter_error")) == 1
        now += 1
        (last,) = await publish(rig, event())
        (_, told) = await rig.log("event_hook.filter_error")
        assert told["debugContext"]["debugData"] == {"uuid": last, "total": "5"}
        assert (await tried(rig, shown))["filterErrors"] == 5


@with_rig()
async def test_what_was_counted_of_a_filter_goes_with_its_hook(rig: Rig) -> None:
    async with endpoint() as receiver:
        kept, gone = [await verified(rig, receiver, FRAGILE, name=name) for name in ("kept", "gone")]
        await publish(rig, event())
        await rig.act(gone, "deactivate")
        assert (await rig.call("DELETE", f"{HOOKS}/{gone['id']}")).status_code == 204
        sql = "SELECT hook_id, total FROM filter_error"
        rows = await rig.pipeline.database.read(lambda tx: tx.driver.execute(sql).fetchall())
        assert rows == [(kept["id"], 1)]


@with_rig()
async def test_what_is_matched_again_in_the_transaction_is_filtered_again_as_the_publisher_sent_it(rig: Rig) -> None:
    async with endpoint() as receiver:
        await verified(rig, receiver, FAILED, name="first")
        stale = rig.pipeline.subscriptions.snapshot
        org_id = (await rig.principal()).org_id
        await verified(rig, receiver, "event.outcome.result eq 'SUCCESS'", name="second")
        raw = json.dumps(event("SUCCESS", debugContext={"debugData": {"changedAttributes": 7}})).encode()
        draft = log_event.read_event(raw, rig.pipeline.now_ms(), uuid7(), "tx")
        assert isinstance(draft, log_event.Draft)
        entry = make_entry(stale, org_id, draft)
        assert entry.matched == ()
        parts, now = rig.pipeline, rig.pipeline.now_ms()
        await parts.database.write(lambda tx: append(tx, parts.subscriptions, parts.lanes, [entry], now))
        assert len(entry.matched) == 1
        assert await delivered(receiver, 1) == ["SUCCESS"]


@with_rig()
async def test_filters_that_take_too_much_together_fail_and_spoil_no_other_hook(rig: Rig) -> None:
    async with endpoint() as receiver, endpoint() as other:
        walks = [f"event.target.?[id eq 'y{n}'].size() > 0" for n in range(5)]
        long = [await verified(rig, receiver, walk, name=walk) for walk in walks]
        await verified(rig, other, FAILED, name="short")
        (uuid,) = await publish(rig, event(target=[{"id": "x"}] * 2400))
        assert await delivered(other, 1) == ["FAILURE"]
        (told,) = await rig.log("event_hook.filter_error")
        assert "it takes more than the 800 steps that were left for it" in told["outcome"]["reason"]
        assert (told["target"][0]["id"], told["debugContext"]["debugData"]["uuid"]) == (long[4]["id"], uuid)


# ---- trying a filter -------------------------------------------------------------------------------------------------


@with_rig()
async def test_a_hooks_own_filter_is_tried_on_the_last_events_of_its_types(rig: Rig) -> None:
    async with endpoint() as receiver:
        shown = await verified(rig, receiver, FAILED)
        await publish(rig, event("SUCCESS", displayMessage="Hi"), event("FAILURE"), event("ALLOW", ACTIVATE))
        await publish(rig, event("FAILURE", "user.session.start"))
        found = await tried(rig, shown)
        assert {key: found[key] for key in ("tested", "matched", "notMatched", "errors", "filterErrors")} == {
            "tested": 3,
            "matched": 2,
            "notMatched": 1,
            "errors": 0,
            "filterErrors": 0,
        }
        assert found["complete"]
        young, middle, old = found["events"]
        assert (young["eventType"], young["matched"]) == (ACTIVATE, True)
        assert young["reason"] == f"There is no filter on {ACTIVATE}: every such event matches."
        assert middle["reason"] == "The filter matched."
        assert set(old) == {"uuid", "published", "eventType", "displayMessage", "matched", "reason"}
        assert (old["displayMessage"], old["matched"]) == ("Hi", False)
        assert old["reason"] == "The filter did not match: event.outcome.result is 'SUCCESS', not 'FAILURE'."


@with_rig()
async def test_a_filter_can_be_tried_before_it_is_saved_also_on_types_that_the_hook_does_not_ask_for(rig: Rig) -> None:
    shown = await rig.create()
    await publish(rig, event("SUCCESS"), event("FAILURE", "user.session.start"), event("FAILURE"))
    found = await tried(rig, shown, filter=filter_of(FRAGILE, "user.session.start"), last=2)
    assert (found["tested"], found["matched"], found["notMatched"], found["errors"]) == (1, 0, 0, 1)
    [only] = found["events"]
    assert only["reason"].startswith("The filter could not be evaluated: ")
    assert only["reason"].endswith("The hook does not ask for user.session.start yet.")
    assert (await rig.read(shown))["events"]["filter"] is None
    assert await rig.log("event_hook.filter_error") == []


@pytest.mark.parametrize(
    ("trial", "cause"),
    [
        ([], "body: must be a JSON object, not an array"),
        ({"last": 0}, "last: must be a whole number from 1 to 1,000"),
        ({"last": 1001}, "last: must be a whole number from 1 to 1,000"),
        ({"last": "9"}, "last: must be a whole number from 1 to 1,000"),
        ({"limit": 9}, "limit: is no field of"),
        ({"filter": "x"}, "filter: must be an object, not a string"),
        ({"filter": filter_of("!")}, "filter.eventFilterMap[0].condition.expression: unexpected '!' at column 1"),
    ],
)
def test_a_trial_that_is_wrong_is_refused_with_its_cause(trial: Any, cause: str) -> None:
    with pytest.raises(InvalidError) as refused:
        read_trial(trial)
    (found,) = refused.value.problems
    assert found.startswith(cause)


@with_rig()
async def test_a_filter_on_a_type_that_nobody_knows_is_refused(rig: Rig) -> None:
    shown = await rig.create()
    body = {"filter": filter_of(FAILED, "user.session.strat")}
    answer = await rig.call("POST", f"{HOOKS}/{shown['id']}/filter/test", body)
    assert answer.status_code == 400
    [cause] = [one["errorSummary"] for one in answer.json()["errorCauses"]]
    said = "'user.session.strat' is no known event type; did you mean 'user.session.start'?"
    assert cause == f"filter.eventFilterMap[0].event: {said}"


@with_rig()
async def test_another_orgs_hook_cannot_be_tried_and_its_events_are_not_seen(rig: Rig) -> None:
    shown = await rig.create()
    await publish(rig, event())
    other = await rig.other_org()
    answer = await rig.call("POST", f"{HOOKS}/{shown['id']}/filter/test", {}, token=other)
    assert answer.status_code == 404
    assert (await tried(rig, shown))["tested"] == 1


@with_rig()
async def test_a_trial_whose_time_is_up_tells_what_it_found_and_that_it_is_not_all(rig: Rig) -> None:
    shown = await rig.create()
    await publish(rig, event())
    found = await try_filter(rig.pipeline, await rig.principal(), shown["id"], Trial(None, 5), budget_s=0)
    assert (found.tested, found.complete) == (0, False)


@with_rig()
async def test_a_trial_finds_events_behind_many_slices_of_others(rig: Rig) -> None:
    shown = await rig.create()
    await publish(rig, event("FAILURE"))
    for _ in range(6):
        await publish(rig, *[event("ALLOW", "user.session.start") for _ in range(1000)])
    await publish(rig, event("SUCCESS"))
    assert recent_events.SLICE_ROWS < 6000
    found = await tried(rig, shown, last=2)
    assert [one["eventType"] for one in found["events"]] == [CREATE, CREATE]
    assert (found["tested"], found["complete"]) == (2, True)
    assert (await tried(rig, shown, last=3))["tested"] == 2
