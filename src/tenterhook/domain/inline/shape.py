"""Shapes of JSON: what a part of a document may be, as readers that note every problem and raise none.

A reader takes a value that is there (not null), where it is, and the problems so far; it returns the value as it is
kept. What it notes as a problem it returns as it pleases: a document with problems is not used.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from tenterhook.domain.document import BLANK, Form, Problems, as_number, kind_of
from tenterhook.domain.inline.wording import plain
from tenterhook.domain.timestamp import parse_timestamp

#: Where a value is: a path, or a place and the key or index below it. The text is only made for a problem.
Place = str | tuple[Any, str | int]
Reader = Callable[[Any, Place, Problems], Any]


#: Readers of texts that may be blank, each with its longest: most of a question is such, so `part` reads them itself.
_TEXTS: dict[Reader, int] = {}


def path_of(place: Place) -> str:
    """Return *place* as a path: ``data.access.claims``, ``commands[0].value``."""
    if isinstance(place, str):
        return place
    above, key = place
    return f"{path_of(above)}[{key}]" if isinstance(key, int) else f"{path_of(above)}.{plain(key, 64)}"


def text(longest: int = 1_024, *, blank: bool = True) -> Reader:
    """Return the reader of a text of at most *longest* characters. blank: whether it may be empty or white space."""

    def read(value: Any, where: Place, problems: Problems) -> Any:
        if not isinstance(value, str):
            problems.add(path_of(where), f"must be a string, not {kind_of(value)}")
        elif len(value) > longest:
            problems.add(path_of(where), f"must be at most {longest:,} characters long, it has {len(value):,}")
        elif not blank and not value.strip():
            problems.add(path_of(where), BLANK)
        return value

    if blank:
        _TEXTS[read] = longest
    return read


def code(longest: int) -> Reader:
    """Return the reader of a text that is not blank. A whole number is kept as its digits: some send codes so."""
    read_text = text(longest, blank=False)

    def read(value: Any, where: Place, problems: Problems) -> Any:
        whole = isinstance(value, int) and not isinstance(value, bool)
        return read_text(str(value) if whole else value, where, problems)

    return read


def choice(*allowed: str) -> Reader:
    """Return the reader of a text that is one of *allowed*."""

    def read(value: Any, where: Place, problems: Problems) -> Any:
        if not isinstance(value, str) or value not in allowed:
            shown = repr(value) if isinstance(value, str) and len(value) <= 64 else kind_of(value)
            problems.add(path_of(where), f"must be {' or '.join(allowed)}, not {shown}")
        return value

    return read


def whole(lowest: int, highest: int) -> Reader:
    """Return the reader of a whole number within [lowest, highest], however it is spelled; it is kept as an int."""

    def read(value: Any, where: Place, problems: Problems) -> Any:
        number = as_number(value)
        if number is None or number != number // 1 or not lowest <= number <= highest:
            problems.add(path_of(where), f"must be a whole number from {lowest:,} to {highest:,}")
            return value
        return int(number)

    return read


def flag(value: Any, where: Place, problems: Problems) -> Any:
    """Read true or false."""
    if not isinstance(value, bool):
        problems.add(path_of(where), f"must be true or false, not {kind_of(value)}")
    return value


def moment(value: Any, where: Place, problems: Problems) -> Any:
    """Read a point in time, as RFC 3339 spells one; it keeps its spelling."""
    if not isinstance(value, str) or parse_timestamp(value) is None:
        problems.add(path_of(where), "must be a date and time with its offset, such as 2026-01-02T03:04:05.678Z")
    return value


def scalar(value: Any, where: Place, problems: Problems) -> Any:
    """Read a string, a number, true or false."""
    if isinstance(value, dict | list):
        problems.add(path_of(where), f"must be a string, a number, true or false, not {kind_of(value)}")
    return value


def tree(value: Any, where: Place, problems: Problems) -> Any:
    """Read an object that holds whatever it likes: its nulls and its order are kept."""
    if not isinstance(value, dict):
        problems.add(path_of(where), f"must be an object, not {kind_of(value)}")
    return value


def listed(reader: Reader) -> Reader:
    """Return the reader of an array of what *reader* reads."""

    def read(value: Any, where: Place, problems: Problems) -> Any:
        if not isinstance(value, list):
            problems.add(path_of(where), f"must be an array, not {kind_of(value)}")
            return value
        return [_item(reader, item, (where, index), problems) for index, item in enumerate(value)]

    return read


def mapped(reader: Reader) -> Reader:
    """Return the reader of an object of any keys, each with what *reader* reads."""

    def read(value: Any, where: Place, problems: Problems) -> Any:
        if not isinstance(value, dict):
            problems.add(path_of(where), f"must be an object, not {kind_of(value)}")
            return value
        return {key: _item(reader, item, (where, key), problems) for key, item in value.items()}

    return read


def part(
    fields: Mapping[str, Reader],
    *,
    required: Collection[str] = (),
    defaults: Mapping[str, Any] | None = None,
    more: bool = False,
) -> Reader:
    """Return the reader of an object with *fields*, which it keeps in their order; null counts as absent.

    required: the fields that must be there. defaults: what is read for a field that is not there. more: whether keys
    beside *fields* are kept (after them) or refused.
    """
    known = fields.keys()
    rows = [(key, reader, _TEXTS.get(reader, -1)) for key, reader in fields.items()]
    default_of = ({} if defaults is None else defaults).get

    def read(value: Any, where: Place, problems: Problems) -> Any:
        if not isinstance(value, dict):
            problems.add(path_of(where), f"must be an object, not {kind_of(value)}")
            return value
        if not more and not value.keys() <= known:
            Form(value, path_of(where), problems).refuse_unknown(fields)
        made = {}
        for key, reader, longest in rows:
            given = value.get(key)
            if given is None:
                given = default_of(key)
            if given.__class__ is str and len(given) <= longest:
                made[key] = given
            elif given is not None:
                made[key] = reader(given, (where, key), problems)
            elif key in required:
                problems.add(path_of((where, key)), BLANK)
        if more and not value.keys() <= known:
            made.update((key, rest) for key, rest in value.items() if key not in known)
        return made

    return read


def _item(reader: Reader, value: Any, where: Place, problems: Problems) -> Any:
    if value is None:
        problems.add(path_of(where), "must not be null")
        return value
    return reader(value, where, problems)
