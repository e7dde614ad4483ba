"""How long the caller of an inline call waits at the most, and when the endpoint is asked once more."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from api_rig import Api, api_at, with_api
from call_rig import (
    GRACE_S,
    NOT_RETRIED,
    NOTHING,
    RETRIED,
    Behaviour,
    add_hook,
    ask,
    black_hole,
    cut,
    debug,
    drip,
    drip_head,
    endpoint,
    flood,
    half,
    hang,
    said,
    timed_ask,
    told,
    with_budget,
)
from inline_rig import logged

from ports import closed_port
from tenterhook.domain.address import Address
from tenterhook.domain.inline.kind import IMPORT, KINDS, PASSWORD_IMPORT, REGISTRATION, SAML, TELEPHONY, TOKEN
from tenterhook.egress.client import Client

UNAVAILABLE = said(None, "503 Service Unavailable")
#: What a failure comes to, for each type (okta/inline-hooks.md §4).
ON_FAILURE = {kind.type: kind.on_failure for kind in KINDS.values()}


# -- how long ----------------------------------------------------------------------------------------------------

HOSTILE: dict[str, Behaviour] = {
    "headers": hang,
    "the body": half,
    "a dripping head": drip_head,
    "a dripping body": drip,
}


@pytest.mark.parametrize("where", HOSTILE)
def test_the_caller_waits_no_longer_than_the_budget_for(where: str, tmp_path: Path) -> None:
    async def walk() -> None:
        async with api_at(tmp_path / "data") as api, endpoint(HOSTILE[where]) as receiver:
            with_budget(api, 0.5)
            await add_hook(api, REGISTRATION.type, receiver.url)
            result, waited_s = await timed_ask(api, REGISTRATION.type)
            assert 0.45 <= waited_s <= 0.5 + GRACE_S
            assert len(receiver.requests) == 1, "a time-out is not tried again"
            assert (result["outcome"], result["reason"]) == (
                "FAILED",
                "The endpoint did not answer within 0.5 seconds.",
            )
            (event,) = await told(api, "inline_hook.executed")
            assert event["outcome"] == {"result": "FAILURE", "reason": result["reason"]}

    asyncio.run(walk())


def test_the_caller_waits_no_longer_than_the_budget_for_a_connection(tmp_path: Path) -> None:
    async def walk(port: int) -> None:
        async with api_at(tmp_path / "data") as api:
            with_budget(api, 0.5)
            await add_hook(api, TOKEN.type, f"http://127.0.0.1:{port}/")
            result, waited_s = await timed_ask(api, TOKEN.type)
            assert 0.4 <= waited_s <= 0.5 + GRACE_S
            assert result["outcome"] == "UNCHANGED"

    with black_hole() as port:
        asyncio.run(walk(port))


@with_api()
async def test_the_caller_waits_no_longer_than_the_budget_for_a_tls_handshake(api: Api) -> None:
    async with endpoint(hang) as receiver:
        with_budget(api, 0.5)
        await add_hook(api, TOKEN.type, receiver.url.replace("http:", "https:"))
        result, waited_s = await timed_ask(api, TOKEN.type)
    assert 0.4 <= waited_s <= 0.5 + GRACE_S
    assert result["outcome"] == "UNCHANGED"


class Never:
    """A resolver that never answers."""

    async def resolve(self, host: str, port: int) -> Sequence[Address]:
        await asyncio.Event().wait()
        raise AssertionError("it waits for ever")


@with_api()
async def test_the_caller_waits_no_longer_than_the_budget_for_a_name(api: Api) -> None:
    api.pipeline.client = Client(api.pipeline.rules, resolver=Never())
    with_budget(api, 0.5)
    await add_hook(api, IMPORT.type, "http://crm.example.com/ask")
    result, waited_s = await timed_ask(api, IMPORT.type)
    assert 0.4 <= waited_s <= 0.5 + GRACE_S
    assert (result["outcome"], result["reason"]) == ("UNCHANGED", "The host name was not resolved in time.")


@with_api()
async def test_a_flood_is_cut_off_at_256_kib(api: Api) -> None:
    async with endpoint(flood) as receiver:
        await add_hook(api, SAML.type, receiver.url)
        result, waited_s = await timed_ask(api, SAML.type)
    assert waited_s < 3 + GRACE_S
    assert (result["outcome"], result["reason"]) == ("UNCHANGED", "The answer's body exceeds 256 KiB.")


@with_api()
async def test_the_second_try_has_only_what_the_first_has_left(api: Api) -> None:
    async def slow_failure(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(3.0)
        writer.write(UNAVAILABLE)
        await writer.drain()

    async with endpoint(slow_failure, hang) as receiver:
        with_budget(api, 4.0)
        await add_hook(api, SAML.type, receiver.url)
        _, waited_s = await timed_ask(api, SAML.type)
        assert len(receiver.requests) == 2
    assert 3.9 <= waited_s <= 4.0 + GRACE_S, "a budget of its own would make it seven seconds"


# -- once more, or not -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("failure", [UNAVAILABLE, cut], ids=["503", "cut"])
@pytest.mark.parametrize("type", RETRIED)
def test_a_failure_is_tried_once_more_with_the_same_bytes(
    type: str, failure: bytes | Behaviour, tmp_path: Path
) -> None:
    async def walk() -> None:
        async with api_at(tmp_path / "data") as api, endpoint(failure, said({"commands": []})) as receiver:
            await add_hook(api, type, receiver.url)
            result = await ask(api, type)
            plain = "DENIED" if type == PASSWORD_IMPORT.type else "SUCCESS"  # not verified, where nobody verified it
            assert (result["outcome"], len(receiver.requests)) == (plain, 2)
            assert receiver.requests[0][1] == receiver.requests[1][1]
            (event,) = await told(api, "inline_hook.response.processed")
            assert (event["outcome"]["result"], debug(event)["attempts"]) == ("SUCCESS", "2")
            assert await logged(api, "inline_hook.executed") == []

    asyncio.run(walk())


@with_api()
async def test_it_is_tried_twice_and_no_more(api: Api) -> None:
    async with endpoint(UNAVAILABLE) as receiver:
        await add_hook(api, REGISTRATION.type, receiver.url)
        result = await ask(api, REGISTRATION.type)
    assert (len(receiver.requests), result["outcome"]) == (2, "FAILED")
    assert "503" in result["reason"]


@pytest.mark.parametrize("type", NOT_RETRIED)
def test_token_and_telephony_hooks_are_asked_once(type: str, tmp_path: Path) -> None:
    async def walk() -> None:
        async with api_at(tmp_path / "data") as api, endpoint(UNAVAILABLE) as receiver:
            await add_hook(api, type, receiver.url)
            result = await ask(api, type)
            assert (len(receiver.requests), result["outcome"]) == (1, ON_FAILURE[type])

    asyncio.run(walk())


@pytest.mark.parametrize(
    "answer",
    [
        said({"error": {}}),
        said(b"{", "200 OK"),
        said(None, "404 Not Found"),
        said(None, "400 Bad Request"),
        said(None, "302 Found", "Location: http://127.0.0.1:9/elsewhere"),
    ],
    ids=["error", "malformed", "404", "400", "302"],
)
def test_an_answer_of_the_endpoint_is_not_tried_again(answer: bytes, tmp_path: Path) -> None:
    async def walk() -> None:
        async with api_at(tmp_path / "data") as api, endpoint(answer, NOTHING) as receiver:
            await add_hook(api, REGISTRATION.type, receiver.url)
            result = await ask(api, REGISTRATION.type)
            assert (len(receiver.requests), result["outcome"] in ("FAILED", "DENIED")) == (1, True)

    asyncio.run(walk())


@with_api()
async def test_a_closed_port_is_a_failure_in_words(api: Api) -> None:
    with closed_port() as port:
        await add_hook(api, TELEPHONY.type, f"http://127.0.0.1:{port}/")
        result = await ask(api, TELEPHONY.type)
    assert result["outcome"] == "FALLBACK"
    assert "connection" in result["reason"].lower()


@with_api()
async def test_an_address_that_the_operator_has_closed_since_is_not_called(api: Api) -> None:
    hook = await add_hook(api, TOKEN.type, "http://127.0.0.1:9999/")
    api.pipeline.rules = type(api.pipeline.rules)()
    result = await ask(api, TOKEN.type)
    assert (result["outcome"], result["hookId"]) == ("UNCHANGED", hook["id"])
    assert result["reason"].startswith("This address may not be called: ")
