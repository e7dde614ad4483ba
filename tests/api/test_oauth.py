"""OAuth bearer tokens: what makes one good, where the issuer's keys come from, and for whom it acts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from api_rig import EVENT, Api, api_at, until
from issuer_rig import EC, EC_384, ED, NOW_S, OTHER_RSA, RSA, Issuer, encode, issuing, sign
from structlog.testing import capture_logs
from test_frame import assert_error

from tenterhook.engine.found_org import found_org
from tenterhook.engine.trust_issuer import MAX_WAITING
from tenterhook.errors import SettingsError
from tenterhook.platform import Tenterhook
from tenterhook.store.transaction import Tx

HOOKS = "/api/v1/eventHooks"


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = NOW_S * 1000

    def __call__(self) -> int:
        return self.now


@asynccontextmanager
async def trusting(path: Path, *issuers: Issuer, **settings: Any) -> AsyncIterator[tuple[Api, Clock]]:
    entries = settings.pop("oauth_issuers", [issuer.url for issuer in issuers])
    async with asyncio.timeout(60), api_at(path / "data", oauth_issuers=entries, **settings) as api:
        clock = api.pipeline.now_ms = Clock()
        yield api, clock


async def answer(api: Api, token: str, method: str = "GET", path: str = HOOKS, **options: Any) -> Any:
    headers = {"Authorization": f"Bearer {token}", **options.pop("headers", {})}
    return await api.client.request(method, path, headers=headers, **options)


async def status(api: Api, token: str, **options: Any) -> int:
    return (await answer(api, token, **options)).status_code


def warnings_in(logged: list[Any]) -> list[Any]:
    return [one for one in logged if one["log_level"] == "warning"]


OAuthTest = Callable[[Api, Issuer, Clock], Awaitable[None]]


def with_issuer(**settings: Any) -> Callable[[OAuthTest], Callable[[Path], None]]:
    """Make a test of a coroutine that wants an API that trusts one issuer."""

    def decorate(test: OAuthTest) -> Callable[[Path], None]:
        async def walk(path: Path) -> None:
            async with issuing() as issuer, trusting(path, issuer, **settings) as (api, clock):
                await test(api, issuer, clock)

        def run(tmp_path: Path) -> None:
            asyncio.run(walk(tmp_path))

        run.__name__ = test.__name__
        return run

    return decorate


@with_issuer()
async def test_a_good_token_is_good_by_each_kind_of_key(api: Api, issuer: Issuer, clock: Clock) -> None:
    issuer.keys.append(EC_384)
    kinds = [(RSA, "RS256"), (RSA, "RS384"), (RSA, "RS512"), (RSA, "PS256"), (EC, "ES256"), (EC_384, "ES384")]
    for key, algorithm in [*kinds, (ED, "EdDSA"), (ED, "Ed25519")]:
        assert await status(api, issuer.token(key, algorithm)) == 200, algorithm
    assert issuer.requests == ["/.well-known/oauth-authorization-server", "/keys"]


@with_issuer()
async def test_what_real_issuers_differ_in_is_accepted(api: Api, issuer: Issuer, clock: Clock) -> None:
    good: list[dict[str, Any]] = [
        {"header": {"typ": "at+jwt"}},
        {"header": {"typ": "JWT"}},
        {"header": {"typ": "application/at+JWT"}},
        {"header": {"kid": None}},
        {"aud": ["https://other.example", "http://127.0.0.1:8080"]},
        {"scp": None, "scope": "openid okta.eventHooks.read"},
        {"scp": "okta.eventHooks.manage openid"},
        {"cid": None, "azp": "0oa2"},
        {"cid": None, "client_id": "0oa3"},
        {"cid": None},
        {"iat": None, "nbf": NOW_S},
        {"exp": NOW_S - 59},
        {"nbf": NOW_S + 60, "iat": NOW_S + 60},
        {"exp": NOW_S + 0.5},
    ]
    for changes in good:
        assert await status(api, issuer.token(**changes)) == 200, changes
    assert await status(api, issuer.token(), headers={"DPoP": "proof"}) == 200
    for scheme in ("bearer", "BEARER ", "Bearer  "):
        headers = {"Authorization": f"{scheme} {issuer.token()}"}
        assert (await api.client.get(HOOKS, headers=headers)).status_code == 200, scheme


@with_issuer()
async def test_every_token_that_is_not_good_is_refused_alike(api: Api, issuer: Issuer, clock: Clock) -> None:
    bad: list[dict[str, Any]] = [
        {"iss": issuer.url + "/"},
        {"iss": "https://other.example"},
        {"iss": None},
        {"iss": [issuer.url]},
        {"aud": "https://other.example"},
        {"aud": None},
        {"aud": ["http://127.0.0.1:8080/"]},
        {"aud": {"http://127.0.0.1:8080": 1}},
        {"exp": None},
        {"exp": NOW_S - 60},
        {"exp": "4000000000"},
        {"exp": True},
        {"exp": 1e300},
        {"nbf": NOW_S + 61},
        {"nbf": "x"},
        {"iat": NOW_S + 61},
        {"sub": None, "cid": None},
        {"sub": "a\nb"},
        {"cid": "x" * 256},
        {"cid": ""},
        {"scp": {"a": 1}},
        {"scp": [1]},
        {"scp": ["a"] * 201},
        {"header": {"typ": "dpop+jwt"}},
        {"header": {"typ": 5}},
        {"header": {"kid": "nobody's"}},
        {"header": {"kid": 5}},
        {"header": {"crit": ["b64"], "b64": False}},
        {"header": {"crit": ["own"], "own": 1}},
        {"key": OTHER_RSA, "header": {"kid": "rsa"}},
        {"key": OTHER_RSA, "header": {"jwk": OTHER_RSA.as_dict(private=False), "kid": None}},
        {"key": OTHER_RSA, "header": {"jku": issuer.url + "/mine", "kid": "rsa"}},
        {"padding": "x" * 8192},
    ]
    for changes in bad:
        told = await answer(api, issuer.token(**changes))
        assert_error(told, 401, "E0000011")
        assert (told.json()["errorSummary"], told.json()["errorCauses"]) == ("Invalid token provided", []), changes
    assert "/mine" not in issuer.requests
    assert await status(api, issuer.token()) == 200


@with_issuer()
async def test_a_token_without_a_signature_or_with_a_mac_is_refused(api: Api, issuer: Issuer, clock: Clock) -> None:
    public = RSA.as_pem(private=False)
    claims = issuer.claims()
    for algorithm in ("none", "HS256", "HS384", "HS512"):
        assert await status(api, sign({"alg": algorithm, "kid": "rsa"}, claims, public)) == 401, algorithm
    good = issuer.token().split(".")
    for parts in (
        [good[0], good[1], ""],
        [good[0], good[1]],
        [*good, ""],
        ["", good[1], good[2]],
        [good[0], "", good[2]],
    ):
        assert await status(api, ".".join(parts)) == 401
    assert await status(api, ".".join([encode({"alg": "None"}), good[1], good[2]])) == 401
    assert await status(api, ".".join([good[0], encode(issuer.claims(scp=["tenterhook.orgs.manage"])), good[2]])) == 401
    flipped = good[2][:-3] + ("AAA" if good[2][-3:] != "AAA" else "BBB")
    assert await status(api, ".".join([good[0], good[1], flipped])) == 401
    assert await status(api, issuer.token(EC_384, "ES384", {"kid": "ec"})) == 401
    assert await status(api, issuer.token()) == 200


@with_issuer()
async def test_each_scheme_takes_its_own_kind_of_token(api: Api, issuer: Issuer, clock: Clock) -> None:
    assert await status(api, api.token) == 401
    for value in (f"SSWS {issuer.token()}", f"DPoP {issuer.token()}", f"Bearer{issuer.token()}", "Bearer", "Bearer "):
        assert_error(await api.client.get(HOOKS, headers={"Authorization": value}), 401, "E0000011")
    two = [("Authorization", f"Bearer {issuer.token()}"), ("Authorization", f"SSWS {api.token}")]
    assert (await api.client.get(HOOKS, headers=two)).status_code == 401


@with_issuer()
async def test_a_token_may_do_what_its_scopes_say(api: Api, issuer: Issuer, clock: Clock) -> None:
    told = await answer(api, issuer.token(scp=["openid"]))
    assert_error(told, 403, "E0000006")
    assert await status(api, issuer.token(scp=None)) == 403
    assert await status(api, issuer.token(), path="/api/v1/logs") == 403
    assert await status(api, issuer.token(scp=["okta.logs.read"]), path="/api/v1/logs") == 200
    assert await status(api, issuer.token(scp=["okta.eventHooks.manage"])) == 200
    publisher = issuer.token(scp=["tenterhook.events.publish"])
    assert await status(api, publisher, method="POST", path="/api/v1/events", json=EVENT) == 200


@with_issuer()
async def test_what_a_client_does_is_logged_as_its_own(api: Api, issuer: Issuer, clock: Clock) -> None:
    body = {
        "name": "By a client",
        "events": {"type": "EVENT_TYPE", "items": ["user.lifecycle.create"]},
        "channel": {"type": "HTTP", "version": "1.0.0", "config": {"uri": "https://svc.example.com/in"}},
    }
    token = issuer.token(sub="ada@example.com", scp=["okta.eventHooks.manage", "tenterhook.events.publish"])
    made = await answer(api, token, "POST", HOOKS, json=body)
    assert made.status_code == 200, made.text
    assert made.json()["createdBy"].startswith("00u")
    assert await status(api, token, method="POST", path="/api/v1/events", json=EVENT) == 200
    events = {one["eventType"]: one for one in (await api.call("GET", "/api/v1/logs?sortOrder=DESCENDING")).json()}
    told = events["event_hook.created"]
    assert told["actor"] == {
        "id": "0oa1client",
        "type": "PublicClientApp",
        "alternateId": "ada@example.com",
        "displayName": "0oa1client",
        "detailEntry": None,
    }
    assert told["transaction"]["detail"] == {}
    assert told["client"]["ipAddress"] == "192.0.2.7"
    assert events["user.lifecycle.create"]["debugContext"]["debugData"]["publishedBy"] == "oauth:0oa1client"


@with_issuer()
async def test_a_token_seen_before_costs_neither_signature_nor_issuer(api: Api, issuer: Issuer, clock: Clock) -> None:
    token = issuer.token(exp=NOW_S + 300)
    assert await status(api, token) == 200
    issuer.status = 500
    asked = len(issuer.requests)
    assert [await status(api, token) for _ in range(3)] == [200] * 3
    assert len(api.pipeline.access_tokens._known) == 1
    clock.now += 359_000
    assert await status(api, token) == 200, "until a minute after exp: clocks differ"
    clock.now += 1_000
    assert await status(api, token) == 401
    assert len(issuer.requests) == asked


@with_issuer()
async def test_a_rotated_key_is_found_at_once_and_a_withdrawn_one_ends(api: Api, issuer: Issuer, clock: Clock) -> None:
    old = issuer.token()
    assert await status(api, old) == 200
    issuer.keys = [OTHER_RSA]
    clock.now += 31_000
    assert await status(api, issuer.token(OTHER_RSA)) == 200, "an unknown kid asks for the keys anew"
    assert await status(api, issuer.token(scp=["openid", "okta.eventHooks.read"])) == 401
    clock.now += 600_000
    assert await status(api, old) == 401, "what was remembered ends with the keys' time"


@with_issuer()
async def test_unknown_keys_ask_the_issuer_once_in_half_a_minute(api: Api, issuer: Issuer, clock: Clock) -> None:
    assert await status(api, issuer.token()) == 200
    asked = len(issuer.requests)
    assert {await status(api, issuer.token(header={"kid": f"k{n}"})) for n in range(10)} == {401}
    assert len(issuer.requests) == asked
    clock.now += 30_000
    assert {await status(api, issuer.token(header={"kid": f"k{n}"})) for n in range(10)} == {401}
    assert len(issuer.requests) == asked + 1


@with_issuer()
async def test_how_long_keys_serve_is_the_issuers_to_say(api: Api, issuer: Issuer, clock: Clock) -> None:
    issuer.cache_control = "public, max-age=3600"
    assert await status(api, issuer.token()) == 200
    clock.now += 3_599_000
    assert await status(api, issuer.token(exp=NOW_S + 9999)) == 200
    assert issuer.requests.count("/keys") == 1
    clock.now += 1_000
    assert await status(api, issuer.token(exp=NOW_S + 9998)) == 200
    assert issuer.requests.count("/keys") == 2


@with_issuer()
async def test_the_last_keys_serve_for_a_day_while_the_issuer_is_down(api: Api, issuer: Issuer, clock: Clock) -> None:
    assert await status(api, issuer.token()) == 200
    issuer.status = 503
    with capture_logs() as logged:
        clock.now += 600_000
        assert await status(api, issuer.token(exp=NOW_S + 5_000)) == 200
        clock.now += 86_399_000
        assert await status(api, issuer.token(exp=NOW_S + 90_000)) == 200
        clock.now += 2_000
        assert await status(api, issuer.token(exp=NOW_S + 90_001)) == 401
    assert len(warnings_in(logged)) == 2
    issuer.status = 200
    clock.now += 31_000
    assert await status(api, issuer.token(exp=NOW_S + 90_001)) == 200


async def walk_with_broken(path: Path, facts: dict[str, Any]) -> None:
    async with issuing(**facts) as issuer:
        issuer.location = issuer.url + "/elsewhere" if facts.get("status") == 302 else ""
        async with trusting(path, issuer) as (api, clock):
            with capture_logs() as logged:
                assert await status(api, issuer.token()) == 401
                assert await status(api, issuer.token(header={"kid": "x"})) == 401
            assert len(warnings_in(logged)) == 1, "asked once"
            assert issuer.token() not in str(logged)
            assert "/elsewhere" not in issuer.requests
            assert (await api.call("GET", HOOKS)).status_code == 200
            for name, value in vars(Issuer()).items():
                if name not in ("url", "requests", "gate"):
                    setattr(issuer, name, value)
            clock.now += 31_000
            assert await status(api, issuer.token()) == 200, "it mended"


UNFIT = b'{"kty":"oct","k":"AAAA","kid":"rsa"},{"kty":"RSA","n":"AQAB","e":"AQAB","kid":"rsa"},5,{}'
BROKEN: dict[str, dict[str, Any]] = {
    "error": {"status": 500},
    "redirect": {"status": 302},
    "huge": {"body": b"x" * 300_000},
    "huge_json": {"body": b'{"keys":[' + b" " * 270_000 + b"]}"},
    "no_json": {"body": b"not json"},
    "no_object": {"body": b"[]"},
    "no_list": {"body": b'{"keys":5}'},
    "no_key": {"body": b'{"keys":[]}'},
    "unfit_keys": {"body": b'{"keys":[' + UNFIT + b"]}"},
    "another_issuer": {"metadata": {"issuer": "https://other.example"}},
    "no_keys_url": {"metadata": {"jwks_uri": 5}},
    "a_file": {"metadata": {"jwks_uri": "file:///etc/passwd"}},
    "a_cloud": {"metadata": {"jwks_uri": "http://169.254.169.254/keys"}},
    "no_metadata": {"well_known": ()},
}


@pytest.mark.parametrize("broken", BROKEN)
def test_keys_that_cannot_be_had_let_nobody_in_and_are_asked_for_again_later(tmp_path: Path, broken: str) -> None:
    asyncio.run(walk_with_broken(tmp_path, BROKEN[broken]))


def test_metadata_of_openid_connect_serves_as_well(tmp_path: Path) -> None:
    async def walk() -> None:
        async with issuing(well_known=("/.well-known/openid-configuration",)) as issuer:
            async with trusting(tmp_path, issuer) as (api, _):
                assert await status(api, issuer.token()) == 200
            assert issuer.requests[-2:] == ["/.well-known/openid-configuration", "/keys"]

    asyncio.run(walk())


@with_issuer()
async def test_a_hanging_issuer_holds_few_calls_and_none_with_an_api_token(
    api: Api, issuer: Issuer, clock: Clock
) -> None:
    issuer.gate.clear()
    calls = [asyncio.create_task(status(api, issuer.token(exp=NOW_S + 100 + n))) for n in range(MAX_WAITING + 20)]
    await until(lambda: sum(call.done() for call in calls) == 20)
    assert (await api.call("GET", HOOKS)).status_code == 200
    assert (await api.call("POST", "/api/v1/events", json=EVENT)).status_code == 200
    assert len(issuer.requests) == 1, "one asks for all"
    issuer.gate.set()
    assert sorted(await asyncio.gather(*calls)) == [200] * MAX_WAITING + [401] * 20


def test_each_issuer_is_for_its_own_org(tmp_path: Path) -> None:
    async def walk() -> None:
        async with issuing() as ours, issuing(keys=[OTHER_RSA]) as theirs:
            async with api_at(tmp_path / "data") as api:

                def found(tx: Tx) -> str:
                    return found_org(tx, "theirs", api.pipeline.now_ms())[0].id

                org_id = await api.pipeline.database.write(found)
            entries = [ours.url, f"{theirs.url} {org_id}"]
            async with trusting(tmp_path, oauth_issuers=entries) as (api, _):
                hook = await api.add_hook("https://svc.example.com/in")
                theirs_read = theirs.token(OTHER_RSA)
                assert [one["id"] for one in (await answer(api, ours.token())).json()] == [hook.id]
                assert (await answer(api, theirs_read)).json() == []
                assert await status(api, theirs_read, path=f"{HOOKS}/{hook.id}") == 404
                assert await status(api, ours.token(OTHER_RSA)) == 401, "a key of one is none of the other's"
                forged = theirs.token(OTHER_RSA, iss=ours.url)
                assert await status(api, forged) == 401
                everything = theirs.token(OTHER_RSA, scp=["tenterhook.orgs.manage", "tenterhook.orgs.publish"])
                headers = {"X-Tenterhook-Org": hook.org_id}
                assert await status(api, everything, path="/api/v1/orgs") in (403, 404)
                told = await answer(api, everything, "POST", "/api/v1/events", json=EVENT, headers=headers)
                assert told.status_code == 403, "the operator's scopes are the operator's org's alone"

    asyncio.run(walk())


def test_an_issuer_whose_org_is_not_there_lets_nobody_in(tmp_path: Path) -> None:
    async def walk() -> None:
        async with issuing() as issuer, trusting(tmp_path, oauth_issuers=[issuer.url + " 00oNobody"]) as (api, _):
            assert await status(api, issuer.token()) == 401

    asyncio.run(walk())


def test_the_audience_can_be_set(tmp_path: Path) -> None:
    async def walk() -> None:
        async with issuing() as issuer, trusting(tmp_path, issuer, oauth_audience="api://default") as (api, _):
            assert await status(api, issuer.token()) == 401
            assert await status(api, issuer.token(aud="api://default")) == 200

    asyncio.run(walk())


@pytest.mark.parametrize("issuer", ["http://id.example.com", "https://10.0.0.7", "https://id.example.com:22"])
def test_an_issuer_that_may_not_be_called_is_told_at_the_start(tmp_path: Path, issuer: str) -> None:
    async def walk() -> None:
        async with Tenterhook.at(str(tmp_path / "data"), oauth_issuers=[issuer]):
            raise AssertionError("started")

    with pytest.raises(SettingsError, match="oauth-issuers: the address of"):
        asyncio.run(walk())


@with_issuer(dev=True)
async def test_clients_of_one_name_in_two_orgs_are_counted_apart(api: Api, issuer: Issuer, clock: Clock) -> None:
    first = await answer(api, issuer.token())
    again = await answer(api, issuer.token(cid="0oa9other"))
    remaining = [
        int(one.headers["x-rate-limit-remaining"]) for one in (first, again, await answer(api, issuer.token()))
    ]
    assert remaining[0] - remaining[2] == 1
    assert remaining[1] == remaining[0]
