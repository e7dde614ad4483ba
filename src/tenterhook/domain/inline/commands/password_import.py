"""Commands of password import inline hooks: whether the password is right. Source: okta/inline-hooks.md §4.5."""

from __future__ import annotations

from tenterhook.domain.inline.commands.conclusion import Conclusion
from tenterhook.domain.inline.decision import Command, Question
from tenterhook.domain.inline.kind import InlineOutcome
from tenterhook.domain.inline.shape import Reader, choice, part
from tenterhook.domain.log_event import Tree

ACTION_UPDATE = "com.okta.action.update"

_ACTION = part({"credential": choice("VERIFIED", "UNVERIFIED")}, required=("credential",))


def shapes(request_type: str | None) -> dict[str, Reader]:
    """Return, by command type, what reads the command's value."""
    return {ACTION_UPDATE: _ACTION}


def apply(command: Command, data: Tree) -> str | None:
    """Carry *command* out on *data*; every command can be."""
    data["action"]["credential"] = command.value["credential"]
    return None


def conclude(question: Question, data: Tree, commands: tuple[Command, ...]) -> Conclusion | str:
    """Return the outcome: DENIED unless the last word was VERIFIED; no word is UNVERIFIED."""
    if data["action"]["credential"] == "VERIFIED":
        return Conclusion()
    return Conclusion(InlineOutcome.DENIED, "The endpoint did not verify the password.")
