"""Counting what ended, and reading quantiles from a histogram."""

from __future__ import annotations

import random
from statistics import quantiles

import pytest

from tenterhook.domain.tally import Ended, Tally, bounds_of, bucket_of, code, quantile_ms


def tally(*codes: int) -> Tally:
    made = Tally()
    made.count(codes)
    return made


def test_each_way_to_end_is_counted_where_it_belongs() -> None:
    made = tally(code(Ended.DELIVERED, 4.0), code(Ended.FAILED, 2.0), code(Ended.GIVEN_UP), code(Ended.CLOSED))
    assert (made.delivered, made.failed_attempts, made.ended_failed) == (1, 2, 2)
    assert (made.timed, made.total_us, made.mean_ms) == (2, 6000, 3.0)
    assert made.success_rate == pytest.approx(1 / 3)


def test_a_tally_of_nothing_has_neither_rate_nor_times() -> None:
    made = Tally()
    assert (made.success_rate, made.mean_ms, made.quantile_ms(0.5)) == (None, None, None)


def test_a_time_lies_within_its_bucket_and_buckets_are_narrow() -> None:
    for took_us in (*range(1, 4000), 65_535, 65_536, 2_999_999, 30_000_000, 60_000_001):
        low, high = bounds_of(bucket_of(took_us))
        assert low <= took_us < high
        assert high - low == 1 or (high - low) / low <= 0.25


def test_buckets_follow_one_another_without_a_gap() -> None:
    assert all(bounds_of(number)[1] == bounds_of(number + 1)[0] for number in range(100))


def test_quantiles_are_near_those_of_the_times_themselves() -> None:
    chance = random.Random(5)
    times = [chance.lognormvariate(3, 1.2) for _ in range(5_000)]
    made = tally(*(code(Ended.DELIVERED, one) for one in times))
    cuts = quantiles(times, n=100)
    for part, exact in ((0.5, cuts[49]), (0.95, cuts[94]), (0.99, cuts[98])):
        found = made.quantile_ms(part)
        assert found is not None
        assert -0.1 < (found - exact) / exact < 0.125, part


@pytest.mark.parametrize("bucket", [*range(1, 12), 40, 52, 53, 54, 55, 90, 100])
def test_times_that_are_all_the_same_are_an_eighth_off_at_most_at_either_edge_of_a_bucket(bucket: int) -> None:
    low, high = bounds_of(bucket)
    for took_us in (low, high - 1):
        made = Tally(times={bucket_of(took_us): 100})
        for part in (0.01, 0.5, 0.95, 0.99, 1.0):
            found = made.quantile_ms(part)
            assert found is not None
            assert -0.1 <= found * 1000 / took_us - 1 <= 0.125, (took_us, part)


def test_a_hundred_answers_of_one_time_have_that_median_and_no_greater_spread() -> None:
    made = tally(*[code(Ended.DELIVERED, 32.768)] * 100)
    assert made.quantile_ms(0.5) == made.quantile_ms(0.99) == pytest.approx(36.8635)


def test_the_least_and_the_greatest_are_within_what_was_counted() -> None:
    times = {bucket_of(1000): 3, bucket_of(8000): 1}
    assert quantile_ms(times, 0.0) == 0.9595
    assert quantile_ms(times, 1.0) == 7.6795


def test_adding_counts_everything_once() -> None:
    codes = [code(Ended(at % 4), float(at)) for at in range(200)]
    whole, parts = tally(*codes), tally(*codes[:70])
    parts.add(tally(*codes[70:]))
    assert parts == whole
