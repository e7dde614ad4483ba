"""Commands of SAML assertion inline hooks: patches of the assertion. Source: okta/inline-hooks.md §4.2."""

from __future__ import annotations

from tenterhook.domain.document import Problems
from tenterhook.domain.inline.commands.conclusion import Conclusion
from tenterhook.domain.inline.commands.token import OPERATIONS
from tenterhook.domain.inline.data import ASSERTION
from tenterhook.domain.inline.decision import Command, Question
from tenterhook.domain.inline.patch import Step, read_step, take
from tenterhook.domain.inline.shape import Reader
from tenterhook.domain.inline.wording import plain
from tenterhook.domain.log_event import Tree

ASSERTION_PATCH = "com.okta.assertion.patch"
OPS = ("add", "replace")
PARTS = ("subject", "authentication", "conditions", "claims")
#: Not in the assertion before: it becomes the statement's SessionNotOnOrAfter.
SESSION_LIFETIME = ("authentication", "sessionLifetime")


def shapes(request_type: str | None) -> dict[str, Reader]:
    """Return, by command type, what reads the command's value."""
    return {ASSERTION_PATCH: OPERATIONS}


def apply(command: Command, data: Tree) -> str | None:
    """Patch the assertion in *data*; return in words why it cannot be."""
    for operation in command.value:
        step = read_step(operation, OPS)
        if isinstance(step, str):
            return step
        problem = _patch(step, data["assertion"])
        if problem is not None:
            return problem
    return None


def conclude(question: Question, data: Tree, commands: tuple[Command, ...]) -> Conclusion | str:
    """Return the outcome; a patched assertion that is none any longer cannot be applied."""
    problems = Problems()
    data["assertion"] = ASSERTION(data["assertion"], "data.assertion", problems)
    return plain(f"Not an assertion after the patch: {problems.texts[0]}", 500) if problems else Conclusion()


def _patch(step: Step, assertion: Tree) -> str | None:
    if step.tokens[0] not in PARTS or len(step.tokens) < 2:
        return step.not_found
    if step.tokens == SESSION_LIFETIME:
        assertion["authentication"]["sessionLifetime"] = step.value  # replaced or not there yet: the same
        return None
    return take(step, assertion)
