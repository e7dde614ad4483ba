"""One delivery: what is said of it in each state, its bytes as they were sent, and what one can do about it."""

from __future__ import annotations

import json
import re
from html import unescape

import pytest
from api_rig import EVENT, Api, receiving, until, with_api
from console_rig import Browser, signed_in, words_of

from ports import closed_port
from tenterhook.console.delivery import MAX_LAID_OUT, _laid_out
from tenterhook.console.delivery_words import advice_for
from tenterhook.domain.attempt import Reason
from tenterhook.domain.channel import AuthScheme, Channel, Config, Header
from tenterhook.domain.delivery_policy import CustomRetry, DeliveryPolicy
from tenterhook.domain.principal import Role
from tenterhook.domain.secret import Secret

PATH = "/console/deliveries"
NOWHERE = f"{PATH}/0198c2f4-5b1e-7c3a-9d42-6f0e8a1b2c3d"
ONCE = DeliveryPolicy(retry=CustomRetry(waits_seconds=(), retry_on=()))
LATER = DeliveryPolicy(retry=CustomRetry(waits_seconds=(3600, 7200), retry_on=("5XX", "CONNECT")))
PAUSED = DeliveryPolicy(retry="durable", paused=True)


async def shown(browser: Browser, delivery: dict) -> str:
    answer = await browser.open(f"{PATH}/{delivery['id']}")
    assert answer.status_code == 200
    return answer.text


@with_api()
async def test_what_was_delivered_shows_its_events_its_bytes_and_the_answer(api: Api) -> None:
    event = {
        **EVENT,
        "actor": {"id": "a", "type": "User", "displayName": "Ada"},
        "target": [{"id": "t", "type": "User", "displayName": "Grace"}],
    }
    async with signed_in(api) as browser, receiving(200, b"<script>alert(1)</script>") as receiver:
        config = Config(
            uri=receiver.url, headers=(Header(key="X-Own", value="v"),), auth_scheme=AuthScheme(key="Authorization")
        )
        hook = await api.add_hook(
            receiver.url, name="CRM", channel=Channel(config=config), secret=Secret("a-secret-text")
        )
        [uuid] = await api.publish(event)
        delivery = await api.wait_for(hook, "DELIVERED")
        page = await shown(browser, delivery)
        words = words_of(page)
        assert "The endpoint answered 200 to the first attempt." in words
        assert "Ada" in words
        assert "Grace" in words
        assert f"/console/explain?uuid={uuid}" in page
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
        assert "X-Own" in words
        assert "a-secret-text" not in page
        assert "********" in page
        assert "Waited for the answer" in words
        raw = await browser.open(f"{PATH}/{delivery['id']}/request-body")
        assert raw.content == receiver.requests[0].partition(b"\r\n\r\n")[2]
        assert json.loads(raw.content)["eventId"] == delivery["id"]
        laid_out = page[page.index('aria-label="Body of the request, laid out"') :]
        assert '{\n  "eventType": "com.okta.event_hook",' in unescape(laid_out[: laid_out.index("</pre>")])
        sent = page[page.index("<summary>The body, as it is sent") :]
        assert raw.text in unescape(sent[: sent.index("</pre>")])
        assert f"--data-binary '{raw.text}'" in words_of(page).replace("\\ ", "")
        for name in ("Retry now", "Cancel"):
            assert f">{name}<" not in page  # there is nothing to do


@with_api()
async def test_bodies_are_kept_by_a_browser_and_never_shown_by_it(api: Api) -> None:
    async with signed_in(api) as browser, receiving(200, b"<html>\xff\x00") as receiver:
        hook = await api.add_hook(receiver.url)
        await api.publish()
        delivery = await api.wait_for(hook, "DELIVERED")
        assert "The body is not text." in words_of(await shown(browser, delivery))
        for path in ("request-body", "attempts/1/response-body"):
            answer = await browser.open(f"{PATH}/{delivery['id']}/{path}")
            assert answer.status_code == 200
            assert answer.headers["content-type"] == "application/octet-stream"
            assert answer.headers["content-disposition"].startswith('attachment; filename="')
            assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["cache-control"] == "no-store"
        assert answer.content == b"<html>\xff\x00"
        for path in ("attempts/2/response-body", "attempts/x/response-body", f"attempts/{'9' * 30}/response-body"):
            assert (await browser.open(f"{PATH}/{delivery['id']}/{path}")).status_code == 404


@with_api()
async def test_a_failure_is_told_with_its_reason_the_next_attempt_and_what_to_do(api: Api) -> None:
    async with signed_in(api) as browser, receiving(503) as bad:
        hook = await api.add_hook(bad.url, delivery_policy=LATER)
        await api.publish()
        words = words_of(await shown(browser, await api.wait_for(hook, "RETRYING")))
    assert "Attempt 1 failed: The endpoint answered 503 Service Unavailable." in words
    assert re.search(r"The next attempt is in (4[7-9]|5\d) min|The next attempt is in 1 h", words)  # 1 h ± 20 %
    assert "retry 1 of 2 of the hook’s own policy, 1 h (± 20 %) after the last one." in words
    assert "The receiver failed: look into its log" in words
    assert "Attempt 2 is to come" in words


@with_api()
async def test_an_endpoint_that_is_down_shows_where_the_attempt_failed(api: Api) -> None:
    async with signed_in(api) as browser:
        with closed_port() as port:
            hook = await api.add_hook(f"http://127.0.0.1:{port}/in", delivery_policy=ONCE)
            await api.publish()
            page = await shown(browser, await api.wait_for(hook, "FAILED"))
    words = words_of(page)
    assert "The hook’s retry policy does not repeat such a failure." in words
    assert "Failed here" in words
    assert "phase-failed" in page
    assert "What the endpoint answered" not in words


@with_api()
async def test_a_failed_delivery_is_retried_by_its_button_under_the_same_event_id(api: Api) -> None:
    async with signed_in(api) as browser, receiving(500) as receiver:
        hook = await api.add_hook(receiver.url, delivery_policy=ONCE)
        await api.publish()
        delivery = await api.wait_for(hook, "FAILED")
        assert "Retry now" in await shown(browser, delivery)
        receiver.status = 204
        answer = await browser.send(f"{PATH}/{delivery['id']}/retry")
        assert (answer.status_code, answer.headers["location"]) == (303, f"{PATH}/{delivery['id']}")
        assert "Another attempt was asked for, under the same eventId." in words_of(await shown(browser, delivery))
        await api.wait_for(hook, "DELIVERED")
        assert "to attempt 2" in words_of(await shown(browser, delivery))
        again = await browser.send(f"{PATH}/{delivery['id']}/retry")
        assert again.status_code == 409
        assert "there is nothing to retry" in words_of(again.text)
    assert receiver.requests[0].partition(b"\r\n\r\n")[2] == receiver.requests[1].partition(b"\r\n\r\n")[2]


@with_api()
async def test_a_held_delivery_says_what_holds_it_and_is_cancelled_after_a_question(api: Api) -> None:
    async with signed_in(api) as browser, receiving(204) as receiver:
        hook = await api.add_hook(receiver.url, name="Quiet <i>", delivery_policy=PAUSED)
        await api.publish()
        delivery = await api.wait_for(hook, "HELD")
        page = await shown(browser, delivery)
        assert "The event hook is paused. It goes out when the hook is resumed." in words_of(page)
        assert f'href="{PATH}/{delivery["id"]}/cancel"' in page
        asked = await browser.open(f"{PATH}/{delivery['id']}/cancel")
        assert "1 event will not reach Quiet <i> with it." in words_of(asked.text)
        answer = await browser.send(f"{PATH}/{delivery['id']}/cancel")
        assert answer.status_code == 303
        words = words_of(await shown(browser, delivery))
        assert "The delivery is cancelled." in words
        assert "An admin cancelled it." in words
        assert (await browser.open(f"{PATH}/{delivery['id']}/cancel")).status_code == 303
        again = await browser.send(f"{PATH}/{delivery['id']}/cancel")
        assert again.status_code == 409
        assert "This delivery has ended" in words_of(again.text)
    assert receiver.requests == []


@with_api()
async def test_a_delivery_outlives_its_hook_on_its_page(api: Api) -> None:
    async with signed_in(api) as browser, receiving(204) as receiver:
        hook = await api.add_hook(receiver.url, name="Gone")
        await api.publish()
        delivery = await api.wait_for(hook, "DELIVERED")
        await api.call("POST", f"/api/v1/eventHooks/{hook.id}/lifecycle/deactivate")
        assert (await api.call("DELETE", f"/api/v1/eventHooks/{hook.id}")).status_code == 204
        words = words_of(await shown(browser, delivery))
    assert "Delivery to Gone" in words
    assert "deleted" in words


@with_api()
async def test_a_delivery_whose_events_have_left_the_log_says_so(api: Api) -> None:
    async with signed_in(api) as browser, receiving(500) as receiver:
        hook = await api.add_hook(receiver.url, delivery_policy=ONCE)
        await api.publish()
        delivery = await api.wait_for(hook, "FAILED")
        await api.pipeline.database.write(lambda tx: tx.driver.execute("UPDATE log_event SET recorded_at = 1"))
        page = await shown(browser, delivery)
        words = words_of(page)
        assert "The System Log does not hold them any more." in words
        assert "so its body cannot be shown" in words
        assert ">Retry now<" not in page
        assert (await browser.open(f"{PATH}/{delivery['id']}/request-body")).status_code == 404


@with_api()
async def test_characters_that_mislead_are_spelled_out_and_sent_from_a_file(api: Api) -> None:
    async with signed_in(api) as browser, receiving(204) as receiver:
        hook = await api.add_hook(receiver.url)
        await api.publish({**EVENT, "displayMessage": "pay \u202eeno"})
        delivery = await api.wait_for(hook, "DELIVERED")
        page = await shown(browser, delivery)
        assert "\u202e" not in page
        assert "pay \\u202eeno" in page
        assert f"--data-binary @{delivery['id']}.json" in words_of(page)
        raw = await browser.open(f"{PATH}/{delivery['id']}/request-body")
        assert "\u202e".encode() in raw.content


def test_only_json_is_laid_out_and_only_as_much_as_takes_no_time() -> None:
    assert _laid_out(b'{"a":[1.50,"\xc3\xa4"]}') == '{\n  "a": [\n    1.50,\n    "ä"\n  ]\n}'
    for raw in (b"", b"a=b", b'{"a":', b'"\xff"', b"[" + b" " * MAX_LAID_OUT + b"]"):
        assert _laid_out(raw) == ""


@with_api()
async def test_a_large_request_is_cut_on_the_page_and_whole_in_the_download(api: Api) -> None:
    async with signed_in(api) as browser, receiving(204) as receiver:
        hook = await api.add_hook(receiver.url)
        await api.publish(*({**EVENT, "displayMessage": "x" * 1000} for _ in range(90)))
        await until(lambda: receiver.requests)
        delivery = (await api.deliveries(hook))[-1]
        page = await shown(browser, delivery)
        raw = await browser.open(f"{PATH}/{delivery['id']}/request-body")
        assert raw.content == receiver.requests[0].partition(b"\r\n\r\n")[2]
    assert "The first 64 KiB are shown." in words_of(page)
    assert len(page) < 250_000


@with_api()
async def test_who_may_only_look_is_offered_nothing_else(api: Api) -> None:
    async with receiving(500) as receiver:
        hook = await api.add_hook(receiver.url, delivery_policy=ONCE)
        await api.publish()
        delivery = await api.wait_for(hook, "FAILED")
        async with signed_in(api, Role.HOOKS_ADMIN) as admin:
            assert "Retry now" in await shown(admin, delivery)
        async with signed_in(api, Role.READ_ONLY_ADMIN) as reader:
            for path in ("", "/request-body", "/attempts/1/response-body", "/cancel"):
                assert (await reader.open(f"{PATH}/{delivery['id']}{path}")).status_code == 403
            await reader.open("/console")
            for verb in ("retry", "cancel"):
                assert (await reader.send(f"{PATH}/{delivery['id']}/{verb}")).status_code == 403


@with_api()
async def test_what_is_not_there_is_404_for_every_verb(api: Api) -> None:
    async with signed_in(api) as browser:
        for path in (NOWHERE, f"{PATH}/x", f"{PATH}/%00", f"{NOWHERE}/request-body", f"{NOWHERE}/cancel"):
            assert (await browser.open(path)).status_code == 404, path
        for verb in ("retry", "cancel"):
            assert (await browser.send(f"{NOWHERE}/{verb}")).status_code == 404


@pytest.mark.parametrize("reason", list(Reason))
def test_every_failure_of_a_receiver_comes_with_advice(reason: Reason) -> None:
    if reason is Reason.INTERRUPTED:  # that one is ours
        assert advice_for(reason, None) == ""
        return
    for status in (301, 400, 401, 404, 410, 422, 429, 500, 503) if reason is Reason.STATUS else (None,):
        assert advice_for(reason, status).endswith(".")
