"""The command `tenterhook`: every command's module, put together, and how failures end it."""

from __future__ import annotations

import os
import sys

import typer

from tenterhook.cli import (
    check,
    deliveries,
    demo,
    explain,
    hooks,
    listen,
    logs,
    publish,
    serve,
    simulate,
    tokens,
)
from tenterhook.cli.failure import CommandError
from tenterhook.cli.output import inert
from tenterhook.errors import OperatorError

app = typer.Typer(
    name="tenterhook",
    help="Okta-compatible event hooks and System Log, self-hosted. (Not affiliated with Okta.)",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for single in (
    serve.commands,
    demo.commands,
    listen.commands,
    simulate.commands,
    publish.commands,
    logs.commands,
    explain.commands,
    check.commands,
):
    app.add_typer(single)
app.add_typer(hooks.commands, name="hooks", help="Event hooks: list, create, change, verify, delete.")
app.add_typer(deliveries.commands, name="deliveries", help="What was sent to a hook, with every attempt.")
app.add_typer(tokens.commands, name="tokens", help="API tokens.")


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"tenterhook {version('tenterhook')}")
        raise typer.Exit


@app.callback()
def _root(
    show_version: bool = typer.Option(
        False, "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
    ),
) -> None:
    pass


def run() -> None:
    """Run the command line and exit with its code; what the operator can mend is told without a traceback."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a letter must not end a command.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except CommandError as error:
        _fail(str(error))
        sys.exit(error.exit_code)
    except OperatorError as error:
        _fail(str(error))
        sys.exit(2)
    except BrokenPipeError:
        # The reader (head, less) has gone. What Python flushes at exit must go somewhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _fail(text: str) -> None:
    for line in text.splitlines() or [""]:
        print(f"tenterhook: {inert(line)}", file=sys.stderr)
