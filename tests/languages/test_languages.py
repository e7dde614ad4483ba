"""Both filter languages against a second implementation of each: generated texts on generated events, no difference."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plain_expression import NoAnswerError, NoExpressionError, compile_expression
from plain_scim import compile_filter

from tenterhook.domain.filter_ast import holds
from tenterhook.domain.hook_filter import HookFilterError, parse_hook_filter, spell
from tenterhook.domain.log_filter import parse_log_filter
from tenterhook.domain.strict_json import loads
from tenterhook.domain.verdict import HookFilter
from tenterhook.errors import QueryError

THOROUGH = settings(
    max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)

TEXTS = ["A", "a", "AB", "", "it's", "é", "e\u0301", "日😀", "7", "true", 'q"\\']
NULLS: list[Any] = [None, None, None]
VALUES = [*NULLS, *TEXTS, 0, 1, 1, 7, 7, -7, 1.0, 1.5, 10**17, True, False, [], {}, ["A", None], {"A": 1}]
EVENTS_EACH = 12


def events_of(seed: int, text: str) -> list[Any]:
    """Return events that meet *text*: most of their values are what it compares with, or nearly; any may be missing."""
    dice = random.Random(seed)
    near = [value for value in VALUES if f"{value}" in text] or VALUES

    def value() -> Any:
        return dice.choice(near if dice.random() < 0.6 else VALUES)

    def some(*keys: str) -> Any:
        return {key: value() for key in keys if dice.random() < 0.85} if dice.random() < 0.9 else value()

    def person() -> Any:
        return some("id", "type", "alternateId", "displayName", "detailEntry")

    def event() -> dict[str, Any]:
        made = {
            "eventType": value(),
            "displayMessage": value(),
            "actor": person(),
            "outcome": some("result", "reason"),
            "target": [person() for _ in range(dice.randrange(4))] if dice.random() < 0.9 else value(),
            "debugContext": {"debugData": some("changedAttributes", "a.b")},
            "securityContext": some("asNumber", "isProxy", "asOrg"),
        }
        return {key: part for key, part in made.items() if dice.random() < 0.95}

    return [event() for _ in range(EVENTS_EACH)]


SEEDS = st.integers(0, 2**32)
BLANK = st.sampled_from(["", " ", "  ", "\t", "\n"])
GAP = st.sampled_from([" ", "  ", "\r\n"])


def nested(clause: st.SearchStrategy[str], ands: list[str], ors: list[str]) -> st.SearchStrategy[str]:
    """Clauses joined and bracketed, two deep."""
    inner = clause
    for _ in range(2):
        joined = st.builds("{} {} {}".format, inner, st.sampled_from(ands + ors), inner)
        inner = st.one_of(clause, joined, joined, st.builds("({}{})".format, BLANK, joined))
    return inner


# ---- hooks' filters --------------------------------------------------------------------------------------------------

NUMBERS = st.sampled_from(["0", "1", "7", "-7", "2", "100000000000000000"])
QUOTED = st.sampled_from(TEXTS).map(lambda text: "'" + text.replace("'", "''") + "'")
SIGNS = st.sampled_from(["eq", "ne", "==", "!=", "EQ", "Ne"])


def clauses(names: list[str]) -> st.SearchStrategy[str]:
    literals = st.one_of(QUOTED, QUOTED, NUMBERS, st.sampled_from(["null", "NULL"]))
    compared = st.builds("{}{}{}{}{}".format, st.sampled_from(names), GAP, SIGNS, GAP, literals)
    contained = st.builds("{}{}.contains({}{})".format, st.sampled_from(names), BLANK, BLANK, QUOTED)
    return st.one_of(*[compared] * 4, contained)


FIELDS = ["event.eventType", "event.outcome.reason", "event.outcome.result", "event.debugData.changedAttributes"]
FIELDS += [f"event.actor.{name}" for name in ("id", "type", "alternateId", "displayName")]
AND, OR = ["&&", "and", "AND"], ["||", "or", "OR"]
ELEMENTS = nested(clauses(["id", "type", "alternateId", "displayName"]), AND, OR)
COUNTS = st.builds(
    "event.target.?[{}{}]{}.size(){}{}{}{}".format,
    BLANK,
    ELEMENTS,
    BLANK,
    BLANK,
    st.sampled_from([">", ">=", "<", "<=", "==", "!=", " eq ", " ne "]),
    BLANK,
    NUMBERS,
)
EXPRESSIONS = nested(st.one_of(clauses(FIELDS), COUNTS), AND, OR).filter(lambda text: len(text.encode()) <= 4096)


def answer_of(judge: Callable[[Any], bool], event: Any) -> bool | str:
    try:
        return judge(event)
    except NoAnswerError:
        return "error"


@THOROUGH
@given(EXPRESSIONS, SEEDS)
def test_a_hooks_filter_means_what_a_second_implementation_says(text: str, seed: int) -> None:
    chosen, again = HookFilter(text), compile_expression(text)
    for event in events_of(seed, text):
        raw = json.dumps(event)
        verdict = chosen.judge(loads(raw.encode()))
        first = "error" if verdict.error is not None else verdict.matched
        assert first == answer_of(again, json.loads(raw)), raw


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(EXPRESSIONS, SEEDS)
def test_a_hooks_filter_that_is_spelled_out_again_is_the_same_and_every_verdict_has_its_words(
    text: str, seed: int
) -> None:
    node = parse_hook_filter(text)
    assert parse_hook_filter.__wrapped__(spell(node)) == node
    one = HookFilter(text)
    for event in events_of(seed, text):
        said, verdict = one.explain(event), one.judge(event)
        begins = "The filter matched." if verdict.matched else "The filter did not match: "
        assert said.startswith(begins if verdict.error is None else "The filter could not be evaluated: ")
        assert len(said) < 600


NONSENSE = [
    "T(java.lang.Runtime)",
    "#{7*7}",
    "${7*7}",
    "{{7*7}}",
    "__class__",
    "\x00",
    "\ud800",
    "new ",
    "日",
    "!",
    "-",
]
WORDS = [
    " eq ",
    " ne ",
    "==",
    ".contains(",
    ".",
    "not ",
    "[",
    "]",
    " pr",
    " gt ",
    "(",
    ")",
    "'a'",
    "''",
    "'",
    '"a"',
    "7",
]
FRAGMENTS = st.sampled_from([*FIELDS, *AND, *OR, "event.target.?[", "].size() > 0", "type", "null", *WORDS, *NONSENSE])
ANYTHING = st.one_of(st.text(max_size=80), st.lists(FRAGMENTS, max_size=14).map("".join))


def is_read(text: str, parse: Callable[[str], object], error: type[Exception]) -> bool:
    """Return whether *text* was read; what cannot be read ends in *error*."""
    try:
        parse(text)
    except error:
        return False
    return True


@settings(max_examples=1000, deadline=None)
@given(ANYTHING)
def test_any_text_at_all_is_a_hooks_filter_or_refused_with_its_place(text: str) -> None:
    read = is_read(text, parse_hook_filter, HookFilterError)
    try:
        compile_expression(text)
    except NoExpressionError:
        assert not read


@pytest.mark.parametrize("text", ["(" * 4000, "event.actor.id eq " * 200, "'" * 4096, "event." * 600, "[" * 4096])
def test_long_nonsense_is_refused_soon(text: str) -> None:
    assert not is_read(text, parse_hook_filter, HookFilterError)
    assert not is_read(text, parse_log_filter, QueryError)


# ---- the log's filter ------------------------------------------------------------------------------------------------

KINDS = {
    **dict.fromkeys(["eventType", "displayMessage", "outcome.result", "outcome.reason"], "text"),
    **dict.fromkeys([f"{who}.{name}" for who in ("actor", "target") for name in ("id", "type", "displayName")], "text"),
    **dict.fromkeys(["debugContext.debugData.changedAttributes", "debugContext.debugData.a.b"], "text"),
    **dict.fromkeys(["actor.detailEntry.A", "target.detailEntry.A", "securityContext.asOrg"], "text"),
    "securityContext.asNumber": "number",
    "securityContext.isProxy": "boolean",
}
OBJECTS = ["actor", "target", "outcome", "debugContext.debugData", "target.detailEntry"]
JSON_TEXT = st.sampled_from(TEXTS).map(json.dumps)
JSON_NUMBER = st.sampled_from(["0", "1", "7", "-7", "1.5", "1.0", "1e17", '"7"'])


def scim_clauses() -> st.SearchStrategy[str]:
    def of(names: list[str], signs: str, values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        sign = st.sampled_from(signs.split())
        return st.builds("{}{}{}{}{}".format, st.sampled_from(names), GAP, sign, GAP, values)

    texts = [name for name, kind in KINDS.items() if kind == "text"]
    of_text = of(texts, "eq ne co sw ew gt ge lt le EQ Ne", JSON_TEXT)
    of_null = of([*KINDS, *OBJECTS], "eq ne", st.sampled_from(["null", "NULL"]))
    present = st.builds("{}{}pr".format, st.sampled_from([*KINDS, *OBJECTS]), GAP)
    of_number = of(["securityContext.asNumber"], "eq ne gt ge lt le", JSON_NUMBER)
    of_flag = of(["securityContext.isProxy"], "eq ne", st.sampled_from(["true", "false", '"true"', "TRUE"]))
    one = st.one_of(of_text, of_text, of_null, present, of_number, of_flag)
    return st.one_of(one, one, st.builds("not {}".format, one))


SCIM = nested(scim_clauses(), ["and", "AND"], ["or", "Or"]).filter(lambda text: len(text.encode()) <= 4096)


@THOROUGH
@given(SCIM, SEEDS)
def test_a_log_filter_means_what_a_second_implementation_says(text: str, seed: int) -> None:
    node, again = parse_log_filter(text), compile_filter(text, KINDS)
    for event in events_of(seed, text):
        assert holds(node, event) == again(event), event


MORE = [" co ", " and ", " or ", '"', "true", "published", "' OR 1=1--", "é.x", ":", "\\"]
SCIM_FRAGMENTS = st.sampled_from([*KINDS, *OBJECTS, "null", *WORDS, *MORE, *NONSENSE])


@settings(max_examples=1000, deadline=None)
@given(st.one_of(st.text(max_size=80), st.lists(SCIM_FRAGMENTS, max_size=14).map("".join)))
def test_any_text_at_all_is_a_log_filter_or_refused(text: str) -> None:
    is_read(text, parse_log_filter, QueryError)
