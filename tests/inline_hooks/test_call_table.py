"""The six types, each with every command, an error object, a time-out, a malformed reply and a command that cannot be
applied: what the process is told, and what the log. Source: okta/inline-hooks.md §4 and §6."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from api_rig import api_at
from call_rig import (
    AMPLE_S,
    HANGING_S,
    add_hook,
    ask,
    debug,
    endpoint,
    hang,
    question,
    said,
    told,
    with_budget,
)
from inline_rig import logged

from tenterhook.domain.inline.kind import IMPORT, KINDS, PASSWORD_IMPORT, REGISTRATION, SAML, TELEPHONY, TOKEN

PROGRESSIVE = REGISTRATION.request_types[1]
EXECUTED, PROCESSED = "inline_hook.executed", "inline_hook.response.processed"


def command(type: str, value: Any) -> dict[str, Any]:
    return {"type": f"com.okta.{type}", "value": value}


@dataclass
class Row:
    """One type: replies, and what they come to."""

    type: str
    commands: list[dict[str, Any]]
    changed: dict[str, Any]  #: dotted path in data after all commands -> value
    inapplicable: dict[str, Any]
    wrong: str  #: part of what the log says of the inapplicable command
    on_error: str
    on_failure: str
    more: dict[str, Any] = field(default_factory=dict)  #: of the question
    without_summary: str | None = None  #: errorSummary for the user where the reply has none


ROWS = [
    Row(
        TOKEN.type,
        [
            command(
                "identity.patch",
                [
                    {"op": "add", "path": "/claims/plan", "value": "gold"},
                    {"op": "replace", "path": "/token/lifetime/expiration", "value": 600},
                ],
            ),
            command(
                "access.patch",
                [
                    {"op": "add", "path": "/claims/tier", "value": ["a"]},
                    {"op": "add", "path": "/claims/tier/-", "value": "b"},
                    {"op": "replace", "path": "/claims/tier/0", "value": "c"},
                    {"op": "add", "path": "/claims/gone", "value": 1},
                    {"op": "remove", "path": "/claims/gone"},
                ],
            ),
        ],
        {
            "identity.claims.plan": "gold",
            "identity.token.lifetime.expiration": 600,
            "access.claims.tier": ["c", "b"],
            "access.claims.gone": None,
        },
        command("access.patch", [{"op": "replace", "path": "/claims/nothing", "value": 1}]),
        "/claims/nothing",
        *("DENIED", "UNCHANGED"),
        without_summary="The callback service returned an error",
    ),
    Row(
        SAML.type,
        [
            command(
                "assertion.patch",
                [
                    {"op": "replace", "path": "/subject/nameId", "value": "ann"},
                    {"op": "add", "path": "/authentication/sessionLifetime", "value": 1800},
                ],
            )
        ],
        {"assertion.subject.nameId": "ann", "assertion.authentication.sessionLifetime": 1800},
        command("assertion.patch", [{"op": "replace", "path": "/claims/nothing/attributeValues/0/value", "value": 1}]),
        "/claims/nothing",
        *("UNCHANGED", "UNCHANGED"),
    ),
    Row(
        REGISTRATION.type,
        [
            command("user.profile.update", {"department": "Analysis"}),
            command("action.update", {"registration": "ALLOW"}),
        ],
        {"userProfile.department": "Analysis", "action": "ALLOW"},
        command("user.progressive.profile.update", {"department": "Analysis"}),
        "com.okta.user.progressive.profile.update",
        *("DENIED", "FAILED"),
        without_summary="Registration cannot be completed at this time.",
    ),
    Row(
        REGISTRATION.type,
        [
            command("user.progressive.profile.update", {"department": "Analysis"}),
            command("action.update", {"registration": "ALLOW"}),
        ],
        {"userProfileUpdate.department": "Analysis", "action": "ALLOW"},
        command("user.profile.update", {"department": "Analysis"}),
        "com.okta.user.profile.update",
        *("DENIED", "FAILED"),
        {"requestType": PROGRESSIVE},
        "We found some errors. Please review the form and make corrections.",
    ),
    Row(
        IMPORT.type,
        [
            command("appUser.profile.update", {"title": "Analyst"}),
            command("user.profile.update", {"nickName": "Ann"}),
            command("action.update", {"result": "LINK_USER"}),
            command("user.update", {"id": "00u1abcdefghijklmnop"}),
        ],
        {
            "appUser.profile.title": "Analyst",
            "user.profile.nickName": "Ann",
            "action.result": "LINK_USER",
            "user.id": "00u1abcdefghijklmnop",
        },
        command("identity.patch", []),
        "com.okta.identity.patch",
        *("UNCHANGED", "UNCHANGED"),
    ),
    Row(
        PASSWORD_IMPORT.type,
        [command("action.update", {"credential": "VERIFIED"})],
        {"action.credential": "VERIFIED"},
        command("action.update", {"credential": "PERHAPS"}),
        "commands[0].value.credential",
        *("DENIED", "FAILED"),
    ),
    Row(
        TELEPHONY.type,
        [command("telephony.action", [{"status": "SUCCESSFUL", "provider": "ACME", "transactionId": "t-1"}])],
        {},
        command("telephony.action", [{"status": "LOST", "provider": "ACME"}]),
        "commands[0].value[0].status",
        *("FALLBACK", "FALLBACK"),
    ),
]
every_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.more.get("requestType", row.type))


def at(tree: Any, path: str) -> Any:
    for key in path.split("."):
        tree = tree.get(key) if isinstance(tree, dict) else None
    return tree


class Story:
    """One call of a row's type, answered with *turn*; its result and its log events."""

    def __init__(self, row: Row, turn: Any) -> None:
        self.row, self.turn = row, turn
        self.executed: list[dict[str, Any]] = []
        self.processed: list[dict[str, Any]] = []
        self.result: dict[str, Any] = {}

    def play(self, path: Path, *, executed: int, processed: int) -> Story:
        """Make the call; the log gets so many events of each of the two types, and no more."""

        async def walk() -> None:
            async with api_at(path / "data") as api, endpoint(self.turn) as receiver:
                with_budget(api, HANGING_S if self.turn is hang else AMPLE_S)
                hook = await add_hook(api, self.row.type, receiver.url)
                self.result = await ask(api, self.row.type, **self.row.more)
                assert self.result["hookId"] == hook["id"]
                assert len(receiver.requests) == 1
                self.executed = await told(api, EXECUTED, executed) if executed else []
                self.processed = await told(api, PROCESSED, processed) if processed else []
                assert len(await logged(api, EXECUTED)) == executed
                assert len(await logged(api, PROCESSED)) == processed
                for event in (*self.executed, *self.processed):
                    self._check(event, hook)

        asyncio.run(walk())
        return self

    def _check(self, event: dict[str, Any], hook: dict[str, Any]) -> None:
        (target,) = event["target"]
        assert (target["id"], target["type"], target["displayName"]) == (hook["id"], "InlineHook", hook["name"])
        facts = debug(event)
        assert facts["inlineHookType"] == self.row.type
        assert facts["inlineHook"] == f"{{id={hook['id']}, name={hook['name']}}}"
        assert facts["inlineHookEventId"] == self.result["eventId"]
        assert facts["outcome"] == self.result["outcome"]

    def unchanged(self) -> None:
        """Check that the process goes on with what it asked."""
        assert self.result["data"] == question(self.row.type, **self.row.more)["data"]
        assert self.result["commands"] == []


@every_row
def test_every_command_is_applied(row: Row, tmp_path: Path) -> None:
    reply = {"commands": row.commands, "debugContext": {"rule": 7}}
    story = Story(row, said(reply)).play(tmp_path, executed=0, processed=1)
    result = story.result
    assert (result["outcome"], result["error"], result["commands"]) == ("SUCCESS", None, row.commands)
    assert {path: at(result["data"], path) for path in row.changed} == row.changed
    (event,) = story.processed
    assert (event["outcome"]["result"], event["severity"]) == ("SUCCESS", "INFO")
    assert debug(event)["debugContext"] == '{"rule":7}'
    assert "errorMessage" not in debug(event)


@every_row
def test_an_error_object_executes_no_command(row: Row, tmp_path: Path) -> None:
    causes = [{"errorSummary": "Not ours.", "reason": "NOT_OURS", "location": "data.userProfile.login"}]
    reply = {"commands": row.commands, "error": {"errorSummary": "Ask somebody else.", "errorCauses": causes}}
    story = Story(row, said(reply)).play(tmp_path, executed=1, processed=1)
    assert story.result["outcome"] == row.on_error
    assert story.result["error"] == {"errorSummary": "Ask somebody else.", "errorCauses": causes}
    story.unchanged()
    for event in (*story.executed, *story.processed):
        assert event["outcome"]["result"] == "FAILURE"
        assert debug(event)["errorMessage"] == "Ask somebody else."


@every_row
def test_an_empty_error_object_counts(row: Row, tmp_path: Path) -> None:
    story = Story(row, said({"error": {}})).play(tmp_path, executed=1, processed=1)
    assert story.result["outcome"] == row.on_error
    assert story.result["error"]["errorSummary"]
    if row.without_summary is not None:
        assert story.result["error"]["errorSummary"] == row.without_summary


@every_row
def test_a_time_out_is_the_types_failure(row: Row, tmp_path: Path) -> None:
    story = Story(row, hang).play(tmp_path, executed=1, processed=0)
    assert (story.result["outcome"], story.result["reason"]) == (
        row.on_failure,
        f"The endpoint did not answer within {HANGING_S:g} seconds.",
    )
    story.unchanged()
    (event,) = story.executed
    assert event["outcome"] == {"result": "FAILURE", "reason": story.result["reason"]}
    assert event["severity"] == "WARN"
    assert debug(event)["errorMessage"] == story.result["reason"]
    assert debug(event)["attempts"] == "1"


MALFORMED = {
    "half": b'{"commands":[',
    "an array": b"[]",
    "a key twice": b'{"commands":[],"commands":[]}',
    "commands that are none": b'{"commands":{"type":"x"}}',
    "too deep": b'{"debugContext":' + b'{"a":' * 40 + b"1" + b"}" * 41,
    "not UTF-8": b'{"debugContext":{"a":"\xff"}}',
    "HTML": b"<!doctype html><title>Bad gateway</title>",
}


@every_row
@pytest.mark.parametrize("what", MALFORMED)
def test_a_malformed_reply_is_the_types_failure(row: Row, what: str, tmp_path: Path) -> None:
    story = Story(row, said(MALFORMED[what])).play(tmp_path, executed=1, processed=0)
    assert story.result["outcome"] == row.on_failure
    story.unchanged()
    (event,) = story.executed
    assert event["outcome"]["result"] == "FAILURE"
    assert debug(event)["errorMessage"]
    assert story.result["reason"]


@every_row
def test_a_command_that_cannot_be_applied_undoes_all(row: Row, tmp_path: Path) -> None:
    reply = {"commands": [*row.commands, row.inapplicable] if row.type != TELEPHONY.type else [row.inapplicable]}
    story = Story(row, said(reply))
    readable = row.type in (TOKEN.type, SAML.type)  # their paths are judged against the data, all else by its shape
    story.play(tmp_path, executed=1, processed=1 if readable else 0)
    assert story.result["outcome"] == row.on_failure
    story.unchanged()
    (event,) = story.executed
    place = row.wrong.replace("commands[0]", f"commands[{len(reply['commands']) - 1}]")
    assert place in event["outcome"]["reason"]
    assert debug(event)["errorMessage"]
    for read in story.processed:
        assert read["outcome"]["result"] == "FAILURE"


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.label)
def test_204_is_a_reply_without_commands_but_for_telephony(kind: Any, tmp_path: Path) -> None:
    row = next(row for row in ROWS if row.type == kind.type)
    answered = Story(row, said(status="204 No Content"))
    if kind is TELEPHONY:
        answered.play(tmp_path, executed=1, processed=0)
        assert answered.result["outcome"] == "FALLBACK"
        return
    answered.play(tmp_path, executed=0, processed=1)
    assert answered.result["outcome"] == ("DENIED" if kind is PASSWORD_IMPORT else "SUCCESS")
    answered.unchanged()


def test_a_registration_can_be_denied_by_its_action(tmp_path: Path) -> None:
    (row,) = [row for row in ROWS if row.type == REGISTRATION.type and not row.more]
    reply = {"commands": [command("action.update", {"registration": "DENY"})]}
    story = Story(row, said(reply)).play(tmp_path, executed=0, processed=1)
    assert story.result["outcome"] == "DENIED"
    assert story.result["error"]["errorSummary"] == "Registration denied."


def test_a_failed_registration_shows_oktas_text(tmp_path: Path) -> None:
    (row,) = [row for row in ROWS if row.type == REGISTRATION.type and not row.more]
    story = Story(row, hang).play(tmp_path, executed=1, processed=0)
    text = "There was an error creating your account. Please try registering again"
    assert story.result["error"]["errorSummary"] == text
