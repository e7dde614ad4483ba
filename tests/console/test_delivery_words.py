"""How pages write what they were given: times to come, times that were measured, and shares."""

from __future__ import annotations

import pytest

from tenterhook.console.words import ahead, milliseconds, share
from tenterhook.domain.timestamp import HOUR_MS, format_ms

NOW = 1_800_000_000_000


@pytest.mark.parametrize(
    ("left", "said"), [(0, "now"), (-HOUR_MS, "now"), (999, "now"), (90_000, "in 1 min 30 s"), (HOUR_MS, "in 1 h")]
)
def test_a_time_to_come_is_told_by_how_far_away_it_is(left: int, said: str) -> None:
    for at in (NOW + left, format_ms(NOW + left)):
        told = ahead(at, NOW)
        assert f">{said}</time>" in told
        assert f'datetime="{format_ms(NOW + left)}"' in told
    assert ahead(None, NOW) == "never"


@pytest.mark.parametrize(
    ("ms", "said"),
    [(None, "–"), (0.0, "0.00 ms"), (0.419, "0.42 ms"), (3.14, "3.1 ms"), (38.2, "38 ms"), (1250, "1.25 s")],
)
def test_a_measured_time_has_about_three_digits(ms: float | None, said: str) -> None:
    assert milliseconds(ms) == said


@pytest.mark.parametrize(
    ("percent", "said"),
    [(100, "100 %"), (99.9999, "99.99 %"), (99.5, "99.50 %"), (50, "50.0 %"), (0.04, "0.0 %"), (0, "0 %")],
)
def test_a_share_that_is_not_whole_never_reads_as_if_it_were(percent: float, said: str) -> None:
    assert share(percent) == said
