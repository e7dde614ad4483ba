"""Sending one request and saying what happened, as data, within one deadline."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Hashable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import monotonic

from tenterhook.domain.address import Address, DestinationRules
from tenterhook.domain.attempt import Attempt, Reason
from tenterhook.egress import guard
from tenterhook.egress.connection import Connection
from tenterhook.egress.exchange import Exchange
from tenterhook.egress.failure import PeerError
from tenterhook.egress.pool import Pool
from tenterhook.egress.request import Head, Request, render_head
from tenterhook.egress.resolve import ResolveError, Resolver, SystemResolver
from tenterhook.egress.tls import make_context

__all__ = ["Client", "Head", "Request", "render_head"]

MAX_CONNECTIONS = 2048

_log = logging.getLogger("tenterhook.egress")


_now = partial(datetime.now, UTC)


def _know_nothing(host: str) -> None:
    return None


class Client:
    """The door out: HTTP/1.1 to judged addresses only, on kept-alive connections.

    rules: what the operator opened. trust: a PEM file of extra trust anchors. Belongs to the event loop it first
    sends on. Follows no redirects, keeps no cookies, decodes nothing, reads neither proxy variables nor netrc.
    """

    def __init__(
        self,
        rules: DestinationRules,
        *,
        resolver: Resolver | None = None,
        trust: Path | str | None = None,
        max_connections: int = MAX_CONNECTIONS,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._rules = rules
        self._resolver = SystemResolver() if resolver is None else resolver
        self._recall = self._resolver.recall if isinstance(self._resolver, SystemResolver) else _know_nothing
        self._context = make_context(None if trust is None else Path(trust))
        self._pool = Pool(max_connections)
        self._clock = clock

    @property
    def open_connections(self) -> int:
        """How many connections are open or being opened."""
        return self._pool.open_connections

    async def send(self, request: Request, timeout_s: float) -> Attempt:
        """Send *request* once and return what happened.

        timeout_s: for everything from the look-up to the last byte that is needed. A kept-alive connection that died
        before the first byte of an answer is replaced at once, within the same attempt and deadline.
        Never raises for what a peer does; cancelling closes the connection.
        """
        began = monotonic()
        exchange = Exchange(request, self._clock(), began, began + timeout_s, timeout_s)
        head = request.head
        connection = None
        try:
            addresses = head.addresses or self._recall(head.destination.host) or await self._resolve(exchange)
            connection = self._choose(request, exchange, addresses)
            if connection is not None:
                exchange.reused = True
                attempt = await connection.run(exchange)
                if attempt is not None:
                    return attempt
                exchange.reused = False
            connection = await self._open(exchange, addresses)
            attempt = await connection.run(exchange)
            guard.keep_session(connection, head.destination, self._context)
        except PeerError as error:
            return exchange.fail(error.reason, error.message)
        except asyncio.CancelledError:
            if connection is not None:
                connection.abort()
            raise
        assert attempt is not None, "only a reused connection can die untouched"
        return attempt

    def forget(self, pool: Hashable) -> None:
        """Close the idle connections of *pool*, because its hook changed; those in use are not used again."""
        self._pool.forget(pool)

    async def close(self) -> None:
        """Close every connection; attempts under way end INTERRUPTED."""
        await self._pool.close()

    def _choose(self, request: Request, exchange: Exchange, addresses: Sequence[Address]) -> Connection | None:
        """Judge *addresses* and return a resting connection to one of them, or None."""
        destination = request.head.destination
        connection = self._pool.take(request.pool, destination, addresses)
        if connection is not None:
            return connection  # opened for this very answer, which these very rules allowed
        exchange.private = guard.judge_all(addresses, destination.port, self._rules)
        return self._pool.adopt(request.pool, destination, addresses)

    async def _resolve(self, exchange: Exchange) -> Sequence[Address]:
        destination = exchange.request.head.destination
        try:
            async with asyncio.timeout(exchange.left):
                addresses = await self._resolver.resolve(destination.host, destination.port)
        except TimeoutError as error:
            raise PeerError(Reason.DNS, "The host name was not resolved in time.") from error
        except ResolveError as error:
            raise PeerError(Reason.DNS, f"The host name {destination.host} did not resolve: {error}.") from error
        exchange.dns_ms = (monotonic() - exchange.began) * 1000.0
        return addresses

    async def _open(self, exchange: Exchange, addresses: Sequence[Address]) -> Connection:
        request = exchange.request
        try:
            async with asyncio.timeout(exchange.left):
                lane = await self._pool.reserve(request.pool)
        except TimeoutError as error:
            raise PeerError(Reason.INTERRUPTED, "No connection was free on our side.") from error
        connection = Connection(self._pool, lane, request.head.destination, addresses, exchange.private)
        try:
            if self._pool.closed:
                raise PeerError(Reason.INTERRUPTED, "We stopped before the request was sent.")
            await self._dial(connection, exchange, addresses)
        except BaseException:
            self._pool.waive(lane)
            raise
        self._pool.add(connection)
        if connection.lost:
            self._pool.remove(connection)
        return connection

    async def _dial(self, connection: Connection, exchange: Exchange, addresses: Sequence[Address]) -> None:
        began = monotonic()
        bucket_end = min(began + guard.CONNECT_S, exchange.deadline)
        port = connection.destination.port
        try:
            sock, connection.address = await guard.connect(addresses, port, exchange, self._rules)
            end = bucket_end if exchange.private else exchange.deadline
            await guard.prove(sock, connection, self._context, max(0.0, end - monotonic()), exchange)
        except PeerError as error:
            if not exchange.private or error.reason not in (Reason.CONNECT, Reason.TLS):
                raise
            # Equal words after an equal time for open, closed and filtered ports: a hook is no port scanner.
            _log.info("no connection to %s: %s", connection.destination.authority, error.message)
            await asyncio.sleep(max(0.0, bucket_end - monotonic()))
            exchange.connect_ms = exchange.tls_ms = None
            raise PeerError(Reason.CONNECT, guard.PRIVATE_MESSAGE) from error
