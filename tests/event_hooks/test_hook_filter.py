"""The filter language of event hooks: what is read, what is refused and in which words, and what it means."""

from __future__ import annotations

import ast
import inspect
from types import ModuleType
from typing import Any

import pytest

from tenterhook.domain import event_filter, filter_ast, hook_filter, verdict
from tenterhook.domain.filter_ast import Clause, Not, Operator, holds
from tenterhook.domain.hook_filter import HookFilterError, parse_hook_filter, spell
from tenterhook.domain.strict_json import loads
from tenterhook.domain.verdict import MAX_STEPS, HookFilter

SALES = {
    "eventType": "group.user_membership.add",
    "outcome": {"result": "SUCCESS", "reason": None},
    "actor": {"id": "00u1", "type": "User", "alternateId": "ann@example.com", "displayName": "Ann O'Hara"},
    "debugContext": {"debugData": {"changedAttributes": "email,firstName"}},
    "target": [
        {"id": "1", "type": "User", "alternateId": "bob@example.com", "displayName": "Sales"},
        {"id": "2", "type": "UserGroup", "alternateId": None, "displayName": "Everyone"},
    ],
}


@pytest.mark.parametrize(
    "text",
    [
        "event.target.?[type eq 'UserGroup'].size()>0 && event.target.?[displayName eq 'Sales'].size()>0",
        "event.target.?[type eq 'User' && displayName eq 'Sales'].size()> 0",
        "event.target.?[id eq '9'].size() > 0 OR event.target.?[id eq '2'].size() > 0",
        "event.outcome.result eq 'SUCCESS'",
        "event.outcome.result == 'SUCCESS' and event.outcome.result != 'FAILURE'",
        "event.outcome.reason eq null",
        "event.actor.id != null AND event.actor.id ne null",
        "event.eventType eq 'group.user_membership.add' && event.eventType ne 'x'",
        "event.target.?[alternateId eq 'bob@example.com'].size()>0",
        "event.target.?[alternateId eq null].size() == 1 && event.target.?[id ne null].size() >= 2",
        "event.target.?[id eq '1' || type eq 'UserGroup'].size() < 3 && event.target.?[id eq '3'].size() <= 0",
        "event.actor.displayName eq 'Ann O''Hara'",
        "event.debugData.changedAttributes.contains('email')",
        "event.actor.id eq 'x' && event.actor.id eq 'y' || event.actor.type eq 'User'",
        "event.actor.type eq 'User' || event.outcome.reason.contains('never looked at')",
        "event.actor.id eq 'x' || (event.actor.type eq 'User' && event.outcome.result eq 'SUCCESS')",
        " \t\r\nevent.actor.id\neq\n'00u1' ",
        "event.actor.displayName.contains('''')",
    ],
)
def test_an_expression_of_the_contract_is_true_where_it_should_be(text: str) -> None:
    assert HookFilter(text).explain(SALES) == "The filter matched."


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("event.outcome.result eq 'FAILURE'", "event.outcome.result is 'SUCCESS', not 'FAILURE'"),
        ("event.outcome.result eq 'success'", "event.outcome.result is 'SUCCESS', not 'success'"),
        ("event.actor.id ne '00u1'", "event.actor.id is '00u1', and must not be"),
        ("event.outcome.reason ne null", "event.outcome.reason is null, and must not be"),
        ("event.outcome.reason eq 'x'", "event.outcome.reason is null, not 'x'"),
        ("event.actor.id eq null", "event.actor.id is '00u1', not null"),
        ("event.debugData.changedAttributes.contains('x')", ", which does not contain 'x'"),
        ("event.actor.type eq 'User' && event.actor.id eq '7'", "event.actor.id is '00u1', not '7'"),
        ("event.actor.id eq 'a' || event.actor.id eq 'b'", "is '00u1', not 'a'; event.actor.id is '00u1', not 'b'"),
        (
            "event.target.?[type eq 'UserGroup' && displayName eq 'Sales'].size() > 0",
            "event.target.?[type eq 'UserGroup' && displayName eq 'Sales'].size() is 0, not > 0",
        ),
        ("event.target.?[id ne null].size() == 1", ".size() is 2, not 1"),
        ("event.target.?[id ne null].size() ne 2", ".size() is 2, and must not be"),
    ],
)
def test_what_does_not_match_is_told_with_the_value_that_was_found(text: str, why: str) -> None:
    said = HookFilter(text).explain(SALES)
    assert said.startswith("The filter did not match: ")
    assert said.endswith(f"{why}.")


@pytest.mark.parametrize(
    ("event", "text", "matched"),
    [
        ({}, "event.outcome.result == null", True),
        ({}, "event.outcome.result == 'x'", False),
        ({}, "event.outcome.result != 'x'", True),
        ({"outcome": None}, "event.outcome.result == null", True),
        ({"outcome": "x"}, "event.outcome.result == null", True),
        ({"actor": {"id": 7}}, "event.actor.id == '7'", False),
        ({"actor": {"id": 7}}, "event.actor.id == 7", True),
        ({"actor": {"id": True}}, "event.actor.id == 1", False),
        ({"target": None}, "event.target.?[id == null].size() == 0", True),
        ({"target": {"id": "1"}}, "event.target.?[id == '1'].size() == 0", True),
        ({"target": ["x", None]}, "event.target.?[id == null].size() == 2", True),
        ({"outcome": {"result": "e\u0301"}}, "event.outcome.result == 'é'", False),
    ],
)
def test_missing_paths_and_other_types_have_a_defined_answer(event: dict[str, Any], text: str, matched: bool) -> None:
    assert HookFilter(text).judge(event) == verdict.Verdict(matched)


def test_a_number_whose_spelling_is_kept_compares_as_the_number_that_it_is() -> None:
    event = loads(b'{"debugContext":{"debugData":{"changedAttributes":7.00}},"actor":{"id":-0}}')
    assert HookFilter("event.debugData.changedAttributes eq 7 && event.actor.id eq 0").judge(event).matched
    assert "is 7, not 8" in HookFilter("event.debugData.changedAttributes eq 8").explain(event)


@pytest.mark.parametrize(
    ("event", "text", "error"),
    [
        (SALES, "event.outcome.reason.contains('x')", "event.outcome.reason is null, and .contains needs a text"),
        ({"actor": {"id": 7}}, "event.actor.id.contains('7')", "event.actor.id is 7, and .contains needs a text"),
        ({"actor": {"id": []}}, "event.actor.id.contains('7')", "event.actor.id is an array, and .contains"),
        (SALES, "event.target.?[alternateId.contains('x')].size() > 0", "alternateId is null, and .contains"),
        (SALES, "event.nonsense eq 'x'", "unknown field event.nonsense at column 1"),
    ],
)
def test_what_cannot_be_evaluated_is_no_match_and_says_why(event: dict[str, Any], text: str, error: str) -> None:
    found = HookFilter(text).judge(event)
    assert not found.matched
    assert found.error is not None
    assert found.error.startswith(error)
    assert HookFilter(text).explain(event).startswith(f"The filter could not be evaluated: {error}")


def test_an_evaluation_ends_after_its_steps_whatever_event_meets_it() -> None:
    many = " || ".join(f"id eq '{number}'" for number in range(100))
    big = {"target": [{"id": "x"}] * 3000}
    found = HookFilter(f"event.target.?[{many}].size() > 0").judge(big)
    assert found == verdict.Verdict(False, f"it takes more than {MAX_STEPS:,} steps on this event")
    assert HookFilter("event.target.?[id eq 'x'].size() eq 3000").judge(big).matched


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "unexpected end at column 1; expected a field such as event.outcome.result or ("),
        ("event.actor.id", "unexpected end at column 15; expected eq or ne, .contains('…') or .?[…] (a field alone is"),
        ("event.target.?[id eq '1']", "unexpected end at column 26; expected .size()"),
        ("event.target.?[id eq '1'].size()", "unexpected end at column 33; expected ==, !=, >, >=, < or <="),
        ("event.target eq null", "event.target is a list at column 1; expected a selection of it"),
        ("event.actor.?[id eq '1'].size() > 0", "event.actor cannot be selected from at column 1"),
        ("event.target.size() > 0", "unexpected '()' at column 18"),
        ("event.client.ipAddress eq 'x'", "unknown field event.client.ipAddress at column 1 … event.eventType,"),
        ("event.actor.id eq 'x' && event.Actor.id eq 'y'", "unknown field event.Actor.id at column 26"),
        (
            "event.target.?[event.actor.id eq 'y'].size() > 0",
            "unknown field event.actor.id of a target at column 16 … id, type,",
        ),
        ("event.target.?[published eq 'y'].size() > 0", "unknown field published of a target at column 16"),
        ("event.target.?[id eq '1' && target.?[id eq '2'].size() > 0].size() > 0", "unexpected '.?[id' at column 35"),
        ("!event.actor.id eq 'x'", "unexpected '!event.actor.id' at column 1 … there is no 'not'"),
        ("not event.actor.id eq 'x'", "unexpected 'not' at column 1"),
        (
            'event.actor.id eq "x"',
            "unexpected '\"x\"' at column 19 … expected a text in single quotes … a text stands in",
        ),
        ("event.actor.id eq 'x", "unexpected ''x' at column 19 … this text does not end"),
        ("event.actor.id = 'x'", "unexpected '=' at column 16 … use == or eq"),
        ("'x' eq event.actor.id", "unexpected ''x'' at column 1 … a comparison begins"),
        ("event.actor.id eq event.actor.type", "unexpected 'event.actor.type' at column 19"),
        ("event.actor.id gt 'x'", "unexpected 'gt' at column 16"),
        ("event.actor.id eq 1.5", "unexpected '1.5' at column 19"),
        ("event.actor.id eq true", "unexpected 'true' at column 19"),
        (f"event.actor.id eq {'9' * 19}", "a number with more than 18 digits at column 19"),
        ("event.actor.id eq 'x' & event.actor.id eq 'y'", "unexpected '&' at column 23"),
        ("event.actor.id eq 'x' event.actor.id eq 'y'", "unexpected 'event.actor.id' at column 23 … the end"),
        ("(event.actor.id eq 'x'", "unexpected end at column 23; expected )"),
        ("event.outcome.reason.matches('(a+)+$')", "unexpected '('(a+)+$')' at column 29; expected"),
        ("event.outcome.reason.replace('a', 'b') eq 'b'", "unexpected '('a',' at column 29"),
        ("T(java.lang.Runtime).getRuntime().exec('id')", "unexpected '(java.lang.Runtime) … at column 2"),
        ("new java.lang.ProcessBuilder('id')", "unexpected 'java.lang.ProcessBuilder('id')' at column 5"),
        ("#{7*7}", "unexpected '#{7*7}' at column 1"),
        ("${7*7}", "unexpected '${7*7}' at column 1"),
        ("{{7*7}}", "unexpected '{{7*7}}' at column 1"),
        ("().__class__.__mro__[1].__subclasses__()", "unexpected ').__class__ … at column 2"),
        ("__import__('os')", "unexpected '('os')' at column 11"),
        ("user.__init__.__globals__ eq 'x'", "unknown field user.__init__.__globals__ at column 1"),
        ("event.actor.__class__ eq 'x'", "unknown field event.actor.__class__ at column 1"),
        ("event.actor.id*10**9 eq 'a'", "unexpected '*10**9' at column 15"),
        ("1 / 0 > 0", "unexpected '1' at column 1"),
        ("(" * 17 + "event.actor.id eq 'x'" + ")" * 17, "brackets are nested deeper than 16 levels at column 17"),
        ("event.actor.id eq 'x' or (" * 10_000, "is longer than 4,096 bytes, it has 260,000"),
        ("é" * 2049, "is longer than 4,096 bytes, it has 4,098"),
    ],
)
def test_what_is_none_of_the_language_is_refused_with_what_where_and_what_is_expected(text: str, said: str) -> None:
    with pytest.raises(HookFilterError) as refused:
        parse_hook_filter(text)
    begins, *holds_too = said.split(" … ")
    assert str(refused.value).startswith(begins)
    assert all(part in str(refused.value) for part in holds_too)


def test_the_deepest_and_the_longest_expression_that_are_allowed_are_read() -> None:
    assert parse_hook_filter("(" * 16 + "event.actor.id eq '('" + ")" * 16) == Clause(("actor", "id"), Operator.EQ, "(")
    longest = "event.actor.id eq '" + "x" * (4096 - 20) + "'"
    assert len(longest) == 4096
    assert spell(parse_hook_filter(longest)) == longest


def test_an_expression_means_the_same_to_the_tree_that_both_languages_share() -> None:
    node = parse_hook_filter("event.target.?[type eq 'User' && id eq '1'].size() eq 1 && event.outcome.result ne 'x'")
    assert holds(node, SALES)
    assert not holds(node, {**SALES, "target": None})


def test_what_only_the_other_language_has_is_no_part_of_a_hooks_filter() -> None:
    with pytest.raises(TypeError, match="Not is no part of this language"):
        spell(Not(parse_hook_filter("event.actor.id eq '1'")))


FORBIDDEN = {"eval", "exec", "getattr", "compile", "__import__", "format_map", "globals", "locals", "vars"}


@pytest.mark.parametrize("module", [hook_filter, verdict, event_filter, filter_ast])
def test_nothing_that_evaluates_an_expression_can_reach_python(module: ModuleType) -> None:
    tree = ast.parse(inspect.getsource(module))
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert not names & FORBIDDEN
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not attributes & {"format", "format_map", "__class__", "__subclasses__", "__globals__"}
