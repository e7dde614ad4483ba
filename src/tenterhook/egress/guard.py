"""Resolve, judge all, connect to what was judged, check the peer, prove the host: the only way out."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections.abc import Sequence
from ipaddress import ip_address
from time import monotonic

from tenterhook.domain.address import Access, Address, DestinationRules, judge
from tenterhook.domain.attempt import Reason
from tenterhook.domain.destination import Destination
from tenterhook.egress.connection import Connection
from tenterhook.egress.exchange import Exchange
from tenterhook.egress.failure import PeerError
from tenterhook.egress.resolve import unmapped
from tenterhook.egress.tls import Context, explain

CONNECT_S = 2.0  #: for TCP connections to all addresses together
MAX_ADDRESSES = 16  #: tried by one attempt

BLOCKED_MESSAGE = (
    "The host leads to an address that may not be called: private, loopback, link-local or special, or a closed port."
)
NO_CONNECTION = "No TCP connection to the endpoint: it is down, refuses connections or is filtered."
#: said of every failure before a proven connection inside an allowed network, so that hooks cannot scan its ports
PRIVATE_MESSAGE = "No connection to the endpoint inside an allowed private network; the operator's log says more."


def judge_all(addresses: Sequence[Address], port: int, rules: DestinationRules) -> bool:
    """Judge every address; return whether one is private (opened by the operator; never so in dev).

    Raises: PeerError BLOCKED, if a single one may not be called: a mixed answer is an attack or a mistake.
    """
    private = False
    for address in addresses:
        verdict = judge(address, port, rules)
        if verdict.access is Access.BLOCKED:
            raise PeerError(Reason.BLOCKED, BLOCKED_MESSAGE)
        private = private or verdict.access is Access.PRIVATE_ALLOWED
    return private and not rules.dev


async def connect(
    addresses: Sequence[Address], port: int, exchange: Exchange, rules: DestinationRules
) -> tuple[socket.socket, Address]:
    """Open a TCP connection to the first judged address that takes one.

    Each address gets an equal share of what is left of `CONNECT_S` and the deadline, so that a dead first one leaves
    time for the second. Raises: PeerError.
    """
    tried = addresses[:MAX_ADDRESSES]
    if port in rules.own_anywhere and any(_is_this_machine(address) for address in tried):
        raise PeerError(Reason.BLOCKED, BLOCKED_MESSAGE)
    began = monotonic()
    end = min(began + CONNECT_S, exchange.deadline)
    for index, address in enumerate(tried):
        share = (end - monotonic()) / (len(tried) - index)
        sock = await _connect_one(address, port, share)
        if sock is not None:
            exchange.connect_ms = (monotonic() - began) * 1000.0
            return sock, address
    raise PeerError(Reason.CONNECT, NO_CONNECTION)


async def _connect_one(address: Address, port: int, limit_s: float) -> socket.socket | None:
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    except OSError as error:
        if error.errno in (errno.EMFILE, errno.ENFILE):
            raise PeerError(Reason.INTERRUPTED, "No connection could be opened on our side.") from error
        return None  # this machine has no such address family
    try:
        sock.setblocking(False)
        async with asyncio.timeout(max(0.0, limit_s)):
            await asyncio.get_running_loop().sock_connect(sock, (str(address), port))
        peer = sock.getpeername()
        if unmapped(ip_address(peer[0])) != address or peer[1] != port:
            raise PeerError(Reason.BLOCKED, BLOCKED_MESSAGE)
    except (OSError, TimeoutError):
        sock.close()
        return None
    except BaseException:
        sock.close()
        raise
    return sock


async def prove(
    sock: socket.socket, connection: Connection, context: Context, limit_s: float, exchange: Exchange
) -> None:
    """Put *connection* on *sock*, by TLS if the scheme is https, whose host the certificate must then name.

    Raises: PeerError TLS.
    """
    loop = asyncio.get_running_loop()
    destination = connection.destination
    if destination.scheme == "http":
        await loop.create_connection(lambda: connection, sock=sock)
        return
    began = monotonic()
    try:
        async with asyncio.timeout(limit_s):
            await loop.create_connection(lambda: connection, sock=sock, ssl=context, server_hostname=destination.host)
    except TimeoutError as error:
        message = "No TLS connection: the handshake did not end in time."
        raise PeerError(Reason.TLS, message) from error
    except (ssl.SSLError, OSError) as error:
        raise PeerError(Reason.TLS, explain(error)) from error
    exchange.tls_ms = (monotonic() - began) * 1000.0


def keep_session(connection: Connection, destination: Destination, context: Context) -> None:
    """Keep the TLS session of a connection that carried an answer."""
    link = connection.transport.get_extra_info("ssl_object") if connection.transport is not None else None
    if isinstance(link, ssl.SSLObject):
        context.keep(destination.host, link)


def _is_this_machine(address: Address) -> bool:
    """Tell whether *address* is one of this machine's: the kernel then picks it as the source, without a packet."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((str(address), 9))
            return ip_address(probe.getsockname()[0]) == address
    except OSError:
        return False
