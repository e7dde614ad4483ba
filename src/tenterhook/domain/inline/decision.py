"""An inline call from the question to the decision, as records."""

from __future__ import annotations

from typing import Any

import msgspec

from tenterhook.domain.inline.kind import InlineKind, InlineOutcome

Tree = dict[str, Any]


class Question(msgspec.Struct, frozen=True):
    """What a process asks: valid and complete, its parts filled in."""

    kind: InlineKind
    data: Tree  #: ``context`` and what commands may change
    request_type: str | None = None  #: for the types that have one
    hook_id: str | None = None  #: which hook is to answer; None: the only one of its type, or the oldest

    def __repr__(self) -> str:
        """Name the type alone: the data may hold a password or a one-time code, and this ends up in logs."""
        return f"Question({self.kind.type!r}, request_type={self.request_type!r}, hook_id={self.hook_id!r})"


class Command(msgspec.Struct, frozen=True):
    """One command of a reply, its type known and its value of the right shape."""

    type: str
    value: Any


class Reply(msgspec.Struct, frozen=True):
    """What an endpoint answered, read strictly."""

    commands: tuple[Command, ...] = ()
    error: Tree | None = None  #: {"errorSummary", "errorCauses"}: its presence counts, even empty
    debug_context: Tree | None = None  #: copied to the System Log


class Unusable(msgspec.Struct, frozen=True):
    """No answer that could be used: the peer failed, or what it said is against the contract."""

    why: str  #: in words, for people: what was wrong, where, and what would be right
    error_message: str  #: debugData.errorMessage, in the contract's words where it has some


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of the process."""

    outcome: InlineOutcome
    data: Tree  #: the question's, after the commands that were applied
    commands: tuple[Command, ...] = ()  #: those that were applied, in order
    error: Tree | None = None  #: for the user of the process, with the contract's texts filled in
    reason: str | None = None  #: in words: why it is not a plain SUCCESS
    error_message: str | None = None  #: debugData.errorMessage of the log events; None: nothing went wrong
    debug_context: Tree | None = None  #: the reply's

    def __repr__(self) -> str:
        """Leave the data and commands out: they may hold what belongs into no log."""
        return f"Decision({self.outcome.value}, reason={self.reason!r}, error_message={self.error_message!r})"
