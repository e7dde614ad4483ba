"""The parameters of a log query, and the pages they mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from logbook import NOW, OURS, THEIRS

from tenterhook.domain.cursor import Cursor, Order, Position, open_cursor, seal_cursor
from tenterhook.domain.log_query import LogQuery, plan_search, read_log_query
from tenterhook.domain.timestamp import DAY_MS, format_ms
from tenterhook.errors import InvalidError, QueryError

BAD_DATE = "The date format in your query is not recognized. Please enter dates using ISO8601 string format."
NOT_A_DATE = "must be a valid date-time or empty."


def read(*parameters: tuple[str, str]) -> LogQuery:
    return read_log_query(parameters, NOW)


def problems(*parameters: tuple[str, str]) -> InvalidError:
    with pytest.raises(InvalidError) as caught:
        read(*parameters)
    return caught.value


def test_no_parameters_poll_the_last_seven_days() -> None:
    search = plan_search(read(), None, NOW)
    assert search.order is Order.COMMITTED
    assert search.since == NOW - 7 * DAY_MS
    assert (search.until, search.after, search.limit) == (None, None, 100)


def test_both_bounds_ask_for_the_order_of_publishing() -> None:
    since, until = format_ms(NOW - DAY_MS), format_ms(NOW)
    search = plan_search(read(("since", since), ("until", until)), None, NOW)
    assert search == plan_search(read(("since", since), ("until", until), ("sortOrder", "ASCENDING")), None, NOW)
    assert (search.order, search.since, search.until) == (Order.OLDEST, NOW - DAY_MS, NOW)


def test_until_alone_reaches_back_seven_days() -> None:
    search = plan_search(read(("until", format_ms(NOW - DAY_MS))), None, NOW)
    assert (search.order, search.since, search.until) == (Order.OLDEST, NOW - 8 * DAY_MS, NOW - DAY_MS)


def test_descending_order_is_bounded_by_now() -> None:
    search = plan_search(read(("sortOrder", "DESCENDING")), None, NOW)
    assert (search.order, search.until) == (Order.NEWEST, NOW + 1)


@pytest.mark.parametrize("name", ["since", "until", "limit", "after", "sortOrder", "filter", "q"])
def test_an_empty_parameter_counts_as_absent(name: str) -> None:
    assert read((name, "")) == read()


def test_parameters_of_no_meaning_here_are_ignored() -> None:
    assert read(("nonsense", "1"), ("nonsense", "2"), ("Limit", "5")) == read()


@pytest.mark.parametrize(
    "text",
    ["2026-11-22T00:00:00+02:00", "2026-11-22T00:00:00 02:00", "2026-11-21T22:00:00.000Z", "2026-11-22T00:00:00+0200"],
)
def test_an_offset_is_read_even_where_its_plus_sign_was_not_encoded(text: str) -> None:
    assert read(("since", text)).since == 1_795_298_400_000


@pytest.mark.parametrize("name", ["since", "until"])
@pytest.mark.parametrize(
    "text",
    ["yesterday", "Sun Nov 22 2026 00:00:00 GMT+0000 (Coordinated Universal Time)", "1795385553123", "2026-11-22"],
)
def test_a_bad_date_is_named_twice_as_the_contract_has_it(name: str, text: str) -> None:
    error = problems((name, text))
    assert error.entity == f"'{name}': {BAD_DATE} '{name}': {NOT_A_DATE}"
    assert error.problems == (f"{name}: {BAD_DATE}", f"{name}: {NOT_A_DATE}")


@pytest.mark.parametrize("text", ["-1", "1001", "1e3", "१०", "1.0", " 1", "+1", "0x1", "ten", "9" * 5000, "1_0"])
def test_a_limit_that_is_no_number_from_0_to_1000_is_refused(text: str) -> None:
    assert problems(("limit", text)).problems == ("limit: must be a whole number from 0 to 1000.",)


@pytest.mark.parametrize(("text", "limit"), [("0", 0), ("1", 1), ("0100", 100), ("1000", 1000)])
def test_a_limit_from_0_to_1000_is_taken(text: str, limit: int) -> None:
    assert read(("limit", text)).limit == limit


@pytest.mark.parametrize("text", [";", "ascending", "DESC", "DESCENDING "])
def test_a_sort_order_that_is_none_is_refused(text: str) -> None:
    assert problems(("sortOrder", text)).problems == ("sortOrder: must be ASCENDING or DESCENDING.",)


def test_since_after_until_is_refused() -> None:
    error = problems(("since", format_ms(NOW)), ("until", format_ms(NOW - 1)))
    assert error.problems == ("since: must not be after 'until'.",)


@pytest.mark.parametrize("name", ["since", "limit", "after", "filter", "q"])
def test_a_parameter_given_twice_is_refused(name: str) -> None:
    assert f"{name}: was given more than once." in problems((name, ""), (name, "")).problems


def test_keywords_are_read_beside_a_filter() -> None:
    query = read(("q", " Ann  0oa-1 ann "), ("filter", "actor pr"))
    assert query.keywords == ("ann", "0oa-1")
    assert query.filter is not None
    assert plan_search(query, None, NOW).keywords == ("ann", "0oa-1")


def test_ten_keywords_of_forty_characters_are_taken_and_no_more() -> None:
    most = ["é" * 39 + str(at) for at in range(10)]
    assert len(read(("q", " ".join(most))).keywords) == 10
    assert problems(("q", "x" * 41)).problems[0].startswith("q: Freeform search cannot contain items longer than 40")
    assert problems(("q", "a " * 11)).problems[0].startswith("q: Freeform search cannot contain more than 10 items")


def test_every_problem_is_told_at_once() -> None:
    error = problems(("since", "x"), ("limit", "-1"), ("sortOrder", "up"))
    assert [text.partition(":")[0] for text in error.problems] == ["since", "since", "limit", "sortOrder"]


def test_a_since_of_more_than_180_days_ago_is_refused_in_the_contract_s_words() -> None:
    assert read(("since", format_ms(NOW - 180 * DAY_MS))).since == NOW - 180 * DAY_MS
    for text in (format_ms(NOW - 180 * DAY_MS - 1), "0001-01-01T00:00:00Z"):
        with pytest.raises(QueryError) as caught:
            read(("since", text))
        assert caught.value.code == "E0000053"
        assert caught.value.summary == (
            "Invalid parameter: The since parameter is over 180 days prior to the current day."
        )


def test_a_poller_may_follow_its_link_for_longer_than_180_days() -> None:
    since = NOW - 300 * DAY_MS
    query = read(("since", format_ms(since)), ("after", "x"))
    cursor = Cursor(Order.COMMITTED, since, None, Position(7))
    assert plan_search(query, cursor, NOW).after == Position(7)


# ---- cursors ---------------------------------------------------------------------------------------------------------

KEY = b"k" * 32
MS = st.integers(-(2**62), 2**62)
CURSORS = st.builds(Cursor, st.sampled_from(Order), MS, st.none() | MS, st.builds(Position, MS, MS))


@given(CURSORS)
def test_a_cursor_comes_back_as_it_was_and_always_looks_the_same(cursor: Cursor) -> None:
    text = seal_cursor(KEY, OURS, cursor)
    assert text == seal_cursor(KEY, OURS, cursor)
    assert open_cursor(KEY, OURS, text) == cursor


@given(CURSORS, st.data())
def test_a_cursor_with_one_character_changed_is_none(cursor: Cursor, data: st.DataObject) -> None:
    text = seal_cursor(KEY, OURS, cursor)
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters(codec="utf-8").filter(lambda one: one != text[at]))
    assert open_cursor(KEY, OURS, text[:at] + other + text[at + 1 :]) is None


@given(CURSORS, st.integers(0, 200))
def test_a_cursor_cut_short_or_made_longer_is_none(cursor: Cursor, length: int) -> None:
    text = seal_cursor(KEY, OURS, cursor)
    other = (text + "A" * 200)[:length]
    assert (open_cursor(KEY, OURS, other) is None) == (other != text)


def test_a_cursor_of_another_org_or_another_key_is_none() -> None:
    text = seal_cursor(KEY, OURS, Cursor(Order.OLDEST, 0, 1, Position(1, 1)))
    assert open_cursor(KEY, THEIRS, text) is None
    assert open_cursor(b"l" * 32, OURS, text) is None
    assert open_cursor(KEY, OURS, text) is not None


@given(st.text(max_size=100))
def test_no_text_makes_the_reader_of_cursors_raise(text: str) -> None:
    assert open_cursor(KEY, OURS, text) is None


BOUNDED = Cursor(Order.NEWEST, NOW - DAY_MS, NOW, Position(3, NOW - 5))
SAME = (("since", format_ms(NOW - DAY_MS)), ("until", format_ms(NOW)), ("sortOrder", "DESCENDING"))


@pytest.mark.parametrize("parameters", [SAME, SAME[:1], SAME[2:], ()])
def test_a_cursor_brings_its_order_and_bounds_along(parameters: tuple[tuple[str, str], ...]) -> None:
    search = plan_search(read(("after", "x"), ("limit", "3"), *parameters), BOUNDED, NOW)
    assert search.cursor(Position(3, NOW - 5)) == BOUNDED
    assert (search.after, search.limit) == (Position(3, NOW - 5), 3)


@pytest.mark.parametrize(
    "parameter",
    [("since", format_ms(NOW - DAY_MS + 1)), ("until", format_ms(NOW - 1)), ("sortOrder", "ASCENDING")],
)
def test_a_cursor_of_another_query_is_refused(parameter: tuple[str, str]) -> None:
    with pytest.raises(InvalidError) as caught:
        plan_search(read(("after", "x"), parameter), BOUNDED, NOW)
    assert caught.value.problems[0].startswith("after: belongs to a query with another")


def test_what_is_no_cursor_is_refused() -> None:
    with pytest.raises(InvalidError) as caught:
        plan_search(read(("after", "1627500044869_1")), None, NOW)
    assert caught.value.problems[0].startswith("after: is not a cursor that this org was given.")
