"""One connection to a receiver: bytes out, a strictly read HTTP/1.1 answer in, one exchange at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from time import monotonic
from typing import TYPE_CHECKING

import httptools

from tenterhook.domain.address import Address
from tenterhook.domain.attempt import Attempt, Reason
from tenterhook.domain.destination import Destination
from tenterhook.egress.exchange import MAX_DRAINED_BODY, MAX_KEPT_BODY, MAX_NEEDED_BODY, Exchange
from tenterhook.egress.request import render

if TYPE_CHECKING:
    from tenterhook.egress.pool import Lane, Pool

MAX_HEAD = 16 * 1024
MAX_FIELDS = 100
MAX_INTERIM = 8
#: What may come between the parts of a body: chunk sizes and extensions, trailers. And for each part beside that.
MAX_FRAMING = 16 * 1024
FRAMING_PER_PART = 16

# Fields that are looked at, by the length of their names: the rest need no lower().
_WATCHED_LENGTHS = frozenset({len("Retry-After"), len("Content-Length"), len("Transfer-Encoding")})


class Connection(asyncio.Protocol):
    """A TCP or TLS connection that belongs to one `Lane` of the pool for life."""

    __slots__ = (
        *("_body_bytes", "_complete", "_decoded", "_due", "_exchange", "_flaw", "_framed", "_framing", "_head_bytes"),
        *("_head_done", "_headers", "_interim", "_keep_alive", "_loop", "_parser", "_raw", "_retry_after", "_timer"),
        *("_wake_at", "address", "answer", "destination", "lane", "lost", "pool", "private", "transport"),
    )

    def __init__(
        self, pool: Pool, lane: Lane, destination: Destination, answer: Sequence[Address], private: bool
    ) -> None:
        self.pool = pool
        self.lane = lane
        self.destination = destination
        self.answer = answer
        self.private = private
        self.address: Address | None = None
        self.transport: asyncio.Transport | None = None
        self.lost = False
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpResponseParser(self)
        self._exchange: Exchange | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._wake_at = 0.0  # when the timer fires; it is left alone while that is early enough
        self._raw: list[tuple[bytes, bytes]] = []  # the fields of the answer before this one
        self._decoded: tuple[tuple[str, str], ...] = ()
        self._due = 0.0  # the exchange's deadline, or the end of idleness
        self._reset()

    def _reset(self) -> None:
        self._head_bytes = 0
        self._body_bytes = 0
        self._framing = 0
        self._interim = 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._head_done = False
        self._framed = False  # whether the answer says where it ends
        self._complete = False
        self._keep_alive = False
        self._flaw: str | None = None
        self._retry_after: str | None = None

    # -- from the pool

    def run(self, exchange: Exchange) -> asyncio.Future[Attempt | None]:
        """Send *exchange*'s request and return the future of its attempt.

        The future's result is None if a reused connection was lost before the first byte of an answer: then the
        receiver has most likely not read the request, and it is sent again on a new connection.
        """
        future: asyncio.Future[Attempt | None] = self._loop.create_future()
        exchange.future = future
        exchange.private = self.private
        self._reset()
        self._exchange = exchange
        if self.transport is None or self.lost:
            self._exchange = None
            future.set_result(None if exchange.reused else exchange.fail(Reason.RESET, _RESET))
            return future
        self.transport.write(render(exchange.request))
        exchange.sent = monotonic()
        self._due = exchange.deadline
        if self._timer is None or self._wake_at > self._due:
            self._set_timer(exchange.sent)
        return future

    def rest(self, until: float) -> None:
        """Stay open without an exchange, at the longest until the monotonic time *until*."""
        self._due = until
        if self._timer is None or self._wake_at > until:
            self._set_timer(monotonic())

    def abort(self) -> None:
        """Close at once, without waiting for the peer."""
        self._exchange = None
        if self.transport is not None:
            self.transport.abort()

    def interrupt(self) -> None:
        """Close because we stop; whoever waits is told so."""
        exchange = self._exchange
        if exchange is not None:
            self._settle(exchange, exchange.fail(Reason.INTERRUPTED, "We stopped before the answer came."))
        self.abort()

    # -- the timer: one per connection, re-armed lazily, so that a request costs none

    def _set_timer(self, now: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._wake_at = self._due
        self._timer = self._loop.call_later(max(0.0, self._due - now), self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        now = monotonic()
        if now < self._due:
            self._set_timer(now - 0.001)  # a loop's clock may be a millisecond behind
            return
        exchange = self._exchange
        if exchange is not None:
            message = f"The endpoint did not answer within {exchange.timeout_s:g} seconds."
            self._settle(exchange, exchange.fail(Reason.TIMEOUT, message))
        self.abort()

    # -- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")
        self.transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        """Read a piece of the answer."""
        exchange = self._exchange
        if exchange is None:
            self.abort()  # nobody asked: what comes unasked must not be taken for the next answer
            return
        if not exchange.first_byte:
            exchange.first_byte = monotonic()
        if not self._head_done:
            if self._head_bytes < len(_START) and not data.startswith(_START):
                self._check_start(data)
            self._head_bytes += len(data)
        else:
            self._framing = max(self._framing, 0) + len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._flaw = "it switched protocols"
        except httptools.HttpParserError as error:
            self._flaw = self._flaw or str(error) or "it is not HTTP/1.1"
        if self._framing > MAX_FRAMING:
            self._flaw = self._flaw or _FRAMING_TOO_LARGE
        if self._complete and self._flaw is None and self._body_bytes <= MAX_KEPT_BODY:
            self._settle(exchange, exchange.conclude(True))  # nearly every answer: small, whole and sound
            self._finish()
        else:
            self._advance(exchange)

    def connection_lost(self, exc: Exception | None) -> None:
        """Close the exchange that was under way, if any."""
        self.lost = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            self._settle(exchange, self._cut(exchange, exc))
        self.pool.remove(self)

    # -- httptools

    def on_message_begin(self) -> None:
        """Note bytes after the end of the answer."""
        if self._complete:
            self._flaw = "it goes on after its end"

    def on_header(self, name: bytes, value: bytes) -> None:
        """Gather a field; look at those that frame the body."""
        if self._head_done:
            return  # a trailer
        self._headers.append((name, value))
        if len(name) not in _WATCHED_LENGTHS:
            return
        lower = name.lower()
        if lower == b"content-length":
            self._framed = True
        elif lower == b"transfer-encoding":
            self._framed = True
            if value.strip().lower() != b"chunked":
                self._flaw = "its Transfer-Encoding is not 'chunked'"
        elif lower == b"retry-after" and self._retry_after is None:
            self._retry_after = value.decode("latin-1")[:256]

    def on_headers_complete(self) -> None:
        """Take the status and judge the head."""
        status = self._parser.get_status_code()
        if 100 <= status < 200:
            self._interim += 1
            if self._interim > MAX_INTERIM:
                self._flaw = "it has too many interim answers"
            self._headers = []
            self._framed = False
            self._retry_after = None
            return
        if len(self._headers) > MAX_FIELDS:
            self._flaw = f"it has more than {MAX_FIELDS} header fields"
        elif self._interim and self._parser.get_http_version() not in ("1.1", "1.0"):  # else `_START` has told
            self._flaw = "its version is not HTTP/1.1"
        elif not 200 <= status < 600:
            self._flaw = "its status is not one of 200 to 599"
        elif self._head_bytes > MAX_HEAD and self._count_head() > MAX_HEAD:
            self._flaw = _HEAD_TOO_LARGE
        if self._flaw is not None:
            return
        self._head_done = True
        self._framed = self._framed or status in (204, 304)
        exchange = self._exchange
        if exchange is not None:
            exchange.status = status
            exchange.headers = self._decode_headers()
            exchange.retry_after = self._retry_after

    def on_body(self, data: bytes) -> None:
        """Keep the part of the body that is wanted."""
        self._body_bytes += len(data)
        self._framing -= len(data) + FRAMING_PER_PART
        exchange = self._exchange
        if exchange is None:
            return
        had = self._body_bytes - len(data)
        cap = MAX_NEEDED_BODY if exchange.request.need_body else MAX_KEPT_BODY
        if had < cap:
            exchange.chunks.append(data[: cap - had])

    def on_message_complete(self) -> None:
        """Note the end of the final answer."""
        self._complete = self._head_done
        self._keep_alive = self._parser.should_keep_alive()  # known here only: the parser then forgets the message

    # -- what an answer means so far

    def _check_start(self, data: bytes) -> None:
        at = self._head_bytes
        if data[: len(_START) - at] != _START[at : at + len(data)]:
            self._flaw = "it does not begin with HTTP/1."  # the parser would take RTSP, HTTP/2.0 and blank lines, too

    def _advance(self, exchange: Exchange) -> None:
        if not self._head_done:
            if self._flaw is None and self._head_bytes > MAX_HEAD:
                self._flaw = _HEAD_TOO_LARGE
            if self._flaw is not None:
                self._settle(exchange, exchange.fail(Reason.PROTOCOL, _malformed(self._flaw)))
                self.abort()
            return
        needed = exchange.request.need_body
        if needed and self._flaw is not None:
            self._settle(exchange, exchange.fail(Reason.PROTOCOL, _malformed(self._flaw)))
        elif needed and self._body_bytes > MAX_NEEDED_BODY:
            message = f"The answer's body exceeds {MAX_NEEDED_BODY // 1024} KiB."
            self._settle(exchange, exchange.fail(Reason.TOO_LARGE, message))
        elif self._complete or not needed:
            self._settle(exchange, exchange.conclude(self._complete and self._body_bytes <= _kept(needed)))
        if self._complete and self._flaw is None:
            self._finish()
        elif self._flaw is not None or self._body_bytes > (MAX_NEEDED_BODY if needed else MAX_DRAINED_BODY):
            self.abort()

    def _finish(self) -> None:
        self._exchange = None
        if self._keep_alive:
            self.pool.give_back(self)
        else:
            self.abort()

    def _cut(self, exchange: Exchange, exc: Exception | None) -> Attempt | None:
        if self._head_done and not self._framed and exc is None:
            return exchange.conclude(self._body_bytes <= _kept(exchange.request.need_body))
        if self._head_done:
            return exchange.fail(Reason.PROTOCOL, _malformed("it ended before its announced end"))
        if exchange.reused and not exchange.first_byte:
            return None
        return exchange.fail(Reason.RESET, _RESET)

    def _settle(self, exchange: Exchange, attempt: Attempt | None) -> None:
        future = exchange.future
        if future is not None and not future.done():
            future.set_result(attempt)

    def _decode_headers(self) -> tuple[tuple[str, str], ...]:
        if self._headers != self._raw:  # a receiver's answers differ by the second in Date, if at all
            self._raw = self._headers
            self._decoded = tuple([(name.decode("latin-1"), value.decode("latin-1")) for name, value in self._raw])
        return self._decoded

    def _count_head(self) -> int:
        return sum(len(name) + len(value) + 4 for name, value in self._headers)


_START = b"HTTP/1."
_RESET = "The connection was cut before an answer came."
_FRAMING_TOO_LARGE = f"what frames its chunks exceeds {MAX_FRAMING // 1024} KiB"
_HEAD_TOO_LARGE = f"its header fields exceed {MAX_HEAD // 1024} KiB"


def _kept(needed: bool) -> int:
    return MAX_NEEDED_BODY if needed else MAX_KEPT_BODY


def _malformed(flaw: str) -> str:
    return f"The answer is not HTTP/1.1 as it must be: {flaw}."
