"""How a command fails: words for people on standard error, and an exit code for programs."""

from __future__ import annotations

from tenterhook.errors import TenterhookError


class CommandError(TenterhookError):
    """The operation failed; the text says what happened and what to do. Exit 1."""

    exit_code = 1


class UsageError(CommandError):
    """The command was called wrongly. Exit 2."""

    exit_code = 2
