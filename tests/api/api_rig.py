"""A running Tenterhook behind its API, in memory or on a loopback port, and a receiver that does as it is told."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import uvicorn

from tenterhook.api.app import create_app
from tenterhook.api.frame import Frame
from tenterhook.api.protocol import server_options
from tenterhook.console.app import Console
from tenterhook.domain.channel import Channel, Config
from tenterhook.domain.delivery_policy import DeliveryPolicy
from tenterhook.domain.event_hook import EventHook, Events
from tenterhook.door.rate_limit import RateLimits
from tenterhook.engine.pipeline import Pipeline
from tenterhook.ids import EVENT_HOOK, new_id
from tenterhook.platform import Tenterhook
from tenterhook.store import admins, event_hooks, log_events, orgs
from tenterhook.store.transaction import Tx

BASE = "http://localhost:8080"
EVENT = {"eventType": "user.lifecycle.create"}


async def until(holds: Callable[[], Any]) -> None:
    """Wait until *holds*, a function or a coroutine function, returns something true; fail after 10 s."""
    async with asyncio.timeout(10):
        while True:
            found = holds()
            if await found if isinstance(found, Awaitable) else found:
                return
            await asyncio.sleep(0.01)


@dataclass
class Api:
    """The API, and what a test wants to look at behind it."""

    hooks: Tenterhook
    frame: Frame
    client: httpx2.AsyncClient
    token: str

    @property
    def pipeline(self) -> Pipeline:
        return self.hooks.pipeline

    @property
    def auth(self) -> dict[str, str]:
        return {"Authorization": f"SSWS {self.token}"}

    async def call(self, method: str, path: str, **options: Any) -> httpx2.Response:
        """Call as the first super admin."""
        headers = {**self.auth, **options.pop("headers", {})}
        return await self.client.request(method, path, headers=headers, **options)

    async def publish(self, *events: dict[str, Any]) -> list[str]:
        """Publish and return the uuids."""
        answer = await self.call("POST", "/api/v1/events", json=list(events) or [EVENT])
        assert answer.status_code == 200, answer.text
        return [event["uuid"] for event in answer.json()["events"]]

    async def add_hook(self, uri: str, **changes: Any) -> EventHook:
        """Store a hook as it is after its verification, without asking its endpoint."""

        def store(tx: Tx) -> EventHook:
            org = orgs.first(tx)
            assert org is not None
            admin = admins.first_super_admin(tx, org.id)
            assert admin is not None
            now = self.pipeline.now_ms()
            facts: dict[str, Any] = {
                "id": new_id(EVENT_HOOK),
                "org_id": org.id,
                "created_by": admin.id,
                "public_url": self.pipeline.public_url,
                "name": new_id("who"),
                "description": None,
                "status": "ACTIVE",
                "verification_status": "VERIFIED",
                "ever_verified": True,
                "created": now,
                "last_updated": now,
                "events": Events(items=("user.lifecycle.create",)),
                "channel": Channel(config=Config(uri=uri)),
                "delivery_policy": DeliveryPolicy(retry="durable"),
            }
            hook = EventHook(**{**facts, **changes})
            event_hooks.insert(tx, self.pipeline.vault, hook, log_events.next_seq(tx))
            self.pipeline.subscriptions.put(tx, hook)
            return hook

        return await self.pipeline.database.write(store)

    async def change_hook(self, hook: EventHook, **changes: Any) -> EventHook:
        """Store the next version of a hook."""

        def store(tx: Tx) -> EventHook:
            new = hook.changed(self.pipeline.now_ms(), **changes)
            event_hooks.update(tx, self.pipeline.vault, new, log_events.next_seq(tx))
            self.pipeline.subscriptions.put(tx, new)
            return new

        return await self.pipeline.database.write(store)

    async def deliveries(self, hook: EventHook, query: str = "") -> list[dict[str, Any]]:
        answer = await self.call("GET", f"/api/v1/eventHooks/{hook.id}/deliveries{query}")
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()
        return found

    async def wait_for(self, hook: EventHook, status: str) -> dict[str, Any]:
        """Return the hook's one delivery once it has *status*."""
        found: list[dict[str, Any]] = []

        async def there() -> bool:
            found[:] = await self.deliveries(hook)
            return bool(found) and found[0]["status"] == status

        await until(there)
        return found[0]


@dataclass
class Receiver:
    """An HTTP receiver on loopback. It answers *status* to each request, once *gate* is open.

    later: what all requests but the first wait for, if it is another gate.
    """

    status: int = 500
    body: bytes = b""
    requests: list[bytes] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    later: asyncio.Event | None = None
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0] or 0)
                self.requests.append(head + await reader.readexactly(length))
                self.arrived.set()
                await (self.gate if self.later is None or len(self.requests) == 1 else self.later).wait()
                fields = b"content-type: text/plain\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n"
                writer.write(b"HTTP/1.1 %d Said\r\n%s" % (self.status, fields))
                writer.write(b"content-length: %d\r\n\r\n%s" % (len(self.body), self.body))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def receiving(status: int = 500, body: bytes = b"", *, hangs: bool = False) -> AsyncIterator[Receiver]:
    """A receiver that answers *status*; a hanging one does not until its gate is opened."""
    receiver = Receiver(status, body)
    if not hangs:
        receiver.gate.set()
    server = await asyncio.start_server(receiver.answer, "127.0.0.1", 0)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/in"
    try:
        yield receiver
    finally:
        receiver.gate.set()
        server.close()


@asynccontextmanager
async def api_at(path: Path, *, limits: RateLimits | None = None, **settings: object) -> AsyncIterator[Api]:
    """A started Tenterhook with its API and its console called in memory."""
    options = {"data_dir": str(path), "dev": True, **settings}
    async with Tenterhook.at(str(options.pop("data_dir")), **options) as hooks:
        pages = Console(hooks.pipeline)
        frame = create_app(hooks.pipeline, publishing=hooks.publishing, limits=limits or RateLimits(), console=pages)
        token = (path / "admin-token").read_text().strip()
        transport = httpx2.ASGITransport(app=frame, client=("192.0.2.7", 1234))
        async with httpx2.AsyncClient(transport=transport, base_url=BASE) as client:
            yield Api(hooks, frame, client, token)
        assert frame.failures == 0, "a request ended in a 500"


ApiTest = Callable[[Api], Awaitable[None]]


def with_api(**options: Any) -> Callable[[ApiTest], Callable[[Path], None]]:
    """Make a test of a coroutine that wants a running API."""

    def decorate(test: ApiTest) -> Callable[[Path], None]:
        def run(tmp_path: Path) -> None:
            async def walk() -> None:
                async with asyncio.timeout(60), api_at(tmp_path / "data", **options) as api:
                    await test(api)

            asyncio.run(walk())

        run.__name__, run.__doc__ = test.__name__, test.__doc__
        return run

    return decorate


@dataclass
class Wire:
    """A real server on loopback."""

    api: Api
    port: int

    async def say(self, raw: bytes, *, wait_s: float = 10.0) -> bytes:
        """Send *raw* on a new connection and return all that comes until it is closed, or *wait_s* passed."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        got = b""
        try:
            writer.write(raw)
            async with asyncio.timeout(wait_s):
                while chunk := await reader.read(65536):
                    got += chunk
        except (TimeoutError, ConnectionError):
            pass
        finally:
            writer.close()
        return got

    def head(self, target: str = "/healthz", method: str = "GET", *fields: str) -> bytes:
        lines = [f"{method} {target} HTTP/1.1", f"Host: localhost:{self.port}", *fields, "", ""]
        return "\r\n".join(lines).encode()


@asynccontextmanager
async def served(api: Api) -> AsyncIterator[Wire]:
    """The API behind uvicorn on a free port."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(api.frame, **server_options()))
    task = asyncio.create_task(server.serve([listener]))
    await until(lambda: server.started)
    try:
        yield Wire(api, listener.getsockname()[1])
    finally:
        server.should_exit = True
        server.force_exit = True
        await task
        listener.close()


WireTest = Callable[[Wire], Awaitable[None]]


def with_wire(**options: Any) -> Callable[[WireTest], Callable[[Path], None]]:
    """Make a test of a coroutine that wants a real server on loopback."""

    def decorate(test: WireTest) -> Callable[[Path], None]:
        async def walk(api: Api) -> None:
            async with served(api) as wire:
                await test(wire)

        walk.__name__, walk.__doc__ = test.__name__, test.__doc__
        return with_api(**options)(walk)

    return decorate
