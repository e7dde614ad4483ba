"""Times, numbers, drawings and errors, as pages write them."""

from __future__ import annotations

import pytest
from starlette.exceptions import HTTPException

from tenterhook.console.drawing import bars, meter, sparkline
from tenterhook.console.error_pages import fault_of
from tenterhook.console.words import ago, count_of, dotted, duration, moment, number, size
from tenterhook.door.protocol_error import ProtocolError
from tenterhook.errors import (
    BadRequestError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    OverloadedError,
    PreconditionError,
    QueryError,
    QueryTimeoutError,
    RateLimitedError,
    TooLargeError,
)

NOON = 1_800_000_000_000


@pytest.mark.parametrize(
    ("ms", "said"),
    [
        *((0, "0 ms"), (45, "45 ms"), (1_000, "1 s"), (1_250, "1.2 s"), (59_000, "59 s"), (750_000, "12 min 30 s")),
        *((3_600_000, "1 h"), (5_400_000, "1 h 30 min"), (90 * 86_400_000, "90 d"), (86_460_000, "1 d")),
    ],
)
def test_a_duration_is_told_in_its_two_largest_units(ms: int, said: str) -> None:
    assert duration(ms) == said


def test_numbers_counts_and_sizes_read_as_people_write_them() -> None:
    assert [number(one) for one in (None, 0, 1234567)] == ["–", "0", "1,234,567"]
    assert [count_of(one, "delivery") for one in (1, 2000)] == ["1 delivery", "2,000 deliveries"]
    assert [size(one) for one in (1, 512, 1024, 1536, 8 << 20)] == ["1 byte", "512 bytes", "1 KiB", "1.5 KiB", "8 MiB"]


def test_a_long_name_breaks_between_its_words_and_stays_inert() -> None:
    assert dotted("user.session.start") == "user.<wbr>session.<wbr>start"
    assert dotted("a_b") == "a_<wbr>b"
    assert dotted("debugData.requestURI") == "debug<wbr>Data.<wbr>request<wbr>URI"
    assert dotted("<i>.x\u202e") == "&lt;i&gt;.<wbr>x\\u202e"


def test_a_time_is_utc_and_exact_for_the_script_to_read() -> None:
    exact = '<time datetime="2027-01-15T08:00:00.000Z" title="2027-01-15 08:00:00.000 UTC"'
    assert moment(NOON) == f"{exact}>2027-01-15 08:00:00 UTC</time>"
    assert moment("2027-01-15T08:00:00.000Z") == moment(NOON)
    assert moment(None) == "never"
    assert ago(NOON, NOON + 1_000) == f"{exact} data-ago>just now</time>"
    assert ago(NOON, NOON + 3 * 3_600_000) == f"{exact} data-ago>3 h ago</time>"


def test_what_is_drawn_says_the_same_in_words_and_escapes_them() -> None:
    hostile = '"><script>'
    for drawn in (
        meter(1, 2, label=hostile),
        bars([1, 0, 2], bad=[1, 0, 5], label=hostile),
        sparkline([1], label=hostile),
    ):
        assert "<script>" not in drawn
        assert "style=" not in drawn
        assert 'role="img"' in drawn
    assert "meter-full" in meter(0, 0, label="nothing is allowed")
    assert ['meter-fine"' in meter(used, 100, label="") for used in (0, 69, 70)] == [True, True, False]
    assert 'aria-label="Hooks: 80% used"' in meter(80, 100, label="Hooks")
    assert sparkline([], label="")
    assert bars([], label="")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        *((InvalidError("a", ["b: c"]), 400), (QueryError("E", "s"), 400), (BadRequestError("b"), 400)),
        *((ForbiddenError("f"), 403), (NotFoundError("i", "K"), 404), (HTTPException(404), 404)),
        *((HTTPException(405), 405), (PreconditionError("p"), 412), (TooLargeError("t"), 413)),
        *((ProtocolError(421, "u"), 421), (RateLimitedError(""), 429), (OverloadedError("o", 5), 503)),
        *((QueryTimeoutError("q"), 504), (HTTPException(500), 500), (RuntimeError("a secret"), 500)),
    ],
)
def test_every_error_has_a_page_that_says_what_to_do(error: Exception, status: int) -> None:
    fault = fault_of(error)
    assert fault.status == status
    assert all((fault.title, fault.text, fault.advice))
    assert "secret" not in " ".join((fault.title, fault.text, fault.advice, *fault.causes))
