"""How a command fails: words for people on standard error, and an exit code for programs."""

from __future__ import annotations

from tenterhook.errors import TenterhookError


class CommandError(TenterhookError):
    """The operation failed; the text says what happened and what to do. Exit 1."""

    exit_code = 1

    def __init__(self, text: str, *, body: object = None, fine_print: str = "") -> None:
        super().__init__(text)
        self.body = body  #: the API's error object, if it was the API that refused
        self.fine_print = fine_print  #: what only few people need: the API's code and summary

    def add(self, line: str) -> None:
        """Say one more thing, in a line of its own."""
        self.args = (f"{self}\n{line}",)


class UsageError(CommandError):
    """The command was called wrongly. Exit 2."""

    exit_code = 2
