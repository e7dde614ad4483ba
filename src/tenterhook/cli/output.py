"""What people and programs read on the terminal: inert text, tables, JSON.

Nothing that came from elsewhere may steer a terminal: every printed text passes `inert`, rich's markup is off, and JSON
is pure ASCII.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

#: Columns when standard output is no terminal: wide enough that no table is folded.
_WIDE = 400


def inert(value: object) -> str:
    """Return *value* as text on one line in which every character that is not printable is written as its escape.

    Control characters (ANSI sequences begin with one), line breaks, text direction overrides and lone surrogates lose
    their power; letters of every script stay.
    """
    text = "" if value is None else str(value)
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escape(char) for char in text)


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


def console(*, stderr: bool = False) -> Console:
    """Return a rich console without markup, emoji codes or guessing."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _WIDE
    return Console(stderr=stderr, markup=False, highlight=False, emoji=False, width=width)


def say(text: str) -> None:
    """Print one line for people."""
    print(inert(text), flush=True)


def note(text: str) -> None:
    """Print one line beside the result: on standard error."""
    print(inert(text), file=sys.stderr, flush=True)


def print_json(value: object) -> None:
    """Print *value* as JSON: indented for a terminal, on one line for a program."""
    indent = 2 if sys.stdout.isatty() else None
    print(json.dumps(value, indent=indent, ensure_ascii=True), flush=True)


def print_table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print *rows* under *headings*; the first column is never folded."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for index, heading in enumerate(headings):
        table.add_column(heading, no_wrap=index == 0, overflow="fold")
    for row in rows:
        table.add_row(*(Text(inert(cell)) for cell in row))
    console().print(table)


def print_fields(fields: Iterable[tuple[str, object]]) -> None:
    """Print name and value pairs, one a line; pairs whose value is None are left out."""
    for name, value in fields:
        if value is not None:
            print(f"{name + ':':<18} {inert(value)}", flush=True)


def part(record: object, *path: str) -> object:
    """Return what lies at *path* inside nested JSON objects, or None where a step is missing."""
    for key in path:
        record = record.get(key) if isinstance(record, dict) else None
    return record


def parts(record: object, *path: str) -> list[object]:
    """Return the array at *path*, or an empty one."""
    found = part(record, *path)
    return found if isinstance(found, list) else []


def person(entity: object) -> str:
    """Name an actor or a target of a log event: display name, then login, then id."""
    name, login = part(entity, "displayName"), part(entity, "alternateId")
    if name and login and name != login:
        return f"{name} <{login}>"
    return str(name or login or part(entity, "id") or "-")


def event_line(event: object) -> str:
    """Tell a log event in one line: type, actor, targets, outcome."""
    targets = ", ".join(f"{person(target)} ({part(target, 'type')})" for target in parts(event, "target"))
    outcome = part(event, "outcome", "result")
    reason = part(event, "outcome", "reason")
    words = [str(part(event, "eventType") or "(no eventType)"), person(part(event, "actor"))]
    if targets:
        words += ["→", targets]
    if outcome:
        words.append(f"{outcome}: {reason}" if reason else str(outcome))
    return "  ".join(words)
