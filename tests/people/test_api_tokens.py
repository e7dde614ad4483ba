"""API tokens: a role or scopes, an end, the last use, and what is kept of them."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from pathlib import Path

from api_rig import EVENT, Api, api_at, with_api
from people_rig import (
    EVENTS,
    HOOKS,
    LOGS,
    TOKENS,
    Caller,
    add_admin,
    causes,
    fields,
    files_with,
    first,
    made,
    other_org,
    signed_in,
    token_of,
)

from tenterhook.domain.principal import OPERATOR, Permission
from tenterhook.engine.authenticate import token_digest
from tenterhook.engine.remember_use import remember_uses

ALL = [str(one) for one in Permission]


@with_api()
async def test_a_token_with_scopes_may_do_just_that(api: Api) -> None:
    me = first(api)
    for scope, open_doors in (
        ("okta.logs.read", {LOGS}),
        ("okta.eventHooks.read", {HOOKS}),
        ("okta.eventHooks.manage", {HOOKS}),
        ("tenterhook.admins.manage", {TOKENS}),
        ("okta.inlineHooks.manage", set()),
    ):
        caller = await token_of(me, scopes=[scope])
        for path in (LOGS, HOOKS, TOKENS):
            assert await caller.status("GET", path) == (200 if path in open_doors else 403), (scope, path)
        assert await caller.status("POST", EVENTS, json=EVENT) == 403
    reader = await token_of(me, scopes=["okta.eventHooks.read", "okta.logs.read"])
    assert await reader.status("GET", HOOKS) == await reader.status("GET", LOGS) == 200
    assert await reader.status("POST", HOOKS, json={}) == 403
    assert await (await token_of(me, scopes=ALL)).status("GET", "/api/v1/orgs") == 200


@with_api()
async def test_a_token_is_told_with_its_role_or_its_scopes(api: Api) -> None:
    me = first(api)
    scoped = await made(me, TOKENS, {"name": "a", "scopes": ["okta.logs.read", "okta.eventHooks.read"]})
    roled = await made(me, TOKENS, {"name": "b", "role": "READ_ONLY_ADMIN", "scopes": None})
    assert (scoped["role"], scoped["scopes"]) == (None, ["okta.logs.read", "okta.eventHooks.read"])
    assert (roled["role"], roled["scopes"]) == ("READ_ONLY_ADMIN", None)
    for one in (scoped, roled):
        secret = one.pop("token")
        assert one["lastUsed"] is None
        assert (await me.call("GET", f"{TOKENS}/{one['id']}")).json() == one
        assert one in (await me.call("GET", TOKENS)).json()
        assert secret not in (await me.call("GET", f"{TOKENS}/{one['id']}")).text
    assert await me.status("GET", f"{TOKENS}/00Taaaaaaaaaaaaaaaaa") == 404


@with_api()
async def test_each_scope_that_is_wrong_is_a_cause(api: Api) -> None:
    me = first(api)
    sent = ["okta.logs.read", "okta.logs.write", 5, "okta.logs.read", "Okta.Logs.Read", None, ["okta.logs.read"]]
    answer = await me.call("POST", TOKENS, json={"name": "a", "scopes": sent})
    assert answer.status_code == 400
    assert fields(answer) == {f"scopes[{at}]" for at in range(1, 7)}
    assert "okta.logs.read" in causes(answer)[0], "what there is, is told"
    for body, wrong in (
        ({"name": "a"}, {"role"}),
        ({"name": "a", "role": "PUBLISHER", "scopes": ["okta.logs.read"]}, {"scopes"}),
        ({"name": "a", "scopes": []}, {"scopes"}),
        ({"name": "a", "scopes": "okta.logs.read"}, {"scopes", "role"}),
        ({"name": "a", "scopes": {}}, {"scopes", "role"}),
    ):
        assert fields(await me.call("POST", TOKENS, json=body)) == wrong, body
    many = await me.call("POST", TOKENS, json={"name": "a", "scopes": ["x" * 1000] * 500})
    assert many.status_code == 400
    assert len(many.content) < 10_000, "what is repeated is cut"


@with_api()
async def test_the_operators_scopes_are_for_its_own_org_only(api: Api) -> None:
    me = first(api)
    _, theirs = await other_org(me)
    for scope in ALL:
        body = {"name": "a", "scopes": [scope]}
        assert await me.status("POST", TOKENS, json=body) == 200
        assert await theirs.status("POST", TOKENS, json=body) == (400 if scope in OPERATOR else 200), scope
    assert await theirs.status("POST", TOKENS, json={"name": "a", "role": "SUPER_ADMIN"}) == 200
    assert await (await token_of(theirs)).status("GET", "/api/v1/orgs") == 403


@with_api()
async def test_a_token_may_never_do_more_than_its_admin(api: Api) -> None:
    me = first(api)
    admin = await add_admin(me, "alice")
    alice = await signed_in(me, admin)
    everything = await token_of(alice, scopes=ALL)
    await me.call("PUT", f"/api/v1/admins/{admin['id']}", json={**admin, "role": "READ_ONLY_ADMIN"})
    for caller in (alice, everything):
        assert await caller.status("GET", LOGS) == 200
        assert await caller.status("GET", HOOKS) == 403
        assert await caller.status("POST", TOKENS, json={"name": "a", "scopes": ["okta.logs.read"]}) == 403


# -- the last use ------------------------------------------------------------------------------------------------------


async def last_used(me: Caller, token_id: str) -> str | None:
    found: str | None = (await me.call("GET", f"{TOKENS}/{token_id}")).json()["lastUsed"]
    return found


def written(api: Api, token_id: str) -> int | None:
    """The last use that is in the database."""
    with sqlite3.connect(f"file:{api.pipeline.database.path}?mode=ro", uri=True) as copy:
        (found,) = copy.execute("SELECT last_used FROM api_token WHERE id = ?", (token_id,)).fetchone()
    copy.close()
    return None if found is None else int(found)


@with_api()
async def test_the_last_use_is_told_at_once_and_written_later(api: Api) -> None:
    me = first(api)
    token = await made(me, TOKENS, {"name": "a", "role": "PUBLISHER"})
    caller = Caller(api, token["token"])
    start = 1_800_000_000_000
    for seconds in (0, 1, 59):
        api.pipeline.now_ms = lambda seconds=seconds: start + seconds * 1000
        assert await caller.status("POST", EVENTS, json=EVENT) == 200
    assert await last_used(me, token["id"]) == "2027-01-15T08:00:59.000Z"
    assert written(api, token["id"]) is None, "not for each use"
    commits = api.pipeline.database.commits
    assert await remember_uses(api.pipeline) == 2  # theirs and mine
    assert api.pipeline.database.commits == commits + 1
    assert written(api, token["id"]) == start + 59_000
    assert await remember_uses(api.pipeline) == 0, "what was written is not written again"
    assert await last_used(me, token["id"]) == "2027-01-15T08:00:59.000Z"


@with_api()
async def test_a_use_is_not_lost_when_a_token_is_no_longer_remembered(api: Api) -> None:
    me = first(api)
    token = await made(me, TOKENS, {"name": "a", "role": "PUBLISHER"})
    await Caller(api, token["token"]).status("POST", EVENTS, json=EVENT)
    used = await last_used(me, token["id"])
    api.pipeline.tokens.max_known = 1
    assert await me.status() == 200
    assert await (await token_of(me, role="PUBLISHER")).status("POST", EVENTS, json=EVENT) == 200
    assert api.pipeline.tokens.last_use(token_digest(token["token"])) is None
    await remember_uses(api.pipeline)
    assert await last_used(me, token["id"]) == used


def test_uses_are_written_at_a_stop(tmp_path: Path) -> None:
    async def walk() -> None:
        async with api_at(tmp_path / "data") as api:
            token = await made(first(api), TOKENS, {"name": "a", "role": "PUBLISHER"})
            await Caller(api, token["token"]).status("POST", EVENTS, json=EVENT)
            assert written(api, token["id"]) is None
        async with api_at(tmp_path / "data") as api:
            assert await last_used(first(api), token["id"]) is not None

    asyncio.run(walk())


# -- what is kept ------------------------------------------------------------------------------------------------------


def test_rows_169_and_170_a_backup_holds_nothing_that_opens_and_its_revoked_tokens_stay_so(tmp_path: Path) -> None:
    async def walk() -> None:
        async with api_at(tmp_path / "data") as api:
            me = first(api)
            token = await made(me, TOKENS, {"name": "a", "role": "SUPER_ADMIN"})
            folder = api.pipeline.database.path.parent
            shutil.copytree(folder, tmp_path / "backup", ignore=shutil.ignore_patterns("admin-token", "*lock*"))
            assert not files_with(tmp_path / "backup", token["token"])
            assert not files_with(tmp_path / "backup", api.token)
            assert len(token["token"]) >= 2 + 43, "256 random bits"
            digest = token_digest(token["token"])
            for guess in (digest.hex(), digest.decode("latin-1"), token["hint"], token["id"]):
                header = {"Authorization": b"SSWS " + guess.encode("latin-1").replace(b"\n", b"").replace(b"\r", b"")}
                assert (await api.client.get(TOKENS, headers=header)).status_code == 401
            assert await me.status("DELETE", f"{TOKENS}/{token['id']}") == 204
        async with api_at(tmp_path / "data") as api:
            assert await Caller(api, token["token"]).status() == 401, "in last month's backup it is still alive"
            assert await first(api).status() == 200

    asyncio.run(walk())
