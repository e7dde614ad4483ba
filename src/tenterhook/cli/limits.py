"""`tenterhook limits`: what there is of each limit, and what is used of it."""

from __future__ import annotations

import typer

from tenterhook.cli import options
from tenterhook.cli.output import Cell, dim, moment_cell, part, print_json, print_table

commands = typer.Typer()

_BAR = 10
#: From this percentage on a bar is yellow.
_NEAR = 70


@commands.command()
def limits(
    url: options.Url = None, token: options.Token = None, data: options.Data = None, as_json: options.Json = False
) -> None:
    """Show every limit and what is used of it."""
    from tenterhook.cli.client import connect

    with connect(url, token, data) as client:
        found = client.get("/api/v1/limits")
    if as_json:
        print_json(found)
        return
    rows = [_row(one) for one in found] if isinstance(found, list) else []
    print_table(("LIMIT", "USED", "OF", "", "", "RESET", "WHAT"), rows)


def _row(one: object) -> list[object]:
    used, limit = part(one, "used"), part(one, "limit")
    reset = part(one, "reset")
    return [
        part(one, "name"),
        _count(used),
        f"{_count(limit) if limit is not None else 'unlimited'} {part(one, 'unit')}",
        *_share(used, limit),
        moment_cell(reset) if reset else "-",
        dim(part(one, "description")),
    ]


def _share(used: object, limit: object) -> tuple[Cell, Cell]:
    """Return a bar and a percentage; nothing where nothing is counted or nothing limits it."""
    if not (isinstance(used, int) and isinstance(limit, int) and limit > 0):
        return Cell("-" * _BAR, "dim"), Cell("-")
    percent = used * 100 // limit
    style = "red" if used >= limit else "yellow" if percent >= _NEAR else "green"
    full = min(_BAR, -(-used * _BAR // limit))
    return Cell("#" * full + "." * (_BAR - full), style), Cell(f"{percent}%", style)


def _count(number: object) -> str:
    return f"{number:,}" if isinstance(number, int) else "-"
