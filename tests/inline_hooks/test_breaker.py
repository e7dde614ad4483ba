"""After several failures in a row an endpoint is asked only now and then, until it answers again."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tenterhook.domain.attempt import Attempt, Outcome, Phases, Reason
from tenterhook.domain.inline import again
from tenterhook.domain.inline.again import worth_again
from tenterhook.domain.inline.breaker import (
    FIRST_WAIT_S,
    LONGEST_WAIT_S,
    MOST_FAILURES,
    Breaker,
    abandoned,
    failed,
    is_absent,
    may_ask,
    probing,
)
from tenterhook.domain.inline.kind import KINDS, REGISTRATION, SAML, TELEPHONY, TOKEN


def attempt(reason: Reason | None, status: int | None = None) -> Attempt:
    outcome = Outcome.DELIVERED if reason is None else Outcome.FAILED
    return Attempt(outcome, reason, "what happened", datetime(2026, 1, 1, tzinfo=UTC), Phases(), status)


def opened(now: float = 0.0) -> Breaker:
    breaker = Breaker()
    for _ in range(MOST_FAILURES):
        breaker = failed(breaker, now, probe=False)
    return breaker


def test_it_opens_with_the_fifth_failure_in_a_row_and_not_before() -> None:
    breaker = Breaker()
    for _ in range(MOST_FAILURES - 1):
        breaker = failed(breaker, 10.0, probe=False)
        assert may_ask(breaker, 10.0)
    breaker = failed(breaker, 10.0, probe=False)
    assert breaker.is_open
    assert not may_ask(breaker, 10.0 + FIRST_WAIT_S - 0.01)
    assert may_ask(breaker, 10.0 + FIRST_WAIT_S)


def test_one_probe_at_a_time_is_let_through() -> None:
    breaker = probing(opened())
    assert not may_ask(breaker, FIRST_WAIT_S + 1)
    assert may_ask(abandoned(breaker), FIRST_WAIT_S + 1)


def test_failed_probes_double_the_wait_up_to_a_minute() -> None:
    breaker, now, waits = opened(), 0.0, []
    for _ in range(6):
        now = breaker.probe_at
        breaker = failed(probing(breaker), now, probe=True)
        waits.append(breaker.probe_at - now)
    assert waits == [10.0, 20.0, 40.0, LONGEST_WAIT_S, LONGEST_WAIT_S, LONGEST_WAIT_S]


def test_a_failure_of_a_call_that_began_before_it_opened_lengthens_nothing() -> None:
    breaker = opened()
    late = failed(breaker, 4.0, probe=False)
    assert (late.wait_s, late.probe_at) == (breaker.wait_s, breaker.probe_at)


@pytest.mark.parametrize("reason", [Reason.TIMEOUT, Reason.DNS, Reason.CONNECT, Reason.TLS, Reason.RESET])
def test_a_time_out_and_a_missing_connection_count(reason: Reason) -> None:
    assert is_absent(attempt(reason))


@pytest.mark.parametrize(
    ("reason", "status"),
    [(None, 200), (Reason.STATUS, 500), (Reason.PROTOCOL, None), (Reason.TOO_LARGE, 200), (Reason.INTERRUPTED, None)],
)
def test_an_answer_of_whatever_kind_and_our_own_stop_do_not_count(reason: Reason | None, status: int | None) -> None:
    assert not is_absent(attempt(reason, status))


@pytest.mark.parametrize("kind", [one for one in KINDS.values() if one.retried], ids=lambda one: one.label)
@pytest.mark.parametrize(
    ("reason", "status", "again"),
    [
        (Reason.CONNECT, None, True),
        (Reason.TLS, None, True),
        (Reason.DNS, None, True),
        (Reason.RESET, None, True),
        (Reason.STATUS, 500, True),
        (Reason.STATUS, 503, True),
        (Reason.STATUS, 404, False),
        (Reason.STATUS, 302, False),
        (None, 200, False),
        (Reason.TIMEOUT, None, False),
        (Reason.TIMEOUT, 200, False),
        (Reason.PROTOCOL, 200, False),
        (Reason.TOO_LARGE, 200, False),
        (Reason.BLOCKED, None, False),
        (Reason.INTERRUPTED, None, False),
    ],
)
def test_what_is_tried_again(kind: object, reason: Reason | None, status: int | None, again: bool) -> None:
    assert worth_again(kind, attempt(reason, status), 1.0) is again  # type: ignore[arg-type]


def test_token_and_telephony_hooks_are_never_tried_again() -> None:
    for kind in (TOKEN, TELEPHONY):
        assert not worth_again(kind, attempt(Reason.CONNECT), 3.0)
        assert not worth_again(kind, attempt(Reason.STATUS, 500), 3.0)
    assert worth_again(SAML, attempt(Reason.CONNECT), 3.0)


def test_nothing_is_tried_again_when_no_time_is_left() -> None:
    assert not worth_again(REGISTRATION, attempt(Reason.CONNECT), again.LEAST_LEFT_S / 2)
