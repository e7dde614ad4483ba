"""The sample endpoint behind `listen --inline`: it answers inline calls as it was told."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from tenterhook import inline
from tenterhook.cli.output import part
from tenterhook.cli.receiver import Behaviour, Received, is_repeat, read_request, send_answer
from tenterhook.domain.inline.decision import Reply
from tenterhook.domain.inline.kind import KINDS
from tenterhook.domain.inline.question import read_question
from tenterhook.domain.inline.reply import read_reply
from tenterhook.errors import CallerError

_PROVIDER = "tenterhook listen"


@dataclass(frozen=True)
class Answered(Received):
    """One inline call as it is told, with what was answered."""

    reply: Any = None


@dataclass(eq=False)
class InlineReceiver:
    """The ASGI application of one type's endpoint.

    reply: what each call is answered; None for something sensible. tell: called once for each request.
    """

    type: str
    behaviour: Behaviour
    reply: bytes | None
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
        body = await read_request(receive)
        if scope["method"] != "POST":
            received, answer = Received("OTHER", 405, reason=f"{scope['method']} is not what a sender uses"), b""
        elif not self.behaviour.knows_secret(headers):
            received, answer = Received("REFUSED", 401, reason=self.behaviour.secret_words), b""
        else:
            received, answer = self._take(body)
            await asyncio.sleep(self.behaviour.delay_s if received.kind == "CALL" else 0)
        self.tell(received)
        await send_answer(send, received.status, answer)

    def _take(self, body: bytes | None) -> tuple[Received, bytes]:
        try:
            call = inline.read_call(body or b"")
        except CallerError as error:
            return Received("REFUSED", 400, reason=str(error)), b""
        if call.type != self.type:
            asked = f"a call of {call.type}, and --inline is {self.type}"
            return Received("REFUSED", 400, msgspec.json.decode(body or b""), reason=asked), b""
        status = self._status()
        said = self._say(call) if status == self.behaviour.status else b""
        repeat = is_repeat(self._seen, call.event_id)
        shown = _decoded(said)
        return Answered("CALL", status, msgspec.json.decode(body or b""), repeat, reply=shown), said

    def _say(self, call: inline.InlineCall) -> bytes:
        """Return the body of an answer with the status that was asked for."""
        status = self.behaviour.status
        if status == 204 or (self.reply is None and status >= 300):
            return b""
        return sample_reply(call).to_json() if self.reply is None else self.reply

    def _status(self) -> int:
        if self._failed == self.behaviour.fail_first:
            return self.behaviour.status
        self._failed += 1
        return 500


def sample_reply(call: inline.InlineCall) -> inline.InlineReply:
    """Return a sensible reply to *call*: one that shows, and harms nobody."""
    kind = call.type
    if kind == inline.TOKEN:
        which: Literal["access", "identity"] = "access" if "access" in call.data else "identity"
        return inline.reply(inline.add_claim("answeredBy", _PROVIDER, token=which))
    if kind == inline.SAML:
        return inline.reply(inline.add_saml_claim("answeredBy", _PROVIDER))
    if kind == inline.REGISTRATION:
        return inline.reply(inline.allow())
    if kind == inline.IMPORT:
        return inline.reply(inline.create_user())
    if kind == inline.PASSWORD_IMPORT:
        return inline.reply(inline.verified())
    return inline.reply(inline.sent(_PROVIDER, "transaction-1"))


def refusal_of(type: str, reply: bytes) -> str | None:
    """Return why the contract refuses *reply* for hooks of *type*, None if it does not."""
    kind = KINDS[type]
    asked: dict[str, Any] = {"type": type, "data": msgspec.json.decode(inline.sample_call(type))["data"]}
    if kind.request_types:
        asked["requestType"] = kind.request_types[0]
    found = read_reply(read_question(asked), 200, reply, True)
    return None if isinstance(found, Reply) else found.why


def who(body: object) -> str:
    """Return the login that a call is about, as far as it names one."""
    places = (
        *(("context", "user", "profile", "login"), ("userProfile", "login"), ("context", "credential", "username")),
        *(("user", "profile", "login"), ("context", "session", "login"), ("appUser", "profile", "userName")),
    )
    found = (part(body, "data", *place) for place in places)
    return next((login for login in found if isinstance(login, str)), "")


def _decoded(said: bytes) -> Any:
    try:
        return msgspec.json.decode(said)
    except msgspec.DecodeError:
        return said.decode("utf-8", "replace") or None
