"""Commands of registration inline hooks: allow, deny, and change the profile. Source: okta/inline-hooks.md §4.3."""

from __future__ import annotations

from tenterhook.domain.inline.commands.conclusion import Conclusion
from tenterhook.domain.inline.commands.profile import attributes, merge
from tenterhook.domain.inline.data import SELF_SERVICE
from tenterhook.domain.inline.decision import Command, Question
from tenterhook.domain.inline.kind import InlineOutcome
from tenterhook.domain.inline.shape import Reader, choice, part
from tenterhook.domain.inline.wording import as_error, denial
from tenterhook.domain.log_event import Tree

ACTION_UPDATE = "com.okta.action.update"
PROFILE_UPDATE = "com.okta.user.profile.update"
PROGRESSIVE_UPDATE = "com.okta.user.progressive.profile.update"
#: An attribute that commands cannot set; no schema of a profile has it in another letter case.
PASSWORD = "password"  # noqa: S105 - the name of an attribute

_ACTION = part({"registration": choice("ALLOW", "DENY")}, required=("registration",))


def shapes(request_type: str | None) -> dict[str, Reader]:
    """Return, by command type, what reads the command's value."""
    profile = PROFILE_UPDATE if request_type == SELF_SERVICE else PROGRESSIVE_UPDATE
    return {ACTION_UPDATE: _ACTION, profile: attributes}


def apply(command: Command, data: Tree) -> str | None:
    """Carry *command* out on *data*; return in words why it cannot be."""
    if command.type == ACTION_UPDATE:
        data["action"] = command.value["registration"]
        return None
    if any(name.lower() == PASSWORD for name in command.value):
        return f"{command.type} cannot set the attribute '{PASSWORD}'"
    merge(command.value, data["userProfile" if command.type == PROFILE_UPDATE else "userProfileUpdate"])
    return None


def conclude(question: Question, data: Tree, commands: tuple[Command, ...]) -> Conclusion | str:
    """Return the outcome: DENIED if the last word was DENY."""
    if data["action"] != "DENY":
        return Conclusion()
    what = "registration" if question.request_type == SELF_SERVICE else "change of the profile"
    error = as_error(denial(question.request_type))
    return Conclusion(InlineOutcome.DENIED, f"The endpoint denied the {what}.", error)
