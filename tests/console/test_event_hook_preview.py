"""Verify and Preview: what the endpoint answered, in words; the very request; and nothing secret on any page."""

from __future__ import annotations

import json
import re
import shlex
from html import unescape
from typing import Any

from api_rig import Api, receiving, with_api
from console_rig import signed_in, words_of
from hook_pages import PATH, SECRET, create, stored

from ports import closed_port
from tenterhook.domain.channel import AuthScheme, Channel, Config
from tenterhook.domain.event_filter import Condition, EventFilter, MappedCondition
from tenterhook.domain.event_hook import EventHook, Events
from tenterhook.domain.principal import Role
from tenterhook.domain.secret import Secret

TYPE = "user.session.start"


async def secret_hook(api: Api, url: str, **changes: Any) -> EventHook:
    channel = Channel(config=Config(uri=url, auth_scheme=AuthScheme(key="Authorization")))
    return await api.add_hook(
        url, channel=channel, secret=Secret(SECRET), events=Events(items=(TYPE,)), **{"name": "Secretive", **changes}
    )


def block(page: str, label: str) -> str:
    """The text in the box called *label*."""
    found = re.search(rf'<pre[^>]* aria-label="{label}">(.*?)</pre>', page, re.DOTALL)
    assert found, label
    return unescape(found[1])


@with_api()
async def test_a_failed_verification_says_what_was_answered_and_how_to_mend_it(api: Api) -> None:
    async with receiving(200, b'"echo"') as receiver, signed_in(api) as browser:
        path = await create(browser, url=receiver.url)
        answer = await browser.send(f"{path}/verify")
        said = words_of(answer.text)
        assert answer.status_code == 400
        assert "The endpoint answered 200 and a string instead of an object." in said
        assert "Unable to verify event hook" not in said
        handler = block(answer.text, "Express handler")
        assert 'app.get("/in"' in handler
        assert 'req.get("X-Okta-Verification-Challenge")' in handler
        assert 'request.headers["X-Okta-Verification-Challenge"]' in block(answer.text, "FastAPI handler")
        assert (await stored(api, path))["verificationStatus"] == "UNVERIFIED"


@with_api()
async def test_a_refused_or_lost_endpoint_is_explained_in_the_pages_own_words(api: Api) -> None:
    async with receiving(401) as receiver, signed_in(api) as browser:
        path = await create(browser, url=receiver.url)
        said = words_of((await browser.send(f"{path}/verify")).text)
        assert "The endpoint answered 401. Check the secret and what else guards the endpoint" in said
        with closed_port() as port:
            gone = await create(browser, name="Gone", url=f"http://127.0.0.1:{port}/in")
            said = words_of((await browser.send(f"{gone}/verify")).text)
        assert "Check that the endpoint runs" in said


@with_api()
async def test_an_address_cannot_write_itself_into_the_handler(api: Api) -> None:
    async with signed_in(api) as browser:
        path = await create(browser, url="https://svc.example.com/in/');evil('x")
        page = await browser.open(f"{path}/verify")
        assert 'app.get("/", ' in block(page.text, "Express handler")


@with_api()
async def test_a_preview_shows_the_very_request_for_a_sample(api: Api) -> None:
    async with signed_in(api) as browser:
        hook = await secret_hook(api, "https://svc.example.com/in")
        page = (await browser.open(f"{PATH}/{hook.id}/preview")).text
        head = block(page, "Address and headers")
        assert head.startswith("POST https://svc.example.com/in\nHost: svc.example.com\n")
        assert "Authorization: ********" in head
        body = json.loads(block(page, "Body"))
        assert body["data"]["events"][0]["eventType"] == TYPE
        assert hook.id in body["source"]
        assert SECRET not in page


@with_api()
async def test_the_curl_command_carries_the_request_and_no_secret(api: Api) -> None:
    async with signed_in(api) as browser:
        hook = await secret_hook(api, "https://svc.example.com/it's?a=$(id)")
        page = (await browser.open(f"{PATH}/{hook.id}/preview")).text
        words = shlex.split(block(page, "curl command").replace("\\\n", " "))
        assert words[:5] == ["curl", "-i", "-X", "POST", "https://svc.example.com/it's?a=$(id)"]
        assert "Authorization: ********" in words
        assert json.loads(words[-1])["eventType"] == "com.okta.event_hook"
        assert not [word for word in words if word.lower().startswith(("host:", "content-length:"))]


@with_api()
async def test_an_event_of_the_log_is_previewed_and_the_newest_are_offered(api: Api) -> None:
    [uuid] = await api.publish({"eventType": TYPE, "displayMessage": "A real one"})
    async with signed_in(api) as browser:
        hook = await secret_hook(api, "https://svc.example.com/in")
        page = (await browser.open(f"{PATH}/{hook.id}/preview?recent=yes")).text
        assert f'href="{PATH}/{hook.id}/preview?uuid={uuid}"' in page
        shown = (await browser.open(f"{PATH}/{hook.id}/preview?uuid={uuid}")).text
        assert json.loads(block(shown, "Body"))["data"]["events"][0]["displayMessage"] == "A real one"
        for wrong in ("nonsense", "00000000-0000-7000-8000-000000000000", "%00"):
            answer = await browser.open(f"{PATH}/{hook.id}/preview?uuid={wrong}")
            assert (answer.status_code, "The log holds no event of this uuid." in answer.text) == (400, True), wrong
        answer = await browser.open(f"{PATH}/{hook.id}/preview?type=no.such.type")
        assert answer.status_code == 400


@with_api()
async def test_an_edited_event_is_delivered_once_and_the_answer_shown(api: Api) -> None:
    async with receiving(201, b"<script>alert(1)</script>" + SECRET.encode()) as receiver, signed_in(api) as browser:
        hook = await secret_hook(api, receiver.url, verification_status="UNVERIFIED", status="INACTIVE")
        await browser.open(f"{PATH}/{hook.id}/preview")
        event = json.dumps({"eventType": TYPE, "displayMessage": "Edited \u202e words"})
        shown = await browser.send(f"{PATH}/{hook.id}/preview", {"act": "show", "event": event})
        assert (shown.status_code, receiver.requests) == (200, [])
        answer = await browser.send(f"{PATH}/{hook.id}/preview", {"act": "deliver", "event": event})
        [request] = receiver.requests
        assert json.loads(request.partition(b"\r\n\r\n")[2])["data"]["events"][0]["displayMessage"].startswith("Edited")
        assert b"Authorization: " + SECRET.encode() in request
        said = words_of(answer.text)
        assert "Delivered The endpoint answered 201." in said
        assert "In all" in said
        assert "<script>alert" not in answer.text
        assert "&lt;script&gt;alert" in answer.text
        assert "\\u202e" in answer.text
        assert SECRET not in answer.text
        assert await api.deliveries(hook) == []


@with_api()
async def test_a_failed_delivery_of_a_preview_says_why(api: Api) -> None:
    async with signed_in(api) as browser:
        with closed_port() as port:
            hook = await secret_hook(api, f"http://127.0.0.1:{port}/in")
            await browser.open(f"{PATH}/{hook.id}/preview")
            answer = await browser.send(
                f"{PATH}/{hook.id}/preview", {"act": "deliver", "event": json.dumps({"eventType": TYPE})}
            )
        assert "Not delivered No TCP connection to the endpoint" in words_of(answer.text)


@with_api()
async def test_an_event_that_is_none_comes_back_with_what_is_wrong(api: Api) -> None:
    async with signed_in(api) as browser:
        hook = await secret_hook(api, "https://svc.example.com/in")
        await browser.open(f"{PATH}/{hook.id}/preview")
        for text in (
            "",
            "{",
            "[]",
            '{"a":1,"a":2}',
            '{"eventType":7}',
            '{"eventType":"user.session.start","actor":1}',
            "\x00",
        ):
            answer = await browser.send(f"{PATH}/{hook.id}/preview", {"act": "deliver", "event": text})
            assert answer.status_code == 400, text
            assert 'href="#event"' in answer.text or "actor" in words_of(answer.text), text
            assert "Your attention" in words_of(answer.text).replace("your", "Your"), text


@with_api()
async def test_what_the_hook_would_not_get_is_said(api: Api) -> None:
    async with signed_in(api) as browser:
        condition = Condition(expression="event.outcome.result eq 'NEVER'")
        chosen = EventFilter(event_filter_map=(MappedCondition(event=TYPE, condition=condition),))
        hook = await api.add_hook("https://svc.example.com/in", events=Events(items=(TYPE,), filter=chosen))
        page = words_of((await browser.open(f"{PATH}/{hook.id}/preview")).text)
        assert "Its filter would keep this event back" in page
        other = words_of((await browser.open(f"{PATH}/{hook.id}/preview?type=user.lifecycle.create")).text)
        assert "The hook does not ask for events of this type" in other


@with_api()
async def test_verifications_and_previews_are_counted_like_the_apis(api: Api) -> None:
    async with signed_in(api, Role.HOOKS_ADMIN) as browser:
        hook = await secret_hook(api, "https://svc.example.com/in")
        await browser.open(f"{PATH}/{hook.id}/preview")
        event = json.dumps({"eventType": TYPE})
        for _ in range(120):
            answer = await browser.send(f"{PATH}/{hook.id}/preview", {"act": "show", "event": event})
            if answer.status_code != 200:
                break
        answer = await browser.send(f"{PATH}/{hook.id}/verify")
        assert answer.status_code == 429
        assert answer.headers["retry-after"]
