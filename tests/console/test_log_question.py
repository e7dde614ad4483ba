"""What an address of the System Log asks: how its text is read, which time it means, and what is wrong with it."""

from __future__ import annotations

import pytest
from starlette.datastructures import QueryParams

from tenterhook.console.log_question import (
    CUSTOM,
    FILTER,
    KEYWORDS,
    LENGTHS,
    Asked,
    Question,
    read_asked,
    read_question,
)
from tenterhook.domain.log_filter import parse_log_filter
from tenterhook.domain.timestamp import DAY_MS, format_ms, parse_timestamp

NOW = 1_795_385_553_123
PATH = "/console/system-log"


def asked(query: str) -> Asked:
    return read_asked(QueryParams(query))[0]


def question(**parts: str) -> Question:
    return read_question(Asked(**parts), NOW)


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("", ""),
        ("alice", KEYWORDS),
        ("alice denied", KEYWORDS),
        ("alice@example.com", KEYWORDS),
        ("client error", KEYWORDS),
        ("rock and roll", KEYWORDS),
        ('"quoted words"', KEYWORDS),
        ("eventType pr", FILTER),
        ('eventType eq "a.b"', FILTER),
        ('(not actor.id pr) or eventType sw "a"', FILTER),
        # What is none yet, and is meant as one: its mistake is told instead of searched for as words.
        ("eventType eq user.session.start", FILTER),
        ('display_message eq "x"', FILTER),
        ("not (actor.id eq", FILTER),
        ('actor.id is "a"', FILTER),
    ],
)
def test_a_text_is_read_as_what_it_looks_like(text: str, taken: str) -> None:
    assert question(text=text).taken == taken


@pytest.mark.parametrize(
    ("text", "column", "operator"),
    [
        ('eventType = "x"', 11, "="),
        ('eventType == "x"', 11, "=="),
        ("outcome.result:FAILURE", 15, ":"),
        ("not (outcome.result!=FAILURE)", 20, "!="),
        ("severity=WARN", 9, "="),
    ],
)
def test_an_operator_of_another_language_is_told_with_those_that_there_are(
    text: str, column: int, operator: str
) -> None:
    found = question(text=text)
    assert found.taken == FILTER
    assert found.mistake is not None
    assert found.mistake.column == column
    assert found.mistake.text.startswith(f"“{operator}” is no operator of filters: there are eq, ne, co, ")


@pytest.mark.parametrize("text", ["https://x.example", "note: call", "a=b", "10:30", "alice <alice@example.com>"])
def test_what_names_no_attribute_is_searched_for_as_keywords(text: str) -> None:
    assert question(text=text).taken == KEYWORDS


def test_an_attribute_that_is_none_is_told_with_the_closest_or_where_the_list_is() -> None:
    for text, said in (
        ('foo eq "x"', "; a log event has such as eventType"),
        ('actor.idd eq "x"', "did you mean actor.id?"),
    ):
        mistake = question(text=text).mistake
        assert mistake is not None
        assert said in mistake.text


@pytest.mark.parametrize(
    ("text", "chosen"), [("alice", FILTER), ("eventType pr", KEYWORDS), ("eventType eq user.session.start", KEYWORDS)]
)
def test_the_reader_may_choose_otherwise(text: str, chosen: str) -> None:
    found = question(text=text, chosen=chosen)
    assert found.taken == chosen
    assert bool(found.errors) == (chosen == FILTER)
    assert bool(found.query.keywords) == (chosen == KEYWORDS)


def test_a_choice_is_kept_with_its_text_and_not_for_the_next_one() -> None:
    assert asked("q=a.b&as=filter&of=a.b&last=1h").chosen == FILTER
    assert asked("q=alice&as=filter&of=a.b&last=1h").chosen == ""
    assert asked("q=alice&as=nonsense").chosen == ""


def test_a_mistake_has_a_column_and_what_stands_on_both_sides() -> None:
    mistake = question(text='eventType eq "a" and actor.id is "b"').mistake
    assert mistake is not None
    assert (mistake.column, mistake.before, mistake.after) == (31, 'eventType eq "a" and actor.id ', 'is "b"')
    assert mistake.text.startswith("Unrecognized attribute operator 'is'. Expected: ")
    long = question(text=f'actor.id eq "{"x" * 200}" and actor.id is "{"y" * 200}"').mistake
    assert long is not None
    assert long.before.startswith("…x")
    assert long.after.endswith("y…")
    assert len(long.before + long.after) < 100


@pytest.mark.parametrize("span", list(LENGTHS))
def test_a_length_of_time_ends_now_or_where_the_first_page_ended(span: str) -> None:
    found = question(span=span)
    assert (found.since, found.until) == (NOW + 1 - LENGTHS[span][0], NOW + 1)
    later = question(span=span, at="5000000")
    assert (later.since, later.until) == (5_000_000 - LENGTHS[span][0], 5_000_000)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-22T10:00", "2026-11-22T10:00:00.000Z"),
        ("2026-11-22T10:00:30", "2026-11-22T10:00:30.000Z"),
        ("2026-11-22 10:00:30.5", "2026-11-22T10:00:30.500Z"),
        ("2026-11-22T10:00:30.000Z", "2026-11-22T10:00:30.000Z"),
        ("2026-11-22T10:00:30+02:00", "2026-11-22T08:00:30.000Z"),
    ],
)
def test_a_browsers_time_is_utc_and_others_are_read_as_the_api_reads_them(text: str, moment: str) -> None:
    found = question(span=CUSTOM, since=text)
    assert not found.errors
    assert (found.since, found.until) == (parse_timestamp(moment), NOW + 1)
    until = question(span=CUSTOM, until=text)
    assert until.until == parse_timestamp(moment)
    assert until.until - until.since == 7 * DAY_MS


@pytest.mark.parametrize(
    ("parts", "field", "text"),
    [
        ({"since": "yesterday"}, "since", "Must be a date and a time."),
        ({"until": "2026-13-01T00:00"}, "until", "Must be a date and a time."),
        ({"since": "2026-11-22T10:00", "until": "2026-11-21T10:00"}, "since", "Must not be after 'until'."),
        ({"since": format_ms(NOW - 200 * DAY_MS)}, "since", "Is more than 180 days ago."),
    ],
)
def test_a_time_that_cannot_be_is_told_at_its_field(parts: dict[str, str], field: str, text: str) -> None:
    errors = question(span=CUSTOM, **parts).errors
    assert [named for named, _ in errors.all] == [field]
    assert errors.of(field)[0].startswith(text)


@pytest.mark.parametrize(
    ("parts", "field"),
    [
        ({"text": "x" * 41}, "q"),
        ({"text": " ".join("abcdefghijk")}, "q"),
        ({"text": "eventType pr", "words": "x" * 41}, "words"),
        ({"text": "eventType pr and " * 400 + "eventType pr"}, "q"),
    ],
)
def test_too_much_is_told_at_its_field(parts: dict[str, str], field: str) -> None:
    assert [named for named, _ in question(**parts).errors.all] == [field]


@pytest.mark.parametrize(
    "query",
    ["", "q=alice+denied", "q=a&as=filter&range=1h", "q=eventType+pr&words=alice", "since=2026-11-22T10%3A00&range=7d"],
)
def test_an_address_says_what_was_asked_and_nothing_else(query: str) -> None:
    found, clause, whole = read_asked(QueryParams(query))
    assert (clause, whole) == ("", True)
    assert asked(found.address(PATH).partition("?")[2]) == found


@pytest.mark.parametrize(
    ("query", "address"),
    [
        ("q=&range=24h&since=&until=", ""),
        ("q=alice&range=24h&since=&until=", "?q=alice"),
        ("q=alice&range=24h&last=1h&since=2026-11-22T10%3A00&until=", "?q=alice&range=1h"),
        ("q=&range=1h&since=2026-11-22T10%3A00&until=", "?since=2026-11-22T10%3A00"),
        ("range=custom", ""),
        ("range=forever", ""),
        ("last=forever", ""),
        ("q=a%0Ab&last=24h", "?q=a+b"),
    ],
)
def test_what_a_form_sends_becomes_such_an_address(query: str, address: str) -> None:
    assert asked(query).address(PATH) == PATH + address


@pytest.mark.parametrize("at", ["x", "-1", "9" * 16, "999999999999999", "1.5", "²"])
def test_an_end_that_is_no_moment_is_none(at: str) -> None:
    assert asked(f"at={at}").at == ""


def test_turning_pages_keeps_the_search_and_a_new_search_begins_at_its_first_page() -> None:
    found = asked("q=alice&range=1h&after=abc&at=123")
    assert found.address(PATH, after="def", at="123") == f"{PATH}?q=alice&range=1h&after=def&at=123"
    assert found.address(PATH, text="bob") == f"{PATH}?q=bob&range=1h"


@pytest.mark.parametrize(
    ("text", "words", "narrowed", "kept"),
    [
        ("", "", 'severity eq "WARN"', ""),
        ("alice denied", "", 'severity eq "WARN"', "alice denied"),
        ("denied", "alice", 'severity eq "WARN"', "alice denied"),
        ("eventType pr", "alice", 'eventType pr and severity eq "WARN"', "alice"),
        ("eventType pr or uuid pr", "", '(eventType pr or uuid pr) and severity eq "WARN"', ""),
    ],
)
def test_a_value_narrows_what_is_asked_and_loses_nothing_of_it(text: str, words: str, narrowed: str, kept: str) -> None:
    found = question(text=text, words=words).narrowed('severity eq "WARN"')
    assert (found.text, found.words) == (narrowed, kept)
    again = read_question(found, NOW)
    assert again.filter == parse_log_filter(narrowed)
    assert again.query.keywords == tuple(kept.split())
