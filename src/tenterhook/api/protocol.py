"""The HTTP parser's manners on our port: bounds on the head of a request, deadlines, and errors in our own shape.

uvicorn's protocol on httptools bounds neither the size of a request's head nor the time that it or the body takes.
Source: security checks 131-134; RFC 9112.
"""

from __future__ import annotations

import asyncio
from enum import Enum
from functools import partial
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from tenterhook.api.errors import ProtocolError, complaint_of, error_body
from tenterhook.api.exchange import ALWAYS, RESPOND
from tenterhook.errors import BadRequestError
from tenterhook.ids import new_request_id

MAX_HEAD_BYTES = 64 * 1024
MAX_TARGET_BYTES = 14 * 1024
MAX_HEADERS = 100
#: From the first byte of a request (or the opening of the connection) to the end of its head.
HEAD_DEADLINE_S = 10.0
#: From there to the last byte of its body, whether anybody reads it or not.
BODY_DEADLINE_S = 30.0
#: What may still come of a body after its answer before the connection is cut.
MAX_UNREAD_BYTES = 16 * 1024 * 1024
MAX_CONNECTIONS = 4096
KEEP_ALIVE_S = 65


class _Phase(Enum):
    IDLE = 0
    HEAD = 1
    BODY = 2


_DEADLINES = {_Phase.HEAD: HEAD_DEADLINE_S, _Phase.BODY: BODY_DEADLINE_S}


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol with bounds. One per connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin; a connection beyond `MAX_CONNECTIONS` is turned away."""
        super().connection_made(transport)
        self._refusal: ProtocolError | None = None
        self._broken = False
        self._head_bytes = 0
        self._unread = 0
        self._enter(_Phase.HEAD)
        self._watch: asyncio.TimerHandle | None = self.loop.call_later(HEAD_DEADLINE_S, self._look)
        if len(self.connections) > MAX_CONNECTIONS:
            self._answer(ProtocolError(503, "too many connections are open"))

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes in, counting those of a request's head."""
        if self._broken or self.transport.is_closing():
            return
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            self._decline(data[offer.args[0] :])
        except httptools.HttpParserError:
            self._answer(self._refusal or BadRequestError("it is not HTTP/1.1 as RFC 9112 has it"))
        if self._phase is _Phase.HEAD and not self._broken:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._answer(_head_too_large())

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._head_bytes = 0
        self._unread = 0
        self._enter(_Phase.HEAD)

    def on_headers_complete(self) -> None:
        """Judge the head of a request before anything of it is acted upon."""
        self._refusal = self._judge()
        if self._refusal is not None:
            raise self._refusal
        if self.parser.should_upgrade():
            return  # what follows is not read as a body: see `_decline`
        self._enter(_Phase.BODY)
        self.url = b"/" + self.url.lstrip(b"/")  # two slashes would read as the beginning of an authority
        super().on_headers_complete()
        extensions: dict[str, Any] = {RESPOND: partial(self._respond, self.cycle)}
        self.scope["extensions"] = extensions

    def on_body(self, body: bytes) -> None:
        """Take a part of the body in; after the answer it is only counted."""
        if self.cycle.response_complete:
            self._unread += len(body)
            if self._unread > MAX_UNREAD_BYTES:
                self.transport.close()
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End a request."""
        if self.parser.should_upgrade():
            return
        self._enter(_Phase.IDLE)
        super().on_message_complete()

    def _decline(self, rest: bytes) -> None:
        """Go on in HTTP/1.1 with a request that offers another protocol, as Java's client does (RFC 9110 §7.8).

        httptools takes the body of such a request for the other protocol's, so its head is read anew without the offer.
        """
        gone = (b"connection", b"upgrade", b"http2-settings")
        kept = [pair for pair in self.headers if pair[0] not in gone]
        head = [self.parser.get_method(), b" ", self.url, b" HTTP/1.1\r\n"]
        head += [part for name, value in kept for part in (name, b": ", value, b"\r\n")]
        self.parser = httptools.HttpRequestParser(self)
        self.data_received(b"".join([*head, b"\r\n", rest]))

    def _judge(self) -> ProtocolError | None:
        if len(self.url) > MAX_TARGET_BYTES:
            return ProtocolError(414, f"the request target is longer than {MAX_TARGET_BYTES:,} bytes")
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > MAX_HEAD_BYTES or len(self.headers) > MAX_HEADERS:
            return _head_too_large()
        if not self.url.startswith(b"/"):
            return ProtocolError(400, "the request target must be a path")
        if any(name == b"expect" and value.lower() != b"100-continue" for name, value in self.headers):
            return ProtocolError(417, "the only expectation that is met is 100-continue")
        return None

    def _respond(self, cycle: RequestResponseCycle, head: bytes, body: bytes) -> None:
        """Write a whole 200 answer at once: a quarter of what two ASGI messages cost, which every event would pay.

        head: its header lines, each with its line end; those of the server and the connection are added.
        """
        if cycle.disconnected:
            return
        cycle.response_started = True
        defaults = b"".join([b"%b: %b\r\n" % pair for pair in self.server_state.default_headers])
        closing = b"" if cycle.keep_alive else b"connection: close\r\n"
        self.transport.write(b"%b%b%b%b\r\n%b" % (STATUS_LINE[200], defaults, head, closing, body))
        cycle.response_complete = True
        cycle.message_event.set()
        if not cycle.keep_alive:
            self.transport.close()
        cycle.on_response()

    def _answer(self, error: Exception) -> None:
        """Write an error answer below ASGI and close.

        If earlier requests of this connection wait for their answers, those come first, and then the end.
        """
        self._broken = True
        if self.cycle is not None and not self.cycle.response_complete:
            if self._phase is not _Phase.BODY:
                self.cycle.keep_alive = False
                return
            if self.cycle.response_started or self.pipeline:
                self.transport.close()
                return
        complaint = complaint_of(error)
        body = error_body(complaint)
        head = [
            STATUS_LINE[complaint.status],
            *(b"%s: %s\r\n" % pair for pair in self.server_state.default_headers),
            b"content-type: application/json\r\nx-okta-request-id: %s\r\n" % new_request_id().encode(),
            *(b"%s: %s\r\n" % pair for pair in ALWAYS),
            b"content-length: %d\r\nconnection: close\r\n\r\n" % len(body),
        ]
        self.transport.write(b"".join([*head, body]))
        self.transport.close()

    def _enter(self, phase: _Phase) -> None:
        self._phase = phase
        self._since = self.loop.time()

    def _look(self) -> None:
        """Close a connection whose request takes too long. One timer a connection, at most once in a deadline."""
        deadline = _DEADLINES.get(self._phase)
        left = HEAD_DEADLINE_S if deadline is None else self._since + deadline - self.loop.time()
        if left <= 0 and self._broken:
            self.transport.close()
        elif left <= 0:
            self._answer(ProtocolError(408, "the request did not arrive in time"))
        else:
            self._watch = self.loop.call_later(min(left, HEAD_DEADLINE_S), self._look)


def _head_too_large() -> ProtocolError:
    return ProtocolError(431, f"its headers are more than {MAX_HEADERS} or larger than {MAX_HEAD_BYTES // 1024} KiB")


def server_options() -> dict[str, Any]:
    """Return what `uvicorn.Config` must be given beside the application, host and port.

    Forwarded headers are believed from nobody; uvicorn sets the one Date header.
    """
    return {
        "http": BoundedProtocol,
        "ws": "none",
        "lifespan": "off",
        "server_header": False,
        "date_header": True,
        "proxy_headers": False,
        "access_log": False,
        "timeout_keep_alive": KEEP_ALIVE_S,
        "log_config": None,
        "log_level": "error",  # otherwise anybody can fill the log with bad requests
    }
