"""What people and programs read on the terminal: inert text, tables, JSON.

Nothing that came from elsewhere may steer a terminal: every printed text passes `inert`, rich's markup is off, and JSON
is pure ASCII.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from rich.console import Console

#: Columns when standard output is no terminal: nothing is folded or cut.
_WIDE = 100_000
#: A terminal narrower than this has one space between the columns of a table.
_NARROW = 90

#: The words that tell how something stands, and how a terminal shows them.
_STYLES = (
    dict.fromkeys(("DELIVERED", "VERIFIED", "ACTIVE"), "green")
    | dict.fromkeys(("RETRYING", "UNVERIFIED", "HELD", "PENDING"), "yellow")
    | {"FAILED": "red"}
)
_UNITS = ((86_400, "d"), (3600, "h"), (60, "m"), (1, "s"))


class Cell(NamedTuple):
    """A text and how a terminal shows it; nobody else sees the style."""

    text: str
    style: str = ""


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


def say(*words: object) -> None:
    """Print one line for people: texts, and cells in their style on a terminal."""
    cells = [_cell(word) for word in words]
    if not sys.stdout.isatty():
        print("".join(inert(cell.text) for cell in cells), flush=True)
        return
    from rich.text import Text

    console().print(Text.assemble(*((inert(cell.text), cell.style) for cell in cells)), soft_wrap=True)


def _cell(value: object) -> Cell:
    return value if isinstance(value, Cell) else Cell("" if value is None else str(value))


def dim(value: object) -> Cell:
    """Return an id or a time, which stands back on a terminal."""
    return _cell(value)._replace(style="dim")


def state(value: object) -> Cell:
    """Return a status in its colour: good green, waiting yellow, failed red."""
    return _cell(value)._replace(style=_STYLES.get(str(value).partition(" ")[0], ""))


def moment_cell(time: object) -> Cell:
    """Return a time of the API: how far from now on a terminal, as it is for programs, "-" where there is none."""
    text = str(time or "-")
    return dim(distance(text, datetime.now(UTC)) if sys.stdout.isatty() else text)


def distance(time: str, now: datetime) -> str:
    """Tell *time* (ISO 8601) as "12s ago" or "in 4m" from *now*; what is no time comes back as it is."""
    try:
        seconds = round((datetime.fromisoformat(time) - now).total_seconds())
    except (ValueError, TypeError):
        return time
    size, unit = next((one for one in _UNITS if abs(seconds) >= one[0]), (1, "s"))
    words = f"{round(abs(seconds) / size)}{unit}"
    return f"in {words}" if seconds > 0 else f"{words} ago"


def note(text: str) -> None:
    """Print one line beside the result: on standard error."""
    print(inert(text), file=sys.stderr, flush=True)


def print_json(value: object) -> None:
    """Print *value* as JSON: indented for a terminal, on one line for a program."""
    indent = 2 if sys.stdout.isatty() else None
    print(json.dumps(value, indent=indent, ensure_ascii=True), flush=True)


def print_table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print *rows* under *headings* (none: no heading) in columns that are never folded.

    On a terminal the last column is cut where the line ends.
    """
    table = [[_cell(inert(cell)) if not isinstance(cell, Cell) else cell for cell in row] for row in rows]
    if headings:
        table.insert(0, [Cell(heading, "bold") for heading in headings])
    if not table:
        return
    from rich.cells import cell_len

    # The last column has no width: nothing follows it.
    widths = [max(cell_len(inert(row[at].text)) for row in table) for at in range(len(table[0]) - 1)]
    for row in table:
        texts = [inert(cell.text) for cell in row]
        padded = [text + " " * (width - cell_len(text)) for text, width in zip(texts, widths, strict=False)]
        _print_row([*padded, texts[-1]], row)


def _print_row(texts: list[str], row: list[Cell]) -> None:
    if not sys.stdout.isatty():
        print("  ".join(texts).rstrip(), flush=True)
        return
    from rich.text import Text

    terminal = console()
    gap = "  " if terminal.width >= _NARROW else " "
    line = Text(gap).join(Text(text, style=cell.style) for text, cell in zip(texts, row, strict=True))
    terminal.print(line, no_wrap=True, overflow="ellipsis")


def print_fields(fields: Iterable[tuple[str, object]]) -> None:
    """Print name and value pairs, one a line; pairs whose value is None are left out."""
    for name, value in fields:
        if value is not None:
            say(f"{name + ':':<18} ", value)


def count_of(number: int, noun: str) -> str:
    """Return "1 event", "1,200 events"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


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
    return "  ".join([str(part(event, "eventType") or "(no eventType)"), *event_words(event)])


def event_words(event: object) -> list[str]:
    """Tell who did what to whom in a log event: actor, an arrow and the targets, outcome."""
    targets = ", ".join(f"{person(target)} ({part(target, 'type')})" for target in parts(event, "target"))
    outcome = part(event, "outcome", "result")
    reason = part(event, "outcome", "reason")
    words = [person(part(event, "actor"))]
    if targets:
        words += ["→", targets]
    if outcome:
        words.append(f"{outcome}: {reason}" if reason else str(outcome))
    return words
