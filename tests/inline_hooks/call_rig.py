"""Endpoints on loopback that answer inline calls as a test says, byte by byte, and the calls that ask them."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from api_rig import Api, until
from inline_rig import create, logged
from inline_samples import HTTP_BODY

from tenterhook.domain.inline.kind import KINDS, TELEPHONY
from tenterhook.domain.inline.sample import sample_data

CALLS = "/api/v1/inlineCalls"
SECRET = "s3cret-value"
#: What a test allows beyond the budget. The promise is 0.1 s (DESIGN §3.5) and the benchmark measures it; here machines
#: are shared, and each endpoint that a test waits for would hold its caller far longer than this.
GRACE_S = 2.0
#: The budget of a call whose endpoint hangs: the test waits it out.
HANGING_S = 0.5
#: The budget of a call that has to be answered, however busy the machine is.
AMPLE_S = 30.0


def said(body: object = None, status: str = "200 OK", *fields: str) -> bytes:
    """Return an HTTP answer with *body* as JSON; bytes are sent as they are."""
    raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    head = [
        f"HTTP/1.1 {status}",
        *fields,
        *([] if status.startswith("204") else [f"Content-Length: {len(raw)}"]),
        "",
        "",
    ]
    return "\r\n".join(head).encode() + raw


NOTHING = said(status="204 No Content")
Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer nothing, and wait until the caller goes away."""
    await reader.read()


async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Close without a word."""


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send a byte of the body now and then, for ever."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{")
    while True:
        await asyncio.sleep(0.02)
        writer.write(b" ")
        await writer.drain()


async def drip_head(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send a byte of the head now and then, for ever."""
    writer.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while True:
        await asyncio.sleep(0.02)
        writer.write(b"x")
        await writer.drain()


async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send the head and half of the body, and then nothing."""
    writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n{"commands":[')
    await reader.read()


async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send a body without an end, as fast as it is taken."""
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
        await writer.drain()


@dataclass
class Endpoint:
    """A receiver on loopback; what it says is taken in turn, the last one for good."""

    turns: list[bytes | Behaviour]
    requests: list[tuple[str, bytes]] = field(default_factory=list)  #: head, body
    connections: int = 0
    url: str = ""

    @property
    def payloads(self) -> list[dict[str, Any]]:
        """What was asked, as JSON."""
        return [json.loads(body) for _, body in self.requests]

    def fields(self, at: int = -1) -> dict[str, str]:
        """The header fields of one request, their names in lower case."""
        lines = self.requests[at][0].split("\r\n")[1:]
        return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = int(head.lower().partition("\r\ncontent-length: ")[2].split("\r\n")[0] or 0)
                self.requests.append((head.rstrip(), await reader.readexactly(length)))
                turn = self.turns.pop(0) if len(self.turns) > 1 else self.turns[0]
                if not isinstance(turn, bytes):
                    await turn(reader, writer)
                    return
                writer.write(turn)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def endpoint(*turns: bytes | Behaviour) -> AsyncIterator[Endpoint]:
    """An endpoint that says *turns*; without any it has no commands."""
    made = Endpoint(list(turns) or [NOTHING])
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/ask"
    try:
        yield made
    finally:
        server.close()


@contextmanager
def black_hole() -> Iterator[int]:
    """Listen with a full backlog, so that the kernel drops every further SYN; yields the port."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield int(listener.getsockname()[1])


async def add_hook(api: Api, type: str, url: str, of: dict[str, Any] = HTTP_BODY, **changes: Any) -> dict[str, Any]:
    """Create an active hook of *type* whose endpoint is at *url*."""
    return await create(api, of, type=type, channel__config__uri=url, **changes)


def question(type: str, data: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """Return the body of an inline call, a sample unless *data* says what is asked."""
    if type == TELEPHONY.type:
        more = {"requestType": TELEPHONY.request_types[0], **more}
    given = sample_data(type, more.get("requestType")) if data is None else data
    return {"type": type, "data": given, **more}


async def ask(api: Api, type: str, data: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """Call POST /api/v1/inlineCalls, which always answers a good question with 200, and return the result."""
    answer = await api.call("POST", CALLS, json=question(type, data, **more))
    assert answer.status_code == 200, answer.text
    result: dict[str, Any] = answer.json()
    assert list(result) == ["outcome", "data", "commands", "error", "reason", "hookId", "eventId", "durationMs"]
    return result


async def timed_ask(api: Api, type: str, **more: Any) -> tuple[dict[str, Any], float]:
    """Return the result of a call, and how many seconds its caller waited."""
    began = monotonic()
    result = await ask(api, type, **more)
    return result, monotonic() - began


async def told(api: Api, event_type: str, count: int = 1) -> list[dict[str, Any]]:
    """Return the log's events of a type once there are *count*: they are written after the answer."""

    async def there() -> bool:
        return len(await logged(api, event_type)) >= count

    await until(there)
    found = await logged(api, event_type)
    assert len(found) == count, found
    return found


def debug(event: dict[str, Any]) -> dict[str, str]:
    """Return a log event's debugData."""
    found: dict[str, str] = event["debugContext"]["debugData"]
    return found


def with_budget(api: Api, timeout_s: float) -> None:
    """Give the calls that begin from now on so much time, also less than a setting may: tests of time-outs are many."""
    api.pipeline.switchboard.timeout_s = timeout_s


ALL_TYPES = list(KINDS)
RETRIED = [kind.type for kind in KINDS.values() if kind.retried]
NOT_RETRIED = [kind.type for kind in KINDS.values() if not kind.retried]
