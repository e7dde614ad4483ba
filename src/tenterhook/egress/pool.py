"""Which connections are open, which rest, and how many there may be."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Hashable, Sequence
from time import monotonic

from tenterhook.domain.address import Address
from tenterhook.domain.destination import Destination
from tenterhook.egress.connection import Connection

IDLE_S = 30.0
CLOSE_S = 1.0
MAX_IDLE_PER_LANE = 64


class Lane:
    """The connections of one pool key (hook id and channel version)."""

    __slots__ = ("forgotten", "idle", "key", "open")

    def __init__(self, key: Hashable) -> None:
        self.key = key
        self.idle: list[Connection] = []  #: the one used last is at the end and is used next
        self.open = 0  #: connections and dials under way
        self.forgotten = False  #: the hook changed: nothing of it is used again


class Pool:
    """All connections of a client, under one cap.

    At the cap a new connection takes the place of the one that has rested longest, or waits for one to end.
    """

    def __init__(self, max_connections: int) -> None:
        self._max = max_connections
        self._reserved = 0
        self._lanes: dict[Hashable, Lane] = {}
        self._resting: dict[Connection, None] = {}  # in the order in which they began to rest
        self._open: set[Connection] = set()
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._empty = asyncio.Event()
        self.closed = False

    def take(self, key: Hashable, destination: Destination, answer: Sequence[Address]) -> Connection | None:
        """Return the connection of *key* that rested last, if it was opened for this very *answer*, or None.

        "This very": the same object. Judging is a function of the answer and of rules that never change, so
        an answer that was judged once need not be judged again; one that was looked up again is another object.
        """
        lane = self._lanes.get(key)
        if lane is None or not lane.idle:
            return None
        connection = lane.idle[-1]
        if connection.answer is not answer or connection.destination is not destination or connection.lost:
            return None
        lane.idle.pop()
        del self._resting[connection]
        return connection

    def adopt(self, key: Hashable, destination: Destination, answer: Sequence[Address]) -> Connection | None:
        """Return a resting connection of *key* to *destination* at one of *answer*, just judged, or None."""
        lane = self._lanes.get(key)
        if lane is None:
            return None
        for connection in reversed(lane.idle):
            same = connection.destination == destination and connection.address in answer
            if same and not connection.lost:
                self._unrest(connection)
                connection.answer = answer
                connection.destination = destination
                return connection
        return None

    async def reserve(self, key: Hashable) -> Lane:
        """Wait for leave to open one connection. Each leave ends with `add` and then `remove`, or with `waive`."""
        if self._reserved < self._max:
            self._reserved += 1
        else:
            await self._wait()
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = Lane(key)
        lane.open += 1
        return lane

    async def _wait(self) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        for connection in self._resting:
            self._unrest(connection)
            connection.abort()  # its place passes on when it is lost
            break
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._pass_on()
            raise

    def add(self, connection: Connection) -> None:
        """Count a connection that was opened."""
        self._open.add(connection)

    def waive(self, lane: Lane) -> None:
        """Give a leave back unused."""
        lane.open -= 1
        if lane.open == 0 and self._lanes.get(lane.key) is lane:
            del self._lanes[lane.key]
        self._pass_on()

    def remove(self, connection: Connection) -> None:
        """Forget a connection that was lost."""
        if connection not in self._open:
            return
        self._open.discard(connection)
        if connection in self._resting:
            self._unrest(connection)
        self.waive(connection.lane)

    def give_back(self, connection: Connection) -> None:
        """Let a connection rest after a complete answer, or close it."""
        lane = connection.lane
        if self.closed or lane.forgotten or self._waiting or len(lane.idle) >= MAX_IDLE_PER_LANE:
            connection.abort()
            return
        lane.idle.append(connection)
        self._resting[connection] = None
        connection.rest(monotonic() + IDLE_S)

    def forget(self, key: Hashable) -> None:
        """Close the resting connections of *key*; those in use are closed after their exchange."""
        lane = self._lanes.pop(key, None)
        if lane is None:
            return
        lane.forgotten = True
        for connection in list(lane.idle):
            self._unrest(connection)
            connection.abort()

    async def close(self) -> None:
        """Close everything; exchanges under way end INTERRUPTED. Waits until all are closed, at most a second."""
        self.closed = True
        for connection in list(self._open):
            connection.interrupt()
        if self._reserved:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_S):
                    await self._empty.wait()

    @property
    def open_connections(self) -> int:
        """How many connections are open or being opened."""
        return self._reserved

    def _unrest(self, connection: Connection) -> None:
        del self._resting[connection]
        connection.lane.idle.remove(connection)

    def _pass_on(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._reserved -= 1
        if self.closed and not self._reserved:
            self._empty.set()
