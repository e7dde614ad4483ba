"""How many attempts and deliveries ended how, and how long receivers took: counted, added up, and read as quantiles.

Times are kept as a histogram with four buckets to each power of two of microseconds, so that a tally stays small. A
quantile is told as the middle of its bucket: at most an eighth more and at most a tenth less than the time that it
stands for. What ended is carried as one number (`code`) until it is added up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntEnum

import msgspec

#: Bits of a time's leading digits that its bucket keeps.
_BITS = 3
#: A code is a time in µs, that many times, and what it counts.
KINDS = 4


class Ended(IntEnum):
    """What one code counts."""

    DELIVERED = 0  #: an attempt succeeded and its delivery ended DELIVERED
    FAILED = 1  #: an attempt failed; its delivery goes on, or had ended before
    GIVEN_UP = 2  #: an attempt failed and its delivery ended FAILED
    CLOSED = 3  #: a delivery ended FAILED without another attempt: cancelled, expired, its hook deleted


class Tally(msgspec.Struct, kw_only=True):
    """What ended in a span of time."""

    delivered: int = 0  #: deliveries that ended DELIVERED
    failed_attempts: int = 0
    ended_failed: int = 0  #: deliveries that ended FAILED, with or without an attempt
    timed: int = 0  #: attempts whose receiver answered, or kept us waiting until the time was up
    total_us: int = 0  #: that those took together
    times: dict[int, int] = msgspec.field(default_factory=dict)  #: of those, by bucket

    def count(self, codes: Iterable[int]) -> None:
        """Count what ended."""
        times, kinds = self.times, [0] * KINDS
        for code in codes:
            took_us, ended = divmod(code, KINDS)
            kinds[ended] += 1
            if took_us:
                self.timed += 1
                self.total_us += took_us
                bucket = bucket_of(took_us)
                times[bucket] = times.get(bucket, 0) + 1
        self.delivered += kinds[Ended.DELIVERED]
        self.failed_attempts += kinds[Ended.FAILED] + kinds[Ended.GIVEN_UP]
        self.ended_failed += kinds[Ended.GIVEN_UP] + kinds[Ended.CLOSED]

    def add(self, other: Tally) -> None:
        """Count what *other* counts as well."""
        self.delivered += other.delivered
        self.failed_attempts += other.failed_attempts
        self.ended_failed += other.ended_failed
        self.timed += other.timed
        self.total_us += other.total_us
        for bucket, count in other.times.items():
            self.times[bucket] = self.times.get(bucket, 0) + count

    @property
    def success_rate(self) -> float | None:
        """Deliveries that ended DELIVERED as a part (0 to 1) of those that ended; None if none did."""
        ended = self.delivered + self.ended_failed
        return self.delivered / ended if ended else None

    @property
    def mean_ms(self) -> float | None:
        """What a receiver took on average; None if none was timed."""
        return self.total_us / self.timed / 1000 if self.timed else None

    def quantile_ms(self, part: float) -> float | None:
        """Return the time (ms) that *part* (0 to 1) of the receivers' answers took at most; None if none was timed."""
        return quantile_ms(self.times, part)


def code(ended: Ended, took_ms: float = 0.0) -> int:
    """Return what stands for one attempt or delivery. took_ms: by the receiver; 0: it was not timed."""
    return int(took_ms * 1000) * KINDS + int(ended)


def bucket_of(took_us: int) -> int:
    """Return the number of the bucket that a time (µs, at least 1) falls into."""
    shift = took_us.bit_length() - _BITS
    return took_us if shift <= 0 else (shift + 1) * 4 + (took_us >> shift) - 4


def bounds_of(bucket: int) -> tuple[int, int]:
    """Return the times (µs) that a bucket holds: from, inclusive, to, exclusive."""
    if bucket < 8:  # as exact as the times themselves
        return bucket, bucket + 1
    shift, digits = bucket // 4 - 1, bucket % 4 + 4
    return digits << shift, (digits + 1) << shift


def quantile_ms(times: Mapping[int, int], part: float) -> float | None:
    """Return the time (ms) that *part* (0 to 1) of a histogram's times reach at most; None if it is empty.

    It is the middle of the bucket that holds it: where in there it lies is not known, and times that are all the same
    lie in one place. So it is at most an eighth more, if it is the bucket's least, and at most a tenth less.
    """
    rank = part * sum(times.values())
    for bucket in sorted(times):
        count = times[bucket]
        if rank <= count:
            low, high = bounds_of(bucket)
            return (low + high - 1) / 2 / 1000
        rank -= count
    return None
