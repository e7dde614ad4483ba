"""Orgs: founded by the operator alone, each with its first super admin."""

from __future__ import annotations

import asyncio

from api_rig import EVENT, Api, with_api
from people_rig import (
    ADMINS,
    EVENTS,
    HOOKS,
    ORGS,
    TOKENS,
    add_admin,
    causes,
    fields,
    first,
    logged,
    made,
    other_org,
    token_of,
)

HEADER = "X-Tenterhook-Org"


@with_api()
async def test_the_operator_founds_lists_and_reads_orgs(api: Api) -> None:
    operator = first(api)
    org = await made(operator, ORGS, {"name": " Acme "})
    assert org["id"].startswith("00o")
    assert org["name"] == "Acme"
    assert org["admin"]["id"].startswith("00u")
    assert org["admin"]["role"] == "SUPER_ADMIN"
    listed = (await operator.call("GET", ORGS)).json()
    assert {one["name"] for one in listed} == {"default", "Acme"}
    assert (await operator.call("GET", f"{ORGS}/{org['id']}")).json() == org
    assert await operator.status("GET", f"{ORGS}/00oaaaaaaaaaaaaaaaaa") == 404
    assert await operator.status("DELETE", f"{ORGS}/{org['id']}") == 405


@with_api()
async def test_a_name_is_taken_once_even_by_two_at_the_same_time(api: Api) -> None:
    operator = first(api)
    calls = [operator.call("POST", ORGS, json={"name": "Acme"}) for _ in range(8)]
    answers = await asyncio.gather(*calls)
    assert sorted(one.status_code for one in answers) == [200] + [400] * 7
    refused = next(one for one in answers if one.status_code == 400)
    assert causes(refused) == ["name: An org with this name already exists."]


@with_api()
async def test_all_that_is_wrong_with_an_org_is_told(api: Api) -> None:
    operator = first(api)
    for name in ("", "  ", "x" * 101, "a\nb", 5, None, ["a"]):
        answer = await operator.call("POST", ORGS, json={"name": name})
        assert answer.status_code == 400
        assert fields(answer) == {"name"}
    assert fields(await operator.call("POST", ORGS, json={"name": "a", "cursor_key": "x"})) == {"cursor_key"}
    for body in (b"[]", b'"a"', b"null"):
        answer = await operator.call("POST", ORGS, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 400


@with_api()
async def test_orgs_come_in_pages(api: Api) -> None:
    operator = first(api)
    for n in range(4):
        await made(operator, ORGS, {"name": f"org {n}"})
    seen: list[str] = []
    path = f"{ORGS}?limit=2"
    while path:
        answer = await operator.call("GET", path)
        seen += [one["id"] for one in answer.json()]
        lines = answer.headers.get_list("link")
        path = lines[-1].partition(">")[0].removeprefix("<http://127.0.0.1:8080") if len(lines) == 2 else ""
    assert len(seen) == len(set(seen)) == 5


@with_api()
async def test_another_orgs_super_admin_may_do_nothing_with_orgs(api: Api) -> None:
    org, theirs = await other_org(first(api))
    assert await theirs.status("GET", ADMINS) == 200
    for method, path in (
        ("GET", ORGS),
        ("POST", ORGS),
        ("GET", f"{ORGS}/{org['id']}"),
        ("POST", f"{ORGS}/{org['id']}/api-tokens"),
    ):
        assert await theirs.status(method, path, json={"name": "x", "role": "SUPER_ADMIN"}) == 403, path


@with_api()
async def test_a_founding_is_logged_at_home_and_in_the_new_org(api: Api) -> None:
    operator = first(api)
    org, theirs = await other_org(operator)
    for caller in (operator, theirs):
        (event,) = await logged(caller, "tenterhook.org.created")
        assert event["target"][0]["id"] == org["id"]
        assert event["actor"]["id"].startswith("00u")
        assert event["actor"]["id"] != org["admin"]["id"]
        tokens = await logged(caller, "system.api_token.create")
        assert len(tokens) == 1


@with_api()
async def test_an_operators_token_in_another_org_belongs_to_its_first_super_admin(api: Api) -> None:
    operator = first(api)
    org = await made(operator, ORGS, {"name": "Acme"})
    path = f"{ORGS}/{org['id']}/api-tokens"
    token = await made(operator, path, {"name": "a", "scopes": ["okta.logs.read"]})
    assert token["adminId"] == org["admin"]["id"]
    assert token["scopes"] == ["okta.logs.read"]
    assert token["role"] is None
    told = await operator.call("POST", path, json={"name": "a", "scopes": ["tenterhook.orgs.publish"]})
    assert told.status_code == 400
    assert fields(told) == {"scopes[0]"}
    unknown = await operator.call(
        "POST", f"{ORGS}/00oaaaaaaaaaaaaaaaaa/api-tokens", json={"name": "a", "role": "PUBLISHER"}
    )
    assert unknown.status_code == 404


@with_api()
async def test_who_manages_orgs_cannot_become_more_at_home(api: Api) -> None:
    operator = first(api)
    home = next(one["id"] for one in (await operator.call("GET", ORGS)).json())
    managing = await token_of(operator, scopes=["tenterhook.orgs.manage"])
    path = f"{ORGS}/{home}/api-tokens"
    assert await managing.status("POST", path, json={"name": "a", "role": "SUPER_ADMIN"}) == 403
    assert await managing.status("POST", path, json={"name": "a", "scopes": ["tenterhook.orgs.manage"]}) == 403
    assert await operator.status("POST", path, json={"name": "a", "role": "SUPER_ADMIN"}) == 200


# -- publishing into any org -------------------------------------------------------------------------------------------


@with_api()
async def test_the_operator_publishes_into_the_org_that_it_names(api: Api) -> None:
    operator = first(api)
    org, theirs = await other_org(operator)
    anywhere = await token_of(operator, scopes=["tenterhook.orgs.publish"])
    for caller in (operator, anywhere):
        answer = await caller.call("POST", EVENTS, json=EVENT, headers={HEADER: org["id"]})
        assert answer.status_code == 200, answer.text
        assert answer.json()["accepted"] == 1
    assert len(await logged(theirs, EVENT["eventType"])) == 2
    assert await logged(operator, EVENT["eventType"]) == []
    assert await anywhere.status("POST", EVENTS, json=EVENT) == 200, "who publishes anywhere publishes at home"
    assert len(await logged(operator, EVENT["eventType"])) == 1


@with_api()
async def test_an_org_that_is_not_there_is_told_in_the_usual_shape(api: Api) -> None:
    operator = first(api)
    ids = [one["id"] for one in (await operator.call("GET", ORGS)).json()]
    for wrong in ("00oaaaaaaaaaaaaaaaaa", "", "x", "00o' OR 1=1", "x" * 4000, f"{ids[0]},{ids[0]}"):
        answer = await operator.call("POST", EVENTS, json=EVENT, headers={HEADER: wrong})
        assert answer.status_code == 404, wrong
        assert answer.json()["errorCode"] == "E0000007"
    twice = [("Authorization", f"SSWS {operator.token}"), (HEADER, ids[0]), (HEADER, ids[0])]
    assert (await api.client.post(EVENTS, json=EVENT, headers=twice)).status_code == 404
    assert await logged(operator, EVENT["eventType"]) == []


@with_api()
async def test_only_the_operators_token_may_name_an_org(api: Api) -> None:
    operator = first(api)
    org, theirs = await other_org(operator)
    home = next(one["id"] for one in (await operator.call("GET", ORGS)).json() if one["id"] != org["id"])
    publisher = await token_of(operator, role="PUBLISHER")
    for caller, named in ((theirs, home), (publisher, org["id"]), (theirs, "00oaaaaaaaaaaaaaaaaa")):
        answer = await caller.call("POST", EVENTS, json=EVENT, headers={HEADER: named})
        assert answer.status_code == 403
        assert "tenterhook.orgs.publish" in causes(answer)[0]
    assert await logged(operator, EVENT["eventType"]) == []


# -- one org's ids in another one's paths ------------------------------------------------------------------------------


@with_api()
async def test_row_172_what_is_another_orgs_is_not_there(api: Api) -> None:
    operator = first(api)
    _, theirs = await other_org(operator)
    admin = await add_admin(operator, "alice", "HOOKS_ADMIN")
    token = await made(operator, TOKENS, {"name": "mine", "role": "PUBLISHER"})
    body = {"login": "mallory", "name": "M", "role": "SUPER_ADMIN"}
    for method, path in (
        ("GET", f"{ADMINS}/{admin['id']}"),
        ("PUT", f"{ADMINS}/{admin['id']}"),
        ("DELETE", f"{ADMINS}/{admin['id']}"),
        ("POST", f"{ADMINS}/{admin['id']}/sign-in-link"),
        ("GET", f"{TOKENS}/{token['id']}"),
        ("DELETE", f"{TOKENS}/{token['id']}"),
    ):
        answer = await theirs.call(method, path, json=body)
        assert answer.status_code == 404, path
        assert answer.json()["errorCode"] == "E0000007"
    assert (await operator.call("GET", f"{ADMINS}/{admin['id']}")).json() == admin
    assert [one["id"] for one in (await theirs.call("GET", f"{ADMINS}?after=00u")).json()] != [admin["id"]]
    after = f"{TOKENS}?after={token['id']}"
    assert token["id"] not in str((await theirs.call("GET", after)).json())


@with_api()
async def test_two_orgs_may_have_the_same_logins_and_see_only_their_own(api: Api) -> None:
    operator = first(api)
    _, theirs = await other_org(operator)
    await add_admin(operator, "alice", "PUBLISHER")
    await add_admin(theirs, "alice", "HOOKS_ADMIN")
    for caller, role in ((operator, "PUBLISHER"), (theirs, "HOOKS_ADMIN")):
        listed = (await caller.call("GET", ADMINS)).json()
        assert {one["login"]: one["role"] for one in listed} == {"admin": "SUPER_ADMIN", "alice": role}
    assert await theirs.status("GET", HOOKS) == 200
