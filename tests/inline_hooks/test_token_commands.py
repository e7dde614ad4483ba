from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from question_samples import ask, commanded

from tenterhook.domain.inline.commands.token import system_claims
from tenterhook.domain.inline.decide import decide
from tenterhook.domain.inline.decision import Command, Decision, Reply
from tenterhook.domain.inline.kind import TOKEN, InlineOutcome
from tenterhook.domain.strict_json import loads

ID, ACCESS = "com.okta.identity.patch", "com.okta.access.patch"
CLAIMS = {"sub": "ann", "groups": ["a", "b"], "address": {"city": "Anytown", "a/b~c": 1}, "none": None}


def asked(**tokens: Any) -> Any:
    return ask(TOKEN.type, identity={"claims": CLAIMS}, access={"claims": CLAIMS}, **tokens)


def patched(*operations: dict[str, Any], command: str = ACCESS) -> Decision:
    return commanded(asked(), (command, list(operations)))


def op(name: str, path: str, *value: Any) -> dict[str, Any]:
    return {"op": name, "path": path, **({"value": value[0]} if value else {})}


APPLIED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (op("add", "/claims/new", {"deep": [1]}), {**CLAIMS, "new": {"deep": [1]}}),
    (op("add", "/claims/groups", "replaced"), {**CLAIMS, "groups": "replaced"}),
    (op("add", "/claims/groups/-", "c"), {**CLAIMS, "groups": ["a", "b", "c"]}),
    (op("add", "/claims/groups/2", "c"), {**CLAIMS, "groups": ["a", "b", "c"]}),
    (op("add", "/claims/groups/0", "c"), {**CLAIMS, "groups": ["c", "a", "b"]}),
    (op("add", "/claims/address/zip", 0), {**CLAIMS, "address": {**CLAIMS["address"], "zip": 0}}),
    (op("add", "/claims/http:~1~1example.com~1x~0y", False), {**CLAIMS, "http://example.com/x~y": False}),
    (op("add", "/claims/ann's claim", 1), {**CLAIMS, "ann's claim": 1}),
    (op("replace", "/claims/none", 1), {**CLAIMS, "none": 1}),
    (op("replace", "/claims/groups/1", 2), {**CLAIMS, "groups": ["a", 2]}),
    (op("replace", "/claims/address/a~1b~0c", 2), {**CLAIMS, "address": {"city": "Anytown", "a/b~c": 2}}),
    (op("remove", "/claims/none"), {key: value for key, value in CLAIMS.items() if key != "none"}),
    (op("remove", "/claims/groups/0", None), {**CLAIMS, "groups": ["b"]}),
    (op("remove", "/claims/address/city"), {**CLAIMS, "address": {"a/b~c": 1}}),
]


@pytest.mark.parametrize("command", [ID, ACCESS])
@pytest.mark.parametrize(("operation", "claims"), APPLIED, ids=[json.dumps(one) for one, _ in APPLIED])
def test_an_operation_changes_the_claims_of_its_token_alone(
    command: str, operation: dict[str, Any], claims: dict[str, Any]
) -> None:
    decision = patched(operation, command=command)
    assert (decision.outcome, decision.reason, decision.error_message) == (InlineOutcome.SUCCESS, None, None)
    changed, other = ("identity", "access") if command == ID else ("access", "identity")
    assert decision.data[changed]["claims"] == claims
    assert decision.data[other] == asked().data[other]
    assert [one.type for one in decision.commands] == [command]


def test_aud_and_sub_can_be_changed_in_access_tokens_alone() -> None:
    for claim in ("aud", "sub"):
        assert patched(op("add", f"/claims/{claim}", "x")).outcome == InlineOutcome.SUCCESS
        refused = patched(op("add", f"/claims/{claim}", "x"), command=ID)
        assert refused.error_message == (f"The system claim '{claim}' cannot be changed(op=add, path=/claims/{claim})")


@pytest.mark.parametrize("claim", sorted(system_claims(ACCESS)))
def test_no_operation_touches_a_system_claim(claim: str) -> None:
    path = f"/claims/{claim}"
    for operation in (op("add", path, 1), op("replace", path + "/0", 1), op("remove", path)):
        for command in (ID, ACCESS):
            decision = patched(operation, command=command)
            assert decision.outcome == InlineOutcome.UNCHANGED
            assert f"The system claim '{claim}' cannot be changed" in (decision.error_message or "")


@pytest.mark.parametrize("value", [b"300", b"86400", b"3600.0", b"36e2", b"4.0E2"])
def test_a_lifetime_is_judged_by_its_value_and_kept_as_a_whole_number(value: bytes) -> None:
    operation = loads(b'{"op":"replace","path":"/token/lifetime/expiration","value":%s}' % value)
    decision = decide(asked(), Reply((Command(ACCESS, [operation]),)))
    assert decision.outcome == InlineOutcome.SUCCESS
    kept = decision.data["access"]["token"]["lifetime"]["expiration"]
    assert (type(kept), kept) == (int, float(value))
    assert decision.data["identity"]["token"]["lifetime"]["expiration"] == 3_600


LIFETIME = "/token/lifetime/expiration"
INAPPLICABLE: list[tuple[dict[str, Any], str]] = [
    (op("replace", "/claims/X", 1), "Path not found(op=replace, path=/claims/X)"),
    (op("remove", "/claims/X"), "Path not found(op=remove, path=/claims/X)"),
    (op("add", "/claims/X/y", 1), "Path not found(op=add, path=/claims/X/y)"),
    (op("add", "/claims/none/y", 1), "Path not found(op=add, path=/claims/none/y)"),
    (op("add", "/claims/sub/y", 1), "Path not found(op=add, path=/claims/sub/y)"),
    (op("replace", "/claims/groups/2", 1), "Path not found(op=replace, path=/claims/groups/2)"),
    (op("remove", "/claims/groups/-"), "Path not found(op=remove, path=/claims/groups/-)"),
    (op("add", "/claims/groups/3", 1), "Path not found(op=add, path=/claims/groups/3)"),
    (op("add", "/claims/groups/01", 1), "Path not found"),
    (op("add", "/claims/groups/-1", 1), "Path not found"),
    (op("add", "/claims/groups/1.0", 1), "Path not found"),
    (op("add", "/claims/groups/\u0661", 1), "Path not found"),
    (op("add", "/claims/groups/99999999999", 1), "Path not found(op=add, path=/claims/groups/99999999999)"),
    (op("add", "/claims", {}), "Path not found(op=add, path=/claims)"),
    (op("add", "/claims/", 1), "Path not found(op=add, path=/claims/)"),
    (op("add", "/scopes/x", 1), "Path not found(op=add, path=/scopes/x)"),
    (op("add", "/__proto__/x", 1), "Path not found(op=add, path=/__proto__/x)"),
    (op("add", "/claims/__proto__/x", 1), "Path not found(op=add, path=/claims/__proto__/x)"),
    (op("add", "/-", 1), "Path not found(op=add, path=/-)"),
    (op("add", "//", 1), "Path not found(op=add, path=//)"),
    (op("add", "/claims/a/~2", 1), "Invalid path(op=add, path=/claims/a/~2)"),
    (op("add", "/claims/a~", 1), "Invalid path(op=add, path=/claims/a~)"),
    (op("add", "", 1), "Invalid path(op=add, path=)"),
    (op("add", "claims/a", 1), "Invalid path(op=add, path=claims/a)"),
    (op("add", "/claims/a\x00b\n", 1), "Invalid path(op=add, path=/claims/a b )"),
    (op("add", "/claims/" + "a" * 3_000, 1), "Invalid path(op=add, path=/claims/aaa"),
    (op("add", "/claims/x" * 40, 1), "The result would be nested deeper than 32 levels(op=add, "),
    (op("add", "/claims/a"), "Value is required for add/replace operation(op=add, path=/claims/a)"),
    (op("add", "/claims/a", None), "Value is required for add/replace operation(op=add, path=/claims/a)"),
    (op("replace", "/claims/sub"), "Value is required for add/replace operation(op=replace, path=/claims/sub)"),
    (op("remove", "/claims/sub", "x"), "Value must be null for remove operation(op=remove, path=/claims/sub)"),
    (op("move", "/claims/sub", "x"), "Unsupported operation, it must be add or replace or remove(op=move, "),
    (op("copy", "/claims/sub", "x"), "Unsupported operation"),
    (op("test", "/claims/sub", "ann"), "Unsupported operation"),
    (op("ADD", "/claims/a", 1), "Unsupported operation"),
    (op("add", LIFETIME, 600), "A lifetime can only be replaced(op=add, path=/token/lifetime/expiration)"),
    (op("remove", LIFETIME), "A lifetime can only be replaced"),
    (op("replace", "/token/lifetime", {"expiration": 600}), "Path not found"),
    (op("replace", LIFETIME + "/x", 600), "Path not found"),
    *(
        (op("replace", LIFETIME, value), "A lifetime must be a whole number of seconds from 300 to 86400")
        for value in (299, 86_401, 600.5, True, "600", [600], -600, 10**200)
    ),
]


@pytest.mark.parametrize(("operation", "message"), INAPPLICABLE, ids=[json.dumps(one)[:70] for one, _ in INAPPLICABLE])
def test_an_operation_that_cannot_be_applied_leaves_every_token_as_it_was(
    operation: dict[str, Any], message: str
) -> None:
    decision = patched(op("add", "/claims/before", 1), operation, op("add", "/claims/after", 1))
    assert decision.outcome == InlineOutcome.UNCHANGED
    assert decision.data == asked().data
    assert decision.commands == ()
    assert decision.error is None
    assert message in (decision.error_message or "")
    assert decision.reason is not None
    assert decision.reason.startswith("A command of the reply could not be applied, so none was: ")
    assert (decision.error_message or "").isprintable()
    assert len(decision.error_message or "") < 400


def test_one_command_that_cannot_be_applied_undoes_those_before_it() -> None:
    decision = commanded(asked(), (ACCESS, [op("add", "/claims/a", 1)]), (ID, [op("remove", "/claims/missing")]))
    assert (decision.outcome, decision.data) == (InlineOutcome.UNCHANGED, asked().data)


@pytest.mark.parametrize(
    ("absent", "command", "message"),
    [("identity", ID, "ID Token not present"), ("access", ACCESS, "Access Token not present")],
)
def test_a_patch_for_a_token_that_was_not_requested_is_an_error(absent: str, command: str, message: str) -> None:
    question = ask(TOKEN.type, **{absent: ...})
    decision = commanded(question, (command, [op("add", "/claims/a", 1)]))
    assert (decision.outcome, decision.error_message) == (InlineOutcome.UNCHANGED, message)


def test_a_later_operation_sees_what_an_earlier_one_did_and_no_command_is_changed_by_it() -> None:
    operations = [
        op("add", "/claims/a", {"list": []}),
        op("add", "/claims/a/list/-", 1),
        op("add", "/claims/a/list/0", {"x": 0}),
        op("replace", "/claims/a/list/0/x", 2),
    ]
    decision = patched(*operations)
    assert decision.data["access"]["claims"]["a"] == {"list": [{"x": 2}, 1]}
    assert decision.commands == (Command(ACCESS, operations),)


# ---- abuse (security checks 151, 152) --------------------------------------------------------------------------------


def work(operations: list[dict[str, Any]]) -> int:
    """Return how many calls of Python functions it takes to decide on *operations*."""
    question = asked()
    calls = 0

    def count(frame: Any, event: str, argument: Any) -> None:
        nonlocal calls
        calls += event == "call"

    reply = Reply((Command(ACCESS, operations),))
    sys.setprofile(count)
    try:
        decide(question, reply)
    finally:
        sys.setprofile(None)
    return calls


def test_many_operations_take_time_in_their_number_and_no_more() -> None:
    few, many = (work([op("add", f"/claims/c{n}", {"n": [n]}) for n in range(count)]) for count in (100, 1_000))
    assert many <= 10 * few


def test_more_than_a_thousand_operations_in_all_are_refused_before_the_first() -> None:
    operations = [op("add", f"/claims/c{n}", n) for n in range(501)]
    decision = commanded(asked(), (ACCESS, operations), (ID, operations))
    assert decision.error_message == "A reply may have at most 1,000 operations, there are 1,002"
    assert commanded(asked(), (ACCESS, operations[:500]), (ID, operations[:500])).outcome == InlineOutcome.SUCCESS
    assert work(operations * 20) == work(operations * 2)


def test_ten_thousand_operations_are_no_answer() -> None:
    decision = patched(*[op("add", "/a", 1)] * 4_000)
    assert decision.error_message == "Could not deserialize inline hook response: The text has more than 10,000 parts."
    assert "cut off" in (patched(*[op("add", "/a", 1)] * 10_000).error_message or "")


def test_the_data_cannot_grow_beyond_64_kib() -> None:
    def grown(size: int) -> Decision:
        return patched(*(op("add", f"/claims/c{n}", "x" * size) for n in range(100)))

    assert grown(500).outcome == InlineOutcome.SUCCESS
    too_big = grown(700)
    assert too_big.error_message == "The data after the commands exceeds 65,536 bytes"
    assert too_big.data == asked().data


def test_operations_cannot_nest_deeper_together_than_one_could_alone() -> None:
    value: Any = 1
    for _ in range(20):
        value = {"a": value}
    first = op("add", "/claims/x", value)
    at = "/claims/x" + "/a" * 19
    assert patched(first, op("add", at + "/b", 1)).error_message is None
    deeper = patched(first, op("replace", at, value))
    assert "The result would be nested deeper than 32 levels" in (deeper.error_message or "")
