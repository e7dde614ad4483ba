"""A console session: how long it lives, what ends it, and that it does what its admin may do today."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator

import pytest
from api_rig import Api, with_api
from console_rig import PASSWORD, Browser, appoint, browsing, enter, link_of, signed_in, words_of

from tenterhook.domain.principal import Role
from tenterhook.door.rate_limit import RateLimits
from tenterhook.store.admins import Admin
from tenterhook.store.schema import console_session

ADMINS, TOKENS = "/api/v1/admins", "/api/v1/api-tokens"
MINUTE, HOUR = 60_000, 3_600_000


class Clock:
    """The pipeline's clock, from now on set by the test."""

    def __init__(self, api: Api) -> None:
        self.ms = api.pipeline.now_ms()
        api.pipeline.now_ms = lambda: self.ms


async def enter_as(api: Api, browser: Browser, role: Role = Role.SUPER_ADMIN) -> Admin:
    admin = await appoint(api, role, password=PASSWORD)
    assert (await enter(browser, await link_of(api, admin))).status_code == 303
    return admin


async def change(api: Api, admin: Admin, **changes: object) -> None:
    body = {"login": admin.login, "name": admin.name, "role": str(admin.role), **changes}
    answer = await api.call("PUT", f"{ADMINS}/{admin.id}", json=body)
    assert answer.status_code == 200, answer.text


@with_api()
async def test_a_session_that_is_not_seen_for_half_an_hour_ends(api: Api) -> None:
    clock = Clock(api)
    async with browsing(api) as browser:
        await enter_as(api, browser)
        for _ in range(4):
            clock.ms += 29 * MINUTE
            assert await browser.is_signed_in()
        clock.ms += 30 * MINUTE
        answer = await browser.open("/console/limits")
        assert (answer.status_code, answer.headers["location"]) == (303, "/console/sign-in?next=/console/limits")


@with_api()
async def test_a_session_ends_after_twelve_hours_however_often_it_is_seen(api: Api) -> None:
    clock = Clock(api)
    async with browsing(api) as browser:
        await enter_as(api, browser)
        end = clock.ms + 12 * HOUR
        while clock.ms + 20 * MINUTE < end:
            clock.ms += 20 * MINUTE
            assert await browser.is_signed_in()
        clock.ms = end
        assert not await browser.is_signed_in()


@with_api()
async def test_a_page_that_renews_itself_does_not_keep_its_session_alive(api: Api) -> None:
    clock = Clock(api)
    async with browsing(api) as browser:
        await enter_as(api, browser)
        for _ in range(5):
            clock.ms += 5 * MINUTE
            assert (await browser.open("/console", **{"X-Console-Live": "1"})).status_code == 200
        clock.ms += 5 * MINUTE
        assert not await browser.is_signed_in()


@with_api()
async def test_signing_out_ends_the_session_on_the_server(api: Api) -> None:
    async with signed_in(api) as browser, browsing(api) as thief:
        thief.put_cookie("sid", browser.cookie("sid") or "")
        assert await thief.is_signed_in()
        answer = await browser.send("/console/sign-out")
        assert (answer.status_code, answer.headers["location"]) == (303, "/console/sign-in")
        assert browser.cookie("sid") is None
        assert not await thief.is_signed_in()


@with_api()
async def test_a_form_whose_session_ends_while_it_is_on_its_way_does_nothing(api: Api) -> None:
    async with signed_in(api) as browser, browsing(api) as other:
        other.put_cookie("sid", browser.cookie("sid") or "")
        assert await other.is_signed_in()
        form = f"csrf={browser.token}&name=late".encode()

        async def parts() -> AsyncIterator[bytes]:
            yield form[:10]
            assert (await other.send("/console/sign-out")).status_code == 303
            yield form[10:]

        said = {"Origin": browser.base, "Content-Type": "application/x-www-form-urlencoded"}
        answer = await browser.client.post("/console/hook-keys", content=parts(), headers=said)
        assert (answer.status_code, answer.headers["location"][:16]) == (303, "/console/sign-in")
    assert (await api.call("GET", "/api/v1/hook-keys")).json() == []


@pytest.mark.parametrize("what", ["password", "dismissal", "revocation"])
def test_what_ends_an_admins_tokens_ends_their_session(what: str, tmp_path) -> None:
    @with_api()
    async def story(api: Api) -> None:
        async with browsing(api) as browser:
            admin = await enter_as(api, browser)
            assert await browser.is_signed_in()
            if what == "password":
                await change(api, admin, password="another good password")
            elif what == "dismissal":
                assert (await api.call("DELETE", f"{ADMINS}/{admin.id}")).status_code == 204
            else:
                listed = (await api.call("GET", TOKENS)).json()
                [session] = [one for one in listed if one["adminId"] == admin.id]
                assert session["name"] == "sign-in"
                assert (await api.call("DELETE", f"{TOKENS}/{session['id']}")).status_code == 204
            assert not await browser.is_signed_in()

    story(tmp_path)


@with_api()
async def test_another_role_gives_the_session_another_cookie_and_what_the_role_may_do(api: Api) -> None:
    async with browsing(api) as browser, browsing(api) as thief:
        admin = await enter_as(api, browser, Role.READ_ONLY_ADMIN)
        before = browser.cookie("sid") or ""
        assert "read only admin" in words_of((await browser.open("/console")).text)
        await change(api, admin, role="SUPER_ADMIN")
        assert "super admin" in words_of((await browser.open("/console")).text)
        assert browser.cookie("sid") not in (None, before)
        thief.put_cookie("sid", before)
        assert not await thief.is_signed_in()
        await change(api, admin, role="PUBLISHER")
        assert (await browser.open("/console/limits")).status_code == 403
        assert await browser.is_signed_in()


@with_api()
async def test_a_cookie_that_is_none_of_ours_is_sent_to_sign_in_and_nothing_else(api: Api) -> None:
    async with signed_in(api) as browser:
        good = browser.cookie("sid") or ""
        changed = good[:-1] + ("A" if good[-1] != "A" else "B")
        for bad in (changed, good[:20], "", "x" * 4096, "%00", "a b", "../..", "=" * 43, good + "="):
            async with browsing(api) as other:
                answer = await other.client.get("/console", headers={"Cookie": f"sid={bad}"})
                assert (answer.status_code, answer.headers["location"]) == (303, "/console/sign-in"), bad
        raw = await browser.api.client.get("/console", headers=[(b"cookie", b"sid=\xff\xfe; \x00;;==;sid")])
        assert raw.status_code == 303
        assert await browser.is_signed_in()


@with_api()
async def test_the_database_holds_nothing_that_opens_a_session(api: Api) -> None:
    async with signed_in(api) as browser:
        cookie = browser.cookie("sid") or ""
        for path in api.hooks.settings.data_dir.iterdir():
            assert cookie.encode() not in path.read_bytes(), path
        with sqlite3.connect(api.hooks.settings.data_dir / "tenterhook.db") as database:
            assert database.execute("SELECT count(*) FROM console_session").fetchone() == (1,)


@with_api()
async def test_that_a_session_was_seen_is_written_at_most_once_a_minute(api: Api) -> None:
    clock = Clock(api)
    async with browsing(api) as browser:
        await enter_as(api, browser)
        seen = [await _last_seen(api)]
        for wait in (20_000, 20_000, 20_000, 20_000):
            clock.ms += wait
            await browser.open("/console")
            seen.append(await _last_seen(api))
        assert [one - seen[0] for one in seen] == [0, 0, 0, 60_000, 60_000]


async def _last_seen(api: Api) -> int:
    found = await api.pipeline.database.read(
        lambda tx: tx.connection.execute(console_session.select()).one().last_seen  # the one session there is
    )
    return int(found)


@with_api(limits=RateLimits(visitors=3))
async def test_row_175_whoever_is_not_signed_in_has_so_many_pages_a_minute_and_others_have_theirs(api: Api) -> None:
    async with (
        signed_in(api) as inside,
        browsing(api, ip="192.0.2.9") as flood,
        browsing(api, ip="192.0.2.10") as other,
    ):
        flood.client.cookies.set("th_session", "x" * 43)
        paths = ("/console", "/console/nowhere", "/console/sign-in", "/console/sign-in", "/console/nowhere")
        answers = [await flood.open(path) for path in paths]
        assert [answer.status_code for answer in answers] == [303, 404, 200, 429, 429]
        assert "then try again" in answers[-1].text
        assert int(answers[-1].headers["retry-after"]) >= 1
        assert (await other.open("/console/sign-in")).status_code == 200
        assert (await inside.open("/console")).status_code == 200
