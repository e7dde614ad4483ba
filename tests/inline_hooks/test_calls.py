"""An inline call: what goes over the wire, which hook is asked, and how long its caller waits at the most."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from api_rig import Api, api_at, with_api
from call_rig import (
    ALL_TYPES,
    CALLS,
    GRACE_S,
    NOT_RETRIED,
    NOTHING,
    RETRIED,
    SECRET,
    Behaviour,
    add_hook,
    ask,
    black_hole,
    closed_port,
    cut,
    debug,
    drip,
    drip_head,
    endpoint,
    flood,
    half,
    hang,
    question,
    said,
    timed_ask,
    told,
    with_budget,
)
from inline_rig import HOOKS, act, causes, logged, token_of_another_org
from inline_samples import HTTP_BODY

from tenterhook.domain.address import Address
from tenterhook.domain.inline.kind import IMPORT, KINDS, PASSWORD_IMPORT, REGISTRATION, SAML, TELEPHONY, TOKEN
from tenterhook.egress.client import Client
from tenterhook.errors import InvalidError

UNAVAILABLE = said(None, "503 Service Unavailable")
#: What a failure comes to, for each type (okta/inline-hooks.md §4).
ON_FAILURE = {kind.type: kind.on_failure for kind in KINDS.values()}


@with_api()
async def test_the_endpoint_gets_oktas_envelope_with_the_hooks_headers_and_secret(api: Api) -> None:
    async with endpoint() as receiver:
        hook = await add_hook(api, TOKEN.type, receiver.url)
        result = await ask(api, TOKEN.type)
    assert (result["outcome"], result["hookId"], result["reason"]) == ("SUCCESS", hook["id"], None)
    head = receiver.requests[0][0].split("\r\n")
    assert head[0] == "POST /ask HTTP/1.1"
    assert [line.partition(":")[0] for line in head[1:]] == [
        *("Host", "User-Agent", "Accept", "Content-Type", "X-Source", "Authorization"),
        *("X-Okta-Request-Id", "Content-Length"),
    ]
    fields = receiver.fields()
    assert (fields["user-agent"], fields["accept"]) == ("Okta-Integrations", "application/json")
    assert (fields["content-type"], fields["x-source"]) == ("application/json", "tenterhook")
    assert fields["authorization"] == SECRET
    (payload,) = receiver.payloads
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", payload["eventId"])
    assert payload["eventId"] == result["eventId"]
    assert (payload["eventType"], payload["cloudEventVersion"], payload["contentType"]) == (
        TOKEN.type,
        "0.1",
        "application/json",
    )
    assert payload["data"] == question(TOKEN.type)["data"]


@with_api()
async def test_every_type_has_its_source(api: Api) -> None:
    sources = {}
    async with endpoint(said({"commands": []})) as receiver:
        for type in ALL_TYPES:
            hook = await add_hook(api, type, receiver.url)
            await ask(api, type)
            sources[type] = (receiver.payloads[-1]["source"], hook["id"])
    for kind in (TOKEN, SAML):
        assert sources[kind.type][0] == question(kind.type)["data"]["context"]["request"]["url"]["value"]
    for kind in (REGISTRATION, IMPORT):
        assert sources[kind.type][0] == sources[kind.type][1]
    for kind in (PASSWORD_IMPORT, TELEPHONY):
        source, hook_id = sources[kind.type]
        assert source == f"{api.pipeline.public_url}/api/v1/inlineHooks/{hook_id}"


@with_api()
async def test_a_registration_names_the_policy_that_the_process_names(api: Api) -> None:
    data = question(REGISTRATION.type)["data"]
    data["context"]["policy"] = {"id": "rpl1policy"}
    async with endpoint() as receiver:
        await add_hook(api, REGISTRATION.type, receiver.url)
        await ask(api, REGISTRATION.type, data)
    assert receiver.payloads[0]["source"] == "rpl1policy"


@with_api()
async def test_without_an_active_hook_the_process_goes_on_unchanged(api: Api) -> None:
    async with endpoint() as receiver:
        hook = await add_hook(api, TOKEN.type, receiver.url)
        assert (await act(api, hook, "deactivate")).status_code == 200
        result = await ask(api, TOKEN.type)
    assert receiver.requests == []
    assert (result["outcome"], result["hookId"], result["eventId"]) == ("UNCHANGED", None, None)
    assert "no active" in result["reason"].lower()
    assert result["data"] == question(TOKEN.type)["data"]


@with_api()
async def test_the_oldest_active_hook_is_asked_unless_the_call_names_another(api: Api) -> None:
    async with endpoint() as first, endpoint() as second:
        await add_hook(api, TOKEN.type, first.url)
        younger = await add_hook(api, TOKEN.type, second.url)
        await ask(api, TOKEN.type)
        assert (len(first.requests), len(second.requests)) == (1, 0)
        result = await ask(api, TOKEN.type, hookId=younger["id"])
        assert (len(first.requests), len(second.requests)) == (1, 1)
    assert result["hookId"] == younger["id"]


@with_api()
async def test_a_named_hook_has_to_be_an_active_one_of_the_type(api: Api) -> None:
    saml = await add_hook(api, SAML.type, "http://127.0.0.1:9999/")
    off = await add_hook(api, TOKEN.type, "http://127.0.0.1:9999/")
    await act(api, off, "deactivate")
    wrong = await api.call("POST", CALLS, json=question(TOKEN.type, hookId=saml["id"]))
    assert causes(wrong, "inlineCall") == [f"hookId: the hook {saml['id']} is of type {SAML.type}, not {TOKEN.type}"]
    inactive = await api.call("POST", CALLS, json=question(TOKEN.type, hookId=off["id"]))
    assert causes(inactive, "inlineCall") == [
        f"hookId: the hook {off['id']} is INACTIVE; activate it, or leave hookId out"
    ]
    for unknown in ("cal00000000000000000", "x"):
        gone = await api.call("POST", CALLS, json=question(TOKEN.type, hookId=unknown))
        assert (gone.status_code, gone.json()["errorCode"]) == (404, "E0000007")


@with_api()
async def test_another_org_has_hooks_of_its_own(api: Api) -> None:
    token = await token_of_another_org(api)
    async with endpoint() as receiver:
        hook = await add_hook(api, TOKEN.type, receiver.url)
        headers = {"Authorization": f"SSWS {token}"}
        alone = await api.call("POST", CALLS, json=question(TOKEN.type), headers=headers)
        named = await api.call("POST", CALLS, json=question(TOKEN.type, hookId=hook["id"]), headers=headers)
    assert (alone.json()["outcome"], alone.json()["hookId"]) == ("UNCHANGED", None)
    assert named.status_code == 404
    assert receiver.requests == []


@with_api()
async def test_a_bad_question_is_told_field_by_field_and_asks_nobody(api: Api) -> None:
    async with endpoint() as receiver:
        await add_hook(api, TOKEN.type, receiver.url)
        bad = await api.call("POST", CALLS, json={"type": TOKEN.type, "data": {"access": {"claims": 3}}, "extra": 1})
    found = causes(bad, "inlineCall")
    assert any(one.startswith("extra: ") for one in found)
    assert any(one.startswith("data.access.claims: ") for one in found)
    assert receiver.requests == []


@with_api()
async def test_the_application_that_embeds_it_asks_without_http(api: Api) -> None:
    reply = {"commands": [{"type": "com.okta.user.profile.update", "value": {"nickName": "Ann"}}]}
    async with endpoint(said(reply)) as receiver:
        hook = await add_hook(api, REGISTRATION.type, receiver.url)
        asked = question(REGISTRATION.type)
        result = await api.hooks.call_inline(
            REGISTRATION.type, asked["data"], request_type="self.service.registration", hook_id=hook["id"]
        )
    assert (result.outcome, result.hook_id, result.reason) == ("SUCCESS", hook["id"], None)
    assert result.data["userProfile"]["nickName"] == "Ann"
    assert "nickName" not in asked["data"]["userProfile"]
    assert result.commands[0].value == {"nickName": "Ann"}


@with_api()
async def test_an_application_brings_its_hook_along_and_a_second_start_changes_nothing_else(api: Api) -> None:
    async with endpoint() as receiver:
        document = {**HTTP_BODY, "type": REGISTRATION.type}
        document["channel"] = {**HTTP_BODY["channel"], "config": {"uri": "http://127.0.0.1:9999/"}}
        made = await api.hooks.put_inline_hook(document)
        document["channel"]["config"]["uri"] = receiver.url
        again = await api.hooks.put_inline_hook(document)
        assert (again["id"], again["channel"]["config"]["uri"]) == (made["id"], receiver.url)
        assert (await api.call("GET", HOOKS)).json() == [again]
        assert (await ask(api, REGISTRATION.type))["hookId"] == made["id"]
    with pytest.raises(InvalidError, match="name: The field cannot be left blank"):
        await api.hooks.put_inline_hook({**document, "name": ""})


@with_api()
async def test_connections_are_kept_alive_and_closed_when_the_hook_changes(api: Api) -> None:
    async with endpoint() as receiver:
        hook = await add_hook(api, TOKEN.type, receiver.url)
        for _ in range(3):
            await ask(api, TOKEN.type)
        assert receiver.connections == 1
        changed = await api.call(
            "POST", f"/api/v1/inlineHooks/{hook['id']}", json={"channel": {"config": {"headers": []}}}
        )
        assert changed.status_code == 200, changed.text
        await ask(api, TOKEN.type)
        assert receiver.connections == 2
    assert "x-source" not in receiver.fields()
    assert api.pipeline.client.open_connections == 1


# -- how long ----------------------------------------------------------------------------------------------------

HOSTILE: dict[str, Behaviour] = {
    "headers": hang,
    "the body": half,
    "a dripping head": drip_head,
    "a dripping body": drip,
}


@pytest.mark.parametrize("where", HOSTILE)
def test_the_caller_waits_no_longer_than_the_budget_for(where: str, tmp_path: Path) -> None:
    async def walk() -> None:
        async with api_at(tmp_path / "data") as api, endpoint(HOSTILE[where]) as receiver:
            with_budget(api, 0.5)
            await add_hook(api, REGISTRATION.type, receiver.url)
            result, waited_s = await timed_ask(api, REGISTRATION.type)
            assert 0.45 <= waited_s <= 0.5 + GRACE_S
            assert len(receiver.requests) == 1, "a time-out is not tried again"
            assert (result["outcome"], result["reason"]) == (
                "FAILED",
                "The endpoint did not answer within 0.5 seconds.",
            )
            (event,) = await told(api, "inline_hook.executed")
            assert event["outcome"] == {"result": "FAILURE", "reason": result["reason"]}

    asyncio.run(walk())


def test_the_caller_waits_no_longer_than_the_budget_for_a_connection(tmp_path: Path) -> None:
    async def walk(port: int) -> None:
        async with api_at(tmp_path / "data") as api:
            with_budget(api, 0.5)
            await add_hook(api, TOKEN.type, f"http://127.0.0.1:{port}/")
            result, waited_s = await timed_ask(api, TOKEN.type)
            assert 0.4 <= waited_s <= 0.5 + GRACE_S
            assert result["outcome"] == "UNCHANGED"

    with black_hole() as port:
        asyncio.run(walk(port))


@with_api()
async def test_the_caller_waits_no_longer_than_the_budget_for_a_tls_handshake(api: Api) -> None:
    async with endpoint(hang) as receiver:
        with_budget(api, 0.5)
        await add_hook(api, TOKEN.type, receiver.url.replace("http:", "https:"))
        result, waited_s = await timed_ask(api, TOKEN.type)
    assert 0.4 <= waited_s <= 0.5 + GRACE_S
    assert result["outcome"] == "UNCHANGED"


class Never:
    """A resolver that never answers."""

    async def resolve(self, host: str, port: int) -> Sequence[Address]:
        await asyncio.Event().wait()
        raise AssertionError("it waits for ever")


@with_api()
async def test_the_caller_waits_no_longer_than_the_budget_for_a_name(api: Api) -> None:
    api.pipeline.client = Client(api.pipeline.rules, resolver=Never())
    with_budget(api, 0.5)
    await add_hook(api, IMPORT.type, "http://crm.example.com/ask")
    result, waited_s = await timed_ask(api, IMPORT.type)
    assert 0.4 <= waited_s <= 0.5 + GRACE_S
    assert (result["outcome"], result["reason"]) == ("UNCHANGED", "The host name was not resolved in time.")


@with_api()
async def test_a_flood_is_cut_off_at_256_kib(api: Api) -> None:
    async with endpoint(flood) as receiver:
        await add_hook(api, SAML.type, receiver.url)
        result, waited_s = await timed_ask(api, SAML.type)
    assert waited_s < 3 + GRACE_S
    assert (result["outcome"], result["reason"]) == ("UNCHANGED", "The answer's body exceeds 256 KiB.")


@with_api()
async def test_the_second_try_has_only_what_the_first_has_left(api: Api) -> None:
    async def slow_failure(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(3.0)
        writer.write(UNAVAILABLE)
        await writer.drain()

    async with endpoint(slow_failure, hang) as receiver:
        with_budget(api, 4.0)
        await add_hook(api, SAML.type, receiver.url)
        _, waited_s = await timed_ask(api, SAML.type)
        assert len(receiver.requests) == 2
    assert 3.9 <= waited_s <= 4.0 + GRACE_S, "a budget of its own would make it seven seconds"


# -- once more, or not -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("failure", [UNAVAILABLE, cut], ids=["503", "cut"])
@pytest.mark.parametrize("type", RETRIED)
def test_a_failure_is_tried_once_more_with_the_same_bytes(
    type: str, failure: bytes | Behaviour, tmp_path: Path
) -> None:
    async def walk() -> None:
        async with api_at(tmp_path / "data") as api, endpoint(failure, said({"commands": []})) as receiver:
            await add_hook(api, type, receiver.url)
            result = await ask(api, type)
            plain = "DENIED" if type == PASSWORD_IMPORT.type else "SUCCESS"  # not verified, where nobody verified it
            assert (result["outcome"], len(receiver.requests)) == (plain, 2)
            assert receiver.requests[0][1] == receiver.requests[1][1]
            (event,) = await told(api, "inline_hook.response.processed")
            assert (event["outcome"]["result"], debug(event)["attempts"]) == ("SUCCESS", "2")
            assert await logged(api, "inline_hook.executed") == []

    asyncio.run(walk())


@with_api()
async def test_it_is_tried_twice_and_no_more(api: Api) -> None:
    async with endpoint(UNAVAILABLE) as receiver:
        await add_hook(api, REGISTRATION.type, receiver.url)
        result = await ask(api, REGISTRATION.type)
    assert (len(receiver.requests), result["outcome"]) == (2, "FAILED")
    assert "503" in result["reason"]


@pytest.mark.parametrize("type", NOT_RETRIED)
def test_token_and_telephony_hooks_are_asked_once(type: str, tmp_path: Path) -> None:
    async def walk() -> None:
        async with api_at(tmp_path / "data") as api, endpoint(UNAVAILABLE) as receiver:
            await add_hook(api, type, receiver.url)
            result = await ask(api, type)
            assert (len(receiver.requests), result["outcome"]) == (1, ON_FAILURE[type])

    asyncio.run(walk())


@pytest.mark.parametrize(
    "answer",
    [
        said({"error": {}}),
        said(b"{", "200 OK"),
        said(None, "404 Not Found"),
        said(None, "400 Bad Request"),
        said(None, "302 Found", "Location: http://127.0.0.1:9/elsewhere"),
    ],
    ids=["error", "malformed", "404", "400", "302"],
)
def test_an_answer_of_the_endpoint_is_not_tried_again(answer: bytes, tmp_path: Path) -> None:
    async def walk() -> None:
        async with api_at(tmp_path / "data") as api, endpoint(answer, NOTHING) as receiver:
            await add_hook(api, REGISTRATION.type, receiver.url)
            result = await ask(api, REGISTRATION.type)
            assert (len(receiver.requests), result["outcome"] in ("FAILED", "DENIED")) == (1, True)

    asyncio.run(walk())


@with_api()
async def test_a_closed_port_is_a_failure_in_words(api: Api) -> None:
    await add_hook(api, TELEPHONY.type, f"http://127.0.0.1:{closed_port()}/")
    result = await ask(api, TELEPHONY.type)
    assert result["outcome"] == "FALLBACK"
    assert "connection" in result["reason"].lower()


@with_api()
async def test_an_address_that_the_operator_has_closed_since_is_not_called(api: Api) -> None:
    hook = await add_hook(api, TOKEN.type, "http://127.0.0.1:9999/")
    api.pipeline.rules = type(api.pipeline.rules)()
    result = await ask(api, TOKEN.type)
    assert (result["outcome"], result["hookId"]) == ("UNCHANGED", hook["id"])
    assert result["reason"].startswith("This address may not be called: ")


# -- secrets ----------------------------------------------------------------------------------------------------


@with_api()
async def test_a_secret_that_the_endpoint_repeats_is_masked_in_the_log_and_left_in_the_data(api: Api) -> None:
    reply: dict[str, Any] = {
        "commands": [{"type": "com.okta.user.profile.update", "value": {"title": f"Bearer {SECRET}"}}],
        "debugContext": {"auth": SECRET},
    }
    async with endpoint(said(reply)) as receiver:
        await add_hook(api, REGISTRATION.type, receiver.url)
        answer = await api.call("POST", CALLS, json=question(REGISTRATION.type))
        assert receiver.fields()["authorization"] == SECRET
    assert answer.json()["data"]["userProfile"]["title"] == f"Bearer {SECRET}"
    (event,) = await told(api, "inline_hook.response.processed")
    assert debug(event)["debugContext"] == '{"auth":"********"}'
    assert SECRET not in str(event)


@pytest.mark.parametrize("secret", ["test", "okta", "true"])
def test_a_secret_that_is_a_common_word_changes_nothing_of_what_the_process_gets(secret: str, tmp_path: Path) -> None:
    claim = {"op": "add", "path": "/claims/from", "value": "from-test-okta"}
    reply = {"commands": [{"type": "com.okta.access.patch", "value": [claim]}], "debugContext": {"ok": True}}

    async def walk() -> None:
        async with api_at(tmp_path / "data") as api, endpoint(said(reply)) as receiver:
            scheme = {"type": "HEADER", "key": "Authorization", "value": secret}
            await add_hook(api, TOKEN.type, receiver.url, channel__config__authScheme=scheme)
            result = await ask(api, TOKEN.type)
            assert (result["outcome"], result["commands"]) == ("SUCCESS", reply["commands"]), result["reason"]
            assert result["data"]["access"]["claims"]["from"] == "from-test-okta"

    asyncio.run(walk())


@with_api()
async def test_a_secret_is_masked_in_every_word_about_a_reply(api: Api) -> None:
    error = {"errorSummary": f"Not {SECRET}.", "errorCauses": [{"reason": SECRET}]}
    unknown = {"commands": [{"type": SECRET, "value": {}}]}
    cut = {"error": {"errorSummary": "x" * 993 + SECRET}}
    async with endpoint(said({"error": error}), said(unknown), said(cut)) as receiver:
        await add_hook(api, REGISTRATION.type, receiver.url)
        results = [await ask(api, REGISTRATION.type) for _ in range(3)]
    assert results[0]["error"]["errorCauses"] == [{"reason": "********"}]
    assert "'********' is no command" in results[1]["reason"]
    events = await told(api, "inline_hook.executed", 3)
    assert SECRET[:4] not in str(results) + str(events)


@pytest.mark.parametrize(
    ("type", "place", "value"),
    [
        (PASSWORD_IMPORT.type, ("context", "credential", "password"), 'pä"ss/w\\rd'),
        (TELEPHONY.type, ("messageProfile", "otpCode"), "4711"),
        (TELEPHONY.type, ("messageProfile", "otpCode"), "48151623"),
    ],
)
def test_a_password_or_code_that_the_endpoint_repeats_is_in_no_log(
    type: str, place: tuple[str, ...], value: str, tmp_path: Path
) -> None:
    data = question(type)["data"]
    holder = data
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = value
    number = int(value) if value.isdigit() else 0
    context = {"it": value, "sent": json.dumps({"in": value}, ensure_ascii=False), "number": number, value: 1}
    reply = {"error": {"errorSummary": f"What is {value}?"}, "debugContext": context}
    broken = {"commands": [{"type": value, "value": {}}]}
    turns = [said(one) for one in (reply, broken, reply, broken, reply, broken)]

    async def walk() -> None:
        async with api_at(tmp_path / "data") as api, endpoint(*turns) as receiver:
            hook = await add_hook(api, type, receiver.url)
            for _ in range(2):
                await ask(api, type, data)
            for verb, body in (("execute", {"data": data}), ("preview", {"data": data, "deliver": True})):
                extra = {"requestType": TELEPHONY.request_types[0]} if type == TELEPHONY.type else {}
                for _ in range(2):
                    await api.call("POST", f"{HOOKS}/{hook['id']}/{verb}", json={**body, **extra})
            assert len(receiver.requests) == 6
            (first, _) = await told(api, "inline_hook.response.processed", 2)
            shown = json.loads(debug(first)["debugContext"])
            number_shown = "********" if number else 0
            assert shown == {"it": "********", "sent": '{"in": "********"}', "number": number_shown, "********": 1}
            assert first["outcome"]["reason"] == "The endpoint answered an error: What is ********?"
            events = [*await told(api, "inline_hook.executed", 4), *await told(api, "inline_hook.previewed", 2), first]
            for event in events:
                texts = [event["outcome"].get("reason") or "", *debug(event).values()]
                ids = debug(event)["inlineHookEventId"]
                assert not [text for text in texts if value in text and text != ids]
                assert "********" in event["outcome"]["reason"]

    asyncio.run(walk())
