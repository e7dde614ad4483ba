"""One's own account: another password is asked for the old one, and ends every sign-in but this."""

from __future__ import annotations

import re

from api_rig import Api, with_api
from console_rig import PASSWORD, Browser, appoint, browsing, signed_in, token_of, words_of

from tenterhook.domain.principal import Role

ACCOUNT, CHANGE = "/console/account", "/console/account/password"
NEXT = "battery staple horse"


async def entered(browser: Browser, login: str, password: str) -> int:
    """Sign in with a password and return the status: 303 if it was right."""
    await browser.open("/console/sign-in")
    answer = await browser.send("/console/sign-in", {"login": login, "password": password, "next": ACCOUNT})
    await browser.open(ACCOUNT)
    return answer.status_code


@with_api()
async def test_whoever_came_by_a_link_chooses_a_password_and_signs_in_with_it(api: Api) -> None:
    async with signed_in(api, Role.PUBLISHER) as browser, browsing(api) as later:
        before = browser.cookie("sid")
        shown = (await browser.open(ACCOUNT)).text
        assert "Current password" not in shown
        login = words_of(shown).split(" Login ")[1].split()[0]
        answer = await browser.send(CHANGE, {"new": NEXT, "again": NEXT})
        assert answer.headers["location"] == ACCOUNT
        assert browser.cookie("sid") not in (None, before)
        assert "Your password is changed" in words_of((await browser.open(ACCOUNT)).text)
        assert await entered(later, login, NEXT) == 303


@with_api()
async def test_another_password_ends_every_sign_in_but_this_one(api: Api) -> None:
    await appoint(api, Role.HOOKS_ADMIN, "jo", PASSWORD)
    async with browsing(api) as browser, browsing(api) as other:
        assert await entered(browser, "jo", PASSWORD) == 303
        assert await entered(other, "jo", PASSWORD) == 303
        assert (await browser.send(CHANGE, {"current": PASSWORD, "new": NEXT, "again": NEXT})).status_code == 303
        assert await browser.is_signed_in()
        assert not await other.is_signed_in()


@with_api()
async def test_tokens_that_were_issued_while_signed_in_end_only_if_asked(api: Api) -> None:
    await appoint(api, Role.SUPER_ADMIN, "jo", PASSWORD)
    async with browsing(api) as browser:
        await entered(browser, "jo", PASSWORD)
        issued = await browser.send("/console/tokens", {"name": "a", "grant": "PUBLISHER", "expires": "0"})
        headers = {"Authorization": f"SSWS {token_of(issued.text)}"}
        await browser.send(CHANGE, {"current": PASSWORD, "new": NEXT, "again": NEXT})
        assert (await api.client.get("/api/v1/limits", headers=headers)).status_code != 401
        await browser.open(ACCOUNT)
        await browser.send(CHANGE, {"current": NEXT, "new": PASSWORD, "again": PASSWORD, "tokens": "on"})
        assert (await api.client.get("/api/v1/limits", headers=headers)).status_code == 401


@with_api()
async def test_each_problem_stands_at_its_field_and_no_password_comes_back(api: Api) -> None:
    await appoint(api, Role.HOOKS_ADMIN, "jo", PASSWORD)
    async with browsing(api) as browser:
        await entered(browser, "jo", PASSWORD)
        for fields, wrong in (
            ({}, {"current", "new"}),
            ({"current": PASSWORD, "new": NEXT, "again": "else"}, {"again"}),
            ({"current": PASSWORD, "new": "short", "again": "short"}, {"new"}),
            ({"current": "wrong", "new": NEXT, "again": NEXT}, {"current"}),
        ):
            answer = await browser.send(CHANGE, fields)
            assert answer.status_code == 400
            assert set(re.findall(r'id="(\w+)-problem"', answer.text)) == wrong
            assert NEXT not in answer.text
            assert PASSWORD not in answer.text


@with_api()
async def test_a_browser_left_open_gives_nobody_guesses(api: Api) -> None:
    await appoint(api, Role.HOOKS_ADMIN, "jo", PASSWORD)
    async with browsing(api) as browser:
        await entered(browser, "jo", PASSWORD)
        statuses = [
            (await browser.send(CHANGE, {"current": f"wrong {at}", "new": NEXT, "again": NEXT})).status_code
            for at in range(12)
        ]
        assert statuses[0] == 400
        assert statuses[-1] == 429


@with_api()
async def test_one_ends_a_sign_in_of_ones_own_and_nobody_elses(api: Api) -> None:
    await appoint(api, Role.READ_ONLY_ADMIN, "jo", PASSWORD)
    async with browsing(api) as browser, browsing(api) as other, signed_in(api) as stranger:
        await entered(browser, "jo", PASSWORD)
        await entered(other, "jo", PASSWORD)
        shown = (await browser.open(ACCOUNT)).text
        [path] = re.findall(r'action="(/console/account/sign-ins/[^"]+/end)"', shown)
        await stranger.open(ACCOUNT)
        assert (await stranger.send(path)).status_code == 404
        assert await other.is_signed_in()
        assert (await browser.send(path)).headers["location"] == ACCOUNT
        assert not await other.is_signed_in()
        assert await browser.is_signed_in()
