"""Work of tens of milliseconds that is nobody's wait but its caller's: reading a body with filters, making a key."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from tenterhook.engine.long_searches import LongSearches
from tenterhook.errors import OverloadedError

#: Calls of one org, and of all, that are at work or wait for it.
MAX_OF_ORG, MAX_WAITING = 16, 128

T = TypeVar("T")


class Aside:
    """Does one such work at a time, in a thread, and one of an org before the next of another. Belongs to the loop."""

    def __init__(self) -> None:
        self._turns = LongSearches(1)
        self._waiting: dict[str, int] = {}

    async def run(self, org_id: str, work: Callable[[], T]) -> T:
        """Return what *work* returns, which touches nothing but what it is given.

        Raises: OverloadedError, if too many calls wait; what *work* raises.
        """
        of_org = self._waiting.get(org_id, 0)
        if of_org >= MAX_OF_ORG or sum(self._waiting.values()) >= MAX_WAITING:
            raise OverloadedError("too many hooks, filters and keys are waiting to be read or made", 1)
        self._waiting[org_id] = of_org + 1
        try:
            async with self._turns.turn(org_id):
                return await asyncio.to_thread(work)
        finally:
            self._waiting[org_id] -= 1
            if not self._waiting[org_id]:
                del self._waiting[org_id]
