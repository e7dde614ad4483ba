"""How many inline calls may be under way: of one org and type, and of all. Who finds no place is told so at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

#: Places of one org and type, as Okta has them for its larger orgs (okta/inline-hooks.md §3).
OF_ONE = 75
#: Places of all: each call holds a connection, and those have to be left for deliveries.
OF_ALL = 768
#: While less than a quarter of all is free, who has this many gets no more: a hung endpoint leaves room for others.
FEW = 8


class Places:
    """The calls under way. Belongs to the event loop."""

    def __init__(self, of_one: int = OF_ONE, of_all: int = OF_ALL) -> None:
        self.of_one, self.of_all = of_one, of_all
        self._held: Counter[tuple[str, str]] = Counter()
        self._all = 0
        self.empty = asyncio.Event()  #: set while no call is under way
        self.empty.set()

    @contextmanager
    def hold(self, org_id: str, type: str) -> Iterator[str | None]:
        """Hold a place for the length of the block. Yields in words why there is none, or None if it is held."""
        key = (org_id, type)
        refusal = self._refusal(key)
        if refusal is not None:
            yield refusal
            return
        self._held[key] += 1
        self._all += 1
        self.empty.clear()
        try:
            yield None
        finally:
            self._all -= 1
            self._held[key] -= 1
            if not self._held[key]:
                del self._held[key]
            if not self._all:
                self.empty.set()

    def _refusal(self, key: tuple[str, str]) -> str | None:
        held = self._held[key]
        if held >= self.of_one:
            return (
                f"{held} calls of this type are under way in this org, as many as the setting "
                "TENTERHOOK_INLINE_CONCURRENCY allows."
            )
        if self._all >= self.of_all or (self._all >= 0.75 * self.of_all and held >= FEW):
            return f"{self._all} inline calls are under way, nearly all that this server has connections for."
        return None
