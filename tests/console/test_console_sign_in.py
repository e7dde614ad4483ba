"""Signing in at the console: by password or link, tried only so often, and on to nowhere but the console."""

from __future__ import annotations

import pytest
from api_rig import Api, with_api
from console_rig import PASSWORD, appoint, browsing, enter, link_of, words_of

from tenterhook.console.same_origin import inside
from tenterhook.domain.principal import Role
from tenterhook.door.rate_limit import RateLimits

SIGN_IN = "/console/sign-in"
ALICE = {"login": "alice", "password": PASSWORD}


@with_api()
async def test_a_password_signs_in_and_goes_on_to_where_the_visitor_wanted_to(api: Api) -> None:
    await appoint(api, Role.HOOKS_ADMIN, "alice", PASSWORD)
    async with browsing(api) as browser:
        sent = await browser.open("/console/limits?a=1")
        assert (sent.status_code, sent.headers["location"]) == (303, f"{SIGN_IN}?next=/console/limits%3Fa%3D1")
        shown = await browser.open(sent.headers["location"])
        assert 'value="/console/limits?a=1"' in shown.text
        answer = await browser.send(SIGN_IN, {**ALICE, "next": "/console/limits?a=1"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/console/limits?a=1")
        assert (await browser.open("/console/limits?a=1")).status_code == 200


@with_api()
async def test_on_plain_http_the_cookie_has_a_bare_name_and_is_out_of_reach_of_scripts(api: Api) -> None:
    admin = await appoint(api, Role.SUPER_ADMIN)
    async with browsing(api) as browser:
        answer = await enter(browser, await link_of(api, admin))
        [cookie] = [one for one in answer.headers.get_list("set-cookie") if one.startswith("sid=")]
        assert {"HttpOnly", "SameSite=lax", "Path=/"} <= {part.strip() for part in cookie.split(";")}
        assert "Secure" not in cookie
        assert len(cookie.split(";")[0]) == len("sid=") + 43


@with_api(public_url="https://hooks.example.com")
async def test_on_https_no_other_host_or_path_can_set_the_cookie(api: Api) -> None:
    admin = await appoint(api, Role.SUPER_ADMIN)
    async with browsing(api, base="https://hooks.example.com") as browser:
        answer = await enter(browser, await link_of(api, admin))
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
        set_ = answer.headers.get_list("set-cookie")
        assert set_
        for cookie in set_:
            assert cookie.startswith("__Host-")
            assert {"Secure", "HttpOnly", "SameSite=lax", "Path=/"} <= {part.strip() for part in cookie.split(";")}
        assert await browser.is_signed_in()


@with_api()
async def test_what_only_fetches_a_links_page_does_not_use_it_up_and_it_works_once(api: Api) -> None:
    admin = await appoint(api, Role.SUPER_ADMIN)
    link = await link_of(api, admin)
    async with browsing(api) as browser, browsing(api) as other:
        for _ in range(3):
            assert (await browser.open(f"{SIGN_IN}?link={link}")).status_code == 200
        assert (await enter(browser, link)).status_code == 303
        again = await enter(other, link)
        assert again.status_code == 401
        assert "it was used" in words_of(again.text)
        assert not await other.is_signed_in()


@with_api()
async def test_a_wrong_password_and_an_unknown_login_look_the_same(api: Api) -> None:
    await appoint(api, Role.SUPER_ADMIN, "alice", PASSWORD)
    async with browsing(api) as browser:
        await browser.open(SIGN_IN)
        wrong = await browser.send(SIGN_IN, {"login": "alice", "password": "not the right one"})
        nobody = await browser.send(SIGN_IN, {"login": "nobody", "password": "not the right one"})
        assert wrong.status_code == nobody.status_code == 401
        assert wrong.text.replace("alice", "…") == nobody.text.replace("nobody", "…")
        assert "not the right one" not in wrong.text
        assert "sid" not in browser.client.cookies


@with_api()
async def test_every_field_that_is_wrong_is_told_at_the_field(api: Api) -> None:
    async with browsing(api) as browser:
        await browser.open(SIGN_IN)
        for fields, named in (
            ({"login": "a", "password": "x" * 1_000}, "password"),
            ({"login": "a" * 500, "password": "x"}, "login"),
            ({"login": "a\0b", "password": "x"}, "login"),
            ({"login": "a", "password": "x", "org": "y" * 50}, "org"),
        ):
            answer = await browser.send(SIGN_IN, fields)
            assert answer.status_code == 400, fields
            assert f'id="{named}-problem"' in answer.text
            assert f'aria-describedby="{"org-help " if named == "org" else ""}{named}-problem"' in answer.text


@with_api(limits=RateLimits(sign_ins=3))
async def test_guesses_at_the_console_and_at_the_api_are_counted_together(api: Api) -> None:
    await appoint(api, Role.SUPER_ADMIN, "alice", PASSWORD)
    wrong = {"login": "alice", "password": "not the right one"}
    async with browsing(api) as browser, browsing(api, ip="198.51.100.9") as elsewhere:
        await browser.open(SIGN_IN)
        assert (await browser.send(SIGN_IN, wrong)).status_code == 401
        assert (await api.client.post("/api/v1/sign-in", json=wrong)).status_code == 401
        assert (await browser.send(SIGN_IN, wrong)).status_code == 401
        refused = await browser.send(SIGN_IN, ALICE)
        assert refused.status_code == 429
        assert 0 < int(refused.headers["retry-after"]) <= 60
        assert f"Wait {refused.headers['retry-after']} s" in words_of(refused.text)
        assert (await api.client.post("/api/v1/sign-in", json=ALICE)).status_code == 429
        await elsewhere.open(SIGN_IN)
        assert (await elsewhere.send(SIGN_IN, ALICE)).status_code == 303


@with_api()
async def test_signing_in_gives_a_new_session_and_ends_the_one_that_the_browser_had(api: Api) -> None:
    admin, other = await appoint(api, Role.SUPER_ADMIN), await appoint(api, Role.READ_ONLY_ADMIN)
    async with browsing(api) as browser, browsing(api) as thief:
        planted = "A" * 43
        browser.put_cookie("sid", planted)
        await enter(browser, await link_of(api, admin))
        first = browser.cookie("sid")
        assert first not in (None, planted)
        await enter(browser, await link_of(api, other))
        assert browser.cookie("sid") != first
        thief.put_cookie("sid", first or "")
        assert not await thief.is_signed_in()
        assert await browser.is_signed_in()


@pytest.mark.parametrize(
    "target",
    [
        *("//evil.example", "/\\evil.example", "https:evil.example", "https://evil.example/console", "/%2f/evil", ""),
        *("/consolefoo", "/console//evil.example", "/console\\evil", "/console/\r\nSet-Cookie: a=b", "/console/é"),
        *("javascript:alert(1)", " /console", "/api/v1/logs", "/console/" + "a" * 5_000, "/console/a b"),
    ],
)
def test_nobody_is_sent_anywhere_but_into_the_console(target: str) -> None:
    assert inside(target) == "/console"


@pytest.mark.parametrize("target", ["/console", "/console/limits", "/console?x=1", "/console/a?u=https://b//c"])
def test_a_page_of_the_console_is_gone_on_to(target: str) -> None:
    assert inside(target) == target


@with_api()
async def test_a_target_elsewhere_is_not_gone_to_after_signing_in(api: Api) -> None:
    admin = await appoint(api, Role.SUPER_ADMIN)
    link = await link_of(api, admin)
    async with browsing(api) as browser:
        page = await browser.open(f"{SIGN_IN}?next=//evil.example&link={link}")
        assert "evil" not in page.text
        answer = await browser.send(SIGN_IN, {"link": link, "next": "//evil.example"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/console")
