"""Who follows the System Log live: woken after commits, counted and bounded, sent home when the server stops."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from tenterhook.errors import OverloadedError, RateLimitedError

MAX_PER_ORG, MAX_IN_ALL = 50, 200
#: All followers together read so often a second at most, and each of them every `MIN_PAUSE_S` at most.
READS_PER_S = 200
MIN_PAUSE_S = 0.05
#: Silence between two signs of life.
HEARTBEAT_S = 15.0


class _Room:
    """What the followers of one org share: a commit costs the same for one of them and for fifty."""

    def __init__(self) -> None:
        self.followers = 0
        self.commits = 0
        self.bell = asyncio.Event()


class Followers:
    """The live tails that are open. Belongs to the event loop."""

    def __init__(self) -> None:
        self.max_per_org, self.max_in_all = MAX_PER_ORG, MAX_IN_ALL
        self.heartbeat_s = HEARTBEAT_S
        self.closing = False
        self._rooms: dict[str, _Room] = {}

    @property
    def open(self) -> int:
        """How many there are."""
        return sum(room.followers for room in self._rooms.values())

    @property
    def pause_s(self) -> float:
        """How long each of them rests between two looks at the log."""
        return max(MIN_PAUSE_S, self.open / READS_PER_S)

    @contextmanager
    def enter(self, org_id: str) -> Iterator[Follower]:
        """Be a follower of the org's log for the length of the block.

        Raises: RateLimitedError, if the org has enough of them; OverloadedError, if the server has, or is stopping.
        """
        if self.closing:
            raise OverloadedError("this server is stopping", 5)
        room = self._rooms.get(org_id)
        if room is not None and room.followers >= self.max_per_org:
            text = f"{self.max_per_org} live tails of this org's log are open already; close one before the next."
            raise RateLimitedError(text)
        if self.open >= self.max_in_all:
            raise OverloadedError(f"{self.max_in_all} live tails are open on this server already", 30)
        room = self._rooms.setdefault(org_id, _Room())
        room.followers += 1
        try:
            yield Follower(self, room)
        finally:
            room.followers -= 1
            if not room.followers:
                del self._rooms[org_id]

    def ring(self, org_ids: Iterable[str]) -> None:
        """Tell the followers of these orgs that their logs have grown. Call it after the commit."""
        for org_id in org_ids:
            room = self._rooms.get(org_id)
            if room is not None:
                room.commits += 1
                room.bell.set()

    def close(self) -> None:
        """Send all followers home and let nobody in: the server is about to stop."""
        self.closing = True
        for room in self._rooms.values():
            room.bell.set()


class Follower:
    """One live tail's place among the others."""

    def __init__(self, followers: Followers, room: _Room) -> None:
        self._followers = followers
        self._room = room
        self._seen = room.commits

    @property
    def heartbeat_s(self) -> float:
        """How long its client is left without a word."""
        return self._followers.heartbeat_s

    @property
    def closing(self) -> bool:
        """Whether the server is about to stop."""
        return self._followers.closing

    def look(self) -> None:
        """Note that the log is about to be read: what is committed from here on ends the next `wait`."""
        self._seen = self._room.commits

    async def rest(self) -> None:
        """Let commits gather: many of them cost one look at the log."""
        await asyncio.sleep(self._followers.pause_s)

    async def wait(self, most_s: float) -> None:
        """Return once something was committed since the last `look`, the server stops, or *most_s* have passed."""
        room = self._room
        try:
            async with asyncio.timeout(most_s):
                while room.commits == self._seen and not self.closing:
                    room.bell.clear()
                    await room.bell.wait()
        except TimeoutError:
            return
