"""What becomes of a delivery after an attempt: policies and the decision, both pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import MappingProxyType

import msgspec

from tenterhook.domain.attempt import Attempt, Outcome, Reason

#: The words that a custom policy's retryOn may hold.
RETRY_WORDS = ("CONNECT", "TLS", "DNS", "TIMEOUT", "RESET", "PROTOCOL", "TOO_LARGE", "BLOCKED", "3XX", "4XX", "5XX")

_JITTER = 0.2
_GONE = 410
_EVERYTHING = frozenset(RETRY_WORDS)
_MINUTE, _HOUR = 60.0, 3600.0


class RetryPolicy(msgspec.Struct, frozen=True):
    """How often, when and after what a delivery is tried again."""

    waits_s: tuple[float, ...]  #: the wait before the second try, the third, …; seconds, before jitter
    retry_on: frozenset[str]  #: words of RETRY_WORDS; any other failure is final
    heeds_receiver: bool = False  #: whether Retry-After lengthens a wait and 410 ends the delivery and pauses the hook
    quick_tries: int = 2  #: tries after whose failure `event_hook.delivery` is logged for the first time


_POLICIES: Mapping[str, RetryPolicy] = MappingProxyType(
    {
        "okta": RetryPolicy((1.0,), frozenset({"TIMEOUT", "CONNECT", "TLS", "DNS", "RESET", "PROTOCOL", "5XX"})),
        "okta-2021": RetryPolicy((1.0,), frozenset({"CONNECT", "TLS"})),
        "durable": RetryPolicy(
            (
                1.0,
                5 * _MINUTE,
                30 * _MINUTE,
                2 * _HOUR,
                5 * _HOUR,
                10 * _HOUR,
                14 * _HOUR,
                20 * _HOUR,
                24 * _HOUR,
            ),
            _EVERYTHING,
            heeds_receiver=True,
        ),
    }
)


class Decision(msgspec.Struct, frozen=True):
    """What `settle` decided."""

    ended: bool
    delivered: bool = False
    wait_s: float = 0.0  #: until the next attempt, if not ended
    end_reason: str | None = None  #: EXHAUSTED, REFUSED, GONE or BLOCKED, if it ended without success
    step: int = 0  #: how many of the policy's waits are used up
    pauses_hook: bool = False  #: the receiver said 410: it wants no more
    logs_failure: bool = False  #: whether this is one of the two moments at which `event_hook.delivery` is logged


def named_policy(name: str) -> RetryPolicy:
    """Return the policy called ``okta``, ``okta-2021`` or ``durable`` (DESIGN §2.3)."""
    return _POLICIES[name]


def policy_names() -> tuple[str, ...]:
    """Return the names that `named_policy` knows."""
    return tuple(_POLICIES)


def custom_policy(waits_seconds: Sequence[float], retry_on: Sequence[str]) -> RetryPolicy:
    """Return the policy of a hook that spells out its own waits (seconds) and causes (words of RETRY_WORDS)."""
    return RetryPolicy(tuple(float(wait) for wait in waits_seconds), frozenset(retry_on))


def settle(attempt: Attempt, step: int, policy: RetryPolicy, now: datetime, jitter: float) -> Decision:
    """Decide what becomes of a delivery after *attempt*.

    A success ends it DELIVERED. INTERRUPTED (we stopped) uses up nothing. A failure that *policy* calls final ends it
    FAILED; any other books the next attempt, or ends it when the waits are used up. Reads no clock.

    step: how many of the policy's waits this delivery has used up before this attempt.
    now: aware, UTC; only to read a Retry-After that is a date. jitter: 0..1, spread over ± 20 %.
    Source: Okta event hooks, "Timeout and retry"; DESIGN §2.3.
    """
    if attempt.outcome is Outcome.DELIVERED:
        return Decision(ended=True, delivered=True, step=step)
    if attempt.reason is Reason.INTERRUPTED:
        return Decision(ended=False, step=step)
    if policy.heeds_receiver and attempt.status == _GONE:
        return Decision(ended=True, end_reason="GONE", step=step, pauses_hook=True, logs_failure=True)
    if _word(attempt) not in policy.retry_on:
        reason = "BLOCKED" if attempt.reason is Reason.BLOCKED else "REFUSED"
        return Decision(ended=True, end_reason=reason, step=step, logs_failure=True)
    if step >= len(policy.waits_s):
        reason = "BLOCKED" if attempt.reason is Reason.BLOCKED else "EXHAUSTED"
        return Decision(ended=True, end_reason=reason, step=step, logs_failure=True)
    wait = policy.waits_s[step] * (1 - _JITTER + 2 * _JITTER * jitter)
    if policy.heeds_receiver and attempt.retry_after is not None:
        wait = _lengthened(wait, attempt.retry_after, now)
    return Decision(ended=False, wait_s=wait, step=step + 1, logs_failure=step + 1 == policy.quick_tries)


def _word(attempt: Attempt) -> str:
    if attempt.reason is Reason.STATUS and attempt.status is not None:
        return f"{attempt.status // 100}XX"
    return str(attempt.reason)


def _lengthened(wait: float, header: str, now: datetime) -> float:
    """Return *wait*, lengthened by a Retry-After to at most twice itself; an unreadable one is ignored."""
    text = header.strip()
    if text.isascii() and text.isdigit():
        asked = float(text)
    else:
        try:
            when = parsedate_to_datetime(text)
        except (TypeError, ValueError, OverflowError):
            return wait
        asked = ((when if when.tzinfo else when.replace(tzinfo=UTC)) - now).total_seconds()
    return min(max(wait, asked), 2 * wait)
