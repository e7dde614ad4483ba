"""Whether a call to an endpoint may be repeated once. Source: okta/inline-hooks.md §3; DESIGN §3.5."""

from __future__ import annotations

from tenterhook.domain.attempt import Attempt, Reason
from tenterhook.domain.inline.kind import InlineKind

#: Seconds that must be left: with less a repetition would only fail for want of time.
LEAST_LEFT_S = 0.05

_UNHEARD = frozenset({Reason.DNS, Reason.CONNECT, Reason.TLS, Reason.RESET})


def worth_again(kind: InlineKind, attempt: Attempt, left_s: float) -> bool:
    """Return whether a call of *kind* whose first try was *attempt* is tried once more in the *left_s* that are left.

    After no connection, a broken one, or a 5xx; never after a time-out, a 2xx or a 4xx, nor for a kind that is
    never retried.
    """
    if not kind.retried or left_s < LEAST_LEFT_S:
        return False
    if attempt.status is not None:
        return attempt.status >= 500
    return attempt.reason in _UNHEARD
