"""The HTTP parser's manners on our port: bounds on the head of a request, deadlines, and errors in our own shape.

uvicorn's protocol on httptools bounds neither the size of a request's head, of its trailers and of what frames its
chunks, nor the time that head, body and the reading of the answer take. Source: security checks 131-134; RFC 9112.
"""

from __future__ import annotations

import asyncio
import fcntl
import resource
import sys
import termios
from enum import Enum
from functools import partial
from typing import Any

import httptools
from starlette.exceptions import HTTPException
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from tenterhook.api.errors import complaint_of, error_body
from tenterhook.door.exchange import ALWAYS, RESPOND
from tenterhook.door.protocol_error import ProtocolError
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
#: What may come between the parts of a chunked body: sizes, extensions, trailers. Trailers are read by nobody.
MAX_FRAMING_BYTES = 64 * 1024
#: What each part of a body may have of it beside that: many small chunks are no offence.
FRAMING_BYTES_PER_PART = 16
#: How long an answer may wait without a byte of it being taken.
WRITE_DEADLINE_S = 30.0
#: Fewer if the process may not open twice as many files: see `most_connections`.
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
        self._refusal: Exception | None = None
        self._broken = False
        self._line: bytes | None = b""  # what came of a request line; None from its end to the end of the request
        self._head_bytes = 0
        self._framing = 0
        self._unread = 0
        self._unsent = 0
        self._drained = False
        self._moved_at = self.loop.time()
        self._enter(_Phase.HEAD)
        self._watch: asyncio.TimerHandle | None = self.loop.call_later(HEAD_DEADLINE_S, self._look)
        if len(self.connections) > most_connections():
            self._answer(ProtocolError(503, "too many connections are open"))

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes in, counting those of a request's head and those that frame its body."""
        if self._broken or self.transport.is_closing():
            return
        if self._phase is not _Phase.IDLE:  # there it is a request that ends idleness: a blank line is none
            self._unset_keepalive_if_required()
        if self._line is not None and not self._speaks_http(self._line + data):
            self._answer(_other_protocol())
            return
        self._framing += len(data)  # too much, if a head is among it: that is forgotten at the head's end
        try:
            self._feed(data)
        except httptools.HttpParserError:
            self._answer(self._refusal or BadRequestError("it is not HTTP/1.1 as RFC 9112 has it"))
        if self._broken:
            return
        if self._phase is _Phase.HEAD:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._answer(_head_too_large())
        elif self._phase is _Phase.BODY:
            if self._framing > MAX_FRAMING_BYTES:
                text = f"what frames the chunks of its body is more than {MAX_FRAMING_BYTES // 1024} KiB"
                self._answer(ProtocolError(431, text))
            elif self._framing < 0:
                self._framing = 0

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._unset_keepalive_if_required()
        if not self._line:
            self._line = None
        self._head_bytes = 0
        self._unread = 0
        self._enter(_Phase.HEAD)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header field in; trailers are dropped (RFC 9110 §6.5.1: they must not be merged into the head)."""
        if self._phase is not _Phase.HEAD:
            return
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Judge the head of a request before anything of it is acted upon."""
        self._refusal = self._judge()
        if self._refusal is not None:
            raise self._refusal
        if self.parser.should_upgrade():
            return  # what follows is not read as a body: see `_decline`
        self._enter(_Phase.BODY)
        self._framing = 0
        self.scope["headers"] = tuple(self.headers)  # what was judged stays as it is
        self.url = b"/" + self.url.lstrip(b"/")  # two slashes would read as the beginning of an authority
        super().on_headers_complete()
        extensions: dict[str, Any] = {RESPOND: partial(self._respond, self.cycle)}
        self.scope["extensions"] = extensions

    def on_body(self, body: bytes) -> None:
        """Take a part of the body in; after the answer it is only counted."""
        self._framing -= len(body) + FRAMING_BYTES_PER_PART
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
        self._line = b""
        super().on_message_complete()

    def resume_writing(self) -> None:
        """Note that the client reads."""
        self._drained = True
        super().resume_writing()

    def _speaks_http(self, line: bytes) -> bool:
        """Whether a request that begins with *line* is HTTP: the parser takes RTSP and ICE as well.

        The line may come in pieces; those are kept.
        """
        line = line.lstrip(b"\r\n")
        end = line.find(b"\n")
        if end < 0:
            self._line = line
            return True
        self._line = None
        return line.rfind(b" HTTP/", 0, end) > 0

    def _feed(self, data: bytes) -> None:
        """Let the parser read; a request that offers another protocol is read again without its offer."""
        rest: bytes | memoryview = data
        while True:
            try:
                self.parser.feed_data(rest)
            except httptools.HttpParserUpgrade as offer:
                rest = memoryview(rest)[offer.args[0] :]
                self._decline()
            else:
                return

    def _decline(self) -> None:
        """Go on in HTTP/1.1 with a request that offers another protocol, as Java's client does (RFC 9110 §7.8).

        httptools takes the body of such a request for the other protocol's, so its head is read anew without the offer.
        """
        gone = (b"connection", b"upgrade", b"http2-settings")
        kept = [pair for pair in self.headers if pair[0] not in gone]
        head = [self.parser.get_method(), b" ", self.url, b" HTTP/1.1\r\n"]
        head += [part for name, value in kept for part in (name, b": ", value, b"\r\n")]
        self.parser = httptools.HttpRequestParser(self)
        self.parser.feed_data(b"".join([*head, b"\r\n"]))

    def _judge(self) -> Exception | None:
        parser = self.parser
        if parser.should_upgrade() and parser.get_method() == b"CONNECT":
            return HTTPException(405)
        if parser.get_http_version() not in ("1.1", "1.0"):
            return _other_protocol()
        if len(self.url) > MAX_TARGET_BYTES:
            return ProtocolError(414, f"the request target is longer than {MAX_TARGET_BYTES:,} bytes")
        size = len(self.url)
        codings = 0
        for name, value in self.headers:
            size += len(name) + len(value) + 4
            if name == b"transfer-encoding":
                codings += 1 if value.strip().lower() == b"chunked" else 2
            elif name == b"expect" and value.lower() != b"100-continue":
                return ProtocolError(417, "the only expectation that is met is 100-continue")
        if size > MAX_HEAD_BYTES or len(self.headers) > MAX_HEADERS:
            return _head_too_large()
        if not self.url.startswith(b"/"):
            return ProtocolError(400, "the request target must be a path")
        if codings > 1:
            return ProtocolError(400, "the only Transfer-Encoding that is read is chunked, once")
        return None

    def _respond(self, cycle: RequestResponseCycle, head: bytes, body: bytes) -> None:
        """Write a whole 200 answer at once: a quarter of what two ASGI messages cost, which every event would pay.

        head: its header lines, each with its line end; those of the server and the connection are added.
        """
        if cycle.disconnected:
            return
        cycle.response_started = True
        if self.transport.is_closing():
            cycle.response_complete = True  # nobody reads on
            return
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
        elif self._phase is _Phase.BODY:  # this request has its answer
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
        """Close a connection whose request or answer takes too long. One timer a connection, for both."""
        now = self.loop.time()
        if self._is_stuck(now):
            self.transport.abort()
            return
        deadline = _DEADLINES.get(self._phase)
        left = HEAD_DEADLINE_S if deadline is None else self._since + deadline - now
        if left <= 0:
            left = HEAD_DEADLINE_S
            if self._broken:
                self.transport.close()
            else:
                self._answer(ProtocolError(408, "the request did not arrive in time"))
        self._watch = self.loop.call_later(min(left, HEAD_DEADLINE_S), self._look)

    def _is_stuck(self, now: float) -> bool:
        """Whether an answer waits and the client has taken nothing of it for too long."""
        before = self._unsent
        if self.scheme == "https":  # what waits below TLS cannot be asked for: the system's queue tells if it moves
            self._unsent = _queued(self.transport)
            moves = self._unsent != before
        else:
            self._unsent = self.transport.get_write_buffer_size()
            moves = self._unsent < before
        if moves or self._drained or not self._unsent:
            self._moved_at = now
        self._drained = False
        return now - self._moved_at >= WRITE_DEADLINE_S


def _queued(transport: asyncio.Transport) -> int:
    """Return how many bytes the system holds that the peer has not acknowledged; 0 where it does not say."""
    try:
        answer = fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, b"\0" * 4)
    except (OSError, ValueError):
        return 0
    return int.from_bytes(answer, sys.byteorder)


def most_connections() -> int:
    """Return how many connections may be open: half of the files that may be, the rest is for the door out."""
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return MAX_CONNECTIONS if soft == resource.RLIM_INFINITY else min(MAX_CONNECTIONS, soft // 2)


def _other_protocol() -> ProtocolError:
    return ProtocolError(400, "it is not HTTP/1.1 or HTTP/1.0")


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
