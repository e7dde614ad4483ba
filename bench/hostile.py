"""Endpoints on loopback that keep their callers waiting, each in another way."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
DRIP_S = 0.02
#: Its case is an OAUTH channel, whose token endpoint is one of these.
TOKEN_URL = "a token that is never granted"


async def _silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read, and say nothing: after a request, or instead of a TLS handshake."""
    await reader.read()


async def _read(reader: asyncio.StreamReader) -> None:
    """Read a whole request."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    await reader.readexactly(int(head.partition(b"content-length: ")[2].split(b"\r\n")[0]))


async def _half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _read(reader)
    writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n{"commands":[')
    await reader.read()


async def _dripping_head(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _read(reader)
    writer.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
    await _drip(reader, writer, b"x")


async def _dripping_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _read(reader)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{")
    await _drip(reader, writer, b" ")


async def _drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, byte: bytes) -> None:
    while not (reader.at_eof() or writer.is_closing()):
        writer.write(byte)
        await writer.drain()
        await asyncio.sleep(DRIP_S)


BEHAVIOURS: dict[str, Behaviour] = {
    "no answer": _silent,
    "half a body": _half,
    "a dripping head": _dripping_head,
    "a dripping body": _dripping_body,
}


async def listen(behaviour: Behaviour) -> int:
    """Listen on a free port of loopback, and return it."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await behaviour(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    return port


def full_backlog() -> tuple[int, list[socket.socket]]:
    """Return a port whose listener takes no further connection, and what has to be kept open for that."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    fillers = [socket.socket() for _ in range(4)]
    for filler in fillers:
        filler.setblocking(False)
        filler.connect_ex(listener.getsockname())
    return listener.getsockname()[1], [listener, *fillers]
