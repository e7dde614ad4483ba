"""Points in time as text: read from RFC 3339 and its ISO 8601 cousins, written as ``YYYY-MM-DDTHH:MM:SS.mmmZ``.

Inside, a point in time is an integer: milliseconds since 1970-01-01T00:00:00Z.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ONE_MS = timedelta(milliseconds=1)
#: What four-digit years can spell: 0001-01-01T00:00:00.000Z to 9999-12-31T23:59:59.999Z.
MIN_MS = -62_135_596_800_000
MAX_MS = 253_402_300_799_999

_TEXT = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)[Tt ](?P<minute>\d\d:\d\d)(?::(?P<second>\d\d)(?:\.(?P<fraction>\d{1,9}))?)?"
    r"(?:[Zz]|(?P<sign>[+-])(?P<hours>\d\d)(?::?(?P<minutes>\d\d))?)",
    re.ASCII,
)


def parse_timestamp(text: str) -> int | None:
    """Return the milliseconds since the epoch that *text* names, or None if it names no point in time.

    Read: date, ``T`` (or a space), hours and minutes, seconds with up to nine decimals (cut to three) if given, and
    ``Z`` or an offset (``+02:00``, ``+0200``, ``+02``). Without an offset it names no point. A leap second (``:60``)
    is the second after it. Never read: what mail headers and JavaScript's ``Date`` print.
    Source: RFC 3339 §5.6; security check 154; DESIGN §2.2.
    """
    if (
        len(text) == 24
        and text[10] == "T"
        and text[23] == "Z"
        and text[19] == "."
        and text[16] == text[13] == ":"
        and text[7] == "-"
        and text.isascii()
    ):
        # The spelling of nearly every client: a third of the time that the pattern takes.
        try:
            return (datetime.fromisoformat(text) - _EPOCH) // _ONE_MS
        except ValueError:
            pass
    match = _TEXT.fullmatch(text)
    return None if match is None else _read(match)


def _read(match: re.Match[str]) -> int | None:
    second = match["second"] or "00"
    leap = second == "60"
    offset = timedelta(hours=int(match["hours"] or 0), minutes=int(match["minutes"] or 0))
    if int(match["minutes"] or 0) > 59 or offset >= timedelta(days=1):
        return None
    zone = timezone(-offset if match["sign"] == "-" else offset)
    try:
        whole = datetime.fromisoformat(f"{match['date']}T{match['minute']}:{'59' if leap else second}")
    except ValueError:
        return None
    ms = (whole.replace(tzinfo=zone) - _EPOCH) // _ONE_MS + int((match["fraction"] or "0").ljust(3, "0")[:3])
    ms += SECOND_MS if leap else 0
    return ms if MIN_MS <= ms <= MAX_MS else None


def format_ms(ms: int) -> str:
    """Return *ms* (milliseconds since the epoch) as ``YYYY-MM-DDTHH:MM:SS.mmmZ``.

    Raises: OverflowError or ValueError, outside the years 1 to 9999.
    """
    second, rest = divmod(ms, SECOND_MS)
    return f"{_second(second)}.{rest:03d}Z"


# Events come in the order of their time, so a handful of seconds is all that is ever in use.
@lru_cache(maxsize=256)
def _second(seconds: int) -> str:
    return (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")
