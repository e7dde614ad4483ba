"""The hook filter language a second time, written from the contract and not from the product: text in, closure out.

No grammar, no tree: a cursor over the characters, and functions of plain JSON that call each other.
Source: okta/event-hooks.md §9.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

Judge = Callable[[Any], bool]

_WHERE = {
    "event.eventType": "eventType",
    "event.outcome.result": "outcome/result",
    "event.outcome.reason": "outcome/reason",
    "event.actor.id": "actor/id",
    "event.actor.type": "actor/type",
    "event.actor.alternateId": "actor/alternateId",
    "event.actor.displayName": "actor/displayName",
    "event.debugData.changedAttributes": "debugContext/debugData/changedAttributes",
}
_OF_TARGET = {"id", "type", "alternateId", "displayName"}


class NoExpressionError(Exception):
    """The text is none of the language."""


class NoAnswerError(Exception):
    """The expression cannot be evaluated on this event."""


def compile_expression(text: str) -> Judge:
    """Return the function that *text* describes. Raises: NoExpressionError."""
    reader = _Reader(text)
    judge = reader.alternatives(inside=False)
    if not reader.at_end():
        raise NoExpressionError(text)
    return judge


class _Reader:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def take(self, pattern: str) -> str | None:
        blank = re.compile(r"[ \t\r\n]*").match(self.text, self.at)
        assert blank is not None
        found = re.compile(pattern, re.I).match(self.text, blank.end())
        if found is None:
            return None
        self.at = found.end()
        return found[0]

    def need(self, pattern: str) -> str:
        found = self.take(pattern)
        if found is None:
            raise NoExpressionError(f"{pattern} at {self.at}")
        return found

    def at_end(self) -> bool:
        return not self.text[self.at :].strip(" \t\r\n")

    def alternatives(self, *, inside: bool) -> Judge:
        judge = self.conditions(inside=inside)
        while self.take(r"\|\||or\b"):
            judge = _either(judge, self.conditions(inside=inside))
        return judge

    def conditions(self, *, inside: bool) -> Judge:
        judge = self.one(inside=inside)
        while self.take(r"&&|and\b"):
            judge = _both(judge, self.one(inside=inside))
        return judge

    def one(self, *, inside: bool) -> Judge:
        if self.take(r"\("):
            judge = self.alternatives(inside=inside)
            self.need(r"\)")
            return judge
        name = self.need(r"[a-z_]\w*")
        while not self.peek(r"\.\s*(contains|size)\s*\(") and self.take(r"\.(?!\s*\?)"):
            name += "." + self.need(r"[a-z_]\w*")
        if not inside and self.take(r"\.\s*\?\s*\["):
            return self.selection(name)
        look = _element_field(name) if inside else _field(name)
        if self.take(r"\.\s*contains\s*\("):
            part = self.quoted()
            self.need(r"\)")
            return _holding(look, part)
        wanted_equal = self.need(r"==|!=|eq\b|ne\b").lower() in ("==", "eq")
        literal = self.literal()
        return lambda event: _same(look(event), literal) is wanted_equal

    def peek(self, pattern: str) -> bool:
        at = self.at
        found = self.take(pattern) is not None
        self.at = at
        return found

    def selection(self, name: str) -> Judge:
        if name != "event.target":
            raise NoExpressionError(name)
        chosen = self.alternatives(inside=True)
        self.need(r"\]")
        self.need(r"\.\s*size\s*\(\s*\)")
        sign = self.need(r">=|<=|==|!=|>|<|eq\b|ne\b").lower()
        number = int(self.need(r"-?[0-9]+"))

        def judge(event: Any) -> bool:
            targets = event.get("target")
            size = len([one for one in targets if chosen(one)]) if type(targets) is list else 0
            less, equal = size < number, size == number
            return {
                ">": not less and not equal,
                ">=": not less,
                "<": less,
                "<=": less or equal,
                "==": equal,
                "eq": equal,
                "!=": not equal,
                "ne": not equal,
            }[sign]

        return judge

    def quoted(self) -> str:
        raw = self.need(r"'(?:[^']|'')*'")
        return "'".join(raw[1:-1].split("''"))

    def literal(self) -> str | int | None:
        if self.take(r"null\b"):
            return None
        number = self.take(r"-?[0-9]+")
        return int(number) if number is not None else self.quoted()


def _either(left: Judge, right: Judge) -> Judge:
    return lambda event: True if left(event) else right(event)


def _both(left: Judge, right: Judge) -> Judge:
    return lambda event: right(event) if left(event) else False


def _field(name: str) -> Callable[[Any], Any]:
    if name not in _WHERE:
        raise NoExpressionError(name)

    def look(event: Any) -> Any:
        for key in _WHERE[name].split("/"):
            if type(event) is not dict or key not in event:
                return None
            event = event[key]
        return event

    return look


def _element_field(name: str) -> Callable[[Any], Any]:
    if name not in _OF_TARGET:
        raise NoExpressionError(name)
    return lambda target: target[name] if type(target) is dict and name in target else None


def _same(found: Any, literal: str | int | None) -> bool:
    if type(found) is bool or type(found) in (list, dict):
        return False
    if type(found) in (int, float):
        return type(literal) is int and found == literal
    return type(found) is type(literal) and found == literal


def _holding(look: Callable[[Any], Any], part: str) -> Judge:
    def judge(event: Any) -> bool:
        found = look(event)
        if type(found) is not str:
            raise NoAnswerError
        return found.find(part) >= 0

    return judge
