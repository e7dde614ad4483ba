"""What came of a credential that was stolen, or made for less: links, sessions, and tokens issued with them."""

from __future__ import annotations

import asyncio
from pathlib import Path

from api_rig import Api, api_at, with_api
from issuer_rig import NOW_S, issuing
from people_rig import (
    ADMINS,
    ORGS,
    PASSWORD,
    SIGN_IN,
    TOKENS,
    Caller,
    add_admin,
    first,
    logged,
    made,
    other_org,
    signed_in,
    token_of,
)

MANAGE = "tenterhook.admins.manage"


async def token_id(caller: Caller, name: str) -> str:
    """The id of the one token of the org with this name."""
    (found,) = [one["id"] for one in (await caller.call("GET", TOKENS)).json() if one["name"] == name]
    return str(found)


@with_api()
async def test_a_link_that_was_made_for_a_small_role_is_void_after_a_change_of_role(api: Api) -> None:
    me = first(api)
    bob = await add_admin(me, "bob", "PUBLISHER")
    small = await token_of(me, scopes=[MANAGE, "tenterhook.events.publish", "tenterhook.inlineCalls.run"])
    path = f"{ADMINS}/{bob['id']}"
    link = (await made(small, f"{path}/sign-in-link", {}))["link"]
    assert (await me.call("PUT", path, json={**bob, "role": "SUPER_ADMIN"})).status_code == 200
    assert (await api.client.post(SIGN_IN, json={"link": link})).status_code == 401
    link = (await made(me, f"{path}/sign-in-link", {}))["link"]
    assert (await me.call("PUT", path, json={**bob, "role": "SUPER_ADMIN", "name": "B"})).status_code == 200
    assert (await api.client.post(SIGN_IN, json={"link": link})).status_code == 200, "the role is as it was"


# -- who may revoke ----------------------------------------------------------------------------------------------------


@with_api()
async def test_nobody_revokes_a_token_that_may_do_more_but_their_own(api: Api) -> None:
    me = first(api)
    await token_of(me, name="strong")
    small = await token_of(me, name="small", scopes=[MANAGE])
    await token_of(me, name="as small", scopes=[MANAGE])
    await token_of(me, name="other", scopes=["okta.logs.read"])
    for name in ("strong", "other"):
        refused = await small.call("DELETE", f"{TOKENS}/{await token_id(me, name)}")
        assert refused.status_code == 403
        assert "may do as much" in refused.json()["errorSummary"] + str(refused.json()["errorCauses"])
    assert await small.status("DELETE", f"{TOKENS}/{await token_id(me, 'as small')}") == 204
    assert await small.status("DELETE", f"{TOKENS}/{await token_id(me, 'small')}") == 204, "its own"
    assert await small.status() == 401
    assert await me.status("DELETE", f"{TOKENS}/{await token_id(me, 'strong')}") == 204


@with_api()
async def test_what_counts_is_what_the_tokens_admin_may_still_do(api: Api) -> None:
    me = first(api)
    alice = await add_admin(me, "alice")
    await token_of(await signed_in(me, alice), name="alices")
    small = await token_of(me, name="small", scopes=[MANAGE, "okta.logs.read"])
    path = f"{TOKENS}/{await token_id(me, 'alices')}"
    assert await small.status("DELETE", path) == 403
    assert (await me.call("PUT", f"{ADMINS}/{alice['id']}", json={**alice, "role": "READ_ONLY_ADMIN"})).is_success
    assert await small.status("DELETE", path) == 204


@with_api()
async def test_in_another_org_a_super_admin_revokes_every_token(api: Api) -> None:
    _, theirs = await other_org(first(api))
    await token_of(theirs, name="strong")
    assert await theirs.status("DELETE", f"{TOKENS}/{await token_id(theirs, 'strong')}") == 204


# -- what was issued with what -----------------------------------------------------------------------------------------


@with_api()
async def test_another_password_ends_all_that_was_issued_while_signed_in_however_long_the_chain(api: Api) -> None:
    me = first(api)
    alice = await add_admin(me, "alice", password=PASSWORD)
    bob = await signed_in(me, await add_admin(me, "bob"))
    session = await signed_in(me, alice)
    one = await token_of(session, name="one")
    two = await token_of(one, name="two")
    three = await token_of(two, name="three")
    bobs = await token_of(bob, name="bobs")
    mine = await token_of(me, name="mine")
    assert await me.status("DELETE", f"{TOKENS}/{await token_id(me, 'two')}") == 204, "a link of the chain is gone"
    assert await one.status() == await three.status() == 200
    changed = await me.call("PUT", f"{ADMINS}/{alice['id']}", json={**alice, "password": PASSWORD + "!"})
    assert changed.status_code == 200
    assert [await caller.status() for caller in (session, one, three)] == [401] * 3
    assert [await caller.status() for caller in (bob, bobs, mine, me)] == [200] * 4
    event = (await logged(me, "tenterhook.admin.updated"))[0]
    assert event["debugContext"]["debugData"] == {"changed": "password", "revokedTokens": "3"}


@with_api()
async def test_a_token_of_a_session_lives_on_after_the_session_and_is_still_found_by_it(api: Api) -> None:
    me = first(api)
    alice = await add_admin(me, "alice", password=PASSWORD)
    start = api.pipeline.now_ms()
    api.pipeline.now_ms = lambda: start
    session = await signed_in(me, alice)
    own = await token_of(session, name="own")
    api.pipeline.now_ms = lambda: start + 13 * 3_600_000
    assert await session.status() == 401
    assert await own.status() == 200
    await signed_in(me, alice)  # clears away the sessions that have expired
    assert (await me.call("PUT", f"{ADMINS}/{alice['id']}", json={**alice, "password": None})).status_code == 200
    assert await own.status() == 401


@with_api()
async def test_a_session_that_is_ended_by_another_takes_along_what_was_issued_with_it(api: Api) -> None:
    me = first(api)
    alice = await add_admin(me, "alice")
    stolen = await signed_in(me, alice)
    minted = await token_of(await token_of(stolen), name="minted")
    path = f"{TOKENS}/{await token_id(me, 'sign-in')}"
    good = await token_of(await signed_in(me, alice), name="good")
    assert await minted.status() == 200
    assert await me.status("DELETE", path) == 204
    assert [await caller.status() for caller in (stolen, minted, good)] == [401, 401, 200]
    event = (await logged(me, "system.api_token.revoke"))[-1]
    assert event["debugContext"]["debugData"] == {"revokedTokens": "3"}


@with_api()
async def test_who_signs_out_keeps_what_they_issued(api: Api) -> None:
    me = first(api)
    session = await signed_in(me, await add_admin(me, "alice"))
    own = await token_of(session, name="own")
    assert await session.status("DELETE", f"{TOKENS}/{await token_id(me, 'sign-in')}") == 204
    assert await session.status() == 401
    assert await own.status() == 200


def test_an_oauth_client_cannot_issue_tokens(tmp_path: Path) -> None:
    async def walk() -> None:
        async with (
            asyncio.timeout(60),
            issuing() as issuer,
            api_at(tmp_path / "data", oauth_issuers=[issuer.url]) as api,
        ):
            api.pipeline.now_ms = lambda: NOW_S * 1000
            org, _ = await other_org(first(api))
            scopes = [MANAGE, "tenterhook.orgs.manage", "okta.logs.read"]
            headers = {"Authorization": f"Bearer {issuer.token(scp=scopes)}"}
            for path in (TOKENS, f"{ORGS}/{org['id']}/api-tokens"):
                body = {"name": "for ever", "scopes": ["okta.logs.read"]}
                refused = await api.client.post(path, json=body, headers=headers)
                assert refused.status_code == 403
                assert "OAuth client" in refused.json()["errorSummary"] + str(refused.json()["errorCauses"])
            assert (await api.client.get(TOKENS, headers=headers)).status_code == 200

    asyncio.run(walk())
