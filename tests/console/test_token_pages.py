"""Settings › Tokens: tokens are issued with no more than somebody may do, shown once, and end when somebody says so."""

from __future__ import annotations

import re

from api_rig import Api, with_api
from console_rig import Browser, signed_in, token_of, words_of

from tenterhook.console.role_words import ROLES, SCOPES
from tenterhook.domain.principal import Permission, Role
from tenterhook.store.schema import api_token
from tenterhook.store.transaction import Tx

TOKENS = "/console/tokens"


async def issued(browser: Browser, **fields: str | list[str]) -> str:
    """Issue a token by the form and return its text."""
    await browser.open(f"{TOKENS}/new")
    answer = await browser.send(TOKENS, {"name": "Checkout", "grant": "PUBLISHER", "expires": "90", **fields})
    assert answer.status_code == 200, answer.text
    return token_of(answer.text)


def test_every_role_and_every_scope_is_told_in_words() -> None:
    assert set(ROLES) == set(Role)
    assert set(SCOPES) == set(Permission)


@with_api()
async def test_a_token_is_shown_once_with_a_call_that_tries_it(api: Api) -> None:
    async with signed_in(api) as browser:
        await browser.open(f"{TOKENS}/new")
        answer = await browser.send(TOKENS, {"name": "Checkout", "grant": "PUBLISHER", "expires": "90"})
        text = token_of(answer.text)
        assert f"Authorization: SSWS {text}" in words_of(answer.text)
        assert f"{api.pipeline.public_url}/api/v1/events" in words_of(answer.text)
        headers = {"Authorization": f"SSWS {text}"}
        published = await api.client.post(
            "/api/v1/events", headers=headers, json={"eventType": "user.lifecycle.create"}
        )
        assert published.status_code == 200
        shown = await browser.open(TOKENS)
        assert "Checkout" in words_of(shown.text)
        assert text not in shown.text
        assert text[:6] in shown.text


@with_api()
async def test_a_token_with_scopes_may_do_what_was_ticked(api: Api) -> None:
    async with signed_in(api) as browser:
        text = await issued(browser, name="Poller", grant="SCOPES", scopes=["okta.logs.read"], expires="0")
        headers = {"Authorization": f"SSWS {text}"}
        assert (await api.client.get("/api/v1/logs", headers=headers)).status_code == 200
        assert (await api.client.get("/api/v1/eventHooks", headers=headers)).status_code == 403
        assert "okta.logs.read" in words_of((await browser.open(TOKENS)).text)


@with_api()
async def test_what_is_wrong_stands_at_its_field_and_what_was_typed_comes_back(api: Api) -> None:
    async with signed_in(api) as browser:
        await browser.open(f"{TOKENS}/new")
        answer = await browser.send(TOKENS, {"name": "x" * 101, "grant": "SCOPES", "expires": "90"})
        assert answer.status_code == 400
        assert 'id="name-problem"' in answer.text
        assert f'value="{"x" * 101}"' in answer.text
        assert re.search(r'class="field with-scopes field-wrong"', answer.text)
        assert "Scopes : The field cannot be left blank." in words_of(answer.text).replace("Scopes:", "Scopes :")
        answer = await browser.send(TOKENS, {"name": "a", "grant": "KING", "expires": "17"})
        assert answer.status_code == 400
        assert "Choose one of those that are offered" in words_of(answer.text)


@with_api()
async def test_revoking_is_confirmed_and_ends_the_token_at_once(api: Api) -> None:
    async with signed_in(api) as browser:
        text = await issued(browser)
        headers = {"Authorization": f"SSWS {text}"}
        listed = (await browser.open(TOKENS)).text
        path = re.search(rf'{text[:6]}….*?href="({TOKENS}/[^"]+/revoke)"', listed, re.DOTALL)
        assert path is not None
        asked = await browser.open(path[1])
        assert "is refused from now on" in words_of(asked.text)
        answer = await browser.send(path[1])
        assert answer.headers["location"] == TOKENS
        assert "“Checkout” is revoked" in words_of((await browser.open(TOKENS)).text)
        assert (await api.client.get("/api/v1/limits", headers=headers)).status_code == 401


@with_api()
async def test_sign_ins_are_listed_apart_and_another_ones_can_be_ended(api: Api) -> None:
    async with signed_in(api) as browser, signed_in(api, Role.HOOKS_ADMIN) as other:
        shown = (await browser.open(f"{TOKENS}/sign-ins")).text
        assert words_of(shown).count("this browser") == 1
        [path] = re.findall(rf'href="({TOKENS}/[^"]+/revoke)"', shown)
        assert "sign-in" not in re.findall(r'data-label="Name">([^<]*)<', (await browser.open(TOKENS)).text)
        await browser.open(path)
        assert (await browser.send(path)).headers["location"] == f"{TOKENS}/sign-ins"
        assert not await other.is_signed_in()
        assert await browser.is_signed_in()


@with_api()
async def test_a_name_that_would_mislead_is_spelled_out(api: Api) -> None:
    async with signed_in(api) as browser:
        await issued(browser, name="safe\u202etxt <b>")
        shown = (await browser.open(TOKENS)).text
        assert "\u202e" not in shown
        assert "safe\\u202etxt &lt;b&gt;" in shown


@with_api()
async def test_the_next_page_begins_where_this_one_ended(api: Api) -> None:
    for at in range(101):
        made = await api.call("POST", "/api/v1/api-tokens", json={"name": f"token {at:03}", "role": "PUBLISHER"})
        assert made.status_code == 200
    async with signed_in(api) as browser:
        first = (await browser.open(TOKENS)).text
        older = re.search(rf'href="({TOKENS}\?after=[^"]+)"', first)
        assert older is not None
        second = (await browser.open(older[1])).text
        names = re.findall(r"token \d{3}(?=<)|first start(?=<)", first + second)
        assert len(set(names)) == 102


@with_api()
async def test_no_token_hides_among_the_sign_ins(api: Api) -> None:
    refused = await api.call("POST", "/api/v1/api-tokens", json={"name": " sign-in ", "role": "PUBLISHER"})
    assert (refused.status_code, refused.json()["errorCode"]) == (400, "E0000001")
    assert "is what the tokens of sign-ins are called" in refused.text
    async with signed_in(api) as browser:
        await issued(browser, name="older than the rule", expires="0")

        def rename(tx: Tx) -> None:
            older = api_token.c.name == "older than the rule"
            tx.connection.execute(api_token.update().where(older).values(name="sign-in"))

        await api.pipeline.database.write(rename)
        assert "sign-in" in re.findall(r'data-label="Name">([^<]*)<', (await browser.open(TOKENS)).text)
