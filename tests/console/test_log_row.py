"""A log event as a row: a sentence, and every value with the clause that asks for it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tenterhook.console.log_row import MAX_PAIRS, MAX_VALUE, Row, Whole, row_of, whole_of
from tenterhook.console.words import visible, visible_json
from tenterhook.domain.filter_ast import holds
from tenterhook.domain.log_filter import parse_log_filter
from tenterhook.domain.sample_event import sample_event

EVENT: dict[str, Any] = {
    "uuid": "01234567-89ab-7def-8123-456789abcdef",
    "published": "2026-11-22T22:12:33.123Z",
    "eventType": "user.session.start",
    "displayMessage": "User login to Okta",
    "severity": "INFO",
    "actor": {"id": "00u1", "type": "User", "alternateId": "ann@example.com", "displayName": "Ann"},
    "client": {"ipAddress": "192.0.2.1", "userAgent": None, "geographicalContext": {"geolocation": {"lat": 52.5}}},
    "outcome": {"result": "FAILURE", "reason": "INVALID_CREDENTIALS"},
    "target": [{"id": "A", "displayName": None, "alternateId": "mail"}, {"id": "B", "displayName": "Payroll"}],
    "securityContext": {"isProxy": False},
    "debugContext": {"debugData": {"requestUri": "/a", "a b": "c", "deep": {"x": "y"}}},
    "data": {"tags": ["a", "b"], "empty": "", "none": None},
}


def row(**changes: Any) -> Row:
    return row_of(msgspec.json.encode({**EVENT, **changes}))


def whole(**changes: Any) -> Whole:
    return whole_of(msgspec.json.encode({**EVENT, **changes}))


def pairs(found: Whole) -> dict[str, tuple[str, str | None]]:
    return {f"{part.title}: {pair.name}": (pair.value, pair.clause) for part in found.parts for pair in part.pairs}


def test_a_row_says_who_did_what_to_whom() -> None:
    found = row()
    assert (found.actor, found.action, found.target, found.more) == ("Ann", "User login to Okta", "mail", 1)
    assert (found.outcome, found.kind, found.reason, found.ip) == ("FAILURE", "bad", "INVALID_CREDENTIALS", "192.0.2.1")
    assert whole().around == ("2026-11-22T22:12:03.123Z", "2026-11-22T22:13:03.123Z")


def test_every_value_is_there_once_in_its_part_and_what_is_empty_is_not() -> None:
    found = pairs(whole())
    assert found["Actor: displayName"] == ("Ann", 'actor.displayName eq "Ann"')
    assert found["Target: [1].displayName"] == ("Payroll", 'target.displayName eq "Payroll"')
    assert found["Client: geographicalContext.geolocation.lat"][0] == "52.5"
    assert found["Security: isProxy"] == ("false", "securityContext.isProxy eq false")
    assert found["Debug: debugData.a b"] == ("c", None)
    assert found["Debug: debugData.deep.x"] == ("y", None)
    assert found["Event: published"][1] is None
    assert found["Data: tags[1]"] == ("b", 'data.tags eq "b"')
    assert not any("empty" in name or "none" in name or "userAgent" in name for name in found)


def test_each_clause_finds_the_event_that_it_stands_in() -> None:
    for event in (EVENT, sample_event("user.lifecycle.create", bytes(16), 0)):
        found = whole_of(msgspec.json.encode(event))
        clauses = [pair.clause for part in found.parts for pair in part.pairs if pair.clause]
        assert len(clauses) > 8
        for clause in clauses:
            assert holds(parse_log_filter(clause), event), clause


@pytest.mark.parametrize("value", [None, "text", 7, True, [], {}, [None], [7], {"id": 7}, {"displayName": {"a": 1}}])
@pytest.mark.parametrize("key", ["actor", "target", "client", "outcome", "severity", "published", "displayMessage"])
def test_an_event_of_any_shape_has_a_row(key: str, value: Any) -> None:
    found = row(**{key: value})
    assert found.event_type == "user.session.start"
    parts = whole(**{key: value}).parts
    assert all(isinstance(pair.value, str) for part in parts for pair in part.pairs)


def test_of_very_many_and_very_long_values_the_rest_is_in_the_json() -> None:
    found = whole(data={f"k{n}": "v" * 2 * MAX_VALUE for n in range(MAX_PAIRS)})
    assert sum(len(part.pairs) for part in found.parts) == MAX_PAIRS
    assert found.left_out > 0
    assert max(len(pair.value) for part in found.parts for pair in part.pairs) == MAX_VALUE + 1
    assert found.json.count("v" * 2 * MAX_VALUE) == MAX_PAIRS


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Zoë Ωmega 張", "Zoë Ωmega 張"),
        ("a\u202eb", "a\\u202eb"),
        ("\x1b[2J\x00", "\\x1b[2J\\x00"),
        ("a\u200bb\u2028", "a\\u200bb\\u2028"),
        (7, "7"),
    ],
)
def test_what_cannot_be_seen_is_spelled_out(text: Any, shown: str) -> None:
    assert str(visible(text)) == shown


def test_json_with_what_cannot_be_seen_is_still_the_same_json() -> None:
    value = {"a": "\u202e\u2028\x1b ü", "b": ["\u200b"]}
    text = visible_json(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())
    assert "\u202e" not in text
    assert "\n" in text
    assert msgspec.json.decode(text) == value
