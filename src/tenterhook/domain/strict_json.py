"""JSON as we accept it from outside: RFC 8259, and none of the things that parsers differ on.

Refused: any encoding but UTF-8, byte order marks, lone surrogates, duplicate keys, numbers that are not finite,
absurdly long numbers, and documents that are too deep or have too many parts. Numbers keep their spelling.
Source: security checks 137-148.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, NoReturn

import msgspec

MAX_DEPTH = 32
MAX_NODES = 10_000
MAX_KEY_BYTES = 256
MAX_NUMBER_DIGITS = 256


class StrictJsonError(ValueError):
    """The bytes are not JSON as we accept it; the text says why, in one sentence."""


# A string that never ends is taken as one mark, to the end of the text: were it no match, the search would begin anew
# at each of its quotes, and 256 KiB of them would take minutes. Possessive: nothing is tried twice.
_STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?'
_STRINGS = re.compile(_STRING, re.DOTALL)
_MARKS = re.compile(_STRING + r"|[\[\]{}]", re.DOTALL)
#: After some quote, no other for longer than a key or a number may be. (Where quotes are escaped, it cannot tell.)
_LONG = re.compile(rb'"[^"]{%d}' % (MAX_KEY_BYTES + 1))
_read = msgspec.json.Decoder().decode
_write = msgspec.json.Encoder().encode
_SURROGATE = re.compile("[\ud800-\udfff]")


def loads(data: bytes) -> Any:
    """Return the value that *data* spells.

    Objects are dicts in the order given; a number whose spelling would change on its way out (``1.10``, ``-0``) is a
    `msgspec.Raw` that holds the spelling.
    Raises: StrictJsonError.
    """
    value = _quick(data)
    return _thorough(data) if value is None else value


def _quick(data: bytes) -> dict[str, Any] | None:
    """Return the object that *data* spells, if that is easily seen to be what `_thorough` would give; else None.

    What msgspec writes again to the letter has no key twice, no number spelled otherwise and no doubtful text, because
    all of these would be lost. The caps are looked at from above. Half the time of the thorough way.
    """
    colon = data.find(b'":')
    if data[:2] != b'{"' or data[colon + 2 : colon + 3].isspace():
        return None  # written with spaces: the comparison would fail
    openings = data.count(b"{") + data.count(b"[")
    if openings + data.count(b",") > MAX_NODES or _LONG.search(data) or b'\\"' in data:
        return None
    try:
        value = _read(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if openings > MAX_DEPTH and _is_deeper(value, MAX_DEPTH):
        return None
    return value if _write(value) == data else None


def _is_deeper(value: object, levels: int) -> bool:
    """Return whether objects and arrays in *value* nest deeper than *levels*."""
    layer = [value]
    for _ in range(levels):
        below: list[object] = []
        for one in layer:
            parts = one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
            below += [part for part in parts if isinstance(part, dict | list)]
        if not below:
            return False
        layer = below
    return True


def _thorough(data: bytes) -> Any:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise StrictJsonError(f"The text is not valid UTF-8 (byte {error.start}).") from error
    openings = text.count("{") + text.count("[")
    if openings > MAX_DEPTH:
        _check_depth(text)
    if openings + text.count(",") > MAX_NODES:
        _check_nodes(text)
    try:
        value = _decode(text)
    except json.JSONDecodeError as error:
        raise StrictJsonError(f"{error.msg} at line {error.lineno}, column {error.colno}.") from error
    except RecursionError as error:
        raise StrictJsonError(f"The text is nested deeper than {MAX_DEPTH} levels.") from error
    if "\\u" in text and _has_surrogate(value):
        raise StrictJsonError("A string holds half of a surrogate pair (\\ud800-\\udfff), which no text can contain.")
    return value


def reload(stored: bytes) -> Any:
    """Return the value of JSON that `loads` had read and that was written out again: as it gives it, without the caps.

    What was filled in meanwhile may have brought a text that just kept to the caps beyond them.
    """
    value = _read(stored)
    return value if _write(value) == stored else _decode(stored.decode("utf-8"))


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise StrictJsonError(f"The key {key[:64]!r} appears twice in one object.")
            seen.add(key)
    for key in made:
        if len(key) > 64 and len(key.encode("utf-8", "surrogatepass")) > MAX_KEY_BYTES:
            raise StrictJsonError(f"A key is longer than {MAX_KEY_BYTES} bytes: {key[:32]!r}….")
    return made


def _no_constant(name: str) -> NoReturn:
    raise StrictJsonError(f"{name} is not a JSON number.")


def _integer(text: str) -> int | msgspec.Raw:
    if len(text) > MAX_NUMBER_DIGITS:
        raise StrictJsonError(f"A number has more than {MAX_NUMBER_DIGITS} digits.")
    return int(text) if text != "-0" else msgspec.Raw(b"-0")


def _fraction(text: str) -> float | msgspec.Raw:
    if len(text) > MAX_NUMBER_DIGITS:
        raise StrictJsonError(f"A number has more than {MAX_NUMBER_DIGITS} digits.")
    value = float(text)
    if value - value != 0:
        raise StrictJsonError(f"The number {text[:32]} is not finite.")
    spelled = text.encode()
    return value if msgspec.json.encode(value) == spelled else msgspec.Raw(spelled)


_decode: Callable[[str], Any] = json.JSONDecoder(
    object_pairs_hook=_unique, parse_constant=_no_constant, parse_int=_integer, parse_float=_fraction
).decode


def _check_depth(text: str) -> None:
    depth = 0
    for mark in _MARKS.findall(text):
        if mark in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise StrictJsonError(f"The text is nested deeper than {MAX_DEPTH} levels.")
        elif mark in "]}":
            depth -= 1


def _check_nodes(text: str) -> None:
    bare = _STRINGS.sub("", text)
    if bare.count("{") + bare.count("[") + bare.count(",") > MAX_NODES:
        raise StrictJsonError(f"The text has more than {MAX_NODES:,} parts.")


def _has_surrogate(value: object) -> bool:
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            if _SURROGATE.search(item):
                return True
        elif isinstance(item, dict):
            stack.extend(item.keys())
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)
    return False
