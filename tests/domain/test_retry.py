"""What becomes of a delivery after an attempt: the named policies as DESIGN §2.3 and Okta's documents spell them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenterhook.domain.attempt import Attempt, Outcome, Phases, Reason
from tenterhook.domain.retry import (
    RETRY_WORDS,
    Decision,
    RetryPolicy,
    custom_policy,
    named_policy,
    policy_names,
    settle,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
MINUTE, HOUR = 60, 3600
OKTA, OKTA_2021, DURABLE = (named_policy(name) for name in ("okta", "okta-2021", "durable"))
FAILURES = [reason for reason in Reason if reason not in (Reason.STATUS, Reason.INTERRUPTED)]


def failed(reason: Reason = Reason.TIMEOUT, status: int | None = None, retry_after: str | None = None) -> Attempt:
    """Return an attempt that failed."""
    reason = Reason.STATUS if status is not None else reason
    return Attempt(Outcome.FAILED, reason, "", NOW, Phases(), status=status, retry_after=retry_after)


def after(attempt: Attempt, policy: RetryPolicy = DURABLE, step: int = 0, jitter: float = 0.5) -> Decision:
    """Settle *attempt*."""
    return settle(attempt, step, policy, NOW, jitter)


def walk(policy: RetryPolicy, attempt: Attempt) -> list[Decision]:
    """Let a delivery fail the same way to its end."""
    decisions = [after(attempt, policy)]
    while not decisions[-1].ended and len(decisions) < 50:
        decisions.append(after(attempt, policy, decisions[-1].step))
    return decisions


_attempts = st.builds(
    failed,
    st.sampled_from(FAILURES),
    st.none() | st.integers(100, 599),
    st.none() | st.text(max_size=12) | st.integers(-10, 10**12).map(str),
)
_policies = st.sampled_from([OKTA, OKTA_2021, DURABLE]) | st.builds(
    custom_policy,
    st.lists(st.floats(0, 604_800), max_size=20),
    st.lists(st.sampled_from(RETRY_WORDS), unique=True),
)


def test_the_policies_are_the_three_of_the_contract() -> None:
    assert policy_names() == ("okta", "okta-2021", "durable")


@given(_policies, st.integers(0, 30), st.floats(0, 1))
def test_a_success_ends_a_delivery_under_any_policy_at_any_step(policy: RetryPolicy, step: int, jitter: float) -> None:
    delivered = Attempt(Outcome.DELIVERED, None, "", NOW, Phases(), status=204)
    assert settle(delivered, step, policy, NOW, jitter) == Decision(ended=True, delivered=True, step=step)


@given(_policies, st.integers(0, 30), st.floats(0, 1))
def test_an_attempt_that_we_interrupted_uses_up_nothing(policy: RetryPolicy, step: int, jitter: float) -> None:
    decision = settle(failed(Reason.INTERRUPTED), step, policy, NOW, jitter)
    assert decision == Decision(ended=False, step=step)
    assert decision.wait_s == 0


@given(_attempts, _policies, st.integers(0, 25), st.floats(0, 1))
def test_a_failure_either_ends_with_a_reason_or_books_one_more_step(
    attempt: Attempt, policy: RetryPolicy, step: int, jitter: float
) -> None:
    decision = settle(attempt, step, policy, NOW, jitter)
    assert not decision.delivered
    if decision.ended:
        assert decision.end_reason in {"EXHAUSTED", "REFUSED", "GONE", "BLOCKED"}
        assert decision.logs_failure
        assert decision.step == step
    else:
        assert decision.end_reason is None
        assert decision.step == step + 1
        wait = policy.waits_s[step]
        assert 0.8 * wait - 1e-6 <= decision.wait_s <= (2.4 if policy.heeds_receiver else 1.2) * wait + 1e-6


@given(_attempts, _policies)
def test_every_delivery_comes_to_an_end_and_is_logged_at_most_twice(attempt: Attempt, policy: RetryPolicy) -> None:
    decisions = walk(policy, attempt)
    assert decisions[-1].ended
    assert len(decisions) <= len(policy.waits_s) + 1
    assert sum(decision.logs_failure for decision in decisions) in (1, 2)


# -- okta --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", [Reason.TIMEOUT, Reason.CONNECT, Reason.TLS, Reason.DNS, Reason.RESET])
def test_okta_tries_once_more_after_a_time_out_or_connection_error(reason: Reason) -> None:
    first, second = walk(OKTA, failed(reason))
    assert not first.ended
    assert not first.logs_failure
    assert (second.end_reason, second.logs_failure) == ("EXHAUSTED", True)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 599])
def test_okta_tries_once_more_after_a_5xx(status: int) -> None:
    assert [decision.ended for decision in walk(OKTA, failed(status=status))] == [False, True]


@pytest.mark.parametrize("status", [300, 301, 302, 307, 308, 400, 401, 404, 408, 410, 429, 499])
def test_okta_never_tries_again_after_a_redirect_or_4xx(status: int) -> None:
    (only,) = walk(OKTA, failed(status=status))
    assert (only.end_reason, only.logs_failure, only.pauses_hook) == ("REFUSED", True, False)


@pytest.mark.parametrize("policy", [OKTA, OKTA_2021])
def test_an_address_that_may_not_be_called_is_final_under_the_okta_policies(policy: RetryPolicy) -> None:
    (only,) = walk(policy, failed(Reason.BLOCKED))
    assert only.end_reason == "BLOCKED"


@pytest.mark.parametrize("policy", [OKTA, OKTA_2021])
def test_the_okta_policies_wait_a_second_and_do_not_heed_retry_after(policy: RetryPolicy) -> None:
    attempt = failed(Reason.CONNECT, retry_after="3600")
    assert [after(attempt, policy, jitter=jitter).wait_s for jitter in (0, 0.5, 1)] == pytest.approx([0.8, 1.0, 1.2])


@pytest.mark.parametrize("reason", FAILURES)
def test_okta_2021_tries_again_only_after_a_failed_connect_or_handshake(reason: Reason) -> None:
    again = reason in (Reason.CONNECT, Reason.TLS)
    assert len(walk(OKTA_2021, failed(reason))) == (2 if again else 1)


@pytest.mark.parametrize("status", [302, 404, 500, 503])
def test_okta_2021_never_tries_again_after_an_answer(status: int) -> None:
    (only,) = walk(OKTA_2021, failed(status=status))
    assert only.end_reason == "REFUSED"


# -- durable -----------------------------------------------------------------------------------------------------------

#: DESIGN §2.3: the quick retry of `okta`, then 5 m, 30 m, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h.
SCHEDULE = [1, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR]
ANY_FAILURE = [failed(reason) for reason in FAILURES] + [failed(status=status) for status in (301, 404, 429, 500, 599)]


@pytest.mark.parametrize("attempt", ANY_FAILURE, ids=lambda attempt: f"{attempt.reason}-{attempt.status}")
def test_durable_follows_its_schedule_whatever_the_failure(attempt: Attempt) -> None:
    decisions = walk(DURABLE, attempt)
    assert [decision.wait_s for decision in decisions[:-1]] == pytest.approx(SCHEDULE)
    assert decisions[-1].end_reason == ("BLOCKED" if attempt.reason is Reason.BLOCKED else "EXHAUSTED")


def test_durable_is_logged_after_the_quick_retry_and_at_the_end() -> None:
    logged = [at for at, decision in enumerate(walk(DURABLE, failed())) if decision.logs_failure]
    assert logged == [1, len(SCHEDULE)]


@pytest.mark.parametrize("step", range(9))
def test_the_jitter_spreads_over_a_fifth_either_way(step: int) -> None:
    waits = [after(failed(), step=step, jitter=jitter).wait_s for jitter in (0.0, 0.25, 1.0)]
    assert waits == pytest.approx([0.8 * SCHEDULE[step], 0.9 * SCHEDULE[step], 1.2 * SCHEDULE[step]])


def test_a_410_ends_the_delivery_at_once_and_pauses_the_hook() -> None:
    for step in range(10):
        assert after(failed(status=410), step=step) == Decision(
            ended=True, end_reason="GONE", step=step, pauses_hook=True, logs_failure=True
        )


def test_a_410_under_a_policy_of_ones_own_is_a_4xx_like_any_other() -> None:
    assert not after(failed(status=410), custom_policy([1], ["4XX"])).ended
    assert after(failed(status=410), custom_policy([1], ["5XX"])).pauses_hook is False


WAIT = 5 * MINUTE
RETRY_AFTER = [
    ("0", WAIT),
    ("299", WAIT),
    ("301", 301),
    (" 400 ", 400),
    ("600", 600),
    ("601", 600),
    ("1000000000", 600),
    ("99999999999", 600),
    ("9" * 10_000, 600),
    ("-5", WAIT),
    ("nan", WAIT),
    ("inf", WAIT),
    ("1e9", WAIT),
    ("400.5", WAIT),
    ("٤٠٠", WAIT),
    ("", WAIT),
    ("soon", WAIT),
    ("x" * 10_000, WAIT),
    (format_datetime(NOW + timedelta(seconds=450), usegmt=True), 450),
    (format_datetime(NOW + timedelta(days=450), usegmt=True), 600),
    ("Wed, 21 Oct 2015 07:28:00 GMT", WAIT),
    ("Friday, 02-Jan-26 03:11:35 GMT", 450),
    ("Fri Jan  2 03:11:35 2026", 450),
    ("Fri, 02 Jan 9999 03:11:35 GMT", 600),
    ("Mon, 01 Jan 0001 00:00:00 +2359", WAIT),
    ("Fri, 31 Dec 9999 23:59:59 -2359", 600),
    ("Fri, 02 Jan 2026 25:11:35 GMT", WAIT),
]


@pytest.mark.parametrize(("header", "wait"), RETRY_AFTER, ids=[header[:34] for header, _ in RETRY_AFTER])
def test_durable_heeds_retry_after_between_the_wait_and_twice_the_wait(header: str, wait: float) -> None:
    assert after(failed(status=503, retry_after=header), step=1).wait_s == pytest.approx(wait)


@given(st.text(max_size=40) | st.integers(-(10**20), 10**20).map(str), st.floats(0, 1), st.integers(0, 8))
def test_no_retry_after_moves_a_wait_out_of_its_bounds(header: str, jitter: float, step: int) -> None:
    plain = settle(failed(status=429), step, DURABLE, NOW, jitter).wait_s
    heeded = settle(failed(status=429, retry_after=header), step, DURABLE, NOW, jitter).wait_s
    assert plain <= heeded <= 2 * plain


@given(
    st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)),
    st.integers(-1439, 1439),
    st.integers(0, 8),
)
def test_no_date_in_retry_after_moves_a_wait_out_of_its_bounds(when: datetime, minutes: int, step: int) -> None:
    zone = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}{abs(minutes) % 60:02d}"
    header = f"{when:%a, %d %b} {when.year:04d} {when:%H:%M:%S} {zone}"
    wait = after(failed(status=503, retry_after=header), step=step).wait_s
    assert SCHEDULE[step] <= wait <= 2 * SCHEDULE[step]


# -- a policy of one's own ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", RETRY_WORDS)
def test_a_policy_of_ones_own_retries_after_the_causes_it_names_and_no_others(word: str) -> None:
    policy = custom_policy([2, 4], [word])
    for attempt in [failed(reason) for reason in FAILURES] + [failed(status=status) for status in (302, 404, 503)]:
        spelled = f"{(attempt.status or 0) // 100}XX" if attempt.reason is Reason.STATUS else str(attempt.reason)
        decisions = walk(policy, attempt)
        assert len(decisions) == (3 if spelled == word else 1)
        assert decisions[-1].end_reason == (
            "BLOCKED" if attempt.reason is Reason.BLOCKED else "EXHAUSTED" if spelled == word else "REFUSED"
        )


def test_a_policy_without_waits_ends_with_the_first_failure() -> None:
    (only,) = walk(custom_policy([], RETRY_WORDS), failed())
    assert (only.end_reason, only.logs_failure) == ("EXHAUSTED", True)


@given(
    st.one_of(
        st.text(max_size=80),
        st.from_regex(r"[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{1,25} \d\d:\d\d:\d\d [A-Z+0-9]{1,20}"),
    )
)
def test_no_retry_after_header_makes_the_decision_raise(header: str) -> None:
    decision = settle(failed(Reason.STATUS, status=503, retry_after=header), 1, named_policy("durable"), NOW, 0.5)
    assert 300.0 <= decision.wait_s <= 600.0


@pytest.mark.parametrize("year", ["99999999999999999999", "10000", "0"])
def test_a_retry_after_beyond_the_calendar_is_ignored(year: str) -> None:
    header = f"Mon, 01 Jan {year} 00:00:00 GMT"
    decision = settle(failed(Reason.STATUS, status=503, retry_after=header), 1, named_policy("durable"), NOW, 0.5)
    assert decision.wait_s in (300.0, 600.0)
