"""Admins: who they are, what they may hand on, and that a change of theirs takes effect at once."""

from __future__ import annotations

import asyncio

import pytest
from api_rig import EVENT, Api, with_api
from people_rig import (
    ADMINS,
    EVENTS,
    HOOKS,
    LOGS,
    PASSWORD,
    SIGN_IN,
    TOKENS,
    Caller,
    add_admin,
    causes,
    fields,
    first,
    logged,
    made,
    signed_in,
    token_of,
)

from tenterhook.domain.principal import Role


@with_api()
async def test_an_admin_is_appointed_read_changed_and_dismissed(api: Api) -> None:
    me = first(api)
    alice = await add_admin(me, "alice@example.com", "HOOKS_ADMIN")
    assert alice["id"].startswith("00u")
    assert set(alice) == {"id", "login", "name", "role", "created", "passwordSet", "lastSignIn"}
    assert alice["passwordSet"] is False
    assert alice["lastSignIn"] is None
    path = f"{ADMINS}/{alice['id']}"
    assert (await me.call("GET", path)).json() == alice
    body = {**alice, "name": "Alice", "role": "PUBLISHER"}
    changed = (await me.call("PUT", path, json=body)).json()
    assert changed == {**alice, "name": "Alice", "role": "PUBLISHER"}
    assert changed in (await me.call("GET", ADMINS)).json()
    assert await me.status("DELETE", path) == 204
    assert await me.status("GET", path) == 404
    assert await me.status("DELETE", path) == 404


@with_api()
async def test_admins_come_in_pages(api: Api) -> None:
    me = first(api)
    for n in range(4):
        await add_admin(me, f"a{n}", "PUBLISHER")
    answer = await me.call("GET", f"{ADMINS}?limit=3")
    assert len(answer.json()) == 3
    more = answer.headers.get_list("link")[1].partition(">")[0].removeprefix("<http://127.0.0.1:8080")
    assert len((await me.call("GET", more)).json()) == 2


WRONG = [
    ({"login": ""}, "login"),
    ({"login": "x" * 101}, "login"),
    ({"login": " a"}, "login"),
    ({"login": "a\u202eb"}, "login"),
    ({"login": "a\nb"}, "login"),
    ({"login": 5}, "login"),
    ({"name": None}, "name"),
    ({"role": "GOD"}, "role"),
    ({"role": None}, "role"),
    ({"password": "x" * 11}, "password"),
    ({"password": "x" * 201}, "password"),
    ({"password": "Alice@Example.com", "login": "alice@example.com"}, "password"),
    ({"password": 123456789012}, "password"),
    ({"superuser": True}, "superuser"),
]


@with_api()
async def test_all_that_is_wrong_with_an_admin_is_told_and_nothing_is_stored(api: Api) -> None:
    me = first(api)
    good = {"login": "alice", "name": "Alice", "role": "PUBLISHER"}
    for change, field in WRONG:
        answer = await me.call("POST", ADMINS, json={**good, **change})
        assert answer.status_code == 400, change
        assert fields(answer) == {field}, answer.text
        password = change.get("password")
        assert password is None or str(password) not in answer.text, "a password is never repeated"
    everything = await me.call("POST", ADMINS, json={"x": 1, "password": "short"})
    assert fields(everything) == {"x", "login", "name", "role", "password"}
    assert "x: is no field of the body; it has login, name, password, role" in causes(everything)
    assert len((await me.call("GET", ADMINS)).json()) == 1


@with_api()
async def test_a_login_is_taken_once_in_an_org_even_by_two_at_the_same_time(api: Api) -> None:
    me = first(api)
    body = {"login": "alice", "name": "A", "role": "PUBLISHER"}
    answers = await asyncio.gather(*(me.call("POST", ADMINS, json=body) for _ in range(8)))
    assert sorted(one.status_code for one in answers) == [200] + [400] * 7
    refused = next(one for one in answers if one.status_code == 400)
    assert causes(refused) == ["login: An admin with this login already exists."]
    bob = await add_admin(me, "bob", "PUBLISHER")
    told = await me.call("PUT", f"{ADMINS}/{bob['id']}", json={**bob, "login": "alice"})
    assert fields(told) == {"login"}


@with_api()
async def test_row_173_what_only_the_server_says_is_never_taken_from_a_body(api: Api) -> None:
    me = first(api)
    forged = {"id": "00u" + "x" * 17, "created": "2020-01-01T00:00:00.000Z", "passwordSet": True}
    forged |= {"lastSignIn": "2020-01-01T00:00:00.000Z", "_links": {"self": {"href": "x"}}}
    alice = await add_admin(me, "alice", "PUBLISHER", **forged)
    changed = (await me.call("PUT", f"{ADMINS}/{alice['id']}", json={**alice, **forged})).json()
    for shown in (alice, changed):
        assert shown["id"] != forged["id"]
        assert shown["created"] != forged["created"]
        assert shown["passwordSet"] is False
        assert shown["lastSignIn"] is None
    for key in ("org_id", "orgId", "password_hash", "last_sign_in"):
        body = {"login": "bob", "name": "B", "role": "PUBLISHER", key: "x"}
        assert fields(await me.call("POST", ADMINS, json=body)) == {key}
    token = await made(me, TOKENS, {"name": "a", "role": "PUBLISHER", "adminId": alice["id"], "id": "00T", "hint": "x"})
    assert token["adminId"] != alice["id"]
    assert token["id"] != "00T"
    for key in ("hash", "org_id", "revoked", "permissions", "admin_id"):
        assert fields(await me.call("POST", TOKENS, json={"name": "a", "role": "PUBLISHER", key: "x"})) == {key}


# -- the last super admin ----------------------------------------------------------------------------------------------


@with_api()
async def test_the_last_super_admin_can_be_neither_dismissed_nor_demoted(api: Api) -> None:
    me = first(api)
    (only,) = (await me.call("GET", ADMINS)).json()
    path = f"{ADMINS}/{only['id']}"
    for answer in (await me.call("DELETE", path), await me.call("PUT", path, json={**only, "role": "HOOKS_ADMIN"})):
        assert answer.status_code == 400
        assert "last super admin" in causes(answer)[0]
    assert (await me.call("PUT", path, json={**only, "name": "Boss"})).json()["name"] == "Boss"
    other = await add_admin(me, "other")
    assert (await me.call("PUT", path, json={**only, "role": "HOOKS_ADMIN"})).status_code == 200
    theirs = await made_by_link(me, other, refused=True)
    assert theirs is None, "a hooks admin makes no links"


async def made_by_link(caller: Caller, admin: dict, *, refused: bool) -> Caller | None:
    if refused:
        assert await caller.status("POST", f"{ADMINS}/{admin['id']}/sign-in-link") == 403
        return None
    return await signed_in(caller, admin)


@with_api()
async def test_of_two_last_super_admins_who_dismiss_each_other_one_stays(api: Api) -> None:
    me = first(api)
    (mine,) = (await me.call("GET", ADMINS)).json()
    for n in range(5):
        other = await add_admin(me, f"other{n}")
        theirs = await signed_in(me, other)
        calls = (
            me.call("DELETE", f"{ADMINS}/{other['id']}"),
            theirs.call("PUT", f"{ADMINS}/{mine['id']}", json={**mine, "role": "PUBLISHER"}),
        )
        answers = await asyncio.gather(*calls)
        # Whoever comes second is the last one, or is nobody any more, or may not do this any more.
        done = [one.status_code in (200, 204) for one in answers]
        refused = [one.status_code in (400, 401, 403) for one in answers]
        assert sorted(done) == sorted(refused) == [False, True], [one.text for one in answers]
        left = me if answers[0].status_code == 204 else theirs
        listed = (await left.call("GET", ADMINS)).json()
        assert [one["role"] for one in listed].count("SUPER_ADMIN") == 1
        if left is theirs:
            assert (await theirs.call("PUT", f"{ADMINS}/{mine['id']}", json=mine)).status_code == 200
            assert await me.status("DELETE", f"{ADMINS}/{other['id']}") == 204


# -- what is handed on -------------------------------------------------------------------------------------------------


@with_api()
async def test_nobody_appoints_changes_or_lets_in_somebody_who_may_do_more(api: Api) -> None:
    me = first(api)
    (boss,) = (await me.call("GET", ADMINS)).json()
    keeper = await token_of(me, scopes=["tenterhook.admins.manage", "okta.logs.read"])
    body = {"login": "eve", "name": "Eve", "role": "SUPER_ADMIN", "password": PASSWORD}
    boss_path = f"{ADMINS}/{boss['id']}"
    for method, path, sent in (
        ("POST", ADMINS, body),
        ("POST", ADMINS, {**body, "role": "HOOKS_ADMIN"}),
        ("PUT", boss_path, {**boss, "password": PASSWORD}),
        ("PUT", boss_path, {**boss, "role": "READ_ONLY_ADMIN"}),
        ("DELETE", boss_path, None),
        ("POST", f"{boss_path}/sign-in-link", None),
        ("POST", TOKENS, {"name": "a", "role": "SUPER_ADMIN"}),
        ("POST", TOKENS, {"name": "a", "scopes": ["okta.eventHooks.read"]}),
        ("POST", TOKENS, {"name": "a", "scopes": ["tenterhook.admins.manage", "tenterhook.orgs.manage"]}),
    ):
        answer = await keeper.call(method, path, json=sent)
        assert answer.status_code == 403, (method, path)
        assert "may" in causes(answer)[0]
    reader = (await keeper.call("POST", ADMINS, json={**body, "role": "READ_ONLY_ADMIN"})).json()
    assert await keeper.status("PUT", f"{ADMINS}/{reader['id']}", json={**reader, "role": "PUBLISHER"}) == 403
    assert await keeper.status("POST", TOKENS, json={"name": "a", "scopes": ["okta.logs.read"]}) == 200
    assert await keeper.status("DELETE", f"{ADMINS}/{reader['id']}") == 204


MAY = {
    Role.SUPER_ADMIN: {"hooks", "log", "admins", "publish"},
    Role.HOOKS_ADMIN: {"hooks", "log"},
    Role.READ_ONLY_ADMIN: {"log"},
    Role.PUBLISHER: {"publish"},
}
DOORS = {"hooks": HOOKS, "log": LOGS, "admins": ADMINS}


async def doors_of(caller: Caller) -> set[str]:
    """What the caller may do, tried out."""
    statuses = {name: await caller.status("GET", path) for name, path in DOORS.items()}
    statuses["publish"] = await caller.status("POST", EVENTS, json=EVENT)
    assert set(statuses.values()) <= {200, 403}, statuses
    return {name for name, status in statuses.items() if status == 200}


@pytest.mark.parametrize("role", Role)
def test_a_signed_in_admin_and_a_token_may_do_what_their_role_says(role: Role, tmp_path) -> None:
    @with_api()
    async def walk(api: Api) -> None:
        me = first(api)
        admin = await add_admin(me, "somebody", str(role))
        assert await doors_of(await signed_in(me, admin)) == MAY[role]
        assert await doors_of(await token_of(me, role=str(role))) == MAY[role]

    walk(tmp_path)


@with_api()
async def test_a_change_of_role_cuts_every_token_of_the_admin_at_once(api: Api) -> None:
    me = first(api)
    admin = await add_admin(me, "alice")
    session = await signed_in(me, admin)
    own = await token_of(session)
    scoped = await token_of(session, scopes=["okta.eventHooks.manage", "tenterhook.events.publish"])
    assert await doors_of(session) == await doors_of(own) == MAY[Role.SUPER_ADMIN]
    assert await doors_of(scoped) == {"hooks", "publish"}
    path = f"{ADMINS}/{admin['id']}"
    for role, rights in MAY.items():
        changed = await me.call("PUT", path, json={**admin, "role": str(role)})
        assert changed.status_code == 200
        assert await doors_of(session) == await doors_of(own) == rights
        assert await doors_of(scoped) == rights & {"hooks", "publish"}


@with_api()
async def test_row_169_a_dismissed_admins_tokens_are_refused_at_once_and_for_good(api: Api) -> None:
    me = first(api)
    admin = await add_admin(me, "alice", password=PASSWORD)
    session = await signed_in(me, admin)
    own = await token_of(session)
    link = (await made(me, f"{ADMINS}/{admin['id']}/sign-in-link", {}))["link"]
    assert await session.status() == await own.status() == 200
    assert await session.status("DELETE", f"{ADMINS}/{admin['id']}") == 204, "one may dismiss oneself"
    assert await session.status() == await own.status() == 401
    for given in ({"link": link}, {"login": "alice", "password": PASSWORD}):
        assert (await api.client.post(SIGN_IN, json=given)).status_code == 401
    assert admin["id"] not in {one["adminId"] for one in (await me.call("GET", TOKENS)).json()}
    await add_admin(me, "alice", password=PASSWORD)
    assert await session.status() == await own.status() == 401, "a namesake is somebody else"


@with_api()
async def test_another_password_ends_what_signing_in_gave_and_what_came_of_it(api: Api) -> None:
    me = first(api)
    admin = await add_admin(me, "alice", password=PASSWORD)
    session = await signed_in(me, admin)
    own = await token_of(session)
    path = f"{ADMINS}/{admin['id']}"
    kept = (await me.call("PUT", path, json={**admin, "name": "A"})).json()
    assert kept["passwordSet"] is True
    assert await session.status() == 200
    link = (await made(me, f"{path}/sign-in-link", {}))["link"]
    gone = (await me.call("PUT", path, json={**admin, "password": None})).json()
    assert gone["passwordSet"] is False
    assert await session.status() == 401
    assert await own.status() == 401
    for given in ({"link": link}, {"login": "alice", "password": PASSWORD}):
        assert (await api.client.post(SIGN_IN, json=given)).status_code == 401


@with_api()
async def test_what_is_done_to_admins_is_logged_with_who_did_it(api: Api) -> None:
    me = first(api)
    admin = await add_admin(me, "alice", "HOOKS_ADMIN", password=PASSWORD)
    path = f"{ADMINS}/{admin['id']}"
    await me.call("PUT", path, json={**admin, "role": "PUBLISHER", "password": PASSWORD + "!"})
    await me.call("POST", f"{path}/sign-in-link")
    await me.call("DELETE", path)
    events = await logged(me, "tenterhook.")
    kinds = ["admin.created", "admin.updated", "sign_in_link.created", "admin.deleted"]
    assert [one["eventType"] for one in events] == [f"tenterhook.{kind}" for kind in kinds]
    for event in events:
        assert event["actor"]["alternateId"] == "admin"
        assert event["target"][0]["id"] == admin["id"]
        assert event["target"][0]["alternateId"] == "alice"
        assert event["displayMessage"] != event["eventType"]
    assert events[1]["debugContext"]["debugData"] == {"changed": "password, role", "revokedTokens": "0"}
    forged = await me.call("POST", EVENTS, json={"eventType": "tenterhook.admin.created"})
    assert forged.status_code == 400
