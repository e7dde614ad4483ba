"""The log's filter language a second time, written from the contract and not from the product: text in, closure out.

Source: okta/system-log.md §3; RFC 7644 §3.4.2.2.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

Judge = Callable[[Any], bool]

_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*")|(?P<mark>[()])|(?P<word>[^\s()"]+))""",
    re.VERBOSE,
)


def compile_filter(text: str, kinds: dict[str, str]) -> Judge:
    """Return the function that *text*, a valid filter, describes. kinds: of the attributes that it may name."""
    tokens = [found.group().strip() for found in _TOKEN.finditer(text) if found.group().strip()]
    tokens.append("")
    judge = _any(tokens, kinds)
    assert tokens == [""], f"{text!r} is left with {tokens}"
    return judge


def _any(tokens: list[str], kinds: dict[str, str]) -> Judge:
    terms = [_all(tokens, kinds)]
    while tokens[0].lower() == "or":
        tokens.pop(0)
        terms.append(_all(tokens, kinds))
    return lambda event: True in [term(event) for term in terms]


def _all(tokens: list[str], kinds: dict[str, str]) -> Judge:
    terms = [_one(tokens, kinds)]
    while tokens[0].lower() == "and":
        tokens.pop(0)
        terms.append(_one(tokens, kinds))
    return lambda event: False not in [term(event) for term in terms]


def _one(tokens: list[str], kinds: dict[str, str]) -> Judge:
    first = tokens.pop(0)
    if first.lower() == "not":
        inner = _one(tokens, kinds)
        return lambda event: not inner(event)
    if first == "(":
        inner = _any(tokens, kinds)
        assert tokens.pop(0) == ")"
        return inner
    sign = tokens.pop(0).lower()
    if sign == "pr":
        return lambda event: any(one != "" and one != {} for one in _reach(event, first))
    literal = tokens.pop(0)
    if literal.lower() == "null":
        return lambda event: (_reach(event, first) == []) == (sign == "eq")
    return _compared(first, sign, literal, kinds[first])


def _compared(name: str, sign: str, literal: str, kind: str) -> Judge:
    text = json.loads(literal) if literal.startswith('"') else literal
    wanted: Any = text
    if kind == "number":
        wanted = float(text)
    if kind == "boolean":
        wanted = text.lower() == "true"

    def judge(event: Any) -> bool:
        found = _reach(event, name)
        if sign == "ne":
            return not found or any(_in_kind(one, kind) != [wanted] for one in found)
        return any(_fits(value, sign, wanted) for one in found for value in _in_kind(one, kind))

    return judge


def _in_kind(value: Any, kind: str) -> list[Any]:
    """Return *value* as it counts for an attribute of this kind; nothing if it does not."""
    if kind == "boolean":
        return [value] if value is True or value is False else []
    if kind == "number":
        return [value] if type(value) in (int, float) else []
    if value is True or value is False:
        return [str(value).lower()]
    return [str(value)] if type(value) in (str, int) else []


def _fits(value: Any, sign: str, wanted: Any) -> bool:
    if sign == "co":
        return str(value).find(wanted) >= 0
    if sign == "sw":
        return bool(value[: len(wanted)] == wanted)
    if sign == "ew":
        return bool(value[max(0, len(value) - len(wanted)) :] == wanted)
    order = (value > wanted) - (value < wanted)
    return order in {"eq": [0], "gt": [1], "ge": [0, 1], "lt": [-1], "le": [-1, 0]}[sign]


def _reach(event: Any, name: str) -> list[Any]:
    """Return every value that is not null at the attribute *name*; free-form maps have keys with dots."""
    for free in ("debugContext.debugData.", "target.detailEntry.", "actor.detailEntry.", "transaction.detail."):
        if name.startswith(free):
            return _follow([event], [*free[:-1].split("."), name[len(free) :]])
    return _follow([event], name.split("."))


def _follow(values: list[Any], keys: list[str]) -> list[Any]:
    for key in keys:
        values = [one[key] for one in _flat(values) if type(one) is dict and key in one]
    return [one for one in _flat(values) if one is not None]


def _flat(values: list[Any]) -> list[Any]:
    flat: list[Any] = []
    for value in values:
        flat += _flat(value) if type(value) is list else [value]
    return flat
