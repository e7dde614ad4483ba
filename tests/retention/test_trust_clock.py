"""Which clock may have the log deleted: one that runs as the steady clock does, or has done so for an hour."""

from __future__ import annotations

from tenterhook.domain.timestamp import DAY_MS
from tenterhook.engine.trust_clock import PROBATION_S, Trust, begin_trust

NOW = 1_795_385_553_123


def after(trust: Trust, seconds: float, jump_ms: int = 0) -> bool:
    """Say whether the clock is believed so long after the beginning, if it has jumped so far."""
    return trust.holds(NOW + int(seconds * 1000) + jump_ms, 100 + seconds)


def test_a_clock_that_runs_as_the_steady_one_does_is_believed() -> None:
    trust = begin_trust(NOW, 100, NOW - 5000)
    assert all(after(trust, seconds) for seconds in (0, 60, 90 * 86_400))


def test_a_clock_that_drifts_a_little_at_a_time_or_is_set_back_is_believed() -> None:
    trust = begin_trust(NOW, 100, NOW)
    assert all(after(trust, 60 * n, n * 3_600_000) for n in range(100))
    assert after(trust, 6060, -30 * DAY_MS)


def test_a_jump_of_more_than_a_day_is_doubted_for_an_hour() -> None:
    trust = begin_trust(NOW, 100, NOW)
    assert after(trust, 60, DAY_MS)
    assert not after(trust, 120, 2 * DAY_MS + 1)
    assert not after(trust, 120 + PROBATION_S - 1, 2 * DAY_MS + 1)
    assert after(trust, 120 + PROBATION_S, 2 * DAY_MS + 1)
    assert after(trust, 180 + PROBATION_S, 2 * DAY_MS + 1)


def test_a_clock_that_jumps_again_meanwhile_begins_its_hour_anew() -> None:
    trust = begin_trust(NOW, 100, NOW)
    assert not after(trust, 0, 10 * DAY_MS)
    assert not after(trust, 3000, 11 * DAY_MS)
    assert not after(trust, PROBATION_S, 11 * DAY_MS)
    assert after(trust, 3000 + PROBATION_S, 11 * DAY_MS)


def test_a_clock_that_is_set_right_is_believed_at_once() -> None:
    trust = begin_trust(NOW, 100, NOW)
    assert not after(trust, 60, 10 * DAY_MS)
    assert after(trust, 120)


def test_a_process_that_begins_far_ahead_of_its_log_waits_an_hour_and_one_without_a_log_does_not() -> None:
    trust = begin_trust(NOW, 100, NOW - 30 * DAY_MS)
    assert not after(trust, 60)
    assert not after(trust, PROBATION_S - 1)
    assert after(trust, PROBATION_S)
    assert after(begin_trust(NOW, 100, 0), 60)
    assert after(begin_trust(NOW, 100, NOW + 30 * DAY_MS), 60)
    assert not after(begin_trust(NOW, 100, NOW + 30 * DAY_MS), 60, 30 * DAY_MS)
