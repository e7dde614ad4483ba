"""Clauses as text: what is made of a value finds its event, and joins what was asked before."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenterhook.domain.filter_ast import Operator, holds
from tenterhook.domain.log_clause import MAX_VALUE, clause_text, clauses_of, join_clause
from tenterhook.domain.log_filter import parse_log_filter


def nested(path: tuple[str, ...], value: Any) -> Any:
    for key in reversed(path):
        value = {key: value}
    return value


@pytest.mark.parametrize(
    ("path", "value", "text"),
    [
        (("eventType",), "user.session.start", 'eventType eq "user.session.start"'),
        (("actor", "displayName"), 'Ann "A" \\ é', 'actor.displayName eq "Ann \\"A\\" \\\\ é"'),
        (("actor", "displayName"), "a\u202eb\U000e0001", 'actor.displayName eq "a\\u202eb\\udb40\\udc01"'),
        (("securityContext", "asNumber"), 64500, "securityContext.asNumber eq 64500"),
        (("client", "geographicalContext", "geolocation", "lat"), 52.5, None),
        (("securityContext", "isProxy"), False, "securityContext.isProxy eq false"),
        (("debugContext", "debugData", "threatSuspected"), True, 'debugContext.debugData.threatSuspected eq "true"'),
        (("debugContext", "debugData", "n"), 7, 'debugContext.debugData.n eq "7"'),
        (("data", "order", "paid"), True, "data.order.paid eq true"),
        (("data", "order", "total"), 7.5, "data.order.total eq 7.5"),
    ],
)
def test_a_clause_finds_the_event_that_it_was_made_of(path: tuple[str, ...], value: Any, text: str | None) -> None:
    made = clause_text(path, value)
    assert made is not None
    assert text in (None, made)
    assert holds(parse_log_filter(made), nested(path, value))
    without = clause_text(path, value, Operator.NE)
    assert without is not None
    assert not holds(parse_log_filter(without), nested(path, value))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("published",), "2026-11-22T22:12:33.123Z"),  # times are asked for by since and until
        (("target", "changeDetails", "a"), "b"),
        (("nothing", "of", "ours"), "x"),
        (("actor",), "x" * (MAX_VALUE + 1)),
        (("actor", "displayName"), "x" * (MAX_VALUE + 1)),
        (("debugContext", "debugData", "a b"), "x"),
        (("debugContext", "debugData", "a", "b"), "x"),  # a filter would read one key, "a.b"
        (("securityContext", "isProxy"), "yes"),
        (("securityContext", "asNumber"), 1e300),
        (("actor", "displayName"), None),
        (("actor", "displayName"), 1.5),
        (("data", "and"), {"x": 1}),
    ],
)
def test_what_the_language_cannot_ask_for_has_no_clause(path: tuple[str, ...], value: Any) -> None:
    assert clause_text(path, value) is None


@given(st.text(max_size=MAX_VALUE).filter(lambda text: not any("\ud800" <= char <= "\udfff" for char in text)))
def test_every_text_has_a_clause_that_finds_it(text: str) -> None:
    made = clause_text(("actor", "displayName"), text)
    assert made is not None
    assert holds(parse_log_filter(made), nested(("actor", "displayName"), text))


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("", 'actor.id eq "1"'),
        ("eventType pr", 'eventType pr and actor.id eq "1"'),
        ("eventType pr or uuid pr", '(eventType pr or uuid pr) and actor.id eq "1"'),
        ("not eventType pr", 'not eventType pr and actor.id eq "1"'),
        ('eventType pr AND actor.id eq "1"', 'eventType pr AND actor.id eq "1"'),
    ],
)
def test_a_clause_narrows_what_was_asked_for_and_is_not_said_twice(text: str, joined: str) -> None:
    clause = 'actor.id eq "1"'
    present = parse_log_filter(text) if text else None
    assert join_clause(text, present, clause) == joined
    assert clause in clauses_of(parse_log_filter(joined))


def test_the_clauses_of_a_filter_are_those_that_every_match_has() -> None:
    text = 'actor.id EQ "1" and securityContext.asNumber gt 7.0 and (uuid pr or eventType eq "a")'
    assert clauses_of(parse_log_filter(text)) == {'actor.id eq "1"', "securityContext.asNumber gt 7"}
    assert clauses_of(parse_log_filter('actor.id eq "1" or actor.id eq "2"')) == frozenset()
    assert clauses_of(None) == frozenset()
