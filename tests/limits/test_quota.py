"""The quota as numbers: windows, places, levels."""

from __future__ import annotations

import pytest

from tenterhook.domain.quota import WINDOW_MS, Level, Quota, due_of, newly_reached, rolled, threshold

START = 1_767_323_045_678
DAY = WINDOW_MS


@pytest.mark.parametrize(
    ("used", "limit", "later_ms", "start", "left"),
    [
        (5, 10, DAY - 1, START, 5),
        (5, 10, DAY, START + DAY, 0),
        (5, 10, DAY + 7, START + DAY + 7, 0),  # nothing is carried over: the window begins with its first event
        (25, 10, DAY, START + DAY, 15),
        (25, 10, DAY + 7, START + DAY, 15),
        (25, 10, 2 * DAY + 7, START + 2 * DAY, 5),
        (25, 10, 3 * DAY + 7, START + 3 * DAY + 7, 0),
        (25, None, DAY + 7, START + DAY + 7, 0),
        (25, 10, -DAY, START - DAY, 25),  # the clock was set back
    ],
)
def test_a_window_ends_after_24_hours_and_what_was_held_counts_in_the_next(
    used: int, limit: int | None, later_ms: int, start: int, left: int
) -> None:
    after = rolled(Quota(START, used, Level.WARNING), limit, START + later_ms)
    assert (after.window_start, after.used) == (start, left)
    assert after.told == (Level.WARNING if later_ms < DAY else Level.BELOW)


def test_the_excess_is_due_in_the_window_that_its_place_falls_into() -> None:
    quota = Quota(START, 0)
    dues = [due_of(quota, 2, place) for place in range(7)]
    assert dues == [None, None, *[START + DAY] * 2, *[START + 2 * DAY] * 2, START + 3 * DAY]
    assert due_of(quota, None, 10**9) is None


@pytest.mark.parametrize(
    ("used", "told", "limit", "reached"),
    [
        (69, Level.BELOW, 100, []),
        (70, Level.BELOW, 100, [Level.WARNING]),
        (70, Level.WARNING, 100, []),
        (99, Level.WARNING, 100, []),
        (100, Level.WARNING, 100, [Level.VIOLATION]),
        (100, Level.BELOW, 100, [Level.WARNING, Level.VIOLATION]),
        (900, Level.VIOLATION, 100, []),
        (900, Level.BELOW, None, []),
        (280_000, Level.BELOW, 400_000, [Level.WARNING]),
    ],
)
def test_each_level_is_told_once_when_it_is_reached(
    used: int, told: Level, limit: int | None, reached: list[Level]
) -> None:
    assert newly_reached(Quota(START, used, told), limit) == reached


def test_a_threshold_is_never_below_its_percentage() -> None:
    assert [threshold(Level.WARNING, limit) for limit in (1, 3, 10, 400_000)] == [1, 3, 7, 280_000]
