"""The command `tenterhook`: every command's module, put together, and how failures end it."""

from __future__ import annotations

import difflib
import json
import os
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from tenterhook.cli import (
    admins,
    check,
    deliveries,
    demo,
    event_types,
    explain,
    filters,
    hook_keys,
    hooks,
    inline,
    inline_calls,
    limits,
    listen,
    logs,
    openapi,
    orgs,
    preview,
    publish,
    serve,
    simulate,
    tokens,
)
from tenterhook.cli.failure import CommandError
from tenterhook.cli.output import console, inert
from tenterhook.errors import OperatorError

#: What typer raises for an option that is not there, among others; it does not export the class.
_UsageError: type[Exception] = typer.BadParameter.__bases__[0]


class _Commands(TyperGroup):
    """The root command: it suggests an option only if that is close to what was typed."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except _UsageError as error:
            typed, called = getattr(error, "option_name", None), getattr(error, "ctx", None)
            if typed and called is not None and hasattr(error, "possibilities"):
                error.possibilities = _close_options(typed, called.command.params)
            raise


def _close_options(typed: str, params: list[Any]) -> list[str]:
    """Return the option that *typed* was probably meant to be: by all its letters, else by those it begins with."""
    known = [option for param in params for option in param.opts if option.startswith("--")]
    close = difflib.get_close_matches(typed, known, n=1, cutoff=0.75)
    return close or [option for option in known if sorted(option[:5]) == sorted(typed[:5])][:1]


app = typer.Typer(
    name="tenterhook",
    help="Okta-compatible event hooks, inline hooks and System Log, self-hosted. (Not affiliated with Okta.)",
    no_args_is_help=True,
    add_completion=False,
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
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
    admins.sign_in_commands,
    limits.commands,
    check.commands,
    openapi.commands,
):
    app.add_typer(single)
hooks.commands.add_typer(filters.commands, name="filter", help="Which events a hook's filter lets through.")
hooks.commands.add_typer(preview.commands)
app.add_typer(hooks.commands, name="hooks", help="Event hooks: list, create, replace, verify, delete.")
inline.commands.add_typer(inline_calls.commands)
app.add_typer(inline.commands, name="inline", help="Inline hooks: list, create, change, delete, ask.")
app.add_typer(hook_keys.commands, name="hook-keys", help="Keys with which inline hooks prove who calls.")
app.add_typer(event_types.commands, name="event-types", help="What can happen: the catalogue and types of your own.")
app.add_typer(deliveries.commands, name="deliveries", help="What was sent to a hook, with every attempt.")
app.add_typer(tokens.commands, name="tokens", help="API tokens.")
app.add_typer(admins.commands, name="admins", help="The people of an org, their roles and sign-in links.")
app.add_typer(orgs.commands, name="orgs", help="The tenants, for the operator.")


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
        _fail(error)
        sys.exit(error.exit_code)
    except OperatorError as error:
        _fail(error)
        sys.exit(2)
    except BrokenPipeError:
        # The reader (head, less) has gone. What Python flushes at exit must go somewhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _fail(error: CommandError | OperatorError) -> None:
    """Tell *error* on standard error: in lines for people, or with --json as the API's error object."""
    body = error.body if isinstance(error, CommandError) else None
    if "--json" in sys.argv:
        print(json.dumps(body if isinstance(body, dict) else {"errorSummary": str(error)}), file=sys.stderr)
        return
    for line in str(error).splitlines() or [""]:
        print(f"tenterhook: {inert(line)}", file=sys.stderr)
    if isinstance(error, CommandError) and error.fine_print:
        _print_dim(f"tenterhook: {inert(error.fine_print)}")


def _print_dim(line: str) -> None:
    if not sys.stderr.isatty():
        print(line, file=sys.stderr)
        return
    console(stderr=True).print(line, style="dim", soft_wrap=True)
