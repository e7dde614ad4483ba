"""What a search asks the full-text index for, and that no match can lack it."""

from __future__ import annotations

import re
import sys

import apsw
import pytest

from tenterhook.domain.log_filter import parse_log_filter
from tenterhook.store.log_words import LETTERS, MAX_TERMS, SEPARATORS, match_of, words_of
from tenterhook.store.schema import LOG_TEXT

ORG = "00oABC"


def asked(text: str | None, *keywords: str) -> str | None:
    return match_of(ORG, None if text is None else parse_log_filter(text), keywords)


def tokenizer() -> apsw.FTS5Tokenizer:
    connection = apsw.Connection(":memory:")
    found = re.search(r'tokenize="(.*)"', LOG_TEXT)
    assert found is not None
    name, *words = re.findall(r"'[^']*'|\S+", found[1])
    return connection.fts5_tokenizer(name, [word.strip("'") for word in words])


def test_letters_and_separators_are_those_of_the_index_in_whichever_case() -> None:
    tokens = tokenizer()
    letter, separator = re.compile(f"[{LETTERS}]"), re.compile(f"[{SEPARATORS}]")

    def read(text: str) -> list[str]:
        parts = tokens(text.encode(), apsw.FTS5_TOKENIZE_QUERY, None, include_offsets=False)
        return [part[0] for part in parts]

    for code in range(sys.maxunicode + 1):
        one = chr(code)
        if 0xD800 <= code < 0xE000:
            continue
        # Whatever folds into a letter must fold so for the index too; for the rest it does not matter.
        if any(letter.match(part) for part in one.lower()) and one != "\u0130":
            assert read(one) == [one.lower()], hex(code)
        if letter.match(one):
            assert not separator.match(one)
            assert read(f"a{one}b") == [f"a{one.lower()}b"], hex(code)
        if separator.match(one):
            assert one.lower() == one
            assert read(f"a{one}b") == ["a", "b"], hex(code)
        elif separator.search(one.lower()):
            pytest.fail(f"{code:#x} folds into a separator")


def test_a_word_at_an_open_end_may_go_on_and_is_not_asked_for() -> None:
    assert words_of("one-two three") == ["three", "one", "two"]
    assert words_of("one-two three", begins=False) == ["three", "two"]
    assert words_of("one-two three", ends=False) == ["one", "two"]
    assert words_of("one-two three", begins=False, ends=False) == ["two"]
    assert words_of("/one/", begins=False, ends=False) == ["one"]


def test_what_touches_a_letter_of_uncertain_case_is_left_out() -> None:
    assert words_of("stra\u00dfe \u0130stanbul office a\u0301b \u1e9e x\U0001f600y") == ["stra\u00dfe", "office"]


def test_an_actor_s_id_is_asked_for_as_the_actor_s_if_it_is_one_word() -> None:
    assert asked('actor.id eq "00u1"') == '"00oABC" AND ("actor.00u1")'
    assert asked('actor.id eq "a-b"') == '"00oABC" AND ("a" AND "b")'
    assert asked('actor.id sw "00u"') is None
    assert asked('target.id eq "00u1"') == '"00oABC" AND ("00u1")'


def test_the_query_follows_the_filter_s_ands_and_ors() -> None:
    assert asked('actor.id eq "A1" and not actor.id eq "B" and (eventType eq "c.d" or outcome.result eq "E")') == (
        '"00oABC" AND (("actor.A1") AND (("c.d") OR ("E")))'
    )
    assert asked('actor.id eq "A1"', "key-word") == '"00oABC" AND ("word" AND "key") AND ("actor.A1")'
    assert asked('displayMessage co "x y z"') == '"00oABC" AND ("y")'


@pytest.mark.parametrize(
    "text",
    [
        'not actor.id eq "A"',
        'actor.id ne "A"',
        "actor.id pr",
        'actor.id eq "A" or actor.id pr',
        'actor.id co "A"',
        'actor.id gt "A"',
        "client.geographicalContext.geolocation.lat eq 1.5",
        'actor.id eq "--"',
        "actor.id eq null",
    ],
)
def test_a_filter_without_sure_words_is_not_asked_of_the_index(text: str) -> None:
    assert asked(text) is None


def test_a_query_of_very_many_words_is_not_asked_of_the_index() -> None:
    assert asked(" or ".join(f'actor.id eq "A{at}"' for at in range(MAX_TERMS - 1))) is not None
    assert asked(" or ".join(f'actor.id eq "A{at}"' for at in range(MAX_TERMS))) is None


@pytest.mark.parametrize("word", ['"', "*", "NEAR(a", "body:x", "a*", "^a", "-a", "{a}", "a+b", "AND", "(", "'", "\\"])
def test_the_index_s_own_syntax_is_inert(word: str) -> None:
    connection = apsw.Connection(":memory:")
    connection.execute(LOG_TEXT)
    connection.execute("INSERT INTO log_text (rowid, body) VALUES (1, ? || ' 00oABC')", (word,))
    query = match_of(ORG, None, [word.lower()])
    if query is not None:
        assert connection.execute("SELECT rowid FROM log_text WHERE log_text MATCH ?", (query,)).fetchall() == [(1,)]
