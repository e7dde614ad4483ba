"""What the charts draw stands for what they were given."""

from __future__ import annotations

import re

import pytest

from tenterhook.console.charts import most_of, outcome_chart, phase_bar, phases_of
from tenterhook.domain.attempt import Phases
from tenterhook.engine.figures.spans import Bucket

MINUTE = 60_000


def heights(chart: str, kind: str) -> list[float]:
    return [float(one) for one in re.findall(rf'class="outcome-{kind}"[^>]* height="([0-9.]+)"', chart)]


def test_bars_are_as_high_as_their_counts_and_lead_to_their_minutes() -> None:
    buckets = [Bucket(0, 40, 0, 0), Bucket(MINUTE, 0, 0, 0), Bucket(2 * MINUTE, 50, 30, 10)]
    chart = outcome_chart(buckets, MINUTE, "All <of> it", "/console/deliveries?")
    assert most_of(buckets) == 80  # a delivery that was given up is drawn once, though its attempt failed as well
    first, last = heights(chart, "good")
    assert first / last == pytest.approx(0.8, rel=0.01)
    [retried], [bad] = heights(chart, "retried"), heights(chart, "bad")
    assert retried / bad == pytest.approx(2, rel=0.01)
    assert last + retried + bad == pytest.approx(118, abs=0.2)
    assert 'href="/console/deliveries?endedSince=1970-01-01T00:02Z&amp;endedUntil=1970-01-01T00:03Z"' in chart
    assert "50 delivered, 30 failed attempts, 10 given up" in chart
    assert chart.count("<a ") == 2
    assert 'aria-label="All &lt;of&gt; it"' in chart


def test_attempts_that_are_repeated_lead_nowhere_for_no_list_shows_them() -> None:
    chart = outcome_chart([Bucket(0, 0, 3, 0), Bucket(MINUTE, 2, 3, 1)], MINUTE, "Some", "/x?")
    assert len(heights(chart, "retried")) == 2
    [link] = re.findall(r"<a .*?</a>", chart)
    assert "outcome-retried" not in link
    assert "00:01 to 00:02 UTC: 2 delivered, 1 given up" in link
    assert "0 delivered, 3 failed attempts, 0 given up" in chart


def test_a_chart_of_nothing_is_a_floor() -> None:
    chart = outcome_chart([Bucket(0, 0, 0, 0)], MINUTE, "Nothing", "/x?")
    assert most_of([]) == 1
    assert "<a " not in chart
    assert "bars-floor" in chart


def test_one_among_a_million_still_shows() -> None:
    chart = outcome_chart([Bucket(0, 1_000_000, 1, 1)], MINUTE, "Many", "/x?")
    assert heights(chart, "bad") == [2.0]


def test_phases_add_up_to_the_whole_and_the_rest_is_named() -> None:
    phases = Phases(queue=5.0, dns=1.0, connect=2.0, tls=3.0, first_byte=10.0, total=20.0)
    parts = phases_of(phases, answered=True)
    assert [(one.kind, one.ms) for one in parts] == [
        *(("phase-queue", 5.0), ("phase-dns", 1.0), ("phase-connect", 2.0), ("phase-tls", 3.0)),
        *(("phase-first_byte", 10.0), ("phase-rest", 4.0)),
    ]
    assert sum(one.ms for one in parts) == 25.0


def test_an_attempt_without_an_answer_shows_where_it_failed() -> None:
    [looked_up, failed] = phases_of(Phases(dns=1.0, total=3001.0), answered=False)
    assert (looked_up.kind, failed.kind, failed.name, failed.ms) == ("phase-dns", "phase-failed", "Failed here", 3000.0)
    assert [one.name for one in phases_of(Phases(), answered=False)] == ["Failed"]


def test_a_bar_is_divided_as_the_time_was_and_the_shortest_part_shows() -> None:
    parts = phases_of(Phases(queue=0.001, first_byte=500.0, total=1000.0), answered=True)
    widths = [float(one) for one in re.findall(r'width="([0-9.]+)" height="10"/>', phase_bar(parts, "It"))]
    assert widths[1] == pytest.approx(widths[2], rel=0.01)
    assert widths[0] >= 3
    assert "NaN" not in phase_bar(phases_of(Phases(), answered=False), "Nothing")
