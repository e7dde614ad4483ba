"""The cheap ends of the wire: a sink that counts, and publishers in a closed loop that send prebuilt bytes."""

from __future__ import annotations

import asyncio
import json
from typing import cast


class Sink:
    """Answers every POST 204 and every challenge with its echo; counts requests and events."""

    def __init__(self) -> None:
        self.requests = 0
        self.events = 0
        self.body = b""  # of the last delivery
        self._wanted = 0
        self._reached: asyncio.Future[None] | None = None

    async def listen(self) -> int:
        """Listen on a free port of loopback, and return it."""
        server = await asyncio.get_running_loop().create_server(lambda: _SinkProtocol(self), "127.0.0.1", 0)
        port: int = server.sockets[0].getsockname()[1]
        return port

    def took(self, body: bytes) -> None:
        self.requests += 1
        self.events += body.count(b'{"uuid":"')
        self.body = body
        if self._reached is not None and self.events >= self._wanted and not self._reached.done():
            self._reached.set_result(None)

    async def until(self, events: int, deadline_s: float) -> None:
        """Wait until *events* have come since the last `reset`."""
        self._wanted = events
        self._reached = asyncio.get_running_loop().create_future()
        if self.events < events:
            await asyncio.wait_for(self._reached, deadline_s)

    def reset(self) -> None:
        self.requests = self.events = 0


class _SinkProtocol(asyncio.Protocol):
    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._pending = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are none by class

    def data_received(self, data: bytes) -> None:
        pending = self._pending + data if self._pending else data
        while (end := pending.find(b"\r\n\r\n")) >= 0:
            length = _content_length(pending, end)
            if len(pending) < end + 4 + length:
                break
            self._answer(pending[:end], pending[end + 4 : end + 4 + length])
            pending = pending[end + 4 + length :]
        self._pending = pending

    def _answer(self, head: bytes, body: bytes) -> None:
        assert self._transport is not None
        if head.startswith(b"POST "):
            self._transport.write(b"HTTP/1.1 204 No Content\r\n\r\n")
            self._sink.took(body)
            return
        lines = (line.partition(b": ") for line in head.split(b"\r\n"))
        challenge = next(value for name, _, value in lines if name.lower() == b"x-okta-verification-challenge")
        echo = json.dumps({"verification": challenge.decode()}).encode()
        start = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(echo)
        self._transport.write(start + echo)


class _Publisher(asyncio.Protocol):
    """One connection: sends the request again as soon as the answer is there."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._pending = b""
        self._finished = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are none by class
        self._next()

    def data_received(self, data: bytes) -> None:
        pending = self._pending = self._pending + data if self._pending else data
        end = pending.find(b"\r\n\r\n")
        if end < 0 or len(pending) < end + 4 + _content_length(pending, end):
            return
        self._pending = b""
        if not pending.startswith(b"HTTP/1.1 200"):
            self._load.failed(pending)
            return
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._finished:
            self._load.failed(b"the connection was lost")

    def _next(self) -> None:
        assert self._transport is not None
        if self._load.take():
            self._transport.write(self._load.request)
        else:
            self._finished = True
            self._load.idle(self._transport)


class Load:
    """Publishes one prebuilt request so many times, on so many connections."""

    def __init__(self, request: bytes, calls: int, connections: int) -> None:
        self.request = request
        self._left = calls
        self._busy = connections
        self._connections = connections
        self._done: asyncio.Future[None] | None = None

    async def run(self, port: int, deadline_s: float) -> None:
        """Publish all, and return when the last call was answered.

        Raises: RuntimeError, if one was not answered 200.
        """
        loop = asyncio.get_running_loop()
        self._done = loop.create_future()
        for _ in range(self._connections):
            await loop.create_connection(lambda: _Publisher(self), "127.0.0.1", port)
        await asyncio.wait_for(self._done, deadline_s)

    def take(self) -> bool:
        self._left -= 1
        return self._left >= 0

    def idle(self, transport: asyncio.Transport) -> None:
        self._busy -= 1
        if self._busy == 0 and self._done is not None and not self._done.done():
            self._done.set_result(None)
        transport.close()

    def failed(self, answer: bytes) -> None:
        if self._busy and self._done is not None and not self._done.done():
            self._done.set_exception(RuntimeError(answer[:500].decode("latin-1")))


def _content_length(data: bytes, end: int) -> int:
    at = data.find(b"ontent-", 0, end)
    while at >= 0:
        if data[at + 7 : at + 14].lower() == b"length:":
            stop = data.find(b"\r\n", at)
            return int(data[at + 14 : stop if 0 <= stop < end else end])
        at = data.find(b"ontent-", at + 1, end)
    return _lower_content_length(data[:end].lower())


def _lower_content_length(head: bytes) -> int:
    at = head.find(b"content-length:")
    return 0 if at < 0 else int(head[at + 15 :].split(b"\r\n", 1)[0])
