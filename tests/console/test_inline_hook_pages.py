"""Workflow › Inline Hooks: the list tells how each fares, and the form makes and changes hooks of both channels."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from api_rig import Api, receiving, until, with_api
from console_rig import signed_in, words_of
from inline_pages_rig import (
    HOOKS,
    HTTP_FORM,
    OAUTH_FORM,
    REGISTRATION,
    SECRET,
    TELEPHONY,
    TOKEN,
    made,
    made_key,
)

from tenterhook.console.inline_hooks.listing import PAGE
from tenterhook.console.inline_hooks.rules import on_failure, type_choices
from tenterhook.domain.inline.kind import IMPORT, KINDS, InlineOutcome
from tenterhook.domain.inline.sample import sample_data
from tenterhook.domain.principal import Role


async def stored(api: Api, path: str) -> dict[str, Any]:
    answer = await api.call("GET", f"/api/v1/inlineHooks/{path.rpartition('/')[2]}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def call(api: Api, type: str) -> str:
    """Make a call as a process does, and return its outcome."""
    asked = {"type": type, "data": sample_data(type)}
    if KINDS[type].request_types:
        asked["requestType"] = KINDS[type].request_types[0]
    answer = await api.call("POST", "/api/v1/inlineCalls", json=asked)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["outcome"])


def test_each_type_says_what_follows_when_its_endpoint_fails() -> None:
    assert [value for value, _, _ in type_choices()] == list(KINDS)
    words = {
        InlineOutcome.UNCHANGED: ("as if there were no hook", "unchanged"),
        InlineOutcome.FAILED: ("refused", "fails"),
        InlineOutcome.DENIED: ("refused", "fails", "no token is minted"),
        InlineOutcome.FALLBACK: ("the platform’s own provider",),
    }
    for kind in KINDS.values():
        text = on_failure(kind.type, 3.0)
        silent, _, error = text.partition(" If the answer holds an error, ")
        assert "within 3 s" in silent
        assert any(word in silent for word in words[kind.on_failure]), text
        assert any(word in (error or silent) for word in words[kind.on_error]), text
        assert ("asked once more" in silent) == kind.retried


@with_api()
async def test_an_empty_list_offers_every_type(api: Api) -> None:
    async with signed_in(api) as browser:
        page = (await browser.open(HOOKS)).text
        assert "No inline hooks yet" in words_of(page)
        for type_ in KINDS:
            assert f'href="{HOOKS}/new?type={type_}"' in page
        chosen = (await browser.open(f"{HOOKS}/new?type={TELEPHONY}")).text
        assert re.search(rf'value="{re.escape(TELEPHONY)}" checked', chosen)


@with_api()
async def test_a_hook_with_a_secret_header_is_created_shown_and_its_secret_never(api: Api) -> None:
    async with signed_in(api, Role.HOOKS_ADMIN) as browser:
        path = await made(browser)
        hook = await stored(api, path)
        assert hook["channel"]["config"]["headers"] == [{"key": "X-Source", "value": "tenterhook"}]
        assert hook["channel"]["config"]["authScheme"] == {"type": "HEADER", "key": "Authorization"}
        for page in (path, f"{path}/edit", HOOKS, f"{path}/execute"):
            shown = await browser.open(page)
            assert shown.status_code == 200
            assert "Enrich tokens" in words_of(shown.text) or "Enrich tokens" in shown.text
            assert SECRET not in shown.text


@with_api()
async def test_a_hook_of_an_oauth_client_is_created_with_a_secret_or_a_key(api: Api) -> None:
    async with signed_in(api) as browser:
        path = await made(browser, OAUTH_FORM)
        config = (await stored(api, path))["channel"]["config"]
        assert (config["clientId"], config["authType"]) == ("client-1", "client_secret_post")
        key_path = await made_key(browser)
        key_id = key_path.rpartition("/")[2]
        other = await made(
            browser, OAUTH_FORM, name="By key", auth_type="private_key_jwt", client_secret="", hook_key_id=key_id
        )
        assert (await stored(api, other))["channel"]["config"]["hookKeyId"] == key_id
        page = (await browser.open(other)).text
        assert f'href="{key_path}"' in page


@with_api()
async def test_a_change_keeps_the_secret_unless_another_is_typed(api: Api) -> None:
    async with receiving(200, b"{}") as receiver, signed_in(api) as browser:
        path = await made(browser, url=receiver.url)
        version = re.search(r'name="version" value="([^"]*)"', (await browser.open(f"{path}/edit")).text)
        assert version is not None
        kept = {**HTTP_FORM, "url": receiver.url, "auth": "keep", "auth_value": "", "name": "Renamed"}
        etag = version[1].replace("&#34;", '"')
        answer = await browser.send(f"{path}/edit", {**kept, "version": etag})
        assert answer.headers["location"] == path, answer.text
        assert await call(api, TOKEN) == "SUCCESS"
        assert SECRET.encode() in receiver.requests[-1]
        assert (await stored(api, path))["name"] == "Renamed"


@with_api()
async def test_who_was_slower_sees_what_the_other_stored_and_loses_nothing(api: Api) -> None:
    async with signed_in(api) as browser:
        path = await made(browser)
        old = {**HTTP_FORM, "auth": "keep", "auth_value": "", "version": '"another.1"', "name": "Mine"}
        answer = await browser.send(f"{path}/edit", old)
        assert answer.status_code == 412
        said = words_of(answer.text)
        assert "Somebody else has saved this hook meanwhile" in said
        assert 'value="Mine"' in answer.text
        assert (await stored(api, path))["name"] == "Enrich tokens"


@with_api()
async def test_every_problem_stands_at_its_field_and_what_was_typed_comes_back(api: Api) -> None:
    async with signed_in(api) as browser:
        await browser.open(f"{HOOKS}/new")
        for changes, wrong in (
            ({"name": "", "type": "", "url": "ftp://x"}, {"name", "type", "url"}),
            ({"header_key": ["Bad Name"], "header_value": ["x"]}, {"header_0", "auth_value"}),
            ({"auth_key": "", "auth_value": "x"}, {"auth_key", "auth_value"}),
            ({"auth_value": ""}, {"auth_value"}),
            (
                {**OAUTH_FORM, "client_id": "", "token_url": "nowhere", "scope": "a  b", "client_secret": ""},
                {"client_id", "token_url", "scope", "client_secret"},
            ),
            ({**OAUTH_FORM, "auth_type": "private_key_jwt", "hook_key_id": ""}, {"hook_key_id"}),
            ({"channel": "PIGEON"}, {"channel"}),
            ({"type": TELEPHONY, "auth": "none"}, {"auth"}),
        ):
            answer = await browser.send(f"{HOOKS}/new", {**HTTP_FORM, **changes})
            assert answer.status_code == 400, changes
            found = set(re.findall(r'id="(\w+)-problem"', answer.text))
            assert wrong <= found, (changes, found)
            assert found - wrong <= {"auth_value", "client_secret"}, (changes, found)
            assert SECRET not in answer.text
        assert "“Send none” is not for telephony hooks, which need a secret" in words_of(answer.text)
        assert (await api.call("GET", "/api/v1/inlineHooks")).json() == []


@with_api()
async def test_headers_are_added_and_removed_without_script(api: Api) -> None:
    async with signed_in(api) as browser:
        await browser.open(f"{HOOKS}/new")
        added = await browser.send(f"{HOOKS}/new", {**HTTP_FORM, "act": "add_header"})
        assert added.status_code == 200
        assert added.text.count('name="header_key"') == 3 + 1  # and the one that the script copies
        assert "Type the secret again" in words_of(added.text)
        removed = await browser.send(f"{HOOKS}/new", {**HTTP_FORM, "act": "remove_header:0"})
        assert 'value="X-Source"' not in removed.text
        assert 'value="Enrich tokens"' in removed.text


@with_api()
async def test_a_hook_is_deactivated_deleted_and_before_that_not(api: Api) -> None:
    async with signed_in(api) as browser:
        path = await made(browser)
        blocked = (await browser.open(f"{path}/delete")).text
        assert "It is active" in words_of(blocked)
        assert f'action="{path}/delete"' not in blocked
        refused = await browser.send(f"{path}/delete")
        assert refused.status_code == 400
        assert "Deactivate it first" in words_of(refused.text)
        assert (await browser.send(f"{path}/deactivate")).headers["location"] == path
        assert "Nobody asks it until it is activated" in words_of((await browser.open(path)).text)
        assert (await browser.send(f"{path}/activate")).status_code == 303
        await browser.send(f"{path}/deactivate")
        assert (await browser.send(f"{path}/delete")).headers["location"] == HOOKS
        assert (await browser.open(path)).status_code == 404


@with_api()
async def test_a_second_active_hook_of_telephony_is_refused_by_name(api: Api) -> None:
    async with signed_in(api) as browser:
        path = await made(browser, type=TELEPHONY)
        await browser.send(f"{path}/deactivate")
        await made(browser, type=TELEPHONY, name="The other")
        answer = await browser.send(f"{path}/activate")
        assert answer.status_code == 400
        assert "'The other'" in words_of(answer.text)


@with_api()
async def test_failures_are_counted_in_the_list_and_told_on_the_hooks_page(api: Api) -> None:
    async with receiving(500) as receiver, signed_in(api, Role.HOOKS_ADMIN) as browser:
        path = await made(browser, type=REGISTRATION, url=receiver.url)
        assert await call(api, REGISTRATION) == "FAILED"

        async def told() -> bool:
            return "500" in words_of((await browser.open(path)).text)

        await until(told)
        listed = (await browser.open(HOOKS)).text
        assert re.search(rf'href="{path}#failures">1<', listed)
        page = (await browser.open(path)).text
        for link in re.findall(r'href="(/console/system-log[^"]+)"', page):
            shown = await browser.open(unescape(link))
            assert shown.status_code == 200
            assert "inline_hook.executed" in words_of(shown.text)
        assert "Active" in words_of(listed)


@with_api()
async def test_a_hook_that_answers_looks_different_from_one_that_was_never_called(api: Api) -> None:
    async with receiving(204) as receiver, signed_in(api, Role.HOOKS_ADMIN) as browser:
        path = await made(browser, type=REGISTRATION, url=receiver.url)
        page = words_of((await browser.open(path)).text)
        assert "Calls that were answered In the last seven days. None. No process has called it." in page
        for _ in range(2):
            assert await call(api, REGISTRATION) == "SUCCESS"

        links: list[str] = []

        async def told() -> bool:
            # As many as there is time to count: on a busy machine, another look may be needed.
            links[:] = re.findall(r'<a href="([^"]+)">2 answers', (await browser.open(path)).text)
            return bool(links)

        await until(told)
        logged = words_of((await browser.open(unescape(links[0]))).text)
        assert logged.count("inline_hook.response.processed Success") >= 2
        assert "inline_hook.executed" not in logged


@with_api()
async def test_an_endpoint_that_is_away_is_shown_suspended(api: Api) -> None:
    async with signed_in(api) as browser:
        async with receiving(200) as receiver:
            url = receiver.url
        path = await made(browser, type=TELEPHONY, url=url)
        assert await call(api, TELEPHONY) == "FALLBACK"
        assert "Failing" in words_of((await browser.open(HOOKS)).text)
        for _ in range(4):
            await call(api, TELEPHONY)
        page = words_of((await browser.open(path)).text)
        assert "Suspended Its last 5 calls got no answer" in page
        assert "Suspended" in words_of((await browser.open(HOOKS)).text)


@with_api()
async def test_the_list_narrows_to_a_type(api: Api) -> None:
    async with signed_in(api) as browser:
        await made(browser)
        assert "Enrich tokens" in words_of((await browser.open(f"{HOOKS}?type={TOKEN}")).text)
        other = words_of((await browser.open(f"{HOOKS}?type={TELEPHONY}")).text)
        assert "Enrich tokens" not in other
        assert "No inline hook of this type" in other
        assert "Enrich tokens" in words_of((await browser.open(f"{HOOKS}?type=nonsense")).text)


@with_api()
async def test_nobody_without_the_permission_sees_hooks_or_keys(api: Api) -> None:
    async with signed_in(api, Role.READ_ONLY_ADMIN) as browser:
        assert HOOKS not in (await browser.open("/console")).text
        assert (await browser.open(HOOKS)).status_code == 403
        assert (await browser.open("/console/hook-keys")).status_code == 403


@with_api()
async def test_a_long_list_is_parted_into_pages_that_keep_the_type(api: Api) -> None:
    channel = {"type": "HTTP", "version": "1.0.0", "config": {"uri": "https://hooks.example.com/import"}}
    for number in range(PAGE + 1):
        document = {"name": f"hook {number:03}", "type": IMPORT.type, "version": "1.0.0", "channel": channel}
        assert (await api.call("POST", "/api/v1/inlineHooks", json=document)).status_code == 200
    async with signed_in(api) as browser:
        first = (await browser.open(f"{HOOKS}?type={IMPORT.type}")).text
        assert ("hook 099" in first, "hook 100" in first) == (True, False)
        [more] = re.findall(r'rel="next" href="([^"]+)"', first)
        second = (await browser.open(unescape(more))).text
        assert ("hook 099" in second, "hook 100" in second) == (False, True)
        assert f'href="{HOOKS}?type={IMPORT.type}"' in second, "the way back to the first page"
