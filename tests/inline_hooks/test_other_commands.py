"""Commands of registration, user import, password import and telephony hooks."""

from __future__ import annotations

from typing import Any

import pytest
from question_samples import answered, ask, commanded

from tenterhook.domain.inline.decide import decide
from tenterhook.domain.inline.decision import Command, Reply
from tenterhook.domain.inline.kind import IMPORT, PASSWORD_IMPORT, REGISTRATION, TELEPHONY, TOKEN, InlineOutcome

SELF_SERVICE, PROGRESSIVE = REGISTRATION.request_types
ACTION, PROFILE = "com.okta.action.update", "com.okta.user.profile.update"
PROGRESS, APP_PROFILE = "com.okta.user.progressive.profile.update", "com.okta.appUser.profile.update"
USER, SEND = "com.okta.user.update", "com.okta.telephony.action"
ALLOW, DENY = (ACTION, {"registration": "ALLOW"}), (ACTION, {"registration": "DENY"})
CREATE, LINK = (ACTION, {"result": "CREATE_USER"}), (ACTION, {"result": "LINK_USER"})


# ---- registration ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_type", "command", "part"),
    [(SELF_SERVICE, PROFILE, "userProfile"), (PROGRESSIVE, PROGRESS, "userProfileUpdate")],
)
def test_attributes_are_merged_in_the_order_of_the_commands(request_type: str, command: str, part: str) -> None:
    question = ask(REGISTRATION.type, request_type, **{part: {"kept": 1, "nick": "a"}})
    decision = commanded(question, (command, {"nick": "b", "list": [1]}), ALLOW, (command, {"list": None, "nick": "c"}))
    assert (decision.outcome, decision.error, decision.reason) == (InlineOutcome.SUCCESS, None, None)
    assert decision.data[part] == {"kept": 1, "nick": "c", "list": None}
    assert decision.data["action"] == "ALLOW"
    assert len(decision.commands) == 3


@pytest.mark.parametrize("request_type", [SELF_SERVICE, PROGRESSIVE])
def test_a_registration_without_a_word_against_it_is_allowed(request_type: str) -> None:
    question = ask(REGISTRATION.type, request_type)
    for decision in (commanded(question), answered(question, b"", 204)):
        assert (decision.outcome, decision.data["action"], decision.commands) == (InlineOutcome.SUCCESS, "ALLOW", ())


@pytest.mark.parametrize(
    ("request_type", "text"), [(SELF_SERVICE, "Registration denied."), (PROGRESSIVE, "Profile update denied.")]
)
def test_the_last_word_of_a_registration_counts(request_type: str, text: str) -> None:
    question = ask(REGISTRATION.type, request_type)
    denied = commanded(question, ALLOW, DENY)
    assert (denied.outcome, denied.data["action"]) == (InlineOutcome.DENIED, "DENY")
    assert denied.error == {"errorSummary": text, "errorCauses": []}
    assert denied.error_message is None, "the endpoint did nothing wrong"
    assert commanded(question, DENY, ALLOW).outcome == InlineOutcome.SUCCESS


@pytest.mark.parametrize("name", ["password", "Password"])
@pytest.mark.parametrize(("request_type", "command"), [(SELF_SERVICE, PROFILE), (PROGRESSIVE, PROGRESS)])
def test_a_password_cannot_be_set(request_type: str, command: str, name: str) -> None:
    question = ask(REGISTRATION.type, request_type)
    decision = commanded(question, (command, {"title": "Dr"}), (command, {name: "s3cret"}))
    assert (decision.outcome, decision.data, decision.commands) == (InlineOutcome.FAILED, question.data, ())
    assert decision.error_message == f"{command} cannot set the attribute 'password'"
    assert "s3cret" not in f"{decision.reason} {decision.error_message} {decision.error} {decision!r}"


def test_data_of_a_registration_cannot_grow_beyond_64_kib() -> None:
    decision = commanded(ask(REGISTRATION.type), (PROFILE, {"bio": "x" * 70_000}))
    assert decision.outcome == InlineOutcome.FAILED
    assert decision.error_message == "The data after the commands exceeds 65,536 bytes"


# ---- user import -----------------------------------------------------------------------------------------------------


def imported(**changes: Any) -> Any:
    return ask(
        IMPORT.type, user={"profile": {"login": "ann"}}, appUser={"profile": {"email": "a@x.example"}}, **changes
    )


def test_an_import_changes_both_profiles() -> None:
    decision = commanded(imported(), (PROFILE, {"title": "Dr"}), (APP_PROFILE, {"email": None}), CREATE)
    assert decision.outcome == InlineOutcome.SUCCESS
    assert decision.data["user"] == {"profile": {"login": "ann", "title": "Dr"}}
    assert decision.data["appUser"] == {"profile": {"email": None}}
    assert decision.data["action"] == {"result": "CREATE_USER"}


@pytest.mark.parametrize("commands", [(LINK, (USER, {"id": "00u1"})), ((USER, {"id": "00u1"}), LINK)])
def test_a_link_takes_its_two_commands_in_either_order(commands: Any) -> None:
    decision = commanded(imported(), *commands)
    assert decision.outcome == InlineOutcome.SUCCESS
    assert (decision.data["action"], decision.data["user"]["id"]) == ({"result": "LINK_USER"}, "00u1")


def test_a_link_may_be_to_the_user_whom_the_import_had_matched() -> None:
    decision = commanded(ask(IMPORT.type), LINK)
    assert (decision.outcome, decision.data["user"]["id"]) == (
        InlineOutcome.SUCCESS,
        ask(IMPORT.type).data["user"]["id"],
    )


@pytest.mark.parametrize(
    ("commands", "message"),
    [
        ([LINK], f'LINK_USER needs a user: add the command {USER} with {{"id": "<the user\'s id>"}}'),
        ([(USER, {"id": "00u1"})], f"{USER} names a user to link: add the command {ACTION}"),
        ([LINK, (USER, {"id": "00u1"}), CREATE], f"{USER} names a user to link"),
    ],
)
def test_half_a_link_leaves_the_import_as_it_was(commands: Any, message: str) -> None:
    decision = commanded(imported(), *commands)
    assert (decision.outcome, decision.data, decision.commands) == (InlineOutcome.UNCHANGED, imported().data, ())
    assert message in (decision.error_message or "")


# ---- password import -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "outcome"),
    [
        (["VERIFIED"], InlineOutcome.SUCCESS),
        (["UNVERIFIED", "VERIFIED"], InlineOutcome.SUCCESS),
        (["VERIFIED", "UNVERIFIED"], InlineOutcome.DENIED),
        (["UNVERIFIED"], InlineOutcome.DENIED),
        ([], InlineOutcome.DENIED),
    ],
)
def test_the_last_word_on_a_password_counts_and_none_is_unverified(words: list[str], outcome: InlineOutcome) -> None:
    decision = commanded(ask(PASSWORD_IMPORT.type), *((ACTION, {"credential": word}) for word in words))
    assert decision.outcome == outcome
    assert decision.data["action"]["credential"] == (words[-1] if words else "UNVERIFIED")
    assert decision.error_message is None
    assert decision.reason == (None if outcome == "SUCCESS" else "The endpoint did not verify the password.")


def test_a_204_leaves_a_password_unverified() -> None:
    assert answered(ask(PASSWORD_IMPORT.type), b"", 204).outcome == InlineOutcome.DENIED


# ---- telephony -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("request_type", TELEPHONY.request_types)
@pytest.mark.parametrize("status", ["SUCCESSFUL", "PENDING"])
def test_a_message_that_is_sent_or_on_its_way_is_a_success(request_type: str, status: str) -> None:
    action = {"status": status, "provider": "Example", "transactionId": "1", "transactionMetadata": "any text\nat all"}
    question = ask(TELEPHONY.type, request_type)
    decision = commanded(question, (SEND, [action]))
    assert (decision.outcome, decision.reason, decision.data) == (InlineOutcome.SUCCESS, None, question.data)
    assert decision.commands == (Command(SEND, [action]),)


def test_a_message_that_could_not_be_sent_falls_back() -> None:
    decision = commanded(ask(TELEPHONY.type), (SEND, [{"status": "FAILED", "provider": "Example"}]))
    assert decision.outcome == InlineOutcome.FALLBACK
    assert decision.reason == "The endpoint could not send the message: its status is FAILED."
    assert decision.error_message is not None


@pytest.mark.parametrize(
    ("commands", "message"),
    [
        ([], "A telephony hook answers exactly one command, com.okta.telephony.action; there are 0"),
        ([(SEND, [{"status": "PENDING"}])] * 2, "there are 2"),
        ([(SEND, [])], "The value of com.okta.telephony.action must hold exactly one action, not 0"),
        ([(SEND, [{"status": "PENDING"}] * 2)], "must hold exactly one action, not 2"),
    ],
)
def test_anything_but_one_command_with_one_action_falls_back(commands: Any, message: str) -> None:
    decision = commanded(ask(TELEPHONY.type), *commands)
    assert (decision.outcome, decision.commands) == (InlineOutcome.FALLBACK, ())
    assert message in (decision.error_message or "")


# ---- a reply that was not read by read_reply -------------------------------------------------------------------------


def test_a_command_of_another_hook_cannot_be_applied_whoever_made_it() -> None:
    decision = decide(ask(TOKEN.type), Reply((Command(ACTION, {"registration": "DENY"}),)))
    assert decision.outcome == InlineOutcome.UNCHANGED
    assert decision.error_message == "com.okta.action.update is no command of this hook"
