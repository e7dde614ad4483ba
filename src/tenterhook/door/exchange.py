"""One request on its way through a door: what is known of it beside what the framework knows."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import Any

from starlette.types import Message, Scope, Send

from tenterhook.domain.principal import Principal
from tenterhook.door.rate_limit import Standing
from tenterhook.engine.budget import Budget, Hold
from tenterhook.ids import new_request_id

#: Where an exchange is kept in the ASGI scope.
KEY = "tenterhook.exchange"
#: The extension under which `BoundedProtocol` offers to write a whole answer at once; other servers have none.
RESPOND = "tenterhook.respond"

#: Headers of every answer, beside those that differ.
ALWAYS = [
    (b"cache-control", b"no-cache, no-store"),
    (b"pragma", b"no-cache"),
    (b"expires", b"0"),
    (b"x-content-type-options", b"nosniff"),
]
_ALWAYS_LINES = b"".join(b"%b: %b\r\n" % pair for pair in ALWAYS)
_NOT_WITHOUT_BODY = (b"content-type", b"content-length")


class Facts:
    """What the frame needs of a request's headers, read in one pass."""

    __slots__ = (
        "authorizations",
        "content_encoding",
        "content_length",
        "content_type",
        "forwarded",
        "hosts",
        "org",
        "streamed",
        "user_agent",
    )

    def __init__(self, headers: list[tuple[bytes, bytes]]) -> None:
        self.authorizations: list[bytes] = []
        self.hosts: list[bytes] = []
        self.content_type: bytes | None = None
        self.content_encoding: bytes | None = None
        self.content_length: bytes | None = None
        self.streamed = False  #: whether the body comes in chunks, of no announced length
        self.user_agent: bytes | None = None
        self.org: bytes | None = None  #: whose log is published into, if it is not the caller's
        self.forwarded: list[bytes] = []
        for name, value in headers:
            if name == b"host":
                self.hosts.append(value)
            elif name == b"authorization":
                self.authorizations.append(value)
            elif name == b"content-type":
                self.content_type = value
            elif name == b"content-length":
                self.content_length = value
            elif name == b"content-encoding":
                self.content_encoding = value
            elif name == b"transfer-encoding":
                self.streamed = True
            elif name == b"user-agent":
                self.user_agent = value
            elif name == b"x-forwarded-for":
                self.forwarded.append(value)
            elif name == b"x-tenterhook-org":
                # Named twice is no org's id: which of the two was meant would be a guess.
                self.org = value if self.org is None else self.org + b"," + value


class Exchange:
    """One request, from the outer layer to its answer's last byte."""

    __slots__ = ("_look", "_respond", "_send", "allowed", "count", "facts", "ip", "principal", "request_id", "started")

    def __init__(self, scope: Scope, send: Send, look: Callable[[Exchange], Standing]) -> None:
        self.facts = Facts(scope["headers"])
        self._respond: Callable[[bytes, bytes], None] | None = scope.get("extensions", {}).get(RESPOND)
        self.request_id = new_request_id()
        client = scope.get("client")
        self.ip: str | None = client[0] if client else None
        self.principal: Principal | None = None
        self.allowed = False  #: whether a route has let the principal in
        self.count: Standing | None = None  #: where the caller stands, if the call was counted
        self.started = False
        self._send = send
        self._look = look

    @property
    def standing(self) -> Standing:
        """Where the caller stands, counted or not."""
        return self.count or self._look(self)

    async def send(self, message: Message) -> None:
        """Pass a message on; the first one gets the headers that every answer carries."""
        if message["type"] == "http.response.start":
            self.started = True
            message = self._completed(message)
        await self._send(message)

    async def pass_on(self, message: Message) -> None:
        """Pass a message on; the first one gets the request's id, for doors whose other headers are their own."""
        if message["type"] == "http.response.start":
            self.started = True
            headers = [*message["headers"], (b"x-okta-request-id", self.request_id.encode())]
            message = {**message, "headers": headers}
        await self._send(message)

    async def answer_json(self, body: bytes) -> None:
        """Answer 200 with *body*, the cheapest way that the server offers."""
        if self._respond is None:
            headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
            await self.send({"type": "http.response.start", "status": 200, "headers": headers})
            await self.send({"type": "http.response.body", "body": body})
            return
        self.started = True
        standing = self.standing
        head = (
            b"content-type: application/json\r\ncontent-length: %d\r\nx-okta-request-id: %b\r\n"
            b"x-rate-limit-limit: %d\r\nx-rate-limit-remaining: %d\r\nx-rate-limit-reset: %d\r\n%b"
        ) % (
            *(len(body), self.request_id.encode()),
            *(standing.limit, standing.remaining, standing.reset_s, _ALWAYS_LINES),
        )
        self._respond(head, body)

    def _completed(self, message: Message) -> MutableMapping[str, Any]:
        headers = list(message.get("headers", ()))
        if message["status"] == 204:
            headers = [pair for pair in headers if pair[0].lower() not in _NOT_WITHOUT_BODY]
        headers.append((b"x-okta-request-id", self.request_id.encode()))
        standing = self.standing
        headers.append((b"x-rate-limit-limit", b"%d" % standing.limit))
        headers.append((b"x-rate-limit-remaining", b"%d" % standing.remaining))
        headers.append((b"x-rate-limit-reset", b"%d" % standing.reset_s))
        headers += ALWAYS
        return {**message, "headers": headers}


def exchange_of(scope: Scope) -> Exchange:
    """Return the exchange that the outer layer put into *scope*."""
    found: Exchange = scope[KEY]
    return found


def held_of(scope: Scope, budget: Budget) -> Hold:
    """Return what counts the bytes of this exchange in *budget*, under its caller's org; nobody's are one org's."""
    principal = exchange_of(scope).principal
    return budget.hold("" if principal is None else principal.org_id)
