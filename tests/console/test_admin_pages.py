"""Settings › Admins: people are let in by a link, changed and dismissed; somebody is always left to do so."""

from __future__ import annotations

import re

from api_rig import Api, with_api
from console_rig import PASSWORD, Browser, appoint, browsing, enter, signed_in, words_of

from tenterhook.domain.principal import Role

ADMINS = "/console/admins"
NEW = {"login": "mara@example.com", "name": "Mara", "role": "HOOKS_ADMIN"}


def link_in(page: str) -> str:
    found = re.search(r"/console/sign-in\?link=([A-Za-z0-9_-]{43})", page)
    assert found is not None
    return found[1]


async def added(browser: Browser, **changes: str) -> str:
    """Add an admin by the form and return the link for them."""
    await browser.open(f"{ADMINS}/new")
    answer = await browser.send(ADMINS, {**NEW, **changes})
    assert answer.status_code == 200, answer.text
    return link_in(answer.text)


@with_api()
async def test_a_new_admin_comes_in_by_the_link_that_is_shown_once(api: Api) -> None:
    async with signed_in(api) as browser, browsing(api) as mara:
        link = await added(browser)
        assert (await enter(mara, link)).status_code == 303
        assert await mara.is_signed_in()
        shown = (await browser.open(ADMINS)).text
        assert {"mara@example.com", "Mara", "Hooks", "admin"} <= set(words_of(shown).split())
        assert link not in shown


@with_api()
async def test_a_login_that_is_taken_is_a_problem_at_its_field(api: Api) -> None:
    async with signed_in(api) as browser:
        await added(browser)
        answer = await browser.send(ADMINS, {**NEW, "name": ""})
        assert answer.status_code == 400
        assert 'id="name-problem"' in answer.text
        answer = await browser.send(ADMINS, NEW)
        assert 'id="login-problem"' in answer.text
        assert 'value="mara@example.com"' in answer.text


@with_api()
async def test_an_admin_is_changed_and_keeps_their_password(api: Api) -> None:
    admin = await appoint(api, Role.READ_ONLY_ADMIN, "jo", PASSWORD)
    async with signed_in(api) as browser:
        path = f"{ADMINS}/{admin.id}"
        assert 'value="jo"' in (await browser.open(path)).text
        answer = await browser.send(path, {"login": "jo", "name": "Jo W", "role": "HOOKS_ADMIN"})
        assert answer.headers["location"] == ADMINS
        found = (await api.call("GET", f"/api/v1/admins/{admin.id}")).json()
        assert (found["name"], found["role"], found["passwordSet"]) == ("Jo W", "HOOKS_ADMIN", True)
        wrong = await browser.send(path, {"login": "", "name": "Jo W", "role": "HOOKS_ADMIN"})
        assert wrong.status_code == 400
        assert 'id="login-problem"' in wrong.text


@with_api()
async def test_a_password_is_taken_away_after_a_question(api: Api) -> None:
    admin = await appoint(api, Role.READ_ONLY_ADMIN, "jo", PASSWORD)
    async with signed_in(api) as browser:
        path = f"{ADMINS}/{admin.id}/password"
        assert "signed out everywhere" in words_of((await browser.open(path)).text)
        assert (await browser.send(path)).status_code == 303
        assert (await api.call("GET", f"/api/v1/admins/{admin.id}")).json()["passwordSet"] is False


@with_api()
async def test_a_dismissed_admin_is_out_at_once(api: Api) -> None:
    async with signed_in(api) as browser, browsing(api) as mara:
        await enter(mara, await added(browser))
        [admin] = [one for one in (await api.call("GET", "/api/v1/admins")).json() if one["login"] == NEW["login"]]
        path = f"{ADMINS}/{admin['id']}/delete"
        assert "signed out at once" in words_of((await browser.open(path)).text)
        assert (await browser.send(path)).headers["location"] == ADMINS
        assert not await mara.is_signed_in()


@with_api()
async def test_the_last_super_admin_is_not_dismissed(api: Api) -> None:
    async with signed_in(api) as browser:
        everybody = (await api.call("GET", "/api/v1/admins")).json()
        [me] = [one for one in everybody if one["login"] != "admin"]
        [first] = [one for one in everybody if one["login"] == "admin"]
        assert (await browser.send(f"{ADMINS}/{first['id']}/delete")).status_code == 303
        answer = await browser.send(f"{ADMINS}/{me['id']}/delete")
        assert answer.status_code == 400
        assert "The last super admin of an org cannot be deleted" in words_of(answer.text)
