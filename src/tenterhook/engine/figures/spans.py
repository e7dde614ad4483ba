"""The spans of time that figures are about, and the buckets that they are shown in."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from tenterhook.domain.tally import Tally
from tenterhook.store.tallies import Grain


class Span(StrEnum):
    """How far figures reach back; the last bucket is the one that has begun."""

    HOUR = "HOUR"  #: 60 buckets of a minute
    DAY = "DAY"  #: 96 of 15 minutes
    WEEK = "WEEK"  #: 84 of two hours

    @property
    def buckets(self) -> int:
        """How many buckets it has."""
        return _BUCKETS[self][0]

    @property
    def bucket_ms(self) -> int:
        """How long each is."""
        return _BUCKETS[self][1]

    @property
    def grain(self) -> Grain:
        """Which tallies its buckets are made of."""
        return _BUCKETS[self][2]

    def starts(self, now_ms: int) -> list[int]:
        """Return where its buckets begin (ms), oldest first. In UTC, whatever the time of the day is."""
        last = now_ms - now_ms % self.bucket_ms
        return [last - self.bucket_ms * back for back in reversed(range(self.buckets))]


_MINUTE_MS = int(Grain.MINUTE)
_BUCKETS = {
    Span.HOUR: (60, _MINUTE_MS, Grain.MINUTE),
    Span.DAY: (96, 15 * _MINUTE_MS, Grain.QUARTER),
    Span.WEEK: (84, 120 * _MINUTE_MS, Grain.HOUR),
}


class Bucket(msgspec.Struct, frozen=True):
    """What ended in one bucket. An attempt counts when its outcome is stored, a delivery when it ends."""

    start: int  #: ms
    delivered: int  #: deliveries that ended DELIVERED
    failed_attempts: int
    ended_failed: int  #: deliveries that ended FAILED, with or without an attempt


def bucketed(span: Span, starts: list[int], tallies: dict[int, Tally]) -> list[Bucket]:
    """Return the buckets of a span that begin at *starts*, made of tallies of its grain."""
    found = {start: Tally() for start in starts}
    for start, tally in tallies.items():
        found[start - start % span.bucket_ms].add(tally)
    return [Bucket(start, tally.delivered, tally.failed_attempts, tally.ended_failed) for start, tally in found.items()]
