"""One clause of a log filter as text: made of an attribute and a value, and joined to the filter that is there."""

from __future__ import annotations

import json
import re
from functools import lru_cache

from tenterhook.domain.filter_ast import Kind, Node, Operator, Or, required
from tenterhook.domain.log_field import is_closed, is_custom, kind_of

#: Characters of a value that a clause is made for: a filter has 4 KiB in all.
MAX_VALUE = 512

_NAME = re.compile(r"[A-Za-z_$][\w$-]*(?:[.:][\w$-]+)*")
_RESERVED = ("and", "or", "not")
#: Numbers below are spelled without an exponent, and are what they were when read again.
_EXACT = 1e15


def clause_text(path: tuple[str, ...], value: object, operator: Operator = Operator.EQ) -> str | None:
    """Return the clause that asks for *value* at *path* of log events; None if the filter language has none.

    path: keys from the outside in, without the places in lists. value: decoded JSON, no object and no list.
    """
    known = _known(path)
    if known is None:
        return None
    name, kind = known
    spelled = _spelled(value, kind)
    return None if spelled is None else f"{name} {operator} {spelled}"


@lru_cache(1024)
def _known(path: tuple[str, ...]) -> tuple[str, Kind | None] | None:
    """Return how a filter names a path, and the kind of what is there (None: as the value has it)."""
    name = ".".join(path)
    known = None if is_closed(name) else kind_of(name)
    if known is None or known[0] != path or not _NAME.fullmatch(name) or name.lower() in _RESERVED:
        return None
    return name, None if is_custom(name) else known[1]


def clauses_of(present: Node | None) -> frozenset[str]:
    """Return the clauses, as `clause_text` writes them, that hold for every event that *present* lets through."""
    found = () if present is None else required(present)
    return frozenset(text for one in found if (text := clause_text(one.path, one.value, one.operator)) is not None)


def join_clause(text: str, present: Node | None, clause: str) -> str:
    """Return the filter that asks for what *text* asks for and for *clause* as well; a clause it has is not repeated.

    present: what *text* means; None if it is empty.
    """
    if present is None:
        return clause
    if clause in clauses_of(present):
        return text
    return f"({text}) and {clause}" if isinstance(present, Or) else f"{text} and {clause}"


def _spelled(value: object, kind: Kind | None) -> str | None:
    """Return *value* as a filter spells it; kind: of the attribute, None: as the value has it."""
    if isinstance(value, bool):
        return _as_text(value) if kind is Kind.TEXT else json.dumps(value) if kind in (None, Kind.BOOLEAN) else None
    if isinstance(value, int | float):
        if kind is Kind.TEXT:
            return _as_text(value) if isinstance(value, int) else None
        whole = int(value) if abs(value) < _EXACT and value == int(value) else value
        return json.dumps(whole) if kind in (None, Kind.NUMBER) and abs(value) < _EXACT else None
    if isinstance(value, str) and len(value) <= MAX_VALUE and kind in (None, Kind.TEXT):
        text = json.dumps(value, ensure_ascii=False)
        # What cannot be seen is spelled out: a clause is shown to people.
        return text if text.isprintable() else "".join(map(_seen, text))
    return None


def _seen(char: str) -> str:
    return char if char.isprintable() else json.dumps(char)[1:-1]


def _as_text(value: int) -> str:
    """Return the text that a filter compares a whole number or a truth value as."""
    return f'"{json.dumps(value)}"'
