from __future__ import annotations

import json
from typing import Any

import pytest
from question_samples import VARIANTS, ask, body

from tenterhook.domain.inline.decide import decide
from tenterhook.domain.inline.decision import Reply
from tenterhook.domain.inline.kind import IMPORT, KINDS, PASSWORD_IMPORT, REGISTRATION, SAML, TELEPHONY, TOKEN
from tenterhook.domain.inline.question import MAX_DATA_BYTES, read_question
from tenterhook.domain.inline.sample import sample_data
from tenterhook.domain.strict_json import loads
from tenterhook.errors import InvalidError

SELF_SERVICE, PROGRESSIVE = REGISTRATION.request_types
REGISTER = {"userProfile": {"login": "ann@example.com"}}
MESSAGE = {"phoneNumber": "+15550100", "deliveryChannel": "SMS", "otpCode": "048151"}


def problems(asked: object) -> tuple[str, ...]:
    with pytest.raises(InvalidError) as caught:
        read_question(asked)
    assert caught.value.entity == "inlineCall"
    return caught.value.problems


@pytest.mark.parametrize(("kind_type", "request_type"), VARIANTS)
def test_the_sample_of_every_type_is_a_complete_question(kind_type: str, request_type: str | None) -> None:
    question = ask(kind_type, request_type)
    assert (question.kind, question.request_type) == (KINDS[kind_type], request_type)
    assert json.dumps(question.data) == json.dumps(sample_data(kind_type, request_type)), "each field, in its order"


def test_a_sample_is_the_caller_s_own_to_change() -> None:
    sample_data(TOKEN.type)["access"]["claims"]["sub"] = "changed"
    assert sample_data(TOKEN.type)["access"]["claims"]["sub"] != "changed"
    assert sample_data(REGISTRATION.type) == sample_data(REGISTRATION.type, SELF_SERVICE)
    with pytest.raises(KeyError):
        sample_data("com.example.unknown")


# What the least question of a type becomes.
FILLED: list[tuple[str, str | None, dict[str, Any], dict[str, Any]]] = [
    (
        TOKEN.type,
        None,
        {"access": {}},
        {"context": {}, "access": {"claims": {}, "token": {"lifetime": {"expiration": 3600}}, "scopes": {}}},
    ),
    (
        TOKEN.type,
        None,
        {"context": {"protocol": {}}, "identity": {"claims": {"sub": "x"}}},
        {
            "context": {"protocol": {"type": "OAUTH2.0"}},
            "identity": {"claims": {"sub": "x"}, "token": {"lifetime": {"expiration": 3600}}},
        },
    ),
    (
        SAML.type,
        None,
        {"assertion": {}},
        {
            "context": {},
            "assertion": {
                "subject": {},
                "authentication": {},
                "conditions": {},
                "claims": {},
                "lifetime": {"expiration": 300},
            },
        },
    ),
    (REGISTRATION.type, None, REGISTER, {"context": {}, **REGISTER, "action": "ALLOW"}),
    (
        REGISTRATION.type,
        PROGRESSIVE,
        {"userProfileUpdate": {}},
        {"context": {}, "userProfileUpdate": {}, "action": "ALLOW"},
    ),
    (
        IMPORT.type,
        None,
        {"appUser": {"profile": {"email": None}}},
        {
            "context": {"conflicts": [], "job": {"type": "import:users"}, "matches": [], "policy": []},
            "action": {"result": "CREATE_USER"},
            "appUser": {"profile": {"email": None}},
            "user": {"profile": {}},
        },
    ),
    (
        PASSWORD_IMPORT.type,
        None,
        {"context": {"credential": {"username": "ann", "password": " "}}},
        {
            "context": {"credential": {"username": "ann", "password": " "}},
            "action": {"credential": "UNVERIFIED"},
        },
    ),
    (
        TELEPHONY.type,
        TELEPHONY.request_types[1],
        {"messageProfile": MESSAGE},
        {"context": {}, "messageProfile": MESSAGE},
    ),
]


@pytest.mark.parametrize(("kind_type", "request_type", "data", "filled"), FILLED)
def test_what_a_question_leaves_out_is_filled_in(
    kind_type: str, request_type: str | None, data: dict[str, Any], filled: dict[str, Any]
) -> None:
    asked = {"type": kind_type, "data": data} | ({} if request_type is None else {"requestType": request_type})
    assert read_question(asked).data == filled


def test_a_registration_that_does_not_say_is_a_self_service_one() -> None:
    assert read_question({"type": REGISTRATION.type, "data": REGISTER}).request_type == SELF_SERVICE


def test_a_question_can_name_the_hook_that_is_to_answer() -> None:
    assert ask(TOKEN.type).hook_id is None
    assert read_question({**body(TOKEN.type), "hookId": "cal1a2b3c4d5e6f7g8h9"}).hook_id == "cal1a2b3c4d5e6f7g8h9"


def test_context_takes_more_than_the_contract_has_and_puts_it_after() -> None:
    question = ask(TOKEN.type, context={"risk": {"level": None}, "request": {"region": 7, "id": "r"}, "user": None})
    assert json.dumps(question.data["context"]) == '{"request": {"id": "r", "region": 7}, "risk": {"level": null}}'


def test_numbers_keep_their_spelling() -> None:
    asked = loads(b'{"type":"%s","data":{"userProfile":{"height":1.10}}}' % REGISTRATION.type.encode())
    assert bytes(read_question(asked).data["userProfile"]["height"]) == b"1.10"


WRONG: list[tuple[object, list[str]]] = [
    ([], ["body: must be a JSON object, not an array"]),
    ({}, ["type: The field cannot be left blank", "data: The field cannot be left blank"]),
    ({"type": 1, "data": []}, ["type: must be a string, not a number", "data: must be an object, not an array"]),
    (
        {"type": "com.okta.oauth2.token.transform", "data": {}},
        ["did you mean 'com.okta.oauth2.tokens.transform'?"],
    ),
    ({"type": "nothing.like.it", "data": {}}, ["it must be one of com.okta.oauth2.tokens.transform, "]),
    ({**body(TOKEN.type), "dat": 1}, ["dat: is no field of the body; it has type, data, requestType, hookId"]),
    ({**body(TOKEN.type), "hookId": 5}, ["hookId: must be a string"]),
    ({**body(TOKEN.type), "requestType": "x"}, [f"requestType: must be left out: {TOKEN.type} has none"]),
    ({**body(REGISTRATION.type), "requestType": "x"}, ["requestType: must be self.service.registration or "]),
    (
        {"type": TELEPHONY.type, "data": {"messageProfile": MESSAGE}},
        ["requestType: The field cannot be left blank; it must be com.okta.user.telephony.pre-enrollment or "],
    ),
    ({**body(TELEPHONY.type), "requestType": "sms"}, ["requestType: must be com.okta.user.telephony"]),
    ({"type": TOKEN.type, "data": {}}, ["data: must hold identity or access"]),
    (body(TOKEN.type, acess={}), ["data.acess: is no field of data; it has context, identity, access"]),
    (
        body(TOKEN.type, access={"claims": [], "token": {"lifetime": {"expiration": True}}, "scopes": {"a": 1}}),
        [
            "data.access.claims: must be an object, not an array",
            "data.access.token.lifetime.expiration: must be a whole number from 1 to 31,536,000",
            "data.access.scopes.a: must be an object, not a number",
        ],
    ),
    (
        body(TOKEN.type, identity={"token": {"lifetime": {"expiration": 1.5, "unit": "s"}}}),
        [
            "data.identity.token.lifetime.unit: is no field of data.identity.token.lifetime",
            "data.identity.token.lifetime.expiration: must be a whole number",
        ],
    ),
    (
        body(TOKEN.type, context={"session": {"amr": ["x", None], "mfaActive": 1, "createdAt": "today"}}),
        [
            "data.context.session.createdAt: must be a date and time with its offset",
            "data.context.session.amr[1]: must not be null",
            "data.context.session.mfaActive: must be true or false, not a number",
        ],
    ),
    (
        body(TOKEN.type, context={"request": {"id": "x" * 1_025, "url": "/"}}),
        [
            "data.context.request.id: must be at most 1,024 characters long, it has 1,025",
            "data.context.request.url: must be an object, not a string",
        ],
    ),
    (body(SAML.type, assertion=None), ["data.assertion: The field cannot be left blank"]),
    (
        body(SAML.type, assertion={"claims": {"a": {}, "b": {"attributeValues": [{"value": []}]}, "c": None}}),
        [
            "data.assertion.claims.a.attributeValues: The field cannot be left blank",
            "data.assertion.claims.b.attributeValues[0].value: must be a string, a number, true or false, not an array",
            "data.assertion.claims.c: must not be null",
        ],
    ),
    (body(SAML.type, assertion={"claims": []}), ["data.assertion.claims: must be an object, not an array"]),
    (body(REGISTRATION.type, userProfile=...), ["data.userProfile: The field cannot be left blank"]),
    (body(REGISTRATION.type, action="DENY"), ["data.action: must be ALLOW, not 'DENY'"]),
    (body(REGISTRATION.type, action=["ALLOW"]), ["data.action: must be ALLOW, not an array"]),
    (
        body(REGISTRATION.type, userProfileUpdate={}),
        ["data.userProfileUpdate: is no field of data; it has context, userProfile, action"],
    ),
    (
        body(IMPORT.type, appUser={}, action={"result": "LINK"}, context={"matches": [1], "policy": "x"}),
        [
            "data.context.matches[0]: must be an object",
            "data.context.policy: must be an array, not a string",
            "data.action.result: must be CREATE_USER or LINK_USER, not 'LINK'",
            "data.appUser.profile: The field cannot be left blank",
        ],
    ),
    (body(PASSWORD_IMPORT.type, context=...), ["data.context: The field cannot be left blank"]),
    (
        body(PASSWORD_IMPORT.type, context={"credential": {"username": " ", "password": None}}),
        [
            "data.context.credential.username: The field cannot be left blank",
            "data.context.credential.password: The field cannot be left blank",
        ],
    ),
    (
        body(TELEPHONY.type, messageProfile={"otpCode": 4.5, "deliveryChannel": "fax"}),
        [
            "data.messageProfile.phoneNumber: The field cannot be left blank",
            "data.messageProfile.deliveryChannel: must be SMS or voice call, not 'fax'",
            "data.messageProfile.otpCode: must be a string, not a number",
        ],
    ),
]


@pytest.mark.parametrize(("asked", "says"), WRONG, ids=[says[0][:60] for _, says in WRONG])
def test_every_problem_of_a_question_is_named(asked: object, says: list[str]) -> None:
    found = problems(asked)
    assert len(found) == len(says), found
    assert [text for text, said in zip(found, says, strict=True) if said not in text] == []


def test_data_beyond_64_kib_is_refused() -> None:
    roomy = read_question({"type": REGISTRATION.type, "data": {"userProfile": {"bio": "x" * (MAX_DATA_BYTES - 60)}}})
    assert roomy.data["action"] == "ALLOW"
    [text] = problems({"type": REGISTRATION.type, "data": {"userProfile": {"bio": "x" * MAX_DATA_BYTES}}})
    assert text.startswith("data: must be at most 65,536 bytes as JSON, it has 65,5")


def test_no_problem_question_or_decision_in_a_log_shows_a_secret() -> None:
    secret = "correct-sample-battery"
    assert secret not in repr(ask(PASSWORD_IMPORT.type))
    assert secret not in repr(decide(ask(PASSWORD_IMPORT.type), Reply()))
    texts = problems(body(PASSWORD_IMPORT.type, context={"credential": {"username": [secret], "password": [secret]}}))
    assert texts
    assert secret not in str(texts)


def test_a_code_or_a_number_to_call_may_be_sent_as_a_number() -> None:
    asked = read_question(body(TELEPHONY.type, messageProfile={**MESSAGE, "otpCode": 11111, "phoneNumber": 9876543210}))
    assert asked.data["messageProfile"] == {**MESSAGE, "otpCode": "11111", "phoneNumber": "9876543210"}
