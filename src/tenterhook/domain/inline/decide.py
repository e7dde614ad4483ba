"""Deciding what becomes of a process after its inline call: the failure rules and the commands, purely.

Source: okta/inline-hooks.md §4; DESIGN §2.4, §3.5.
"""

from __future__ import annotations

import msgspec

from tenterhook.domain.inline.commands.conclusion import Conclusion
from tenterhook.domain.inline.decision import Command, Decision, Question, Reply, Unusable
from tenterhook.domain.inline.kind import REGISTRATION, InlineOutcome
from tenterhook.domain.inline.language import LANGUAGES
from tenterhook.domain.inline.patch import MAX_STEPS, copied
from tenterhook.domain.inline.question import MAX_DATA_BYTES
from tenterhook.domain.inline.wording import NO_ACTIVE_HOOK, as_error, default_summary, failure
from tenterhook.domain.log_event import Tree

_encode = msgspec.json.Encoder().encode


def decide(question: Question, answer: Reply | Unusable | None) -> Decision:
    """Return what becomes of the process that asked *question*.

    answer: None, if no active hook could be asked. A reply's commands are all applied, in order, or none is: one that
    cannot be applied is a failure of its type, and the data is the question's. An ``error`` executes no command.
    The question is never changed; the decision's data shares its context, and all of it if there was no command.
    """
    if answer is None:
        return Decision(outcome=InlineOutcome.UNCHANGED, data=question.data, reason=NO_ACTIVE_HOOK)
    if isinstance(answer, Unusable):
        return _failed(question, answer.why, answer.error_message, None)
    if answer.error is not None:
        return _erred(question, answer, answer.error)
    data = _changeable(question.data) if answer.commands else dict(question.data)
    concluded = _apply(question, answer.commands, data)
    if isinstance(concluded, str):
        why = f"A command of the reply could not be applied, so none was: {concluded.rstrip('.')}."
        return _failed(question, why, concluded, answer.debug_context)
    return Decision(
        outcome=concluded.outcome,
        data=data,
        commands=answer.commands,
        error=concluded.error,
        reason=concluded.reason,
        error_message=concluded.error_message,
        debug_context=answer.debug_context,
    )


def _changeable(data: Tree) -> Tree:
    """Return a copy of *data*, but for its context: no command reaches into that, and it is most of what there is."""
    return {key: value if key == "context" else copied(value) for key, value in data.items()}


def _apply(question: Question, commands: tuple[Command, ...], data: Tree) -> Conclusion | str:
    """Carry *commands* out on *data*; return what they come to, or in words why they cannot be applied."""
    language = LANGUAGES[question.kind.type]
    known = language.shapes(question.request_type)
    steps = sum(len(command.value) if isinstance(command.value, list) else 1 for command in commands)
    if steps > MAX_STEPS:
        return f"A reply may have at most {MAX_STEPS:,} operations, there are {steps:,}"
    for command in commands:
        problem = (
            language.apply(command, data) if command.type in known else f"{command.type} is no command of this hook"
        )
        if problem is not None:
            return problem
    concluded = language.conclude(question, data, commands)
    if isinstance(concluded, Conclusion) and commands and len(_encode(data)) > MAX_DATA_BYTES:
        return f"The data after the commands exceeds {MAX_DATA_BYTES:,} bytes"
    return concluded


def _failed(question: Question, why: str, error_message: str, debug_context: Tree | None) -> Decision:
    """Return what the type's failure rule makes of the call."""
    shown = as_error(failure(question.request_type)) if question.kind is REGISTRATION else None
    return Decision(
        outcome=question.kind.on_failure,
        data=question.data,
        error=shown,
        reason=why,
        error_message=error_message,
        debug_context=debug_context,
    )


def _erred(question: Question, reply: Reply, error: Tree) -> Decision:
    """Return what becomes of a reply with an *error*: its presence counts, even empty."""
    generic = default_summary(question.kind.type, question.request_type)
    summary, causes = error.get("errorSummary") or generic, error.get("errorCauses") or []
    # Whoever registers reads the endpoint's words at the fields that it names, and without any the contract's.
    shown = generic if question.kind is REGISTRATION and not causes else summary
    return Decision(
        outcome=question.kind.on_error,
        data=question.data,
        error={"errorSummary": shown, "errorCauses": causes},
        reason=f"The endpoint answered an error: {summary}",
        error_message=summary,
        debug_context=reply.debug_context,
    )
