"""The table of the contract: what becomes of each type's process, however its call ends."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from question_samples import VARIANTS, answered, ask

from tenterhook.domain.inline.decide import decide
from tenterhook.domain.inline.decision import Unusable
from tenterhook.domain.inline.kind import IMPORT, PASSWORD_IMPORT, REGISTRATION, SAML, TELEPHONY, TOKEN
from tenterhook.domain.inline.kind import InlineOutcome as Outcome

SELF_SERVICE, PROGRESSIVE = REGISTRATION.request_types
#: (type, requestType): what a failure, and what an error object, comes to.
RULES = {
    (TOKEN.type, None): (Outcome.UNCHANGED, Outcome.DENIED),
    (SAML.type, None): (Outcome.UNCHANGED, Outcome.UNCHANGED),
    (REGISTRATION.type, SELF_SERVICE): (Outcome.FAILED, Outcome.DENIED),
    (REGISTRATION.type, PROGRESSIVE): (Outcome.FAILED, Outcome.DENIED),
    (IMPORT.type, None): (Outcome.UNCHANGED, Outcome.UNCHANGED),
    (PASSWORD_IMPORT.type, None): (Outcome.FAILED, Outcome.DENIED),
    **{
        (TELEPHONY.type, request_type): (Outcome.FALLBACK, Outcome.FALLBACK) for request_type in TELEPHONY.request_types
    },
}
CAUSE = {"errorSummary": "Taken", "reason": "UNIQUE", "locationType": "body", "location": "data.userProfile.login"}
TIMED_OUT = Unusable("The endpoint did not answer within 3 seconds.", "The endpoint did not answer within 3 seconds")


def test_the_table_has_every_type() -> None:
    assert list(RULES) == VARIANTS


@pytest.mark.parametrize(("kind_type", "request_type"), VARIANTS)
def test_without_an_active_hook_the_process_goes_on_as_it_was(kind_type: str, request_type: str | None) -> None:
    question = ask(kind_type, request_type)
    decision = decide(question, None)
    assert (decision.outcome, decision.data) == (Outcome.UNCHANGED, question.data)
    assert decision.reason == "There is no active inline hook of this type."
    assert (decision.error, decision.error_message) == (None, None)


@pytest.mark.parametrize(("kind_type", "request_type"), VARIANTS)
@pytest.mark.parametrize("answer", [b"{", {"commands": "x"}, {"commands": [{"type": "x", "value": 1}]}, TIMED_OUT])
def test_a_failure_meets_the_rule_of_its_type(kind_type: str, request_type: str | None, answer: Any) -> None:
    question = ask(kind_type, request_type)
    decision = decide(question, answer) if answer is TIMED_OUT else answered(question, answer)
    assert (decision.outcome, decision.data) == (RULES[kind_type, request_type][0], question.data)
    assert decision.reason
    assert decision.error_message
    texts = {
        SELF_SERVICE: "There was an error creating your account. Please try registering again",
        PROGRESSIVE: "There was an error updating your profile. Please try again later.",
    }
    shown = texts.get(request_type or "")
    assert decision.error == (None if shown is None else {"errorSummary": shown, "errorCauses": []})


@pytest.mark.parametrize(("kind_type", "request_type"), VARIANTS)
def test_an_error_executes_no_command(kind_type: str, request_type: str | None) -> None:
    question = ask(kind_type, request_type)
    reply = {
        "commands": [{"type": "com.okta.action.update", "value": {"registration": "ALLOW", "result": "LINK_USER"}}],
        "error": {"errorSummary": "Not this one", "errorCauses": [CAUSE]},
        "debugContext": {"trace": "t1"},
    }
    decision = answered(question, reply)
    assert decision.outcome == RULES[kind_type, request_type][1]
    assert (decision.data, decision.commands) == (question.data, ())
    assert decision.error == {"errorSummary": "Not this one", "errorCauses": [CAUSE]}
    assert decision.reason == "The endpoint answered an error: Not this one"
    assert (decision.error_message, decision.debug_context) == ("Not this one", {"trace": "t1"})


@pytest.mark.parametrize(("kind_type", "request_type"), VARIANTS)
@pytest.mark.parametrize("error", [{}, {"errorSummary": ""}, {"errorSummary": None, "errorCauses": None}])
def test_an_error_that_says_nothing_gets_the_contract_s_text(
    kind_type: str, request_type: str | None, error: dict[str, Any]
) -> None:
    texts = {
        SELF_SERVICE: "Registration cannot be completed at this time.",
        PROGRESSIVE: "We found some errors. Please review the form and make corrections.",
    }
    text = texts.get(request_type or "", "The callback service returned an error")
    decision = answered(ask(kind_type, request_type), {"error": error})
    assert decision.outcome == RULES[kind_type, request_type][1]
    assert decision.error == {"errorSummary": text, "errorCauses": []}


@pytest.mark.parametrize(
    ("request_type", "text"),
    [
        (SELF_SERVICE, "Registration cannot be completed at this time."),
        (PROGRESSIVE, "We found some errors. Please review the form and make corrections."),
    ],
)
def test_who_registers_reads_the_contract_s_text_unless_the_error_has_causes(request_type: str, text: str) -> None:
    decision = answered(ask(REGISTRATION.type, request_type), {"error": {"errorSummary": "Domain db-7 is down"}})
    assert decision.error == {"errorSummary": text, "errorCauses": []}
    assert (decision.reason, decision.error_message) == (
        "The endpoint answered an error: Domain db-7 is down",
        "Domain db-7 is down",
    )


@pytest.mark.parametrize("reply", [{"debugContext": {"a": 1}}, {"debugContext": {"a": 1}, "commands": []}])
def test_the_debug_context_comes_along_whatever_the_outcome(reply: dict[str, Any]) -> None:
    assert answered(ask(TOKEN.type), reply).debug_context == {"a": 1}
    assert answered(ask(TELEPHONY.type), reply).debug_context == {"a": 1}


@pytest.mark.parametrize(
    ("kind_type", "commands"),
    [
        (
            TOKEN.type,
            [
                {
                    "type": "com.okta.access.patch",
                    "value": [{"op": "add", "path": "/claims/department", "value": "Law"}],
                }
            ],
        ),
        (
            SAML.type,
            [
                {
                    "type": "com.okta.assertion.patch",
                    "value": [{"op": "replace", "path": "/subject/nameId", "value": "b"}],
                }
            ],
        ),
        (REGISTRATION.type, [{"type": "com.okta.user.profile.update", "value": {"login": "b"}}]),
        (IMPORT.type, [{"type": "com.okta.user.profile.update", "value": {"login": "b"}}]),
        (PASSWORD_IMPORT.type, [{"type": "com.okta.action.update", "value": {"credential": "VERIFIED"}}]),
    ],
)
def test_the_question_is_not_changed_by_the_commands(kind_type: str, commands: Any) -> None:
    question = ask(kind_type)
    before = copy.deepcopy(question.data)
    decision = answered(question, {"commands": commands})
    assert decision.outcome == Outcome.SUCCESS
    assert question.data == before != decision.data
