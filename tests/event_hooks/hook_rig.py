"""A running Tenterhook in development, called through its API, and endpoints that answer challenges as a test says."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from hook_samples import body

from tenterhook.api.app import create_app
from tenterhook.domain.address import Address
from tenterhook.domain.principal import Principal, Role
from tenterhook.egress.client import Client
from tenterhook.egress.resolve import ResolveError
from tenterhook.engine.authenticate import authenticate
from tenterhook.engine.found_org import found_org
from tenterhook.engine.issue_token import TokenDraft, create_token
from tenterhook.engine.pipeline import Pipeline
from tenterhook.platform import Tenterhook
from tenterhook.store.transaction import Tx

HOOKS = "/api/v1/eventHooks"
CHALLENGE = re.compile(rb"\r\nX-Okta-Verification-Challenge: (\S+)\r\n")

#: What an endpoint answers: gets the challenge, or None where there is none; None answers nothing and waits.
Answer = Callable[[str | None], bytes | None]


def answer(content: str | bytes, status: str = "200 OK", *fields: str) -> bytes:
    """Return the bytes of an HTTP answer."""
    raw = content.encode() if isinstance(content, str) else content
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(raw)}", *fields, "", ""]
    return "\r\n".join(head).encode() + raw


def echo(challenge: str | None) -> bytes:
    """Answer as the contract wants it."""
    if challenge is None:
        return b"HTTP/1.1 204 No Content\r\n\r\n"
    return answer(f'{{"verification":"{challenge}"}}', "200 OK", "Content-Type: application/json")


@dataclass
class Endpoint:
    """A receiver on loopback; its answers are taken in turn, the last one for good."""

    answers: list[Answer]
    requests: list[bytes] = field(default_factory=list)
    url: str = ""
    posted: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def gets(self) -> list[bytes]:
        return [one for one in self.requests if one.startswith(b"GET ")]

    @property
    def posts(self) -> list[bytes]:
        return [one for one in self.requests if one.startswith(b"POST ")]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"\r\ncontent-length: ")[2].split(b"\r\n")[0] or 0)
                self.requests.append(head + await reader.readexactly(length))
                if head.startswith(b"POST "):
                    self.posted.set()
                found = CHALLENGE.search(head)
                say = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                said = say(found[1].decode() if found else None)
                if said is None:
                    await reader.read()
                else:
                    writer.write(said)
                    await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def endpoint(*answers: Answer) -> AsyncIterator[Endpoint]:
    """An endpoint that gives *answers*; without any it echoes."""
    made = Endpoint(list(answers) or [echo])
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/in"
    try:
        yield made
    finally:
        server.close()


class NoSuchName:
    """A resolver that knows no name."""

    async def resolve(self, host: str, port: int) -> Sequence[Address]:
        raise ResolveError("no such name")


@dataclass
class Rig:
    """The API as the first super admin calls it."""

    hooks: Tenterhook
    client: httpx2.AsyncClient
    token: str

    @property
    def pipeline(self) -> Pipeline:
        return self.hooks.pipeline

    async def principal(self) -> Principal:
        return await authenticate(self.pipeline, f"SSWS {self.token}")

    async def call(self, method: str, path: str, document: object = None, *, token: str = "") -> httpx2.Response:
        options: dict[str, Any] = {} if document is None else {"json": document}
        headers = {"Authorization": f"SSWS {token or self.token}"}
        return await self.client.request(method, path, headers=headers, **options)

    async def create(self, **changes: Any) -> dict[str, Any]:
        made = await self.call("POST", HOOKS, body(**changes))
        assert made.status_code == 200, made.text
        found: dict[str, Any] = made.json()
        return found

    async def act(self, shown: dict[str, Any], verb: str) -> httpx2.Response:
        """Call a lifecycle verb of a hook."""
        return await self.call("POST", f"{HOOKS}/{shown['id']}/lifecycle/{verb}")

    async def read(self, shown: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = (await self.call("GET", f"{HOOKS}/{shown['id']}")).json()
        return found

    async def log(self, event_type: str) -> list[dict[str, Any]]:
        """Return the log's events of one type, oldest first."""
        query = f"/api/v1/logs?sortOrder=ASCENDING&filter=eventType%20eq%20%22{event_type}%22"
        found = await self.call("GET", query)
        assert found.status_code == 200, found.text
        events: list[dict[str, Any]] = found.json()
        return events

    async def token_of(self, role: Role) -> str:
        """Return a fresh token of the default org with *role*."""
        made = await self.call("POST", "/api/v1/api-tokens", {"name": str(role), "role": str(role)})
        assert made.status_code == 200, made.text
        return str(made.json()["token"])

    async def other_org(self) -> str:
        """Found another org and return its super admin's token."""

        def found(tx: Tx) -> str:
            now = self.pipeline.now_ms()
            _, admin = found_org(tx, "other", now)
            text, _ = create_token(tx, admin, TokenDraft("other", Role.SUPER_ADMIN, None), now)
            return text

        return await self.pipeline.database.write(found)

    def resolve_nothing(self) -> None:
        """Go out with a client whose resolver knows no name."""
        self.pipeline.client = Client(self.pipeline.rules, resolver=NoSuchName())


Story = Callable[[Rig], Awaitable[None]]


def with_rig(**settings: Any) -> Callable[[Story], Callable[[Path], None]]:
    """Make a test of a story that wants a running Tenterhook with these settings."""

    def decorate(story: Story) -> Callable[[Path], None]:
        async def play(path: Path) -> None:
            async with asyncio.timeout(30), Tenterhook.at(str(path), **{"dev": True, **settings}) as hooks:
                frame = create_app(hooks.pipeline, publishing=hooks.publishing)
                token = (path / "admin-token").read_text().strip()
                transport = httpx2.ASGITransport(app=frame)
                async with httpx2.AsyncClient(transport=transport, base_url=hooks.pipeline.public_url) as client:
                    await story(Rig(hooks, client, token))

        def run(tmp_path: Path) -> None:
            asyncio.run(play(tmp_path / "data"))

        run.__name__ = story.__name__
        return run

    return decorate


def causes(response: httpx2.Response) -> list[str]:
    """Return the causes of an Okta validation error about an event hook."""
    told = response.json()
    assert response.status_code == 400, response.text
    assert (told["errorCode"], told["errorSummary"]) == ("E0000001", "Api validation failed: eventHook")
    return [cause["errorSummary"] for cause in told["errorCauses"]]
