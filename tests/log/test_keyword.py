"""What a keyword is, and where it is found in an event."""

from __future__ import annotations

import pytest

from tenterhook.domain.keyword import keyword_problem, mentions, parse_keywords

EVENT = {
    "actor": {"id": "00u1AbC", "displayName": "Ann-Marie O'Brien", "alternateId": "ann@example.com"},
    "client": {"ipAddress": "192.0.2.1", "userAgent": None},
    "displayMessage": 'Sign-in (from "Old Town") failed: no; 100%_done.',
    "debugContext": {"debugData": {"url": "/api/v1/authn?x=1", "flag": True, "n": 7, "lat": 1.5}},
    "target": [{"id": "T1"}, {"id": "0oa-x-2"}],
}


@pytest.mark.parametrize(
    "word",
    [
        "ann-marie",
        "ANN",
        "marie",
        "o'brien",
        "ann@example.com",
        "192.0.2.1",
        "00u1abc",
        "sign-in",
        "sign",
        "in",
        "old",
        'town")',
        "town",
        "(from",
        "from",
        "failed",
        "failed:",
        "100%_done.",
        "/api/v1/authn?x=1",
        "api/v1/authn?x=1",
        "true",
        "7",
        "t1",
        "0oa-x-2",
        "0oa",
        "x",
        "2",
    ],
)
def test_a_keyword_is_a_whole_piece_of_a_value_or_a_part_between_hyphens(word: str) -> None:
    assert mentions(parse_keywords(word), EVENT)


@pytest.mark.parametrize(
    "word",
    [
        "mari",
        "example.com",
        "ann@",
        "192.0.2",
        "displayname",
        "actor",
        "null",
        "none",
        "1.5",
        "x-2",
        "authn",
        "brien",
        "ann*",
        "%",
        "_",
        "ann%",
        "*",
        "a?n",
        "old-town",
        "00u1",
        "\\",
        "done",
    ],
)
def test_a_part_of_a_piece_a_key_or_a_wildcard_is_none(word: str) -> None:
    assert not mentions(parse_keywords(word), EVENT)


def test_every_keyword_must_be_there_in_whichever_value() -> None:
    assert mentions(parse_keywords("ann t1 failed"), EVENT)
    assert not mentions(parse_keywords("ann t1 missing"), EVENT)
    assert mentions((), EVENT)


def test_case_does_not_count_beyond_ascii_either() -> None:
    assert mentions(parse_keywords("иВАН"), {"actor": {"displayName": "Иван Ü"}})
    assert mentions(parse_keywords("ü"), {"actor": {"displayName": "Иван Ü"}})


def test_keywords_are_parted_by_white_space_and_each_counts_once() -> None:
    assert parse_keywords("  Ann\tann  B-c ") == ("ann", "b-c")
    assert parse_keywords(" ") == ()


def test_length_and_number_are_counted_in_characters_as_given() -> None:
    assert keyword_problem("é" * 40) is None
    assert "longer than 40 characters" in str(keyword_problem("x " + "é" * 41))
    assert keyword_problem("a " * 10) is None
    assert "more than 10 items" in str(keyword_problem("a " * 11))
