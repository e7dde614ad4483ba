"""How many calls a caller may make: fixed windows of a minute, each beginning with its first call."""

from __future__ import annotations

import ipaddress
from collections import Counter, OrderedDict
from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

import msgspec

WINDOW_MS = 60_000
#: Windows kept per kind of bucket; beyond it the one that began first is forgotten.
MAX_WINDOWS = 10_000


class Bucket(StrEnum):
    """What is counted together."""

    MANAGEMENT = "management"  #: per token
    LOGS = "logs"  #: per token
    VERIFICATION = "verification"  #: per org
    FAILURES = "failures"  #: per address of a caller without a valid token
    VISITORS = "visitors"  #: pages for somebody who is not signed in, per address
    SIGN_INS = "sign_ins"  #: failed ones, per login and address
    LOGINS = "logins"  #: failed ones, per login, from wherever


class RateLimits(msgspec.Struct, frozen=True):
    """Calls a minute."""

    management: int = 1200
    logs: int = 1200
    verification: int = 120
    failures: int = 120
    visitors: int = 600
    sign_ins: int = 5
    logins: int = 50


class Standing(NamedTuple):
    """Where a caller stands: what the three headers say."""

    limit: int
    remaining: int
    reset_s: int  #: epoch seconds, UTC, when the window ends
    wait_s: int  #: until then
    allowed: bool = True


class _Window(msgspec.Struct):
    ends_ms: int
    used: int = 0


class Limiter:
    """Counts calls. Its memory is bounded: see `MAX_WINDOWS`."""

    def __init__(self, limits: RateLimits, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._limit = {bucket: getattr(limits, bucket.value) for bucket in Bucket}
        self._windows: dict[Bucket, OrderedDict[str, _Window]] = {bucket: OrderedDict() for bucket in Bucket}
        self._trusted: OrderedDict[str, None] = OrderedDict()
        #: Password sign-ins under way per address: no more than there are connections.
        self.begun: Counter[str] = Counter()

    def count(self, bucket: Bucket, key: str) -> Standing:
        """Count one call and return where its caller now stands; not allowed if the window was used up before."""
        window = self._window(bucket, key)
        limit: int = self._limit[bucket]
        allowed = window.used < limit
        window.used += allowed
        return self._standing(limit, window, allowed)

    def give_back(self, bucket: Bucket, key: str) -> None:
        """Take back one call that was counted, for where only failures count: it was counted before it was known."""
        window = self._windows[bucket].get(key)
        if window is not None and window.used > 0:
            window.used -= 1

    def trust(self, key: str) -> None:
        """Remember that somebody came in by *key*, as one of the last `MAX_WINDOWS`."""
        self._trusted[key] = None
        self._trusted.move_to_end(key)
        while len(self._trusted) > MAX_WINDOWS:
            self._trusted.popitem(last=False)

    def trusts(self, key: str) -> bool:
        """Return whether somebody came in by *key* lately."""
        return key in self._trusted

    def look(self, bucket: Bucket, key: str) -> Standing:
        """Return where a caller stands, counting nothing and keeping nothing."""
        now = self._now_ms()
        window = self._windows[bucket].get(key)
        if window is None or not now < window.ends_ms <= now + WINDOW_MS:
            window = _Window(now + WINDOW_MS)
        return self._standing(self._limit[bucket], window)

    def _standing(self, limit: int, window: _Window, allowed: bool = True) -> Standing:
        wait_s = max(1, _seconds(window.ends_ms - self._now_ms()))
        return Standing(limit, limit - window.used, _seconds(window.ends_ms), wait_s, allowed)

    def _window(self, bucket: Bucket, key: str) -> _Window:
        now = self._now_ms()
        windows = self._windows[bucket]
        window = windows.get(key)
        # The second comparison ends a window that a clock set back would have made last for ever.
        if window is not None and now < window.ends_ms <= now + WINDOW_MS:
            return window
        windows.pop(key, None)
        while len(windows) >= MAX_WINDOWS:
            windows.popitem(last=False)
        window = windows[key] = _Window(now + WINDOW_MS)
        return window


def _seconds(ms: int) -> int:
    return -(-ms // 1000)


def address_key(ip: str | None) -> str:
    """Return what an address is counted under: an IPv6 one by its /64, for whoever has one address there has all."""
    if ip is None or ":" not in ip:
        return ip or ""
    try:
        address = ipaddress.IPv6Address(ip.partition("%")[0])
    except ValueError:
        return ip
    return str(address.ipv4_mapped or ipaddress.IPv6Network((int(address) >> 64 << 64, 64)))
