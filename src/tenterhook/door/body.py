"""Reading a request's body: capped, and of which media type.

How long a body may take is the connection's to watch (`api/protocol`): 408 after 30 s, whoever reads it.
"""

from __future__ import annotations

import re

from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive, Scope

from tenterhook.door.exchange import Facts, exchange_of, held_of
from tenterhook.door.protocol_error import ProtocolError
from tenterhook.errors import TooLargeError

#: What a part of a body costs beside its bytes: many tiny ones are large, too.
_CHUNK_COST = 64

_MEDIA_TYPE = re.compile(r'([a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+)[ \t]*(?:;[ \t]*charset="?utf-?8"?[ \t]*)?;?', re.I)


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
