"""The access tokens of OAUTH channels: kept while they serve, fetched once for all who wait."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from time import monotonic

import msgspec

from tenterhook.domain.attempt import Attempt
from tenterhook.domain.inline.grant import Grant
from tenterhook.domain.inline.hook import InlineHook

#: Tokens that are kept; beyond it the one fetched longest ago is forgotten.
MAX_TOKENS = 10_000


class NoGrant(msgspec.Struct, frozen=True):
    """There is no token."""

    why: str  #: in words
    attempt: Attempt | None = None  #: the exchange with the token endpoint, if there was one


Fetch = Callable[[], Awaitable[Grant | NoGrant]]


class _Kept(msgspec.Struct, frozen=True):
    revision: int
    grant: Grant
    until: float  #: monotonic seconds


class Grants:
    """Tokens by hook and revision, and the fetches under way. Belongs to the event loop."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._fetching: dict[tuple[str, int], asyncio.Task[Grant | NoGrant]] = {}

    async def of(self, hook: InlineHook, fetch: Fetch, deadline: float) -> Grant | NoGrant | None:
        """Return the hook's token, fetched with *fetch* unless one serves or is being fetched; None at *deadline*.

        deadline: monotonic. Who stops waiting, for whatever reason, leaves the fetch to the others; *fetch* keeps a
        deadline of its own.
        """
        kept = self._kept.get(hook.id)
        if kept is not None and kept.revision == hook.revision and monotonic() < kept.until:
            return kept.grant
        key = (hook.id, hook.revision)
        task = self._fetching.get(key)
        if task is None:
            task = self._fetching[key] = asyncio.create_task(self._fetch(hook, fetch))
        await asyncio.wait([task], timeout=max(0.0, deadline - monotonic()))
        return task.result() if task.done() and not task.cancelled() else None

    def drop(self, hook: InlineHook, grant: Grant) -> None:
        """Use *grant* no more: the endpoint has refused it."""
        kept = self._kept.get(hook.id)
        if kept is not None and kept.grant is grant:
            del self._kept[hook.id]

    async def close(self) -> None:
        """End the fetches under way."""
        tasks = list(self._fetching.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _fetch(self, hook: InlineHook, fetch: Fetch) -> Grant | NoGrant:
        try:
            grant = await fetch()
        finally:
            self._fetching.pop((hook.id, hook.revision), None)
        if isinstance(grant, Grant) and grant.keep_s > 0:
            self._kept.pop(hook.id, None)
            self._kept[hook.id] = _Kept(hook.revision, grant, monotonic() + grant.keep_s)
            while len(self._kept) > MAX_TOKENS:
                self._kept.popitem(last=False)
        return grant
