"""An inline call: what goes over the wire, and which hook is asked."""

from __future__ import annotations

import asyncio
import re

import pytest
from api_rig import Api, until, with_api
from call_rig import (
    ALL_TYPES,
    CALLS,
    SECRET,
    add_hook,
    ask,
    debug,
    endpoint,
    hang,
    question,
    said,
    told,
)
from inline_rig import HOOKS, act, causes, token_of_another_org
from inline_samples import HTTP_BODY

from tenterhook.domain.inline.kind import IMPORT, PASSWORD_IMPORT, REGISTRATION, SAML, TELEPHONY, TOKEN
from tenterhook.errors import InvalidError


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


@with_api()
async def test_of_a_call_whose_caller_went_away_the_log_says_so_and_counts_nothing(api: Api) -> None:
    async with endpoint(hang) as receiver:
        await add_hook(api, TOKEN.type, receiver.url)
        calling = asyncio.create_task(ask(api, TOKEN.type))
        await until(lambda: receiver.requests)
        calling.cancel()
        (event,) = await told(api, "inline_hook.executed")
    assert "went away" in event["outcome"]["reason"]
    assert "attempts" not in debug(event)
