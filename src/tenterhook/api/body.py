"""Reading a request's body: capped, and of a media type that we accept.

How long a body may take is the connection's to watch (`protocol`): 408 after 30 s, whoever reads it.
"""

from __future__ import annotations

import re
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive, Scope

from tenterhook.api.access import ask_again
from tenterhook.api.errors import ProtocolError
from tenterhook.api.exchange import Facts, exchange_of, held_of
from tenterhook.domain.strict_json import StrictJsonError, loads
from tenterhook.errors import MalformedBodyError, MediaTypeError, TooLargeError

MAX_JSON_BYTES = 1024 * 1024
#: What a part of a body costs beside its bytes: many tiny ones are large, too.
_CHUNK_COST = 64

_MEDIA_TYPE = re.compile(r'([a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+)[ \t]*(?:;[ \t]*charset="?utf-?8"?[ \t]*)?;?', re.I)
_JSON = ("application/json",)


async def read_body(request: Request, cap_bytes: int) -> bytes:
    """Return the whole body of *request*.

    Raises: TooLargeError over *cap_bytes*, as soon as that is known; OverloadedError, if too much of unfinished bodies
    is held; ProtocolError 411, if the request says nothing of a body; ClientDisconnect, if the caller went away (or was
    cut off) before its end.
    """
    return await receive_body(request.scope, request.receive, cap_bytes)


async def receive_body(scope: Scope, receive: Receive, cap_bytes: int) -> bytes:
    """Like `read_body`, for a route below the framework."""
    _check_announced(exchange_of(scope).facts, cap_bytes)
    return await _collect(scope, receive, cap_bytes)


async def read_json(request: Request) -> Any:
    """Return the JSON value that the body of *request* spells.

    Raises: MediaTypeError, if it does not say application/json; MalformedBodyError, if it is not JSON as we accept it;
    what `read_body` and `ask_again` raise.
    """
    if media_type(exchange_of(request.scope).facts) not in _JSON:
        raise MediaTypeError("Content-Type must be application/json (in UTF-8, as all JSON is).")
    body = await read_body(request, MAX_JSON_BYTES)
    await ask_again(request.scope)
    try:
        return loads(body)
    except StrictJsonError as error:
        raise MalformedBodyError(str(error)) from error


def media_type(facts: Facts) -> str:
    """Return the media type that the request names, in lower case; empty if none, or if its charset is not UTF-8."""
    text = (facts.content_type or b"").decode("latin-1").strip()
    match = _MEDIA_TYPE.fullmatch(text)
    return match[1].lower() if match else ""


def _check_announced(facts: Facts, cap_bytes: int) -> None:
    if facts.content_length is None:
        if not facts.streamed:
            raise ProtocolError(411, "a body is needed here, with Content-Length or Transfer-Encoding: chunked")
    elif not facts.content_length.isdigit() or int(facts.content_length[:20]) > cap_bytes:
        raise _too_large(cap_bytes)


async def _collect(scope: Scope, receive: Receive, cap_bytes: int) -> bytes:
    message = await receive()
    chunk = _part_of(message)
    if not message.get("more_body", False):
        if len(chunk) > cap_bytes:
            raise _too_large(cap_bytes)
        return chunk
    chunks: list[bytes] = []
    size = 0
    with held_of(scope, scope["app"].state.receiving) as hold:
        while True:
            size += len(chunk)
            if size > cap_bytes:
                raise _too_large(cap_bytes)
            hold.add(len(chunk) + _CHUNK_COST)
            chunks.append(chunk)
            if not message.get("more_body", False):
                return b"".join(chunks)
            message = await receive()
            chunk = _part_of(message)


def _part_of(message: Message) -> bytes:
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    part: bytes = message.get("body", b"")
    return part


def _too_large(cap_bytes: int) -> TooLargeError:
    return TooLargeError(f"the body is larger than {cap_bytes // 1024:,} KiB, the most that is accepted here")
