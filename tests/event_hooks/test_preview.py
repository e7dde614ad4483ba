"""A preview shows the very request of a delivery, and sends it once if wanted."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hook_rig import HOOKS, Rig, answer, echo, endpoint, with_rig
from hook_samples import body as hook_body

from tenterhook.domain.destination import DestinationRules
from tenterhook.domain.principal import Role

URI, SECRET = "channel__config__uri", "channel__config__authScheme__value"
TYPE = "user.lifecycle.create"
SHAPE = ["number", "started", "outcome", "reason", "status", "message", "phasesMs", "request", "response"]


async def preview(rig: Rig, hook: dict[str, Any], **body: object) -> dict[str, Any]:
    shown = await rig.call("POST", f"{HOOKS}/{hook['id']}/preview", body)
    assert shown.status_code == 200, shown.text
    found: dict[str, Any] = shown.json()
    return found


async def refused(rig: Rig, hook: dict[str, Any], body: object) -> list[str]:
    told = await rig.call("POST", f"{HOOKS}/{hook['id']}/preview", body)
    assert told.status_code == 400, told.text
    assert told.json()["errorSummary"] == "Api validation failed: preview"
    return [cause["errorSummary"] for cause in told.json()["errorCauses"]]


def parted(request: bytes) -> tuple[list[str], bytes]:
    head, _, body = request.partition(b"\r\n\r\n")
    return head.decode().split("\r\n"), body


def of_this_send(body: dict[str, Any]) -> dict[str, Any]:
    """Return *body* without what differs from one delivery to the next."""
    return {key: part for key, part in body.items() if key not in ("eventId", "eventTime")}


@with_rig()
async def test_an_unverified_hook_shows_what_it_would_get_and_nothing_is_sent(rig: Rig) -> None:
    async with endpoint() as receiver:
        hook = await rig.create(**{URI: receiver.url})
        shown = await preview(rig, hook, eventType=TYPE)
        assert receiver.requests == []
    assert list(shown) == ["request", "subscribed", "matches", "reason", "delivered"]
    assert shown["delivered"] is None
    assert shown["subscribed"] is True
    request = shown["request"]
    assert list(request) == ["method", "url", "headers", "body", "json"]
    assert (request["method"], request["url"]) == ("POST", receiver.url)
    assert json.loads(request["body"]) == request["json"]
    assert request["json"]["source"].endswith(f"{HOOKS}/{hook['id']}")
    [event] = request["json"]["data"]["events"]
    assert event["eventType"] == TYPE
    assert event["debugContext"]["debugData"]["targetEventHookIds"] == hook["id"]
    fields = {field["key"]: field["value"] for field in request["headers"]}
    assert fields["Authorization"] == "********"
    assert fields["X-Other-Header"] == "some-other-value"
    assert "s3cret-value" not in json.dumps(shown)
    assert fields["Content-Length"] == str(len(request["body"].encode()))


@with_rig()
async def test_a_delivered_preview_is_byte_for_byte_what_it_shows_but_for_the_secret(rig: Rig) -> None:
    async with endpoint(lambda _: answer("thank you", "200 OK", "Content-Type: text/plain")) as receiver:
        hook = await rig.create(**{URI: receiver.url})
        await rig.act(hook, "deactivate")
        shown = await preview(rig, hook, eventType=TYPE, deliver=True)
        [sent] = receiver.requests
    lines, body = parted(sent)
    assert body.decode() == shown["request"]["body"]
    told = [f"{field['key']}: {field['value']}" for field in shown["request"]["headers"]]
    assert [line.replace("s3cret-value", "********") for line in lines[1:]] == told
    assert "Authorization: s3cret-value" in lines
    attempt = shown["delivered"]
    assert list(attempt) == SHAPE
    assert (attempt["outcome"], attempt["status"], attempt["response"]["body"]) == ("DELIVERED", 200, "thank you")
    assert attempt["request"]["headers"]["Authorization"] == "********"
    listed = await rig.call("GET", f"{HOOKS}/{hook['id']}/deliveries")
    assert listed.json() == []
    [act] = await rig.log("event_hook.previewed")
    assert act["outcome"]["result"] == "SUCCESS"
    assert act["target"][0]["id"] == hook["id"]
    assert act["debugContext"]["debugData"]["eventId"] == shown["request"]["json"]["eventId"]
    assert not rig.pipeline.client.open_connections


@with_rig()
async def test_what_is_previewed_is_what_a_real_delivery_of_the_same_event_sends(rig: Rig) -> None:
    async with endpoint() as receiver:
        hook = await rig.create(**{URI: receiver.url})
        await rig.act(hook, "verify")
        sample = (await rig.call("GET", f"/api/v1/eventTypes/{TYPE}")).json()["sample"]
        done = await rig.call("POST", "/api/v1/events", sample)
        assert done.status_code == 200, done.text
        await receiver.posted.wait()
        [real] = receiver.posts
        by_uuid = await preview(rig, hook, uuid=sample["uuid"], deliver=True)
        previewed = receiver.posts[1]
    (real_head, real_body), (head, body) = parted(real), parted(previewed)
    known = len('"eventId":"019ab1c2-3d4e-7f50-8a6b-7c8d9e0f1a2b"')
    at = real_body.index(b'"eventId":')
    after, until = at + known, real_body.rindex(b',"eventTime":')
    assert body[:at] == real_body[:at]
    assert body[after:until] == real_body[after:until]
    assert len(body) == len(real_body)
    assert of_this_send(json.loads(body)) == of_this_send(json.loads(real_body))
    assert [line for line in head if not line.startswith("X-Okta-Request-Id")] == [
        line for line in real_head if not line.startswith("X-Okta-Request-Id")
    ]
    assert by_uuid["request"]["body"].encode() == body


@with_rig()
async def test_an_edited_event_of_the_log_is_taken_as_it_is_said(rig: Rig) -> None:
    hook = await rig.create()
    await rig.hooks.publish({"eventType": TYPE, "displayMessage": "as it was"})
    [stored] = await rig.log(TYPE)
    edited = {
        **stored,
        "displayMessage": "as it could be",
        "published": "2020-01-02T03:04:05.678Z",
        "data": {"n": 1.50},
    }
    shown = await preview(rig, hook, event=edited)
    [event] = shown["request"]["json"]["data"]["events"]
    assert (event["displayMessage"], event["uuid"]) == ("as it could be", stored["uuid"])
    assert event["published"] == "2020-01-02T03:04:05.678Z"
    assert event["data"] == {"n": 1.5}
    assert "sourceTargetEventHookIds" not in event["debugContext"]["debugData"]
    again = await preview(rig, hook, eventType=TYPE, event={"displayMessage": "bare"})
    assert again["request"]["json"]["data"]["events"][0]["eventType"] == TYPE
    assert len(await rig.log(TYPE)) == 1


@with_rig()
async def test_a_type_that_the_hook_does_not_ask_for_is_shown_and_said_so(rig: Rig) -> None:
    hook = await rig.create()
    assert (await preview(rig, hook, eventType="group.lifecycle.delete"))["subscribed"] is False
    assert (await preview(rig, hook, eventType="event_hook.created"))["subscribed"] is False


@with_rig()
async def test_what_the_filter_would_say_is_told_and_not_heeded(rig: Rig) -> None:
    condition = {"event": TYPE, "condition": {"expression": "event.outcome.result eq 'FAILURE'"}}
    chosen = {"type": "EXPRESSION_LANGUAGE", "eventFilterMap": [condition]}
    hook = await rig.create(events={"type": "EVENT_TYPE", "items": [TYPE, "user.session.start"], "filter": chosen})
    told = await preview(rig, hook, event={"eventType": TYPE, "outcome": {"result": "SUCCESS"}})
    reason = "The filter did not match: event.outcome.result is 'SUCCESS', not 'FAILURE'."
    assert (told["matches"], told["reason"]) == (False, reason)
    told = await preview(rig, hook, event={"eventType": TYPE, "outcome": {"result": "FAILURE"}})
    assert (told["matches"], told["reason"]) == (True, "The filter matched.")
    told = await preview(rig, hook, eventType="user.session.start")
    assert (told["matches"], told["reason"]) == (None, None)


@with_rig()
async def test_bad_previews_are_refused_with_what_to_do(rig: Rig) -> None:
    hook = await rig.create()
    for body in ({}, {"eventType": TYPE, "uuid": "x"}, {"event": {}, "uuid": "x"}, {"eventType": None}):
        [cause] = await refused(rig, hook, body)
        assert cause.startswith("body: give one source: eventType")
    assert await refused(rig, hook, []) == ["body: must be a JSON object, not an array"]
    assert await refused(rig, hook, {"eventType": "no.such"}) == ["eventType: 'no.such' is no known event type"]
    assert "deliver: must be true or false, not a string" in await refused(
        rig, hook, {"eventType": TYPE, "deliver": "yes"}
    )
    assert "event: must be an object, not a string" in await refused(rig, hook, {"event": "x"})
    causes = await refused(rig, hook, {"event": {"eventType": TYPE, "severity": "LOUD", "uuid": "1"}})
    assert [cause.partition(":")[0] for cause in causes] == ["event.severity", "event.uuid"]
    assert (await refused(rig, hook, {"event": {}}))[0] == "event.eventType: The field cannot be left blank"
    [cause] = await refused(rig, hook, {"eventType": TYPE, "event": {"eventType": "group.lifecycle.create"}})
    assert cause.startswith("eventType: is not the event's own")
    assert (await refused(rig, hook, {"eventType": TYPE, "events": []}))[0].startswith("events: is no field")


@pytest.mark.parametrize("context", [None, {}, {"debugData": None}, {"debugData": {}}])
def test_an_event_with_hardly_any_debug_context_still_names_its_hook(tmp_path: Any, context: object) -> None:
    @with_rig()
    async def story(rig: Rig) -> None:
        hook = await rig.create()
        shown = await preview(rig, hook, event={"eventType": TYPE, "debugContext": context})
        [event] = shown["request"]["json"]["data"]["events"]
        assert event["debugContext"]["debugData"]["targetEventHookIds"] == hook["id"]

    story(tmp_path)


@with_rig()
async def test_what_is_not_there_or_anothers_is_not_found(rig: Rig) -> None:
    hook = await rig.create()
    path = f"{HOOKS}/{hook['id']}/preview"
    theirs = await rig.other_org()
    assert (await rig.call("POST", path, {"eventType": TYPE}, token=theirs)).status_code == 404
    assert (await rig.call("POST", f"{HOOKS}/nonsense/preview", {"eventType": TYPE})).status_code == 404
    missing = await rig.call("POST", path, {"uuid": "0b5e86a1-5d2c-4bd0-9e0e-6d0d0f3c7a10"})
    assert missing.status_code == 404
    assert missing.json()["errorSummary"].endswith("(LogEvent)")
    assert (await rig.call("POST", path, {"uuid": "nonsense"})).status_code == 404
    publisher = await rig.token_of(Role.PUBLISHER)
    assert (await rig.call("POST", path, {"eventType": TYPE}, token=publisher)).status_code == 403


@with_rig()
async def test_a_failing_receiver_is_told_and_not_asked_again(rig: Rig) -> None:
    async with endpoint(lambda _: answer("oh no", "500 Oops")) as receiver:
        hook = await rig.create(**{URI: receiver.url})
        attempt = (await preview(rig, hook, eventType=TYPE, deliver=True))["delivered"]
        assert len(receiver.requests) == 1
    assert (attempt["outcome"], attempt["reason"], attempt["status"]) == ("FAILED", "STATUS", 500)
    [act] = await rig.log("event_hook.previewed")
    assert act["outcome"] == {"result": "FAILURE", "reason": attempt["message"]}
    assert act["debugContext"]["debugData"]["errorMessage"] == attempt["message"]


@with_rig()
async def test_an_address_that_the_operator_does_not_allow_any_more_is_refused_in_words(rig: Rig) -> None:
    async with endpoint() as receiver:
        hook = await rig.create(**{URI: receiver.url})
        rig.pipeline.rules = DestinationRules()
        [cause] = await refused(rig, hook, {"eventType": TYPE, "deliver": True})
        assert cause.startswith("channel.config.uri: ")
        assert receiver.requests == []


@with_rig()
async def test_a_name_that_does_not_resolve_is_an_attempt_that_failed(rig: Rig) -> None:
    rig.resolve_nothing()
    hook = await rig.create()
    attempt = (await preview(rig, hook, eventType=TYPE, deliver=True))["delivered"]
    assert (attempt["reason"], attempt["status"], attempt["response"]) == ("DNS", None, None)


def said_back(secret: str) -> bytes:
    """An answer that repeats a secret in a header, in its body, and in its body as PHP's JSON has it."""
    escaped = json.dumps(secret).replace("/", "\\/")
    return answer(f'{{"a": "{secret}", "b": {escaped}}}', "200 OK", f"X-Echo: you said {secret}")


@with_rig()
async def test_a_secret_that_the_endpoint_repeats_is_masked_in_a_preview(rig: Rig) -> None:
    async with endpoint(lambda _: said_back("Basic a/b+c==")) as receiver:
        hook = await rig.create(**{URI: receiver.url, SECRET: "Basic a/b+c=="})
        shown = await preview(rig, hook, eventType=TYPE, deliver=True)
    assert "a/b+c" not in json.dumps(shown).replace("\\", "")
    told = shown["delivered"]["response"]
    assert told["headers"]["X-Echo"] == "you said ********"
    assert told["body"] == '{"a": "********", "b": "********"}'


@with_rig()
async def test_a_secret_that_the_endpoint_repeats_is_kept_with_no_attempt_even_after_another_took_its_place(
    rig: Rig,
) -> None:
    async with endpoint(echo, lambda _: said_back("s3cret-value")) as receiver:
        hook = await rig.create(**{URI: receiver.url})
        assert (await rig.act(hook, "verify")).status_code == 200
        assert (await rig.call("POST", "/api/v1/events", {"eventType": TYPE})).status_code == 200
        path = f"{HOOKS}/{hook['id']}"
        found: list[dict[str, Any]] = []
        async with asyncio.timeout(10):
            while not found:
                found = (await rig.call("GET", f"{path}/deliveries?status=DELIVERED")).json()
                await asyncio.sleep(0.01)
        assert (await rig.call("PUT", path, hook_body(**{URI: receiver.url, SECRET: "another-one"}))).status_code == 200
        shown = (await rig.call("GET", f"/api/v1/deliveries/{found[0]['id']}")).text
    assert "s3cret" not in shown
    assert "you said ********" in shown


@with_rig()
async def test_a_secret_at_the_cut_end_of_an_answer_is_masked(rig: Rig) -> None:
    async with endpoint(lambda _: answer("x" * 4088 + "s3cret-value", "200 OK")) as receiver:
        hook = await rig.create(**{URI: receiver.url})
        shown = await preview(rig, hook, eventType=TYPE, deliver=True)
    assert shown["delivered"]["response"]["body"] == "x" * 4088 + "********"


@with_rig()
async def test_a_secret_that_the_endpoint_repeats_is_not_in_what_verifying_tells(rig: Rig) -> None:
    twice = '{"s3cret-value": 1, "s3cret-value": 2}'
    async with endpoint(lambda _: answer(twice)) as receiver:
        hook = await rig.create(**{URI: receiver.url})
        told = await rig.act(hook, "verify")
    assert told.status_code == 400
    assert "s3cret" not in told.text
    [act] = await rig.log("event_hook.verified")
    assert "s3cret" not in json.dumps(act)


@with_rig()
async def test_a_stored_secret_that_goes_to_another_host_is_told_of(rig: Rig) -> None:
    hook = await rig.create(**{URI: "https://one.example.com/in"})
    path = f"{HOOKS}/{hook['id']}"
    for uri, told in (
        ("https://one.example.com/other", False),
        ("https://two.example.com/in", True),
        ("https://two.example.com:8443/in", True),
    ):
        wanted = hook_body(**{URI: uri})
        del wanted["channel"]["config"]["authScheme"]["value"]
        done = await rig.call("PUT", path, wanted)
        assert done.status_code == 200, done.text
        assert ("the stored secret will be sent to the new host" in done.headers.get("x-tenterhook-hint", "")) is told
    anew = await rig.call("PUT", path, hook_body(**{URI: "https://one.example.com/in", SECRET: "a-new-one"}))
    assert "x-tenterhook-hint" not in anew.headers
