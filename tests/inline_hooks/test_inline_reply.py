from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from question_samples import VARIANTS, answered, ask

from tenterhook.domain.inline.decision import Reply, Unusable
from tenterhook.domain.inline.kind import IMPORT, KINDS, PASSWORD_IMPORT, REGISTRATION, SAML, TELEPHONY, TOKEN
from tenterhook.domain.inline.reply import MAX_DEBUG_BYTES, MAX_REPLY_BYTES, TRUNCATED, read_reply
from tenterhook.domain.inline.wording import plain

PROGRESSIVE = REGISTRATION.request_types[1]


def read(reply: object, kind_type: str = REGISTRATION.type, status: int = 200) -> Reply | Unusable:
    body = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
    return read_reply(ask(kind_type), status, body, True)


def usable(reply: object, kind_type: str = REGISTRATION.type) -> Reply:
    answer = read(reply, kind_type)
    assert isinstance(answer, Reply), answer
    return answer


def refused(reply: object, kind_type: str = REGISTRATION.type, status: int = 200) -> Unusable:
    answer = read(reply, kind_type, status)
    assert isinstance(answer, Unusable), answer
    return answer


# ---- status and body -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_204_is_a_reply_without_commands_but_for_telephony(kind: Any) -> None:
    answer = read_reply(ask(kind.type), 204, b"", False)
    if kind is TELEPHONY:
        assert isinstance(answer, Unusable)
        assert answer.why == (
            "The endpoint answered 204, which says nothing; answer 200 with the command com.okta.telephony.action."
        )
    else:
        assert answer == Reply()


@pytest.mark.parametrize("status", [200, 201, 202, 299])
def test_any_other_2xx_with_json_is_an_answer(status: int) -> None:
    assert read(b"{}", status=status) == Reply()


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (302, "The endpoint answered 302, a redirect; redirects are not followed."),
        (400, "The endpoint answered 400; only 200 with commands or an error, or 204, is an answer."),
        (503, "The endpoint answered 503; only 200"),
        (101, "The endpoint answered 101; only 200"),
    ],
)
def test_any_other_status_is_no_answer_whatever_the_body_is(status: int, says: str) -> None:
    answer = refused({"commands": []}, status=status)
    assert answer.why.startswith(says)
    assert answer.error_message == answer.why.rstrip(".")


def test_a_body_that_is_not_whole_is_no_answer() -> None:
    question = ask(TOKEN.type)
    cut = read_reply(question, 200, b"{}", False)
    assert cut == read_reply(question, 200, b'{"a":"' + b"x" * MAX_REPLY_BYTES + b'"}', True)
    assert isinstance(cut, Unusable)
    assert "at most 256 KiB" in cut.why


def test_an_empty_body_is_told_how_to_say_nothing() -> None:
    assert refused(b" \n").why == "The endpoint answered 200 with an empty body; answer 204 for no commands."
    assert "answer 200 with the command com.okta.telephony.action" in refused(b"", TELEPHONY.type).why


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"commands":[}', " due to error at Line 1 Column 14"),
        (b'{\n "commands":\n x}', " due to error at Line 3 Column 2"),
        (b"<html>", " due to error at Line 1 Column 1"),
        (b'\xef\xbb\xbf{"commands":[]}', " due to error at Line 1 Column 1"),
        (b"\xff{}", ": The text is not valid UTF-8 (byte 0)."),
        (b'{"commands":[],"commands":[]}', ": The key 'commands' appears twice in one object."),
        (b'{"a":NaN}', ": NaN is not a JSON number."),
        (b'{"a":"\\ud800"}', ": A string holds half of a surrogate pair"),
        (b'{"a":' + b"[" * 40 + b"]" * 40 + b"}", ": The text is nested deeper than 32 levels."),
        (b'{"a":[' + b"1," * 20_000 + b"1]}", ": The text has more than 10,000 parts."),
    ],
)
def test_what_is_no_strict_json_is_told_where_in_the_contract_s_words(body: bytes, message: str) -> None:
    answer = refused(body)
    assert answer.error_message.startswith(f"Could not deserialize inline hook response{message}")
    assert answer.why.startswith("The endpoint answered 200 with something that is no strict JSON: ")


@pytest.mark.parametrize(
    ("body", "says"), [(b"[]", "an array"), (b"null", "null"), (b'"x"', "a string"), (b"1.50", "a number")]
)
def test_json_that_is_no_object_is_no_answer(body: bytes, says: str) -> None:
    assert refused(body).why == f"The endpoint answered {says} instead of a JSON object."


# ---- commands --------------------------------------------------------------------------------------------------------

#: A valid value of every command, by (type, requestType) of the hooks that know it.
VALID: dict[str, Any] = {
    "com.okta.identity.patch": [{"op": "add", "path": "/claims/a", "value": 1}],
    "com.okta.access.patch": [{"op": "remove", "path": "/claims/department", "value": None}],
    "com.okta.assertion.patch": [{"op": "replace", "path": "/subject/nameId", "value": "ann"}],
    "com.okta.user.profile.update": {"title": "Dr"},
    "com.okta.user.progressive.profile.update": {"title": "Dr"},
    "com.okta.appUser.profile.update": {"title": None},
    "com.okta.user.update": {"id": "00u1"},
    "com.okta.telephony.action": [{"status": "PENDING"}],
}
ACTIONS = {
    REGISTRATION.type: {"registration": "DENY"},
    IMPORT.type: {"result": "LINK_USER"},
    PASSWORD_IMPORT.type: {"credential": "VERIFIED"},
}
KNOWN = {
    (TOKEN.type, None): {"com.okta.identity.patch", "com.okta.access.patch"},
    (SAML.type, None): {"com.okta.assertion.patch"},
    (REGISTRATION.type, REGISTRATION.request_types[0]): {"com.okta.action.update", "com.okta.user.profile.update"},
    (REGISTRATION.type, PROGRESSIVE): {"com.okta.action.update", "com.okta.user.progressive.profile.update"},
    (IMPORT.type, None): {
        "com.okta.action.update",
        "com.okta.user.profile.update",
        "com.okta.appUser.profile.update",
        "com.okta.user.update",
    },
    (PASSWORD_IMPORT.type, None): {"com.okta.action.update"},
    **{(TELEPHONY.type, request_type): {"com.okta.telephony.action"} for request_type in TELEPHONY.request_types},
}


@pytest.mark.parametrize("name", [*VALID, "com.okta.action.update"])
@pytest.mark.parametrize(("kind_type", "request_type"), VARIANTS)
def test_each_command_is_read_by_its_own_hooks_and_refused_by_all_others(
    kind_type: str, request_type: str | None, name: str
) -> None:
    value = VALID.get(name) or ACTIONS.get(kind_type, {"registration": "ALLOW"})
    body = json.dumps({"commands": [{"type": name, "value": value}]}).encode()
    answer = read_reply(ask(kind_type, request_type), 200, body, True)
    known = KNOWN[kind_type, request_type]
    if name in known:
        assert isinstance(answer, Reply)
        assert [command.type for command in answer.commands] == [name]
    else:
        assert isinstance(answer, Unusable)
        assert f"commands[0].type: '{name}' is no command of this hook; hooks of this type may answer " in answer.why
        assert all(one in answer.why for one in known)


def commands(*given: object) -> dict[str, Any]:
    return {"commands": list(given)}


UPDATE = "com.okta.user.profile.update"
PATCH = "com.okta.access.patch"
MALFORMED: list[tuple[str, object, str]] = [
    (REGISTRATION.type, {"commands": {}}, "commands: must be an array, not an object"),
    (REGISTRATION.type, commands("x"), "commands[0]: must be an object, not a string"),
    (REGISTRATION.type, commands({}), "commands[0].type: The field cannot be left blank"),
    (REGISTRATION.type, commands({"type": 7, "value": {}}), "commands[0].type: must be a string, not a number"),
    (REGISTRATION.type, commands({"type": UPDATE}), "commands[0].value: The field cannot be left blank"),
    (REGISTRATION.type, commands({"type": UPDATE, "value": []}), "commands[0].value: must be an object of attributes"),
    (REGISTRATION.type, commands({"type": UPDATE, "value": {"": 1}}), "commands[0].value: must have names of 1 to 255"),
    (
        REGISTRATION.type,
        commands({"type": UPDATE, "value": {}, "when": "now"}),
        "commands[0].when: is no field of commands[0]; it has type, value",
    ),
    (
        REGISTRATION.type,
        commands({"type": "com.action.update", "value": {"registration": "DENY"}}),
        "commands[0].type: 'com.action.update' is no command; did you mean 'com.okta.action.update'?",
    ),
    (
        REGISTRATION.type,
        commands({"type": "x" * 5_000 + "\x00\n", "value": 1}),
        "is no command; hooks of this type may answer com.okta.action.update, com.okta.user.profile.update",
    ),
    (
        REGISTRATION.type,
        commands({"type": "com.okta.action.update", "value": {"registration": "deny"}}),
        "commands[0].value.registration: must be ALLOW or DENY, not 'deny'",
    ),
    (
        REGISTRATION.type,
        commands({"type": "com.okta.action.update", "value": {"registration": "DENY", "why": "x"}}),
        "commands[0].value.why: is no field of commands[0].value",
    ),
    (
        IMPORT.type,
        commands({"type": "com.okta.action.update", "value": {"result": "MERGE"}}),
        "commands[0].value.result: must be CREATE_USER or LINK_USER, not 'MERGE'",
    ),
    (
        IMPORT.type,
        commands({"type": "com.okta.user.update", "value": {"id": " "}}),
        "commands[0].value.id: The field cannot be left blank",
    ),
    (
        PASSWORD_IMPORT.type,
        commands({"type": "com.okta.action.update", "value": {"credential": True}}),
        "commands[0].value.credential: must be VERIFIED or UNVERIFIED, not true or false",
    ),
    (TOKEN.type, commands({"type": PATCH, "value": {"op": "add"}}), "commands[0].value: must be an array, not an obj"),
    (TOKEN.type, commands({"type": PATCH, "value": [None]}), "commands[0].value[0]: must not be null"),
    (TOKEN.type, commands({"type": PATCH, "value": [{"op": 1}]}), "commands[0].value[0].op: must be a string"),
    (
        TOKEN.type,
        commands({"type": PATCH, "value": [{"op": "copy", "from": "/claims/a", "path": "/claims/b"}]}),
        "commands[0].value[0].from: is no field of commands[0].value[0]; it has op, path, value",
    ),
    (
        TELEPHONY.type,
        commands({"type": "com.okta.telephony.action", "value": {"status": "PENDING"}}),
        "commands[0].value: must be an array, not an object",
    ),
    (
        TELEPHONY.type,
        commands({"type": "com.okta.telephony.action", "value": [{"status": "SENT", "transactionMetadata": {}}]}),
        "commands[0].value[0].status: must be SUCCESSFUL or PENDING or FAILED, not 'SENT'; "
        "commands[0].value[0].transactionMetadata: must be a string, not an object",
    ),
    (TOKEN.type, {"error": ["no"]}, "error: must be an object, not an array"),
    (TOKEN.type, {"error": "no"}, "error: must be an object, not a string"),
    (TOKEN.type, {"error": {"errorSummary": 5}}, "error.errorSummary: must be a string, not a number"),
    (TOKEN.type, {"error": {"errorCauses": {}}}, "error.errorCauses: must be an array, not an object"),
    (TOKEN.type, {"error": {"errorCauses": ["x"]}}, "error.errorCauses[0]: must be an object, not a string"),
    (TOKEN.type, {"error": {"errorCauses": [{"reason": 1}]}}, "error.errorCauses[0].reason: must be a string"),
    (TOKEN.type, {"debugContext": "x"}, "debugContext: must be an object, not a string"),
]


@pytest.mark.parametrize(("kind_type", "reply", "says"), MALFORMED, ids=[says[:60] for _, _, says in MALFORMED])
def test_a_malformed_reply_is_told_what_is_wrong_and_meets_the_failure_rule(
    kind_type: str, reply: object, says: str
) -> None:
    answer = refused(reply, kind_type)
    assert answer.why.startswith("The reply is not as the contract has it: ")
    assert says in answer.why
    assert answer.why.isprintable()
    assert len(answer.why) <= 1_000
    decision = answered(ask(kind_type), reply)
    assert decision.outcome == KINDS[kind_type].on_failure
    assert (decision.reason, decision.error_message) == (answer.why, answer.error_message)
    assert decision.data == ask(kind_type).data


def test_a_text_names_the_first_problems_and_counts_the_rest() -> None:
    answer = refused(commands(*[{"type": "x", "value": 1}] * 10))
    assert answer.why.count("is no command") == 3
    assert answer.why.endswith("; and 7 more")


# ---- what is let pass ------------------------------------------------------------------------------------------------


def test_unknown_keys_at_the_top_and_nulls_are_let_pass() -> None:
    assert usable({"version": 2, "commands": None, "error": None, "debugContext": None}) == Reply()


def test_an_empty_error_counts_and_its_commands_need_not_be_right() -> None:
    assert usable({"error": {}, "commands": [{"type": "nonsense"}]}) == Reply(error={"errorCauses": []})


def test_an_error_keeps_the_contract_s_fields_on_one_line_each() -> None:
    long = "x" * 5_000
    cause = {
        "errorSummary": "Bad\r\nattribute\x00",
        "reason": "INVALID\u202e",
        "locationType": "body",
        "location": "data.userProfile.login",
        "domain": "end-user",
        "other": 1,
    }
    error = usable({"error": {"errorSummary": long, "errorCauses": [cause] * 60, "id": 5}}).error
    assert error is not None
    assert error["errorSummary"] == "x" * 999 + "…"
    assert error.keys() == {"errorSummary", "errorCauses"}
    assert len(error["errorCauses"]) == 50
    assert error["errorCauses"][0] == {
        "errorSummary": "Bad  attribute",
        "reason": "INVALID",
        "locationType": "body",
        "location": "data.userProfile.login",
        "domain": "end-user",
    }


def test_debug_context_is_kept_as_it_is_up_to_its_cap() -> None:
    assert usable({"debugContext": {"a": None, "b": [1]}}).debug_context == {"a": None, "b": [1]}
    full = {"a": "x" * (MAX_DEBUG_BYTES - 8)}
    assert usable({"debugContext": full}).debug_context == full
    assert usable({"debugContext": {"a": full["a"] + "x"}}).debug_context == {TRUNCATED: True}
    big = {"first": "x" * 10_000, "second": "x" * 10_000, "third": 3}
    kept = usable({"debugContext": big}).debug_context
    assert kept == {"first": "x" * 10_000, TRUNCATED: True}
    assert len(json.dumps(kept)) < MAX_DEBUG_BYTES


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["commands", "type", "value", "op", "path", "error", "errorCauses", "debugContext", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)
_BODIES = st.binary(max_size=200) | _JSON.map(lambda value: json.dumps(value).encode())


@given(_BODIES, st.sampled_from(VARIANTS), st.sampled_from([200, 204, 299, 500]))
def test_whatever_comes_back_is_read_and_decided(body: bytes, variant: tuple[str, str | None], status: int) -> None:
    question = ask(*variant)
    decision = answered(question, body, status)
    assert question == ask(*variant), "the question is never changed"
    assert decision.error_message is None or plain(decision.error_message, 2_000) == decision.error_message
