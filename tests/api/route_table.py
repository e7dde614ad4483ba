"""The API's whole route table, and calls of each route as whoever: what the matrix and its like walk over."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import Any

import msgspec
from fastapi.routing import APIRoute
from starlette.routing import Route

from tenterhook.api.access import guard_of
from tenterhook.api.app import resource_routes
from tenterhook.api.events import PATH as EVENTS
from tenterhook.api.frame import Frame
from tenterhook.domain.principal import Permission

#: Routes below the framework, which cannot declare what they ask for in their signature.
HOT = {EVENTS: Permission.PUBLISH}
#: Routes that ask nothing of their caller, each for a reason.
PUBLIC = {
    ("GET", "/healthz"): "a load balancer holds no token",
    ("GET", "/readyz"): "a load balancer holds no token",
    ("GET", "/openapi.json"): "the contract is no secret",
    ("GET", "/docs"): "the contract is no secret",
    ("POST", "/api/v1/sign-in"): "its caller has no token yet",
}
PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")


@dataclass(frozen=True)
class Entry:
    """One method of one route."""

    method: str
    path: str  #: with {names}
    permission: Permission | None  #: None: it asks nothing
    also: tuple[Permission, ...] = ()  #: what it asks for beside

    @property
    def public(self) -> bool:
        return (self.method, self.path) in PUBLIC

    @property
    def mutates(self) -> bool:
        return self.method not in ("GET", "HEAD")

    @property
    def parameters(self) -> list[str]:
        return PARAMETER.findall(self.path)

    def at(self, **values: str) -> str:
        """Return its path with *values* for the names, `x` for those not given."""
        return PARAMETER.sub(lambda found: values.get(found[1], "x"), self.path)


def entries(frame: Frame) -> list[Entry]:
    """Return the whole table: every router's routes, the plain ones, the hot ones."""
    found = [Entry("POST", path, HOT[path]) for path in frame._hot]
    for route in resource_routes():
        assert isinstance(route, Route | APIRoute), f"{route} is no route whose methods are known"
        guard = guard_of(route) if isinstance(route, APIRoute) else None
        asked = (None, ()) if guard is None else (guard.permission, guard.also)
        found += [Entry(method, route.path, *asked) for method in sorted((route.methods or set()) - {"HEAD"})]
    return found


@dataclass(frozen=True)
class Said:
    """The head of an answer, and its body if it came to an end."""

    status: int
    body: bytes

    @property
    def told(self) -> dict[str, Any]:
        found: dict[str, Any] = msgspec.json.decode(self.body)
        return found


async def call(frame: Frame, method: str, path: str, authorization: str | None = None, body: object = None) -> Said:
    """Call the application without waiting for the end of a good answer: a live tail has none. `{}` is a body, too."""
    raw_path, _, query = path.partition("?")
    headers = [(b"host", b"localhost:8080")]
    content = b""
    if method in ("POST", "PUT", "PATCH"):
        content = msgspec.json.encode({} if body is None else body)
        headers += [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    if authorization is not None:
        headers.append((b"authorization", authorization.encode()))
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": raw_path,
        "raw_path": raw_path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": headers,
        "client": ("192.0.2.7", 1234),
        "server": ("localhost", 8080),
    }
    started: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    chunks: list[bytes] = []
    requests = [{"type": "http.request", "body": content, "more_body": False}]

    async def receive() -> dict[str, Any]:
        if requests:
            return requests.pop()
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            started.set_result(message["status"])
        else:
            chunks.append(message.get("body", b""))

    running = asyncio.ensure_future(frame(scope, receive, send))
    try:
        async with asyncio.timeout(10):
            await asyncio.wait([running, started], return_when=asyncio.FIRST_COMPLETED)
            status = await started
            if status >= 400:
                await running
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    return Said(status, b"".join(chunks))
