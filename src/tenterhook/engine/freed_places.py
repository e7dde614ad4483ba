"""Remember in which orgs held deliveries ended, so that their places in the quota are given to what waits behind."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable


class FreedPlaces:
    """Orgs whose quota is to be booked anew: at most each org once. Belongs to the event loop."""

    def __init__(self) -> None:
        self.some = asyncio.Event()
        self._orgs: set[str] = set()

    def note(self, org_ids: Iterable[str]) -> None:
        """Have what these orgs hold booked anew soon. Never waits."""
        self._orgs.update(org_ids)
        if self._orgs:
            self.some.set()

    def take(self) -> list[str]:
        """Return the orgs noted so far, and forget them."""
        taken = sorted(self._orgs)
        self._orgs.clear()
        self.some.clear()
        return taken
