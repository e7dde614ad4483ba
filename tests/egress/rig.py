"""Real receivers on loopback, scripted byte by byte, and a resolver that says what the test wants."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from ipaddress import ip_address

from tenterhook.domain.destination import DestinationRules, parse_allowed_network, parse_destination
from tenterhook.egress.client import Client, Request, render_head
from tenterhook.egress.resolve import ResolveError

DEV = DestinationRules(dev=True)
ALLOWING = DestinationRules(allow=(parse_allowed_network("127.0.0.0/8"), parse_allowed_network("::1")))
NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"


class Receiver:
    """A listening socket that follows *script* on each connection and remembers what came."""

    def __init__(self, script):
        self.script = script
        self.connections = 0
        self.requests = []  # (head, body)
        self.tasks = set()
        self.port = 0
        self.asked = asyncio.Event()  # a request has come
        self.ended = asyncio.Event()  # a script has come to its end

    async def accept(self, reader, writer):
        self.connections += 1
        task = asyncio.current_task()
        self.tasks.add(task)
        try:
            await self.script(self, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.tasks.discard(task)
            self.ended.set()
            writer.close()

    async def read(self, reader):
        """Read one request; an end of stream raises IncompleteReadError."""
        head = await reader.readuntil(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        body = await reader.readexactly(length)
        self.requests.append((head, body))
        self.asked.set()
        return head, body


def answering(*answers):
    """Make a script that gives *answers* to the requests of a connection in turn, the last one for ever."""

    async def script(receiver, reader, writer):
        for turn in range(1_000_000):
            await receiver.read(reader)
            writer.write(answers[min(turn, len(answers) - 1)])
            await writer.drain()

    return script


def closing_after(answer):
    """Make a script that answers once and closes."""

    async def script(receiver, reader, writer):
        await receiver.read(reader)
        writer.write(answer)
        await writer.drain()

    return script


@contextlib.asynccontextmanager
async def listening(script, tls: ssl.SSLContext | None = None, host="127.0.0.1", port=0):
    receiver = Receiver(script)
    server = await asyncio.start_server(receiver.accept, host, port, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        for task in list(receiver.tasks):
            task.cancel()
        await asyncio.gather(*receiver.tasks, return_exceptions=True)
        await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def sending(rules=DEV, **options):
    client = Client(rules, **options)
    try:
        yield client
    finally:
        await client.close()
        assert client.open_connections == 0


def post(url, rules=DEV, **options):
    """Make a POST to *url*, or whatever *options* say."""
    method = options.pop("method", "POST")
    headers = options.pop("headers", [("Accept", "application/json")])
    body = options.pop("body", b'{"a":1}' if method == "POST" else b"")
    head = render_head(method, parse_destination(url, rules), headers)
    return Request(head, "req01", body, options.pop("pool", "hook"), **options)


def to(receiver, path="/hook", scheme="http", host="127.0.0.1", **options):
    return post(f"{scheme}://{host}:{receiver.port}{path}", **options)


class Saying:
    """A resolver that gives its answers in turn, the last one for ever, and counts."""

    def __init__(self, *answers):
        self.answers = [tuple(map(ip_address, answer)) for answer in answers]
        self.asked = 0

    async def resolve(self, host, port):
        answer = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        if not answer:
            raise ResolveError("the name does not exist or has no address")
        return answer
