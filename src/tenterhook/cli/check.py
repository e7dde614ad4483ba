"""`tenterhook check`: a doctor for settings, data directory, storage, clock, egress rules and port."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tenterhook.cli import options
from tenterhook.cli.output import inert, print_json
from tenterhook.errors import OperatorError, SettingsError

if TYPE_CHECKING:
    from tenterhook.cli.diagnosis import Finding

commands = typer.Typer()

_STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}


@commands.command()
def check(
    data: Annotated[Path | None, typer.Option(help="The data directory. [default: ./tenterhook-data]")] = None,
    config: Annotated[Path | None, typer.Option(help="The TOML file of settings that the server gets.")] = None,
    host: Annotated[str | None, typer.Option(help="As for serve.")] = None,
    port: Annotated[int | None, typer.Option(help="As for serve.")] = None,
    profile: Annotated[str | None, typer.Option(help="As for serve.")] = None,
    as_json: options.Json = False,
) -> None:
    """Look over settings, storage and port.

    Tells what would keep `serve` from running well. A running server's database is not opened.
    Exit 1 if anything fails, 2 if a setting is wrong.
    """
    given: dict[str, object] = {"data_dir": data, "host": host, "port": port, "profile": profile}
    findings = list(_examine(given, config))
    if as_json:
        print_json([{"check": found.what, "status": found.status, "message": found.message} for found in findings])
    else:
        _print(findings)
    failed = {found.what for found in findings if found.status == "fail"}
    if failed:
        raise typer.Exit(2 if "settings" in failed else 1)


def _examine(given: dict[str, object], config: Path | None) -> Iterator[Finding]:
    from tenterhook.cli.diagnosis import Finding, examine, list_settings
    from tenterhook.settings import load_settings

    try:
        settings = load_settings(given, os.environ, config)
    except SettingsError as error:
        yield from (Finding("settings", "fail", line) for line in str(error).splitlines())
        return
    except OperatorError as error:
        yield Finding("settings", "fail", str(error))
        return
    changed = list(list_settings(settings))
    yield Finding("settings", "ok", "all are defaults, but for:" if changed else "all are defaults")
    yield from changed
    yield from examine(settings)


def _print(findings: list[Finding]) -> None:
    from rich.text import Text

    from tenterhook.cli.output import console

    terminal = console()
    for found in findings:
        line = Text(f"{found.status:<5}", style=_STYLES[found.status])
        line.append(f"{found.what + ':':<14} ", style="default")
        line.append(inert(found.message), style="default")
        terminal.print(line, soft_wrap=True)
    counts = {status: sum(found.status == status for found in findings) for status in _STYLES}
    terminal.print(", ".join(f"{count} {status}" for status, count in counts.items() if count))
