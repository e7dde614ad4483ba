"""What may come next in a filter: at every place what fits there, and taken it makes a filter."""

from __future__ import annotations

import pytest

from tenterhook.console.log_completion import MOST, attributes, options_at, place_of
from tenterhook.domain.log_filter import parse_log_filter


def texts(text: str, values: tuple[str, ...] = ()) -> list[str]:
    return [option.text for option in options_at(place_of(text, len(text)), values)]


@pytest.mark.parametrize(
    ("text", "begin", "expects", "attribute"),
    [
        ("", 0, "attribute", ""),
        ("act", 0, "attribute", ""),
        ("actor.id ", 9, "operator", "actor.id"),
        ("actor.id e", 9, "operator", "actor.id"),
        ("actor.id eq ", 12, "value", "actor.id"),
        ('actor.id eq "a', 12, "value", "actor.id"),
        ('actor.id eq "a b"', 17, "joint", ""),
        ('actor.id eq "a b" a', 18, "joint", ""),
        ('actor.id eq "a b" and ', 22, "attribute", ""),
        ("actor.id pr ", 12, "joint", ""),
        ("not (", 5, "attribute", ""),
        ("not (actor.id pr) ", 18, "joint", ""),
        ('actor.id eq "a \\" b', 12, "value", "actor.id"),
    ],
)
def test_the_text_before_tells_what_may_come(text: str, begin: int, expects: str, attribute: str) -> None:
    place = place_of(text, len(text))
    assert (place.begin, place.expects, place.attribute) == (begin, expects, attribute)


def test_what_stands_after_the_caret_does_not_matter() -> None:
    assert place_of('actor.id eq "a" and severity pr', 9).expects == "operator"
    assert place_of("actor", -3).begin == 0
    assert place_of("actor", 99).typed == "actor"


def test_attributes_that_begin_so_come_before_those_that_have_a_part_that_does() -> None:
    assert texts("")[0] == "eventType "
    assert texts("outcome.re") == ["outcome.result ", "outcome.reason "]
    assert "client.ipAddress " in texts("ipa")
    assert len(texts("a")) == MOST


def test_operators_are_those_of_the_attributes_kind() -> None:
    assert "co " in texts("actor.id ")
    assert "co " not in texts("securityContext.asNumber ")
    assert texts("securityContext.isProxy ") == ["eq ", "ne ", "pr "]


def test_values_are_those_that_there_are() -> None:
    assert texts("securityContext.isProxy eq ") == ["true ", "false "]
    assert texts("outcome.result eq FAI") == ['"FAILURE" ']
    assert texts('actor.alternateId eq "b', ("ann@example.com", 'bob "b"@example.com')) == [
        '"bob \\"b\\"@example.com" '
    ]
    assert texts("actor.id eq ") == []


def test_what_is_taken_makes_a_filter() -> None:
    for name in attributes():
        for operator in texts(f"{name} "):
            clause = f"{name} {operator}"
            if operator != "pr ":
                values = texts(clause, ("x",))
                clause += values[0] if values else "7 "
            parse_log_filter(clause + "and eventType pr")
