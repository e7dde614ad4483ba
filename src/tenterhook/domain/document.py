"""A JSON document that a person sent, read field by field, with every problem noted and none raised."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any

import msgspec

#: After this many problems the rest is only counted: an answer is for reading.
MAX_PROBLEMS = 100

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
#: Okta's own words for a missing field.
BLANK = "The field cannot be left blank"


class Problems:
    """What is wrong with a document: one text per problem, ``<field>: <what>``."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._more = 0

    def add(self, where: str, what: str) -> None:
        """Note one problem of the field at *where* (``channel.config.uri``, ``events.items[2]``)."""
        text = f"{where}: {what}"
        if text in self._texts:
            return
        if len(self._texts) < MAX_PROBLEMS:
            self._texts.append(text)
        else:
            self._more += 1

    def __bool__(self) -> bool:
        return bool(self._texts)

    @property
    def texts(self) -> list[str]:
        """All of them in the order found; beyond `MAX_PROBLEMS` a last text counts the rest."""
        return [*self._texts, f"There are {self._more} more problems."] if self._more else list(self._texts)


def kind_of(value: object) -> str:
    """Name the JSON type of *value* with its article: ``a string``, ``null``, …"""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, str):
        return "a string"
    if isinstance(value, dict):
        return "an object"
    return "an array" if isinstance(value, list) else "a number"


class Form:
    """One JSON object under reading. A field of a wrong type is noted and reads as if it were absent."""

    def __init__(self, fields: dict[str, Any], where: str, problems: Problems) -> None:
        self._fields = fields
        self._where = where
        self.problems = problems

    def path(self, key: str) -> str:
        """Return the full path of the field *key*."""
        return f"{self._where}.{key}" if self._where else key

    def has(self, key: str) -> bool:
        """Return whether *key* is there, null or not."""
        return key in self._fields

    def raw(self, key: str) -> Any:
        """Return the value of *key* as it is, None if absent."""
        return self._fields.get(key)

    def problem(self, key: str, what: str) -> None:
        """Note that the field *key* is wrong."""
        self.problems.add(self.path(key), what)

    def refuse_unknown(self, known: Collection[str], later: Collection[str] = ()) -> None:
        """Note every key that is none of *known*; *later* are those that a future version will know."""
        for key in self._fields:
            if key in later:
                self.problem(key, "is not supported yet; leave it out")
            elif key not in known:
                whole = self._where or "the body"
                self.problem(_CONTROL.sub("?", key[:64]), f"is no field of {whole}; it has {', '.join(known)}")

    def text(self, key: str, *, required: bool = False, longest: int, breaks: bool = False) -> str | None:
        """Return the text at *key*; null counts as absent.

        longest: in characters. breaks: whether line breaks and tabs may be in it; other control characters never.
        """
        value = self.raw(key)
        if value is None or (required and isinstance(value, str) and not value.strip()):
            if required:
                self.problem(key, BLANK)
            return None
        if not isinstance(value, str):
            self.problem(key, f"must be a string, not {kind_of(value)}")
            return None
        if len(value) > longest:
            self.problem(key, f"must be at most {longest:,} characters long, it has {len(value):,}")
            return None
        found = _CONTROL.search(re.sub(r"[\r\n\t]", "", value) if breaks else value)
        if found is not None:
            self.problem(key, f"must not hold control characters such as U+{ord(found[0]):04X}")
            return None
        return value

    def choice(self, key: str, allowed: Collection[str], *, required: bool = False) -> str | None:
        """Return the text at *key*, which must be one of *allowed*; null counts as absent."""
        value = self.raw(key)
        if value is None or value == "":
            if required or value == "":
                self.problem(key, f"{BLANK}; it must be {' or '.join(allowed)}")
            return None
        if isinstance(value, str) and value in allowed:
            return value
        shown = repr(value) if isinstance(value, str) and len(value) <= 64 else kind_of(value)
        self.problem(key, f"must be {' or '.join(allowed)}, not {shown}")
        return None

    def form(self, key: str, *, required: bool = False) -> Form | None:
        """Return the object at *key*; null counts as absent."""
        value = self.raw(key)
        if isinstance(value, dict):
            return Form(value, self.path(key), self.problems)
        if value is not None:
            self.problem(key, f"must be an object, not {kind_of(value)}")
        elif required:
            self.problem(key, BLANK)
        return None

    def array(self, key: str, *, required: bool = False) -> list[Any] | None:
        """Return the array at *key*; null counts as absent."""
        value = self.raw(key)
        if isinstance(value, list):
            return value
        if value is not None:
            self.problem(key, f"must be an array, not {kind_of(value)}")
        elif required:
            self.problem(key, BLANK)
        return None

    def forms(self, key: str) -> Iterator[Form]:
        """Yield each object of the array at *key*; anything else in it is noted."""
        for index, value in enumerate(self.array(key) or ()):
            where = f"{self.path(key)}[{index}]"
            if isinstance(value, dict):
                yield Form(value, where, self.problems)
            else:
                self.problems.add(where, f"must be an object, not {kind_of(value)}")

    def flag(self, key: str) -> bool | None:
        """Return the boolean at *key*, None if absent; null is wrong."""
        value = self.raw(key)
        if isinstance(value, bool):
            return value
        if self.has(key):
            self.problem(key, f"must be true or false, not {kind_of(value)}")
        return None

    def number(self, key: str, lowest: float, highest: float) -> float | None:
        """Return the number at *key* within [lowest, highest], None if absent; null is wrong."""
        return self._ranged(key, as_number(self.raw(key)), f"a number from {lowest:,} to {highest:,}", lowest, highest)

    def whole(self, key: str, lowest: int, highest: int) -> int | None:
        """Return the whole number at *key* within [lowest, highest], None if absent; null is wrong."""
        value = as_number(self.raw(key))
        whole = value if value is not None and value == value // 1 else None
        what = f"a whole number from {lowest:,} to {highest:,}"
        found = self._ranged(key, whole, what, lowest, highest)
        return None if found is None else int(found)

    def _ranged(self, key: str, value: float | None, what: str, lowest: float, highest: float) -> float | None:
        if not self.has(key):
            return None
        if value is None or not lowest <= value <= highest:
            self.problem(key, f"must be {what}")
            return None
        return value


def as_number(value: object) -> float | None:
    """Return *value* if it is a JSON number, as strict JSON reads one (a `msgspec.Raw` keeps its spelling)."""
    if isinstance(value, msgspec.Raw):
        return float(bytes(value))
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
