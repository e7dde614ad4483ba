"""Whose turn it is to search far: few at a time, and one of an org."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

#: Searches that go beyond their first rows at the same time.
MOST = 2


class LongSearches:
    """The searches under way that an index or a longer scan has to answer. Belongs to the event loop."""

    def __init__(self, most: int = MOST) -> None:
        self._room = asyncio.Semaphore(most)
        self._orgs: dict[str, asyncio.Lock] = {}
        self._waiting: dict[str, int] = {}

    @asynccontextmanager
    async def turn(self, org_id: str) -> AsyncIterator[None]:
        """Wait until it is the org's turn, and have it for the length of the block.

        One of an org at a time: an org with twenty searches stands in the line of all once, as any other.
        """
        mine = self._orgs.setdefault(org_id, asyncio.Lock())
        self._waiting[org_id] = self._waiting.get(org_id, 0) + 1
        try:
            async with mine, self._room:
                yield
        finally:
            self._waiting[org_id] -= 1
            if not self._waiting[org_id]:
                del self._waiting[org_id], self._orgs[org_id]
