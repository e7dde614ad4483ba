"""Log events of inline calls that are not in the log yet: bounded, offered again while the disk says no, none lost
without a word."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

import structlog

log = structlog.get_logger(__name__)

#: Log events that may wait.
MAX_WAITING = 10_000
#: Seconds until what the database refused is offered again.
PAUSE_S = 5.0
#: Times that log events may fail by a fault of their own, not the disk's, before they are given up.
MOST_FAULTS = 5


class Untold:
    """What waits to be written. Belongs to the event loop."""

    def __init__(self) -> None:
        self.waiting = 0
        self.dropped: Counter[str] = Counter()  #: org id -> log events that found no room since the log was told so
        self._timers: dict[asyncio.TimerHandle, Callable[[], None]] = {}
        self._closing = False

    def admit(self, org_id: str, count: int) -> bool:
        """Return whether *count* log events of an org may wait; if not, they are counted as dropped."""
        if self.waiting + count > MAX_WAITING:
            if not self.dropped:
                log.error("inline calls are not logged: the database is too slow or refuses to be written")
            self.dropped[org_id] += count
            return False
        self.waiting += count
        return True

    def written(self, count: int) -> dict[str, int]:
        """Note that *count* are in the log; return what it has to be told was dropped, by org, and forget it."""
        self.waiting -= count
        if not self.dropped:
            return {}
        told, self.dropped = dict(self.dropped), Counter()
        return told

    def refused(self, count: int, offer: Callable[[], None], error: BaseException, faults: int) -> None:
        """Note that the database refused *count*: *offer* is called after a pause, or they are lost if we stop.

        faults: how often they failed for a reason that is not the disk's; at MOST_FAULTS they are lost as well.
        """
        if self._closing:
            self._lose("log events of inline calls could not be written before the stop", count, error)
            return
        if faults >= MOST_FAULTS:
            self._lose("log events of inline calls are given up: they fail each time they are written", count, error)
            return

        def due() -> None:
            del self._timers[timer]
            offer()

        timer = asyncio.get_running_loop().call_later(PAUSE_S, due)
        self._timers[timer] = offer

    def close(self) -> None:
        """Offer everything a last time."""
        self._closing = True
        timers, self._timers = self._timers, {}
        for timer, offer in timers.items():
            timer.cancel()
            offer()

    def _lose(self, why: str, count: int, error: BaseException) -> None:
        self.waiting -= count
        log.error(why, count=count, error=repr(error))
