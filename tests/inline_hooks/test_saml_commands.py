from __future__ import annotations

import json
from typing import Any

import pytest
from question_samples import ask, commanded

from tenterhook.domain.inline.decision import Command, Decision
from tenterhook.domain.inline.kind import SAML, InlineOutcome

PATCH = "com.okta.assertion.patch"
CLAIM = {
    "attributes": {"NameFormat": "basic"},
    "attributeValues": [{"attributes": {"xsi:type": "xs:string"}, "value": "x"}],
}
URI = "/claims/https:~1~1crm.example.com~1claims~1seat"


def patched(*operations: dict[str, Any]) -> Decision:
    return commanded(ask(SAML.type), (PATCH, list(operations)))


def op(name: str, path: str, *value: Any) -> dict[str, Any]:
    return {"op": name, "path": path, **({"value": value[0]} if value else {})}


def at(data: Any, *way: str | int) -> Any:
    for step in way:
        data = data[step]
    return data


APPLIED: list[tuple[dict[str, Any], tuple[str | int, ...], Any]] = [
    (op("add", "/claims/seat", CLAIM), ("claims", "seat"), CLAIM),
    (op("add", "/claims/https:~1~1example.com~1x", CLAIM), ("claims", "https://example.com/x"), CLAIM),
    (op("add", "/claims/department", CLAIM), ("claims", "department"), CLAIM),
    (
        op("add", "/claims/groups/attributeValues/-", {"value": 3}),
        ("claims", "groups", "attributeValues", 2),
        {"value": 3},
    ),
    (
        op("replace", "/claims/groups/attributeValues/1/value", "Nobody"),
        ("claims", "groups", "attributeValues", 1, "value"),
        "Nobody",
    ),
    (
        op("replace", URI + "/attributeValues/0/value", "13"),
        ("claims", "https://crm.example.com/claims/seat", "attributeValues", 0, "value"),
        "13",
    ),
    (
        op("replace", URI + "/attributes", {"attributes": {"NameFormat": "basic"}}),
        ("claims", "https://crm.example.com/claims/seat", "attributes"),
        {"attributes": {"NameFormat": "basic"}},
    ),
    (op("replace", "/subject/nameId", "ann"), ("subject", "nameId"), "ann"),
    (
        op("replace", "/subject/confirmation/data/recipient", "https://x.example"),
        ("subject", "confirmation", "data", "recipient"),
        "https://x.example",
    ),
    (
        op("replace", "/authentication/authnContext", {"authnContextClassRef": "strong"}),
        ("authentication", "authnContext"),
        {"authnContextClassRef": "strong"},
    ),
    (op("replace", "/authentication/sessionIndex", "s1"), ("authentication", "sessionIndex"), "s1"),
    (op("add", "/authentication/sessionLifetime", 900), ("authentication", "sessionLifetime"), 900),
    (op("replace", "/authentication/sessionLifetime", 900.0), ("authentication", "sessionLifetime"), 900),
    (
        op("replace", "/conditions/audienceRestriction", ["urn:example:sp"]),
        ("conditions", "audienceRestriction"),
        ["urn:example:sp"],
    ),
    (op("add", "/conditions/audienceRestriction/0", "urn:x"), ("conditions", "audienceRestriction", 0), "urn:x"),
]


@pytest.mark.parametrize(("operation", "way", "value"), APPLIED, ids=[one["path"] + one["op"] for one, _, _ in APPLIED])
def test_an_operation_changes_the_assertion(operation: dict[str, Any], way: tuple[str | int, ...], value: Any) -> None:
    decision = patched(operation)
    assert (decision.outcome, decision.error_message) == (InlineOutcome.SUCCESS, None)
    assert at(decision.data["assertion"], *way) == value
    assert decision.data["context"] == ask(SAML.type).data["context"]
    assert decision.commands == (Command(PATCH, [operation]),)


INAPPLICABLE: list[tuple[dict[str, Any], str]] = [
    (op("replace", "/claims/X", CLAIM), "Path not found(op=replace, path=/claims/X)"),
    (op("replace", "/claims/https://crm.example.com/claims/seat/attributes", {}), "Path not found"),
    (op("replace", "/lifetime/expiration", 60), "Path not found(op=replace, path=/lifetime/expiration)"),
    (op("replace", "/subject", {}), "Path not found(op=replace, path=/subject)"),
    (op("add", "/other/x", 1), "Path not found(op=add, path=/other/x)"),
    (op("add", "/__proto__/x", 1), "Path not found"),
    (op("add", "/claims/a/~2", 1), "Invalid path"),
    (op("add", "/claims/groups/attributeValues/99999999999", {"value": 1}), "Path not found"),
    (op("add", "/claims/seat"), "Value is required for add/replace operation(op=add, path=/claims/seat)"),
    (
        op("remove", "/claims/groups"),
        "Unsupported operation, it must be add or replace(op=remove, path=/claims/groups)",
    ),
    (op("move", "/claims/groups", 1), "Unsupported operation"),
    (op("add", "/claims/seat", "x"), "data.assertion.claims.seat: must be an object, not a string"),
    (op("add", "/claims/seat", {"attributeValues": ["x"]}), "seat.attributeValues[0]: must be an object, not a string"),
    (op("add", "/claims/seat", {"value": "x"}), "data.assertion.claims.seat.value: is no field of"),
    (op("replace", "/subject/nameId", 5), "data.assertion.subject.nameId: must be a string, not a number"),
    (op("add", "/subject/nick", "x"), "data.assertion.subject.nick: is no field of data.assertion.subject"),
    (op("replace", "/conditions/audienceRestriction", "x"), "audienceRestriction: must be an array, not a string"),
    (op("add", "/authentication/sessionLifetime", "900"), "sessionLifetime: must be a whole number from 1 to "),
    (op("add", "/authentication/sessionLifetime", True), "sessionLifetime: must be a whole number from 1 to "),
    (op("add", "/authentication/sessionLifetime/x", 1), "Path not found"),
]


@pytest.mark.parametrize(("operation", "message"), INAPPLICABLE, ids=[json.dumps(one)[:70] for one, _ in INAPPLICABLE])
def test_an_operation_that_cannot_be_applied_leaves_the_original_assertion(
    operation: dict[str, Any], message: str
) -> None:
    decision = patched(op("add", "/claims/before", CLAIM), operation)
    assert (decision.outcome, decision.commands) == (InlineOutcome.UNCHANGED, ())
    assert decision.data == ask(SAML.type).data
    assert message in (decision.error_message or "")
