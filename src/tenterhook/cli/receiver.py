"""The sample receiver behind `listen` and `demo`: a raw ASGI application of the receiving half of the contract."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tenterhook.cli.output import part, parts

#: The largest delivery is 512 KiB (DESIGN §3.4); other senders get some room.
MAX_BODY_BYTES = 2 * 1024 * 1024
MAX_CHALLENGE = 1024
REMEMBERED = 10_000


@dataclass(frozen=True)
class Behaviour:
    """How the receiver behaves, for better or worse."""

    secret: str | None = None  #: what the secret header must carry; None: not looked at
    secret_header: str = "authorization"  # noqa: S105 - its name
    status: int = 204  #: the answer to deliveries
    delay_s: float = 0.0  #: how long a delivery waits for its answer
    wrong_echo: bool = False  #: answer the challenge wrongly
    fail_first: int = 0  #: so many deliveries are answered 500 before any gets `status`

    def knows_secret(self, headers: Mapping[str, bytes]) -> bool:
        """Return whether a request with *headers*, their names in lower case, carries the secret, if one is asked."""
        if self.secret is None:
            return True
        given = headers.get(self.secret_header.lower(), b"")
        return hmac.compare_digest(given, self.secret.encode())

    @property
    def secret_words(self) -> str:
        """What a request without it is told."""
        return f"the {self.secret_header} header does not carry the secret"


@dataclass(frozen=True)
class Received:
    """One request as it is told."""

    kind: str  #: CHALLENGE, DELIVERY, REFUSED or OTHER
    status: int
    body: Any = None
    repeat: bool = False  #: a delivery whose eventId came before
    reason: str = ""

    @property
    def events(self) -> list[object]:
        """Return the log events of a delivery."""
        return parts(self.body, "data", "events")


@dataclass(eq=False)
class Receiver:
    """The ASGI application. tell: called once for each request, before it is answered."""

    behaviour: Behaviour
    tell: Callable[[Received], None]
    _seen: OrderedDict[str, None] = field(default_factory=OrderedDict)
    _failed: int = 0

    async def __call__(
        self,
        scope: dict[str, Any],
        receive: Callable[[], Awaitable[dict[str, Any]]],
        send: Callable[[dict[str, Any]], Awaitable[None]],
    ) -> None:
        """Answer one request."""
        headers = {name.decode("latin-1"): value for name, value in scope["headers"]}
        if scope["method"] == "GET":
            received, answer = self._greet(headers)
        elif scope["method"] == "POST":
            received, answer = self._take(headers, await read_request(receive)), b""
            await asyncio.sleep(self.behaviour.delay_s if received.kind == "DELIVERY" else 0)
        else:
            received, answer = Received("OTHER", 405, reason=f"{scope['method']} is not what a sender uses"), b""
        self.tell(received)
        await send_answer(send, received.status, answer)

    def _greet(self, headers: Mapping[str, bytes]) -> tuple[Received, bytes]:
        challenge = headers.get("x-okta-verification-challenge")
        if challenge is None:
            return Received("OTHER", 200, reason="a GET without a challenge"), b'{"receiver":"tenterhook listen"}'
        if not self.behaviour.knows_secret(headers):
            return Received("REFUSED", 401, reason=self.behaviour.secret_words), b""
        if len(challenge) > MAX_CHALLENGE:
            return Received("REFUSED", 400, reason="the challenge is too long"), b""
        wrong = self.behaviour.wrong_echo
        echo = "something else" if wrong else challenge.decode("latin-1")
        reason = "answered wrongly, as --wrong-echo asks" if wrong else ""
        return Received("CHALLENGE", 200, reason=reason), json.dumps({"verification": echo}).encode()

    def _take(self, headers: Mapping[str, bytes], body: bytes | None) -> Received:
        if not self.behaviour.knows_secret(headers):
            return Received("REFUSED", 401, reason=self.behaviour.secret_words)
        if body is None:
            return Received("REFUSED", 413, reason=f"the body exceeds {MAX_BODY_BYTES} bytes")
        try:
            decoded = json.loads(body)
        except (ValueError, RecursionError):
            return Received("REFUSED", 400, reason="the body is not JSON")
        if not isinstance(part(decoded, "data", "events"), list):
            return Received(
                "OTHER", self.behaviour.status, decoded, reason="a POST that is no delivery of an event hook"
            )
        return Received("DELIVERY", self._status(), decoded, is_repeat(self._seen, part(decoded, "eventId")))

    def _status(self) -> int:
        if self._failed == self.behaviour.fail_first:
            return self.behaviour.status
        self._failed += 1
        return 500


def is_repeat(seen: OrderedDict[str, None], event_id: object) -> bool:
    """Return whether *event_id* came before, and remember it among the last ones in *seen*."""
    if not isinstance(event_id, str):
        return False
    repeat = event_id in seen
    seen[event_id] = None
    seen.move_to_end(event_id)
    if len(seen) > REMEMBERED:
        seen.popitem(last=False)
    return repeat


async def read_request(receive: Callable[[], Awaitable[dict[str, Any]]]) -> bytes | None:
    """Return the request's body, or None if it exceeds the cap."""
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            return None
        if message["type"] != "http.request" or not message.get("more_body"):
            return bytes(body)


async def send_answer(send: Callable[[dict[str, Any]], Awaitable[None]], status: int, body: bytes) -> None:
    """Answer with *body* as JSON, if there is one."""
    headers = [] if status == 204 else [(b"content-length", b"%d" % len(body))]
    if body:
        headers += [(b"content-type", b"application/json"), (b"x-content-type-options", b"nosniff")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body if status != 204 else b""})
