"""Signing in: with a password, or once with a link; what fails looks the same and is counted."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import threading
from pathlib import Path

import httpx2
from api_rig import BASE, Api, receiving, until, with_api
from people_rig import (
    ADMINS,
    ORGS,
    PASSWORD,
    SIGN_IN,
    TOKENS,
    Caller,
    add_admin,
    fields,
    files_with,
    first,
    logged,
    made,
    other_org,
)

from tenterhook.domain.event_hook import Events
from tenterhook.domain.verdict import HookFilter
from tenterhook.door.rate_limit import RateLimits

HOURS_12, MINUTES_15 = 12 * 3_600_000, 15 * 60_000
ALICE = {"login": "alice", "password": PASSWORD}


async def attempt(api: Api, **body: str):
    return await api.client.post(SIGN_IN, json=body, headers={"User-Agent": "test/1"})


def assert_refused(answer) -> None:
    assert answer.status_code == 401, answer.text
    told = answer.json()
    assert (told["errorCode"], told["errorSummary"]) == ("E0000004", "Authentication failed")
    assert told["errorCauses"] == []


@with_api()
async def test_a_password_opens_a_session_of_twelve_hours(api: Api) -> None:
    me = first(api)
    admin = await add_admin(me, "alice", "HOOKS_ADMIN", password=PASSWORD)
    start = 1_800_000_000_000
    api.pipeline.now_ms = lambda: start
    answer = await attempt(api, **ALICE)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert set(told) == {"token", "id", "role", "expires", "org", "admin"}
    assert told["expires"] == "2027-01-15T20:00:00.000Z"
    assert told["role"] == "HOOKS_ADMIN"
    assert told["admin"] == {**admin, "lastSignIn": "2027-01-15T08:00:00.000Z"}
    assert told["org"]["id"].startswith("00o")
    alice = Caller(api, told["token"])
    assert await alice.status("GET", "/api/v1/eventHooks") == 200
    api.pipeline.now_ms = lambda: start + HOURS_12 - 1
    assert await alice.status("GET", "/api/v1/eventHooks") == 200
    api.pipeline.now_ms = lambda: start + HOURS_12
    assert await alice.status("GET", "/api/v1/eventHooks") == 401
    assert (await attempt(api, **ALICE)).status_code == 200
    names = [one["name"] for one in (await me.call("GET", TOKENS)).json()]
    assert names.count("sign-in") == 1, "what has expired is cleared away"


@with_api(limits=RateLimits(sign_ins=100))
async def test_every_failure_looks_the_same(api: Api) -> None:
    me = first(api)
    await add_admin(me, "alice", password=PASSWORD)
    await add_admin(me, "nopassword")
    org, _ = await other_org(me)
    for body in (
        {"login": "alice", "password": PASSWORD + "x"},
        {"login": "alice", "password": PASSWORD[:-1]},
        {"login": "Alice", "password": PASSWORD},
        {"login": "nobody", "password": PASSWORD},
        {"login": "nopassword", "password": PASSWORD},
        {"login": "alice", "password": PASSWORD, "org": org["id"]},
        {"login": "alice", "password": PASSWORD, "org": "00oaaaaaaaaaaaaaaaaa"},
        {"login": "alice", "password": ""},
        {"login": "' OR 1=1 --", "password": PASSWORD},
        {"link": "x"},
        {"link": "é"},
    ):
        assert_refused(await attempt(api, **body))
    assert (await attempt(api, **ALICE)).status_code == 200


@with_api()
async def test_the_filter_in_the_readme_keeps_sign_ins_to_this_server_from_a_hook_and_nothing_else(api: Api) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    (expression,) = re.findall(r'--filter "user\.session\.start=(.+?)"', readme)
    await add_admin(first(api), "alice", password=PASSWORD)
    for body in (ALICE, {**ALICE, "password": "wrong"}, {**ALICE, "login": "nobody"}):
        await attempt(api, **body)
    await api.publish({"eventType": "user.session.start", "actor": {"id": "1", "type": "User", "alternateId": "ada"}})
    found = await logged(first(api), "user.session.start")
    chosen = HookFilter(expression.replace("'admin'", "'alice'"))
    assert [event["actor"]["alternateId"] for event in found if chosen.judge(event).matched] == ["ada"]
    assert len(found) == 4


@with_api()
async def test_an_unknown_login_costs_a_comparison_too(api: Api) -> None:
    await add_admin(first(api), "alice", password=PASSWORD)
    passwords = api.pipeline.passwords
    compared: list[str] = []
    verify = passwords._verify
    passwords._verify = lambda stored, given: compared.append(stored) or verify(stored, given)  # type: ignore[method-assign]
    for login in ("alice", "nobody", "admin"):
        assert_refused(await attempt(api, login=login, password="not the password"))
    assert len(compared) == 3
    costs = {stored.rsplit("$", 2)[0] for stored in compared}
    assert len(costs) == 1, "with the same parameters"


@with_api()
async def test_what_is_no_way_to_sign_in_is_told(api: Api) -> None:
    for body, wrong in (
        ({}, {"login", "password"}),
        ({"login": "a"}, {"password"}),
        ({"login": 5, "password": []}, {"login", "password"}),
        ({"login": "a" * 101, "password": "b" * 201}, {"login", "password"}),
        ({"link": "a", "login": "b", "password": "c", "org": "d"}, {"login", "password", "org"}),
        ({"link": "x" * 201}, {"link"}),
        ({**ALICE, "role": "SUPER_ADMIN"}, {"role"}),
    ):
        answer = await api.client.post(SIGN_IN, json=body)
        assert answer.status_code == 400, body
        assert fields(answer) == wrong, answer.text
    for content in (b"[]", b"{", b""):
        answer = await api.client.post(SIGN_IN, content=content, headers={"Content-Type": "application/json"})
        assert answer.status_code == 400
    assert (await api.client.get(SIGN_IN)).status_code == 405


# -- guessing ----------------------------------------------------------------------------------------------------------


@with_api()
async def test_after_five_failures_from_an_address_it_is_refused_that_login_even_with_its_password(api: Api) -> None:
    me = first(api)
    await add_admin(me, "alice", password=PASSWORD)
    await add_admin(me, "bob", password=PASSWORD)
    guesses = [await attempt(api, login="alice", password="guess number ten") for _ in range(10)]
    assert [one.status_code for one in guesses] == [401] * 5 + [429] * 5
    refused = await attempt(api, **ALICE)
    assert refused.status_code == 429
    assert refused.json()["errorCode"] == "E0000047"
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert refused.headers["x-rate-limit-limit"] == "5"
    assert refused.headers["x-rate-limit-remaining"] == "0"
    assert (await attempt(api, login="bob", password=PASSWORD)).status_code == 200
    admin = next(one for one in (await me.call("GET", ADMINS)).json() if one["login"] == "alice")
    link = (await made(me, f"{ADMINS}/{admin['id']}/sign-in-link", {}))["link"]
    assert (await attempt(api, link=link)).status_code == 200, "a link still lets the real one in"


def elsewhere(api: Api, address: str) -> httpx2.AsyncClient:
    """A client at another address."""
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=api.frame, client=(address, 1)), base_url=BASE)


@with_api()
async def test_row_193_guesses_of_somebody_elsewhere_keep_nobody_out(api: Api) -> None:
    await add_admin(first(api), "alice", password=PASSWORD)
    async with elsewhere(api, "198.51.100.9") as attacker:
        guesses = [
            (await attacker.post(SIGN_IN, json={**ALICE, "password": f"guess number {n}"})).status_code
            for n in range(60)
        ]
    assert guesses == [401] * 5 + [429] * 55
    assert (await attempt(api, **ALICE)).status_code == 200, "the right password, from where nobody guessed"


@with_api(limits=RateLimits(logins=2))
async def test_row_193_guesses_from_everywhere_keep_nobody_out_who_came_in_from_here(api: Api) -> None:
    await add_admin(first(api), "alice", password=PASSWORD)
    assert (await attempt(api, **ALICE)).status_code == 200
    for address in ("198.51.100.1", "198.51.100.2", "2001:db8::1"):
        async with elsewhere(api, address) as attacker:
            await attacker.post(SIGN_IN, json={**ALICE, "password": "guess number ten"})
    async with elsewhere(api, "198.51.100.4") as attacker:
        assert (await attacker.post(SIGN_IN, json=ALICE)).status_code == 429, "from where nobody came in yet"
    assert (await attempt(api, **ALICE)).status_code == 200


@with_api(limits=RateLimits(logins=7))
async def test_guesses_from_many_addresses_are_counted_together(api: Api) -> None:
    me = first(api)
    admin = await add_admin(me, "alice", password=PASSWORD)
    statuses = []
    for address in ("198.51.100.1", "198.51.100.2", "2001:db8::1"):
        async with elsewhere(api, address) as attacker:
            guess = {**ALICE, "password": "guess number ten"}
            statuses += [(await attacker.post(SIGN_IN, json=guess)).status_code for _ in range(3)]
    assert statuses == [401] * 7 + [429] * 2
    assert (await attempt(api, **ALICE)).status_code == 429
    link = (await made(me, f"{ADMINS}/{admin['id']}/sign-in-link", {}))["link"]
    assert (await attempt(api, link=link)).status_code == 200, "a link still lets the real one in"


@with_api()
async def test_row_194_one_address_has_two_passwords_compared_at_a_time_and_others_their_turn(api: Api) -> None:
    await add_admin(first(api), "alice", password=PASSWORD)
    passwords, gate = api.pipeline.passwords, threading.Event()
    passwords._nobodys = await passwords.hash("x")
    verify = passwords._verify
    passwords._verify = lambda stored, given: gate.wait(20) and verify(stored, given)  # type: ignore[method-assign]
    async with elsewhere(api, "198.51.100.9") as attacker:
        guess = {"password": "guess number ten"}
        flood = [asyncio.create_task(attacker.post(SIGN_IN, json={**guess, "login": f"nobody{n}"})) for n in range(25)]
        await until(lambda: sum(one.done() for one in flood) == 23)
        mine = asyncio.create_task(attempt(api, **ALICE))
        await until(lambda: passwords._under_way == 3)
        gate.set()
        answers = await asyncio.gather(*flood)
        assert (await mine).status_code == 200
    assert sorted(one.status_code for one in answers) == [401] * 2 + [503] * 23
    assert not api.frame.state.limiter.begun, "nothing is kept of those who are gone"


@with_api()
async def test_signing_in_well_uses_nothing_up(api: Api) -> None:
    await add_admin(first(api), "alice", password=PASSWORD)
    for _ in range(7):
        assert (await attempt(api, **ALICE)).status_code == 200


@with_api(limits=RateLimits(failures=3))
async def test_failures_are_counted_by_address_whatever_the_login(api: Api) -> None:
    statuses = [(await attempt(api, login=f"n{n}", password=PASSWORD)).status_code for n in range(3)]
    assert statuses == [401] * 3
    refused = await attempt(api, link="x")
    assert refused.status_code == 429
    assert "retry-after" in refused.headers
    spoofed = await api.client.post(SIGN_IN, json={"link": "x"}, headers={"X-Forwarded-For": "198.51.100.9"})
    assert spoofed.status_code == 429


@with_api(limits=RateLimits(sign_ins=1, logins=1, failures=2))
async def test_an_attempt_that_was_never_judged_is_no_guess_but_counts_for_its_address(api: Api) -> None:
    await add_admin(first(api), "alice", password=PASSWORD)
    api.pipeline.passwords._under_way = 1000
    busy = await attempt(api, **ALICE)
    assert busy.status_code == 503
    assert "retry-after" in busy.headers
    api.pipeline.passwords._under_way = 0
    assert (await attempt(api, **ALICE)).status_code == 200
    api.pipeline.passwords._under_way = 1000
    assert [(await attempt(api, **ALICE)).status_code for _ in range(3)] == [503, 429, 429]


# -- links -------------------------------------------------------------------------------------------------------------


@with_api()
async def test_a_link_works_once_even_for_many_at_the_same_time(api: Api) -> None:
    me = first(api)
    admin = await add_admin(me, "alice", "READ_ONLY_ADMIN")
    link = await made(me, f"{ADMINS}/{admin['id']}/sign-in-link", {})
    assert set(link) == {"link", "url", "expires"}
    assert link["url"] == f"{api.pipeline.public_url}/console/sign-in?link={link['link']}"
    answers = await asyncio.gather(*(attempt(api, link=link["link"]) for _ in range(10)))
    assert sorted(one.status_code for one in answers) == [200] + [401] * 9
    session = next(one for one in answers if one.status_code == 200).json()
    assert session["admin"]["login"] == "alice"
    assert session["role"] == "READ_ONLY_ADMIN"
    assert_refused(await attempt(api, link=link["link"]))


@with_api()
async def test_a_link_is_good_for_fifteen_minutes_and_until_the_next_one(api: Api) -> None:
    me = first(api)
    admin = await add_admin(me, "alice")
    bob = await add_admin(me, "bob")
    start = api.pipeline.now_ms()
    api.pipeline.now_ms = lambda: start
    old, new = [(await made(me, f"{ADMINS}/{admin['id']}/sign-in-link", {}))["link"] for _ in range(2)]
    assert_refused(await attempt(api, link=old))
    bobs = (await made(me, f"{ADMINS}/{bob['id']}/sign-in-link", {}))["link"]
    api.pipeline.now_ms = lambda: start + MINUTES_15 - 1
    assert (await attempt(api, link=new)).status_code == 200
    api.pipeline.now_ms = lambda: start + MINUTES_15
    assert_refused(await attempt(api, link=bobs))


@with_api()
async def test_a_link_of_another_org_signs_in_there(api: Api) -> None:
    org, theirs = await other_org(first(api))
    link = (await made(theirs, f"{ADMINS}/{org['admin']['id']}/sign-in-link", {}))["link"]
    session = (await attempt(api, link=link)).json()
    assert session["org"] == {"id": org["id"]}
    assert await Caller(api, session["token"]).status("GET", ORGS) == 403
    await theirs.call("PUT", f"{ADMINS}/{org['admin']['id']}", json={**org["admin"], "password": PASSWORD})
    given = {"login": "admin", "password": PASSWORD}
    assert_refused(await attempt(api, **given))
    assert (await attempt(api, **given, org=org["id"])).status_code == 200


# -- what is told and kept ---------------------------------------------------------------------------------------------


@with_api()
async def test_sign_ins_are_logged_and_a_login_that_nobody_has_is_not_repeated(api: Api) -> None:
    me = first(api)
    admin = await add_admin(me, "alice", password=PASSWORD)
    await attempt(api, **ALICE)
    await attempt(api, login="alice", password="wrong wrong wrong")
    await attempt(api, login="typed in the wrong field", password="x")
    link = (await made(me, f"{ADMINS}/{admin['id']}/sign-in-link", {}))["link"]
    await attempt(api, link=link)
    events = await logged(me, "user.session.start")
    told = [(one["actor"]["alternateId"], one["outcome"]["result"], one["outcome"]["reason"]) for one in events]
    assert told == [
        ("alice", "SUCCESS", None),
        ("alice", "FAILURE", "INVALID_CREDENTIALS"),
        ("unknown", "FAILURE", "INVALID_CREDENTIALS"),
        ("alice", "SUCCESS", None),
    ]
    assert [one["debugContext"]["debugData"]["authentication"] for one in events] == ["PASSWORD"] * 3 + ["LINK"]
    assert all(one["client"]["ipAddress"] == "192.0.2.7" for one in events)
    assert all(one["client"]["userAgent"]["rawUserAgent"] == "test/1" for one in events)
    assert all("requestApiTokenId" not in one["transaction"]["detail"] for one in events)
    assert "wrong field" not in str(events)


@with_api(limits=RateLimits(sign_ins=100))
async def test_failures_of_logins_that_nobody_has_are_logged_once_a_minute_with_their_number(api: Api) -> None:
    me = first(api)
    await add_admin(me, "alice", password=PASSWORD)
    org, theirs = await other_org(me)
    now = api.pipeline.now_ms()
    api.pipeline.now_ms = lambda: now
    for n in range(4):
        assert_refused(await attempt(api, login=f"nobody{n}", password="x"))
    assert_refused(await attempt(api, login="nobody", password="x", org=org["id"]))
    now += 60_000
    assert_refused(await attempt(api, login="alice", password="wrong"))
    assert_refused(await attempt(api, login="nobody", password="x"))
    now += 59_999
    assert_refused(await attempt(api, login="nobody", password="x"))
    assert_refused(await attempt(api, login="alice", password="wrong"))
    events = await logged(me, "user.session.start")
    told = [(one["actor"]["alternateId"], one["debugContext"]["debugData"].get("failures")) for one in events]
    assert told == [("unknown", "1"), ("alice", None), ("unknown", "4"), ("alice", None)]
    assert len(await logged(theirs, "user.session.start")) == 1, "each org is told of its own"


@with_api(limits=RateLimits(sign_ins=1000, failures=1000))
async def test_logins_that_nobody_has_fill_no_log_and_each_is_still_a_write(api: Api) -> None:
    def size(name: str) -> int:
        return sum(path.stat().st_size for path in api.pipeline.database.path.parent.glob(name))

    await attempt(api, login="nobody", password="x")
    before = len(await logged(first(api), "user."))
    for n in range(5):
        written = size("*-wal")
        assert_refused(await attempt(api, login=f"n{n}", password="x"))
        assert size("*-wal") > written, "or what takes no time would tell which logins there are"
    assert len(await logged(first(api), "user.")) == before


@with_api(limit_events_per_24h=2, limits=RateLimits(sign_ins=1000))
async def test_nobody_without_a_token_can_spend_an_orgs_quota(api: Api) -> None:
    me = first(api)
    await add_admin(me, "alice", password=PASSWORD)
    async with receiving(204) as receiver:
        watching = await api.add_hook(receiver.url, events=Events(items=("user.session.start",)))
        wanted = await api.add_hook(receiver.url)
        for _ in range(5):
            assert_refused(await attempt(api, login="alice", password="wrong"))
        await api.publish()
        await until(lambda: len(receiver.requests) == 6)
        assert await api.deliveries(watching, "?status=HELD") == []
        assert await api.deliveries(wanted, "?status=HELD") == []
    limits = (await me.call("GET", "/api/v1/limits")).json()
    assert limits[0]["name"] == "eventsTriggeringHooks"
    assert limits[0]["used"] == 1


@with_api()
async def test_no_secret_is_in_an_answer_a_log_event_or_a_file(api: Api) -> None:
    me = first(api)
    admin = await add_admin(me, "alice", password=PASSWORD)
    link = (await made(me, f"{ADMINS}/{admin['id']}/sign-in-link", {}))["link"]
    unused = (await made(me, f"{ADMINS}/{(await add_admin(me, 'bob'))['id']}/sign-in-link", {}))["link"]
    sessions = [(await attempt(api, **given)).json() for given in (ALICE, {"link": link})]
    token = (await made(me, TOKENS, {"name": "a", "scopes": ["okta.logs.read"]}))["token"]
    secrets = [PASSWORD, link, unused, token, *(one["token"] for one in sessions)]
    shown = [
        await me.call("GET", path) for path in (ADMINS, TOKENS, "/api/v1/logs?limit=1000", f"{ADMINS}/{admin['id']}")
    ]
    for secret in secrets:
        assert all(secret not in one.text for one in shown)
        assert not files_with(api.pipeline.database.path.parent, secret)
    assert all("argon2" not in one.text for one in shown)


@with_api()
async def test_a_password_is_kept_as_argon2id_with_its_parameters_and_renewed_when_they_change(api: Api) -> None:
    me = first(api)
    admin = await add_admin(me, "alice", password=PASSWORD)
    path = api.pipeline.database.path

    def kept() -> str:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as copy:
            (found,) = copy.execute("SELECT password FROM admin WHERE id = ?", (admin["id"],)).fetchone()
        copy.close()
        return str(found)

    assert kept().startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    before = kept()
    assert (await attempt(api, **ALICE)).status_code == 200
    assert kept() == before
    api.pipeline.passwords._hasher = type(api.pipeline.passwords._hasher)(time_cost=4)
    assert (await attempt(api, **ALICE)).status_code == 200
    assert kept().startswith("$argon2id$v=19$m=65536,t=4,p=4$")
    assert (await attempt(api, **ALICE)).status_code == 200
