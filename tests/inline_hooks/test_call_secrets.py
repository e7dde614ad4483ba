"""Secrets, passwords and codes that an endpoint repeats: in no log, and left alone in what the process gets."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from api_rig import Api, api_at, with_api
from call_rig import (
    CALLS,
    SECRET,
    add_hook,
    ask,
    debug,
    endpoint,
    question,
    said,
    told,
)
from inline_rig import HOOKS

from tenterhook.domain.inline.kind import PASSWORD_IMPORT, REGISTRATION, TELEPHONY, TOKEN


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
