"""A body may come long after its head: who sent it is asked for again when it is there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
from api_rig import EVENT, Api, Wire, api_at, until, with_api, with_wire
from issuer_rig import NOW_S, issuing
from test_frame import assert_error

from tenterhook.domain.principal import Principal
from tenterhook.door.rate_limit import RateLimits
from tenterhook.engine.authenticate import token_digest

TOKENS, ADMINS, EVENTS, ORGS = "/api/v1/api-tokens", "/api/v1/admins", "/api/v1/events", "/api/v1/orgs"
STRONG = {"name": "backdoor", "role": "SUPER_ADMIN"}
ALICE = {"login": "alice", "name": "Alice", "role": "SUPER_ADMIN"}


async def make(api: Api, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = await api.call("POST", path, json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def late(api: Api, path: str, token: str, body: object, meanwhile: Callable[[], Awaitable[Any]]) -> Any:
    """Post *body* of which the end comes after what happens *meanwhile*."""
    raw = msgspec.json.encode(body)

    async def parts() -> AsyncIterator[bytes]:
        yield raw[:5]
        await meanwhile()
        yield raw[5:]

    headers = {"Authorization": token if " " in token else f"SSWS {token}", "Content-Type": "application/json"}
    return await api.client.post(path, content=parts(), headers=headers)


async def tokens_of(api: Api) -> int:
    return len((await api.call("GET", TOKENS)).json())


@with_api()
async def test_a_token_that_is_revoked_before_its_body_is_there_does_nothing(api: Api) -> None:
    for path, body in ((TOKENS, STRONG), (EVENTS, EVENT), (ADMINS, ALICE), (ORGS, {"name": "theirs"})):
        evil = await make(api, TOKENS, {"name": "evil", "role": "SUPER_ADMIN"})
        before = await tokens_of(api)
        answer = await late(
            api, path, evil["token"], body, lambda evil=evil: api.call("DELETE", f"{TOKENS}/{evil['id']}")
        )
        assert_error(answer, 401, "E0000011")
        assert await tokens_of(api) == before - 1
    assert len((await api.call("GET", ADMINS)).json()) == 1
    good = await make(api, TOKENS, {"name": "good", "role": "SUPER_ADMIN"})
    answer = await late(api, TOKENS, good["token"], STRONG, lambda: api.call("GET", TOKENS))
    assert answer.status_code == 200, "a late body is none the worse for it"


@with_wire()
async def test_it_is_so_on_the_wire_when_the_whole_body_is_late(wire: Wire) -> None:
    api = wire.api
    evil = await make(api, TOKENS, {"name": "evil", "role": "SUPER_ADMIN"})
    body = msgspec.json.encode(EVENT)
    head = ("Content-Type: application/json", f"Content-Length: {len(body)}", f"Authorization: SSWS {evil['token']}")
    reader, writer = await asyncio.open_connection("127.0.0.1", wire.port)
    writer.write(wire.head(EVENTS, "POST", *head))
    seen = api.pipeline.tokens
    await until(lambda: seen.last_use(token_digest(evil["token"])))
    assert (await api.call("DELETE", f"{TOKENS}/{evil['id']}")).status_code == 204
    writer.write(body)
    async with asyncio.timeout(10):
        assert (await reader.readline()).startswith(b"HTTP/1.1 401 ")
    writer.close()


@with_api()
async def test_who_may_do_less_by_then_is_refused(api: Api) -> None:
    alice = await make(api, ADMINS, ALICE)
    link = await make(api, f"{ADMINS}/{alice['id']}/sign-in-link", {})
    session = (await api.client.post("/api/v1/sign-in", json={"link": link["link"]})).json()["token"]
    path = f"{ADMINS}/{alice['id']}"
    before = await tokens_of(api)
    demoted = {**alice, "role": "HOOKS_ADMIN"}
    answer = await late(api, TOKENS, session, STRONG, lambda: api.call("PUT", path, json=demoted))
    told = assert_error(answer, 403, "E0000006")
    assert "while the body was on its way" in str(told)
    assert (await api.call("PUT", path, json=alice)).status_code == 200
    answer = await late(api, TOKENS, session, STRONG, lambda: api.call("DELETE", path))
    assert_error(answer, 401, "E0000011")
    assert await tokens_of(api) == before - 1, "the session itself, and nothing new"


@with_api()
async def test_a_token_that_expires_before_its_body_is_there_does_nothing(api: Api) -> None:
    start = api.pipeline.now_ms()
    api.pipeline.now_ms = lambda: start
    evil = await make(api, TOKENS, {**STRONG, "expires": "2999-01-01T00:00:00.000Z"})

    async def years() -> None:
        api.pipeline.now_ms = lambda: 33_000_000_000_000

    assert_error(await late(api, EVENTS, evil["token"], EVENT, years), 401, "E0000011")


def test_an_oauth_token_that_expires_before_its_body_is_there_does_nothing(tmp_path: Path) -> None:
    async def walk() -> None:
        async with (
            asyncio.timeout(60),
            issuing() as issuer,
            api_at(tmp_path / "data", oauth_issuers=[issuer.url]) as api,
        ):
            api.pipeline.now_ms = lambda: NOW_S * 1000
            token = "Bearer " + issuer.token(scp=["tenterhook.events.publish"])

            async def hours() -> None:
                api.pipeline.now_ms = lambda: (NOW_S + 7200) * 1000

            assert (await late(api, EVENTS, token, EVENT, lambda: asyncio.sleep(0))).status_code == 200
            assert_error(await late(api, EVENTS, token, EVENT, hours), 401, "E0000011")

    asyncio.run(walk())


@with_api(limits=RateLimits(failures=1))
async def test_an_address_that_only_guesses_holds_one_reader_of_the_database(api: Api) -> None:
    good = await make(api, TOKENS, {**STRONG, "name": "good"})
    find, looking, most = api.pipeline.tokens.find, 0, 0
    gate = asyncio.Event()

    async def counted(digest: bytes, now_ms: int) -> Principal | None:
        nonlocal looking, most
        looking += 1
        most = max(most, looking)
        await gate.wait()
        looking -= 1
        return await find(digest, now_ms)

    async def status(token: str) -> int:
        return (await api.client.get(TOKENS, headers={"Authorization": f"SSWS {token}"})).status_code

    assert await status("00guess") == 401
    api.pipeline.tokens.find = counted  # type: ignore[method-assign]
    guesses = [asyncio.create_task(status(f"00guess{n}")) for n in range(20)]
    await until(lambda: sum(one.done() for one in guesses) == 19)
    gate.set()
    assert await asyncio.gather(*guesses) == [429] * 20
    assert most == 1
    assert await status(good["token"]) == 200, "a good one is looked for, too"
