"""The OAUTH channel against a real token endpoint: both ways of proving who asks, one fetch for all, its failures."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Any

from api_rig import Api, until, with_api
from call_rig import (
    GRACE_S,
    NOTHING,
    Endpoint,
    add_hook,
    ask,
    debug,
    endpoint,
    hang,
    question,
    said,
    timed_ask,
    told,
    with_budget,
)
from inline_rig import HOOKS, create_key, org_of
from inline_samples import OAUTH_BODY, SIGNED_BODY
from joserfc import jwt
from joserfc.jwk import RSAKey
from token_rig import Issuer, OAuthClient, issuing

from tenterhook.domain.attempt import Outcome, Reason
from tenterhook.domain.inline.breaker import MOST_FAILURES
from tenterhook.domain.inline.grant import MARGIN_S, Grant
from tenterhook.domain.inline.kind import REGISTRATION, SAML, TOKEN
from tenterhook.engine.inline.grant import access_token
from tenterhook.engine.inline.grants import NoGrant
from tenterhook.store.schema import hook_key
from tenterhook.store.transaction import Tx
from tenterhook.store.vault import Vault, new_key

SECRET = "s3cret-value"


async def secret_hook(api: Api, issuer: Issuer, url: str, type: str = TOKEN.type, **changes: Any) -> dict[str, Any]:
    """A hook whose client proves itself with a secret, which the issuer knows."""
    issuer.know(OAuthClient("tenterhook", secret=SECRET))
    return await add_hook(api, type, url, OAUTH_BODY, channel__config__tokenUrl=issuer.url, **changes)


def bearers(receiver: Endpoint) -> list[str]:
    return [receiver.fields(at)["authorization"] for at in range(len(receiver.requests))]


@with_api()
async def test_a_token_is_fetched_with_the_clients_secret_and_sent_as_bearer(api: Api) -> None:
    async with issuing() as issuer, endpoint() as receiver:
        await secret_hook(api, issuer, receiver.url)
        result = await ask(api, TOKEN.type)
    assert result["outcome"] == "SUCCESS"
    assert issuer.forms == [
        {
            "grant_type": "client_credentials",
            "scope": "hooks.answer",
            "client_id": "tenterhook",
            "client_secret": SECRET,
        }
    ]
    assert bearers(receiver) == [f"Bearer {issuer.granted[0]}"]


@with_api()
async def test_an_assertion_is_signed_with_the_hook_key_and_proved_with_the_published_half(api: Api) -> None:
    key = await create_key(api)
    published = (await api.call("GET", f"/api/v1/hook-keys/public/{key['keyId']}")).json()
    jwk = {name: published[name] for name in ("kty", "n", "e")}
    async with issuing() as issuer, endpoint() as receiver:
        issuer.know(OAuthClient("tenterhook", key=RSAKey.import_key(jwk)))
        changes = {"channel__config__tokenUrl": issuer.url, "channel__config__hookKeyId": key["id"]}
        await add_hook(api, TOKEN.type, receiver.url, SIGNED_BODY, **changes)
        result = await ask(api, TOKEN.type)
    assert result["outcome"] == "SUCCESS", result
    assert bearers(receiver) == [f"Bearer {issuer.granted[0]}"]
    (form,) = issuer.forms
    assert "client_secret" not in form
    token = jwt.decode(form["client_assertion"], RSAKey.import_key(jwk), algorithms=["RS256"])
    assert token.header["kid"] == key["keyId"]
    assert token.claims["aud"] == issuer.url
    assert token.claims["exp"] - token.claims["iat"] <= 300


@with_api()
async def test_an_assertion_of_another_key_is_refused_in_the_token_endpoints_words(api: Api) -> None:
    key = await create_key(api)
    async with issuing() as issuer, endpoint() as receiver:
        issuer.know(OAuthClient("tenterhook", key=RSAKey.generate_key(2048)))
        changes = {"channel__config__tokenUrl": issuer.url, "channel__config__hookKeyId": key["id"]}
        await add_hook(api, REGISTRATION.type, receiver.url, SIGNED_BODY, **changes)
        result = await ask(api, REGISTRATION.type)
    assert (result["outcome"], receiver.requests) == ("FAILED", [])
    assert result["reason"].startswith("The token endpoint answered 40")
    assert "invalid_client" in result["reason"]
    (event,) = await told(api, "inline_hook.executed")
    assert (event["outcome"]["reason"], debug(event)["attempts"]) == (result["reason"], "0")


@with_api()
async def test_a_token_serves_until_it_expires(api: Api) -> None:
    async with issuing() as issuer, endpoint() as receiver:
        await secret_hook(api, issuer, receiver.url)
        for _ in range(3):
            await ask(api, TOKEN.type)
        assert len(issuer.forms) == 1
        assert len(set(bearers(receiver))) == 1


@with_api()
async def test_a_token_that_is_about_to_expire_serves_for_one_call_only(api: Api) -> None:
    async with issuing() as issuer, endpoint() as receiver:
        issuer.lifetime_s = int(MARGIN_S)
        await secret_hook(api, issuer, receiver.url)
        for _ in range(2):
            await ask(api, TOKEN.type)
    assert len(issuer.forms) == 2
    assert len(set(bearers(receiver))) == 2


@with_api()
async def test_a_changed_hook_gets_a_token_of_its_own(api: Api) -> None:
    async with issuing() as issuer, endpoint() as receiver:
        hook = await secret_hook(api, issuer, receiver.url)
        await ask(api, TOKEN.type)
        issuer.know(OAuthClient("other", secret="other-secret"))
        config = {"clientId": "other", "clientSecret": "other-secret"}
        changed = await api.call("POST", f"{HOOKS}/{hook['id']}", json={"channel": {"config": config}})
        assert changed.status_code == 200, changed.text
        await ask(api, TOKEN.type)
    assert [form["client_id"] for form in issuer.forms] == ["tenterhook", "other"]


@with_api()
async def test_many_calls_wait_for_one_fetch_and_one_that_goes_away_spoils_it_for_nobody(api: Api) -> None:
    gate = asyncio.Event()
    async with issuing(gate.wait) as issuer, endpoint() as receiver:
        await secret_hook(api, issuer, receiver.url)
        calls = [asyncio.create_task(api.hooks.call_inline(TOKEN.type, question(TOKEN.type)["data"])) for _ in range(9)]
        await until(lambda: len(api.pipeline.switchboard.grants._fetching) == 1)
        await asyncio.sleep(0.05)
        calls[0].cancel()
        await asyncio.sleep(0)
        gate.set()
        results = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    assert [result.outcome for result in results[1:] if not isinstance(result, BaseException)] == ["SUCCESS"] * 8
    assert len(issuer.forms) == 1
    (event,) = await told(api, "inline_hook.executed")
    assert event["outcome"]["reason"] == "The caller went away before the endpoint had answered."


@with_api()
async def test_a_token_that_the_endpoint_refuses_is_dropped_and_the_next_call_gets_a_fresh_one(api: Api) -> None:
    async with issuing() as issuer, endpoint(said(None, "401 Unauthorized"), NOTHING) as receiver:
        await secret_hook(api, issuer, receiver.url, REGISTRATION.type)
        refused = await ask(api, REGISTRATION.type)
        assert (refused["outcome"], len(receiver.requests)) == ("FAILED", 1)
        again = await ask(api, REGISTRATION.type)
    assert again["outcome"] == "SUCCESS"
    assert bearers(receiver) == [f"Bearer {token}" for token in issuer.granted]
    assert len(issuer.granted) == 2


@with_api()
async def test_a_wrong_secret_is_told_without_the_secret(api: Api) -> None:
    async with issuing() as issuer, endpoint() as receiver:
        await secret_hook(api, issuer, receiver.url)
        issuer.know(OAuthClient("tenterhook", secret="another"))
        result = await ask(api, TOKEN.type)
    assert result["outcome"] == "UNCHANGED"
    assert "invalid_client" in result["reason"]
    assert SECRET not in str(result)


@with_api()
async def test_a_token_endpoint_that_repeats_the_secret_has_it_masked(api: Api) -> None:
    answer = said({"error": "invalid_client", "error_description": f"not {SECRET}"}, "401 Unauthorized")
    async with endpoint(answer) as issuer:
        changes = {"channel__config__tokenUrl": issuer.url}
        await add_hook(api, TOKEN.type, "http://127.0.0.1:9999/", OAUTH_BODY, **changes)
        result = await ask(api, TOKEN.type)
    assert result["reason"] == "The token endpoint answered 401: invalid_client, not ********."
    (event,) = await told(api, "inline_hook.executed")
    assert SECRET not in str(event)


@with_api()
async def test_a_secret_that_is_part_of_the_token_leaves_the_token_whole(api: Api) -> None:
    granted = said({"access_token": f"tok-{SECRET}-1", "token_type": "Bearer"})
    async with endpoint(granted) as issuer, endpoint() as receiver:
        await add_hook(api, TOKEN.type, receiver.url, OAUTH_BODY, channel__config__tokenUrl=issuer.url)
        assert (await ask(api, TOKEN.type))["outcome"] == "SUCCESS"
    assert bearers(receiver) == [f"Bearer tok-{SECRET}-1"]


@with_api()
async def test_the_fetch_takes_its_time_from_the_calls_budget(api: Api) -> None:
    async with endpoint(hang) as issuer, endpoint() as receiver:
        with_budget(api, 0.5)
        changes = {"channel__config__tokenUrl": issuer.url}
        await add_hook(api, SAML.type, receiver.url, OAUTH_BODY, **changes)
        result, waited_s = await timed_ask(api, SAML.type)
        assert 0.45 <= waited_s <= 0.5 + GRACE_S
        assert (result["outcome"], receiver.requests) == ("UNCHANGED", [])
        assert result["reason"] == "The token endpoint did not answer in time."


@with_api()
async def test_a_token_endpoint_that_keeps_hanging_is_not_asked_and_the_call_is_answered_at_once(api: Api) -> None:
    async with endpoint(hang) as issuer, endpoint() as receiver:
        with_budget(api, 0.2)
        await add_hook(api, TOKEN.type, receiver.url, OAUTH_BODY, channel__config__tokenUrl=issuer.url)
        for _ in range(MOST_FAILURES):
            assert (await ask(api, TOKEN.type))["reason"] == "The token endpoint did not answer in time."
        asked = len(issuer.requests)
        result = await ask(api, TOKEN.type)
        assert (len(issuer.requests), receiver.requests) == (asked, [])
    assert result["reason"].startswith("The endpoint was not asked: its last 5 calls got no answer.")
    await told(api, "tenterhook.inline_hook.breaker_opened")


@with_api()
async def test_a_fetch_goes_on_for_the_others_when_its_first_caller_has_no_time_left(api: Api) -> None:
    gate = asyncio.Event()
    async with issuing(gate.wait) as issuer:
        made = await secret_hook(api, issuer, "http://127.0.0.1:9999/")
        hook = api.pipeline.active_inline_hooks.get(await org_of(api), made["id"])
        assert hook is not None
        first = await access_token(api.pipeline, hook, monotonic())
        assert isinstance(first, NoGrant)
        assert first.attempt is not None
        assert (first.attempt.outcome, first.attempt.reason) == (Outcome.FAILED, Reason.TIMEOUT)
        second = asyncio.create_task(access_token(api.pipeline, hook, monotonic() + 60.0))
        await asyncio.sleep(0)
        gate.set()
        assert isinstance(await second, Grant)
    assert len(issuer.forms) == 1


@with_api()
async def test_a_slow_fetch_leaves_the_endpoint_only_the_rest(api: Api) -> None:
    async def slow() -> None:
        await asyncio.sleep(3.0)

    async with issuing(slow) as issuer, endpoint(hang) as receiver:
        with_budget(api, 4.0)
        await secret_hook(api, issuer, receiver.url)
        _, waited_s = await timed_ask(api, TOKEN.type)
        assert len(receiver.requests) == 1
    assert 3.9 <= waited_s <= 4.0 + GRACE_S, "a budget of its own would make it seven seconds"


@with_api()
async def test_a_failed_fetch_is_tried_once_more_where_the_call_would_be(api: Api) -> None:
    busy = said(None, "503 Service Unavailable")
    granted = said({"access_token": "tok", "token_type": "Bearer", "expires_in": 3600})
    async with endpoint(busy, granted) as issuer, endpoint() as receiver:
        changes = {"channel__config__tokenUrl": issuer.url}
        await add_hook(api, REGISTRATION.type, receiver.url, OAUTH_BODY, **changes)
        assert (await ask(api, REGISTRATION.type))["outcome"] == "SUCCESS"
        assert len(issuer.requests) == 2
    assert bearers(receiver) == ["Bearer tok"]


@with_api()
async def test_a_second_try_that_gets_no_token_leaves_the_first_one_told(api: Api) -> None:
    granted = said({"access_token": "tok", "token_type": "Bearer", "expires_in": int(MARGIN_S)})
    refused = said(None, "503 Service Unavailable")
    async with endpoint(granted, refused) as issuer, endpoint(said(None, "500 Internal Server Error")) as receiver:
        await add_hook(api, REGISTRATION.type, receiver.url, OAUTH_BODY, channel__config__tokenUrl=issuer.url)
        await ask(api, REGISTRATION.type)
        assert (len(issuer.requests), len(receiver.requests)) == (2, 1)
    (event,) = await told(api, "inline_hook.executed")
    assert debug(event)["attempts"] == "1"


@with_api()
async def test_a_key_that_does_not_open_is_a_failure_by_the_types_rule(api: Api) -> None:
    key = await create_key(api)
    async with issuing() as issuer, endpoint() as receiver:
        changes = {"channel__config__tokenUrl": issuer.url, "channel__config__hookKeyId": key["id"]}
        await add_hook(api, REGISTRATION.type, receiver.url, SIGNED_BODY, **changes)

        def spoil(tx: Tx) -> None:
            tx.connection.execute(hook_key.update().values(sealed=Vault([new_key()]).seal("x", "y")))

        await api.pipeline.database.write(spoil)
        result = await ask(api, REGISTRATION.type)
    assert (result["outcome"], issuer.forms, receiver.requests) == ("FAILED", [], [])
    assert "cannot be decrypted" in result["reason"]


@with_api()
async def test_a_bearer_token_that_the_endpoint_repeats_is_masked(api: Api) -> None:
    granted = said({"access_token": "tok-1234567890", "token_type": "Bearer"})
    reply = {"commands": [], "debugContext": {"seen": "Bearer tok-1234567890"}}
    async with endpoint(granted) as issuer, endpoint(said(reply)) as receiver:
        changes = {"channel__config__tokenUrl": issuer.url}
        await add_hook(api, TOKEN.type, receiver.url, OAUTH_BODY, **changes)
        assert (await ask(api, TOKEN.type))["outcome"] == "SUCCESS"
    (event,) = await told(api, "inline_hook.response.processed")
    assert debug(event)["debugContext"] == '{"seen":"Bearer ********"}'
