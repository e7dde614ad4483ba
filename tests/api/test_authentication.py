"""Who calls: the Authorization header, the tokens, and what each role may do."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from pathlib import Path

from api_rig import EVENT, Api, api_at, with_api
from test_frame import assert_error

from tenterhook.engine.authenticate import token_digest

TOKENS = "/api/v1/api-tokens"


async def make_token(api: Api, **body: str) -> dict:
    answer = await api.call("POST", TOKENS, json={"name": "made", "role": "SUPER_ADMIN", **body})
    assert answer.status_code == 200, answer.text
    return answer.json()


def files_with(folder: Path, text: str) -> list[Path]:
    return [path for path in folder.iterdir() if path.name != "admin-token" and text.encode() in path.read_bytes()]


async def status_with(api: Api, *authorization: str, path: str = TOKENS) -> int:
    headers = [("Authorization", value) for value in authorization]
    return (await api.client.get(path, headers=headers)).status_code


@with_api()
async def test_the_scheme_may_be_in_any_case_with_or_without_a_space(api: Api) -> None:
    for scheme in ("SSWS ", "SSWS", "ssws ", "Ssws", "SSWS  "):
        assert await status_with(api, scheme + api.token) == 200, scheme


@with_api()
async def test_what_is_no_token_is_told_in_oktas_words(api: Api) -> None:
    wrong = ["SSWS", "SSWS ", "", "Basic YTpi", f"Bearer {api.token}", api.token, "SSWS " + "x" * 10_240]
    wrong += [f"SSWS {api.token}x", f"SSWS {api.token[:-1]}", f"SSWS {api.token} x", f"SSWSS {api.token}"]
    wrong += [f"SSWS {api.token[:-1]}{'A' if api.token[-1] != 'A' else 'B'}", "SSWS é", f"DPoP {api.token}"]
    for value in wrong:
        answer = await api.client.get(TOKENS, headers={"Authorization": value.encode("latin-1")})
        told = assert_error(answer, 401, "E0000011")
        assert told["errorSummary"] == "Invalid token provided"
        assert told["errorCauses"] == []
        assert api.token[:-1] not in answer.text


@with_api()
async def test_a_header_of_the_wrong_form_is_told_how_it_is_written_and_a_wrong_token_nothing(api: Api) -> None:
    write = "write `Authorization: SSWS <token>`"
    bearer = f"Bearer is for OAuth access tokens, which are signed JWTs; for an API token {write}"
    for values, said in (
        ([], f"There is no Authorization header: {write}"),
        ([""], f"There is no Authorization header: {write}"),
        ([api.token], f"The Authorization header names no scheme: {write}"),
        ([f"Bearer {api.token}"], bearer),
        (["Basic YTpi"], f"This scheme is none of this API's: {write}"),
        (["SSWS"], f"What follows SSWS is no token: {write}"),
        ([f"SSWS {api.token} x"], f"What follows SSWS is no token: {write}"),
        ([f"SSWS {api.token}"] * 2, f"There is more than one Authorization header: {write}"),
        ([f"SSWS {api.token}x"], None),
        (["Bearer a.b.c"], None),
    ):
        answer = await api.client.get(TOKENS, headers=[("Authorization", value) for value in values])
        told = assert_error(answer, 401, "E0000011")
        assert (told["errorCauses"], answer.headers.get("x-tenterhook-hint")) == ([], said), values
        assert "www-authenticate" not in answer.headers


@with_api()
async def test_two_authorization_headers_are_none(api: Api) -> None:
    good = f"SSWS {api.token}"
    assert await status_with(api, good, good) == 401
    assert await status_with(api, good, "Bearer x") == 401
    assert await status_with(api, good) == 200


@with_api()
async def test_a_token_is_shown_once_and_kept_as_a_hash(api: Api) -> None:
    made = await make_token(api)
    token = made["token"]
    assert token.startswith("00")
    assert len(token) >= 42
    assert made["hint"] == token[:6]
    assert await status_with(api, f"SSWS {token}") == 200
    shown = (await api.call("GET", TOKENS)).json()
    assert made["id"] in [one["id"] for one in shown]
    assert all("token" not in one and "hash" not in one for one in shown)
    assert not files_with(api.pipeline.database.path.parent, token)


@with_api()
async def test_a_revoked_token_is_refused_at_once(api: Api) -> None:
    made = await make_token(api)
    assert await status_with(api, f"SSWS {made['token']}") == 200
    assert (await api.call("DELETE", f"{TOKENS}/{made['id']}")).status_code == 204
    assert await status_with(api, f"SSWS {made['token']}") == 401
    again = await api.call("DELETE", f"{TOKENS}/{made['id']}")
    assert_error(again, 404, "E0000007")
    assert made["id"] not in [one["id"] for one in (await api.call("GET", TOKENS)).json()]


@with_api()
async def test_a_token_may_revoke_itself(api: Api) -> None:
    made = await make_token(api)
    mine = {"Authorization": f"SSWS {made['token']}"}
    assert (await api.client.delete(f"{TOKENS}/{made['id']}", headers=mine)).status_code == 204
    assert await status_with(api, mine["Authorization"]) == 401


@with_api()
async def test_a_token_ends_when_it_expires_even_if_it_was_just_used(api: Api) -> None:
    made = await make_token(api, expires="2199-01-01T00:00:00.000Z")
    assert made["expires"] == "2199-01-01T00:00:00.000Z"
    assert await status_with(api, f"SSWS {made['token']}") == 200
    api.pipeline.now_ms = lambda: 7_226_582_400_000  # 2199-01-01, to the millisecond
    assert await status_with(api, f"SSWS {made['token']}") == 401
    assert await status_with(api, f"SSWS {api.token}") == 200


@with_api()
async def test_all_that_is_wrong_with_a_token_is_told_at_once(api: Api) -> None:
    answer = await api.call(
        "POST", TOKENS, json={"name": " ", "role": "GOD", "expires": "2020-01-01T00:00:00Z", "x": 1}
    )
    told = assert_error(answer, 400, "E0000001")
    assert told["errorSummary"] == "Api validation failed: apiToken"
    fields = {cause["errorSummary"].split(":")[0] for cause in told["errorCauses"]}
    assert fields == {"name", "role", "expires", "x"}
    for text in (b"[]", b'"text"', b"1", b"null"):
        headers = {"Content-Type": "application/json"}
        assert_error(await api.call("POST", TOKENS, content=text, headers=headers), 400, "E0000001")
    for expires in ("tomorrow", 5, "2026-02-30T00:00:00Z", "2020-01-01T00:00:00Z"):
        body = {"name": "a", "role": "PUBLISHER", "expires": expires}
        assert_error(await api.call("POST", TOKENS, json=body), 400, "E0000001")


@with_api()
async def test_issue_and_revocation_are_logged_with_who_did_it(api: Api) -> None:
    made = await make_token(api, name="for the log")
    await api.call("DELETE", f"{TOKENS}/{made['id']}", headers={"User-Agent": "test/1"})
    events = (await api.call("GET", "/api/v1/logs?sortOrder=DESCENDING&limit=10")).json()
    mine = {one["eventType"]: one for one in events if one["eventType"].startswith("system.api_token.")}
    assert set(mine) == {"system.api_token.create", "system.api_token.revoke"}
    for event in mine.values():
        assert event["actor"]["id"].startswith("00u")
        assert event["target"][0]["id"] == made["id"]
        assert event["target"][0]["displayName"] == "for the log"
        assert event["client"]["ipAddress"] == "192.0.2.7"
        assert event["transaction"]["detail"]["requestApiTokenId"].startswith("00T")
        assert made["token"] not in str(event)
    assert mine["system.api_token.revoke"]["client"]["userAgent"]["rawUserAgent"] == "test/1"


@with_api()
async def test_a_publisher_publishes_and_nothing_else(api: Api) -> None:
    made = await make_token(api, role="PUBLISHER")
    mine = {"Authorization": f"SSWS {made['token']}"}
    assert (await api.client.post("/api/v1/events", json=EVENT, headers=mine)).status_code == 200
    for method, path in (
        ("GET", TOKENS),
        ("POST", TOKENS),
        ("DELETE", f"{TOKENS}/00Tx"),
        ("GET", "/api/v1/logs"),
        ("GET", "/api/v1/logs/x/deliveries"),
        ("GET", "/api/v1/deliveries/x"),
        ("POST", "/api/v1/deliveries/x/retry"),
        ("POST", "/api/v1/deliveries/x/cancel"),
        ("GET", "/api/v1/eventHooks/x/deliveries"),
    ):
        told = assert_error(await api.client.request(method, path, headers=mine), 403, "E0000006")
        assert told["errorSummary"] == "You do not have permission to perform the requested action"
        [cause] = told["errorCauses"]
        assert re.fullmatch(
            r"This call needs (okta|tenterhook)\.[\w.]+; this caller has PUBLISHER\.", cause["errorSummary"]
        )


@with_api()
async def test_what_a_token_with_scopes_lacks_is_told_beside_what_it_has(api: Api) -> None:
    made = (await api.call("POST", TOKENS, json={"name": "n", "scopes": ["okta.logs.read"]})).json()
    mine = {"Authorization": f"SSWS {made['token']}"}
    told = assert_error(await api.client.get("/api/v1/eventHooks", headers=mine), 403, "E0000006")
    [cause] = told["errorCauses"]
    assert cause["errorSummary"] == "This call needs okta.eventHooks.read; this caller has okta.logs.read."


@with_api()
async def test_tokens_come_in_pages(api: Api) -> None:
    made = {(await make_token(api, name=f"n{n}"))["id"] for n in range(4)}
    seen: list[str] = []
    path = f"{TOKENS}?limit=2"
    while path:
        answer = await api.call("GET", path)
        seen += [one["id"] for one in answer.json()]
        lines = answer.headers.get_list("link")
        assert 'rel="self"' in lines[0]
        path = lines[-1].partition(">")[0].removeprefix("<http://127.0.0.1:8080") if len(lines) == 2 else ""
    assert len(seen) == len(set(seen)) == 5
    assert made < set(seen)
    for query in ("limit=0", "limit=1001", "limit=x", "limit=-1", "limit=1e3", "limit=%D9%A1", "after="):
        assert_error(await api.call("GET", f"{TOKENS}?{query}"), 400, "E0000001")


BOOTSTRAP = "bootstrap-token-of-the-operator"


def test_the_bootstrap_token_is_the_first_super_admin_while_it_is_set(tmp_path: Path) -> None:
    async def walk() -> None:
        async with api_at(tmp_path / "data", bootstrap_token=BOOTSTRAP) as api:
            assert await status_with(api, f"SSWS {BOOTSTRAP}") == 200
            made = await api.client.post(
                TOKENS, json={"name": "a", "role": "PUBLISHER"}, headers={"Authorization": f"SSWS {BOOTSTRAP}"}
            )
            assert made.json()["adminId"].startswith("00u")
        async with api_at(tmp_path / "data") as api:
            assert await status_with(api, f"SSWS {BOOTSTRAP}") == 401

    asyncio.run(walk())


def test_a_token_outlives_a_restart_and_a_copy_of_the_hash_opens_nothing(tmp_path: Path) -> None:
    async def walk() -> None:
        async with api_at(tmp_path / "data") as api:
            made = await make_token(api)
        async with api_at(tmp_path / "data") as api:
            assert await status_with(api, f"SSWS {made['token']}") == 200
            with sqlite3.connect(f"file:{api.pipeline.database.path}?mode=ro", uri=True) as copy:
                kept = copy.execute("SELECT hash, hint FROM api_token WHERE id = ?", (made["id"],)).fetchone()
            copy.close()
            assert len(kept[0]) == 32
            for guess in (kept[0].hex(), kept[1]):
                assert await status_with(api, f"SSWS {guess}") == 401

    asyncio.run(walk())


@with_api()
async def test_a_token_revoked_while_it_is_looked_up_is_not_remembered(api: Api) -> None:
    digest = token_digest((await make_token(api))["token"])
    tokens, now = api.pipeline.tokens, api.pipeline.now_ms()
    looking = asyncio.create_task(tokens.find(digest, now))
    await asyncio.sleep(0)  # the look-up is on its way and finds a token that is still good
    tokens.forget(digest)
    assert await looking is not None
    assert tokens.known(digest, now) is None
    assert await tokens.find(digest, now) is not None
    assert tokens.known(digest, now) is not None


@with_api()
async def test_the_tokens_remembered_are_bounded(api: Api) -> None:
    tokens, now = api.pipeline.tokens, api.pipeline.now_ms()
    tokens.max_known = 10
    digests = [token_digest((await make_token(api, name=f"n{n}"))["token"]) for n in range(12)]
    for digest in digests:
        assert await tokens.find(digest, now)
    assert [tokens.known(digest, now) is not None for digest in digests] == [False] * 2 + [True] * 10
