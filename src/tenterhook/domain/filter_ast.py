"""What a filter says, once it is parsed: the tree that both small languages share, and what it means for one document.

A tree holds nothing that runs: names of keys, values, and which of ten operators joins them.
Source: RFC 7644 §3.4.2.2; okta/system-log.md §3.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Any, TypeAlias

import msgspec

#: What a clause compares with. None is JSON's null: only EQ and NE take it.
Literal: TypeAlias = "str | int | float | bool | None"


class Operator(StrEnum):
    """How a clause compares. PR asks only whether there is a value."""

    EQ = "eq"
    NE = "ne"
    CO = "co"
    SW = "sw"
    EW = "ew"
    PR = "pr"
    GT = "gt"
    GE = "ge"
    LT = "lt"
    LE = "le"


class Kind(StrEnum):
    """What an attribute holds."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    OBJECT = "object"


class Clause(msgspec.Struct, frozen=True):
    """One comparison: ``attribute operator value``."""

    #: Keys from the outside in. A list on the way stands for each of its elements.
    path: tuple[str, ...]
    operator: Operator
    #: Of the attribute's kind.
    value: Literal = None
    kind: Kind = Kind.TEXT


class Not(msgspec.Struct, frozen=True):
    """True where *term* is false."""

    term: Node


class And(msgspec.Struct, frozen=True):
    """True where all of *terms* (two or more) are."""

    terms: tuple[Node, ...]


class Or(msgspec.Struct, frozen=True):
    """True where one of *terms* (two or more) is."""

    terms: tuple[Node, ...]


class Count(msgspec.Struct, frozen=True):
    """How many elements of the list at *path* are what *condition* asks for, compared with a number."""

    path: tuple[str, ...]
    condition: Node  #: its paths begin at the element
    operator: Operator
    number: int


Node: TypeAlias = "Clause | Not | And | Or | Count"

#: What an operator asks of a value (left) and what it is compared with (right), both of one kind.
COMPARE: dict[Operator, Callable[[Any, Any], bool]] = {
    Operator.EQ: operator.eq,
    Operator.NE: operator.ne,
    Operator.CO: operator.contains,
    Operator.SW: str.startswith,
    Operator.EW: str.endswith,
    Operator.GT: operator.gt,
    Operator.GE: operator.ge,
    Operator.LT: operator.lt,
    Operator.LE: operator.le,
}


class StepsError(Exception):
    """A document holds more than a filter may look at."""


class Steps:
    """What evaluating a filter on one document may cost: a step is a value looked at, or 256 characters of it."""

    def __init__(self, most: int) -> None:
        self._left = most

    def spend(self, values: list[Any], searches: bool) -> None:
        """Count *values*; searches: whether each is searched from end to end. Raises: StepsError."""
        self._left -= 1 + len(values)
        if searches:
            self._left -= sum(len(value) >> 8 for value in values if isinstance(value, str))
        if self._left < 0:
            raise StepsError


def holds(node: Node, document: Any, steps: Steps | None = None) -> bool:
    """Return whether *document* (decoded JSON) is what *node* asks for.

    A clause holds if any of the values at its path matches; text is compared by code point and case counts. Where there
    is no value, only NE holds. A value of another kind than the attribute's matches nothing but NE.
    steps: what it may cost; without bound if None.
    Raises: StepsError, if there are *steps* and they are used up; nothing else.
    """
    if isinstance(node, Clause):
        return _clause_holds(node, document, steps)
    if isinstance(node, Not):
        return not holds(node.term, document, steps)
    if isinstance(node, And):
        return all(holds(term, document, steps) for term in node.terms)
    if isinstance(node, Count):
        elements = _values(document, node.path)
        return COMPARE[node.operator](sum(holds(node.condition, element, steps) for element in elements), node.number)
    return any(holds(term, document, steps) for term in node.terms)


def required(node: Node) -> Iterator[Clause]:
    """Yield the clauses that every match of *node* satisfies: those that nothing but ``and`` joins."""
    if isinstance(node, Clause):
        yield node
    elif isinstance(node, And):
        for term in node.terms:
            yield from required(term)


def _clause_holds(clause: Clause, document: Any, steps: Steps | None) -> bool:
    values = list(_values(document, clause.path))
    if steps is not None:
        steps.spend(values, clause.operator is Operator.CO)
    if clause.operator is Operator.PR:
        return any(value not in ("", {}) for value in values)
    if clause.value is None:
        return bool(values) == (clause.operator is Operator.NE)
    if clause.operator is Operator.NE and not values:
        return True
    return any(_matches(clause, value) for value in values)


def _matches(clause: Clause, value: Any) -> bool:
    known = _as_kind(value, clause.kind)
    if known is None:
        return clause.operator is Operator.NE
    return COMPARE[clause.operator](known, clause.value)


def _as_kind(value: Any, kind: Kind) -> Literal:
    """Return *value* as *kind*, or None. Whole numbers and truth values have a text too: debug data holds both."""
    is_bool = isinstance(value, bool)
    if kind is Kind.BOOLEAN:
        return value if is_bool else None
    if kind is Kind.NUMBER:
        return value if isinstance(value, int | float) and not is_bool else None
    if is_bool:
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int) else None


def _values(value: Any, path: tuple[str, ...]) -> Iterator[Any]:
    if isinstance(value, list):
        for item in value:
            yield from _values(item, path)
    elif value is None:
        return
    elif not path:
        yield value
    elif isinstance(value, dict):
        yield from _values(value.get(path[0]), path[1:])
