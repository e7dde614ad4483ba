"""The command of telephony inline hooks: what became of the message. Source: okta/inline-hooks.md §4.6."""

from __future__ import annotations

from tenterhook.domain.inline.commands.conclusion import Conclusion
from tenterhook.domain.inline.decision import Command, Question
from tenterhook.domain.inline.kind import InlineOutcome
from tenterhook.domain.inline.shape import Reader, choice, listed, part, text
from tenterhook.domain.log_event import Tree

TELEPHONY_ACTION = "com.okta.telephony.action"
SENT = ("SUCCESSFUL", "PENDING")
MAX_WORD = 255
MAX_METADATA = 4_096

_ACTIONS = listed(
    part(
        {
            "status": choice(*SENT, "FAILED"),
            "provider": text(MAX_WORD),
            "transactionId": text(MAX_WORD),
            "transactionMetadata": text(MAX_METADATA),
        },
        required=("status",),
    )
)


def shapes(request_type: str | None) -> dict[str, Reader]:
    """Return, by command type, what reads the command's value."""
    return {TELEPHONY_ACTION: _ACTIONS}


def apply(command: Command, data: Tree) -> str | None:
    """Change nothing: what the endpoint did is done. Return in words why the command cannot be understood."""
    count = len(command.value)
    return None if count == 1 else f"The value of {TELEPHONY_ACTION} must hold exactly one action, not {count}"


def conclude(question: Question, data: Tree, commands: tuple[Command, ...]) -> Conclusion | str:
    """Return the outcome: FALLBACK unless the endpoint says that the message is sent, or on its way."""
    if len(commands) != 1:
        return f"A telephony hook answers exactly one command, {TELEPHONY_ACTION}; there are {len(commands)}"
    status = commands[0].value[0]["status"]
    if status in SENT:
        return Conclusion()
    why = "The endpoint could not send the message: its status is FAILED"
    return Conclusion(InlineOutcome.FALLBACK, why + ".", error_message=why)
