"""A receiver on loopback, in a thread of its own: it records every byte and answers as it is told."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import threading
import time
from functools import cached_property

ANSWERS = {200: "OK", 204: "No Content", 302: "Found", 404: "Not Found", 410: "Gone", 500: "Internal Server Error"}
HANG = object()  # an answer that never comes
CUT = object()  # the connection is closed instead


class Received:
    """One request, as it came."""

    def __init__(self, head: bytes, body: bytes, in_flight: int):
        self.head, self.body = head, body
        self.in_flight = in_flight  # requests of this receiver that were open when it came, itself included
        self.lines = head.decode("latin-1").split("\r\n")
        self.request_line = self.lines[0]
        self.headers = [tuple(line.split(": ", 1)) for line in self.lines[1:] if line]
        self.path = self.request_line.split(" ")[1]

    def header(self, name):
        found = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(found) < 2, f"{name} came twice"
        return found[0] if found else None

    @cached_property
    def challenge(self):
        return self.header("X-Okta-Verification-Challenge")

    @cached_property
    def json(self):
        return json.loads(self.body)

    @cached_property
    def event_id(self):
        return self.json["eventId"]

    @cached_property
    def uuids(self):
        return [event["uuid"] for event in self.json["data"]["events"]]


def reply(status=204, headers=(), body=b""):
    """Return the bytes of an answer."""
    lines = [f"HTTP/1.1 {status} {ANSWERS.get(status, 'Whatever')}"]
    lines += [f"{key}: {value}" for key, value in headers]
    if status != 204:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def echo(received):
    """Answer a challenge as a good endpoint does."""
    body = json.dumps({"verification": received.challenge}).encode()
    return reply(200, [("Content-Type", "application/json")], body)


class Receiver:
    """Answers challenges by `echo(received)`, deliveries by `answer(received)`: a status, bytes, HANG or CUT."""

    def __init__(self, *, tls: ssl.SSLContext | None = None, answer=lambda received: 204):
        self.answer = answer
        self.echo = echo
        self.tls = tls
        self.requests: list[Received] = []  # in order of arrival; only ever appended to
        self.in_flight = 0
        self.connections = 0
        self.port = 0
        self._changed = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task] = set()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._started = threading.Event()

    # -- from the test's thread ---------------------------------------------------------------------------------------

    def __enter__(self):
        self._thread.start()
        assert self._started.wait(10)
        return self

    def __exit__(self, *exc):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        assert not self._thread.is_alive()

    def url(self, path="/hook", host="127.0.0.1"):
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}{path}"

    @property
    def deliveries(self):
        return [one for one in list(self.requests) if one.challenge is None]

    def bodies(self):
        return [one.body for one in self.deliveries]

    def uuids(self, path=None):
        return {uuid for one in self.deliveries if path in (None, one.path) for uuid in one.uuids}

    def wait(self, what, deadline_s=20.0):
        """Wait until *what()* is true; it is asked anew whenever something came."""
        end = time.monotonic() + deadline_s
        while True:
            came = len(self.requests)
            # Not under the lock: it may look at ten thousand requests, and the next one must not wait for that.
            if found := what():
                return found
            left = end - time.monotonic()
            assert left > 0, f"not within {deadline_s} s; {len(self.requests)} requests came"
            with self._changed:
                self._changed.wait_for(lambda seen=came: len(self.requests) != seen, min(left, 1.0))

    def wait_for_deliveries(self, count, deadline_s=20.0):
        """Wait until *count* deliveries have come, and return them."""
        self.wait(lambda: len(self.deliveries) >= count, deadline_s)
        return self.deliveries

    # -- on its own thread --------------------------------------------------------------------------------------------

    def _run(self):
        asyncio.set_event_loop(self._loop)
        start = asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self.tls, backlog=1024)
        server = self._loop.run_until_complete(start)
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        try:
            self._loop.run_forever()
        finally:
            server.close()
            for task in list(self._tasks):
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*self._tasks, return_exceptions=True))
            self._loop.run_until_complete(asyncio.sleep(0.01))
            self._loop.close()

    async def _serve(self, reader, writer):
        self._tasks.add(asyncio.current_task())
        self.connections += 1
        try:
            # A peer that was killed leaves half requests and closed sockets: that is what these tests are about.
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
                while await self._exchange(reader, writer):
                    pass
        except asyncio.CancelledError:
            pass
        finally:
            self._tasks.discard(asyncio.current_task())
            writer.transport.abort()

    async def _exchange(self, reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        body = await reader.readexactly(length)
        self.in_flight += 1
        try:
            received = Received(head[:-4], body, self.in_flight)
            answer = self.echo(received) if received.challenge else self.answer(received)
            with self._changed:
                self.requests.append(received)
                self._changed.notify_all()
            if answer is HANG:
                await reader.read(1)  # returns when the sender gives up
                return False
            if answer is CUT:
                return False
            writer.write(reply(answer) if isinstance(answer, int) else answer)
            await writer.drain()
            return True
        finally:
            self.in_flight -= 1
