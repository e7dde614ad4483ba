"""Executing an inline hook by hand, and previewing a call: what is sent, what is answered, what is refused."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from api_rig import Api, until, with_api
from call_rig import (
    AMPLE_S,
    HANGING_S,
    SECRET,
    Endpoint,
    add_hook,
    cut,
    debug,
    endpoint,
    hang,
    question,
    said,
    told,
    with_budget,
)
from inline_rig import HOOKS, act, causes, logged, org_of, token_of_another_org
from inline_samples import OAUTH_BODY

from tenterhook.domain.destination import parse_allowed_network
from tenterhook.domain.inline.kind import IMPORT, KINDS, REGISTRATION, TELEPHONY, TOKEN
from tenterhook.domain.inline.sample import sample_data
from tenterhook.door.rate_limit import RateLimits

#: As clients of Okta's API send it: the whole payload.
PAYLOAD: dict[str, Any] = {
    "source": "cal7sample0000000000",
    "eventId": "JUGOUiYZTaKPmH6db0nDag",
    "eventTime": "2026-02-27T20:59:28.000Z",
    "eventTypeVersion": "1.0",
    "cloudEventVersion": "0.1",
    "eventType": IMPORT.type,
    "contentType": "application/json",
    "data": sample_data(IMPORT.type),
    "tenant": {"kept": "as it is"},
}


async def execute(api: Api, hook: dict[str, Any], body: object = PAYLOAD) -> Any:
    return await api.call("POST", f"{HOOKS}/{hook['id']}/execute", json=body)


async def preview(api: Api, hook: dict[str, Any], **body: Any) -> dict[str, Any]:
    answer = await api.call("POST", f"{HOOKS}/{hook['id']}/preview", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    assert list(found) == ["request", "delivered", "result"]
    return found


# -- execute -----------------------------------------------------------------------------------------------------------


@with_api()
async def test_the_payload_is_sent_as_it_is_and_the_answer_comes_back(api: Api) -> None:
    reply = {"commands": [{"type": "com.okta.action.update", "value": {"result": "CREATE_USER"}}], "other": [1]}
    async with endpoint(said(reply)) as receiver:
        hook = await add_hook(api, IMPORT.type, receiver.url)
        answer = await execute(api, hook)
        assert receiver.payloads == [PAYLOAD]
        assert receiver.fields()["authorization"] == SECRET
    assert (answer.status_code, answer.json()) == (200, reply)
    assert answer.headers["content-type"] == "application/json"
    (event,) = await told(api, "inline_hook.response.processed")
    assert debug(event)["inlineHookEventId"] == PAYLOAD["eventId"]
    assert await logged(api, "inline_hook.executed") == []


@with_api()
async def test_what_a_payload_lacks_is_filled_in(api: Api) -> None:
    async with endpoint() as receiver:
        hook = await add_hook(api, TELEPHONY.type, receiver.url)
        short = {"data": sample_data(TELEPHONY.type), "requestType": TELEPHONY.request_types[1]}
        await execute(api, hook, short)
        (payload,) = receiver.payloads
    assert payload["source"].endswith(f"{HOOKS}/{hook['id']}")
    assert (payload["eventType"], payload["requestType"]) == (TELEPHONY.type, TELEPHONY.request_types[1])
    assert len(payload["eventId"]) == 22


@with_api()
async def test_204_is_an_answer_without_commands(api: Api) -> None:
    async with endpoint() as receiver:
        answer = await execute(api, await add_hook(api, IMPORT.type, receiver.url))
    assert (answer.status_code, answer.json()) == (200, {"commands": []})


@with_api()
async def test_an_error_object_is_400_e0000135(api: Api) -> None:
    async with endpoint(said({"error": {"errorSummary": "No."}})) as receiver:
        answer = await execute(api, await add_hook(api, IMPORT.type, receiver.url))
        assert len(receiver.requests) == 1
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "E0000135")
    assert answer.json()["errorSummary"] == "An inline hook responded with an error."
    assert answer.json()["errorCauses"] == [{"errorSummary": "The endpoint answered an error: No."}]
    await told(api, "inline_hook.executed")


@pytest.mark.parametrize(
    ("turn", "words", "times"),
    [
        (said(None, "500 Internal Server Error"), "500", 2),
        (said(None, "404 Not Found"), "404", 2),
        (said(None, "302 Found", "Location: http://127.0.0.1:9999/"), "302", 2),
        (said(b"hello"), "JSON", 1),
        (said({"commands": [{"type": "com.okta.nothing", "value": 1}]}), "com.okta.nothing", 1),
        (said(b"x" * 300_000), "256 KiB", 2),
    ],
    ids=["500", "404", "302", "no JSON", "unknown command", "too large"],
)
def test_something_else_than_the_contract_is_502_e0000134(turn: bytes, words: str, times: int, tmp_path: Any) -> None:
    @with_api()
    async def walk(api: Api) -> None:
        async with endpoint(turn) as receiver:
            answer = await execute(api, await add_hook(api, IMPORT.type, receiver.url))
            assert len(receiver.requests) == times
        assert (answer.status_code, answer.json()["errorCode"]) == (502, "E0000134")
        assert words in answer.json()["errorCauses"][0]["errorSummary"]

    walk(tmp_path)


@with_api()
async def test_an_answer_within_the_contract_is_returned_whatever_a_process_would_make_of_it(api: Api) -> None:
    failed = {"commands": [{"type": "com.okta.telephony.action", "value": [{"status": "FAILED"}]}]}
    patch = [{"op": "replace", "path": "/claims/nowhere", "value": 1}]
    beside = {"commands": [{"type": "com.okta.access.patch", "value": patch}]}
    async with endpoint(said(failed), said(beside)) as receiver:
        telephony = await add_hook(api, TELEPHONY.type, receiver.url)
        asked = {"data": sample_data(TELEPHONY.type), "requestType": TELEPHONY.request_types[0]}
        answer = await execute(api, telephony, asked)
        assert (answer.status_code, answer.json()) == (200, failed)
        token = await add_hook(api, TOKEN.type, receiver.url)
        answer = await execute(api, token, {"data": sample_data(TOKEN.type)})
        assert (answer.status_code, answer.json()) == (200, beside)
    first, second = await told(api, "inline_hook.executed", 2)
    assert "FAILED" in debug(first)["errorMessage"]
    assert "nowhere" in debug(second)["errorMessage"]


@with_api()
async def test_silence_is_504_e0000137_after_a_second_try_with_time_of_its_own(api: Api) -> None:
    async with endpoint(hang) as receiver, endpoint(cut) as rude:
        with_budget(api, HANGING_S)
        silent = await execute(api, await add_hook(api, IMPORT.type, receiver.url))
        with_budget(api, AMPLE_S)
        closed = await execute(api, await add_hook(api, IMPORT.type, rude.url))
        assert (len(receiver.requests), len(rude.requests)) == (2, 2)
    for answer in (silent, closed):
        assert (answer.status_code, answer.json()["errorCode"]) == (504, "E0000137")
        assert answer.json()["errorSummary"] == "Okta did not receive a response from an inline hook."
    words = f"The endpoint did not answer within {HANGING_S:g} seconds."
    assert silent.json()["errorCauses"] == [{"errorSummary": words}]


@with_api()
async def test_a_second_try_may_succeed(api: Api) -> None:
    async with endpoint(hang, said({"commands": []})) as receiver:
        with_budget(api, 2.0)  # of both tries: the first waits it out, and the second has to be answered within it
        answer = await execute(api, await add_hook(api, IMPORT.type, receiver.url))
        assert len(receiver.requests) == 2
    assert answer.status_code == 200


@with_api()
async def test_nobody_gets_a_code_twice_because_a_telephony_hook_was_executed(api: Api) -> None:
    async with endpoint(said(None, "500 Internal Server Error")) as receiver:
        hook = await add_hook(api, TELEPHONY.type, receiver.url)
        body = {"data": sample_data(TELEPHONY.type), "requestType": TELEPHONY.request_types[0]}
        assert (await execute(api, hook, body)).status_code == 502
        assert len(receiver.requests) == 1


@with_api()
async def test_an_inactive_hook_is_not_executed(api: Api) -> None:
    async with endpoint() as receiver:
        hook = await add_hook(api, IMPORT.type, receiver.url)
        await act(api, hook, "deactivate")
        answer = await execute(api, hook)
    assert causes(answer) == ["status: An inactive inline hook cannot be executed. Activate it first, or preview it."]
    assert receiver.requests == []


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ([], "body: must be a JSON object, not an array"),
        ({**PAYLOAD, "eventType": TOKEN.type}, f"eventType: must be this hook's type, {IMPORT.type}"),
        ({**PAYLOAD, "data": None}, "data: "),
        ({**PAYLOAD, "data": {"action": {"result": 3}}}, "data.action.result: "),
        ({**PAYLOAD, "eventId": 7}, "eventId: must be a string, not a number"),
    ],
)
def test_a_bad_payload_is_told_field_by_field(body: Any, words: str, tmp_path: Any) -> None:
    @with_api()
    async def walk(api: Api) -> None:
        async with endpoint() as receiver:
            answer = await execute(api, await add_hook(api, IMPORT.type, receiver.url), body)
        assert answer.status_code == 400, answer.text
        assert any(words in cause["errorSummary"] for cause in answer.json()["errorCauses"]), answer.text
        assert receiver.requests == []

    walk(tmp_path)


@with_api(limits=RateLimits(verification=2))
async def test_executions_and_previews_count_as_verifications(api: Api) -> None:
    async with endpoint() as receiver:
        hook = await add_hook(api, IMPORT.type, receiver.url)
        assert (await execute(api, hook)).status_code == 200
        await preview(api, hook)
        assert (await execute(api, hook)).status_code == 429


@with_api(inline_concurrency=1)
async def test_executions_and_sent_previews_take_places_as_calls_do(api: Api) -> None:
    places = api.pipeline.switchboard.places
    async with endpoint(hang) as receiver:
        hook = await add_hook(api, IMPORT.type, receiver.url)
        for verb, body in (("execute", PAYLOAD), ("preview", {"deliver": True})):
            asked = len(receiver.requests)
            waiting = asyncio.create_task(api.call("POST", f"{HOOKS}/{hook['id']}/{verb}", json=body))
            await until(lambda: len(receiver.requests) > asked)  # noqa: B023
            assert not places.empty.is_set()
            waiting.cancel()
            await asyncio.wait([waiting])
            await until(places.empty.is_set)
        asked = len(receiver.requests)
        with places.hold(await org_of(api), IMPORT.type) as refusal:
            assert refusal is None
            for verb, body in (("execute", PAYLOAD), ("preview", {"deliver": True})):
                refused = await api.call("POST", f"{HOOKS}/{hook['id']}/{verb}", json=body)
                assert (refused.status_code, refused.headers["retry-after"]) == (503, "1"), refused.text
            assert (await preview(api, hook))["delivered"] is None, "what is not sent needs no place"
        assert len(receiver.requests) == asked


@with_api()
async def test_another_org_executes_and_previews_nothing_of_this_one(api: Api) -> None:
    hook = await add_hook(api, IMPORT.type, "http://127.0.0.1:9999/")
    headers = {"Authorization": f"SSWS {await token_of_another_org(api)}"}
    for verb in ("execute", "preview"):
        answer = await api.call("POST", f"{HOOKS}/{hook['id']}/{verb}", json=PAYLOAD, headers=headers)
        assert (answer.status_code, answer.json()["errorCode"]) == (404, "E0000007")


@with_api(dev=False, egress_allow="127.0.0.0/8")
async def test_of_an_endpoint_inside_only_what_the_contract_has_is_shown(api: Api) -> None:
    assert parse_allowed_network("127.0.0.0/8") in api.pipeline.rules.allow
    api.pipeline.rules = type(api.pipeline.rules)(dev=True, allow=api.pipeline.rules.allow)
    async with endpoint(said({"commands": [], "internal": "of the network"})) as receiver:
        answer = await execute(api, await add_hook(api, IMPORT.type, receiver.url))
    assert (answer.status_code, answer.json()) == (200, {"commands": []})


@with_api()
async def test_secrets_are_masked_in_what_is_shown_of_an_answer(api: Api) -> None:
    reply = {
        "commands": [{"type": "com.okta.user.profile.update", "value": {"nickName": SECRET}}],
        "debugContext": {SECRET: f"Bearer {SECRET}"},
    }
    async with endpoint(said(reply)) as receiver:
        hook = await add_hook(api, REGISTRATION.type, receiver.url)
        found = await preview(api, hook, deliver=True)
        answer = await execute(api, hook, {"data": sample_data(REGISTRATION.type)})
    masked = json.loads(json.dumps(reply).replace(SECRET, "********"))
    assert (answer.status_code, answer.json()) == (200, masked)
    assert found["result"]["data"]["userProfile"]["nickName"] == "********"
    assert json.loads(found["delivered"]["response"]["body"]) == masked
    assert SECRET not in str(found)


# -- preview -----------------------------------------------------------------------------------------------------------


async def sent(api: Api, hook: dict[str, Any], receiver: Endpoint, **body: Any) -> dict[str, Any]:
    """Preview with deliver, and check that what was shown is what was sent but for the secret."""
    found = await preview(api, hook, deliver=True, **body)
    head, raw = receiver.requests[-1]
    shown = {field["key"].lower(): field["value"] for field in found["request"]["headers"]}
    got = receiver.fields()
    assert list(shown) == list(got)
    assert {name: value for name, value in got.items() if shown[name] != value}.keys() <= {
        "authorization",
        "x-okta-request-id",
    }
    assert found["request"]["body"] == raw.decode()
    assert head.startswith("POST /ask HTTP/1.1")
    return found


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.label)
def test_a_sample_of_each_type_is_shown_and_nothing_is_sent(kind: Any, tmp_path: Any) -> None:
    @with_api()
    async def walk(api: Api) -> None:
        async with endpoint() as receiver:
            hook = await add_hook(api, kind.type, receiver.url)
            await act(api, hook, "deactivate")
            found = await preview(api, hook)
            assert receiver.requests == []
        assert (found["delivered"], found["result"]) == (None, None)
        request = found["request"]
        assert json.loads(request["body"]) == request["json"]
        assert request["json"]["data"] == question(kind.type)["data"]
        shown = {field["key"]: field["value"] for field in request["headers"]}
        assert shown["Authorization"] == "********"
        assert SECRET not in str(found)

    walk(tmp_path)


@with_api()
async def test_a_delivered_preview_says_what_would_follow_and_changes_nothing(api: Api) -> None:
    reply = {"commands": [{"type": "com.okta.user.profile.update", "value": {"nickName": "Ann"}}]}
    async with endpoint(said(reply)) as receiver:
        hook = await add_hook(api, REGISTRATION.type, receiver.url)
        await act(api, hook, "deactivate")
        found = await sent(api, hook, receiver)
    attempt, result = found["delivered"], found["result"]
    assert (attempt["outcome"], attempt["status"], attempt["number"]) == ("DELIVERED", 200, 1)
    assert json.loads(attempt["response"]["body"]) == reply
    assert (result["outcome"], result["data"]["userProfile"]["nickName"]) == ("SUCCESS", "Ann")
    assert result["eventId"] == found["request"]["json"]["eventId"]
    (event,) = await logged(api, "inline_hook.previewed")
    assert (event["outcome"]["result"], event["target"][0]["id"]) == ("SUCCESS", hook["id"])
    assert await logged(api, "inline_hook.response.processed") == []


@with_api()
async def test_a_preview_takes_other_data_and_request_types(api: Api) -> None:
    async with endpoint(said(None, "500 Internal Server Error")) as receiver:
        hook = await add_hook(api, REGISTRATION.type, receiver.url)
        data = {"context": {}, "userProfileUpdate": {"city": "Turin"}, "action": "ALLOW"}
        found = await sent(api, hook, receiver, data=data, requestType="progressive.profile")
    assert found["request"]["json"]["requestType"] == "progressive.profile"
    assert found["request"]["json"]["data"]["userProfileUpdate"] == {"city": "Turin"}
    assert (found["delivered"]["status"], found["delivered"]["number"]) == (500, 2)
    assert found["result"]["outcome"] == "FAILED"
    (event,) = await logged(api, "inline_hook.previewed")
    assert event["outcome"]["result"] == "FAILURE"


@with_api()
async def test_the_access_token_of_an_oauth_channel_is_fetched_for_sending_only(api: Api) -> None:
    granted = said({"access_token": "tok-1234567890", "token_type": "Bearer"})
    async with endpoint(granted) as issuer, endpoint() as receiver:
        changes = {"channel__config__tokenUrl": issuer.url}
        hook = await add_hook(api, TOKEN.type, receiver.url, OAUTH_BODY, **changes)
        shown = {field["key"]: field["value"] for field in (await preview(api, hook))["request"]["headers"]}
        assert shown["Authorization"] == "Bearer ********"
        assert issuer.requests == []
        found = await sent(api, hook, receiver)
        assert receiver.fields()["authorization"] == "Bearer tok-1234567890"
    assert "tok-1234567890" not in str(found)


@with_api()
async def test_a_preview_whose_token_is_not_granted_says_so(api: Api) -> None:
    async with endpoint(said({"error": "invalid_client"}, "401 Unauthorized")) as issuer:
        changes = {"channel__config__tokenUrl": issuer.url}
        hook = await add_hook(api, TOKEN.type, "http://127.0.0.1:9999/", OAUTH_BODY, **changes)
        found = await preview(api, hook, deliver=True)
    assert found["delivered"] is None
    assert found["result"]["reason"] == "The token endpoint answered 401: invalid_client."


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"deliver": "yes"}, "deliver: must be true or false"),
        ({"extra": 1}, "extra: is no field of the body"),
        ({"requestType": "nothing"}, "requestType: "),
        ({"data": []}, "data: "),
    ],
)
def test_a_bad_preview_is_told_field_by_field(body: Any, words: str, tmp_path: Any) -> None:
    @with_api()
    async def walk(api: Api) -> None:
        hook = await add_hook(api, REGISTRATION.type, "http://127.0.0.1:9999/")
        answer = await api.call("POST", f"{HOOKS}/{hook['id']}/preview", json=body)
        assert answer.status_code == 400, answer.text
        assert any(words in cause["errorSummary"] for cause in answer.json()["errorCauses"]), answer.text

    walk(tmp_path)
