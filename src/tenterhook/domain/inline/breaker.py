"""Whether an endpoint is asked at all: after several failures in a row only now and then, until it answers again.

Pure: records in, records out; times are `time.monotonic` seconds that the caller passes in. DESIGN §3.5; issue 4.
"""

from __future__ import annotations

import msgspec

from tenterhook.domain.attempt import Attempt, Reason

#: Failures in a row after which an endpoint is not asked any more.
MOST_FAILURES = 5
#: Seconds until the first probe, and the most that failed probes let it grow to.
FIRST_WAIT_S, LONGEST_WAIT_S = 5.0, 60.0

#: Failures that cost the caller its time or tell of nobody there. An answer, whatever it says, is none of them.
_ABSENT = frozenset({Reason.TIMEOUT, Reason.DNS, Reason.CONNECT, Reason.TLS, Reason.RESET})


class Breaker(msgspec.Struct, frozen=True):
    """What is remembered of one hook's endpoint; the default is one that works."""

    failures: int = 0  #: in a row
    wait_s: float = 0.0  #: between the last failure and the next probe; 0: it is asked as usual
    probe_at: float = 0.0  #: when it may be asked again
    probing: bool = False  #: whether a probe is under way

    @property
    def is_open(self) -> bool:
        """Return whether calls are answered without asking."""
        return self.wait_s > 0.0


def is_absent(attempt: Attempt) -> bool:
    """Return whether *attempt* counts against the endpoint: a time-out, or no connection."""
    return attempt.reason in _ABSENT


def may_ask(breaker: Breaker, now: float) -> bool:
    """Return whether the endpoint may be asked now; if the breaker is open, that is one probe."""
    return not breaker.is_open or (now >= breaker.probe_at and not breaker.probing)


def probing(breaker: Breaker) -> Breaker:
    """Return *breaker* with a probe under way: until it ends nobody else asks."""
    return msgspec.structs.replace(breaker, probing=True)


def abandoned(breaker: Breaker) -> Breaker:
    """Return *breaker* after a probe that ended without telling anything: its caller went away, or we stop."""
    return msgspec.structs.replace(breaker, probing=False)


def failed(breaker: Breaker, now: float, *, probe: bool) -> Breaker:
    """Return *breaker* after a failure that `is_absent`.

    probe: whether the call was one. Failures of calls that began before it opened lengthen no wait.
    """
    failures = breaker.failures + 1
    if breaker.is_open and not probe:
        return msgspec.structs.replace(breaker, failures=failures)
    if failures < MOST_FAILURES:
        return Breaker(failures)
    wait_s = min(2 * breaker.wait_s, LONGEST_WAIT_S) if breaker.is_open else FIRST_WAIT_S
    return Breaker(failures, wait_s, now + wait_s)
