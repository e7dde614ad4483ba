"""What may come next where somebody types a filter: attributes, operators, or the values that the log has."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import NamedTuple

from tenterhook.domain.filter_ast import Kind
from tenterhook.domain.log_field import kind_of, names

MOST = 12
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"?|[()]|[^\s()"]+', re.DOTALL)
#: The attributes that are asked for most come first; the others follow by name.
_FIRST = (
    *("eventType", "actor.alternateId", "actor.id", "actor.displayName", "outcome.result", "outcome.reason"),
    *("target.id", "target.alternateId", "target.displayName", "target.type", "client.ipAddress", "severity", "uuid"),
)
_OPERATORS = {
    "eq": "is",
    "ne": "is not",
    "co": "contains",
    "sw": "starts with",
    "ew": "ends with",
    "pr": "is there",
    "gt": "is greater than",
    "ge": "is at least",
    "lt": "is less than",
    "le": "is at most",
}
_OF_TEXT, _OF_NUMBERS = ("eq", "ne", "sw", "co", "ew", "pr"), ("eq", "ne", "gt", "ge", "lt", "le", "pr")
_SEVERITIES = ("DEBUG", "INFO", "WARN", "ERROR")
_RESULTS = (
    *("SUCCESS", "FAILURE", "ALLOW", "DENY", "SKIPPED", "CHALLENGE", "UNKNOWN", "RATE_LIMIT", "DEFERRED", "SCHEDULED"),
    *("ABANDONED", "UNANSWERED"),
)
_FIXED = {"severity": _SEVERITIES, "outcome.result": _RESULTS}


class Place(NamedTuple):
    """Where somebody types."""

    begin: int  #: of what an option takes the place of; its end is where somebody types
    expects: str  #: attribute, operator, value or joint
    typed: str  #: of it so far
    attribute: str  #: that an operator or a value belongs to


class Option(NamedTuple):
    """One thing that may come next."""

    text: str  #: what is put in
    note: str  #: what it means


def place_of(text: str, caret: int) -> Place:
    """Return what may stand at *caret*, as far as the text before it tells."""
    before = text[: max(0, caret)]
    expects, attribute = "attribute", ""
    tokens = list(_TOKEN.finditer(before))
    typing = tokens.pop() if tokens and tokens[-1].end() == len(before) and not _is_whole(tokens[-1][0]) else None
    for token in tokens:
        expects, attribute = _after(expects, attribute, token[0])
    if typing is None:
        return Place(len(before), expects, "", attribute)
    return Place(typing.start(), expects, typing[0], attribute)


def options_at(place: Place, values: Sequence[str]) -> list[Option]:
    """Return what fits at a place, the likeliest first, at most `MOST`; values: that its attribute is known to have."""
    typed = place.typed.lower()
    if place.expects == "attribute":
        return [Option(f"{name} ", "") for name in _fitting(_attributes(), typed)]
    if place.expects == "operator":
        return [Option(f"{one} ", _OPERATORS[one]) for one in _operators(place.attribute) if one.startswith(typed)]
    if place.expects == "joint":
        return [Option(f"{one} ", "") for one in ("and", "or") if one.startswith(typed)]
    kind = _kind(place.attribute)
    if kind is Kind.BOOLEAN:
        return [Option(f"{one} ", "") for one in ("true", "false") if one.startswith(typed)]
    if kind is Kind.NUMBER:
        return []
    known = [*_FIXED.get(place.attribute, ()), *values]
    bare = typed.removeprefix('"')
    return [Option(json.dumps(one, ensure_ascii=False) + " ", "") for one in _fitting(dict.fromkeys(known), bare)]


def attributes() -> list[str]:
    """Return every attribute that has a value, the likeliest first."""
    return list(_attributes())


def _is_whole(token: str) -> bool:
    return token in ("(", ")") or (len(token) > 1 and token.startswith('"') and token.endswith('"'))


def _after(expects: str, attribute: str, token: str) -> tuple[str, str]:
    """Return what may come after *token*, and the attribute that it belongs to."""
    word = token.lower()
    if expects == "attribute":
        return ("attribute", "") if word in ("(", "not") else ("operator", token)
    if expects == "operator":
        return ("joint", "") if word == "pr" else ("value", attribute)
    if expects == "joint" and word in ("and", "or"):
        return "attribute", ""
    return "joint", ""


def _attributes() -> dict[str, None]:
    every = [name for name in names() if _kind(name) is not Kind.OBJECT]
    return dict.fromkeys([*_FIRST, *sorted(every)])


def _kind(attribute: str) -> Kind:
    known = kind_of(attribute)
    return Kind.TEXT if known is None else known[1]


def _operators(attribute: str) -> Sequence[str]:
    kind = _kind(attribute)
    if kind is Kind.TEXT:
        return _OF_TEXT
    return _OF_NUMBERS if kind is Kind.NUMBER else ("eq", "ne", "pr")


def _fitting(known: dict[str, None], typed: str) -> list[str]:
    """Return those that begin with what was typed, then those that have a part that does, then those that hold it."""
    begin = [one for one in known if one.lower().startswith(typed)]
    part = [one for one in known if f".{typed}" in one.lower()]
    hold = [one for one in known if typed in one.lower()]
    return list(dict.fromkeys([*begin, *part, *hold]))[:MOST]
