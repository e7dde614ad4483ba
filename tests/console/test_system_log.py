"""The System Log's pages over HTTP: what they find, how they narrow it, what they say when it is wrong, and who may."""

from __future__ import annotations

import gzip
import json
import re
from html import unescape
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest
from api_rig import Api, with_api
from console_rig import Browser, signed_in, words_of

from tenterhook.console import log_file
from tenterhook.console.log_question import PAGE_EVENTS
from tenterhook.domain.delivery_policy import DeliveryPolicy
from tenterhook.domain.principal import Role
from tenterhook.domain.timestamp import DAY_MS, format_ms

PATH, LIVE, FILE = "/console/system-log", "/console/system-log/live", "/console/system-log/download"
MINUTE = 60_000


def login(api: Api, ago_ms: int = 0, who: str = "ann", **more: Any) -> dict[str, Any]:
    return {
        "eventType": "user.session.start",
        "published": format_ms(api.pipeline.now_ms() - ago_ms),
        "actor": {"id": who, "type": "User", "alternateId": f"{who}@example.com", "displayName": who.title()},
        "client": {"ipAddress": "192.0.2.1"},
        "outcome": {"result": "SUCCESS"},
        **more,
    }


def shown(answer: httpx2.Response) -> list[str]:
    """The uuids of the page's rows."""
    return re.findall(r'<li class="log-row" id="e-([^"]+)"', answer.text)


def link(answer: httpx2.Response, text: str) -> str:
    """The address of the first link that says *text*."""
    for address, words in re.findall(r'<a [^>]*href="([^"]+)"[^>]*>(.*?)</a>', answer.text, re.DOTALL):
        if text in words_of(words):
            return unescape(address)
    raise AssertionError(f"no link says {text}")


async def search(browser: Browser, path: str = PATH, **asked: str) -> httpx2.Response:
    return await browser.open(f"{path}?{urlencode(asked)}" if asked else path)


@with_api()
async def test_an_empty_log_teaches_how_to_publish(api: Api) -> None:
    async with signed_in(api, Role.READ_ONLY_ADMIN) as browser:
        now = api.pipeline.now_ms()  # when signing in was logged
        answer = await search(browser, since=format_ms(now - 3 * DAY_MS), until=format_ms(now - 2 * DAY_MS))
        assert "Nothing was logged in this time" in words_of(answer.text)
        assert "tenterhook publish --fresh -" in words_of(answer.text)
        assert link(answer, "Look at the last week") == f"{PATH}?range=7d"


@with_api()
async def test_a_row_says_who_did_what_to_whom_and_opened_all_that_the_event_holds(api: Api) -> None:
    target = [{"id": "0oa1", "type": "AppInstance", "displayName": "Payroll"}, {"id": "0oa2", "type": "AppInstance"}]
    [uuid] = await api.publish(login(api, target=target, severity="WARN", displayMessage="Opened an app"))
    async with signed_in(api, Role.READ_ONLY_ADMIN) as browser:
        answer = await search(browser, q="opened")
        assert shown(answer) == [uuid]
        words = words_of(answer.text)
        assert "WARN Ann → Opened an app → Payroll and 1 other user.session.start Success 192.0.2.1" in words
        assert "Read as keywords" in words
        opened = await browser.open(link(answer, "Show all that this event holds"))
        assert "Ann → Opened an app → Payroll and 1 other Success" in words_of(opened.text)
        [raw] = re.findall(r'<pre [^>]*aria-label="The event as JSON">(.*?)</pre>', opened.text, re.DOTALL)
        assert json.loads(unescape(raw))["uuid"] == uuid
        assert 'form="search" name="add" value="actor.alternateId eq &#34;ann@example.com&#34;"' in opened.text
        around = await browser.open(link(opened, "All events of the minute around it"))
        assert uuid in shown(around)
        for strange in ("01234567-89ab-7def-8123-456789abcdef", "x", "%00"):
            assert (await browser.open(f"{PATH}/events/{strange}")).status_code == 404


@with_api()
async def test_a_filter_is_read_as_one_and_may_be_read_as_keywords_instead(api: Api) -> None:
    await api.publish(login(api), login(api, who="bob", displayMessage="the words eventType pr"))
    async with signed_in(api) as browser:
        answer = await search(browser, q='actor.displayName eq "Bob"')
        assert len(shown(answer)) == 1
        assert "Read as a filter" in words_of(answer.text)
        both = await search(browser, q="eventType pr")
        assert len(shown(both)) > 2
        words = await browser.open(link(both, "Search for these as keywords"))
        assert len(shown(words)) == 1
        assert "Read as keywords" in words_of(words.text)


@with_api()
async def test_a_mistake_is_shown_where_it_is_and_the_text_is_kept(api: Api) -> None:
    async with signed_in(api) as browser:
        answer = await search(browser, q='actor.id is "<b>"', range="1h")
        assert answer.status_code == 400
        assert 'value="actor.id is &#34;&lt;b&gt;&#34;"' in answer.text
        assert 'aria-invalid="true"' in answer.text
        assert 'actor.id <span class="caret" aria-hidden="true"></span>is &#34;&lt;b&gt;&#34;' in answer.text
        assert "Column 10: Unrecognized attribute operator 'is'. Expected: eq" in words_of(answer.text)
        assert shown(answer) == []
        assert link(answer, "Search for these as keywords").endswith("as=keywords&range=1h")


@with_api()
async def test_every_field_that_is_wrong_is_told_at_the_field_and_keeps_what_was_typed(api: Api) -> None:
    async with signed_in(api) as browser:
        answer = await search(browser, q="x" * 50, since="soon", until="2026-11-28T10:00:00Z")
        assert answer.status_code == 400
        assert 'id="q-problem"' in answer.text
        assert 'id="since-problem"' in answer.text
        assert "Must be a date and a time." in words_of(answer.text)
        assert 'type="datetime-local" step="any" value="2026-11-28T10:00:00.000"' in answer.text
        assert 'type="text" step="any" value="soon"' in answer.text
        wrong = await search(browser, LIVE, q="actor.id is 7")
        assert wrong.status_code == 400
        assert "data-tail=" not in wrong.text


@with_api()
async def test_a_forms_address_becomes_the_one_that_is_shared(api: Api) -> None:
    async with signed_in(api) as browser:
        answer = await search(browser, q="ann", range="24h", since="", until="", last="1h")
        assert (answer.status_code, answer.headers["location"]) == (303, f"{PATH}?q=ann&range=1h")
        again = await browser.open(answer.headers["location"])
        assert again.status_code == 200
        assert '<button name="last" value="1h" aria-pressed="true">' in again.text


@with_api()
async def test_a_value_of_an_event_narrows_the_search(api: Api) -> None:
    await api.publish(login(api), login(api, who="bob"), login(api, who="bob", severity="ERROR"))
    async with signed_in(api) as browser:
        answer = await search(browser, q='actor.id eq "bob"', range="24h", add='severity eq "ERROR"')
        assert answer.status_code == 303
        found = await browser.open(answer.headers["location"])
        assert 'value="actor.id eq &#34;bob&#34; and severity eq &#34;ERROR&#34;"' in found.text
        assert len(shown(found)) == 1
        beside = await browser.open((await search(browser, q="bob", add='severity eq "ERROR"')).headers["location"])
        assert "with the keywords bob" in words_of(beside.text)
        assert shown(beside) == shown(found)
        alone = await browser.open(link(beside, "Leave them out"))
        assert "with the keywords" not in words_of(alone.text)
        assert 'value="severity eq &#34;ERROR&#34;"' in alone.text
        for clause in ("nonsense", 'actor.id is "x"', "x" * 5_000):
            refused = await browser.open((await search(browser, add=clause)).headers["location"])
            assert refused.status_code in (200, 400)


@with_api()
async def test_facets_count_the_values_narrow_to_them_and_leave_them_out(api: Api) -> None:
    await api.publish(*(login(api, who="ann" if n % 3 else "bob") for n in range(9)))
    async with signed_in(api, Role.READ_ONLY_ADMIN) as browser:
        answer = await search(browser, q='eventType eq "user.session.start" and client.ipAddress eq "192.0.2.1"')
        assert "ann@example.com 6 Leave out ann@example.com bob@example.com 3" in words_of(answer.text)
        assert 'class="facet-value facet-here" title="user.session.start"' in answer.text
        only = await browser.open(link(answer, "bob@example.com"))
        assert len(shown(only)) == 3
        without = await browser.open(link(answer, "Leave out bob@example.com"))
        assert len(shown(without)) == 6


@with_api()
async def test_each_bar_leads_to_its_time(api: Api) -> None:
    await api.publish(*(login(api, ago_ms=n * 10 * MINUTE + 1) for n in range(6) for _ in range(n + 1)))
    async with signed_in(api) as browser:
        answer = await search(browser, q="ann", range="24h")
        bars = re.findall(r'<a href="([^"]+)" aria-label="[^"]*: ([\d,]+) events?">', answer.text)
        assert sum(int(events) for _, events in bars) == len(shown(answer)) == 21
        for address, events in bars:
            assert len(shown(await browser.open(unescape(address)))) == int(events)


@with_api()
async def test_pages_lead_to_older_ones_and_back_whatever_is_logged_meanwhile(api: Api) -> None:
    published = await api.publish(*(login(api, ago_ms=n * 1_000 + 1) for n in range(PAGE_EVENTS + 10)))
    async with signed_in(api) as browser:
        first = await search(browser, q="ann", range="1h")
        assert shown(first) == published[:PAGE_EVENTS]
        assert 'rel="prev"' not in first.text
        await api.publish(login(api))
        second = await browser.open(link(first, "Older"))
        assert shown(second) == published[PAGE_EVENTS:]
        assert 'rel="next"' not in second.text
        assert shown(await browser.open(link(second, "Newer"))) == published[:PAGE_EVENTS]
        strange = await search(browser, q="ann", range="1h", after="x" * 70)
        assert (strange.status_code, strange.headers["location"]) == (303, f"{PATH}?q=ann&range=1h")


@with_api()
async def test_the_deliveries_of_an_event_are_counted_for_who_may_see_them_and_explained(api: Api) -> None:
    await api.add_hook("http://127.0.0.1:1/x")
    [uuid] = await api.publish({"eventType": "user.lifecycle.create"})
    async with signed_in(api, Role.READ_ONLY_ADMIN) as browser:
        answer = await search(browser, q=f'uuid eq "{uuid}"')
        assert shown(answer) == [uuid]
        assert "1 delivery" not in words_of(answer.text)
    async with signed_in(api, Role.HOOKS_ADMIN) as browser:
        answer = await search(browser, q=f'uuid eq "{uuid}"')
        explained = await browser.open(link(answer, "1 delivery"))
        assert explained.status_code == 200
        assert uuid in explained.text
        opened = await browser.open(link(answer, "Show all that this event holds"))
        assert f'class="button" href="/console/explain?uuid={uuid}"' in opened.text


@with_api()
async def test_an_event_about_a_delivery_leads_to_it_and_to_its_hook_for_who_may_see_them(api: Api) -> None:
    paused = DeliveryPolicy(retry="durable", paused=True)
    hook = await api.add_hook("http://127.0.0.1:1/x", name="Quiet <i>", delivery_policy=paused)
    await api.publish({"eventType": "user.lifecycle.create"})
    delivery = await api.wait_for(hook, "HELD")
    await api.call("POST", f"/api/v1/deliveries/{delivery['id']}/cancel")
    async with signed_in(api, Role.HOOKS_ADMIN) as browser:
        answer = await search(browser, q='eventType eq "event_hook.delivery"')
        [uuid] = shown(answer)
        opened = await browser.open(link(answer, "Show all that this event holds"))
        whole = opened.text[opened.text.index("log-whole") :]
        assert f'<a href="/console/deliveries/{delivery["id"]}">Delivery</a>' in whole
        assert f'<a href="/console/event-hooks/{hook.id}">Event hook Quiet &lt;i&gt;</a>' in whole
        explained = await browser.open(f"/console/explain?uuid={uuid}")
        assert "It tells how a delivery ended. None of 1 event hook asked for it." in words_of(explained.text)
        assert f'<a href="/console/deliveries/{delivery["id"]}">a delivery</a>' in explained.text
    async with signed_in(api, Role.READ_ONLY_ADMIN) as browser:
        opened = await browser.open(f"{PATH}/events/{uuid}")
        assert opened.status_code == 200
        assert 'class="log-links"' not in opened.text


@with_api()
async def test_a_search_that_takes_too_long_says_how_to_narrow_it(api: Api) -> None:
    hops = [{"ip": f"198.51.100.{n % 250}"} for n in range(1_500)]
    await api.publish(login(api, request={"ipChain": hops}))
    async with signed_in(api) as browser:
        # Each value of a large event again and again: more than a filter may look at.
        harder = " and ".join(f'request.ipChain.ip ne "{n}"' for n in range(100))
        for path in (PATH, LIVE):
            answer = await search(browser, path, q=harder)
            assert answer.status_code == 504
            assert "That took too long" in words_of(answer.text)
            assert "request.ipChain.ip ne" in answer.text
            assert link(answer, "look at the last 15 minutes").endswith("&range=15m")
        assert (await search(browser, FILE, q=harder)).status_code == 504


@with_api()
async def test_a_download_has_what_the_search_finds_an_event_on_each_line(api: Api) -> None:
    published = await api.publish(*(login(api, ago_ms=n * 1_000 + 1) for n in range(80)), login(api, who="bob"))
    async with signed_in(api, Role.READ_ONLY_ADMIN) as browser:
        page = await search(browser, q='actor.id eq "ann"')
        address = link(page, "Download")
        answer = await browser.open(address)
        assert answer.headers["content-type"] == "application/x-ndjson"
        assert re.fullmatch(
            r'attachment; filename="system-log-\d{8}T\d{6}Z\.ndjson"', answer.headers["content-disposition"]
        )
        assert [json.loads(line)["uuid"] for line in answer.text.splitlines()] == published[:80]
        wrong = await search(browser, FILE, q="actor.id is 7")
        assert wrong.status_code == 303
        assert (await browser.open(wrong.headers["location"])).status_code == 400


@with_api()
async def test_a_download_goes_from_page_to_page_up_to_its_limit(api: Api) -> None:
    whole = log_file.MAX_EVENTS, log_file.PAGE_BYTES
    published = await api.publish(*(login(api, ago_ms=n * 1_000 + 1) for n in range(100)))
    async with signed_in(api) as browser:
        try:
            log_file.PAGE_BYTES = 10_000  # pages of about ten events
            answer = await search(browser, FILE, q="ann")
            assert [json.loads(line)["uuid"] for line in answer.text.splitlines()] == published
            log_file.MAX_EVENTS = 25
            answer = await search(browser, FILE, q="ann")
            assert [json.loads(line)["uuid"] for line in answer.text.splitlines()] == published[:25]
        finally:
            log_file.MAX_EVENTS, log_file.PAGE_BYTES = whole
        assert api.frame.state.answering.used == 0


@with_api()
async def test_completion_offers_what_the_log_has(api: Api) -> None:
    await api.publish(login(api), login(api, who="bob"))
    async with signed_in(api, Role.READ_ONLY_ADMIN) as browser:

        async def options(text: str, caret: str = "") -> tuple[int, list[str]]:
            answer = await search(browser, f"{PATH}/complete", text=text, caret=caret or str(len(text)))
            assert answer.status_code == 200
            found = answer.json()
            return found["begin"], [one for one, _ in found["options"]]

        assert await options('actor.alternateId eq "ann') == (21, ['"ann@example.com" '])
        begin, types = await options('eventType eq "user.lifecycle.cr')
        assert begin == 13
        assert '"user.lifecycle.create" ' in types
        for caret in ("x", "-1", "99999999", "²"):
            assert (await options("act", caret))[1][0].startswith("act")


@with_api()
async def test_the_live_page_renews_itself_without_script_and_knows_where_to_go_on(api: Api) -> None:
    published = await api.publish(login(api), login(api, who="bob"))
    async with signed_in(api, Role.READ_ONLY_ADMIN) as browser:
        answer = await search(browser, LIVE, q='actor.id eq "bob"')
        assert shown(answer) == published[1:]
        assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in answer.text
        [source] = re.findall(r'data-tail="([^"]+)"', answer.text)
        assert unescape(source).startswith(f"{PATH}/stream?q=actor.id+eq+%22bob%22&after=")
        assert link(answer, "End the live tail") == f"{PATH}?q=actor.id+eq+%22bob%22"
        added = await search(browser, LIVE, q="bob", add='severity eq "INFO"')
        assert added.headers["location"] == f"{LIVE}?q=severity+eq+%22INFO%22&words=bob"


@with_api()
async def test_looking_at_a_page_that_renews_itself_keeps_no_session_from_ending(api: Api) -> None:
    now = api.pipeline.now_ms()
    async with signed_in(api) as browser:
        for minutes in (10, 20, 29):
            api.pipeline.now_ms = lambda minutes=minutes: now + minutes * MINUTE
            assert (await browser.open(LIVE)).status_code == 200
        api.pipeline.now_ms = lambda: now + 31 * MINUTE
        assert (await browser.open(LIVE)).status_code == 303


@pytest.mark.parametrize("path", [PATH, LIVE, FILE, f"{PATH}/complete", f"{PATH}/stream"])
def test_who_may_not_read_the_log_is_told_so(path: str, tmp_path: Any) -> None:
    @with_api()
    async def story(api: Api) -> None:
        async with signed_in(api, Role.PUBLISHER) as browser:
            answer = await browser.open(path)
            assert answer.status_code == 403
            assert "okta.logs.read" in words_of(answer.text)
            assert PATH not in (await browser.open("/console")).text

    story(tmp_path)


@with_api()
async def test_what_means_harm_is_shown_as_text(api: Api) -> None:
    harm = '<script>alert(1)</script>"><img src=x onerror=alert(2)>\u202e\x1b[2J'
    actor = {"id": harm, "type": harm, "alternateId": harm, "displayName": harm}
    data = {"eventType": "user.session.start", "displayMessage": harm, "actor": actor, "target": [actor]}
    [uuid] = await api.publish({**data, "debugContext": {"debugData": {harm: harm, "x": "javascript:alert(3)"}}})
    async with signed_in(api) as browser:
        for path in (PATH, LIVE, f"{PATH}?q=alert", f"{PATH}/events/{uuid}"):
            text = (await browser.open(path)).text
            assert "<img" not in text
            assert "<script>" not in text
            assert "\u202e" not in text
            assert "\x1b" not in text
            assert 'href="javascript' not in text


@with_api()
async def test_a_page_is_light_and_quickly_made(api: Api) -> None:
    await api.publish(*(login(api, ago_ms=n) for n in range(100)))
    async with signed_in(api) as browser:
        answer = await search(browser)
        assert len(shown(answer)) == PAGE_EVENTS
        assert len(answer.content) < 100_000
        assert len(gzip.compress(answer.content, 6)) < 12_000
