"""Forms: taken from our own pages in the browser that they were made for, and no larger than they need to be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api_rig import Api, with_api
from console_rig import Browser, browsing, signed_in, words_of

from tenterhook.console.app import PAGES
from tenterhook.console.event_hooks.fields import MAX_WAITS, read_waits
from tenterhook.console.flash import seal_flash
from tenterhook.console.form import MAX_FIELDS, MAX_FORM_BYTES, FieldErrors
from tenterhook.errors import InvalidError

ACTIONS = sorted({route.path for module in PAGES for route in module.routes if route.method == "POST"})
SIGN_OUT = "/console/sign-out"


def somewhere(path: str) -> str:
    """A path that fits a route's pattern."""
    return "/".join("00x0000000000000000x" if part.startswith("{") else part for part in path.split("/"))


async def assert_refused(browser: Browser, fields: Mapping[str, str] | None = None, **headers: str) -> None:
    for path in ACTIONS:
        answer = await browser.send(somewhere(path), fields, **headers)
        assert answer.status_code == 403, (path, headers, answer.status_code)
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert "You may not do this" in words_of(answer.text)


@with_api()
async def test_no_form_is_taken_without_the_token_of_its_session(api: Api) -> None:
    async with signed_in(api) as browser, signed_in(api) as other:
        for wrong in ("", other.token, browser.token[:-1], "\ud7ff", browser.token.upper() + "a"):
            await assert_refused(browser, {"csrf": wrong})
        assert await browser.is_signed_in()


@with_api()
async def test_no_form_is_taken_from_a_page_of_another_site(api: Api) -> None:
    async with signed_in(api) as browser:
        for headers in (
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Origin": "http://localhost:9999"},
            {"Origin": "http://localhost:8080.evil.example"},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {"Sec-Fetch-Site": "none"},
        ):
            await assert_refused(browser, None, **headers)
        assert await browser.is_signed_in()


@with_api(public_url="https://hooks.example.com")
async def test_a_form_of_the_same_name_by_plain_http_is_another_sites(api: Api) -> None:
    async with signed_in(api, base="https://hooks.example.com") as browser:
        await assert_refused(browser, None, Origin="http://hooks.example.com")
        assert (await browser.send(SIGN_OUT)).status_code == 303


@with_api()
async def test_an_old_browser_that_says_nothing_is_held_by_the_token(api: Api) -> None:
    async with signed_in(api) as browser:
        for token, status in (("0" * 64, 403), (browser.token, 303)):
            answer = await browser.client.post(SIGN_OUT, data={"csrf": token})
            assert answer.status_code == status


@with_api()
async def test_json_that_pretends_to_be_a_form_is_not_taken(api: Api) -> None:
    async with signed_in(api) as browser:
        for media_type in ("text/plain", "application/json", "multipart/form-data; boundary=x", ""):
            headers = {"Content-Type": media_type, "Origin": browser.base}
            answer = await browser.client.post(SIGN_OUT, content=f"csrf={browser.token}", headers=headers)
            assert answer.status_code == 403, media_type
        assert await browser.is_signed_in()


@with_api()
async def test_nothing_that_changes_something_is_reached_by_get(api: Api) -> None:
    only = {route.path for module in PAGES for route in module.routes if route.method == "GET"}
    async with signed_in(api) as browser:
        for path in set(ACTIONS) - only:
            answer = await browser.open(f"{somewhere(path)}?csrf={browser.token}")
            assert (answer.status_code, answer.headers["allow"]) == (405, "POST"), path
            for name in ("X-HTTP-Method-Override", "X-Method-Override"):
                assert (await browser.open(somewhere(path), **{name: "POST"})).status_code == 405
        assert await browser.is_signed_in()


@with_api()
async def test_a_form_that_is_too_large_is_refused_before_it_is_read(api: Api) -> None:
    async with signed_in(api) as browser:
        large = await browser.send("/console/theme", {"theme": "x" * MAX_FORM_BYTES})
        assert (large.status_code, "too large" in words_of(large.text)) == (413, True)
        many = await browser.send("/console/theme", {"theme": ["light"] * (MAX_FIELDS + 1)})
        assert (many.status_code, f"more than {MAX_FIELDS} fields" in words_of(many.text)) == (400, True)
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": browser.base}
        for body in (b"theme=%ff", b"\xff=1", b"csrf=%c0%af"):
            answer = await browser.client.post("/console/theme", content=body, headers=headers)
            assert answer.status_code == 400, body


@with_api()
async def test_a_theme_is_kept_and_shown_without_script(api: Api) -> None:
    async with signed_in(api) as browser:
        for theme, marked in (("dark", True), ("light", True), ("system", False), ('"><script>', False)):
            answer = await browser.send("/console/theme", {"theme": theme, "back": "/console/limits"})
            assert (answer.status_code, answer.headers["location"]) == (303, "/console/limits")
            page = (await browser.open("/console/limits")).text
            assert (f'data-theme="{theme}"' in page) is marked
            assert "<script>" not in page


@with_api()
async def test_a_word_of_what_was_done_is_shown_once_and_only_to_who_did_it(api: Api) -> None:
    async with signed_in(api) as browser, signed_in(api) as other:
        said = seal_flash("It is <b>done</b>.", browser.cookie("sid") or "")
        other.put_cookie("flash", said)
        browser.put_cookie("flash", said)
        assert "It is" not in (await other.open("/console")).text
        assert "It is &lt;b&gt;done&lt;/b&gt;." in (await browser.open("/console")).text
        assert "It is" not in (await browser.open("/console")).text
        for bad in (said[:-1], "a.b", ".", "é", "x" * 4000):
            cookies = f"sid={browser.cookie('sid')}; flash={bad}".encode("latin-1")
            answer = await browser.client.get("/console", headers={"Cookie": cookies})
            assert (answer.status_code, 'role="status"' in answer.text) == (200, False)


@with_api()
async def test_a_visitor_without_a_session_has_a_token_of_their_own(api: Api) -> None:
    async with browsing(api) as browser, browsing(api) as other:
        await browser.open("/console/sign-in")
        await other.open("/console/sign-in")
        fields = {"login": "a", "password": "b"}
        assert (await browser.send("/console/sign-in", {**fields, "csrf": other.token})).status_code == 403
        assert (await browser.send("/console/sign-in", fields)).status_code == 401


def test_a_problem_belongs_to_the_field_that_the_form_calls_so() -> None:
    error = InvalidError("eventHook", ["channel.config.uri: must be https", "events.items[2]: is no type", "No field"])
    errors = FieldErrors(error, {"channel.config.uri": "url", "events.items": "events"})
    assert errors.of("url") == ["Must be https."]
    assert errors.of("events") == ["Is no type."]
    assert errors.all == [("url", "Must be https."), ("events", "Is no type."), ("", "No field.")]
    assert bool(errors)
    assert not FieldErrors()


@with_api()
async def test_a_form_that_no_browser_writes_is_refused_before_it_costs_anything(api: Api) -> None:
    async with signed_in(api) as browser:
        raw = b"csrf=" + browser.token.encode() + "&name=é".encode()
        kind = {"Content-Type": "application/x-www-form-urlencoded", "Origin": browser.base}
        answer = await browser.client.post("/console/tokens", content=raw, headers=kind)
        assert answer.status_code == 400
        assert "bytes that a browser would have written as %XX" in words_of(answer.text)
        assert "/console/tokens" not in answer.headers.get("location", "")


@with_api()
async def test_a_long_form_is_read_beside_the_event_loop_and_as_a_short_one_is(api: Api) -> None:
    async with signed_in(api) as browser:
        await browser.open("/console/event-hooks/new")
        turns, run = [], api.pipeline.aside.run

        async def noted(org_id: str, work: Any) -> Any:
            turns.append(org_id)
            return await run(org_id, work)

        api.pipeline.aside.run = noted  # type: ignore[method-assign]
        answer = await browser.send("/console/event-hooks/new", {"name": "é" * 3000, "act": "find"})
        assert ("é" * 3000) in answer.text
        assert len(turns) == 1, "it is 18 kB as it is sent"


@with_api()
async def test_row_175_nobody_sends_more_to_sign_in_than_it_needs(api: Api) -> None:
    async with browsing(api) as browser:
        await browser.open("/console/sign-in")
        answer = await browser.send("/console/sign-in", {"login": "x" * 9000})
        assert answer.status_code == 413


def test_of_a_list_of_waits_no_more_is_read_than_there_may_be() -> None:
    assert len(read_waits("1s," * 100_000)) == MAX_WAITS + 1
