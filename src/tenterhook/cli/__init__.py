"""The command line: the roof. One module for each command or group of commands; `main` is the entry point."""

from __future__ import annotations


def main() -> None:
    """Run the command that the arguments name; exit 0 ok, 1 the operation failed, 2 wrong usage."""
    from tenterhook.cli.app import run

    run()
