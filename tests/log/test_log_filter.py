"""The filter language: what is read, what is refused and in which words, and what it means."""

from __future__ import annotations

import ast
import contextlib
import inspect
import json
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenterhook.domain import filter_ast, log_field, log_filter, log_query
from tenterhook.domain.filter_ast import And, Clause, Not, Operator, Or, holds
from tenterhook.domain.log_filter import parse_log_filter
from tenterhook.errors import QueryError
from tenterhook.store import log_search

NAMED = ast.Attribute | ast.Name
LOGIN = {
    "actor": {"id": "00u1", "type": "User", "alternateId": "ann@example.com", "displayName": "Ann \\ 'A' é", "x": 1},
    "client": {"userAgent": {"os": "Mac OS X"}, "ipAddress": "192.0.2.1", "geographicalContext": None},
    "displayMessage": "",
    "eventType": "user.session.start",
    "outcome": {"result": "FAILURE", "reason": "INVALID_CREDENTIALS"},
    "securityContext": {"asNumber": 64500, "isProxy": False, "asOrg": None},
    "debugContext": {"debugData": {"url": "/a?b", "threatSuspected": "false", "a.b": "dotted", "n": 7, "yes": True}},
    "target": [
        {"id": "A", "type": "User", "displayName": None},
        {"id": "B", "type": "AppInstance", "displayName": "Mail"},
    ],
    "request": {"ipChain": [{"ip": "192.0.2.1"}, {"ip": "198.51.100.7"}]},
    "uuid": "f1d0b993-cc19-11ed-a688-db22c99ef6c4",
}


@pytest.mark.parametrize(
    "text",
    [
        'eventType eq "user.session.start"',
        'eventType EQ "user.session.start" AND outcome.result eQ "FAILURE"',
        'target.id eq "A" and target.id eq "B"',
        'target.id ne "A"',
        'not target.id eq "C"',
        'not (target.id eq "C" or target.id eq "D")',
        'actor.id eq "00u2" or actor.id eq "00u1" and eventType sw "user."',
        '(actor.id eq "00u2" or actor.id eq "00u1") and eventType ew ".start"',
        'outcome.reason co "CREDENTIALS"',
        "actor.displayName eq \"Ann \\\\ 'A' \\u00e9\"",
        "actor.id pr and not displayMessage pr",
        "not client.geographicalContext pr",
        "client pr and target pr",
        "securityContext.asOrg eq null and actor.id ne null",
        'securityContext.asOrg ne "x"',
        "securityContext.asNumber gt 64499 and securityContext.asNumber le 64500.0",
        'securityContext.asNumber eq "64500"',
        "securityContext.isProxy eq false",
        'securityContext.isProxy eq "FALSE"',
        "debugContext.debugData.threatSuspected eq false",
        'debugContext.debugData.a.b eq "dotted"',
        'debugContext.debugData.n eq "7" and debugContext.debugData.n eq 7',
        'debugContext.debugData.yes eq "true"',
        'debugContext.debugData.url sw "/a"',
        'request.ipChain.ip eq "198.51.100.7"',
        'client.userAgent.os gt "Mac" and client.userAgent.os lt "N"',
        '\t eventType\n eq  "user.session.start" \r\n',
    ],
)
def test_a_filter_that_describes_the_event_holds(text: str) -> None:
    assert holds(parse_log_filter(text), LOGIN)


@pytest.mark.parametrize(
    "text",
    [
        'eventType eq "USER.session.start"',
        'target.id eq "A" and target.id eq "C"',
        'not target.id eq "A"',
        'actor.id eq "00u1" and (eventType eq "x" or outcome.result eq "SUCCESS")',
        'actor.id ne "00u1"',
        "securityContext.asOrg pr",
        'securityContext.asOrg eq ""',
        'client.zone co ""',
        "securityContext.isProxy eq true",
        "securityContext.asNumber lt 5",
        'debugContext.debugData.missing eq "x"',
        'target.displayName eq "null"',
        "target.id eq null",
    ],
)
def test_a_filter_that_describes_another_event_does_not_hold(text: str) -> None:
    assert not holds(parse_log_filter(text), LOGIN)


def test_not_binds_closer_than_and_and_and_closer_than_or() -> None:
    a, b, c = (Clause(("actor", "id"), Operator.EQ, name) for name in "abc")
    text = 'not actor.id eq "a" and actor.id eq "b" or actor.id eq "c"'
    assert parse_log_filter(text) == Or((And((Not(a), b)), c))


OPERATORS = "Expected: eq,co,sw,pr,gt,ge,lt,le"
UNSUPPORTED = "The supplied combination of operator and field is not currently supported. Operator: {}, Field: {}"


@pytest.mark.parametrize(
    ("text", "code", "summary"),
    [
        (
            'display_message eqq "x"',
            "E0000053",
            "Invalid filter 'display_message eqq \"x\"': Unrecognized attribute operator 'eqq' at position 16. "
            + OPERATORS,
        ),
        (
            'actor.id eq "a" and eventType is "x"',
            "E0000053",
            'Invalid filter \'actor.id eq "a" and eventType is "x"\': '
            "Unrecognized attribute operator 'is' at position 30. " + OPERATORS,
        ),
        (
            'target[type eq "User"]',
            "E0000053",
            "Invalid filter 'target[type eq \"User\"]': Unrecognized attribute operator '[type' at position 6. "
            + OPERATORS,
        ),
        ('event_type eq "x"', "E0000053", "field is not valid: event_type"),
        ('EventType eq "x"', "E0000053", "field is not valid: EventType"),
        ("debugContext.debugData. pr", "E0000053", None),
        ('published gt "2026-01-01T00:00:00.000Z"', "E0000031", UNSUPPORTED.format("gt", "published")),
        (
            'debugContext.debugData.url co "a"',
            "E0000031",
            "The supplied combination of operator and field is not currently supported. "
            "Operator: co, Field: debugContext.debugData.url",
        ),
        (
            'debugContext.debugData.requestUri CO "a"',
            "E0000031",
            UNSUPPORTED.format("co", "debugContext.debugData.requestUri"),
        ),
        ("target.changeDetails pr", "E0000031", UNSUPPORTED.format("pr", "target.changeDetails")),
        ('target.changeDetails.from.x eq "a"', "E0000031", UNSUPPORTED.format("eq", "target.changeDetails.from.x")),
        ('actor eq "x"', "E0000031", UNSUPPORTED.format("eq", "actor")),
        ("securityContext.isProxy gt true", "E0000031", UNSUPPORTED.format("gt", "securityContext.isProxy")),
        ('securityContext.asNumber co "1"', "E0000031", UNSUPPORTED.format("co", "securityContext.asNumber")),
        ("actor.id co null", "E0000031", UNSUPPORTED.format("co", "actor.id")),
        (
            "eventType eq user.session.start",
            "E0000053",
            "Invalid filter 'eventType eq user.session.start': Unexpected 'user.session.start' at position 13. "
            "Expected: a value in double quotes, a number, true or false",
        ),
        (
            'eventType eq "x" and',
            "E0000053",
            "Invalid filter 'eventType eq \"x\" and': Unexpected end at position 20. Expected: an attribute, not, (",
        ),
        ("(eventType pr", "E0000053", "Invalid filter '(eventType pr': Unexpected end at position 13. Expected: )"),
        (
            'securityContext.asNumber eq "many"',
            "E0000053",
            "Invalid filter 'securityContext.asNumber eq \"many\"': "
            'Unrecognized value "many" at position 28. Expected: a number',
        ),
    ],
)
def test_a_bad_filter_is_refused_in_the_contract_s_words(text: str, code: str, summary: str | None) -> None:
    with pytest.raises(QueryError) as caught:
        parse_log_filter(text)
    assert caught.value.code == code
    assert summary is None or caught.value.summary == summary


@pytest.mark.parametrize(
    "text",
    [
        'eventType eq "x" or (' * 10_000,
        'eventType eq "x" or (' * 190,
        "(" * 200 + "eventType pr" + ")" * 200,
        "(" * 17 + "eventType pr" + ")" * 17,
        "not (" * 4000,
        "not " * 1000 + "eventType pr",
        'eventType eq "' + "x" * 100_000 + '"',
        'eventType eq "' + "é" * 2_100 + '"',
        '"\\' * 2_000,
        '"' * 4_000,
        "a" * 4_000,
        "a." * 2_000,
        "eventType eq " + "1" * 4_000,
        "securityContext.asNumber eq 1e999",
        "securityContext.asNumber eq 0x10",
        "securityContext.asNumber eq ١",
        "().__class__.__mro__[1].__subclasses__()",
        "__import__('os')",
        'user.__init__.__globals__ eq "x"',
        'actor.__class__ eq "x"',
        "{0.__class__}",
        '${7*7} eq "49"',
        'eventType eq "\\ud800"',
        'eventType eq "\\q"',
        'eventType eq "a\nb"',
        'eventType eq "x" and and actor.id pr',
        'eventType eq "x" android actor.id pr',
        "eventType eq 'x'",
        'eventType eq "x',
        "eventType",
        "eq",
        ")",
        "",
    ],
)
def test_a_hostile_filter_is_refused(text: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse_log_filter(text)
    assert caught.value.code == "E0000053"


def test_sixteen_brackets_are_allowed_and_those_in_strings_do_not_count() -> None:
    assert parse_log_filter("(" * 16 + 'actor.id eq "((((((((((((((((((\\"("' + ")" * 16)


@pytest.mark.parametrize("module", [filter_ast, log_field, log_filter, log_query, log_search])
def test_no_module_on_a_filter_s_way_runs_or_reaches_for_what_a_tenant_names(module: ModuleType) -> None:
    banned = {"eval", "exec", "compile", "getattr", "setattr", "__import__", "format", "format_map", "import_module"}
    tree = ast.parse(inspect.getsource(module))
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    names = {call.attr if isinstance(call, ast.Attribute) else call.id for call in calls if isinstance(call, NAMED)}
    names -= {"compile"} if "re.compile" in inspect.getsource(module) else set()
    assert not names & banned


# ---- against an independent reading ----------------------------------------------------------------------------------

IDS = st.sampled_from(["A", "B", "a\\b", 'q"q', "", "é", "' OR 1=1--"])


class Told:
    """A random filter: its text, and what an independent evaluation says about a document."""

    def __init__(self, text: str, says: Any) -> None:
        self.text, self.says = text, says


def leaf(operator: str, value: str, field: str) -> Told:
    tests = {
        "eq": lambda text: text == value,
        "ne": lambda text: text != value,
        "co": lambda text: value in text,
        "sw": lambda text: text[: len(value)] == value,
        "ew": lambda text: not value or text[-len(value) :] == value,
        "gt": lambda text: text > value,
        "ge": lambda text: text >= value,
        "lt": lambda text: text < value,
        "le": lambda text: text <= value,
    }

    def says(document: dict[str, Any]) -> bool:
        elements = [document["actor"]] if field == "actor.id" else document["target"] or []
        texts = [one["id"] for one in elements if one["id"] is not None]
        return any(map(tests[operator], texts)) or (operator == "ne" and not texts)

    return Told(f"{field} {operator} {json.dumps(value)}", says)


def combined(inner: st.SearchStrategy[Told]) -> st.SearchStrategy[Told]:
    pairs = st.tuples(inner, inner)
    return st.one_of(
        inner.map(lambda one: Told(f"not ({one.text})", lambda doc: not one.says(doc))),
        pairs.map(
            lambda two: Told(f"({two[0].text}) and ({two[1].text})", lambda doc: all(one.says(doc) for one in two))
        ),
        pairs.map(
            lambda two: Told(f"({two[0].text}) Or ({two[1].text})", lambda doc: any(one.says(doc) for one in two))
        ),
    )


LEAVES = st.builds(
    leaf, st.sampled_from(sorted(set(Operator) - {Operator.PR})), IDS, st.sampled_from(["actor.id", "target.id"])
)
FILTERS = st.recursive(LEAVES, combined, max_leaves=6)
DOCUMENTS = st.fixed_dictionaries(
    {
        "actor": st.fixed_dictionaries({"id": st.none() | IDS}),
        "target": st.none() | st.lists(st.fixed_dictionaries({"id": st.none() | IDS}), max_size=3),
    }
)


@given(FILTERS, DOCUMENTS)
def test_a_filter_means_what_an_independent_evaluation_says(told: Told, document: dict[str, Any]) -> None:
    assert holds(parse_log_filter(told.text), document) == told.says(document)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "actor", "target"]), inner),
    max_leaves=8,
)


@given(FILTERS, JSON)
def test_no_document_makes_a_filter_raise(told: Told, document: Any) -> None:
    assert holds(parse_log_filter(told.text), document) in (True, False)


@given(st.text(alphabet='aeiopqrtyd ()"\\.not19-', max_size=60))
def test_no_text_makes_the_parser_raise_anything_but_a_query_error(text: str) -> None:
    with contextlib.suppress(QueryError):
        parse_log_filter(text)


# ---- free-form data --------------------------------------------------------------------------------------------------

DATA = {"data": {"order": {"id": "A-7", "total": 12.5, "paid": True, "lines": [{"sku": "x"}, {"sku": "y"}]}, "n": 7}}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('data.order.id eq "A-7"', True),
        ('data.order.id sw "A"', True),
        ("data.order.total gt 12", True),
        ('data.order.total gt "12"', False),
        ("data.order.paid eq true", True),
        ('data.order.paid eq "true"', True),
        ("data.order.paid eq false", False),
        ('data.order.lines.sku eq "x" and data.order.lines.sku eq "y"', True),
        ("data.order.missing eq null", True),
        ("data.order pr and data pr", True),
        ('data.n eq "7" and data.n eq 7', True),
        ('data.ORDER.id eq "A-7"', False),
    ],
)
def test_data_of_custom_types_is_reached_by_its_path_and_compared_as_the_value_is_spelled(
    text: str, *, expected: bool
) -> None:
    assert filter_ast.holds(parse_log_filter(text), DATA) is expected


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ('actor.id eq "a" and ou.result eq "b"', "ou.result"),
        ('actor.id is "a"', "is"),
        ("eventType eq user.session.start", "user.session.start"),
        ('securityContext.asNumber gt "many"', '"many"'),
        ("securityContext.isProxy gt true", "securityContext.isProxy"),
        ("(" * 17 + "actor.id pr", "(actor.id pr"),
        ('published gt "2026-01-01T00:00:00Z"', "published"),
    ],
)
def test_it_is_told_where_the_mistake_is(text: str, mark: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse_log_filter(text)
    assert caught.value.position == text.index(mark)


def test_what_is_missing_at_the_end_is_missing_there() -> None:
    with pytest.raises(QueryError) as caught:
        parse_log_filter("(eventType pr")
    assert caught.value.position == 13


def test_a_filter_that_is_too_long_is_wrong_nowhere_in_particular() -> None:
    with pytest.raises(QueryError) as caught:
        parse_log_filter("a" * 5_000)
    assert caught.value.position is None


def test_a_path_into_data_has_a_depth() -> None:
    assert parse_log_filter("data" + ".a" * 16 + " pr")
    with pytest.raises(QueryError, match="field is not valid: data"):
        parse_log_filter("data" + ".a" * 17 + " pr")
