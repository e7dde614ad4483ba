"""Points in time as text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenterhook.domain.timestamp import MAX_MS, MIN_MS, format_ms, parse_timestamp

MOMENTS = st.integers(MIN_MS, MAX_MS)


@given(MOMENTS)
def test_what_is_written_is_read_back(ms: int) -> None:
    assert parse_timestamp(format_ms(ms)) == ms


@given(MOMENTS)
def test_what_is_written_is_what_the_calendar_says(ms: int) -> None:
    moment = datetime(1970, 1, 1) + timedelta(milliseconds=ms)
    assert format_ms(ms) == moment.isoformat(timespec="milliseconds") + "Z"


@given(
    st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1)),
    st.integers(-23 * 60 - 59, 23 * 60 + 59),
    st.integers(0, 9),
    st.sampled_from(["{:02d}:{:02d}", "{:02d}{:02d}"]),
    st.sampled_from("Tt "),
)
def test_any_offset_and_any_decimals_name_the_same_point(
    moment: datetime, minutes: int, decimals: int, form: str, between: str
) -> None:
    fraction = f".{moment.microsecond:06d}000"[: decimals + 1] if decimals else ""
    offset = ("-" if minutes < 0 else "+") + form.format(*divmod(abs(minutes), 60))
    text = moment.strftime("%m-%dT%H:%M:%S").replace("T", between)
    aware = moment.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=minutes)))
    whole = (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    expected = whole + int(fraction[1:4].ljust(3, "0"))
    assert parse_timestamp(f"{moment.year:04d}-{text}{fraction}{offset}") == expected


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000Z"),
        ("2016-12-31T23:59:60.250Z", "2017-01-01T00:00:00.250Z"),
        ("2017-01-01T00:59:60+01:00", "2017-01-01T00:00:00.000Z"),
        # The night in which clocks in Berlin show 02:30 twice: only the offset says which.
        ("2026-10-25T02:30:00+02:00", "2026-10-25T00:30:00.000Z"),
        ("2026-10-25T02:30:00+01:00", "2026-10-25T01:30:00.000Z"),
        ("2026-11-22T10:00Z", "2026-11-22T10:00:00.000Z"),
        ("2026-11-22t10:00:00.999999999z", "2026-11-22T10:00:00.999Z"),
        ("2026-11-22T10:00:00-00:00", "2026-11-22T10:00:00.000Z"),
        ("2026-11-22T10:00:00+05", "2026-11-22T05:00:00.000Z"),
    ],
)
def test_a_moment_is_normalised_to_utc_milliseconds(text: str, same: str) -> None:
    moment = parse_timestamp(text)
    assert moment is not None
    assert format_ms(moment) == same


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Sun Nov 22 2026 00:00:00 GMT+0000 (Coordinated Universal Time)",
        "Sun, 22 Nov 2026 00:00:00 GMT",
        "2024-02-30T00:00:00.000Z",
        "2023-02-29T00:00:00Z",
        "2026-01-01T00:00:00",
        "2026-01-01T00:00:00.000",
        "2026-01-01",
        "20260101T000000Z",
        "2026-W01-1T00:00:00.000Z",
        "2026-001T00:00:00.000Z",
        "2026-01-01T24:00:00.000Z",
        "2026-01-01T23:60:00.000Z",
        "2026-01-01T23:59:61.000Z",
        "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00+00:60",
        "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00.0000000000Z",
        "2026-01-01T00:00:00." + "1" * 10_000 + "Z",
        "0000-01-01T00:00:00.000Z",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "9999-12-31T23:59:60Z",
        "+2026-01-01T00:00:00Z",
        "-2026-01-01T00:00:00Z",
        " 2026-01-01T00:00:00.000Z",
        "2026-01-01T00:00:00.000Z\n",
        "٢٠٢٦-٠١-٠١T00:00:00.000Z",
        "2026-01-01T00:00:00.٠٠٠Z",
        "1767225600000",
        "now",
    ],
)
def test_what_names_no_point_in_time_is_refused(text: str) -> None:
    assert parse_timestamp(text) is None


@given(st.text(max_size=40) | st.from_regex(r"[0-9TZ:+. -]{0,30}", fullmatch=True))
def test_no_text_makes_the_reader_raise(text: str) -> None:
    moment = parse_timestamp(text)
    assert moment is None or MIN_MS <= moment <= MAX_MS
