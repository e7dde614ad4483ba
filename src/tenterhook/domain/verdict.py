"""What a hook's filter makes of one event: true, false and why, or that it could not be evaluated.

Total: an event in the log's form gives an answer, whatever it holds. A path that leads nowhere is null; a value of
another type than the literal is not equal to it; ``&&`` and ``||`` look at their right side only if they have to. What
cannot be answered (a part of what is no text, too long a walk) is a *filter error*: no match, and a text that says why.
Source: okta/event-hooks.md §9; security checks 163-165.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from tenterhook.domain.document import as_number, kind_of
from tenterhook.domain.filter_ast import COMPARE, And, Clause, Count, Literal, Node, Operator, Or
from tenterhook.domain.hook_filter import (
    HookFilterError,
    parse_hook_filter,
    spell_count,
    spell_literal,
    spell_operator,
    spell_path,
)
from tenterhook.domain.log_event import Tree

#: Steps that one evaluation may take: a comparison is one, an element of a list is one, and so is each part of a long
#: text that is searched. They are some milliseconds, whatever event meets whatever filter.
MAX_STEPS = 10_000
#: Steps that the filters of all hooks may take on one event: a tenant's many hooks must not stop the others' work.
MAX_EVENT_STEPS = 20_000
#: Steps that each filter may take all the same, so that none fails for what the others took: more than an expression
#: can spell comparisons (one that walks through a list may need more).
OWN_STEPS = 250
#: Characters of a text that are searched in one step.
STEP_CHARACTERS = 256
#: What reading an expression costs, in steps a character: it is done once, at its first event.
_READING = 4

_CONTAINS = Operator.CO  # looking up an enum's member costs 0.08 µs, which is a third of a step
#: Characters of a value, and of a reason as a whole.
MAX_SHOWN, MAX_REASON = 80, 500


class Verdict(msgspec.Struct, frozen=True):
    """What a filter made of one event."""

    matched: bool
    error: str | None = None  #: why the filter could not be evaluated, in words


MATCHED, NOT_MATCHED = Verdict(True), Verdict(False)


class HookFilter:
    """The condition of one event type of one hook; read when it is needed first, and kept."""

    __slots__ = ("_node", "expression")

    def __init__(self, expression: str) -> None:
        self.expression = expression
        self._node: Node | None = None

    def judge(self, event: Tree) -> Verdict:
        """Return what the filter makes of *event* (in the log's form, before it names its hooks); never raises."""
        return self.judge_within(MAX_STEPS, event)[0]

    def judge_within(self, limit: int, event: Tree) -> tuple[Verdict, int]:
        """Return the same on at most *limit* steps, and how many were taken; never raises."""
        walk = _Walk(limit)
        try:
            verdict = MATCHED if walk.true(self._read(), event) else NOT_MATCHED
        except (_EvaluationError, HookFilterError) as error:
            verdict = Verdict(False, str(error))
        return verdict, min(walk.taken, limit)

    def explain(self, event: Tree, verdict: Verdict | None = None) -> str:
        """Return the verdict as a sentence that names what decided. verdict: what `judge` made of *event*, if known."""
        verdict = verdict or self.judge(event)
        if verdict.error is not None:
            return f"The filter could not be evaluated: {_cut(verdict.error)}."
        if verdict.matched:
            return "The filter matched."
        return f"The filter did not match: {_cut(_why_not(self._read(), event))}."

    @property
    def unread(self) -> bool:
        """Return whether the expression is still to be read."""
        return self._node is None

    def _read(self) -> Node:
        if self._node is None:
            self._node = parse_hook_filter(self.expression)
        return self._node


class Verdicts:
    """What the filters of many hooks make of one event: each expression once, on steps that they share."""

    __slots__ = ("_known", "_taken", "work")

    def __init__(self) -> None:
        self._known: dict[str, Verdict] = {}
        self._taken = 0
        self.work = 0  #: what was done so far, in steps: those that were taken, and the reading of expressions

    def of(self, chosen: HookFilter, event: Tree) -> Verdict:
        """Return what *chosen* makes of *event*, which is the same one at every call; never raises."""
        verdict = self._known.get(chosen.expression)
        if verdict is None:
            self.work += _READING * len(chosen.expression) if chosen.unread else 0
            limit = max(OWN_STEPS, min(MAX_STEPS, MAX_EVENT_STEPS - self._taken))
            verdict, taken = chosen.judge_within(limit, event)
            self._taken += taken
            self.work += taken
            self._known[chosen.expression] = verdict
        return verdict


class _EvaluationError(Exception):
    """The filter cannot be evaluated on this event."""


class _Walk:
    """One evaluation, and the steps that it took."""

    def __init__(self, limit: int = MAX_STEPS) -> None:
        self._limit = limit
        self.taken = 0

    def true(self, node: Node, value: Any) -> bool:
        """Return whether *node* holds for *value*: the event, or an element of a list."""
        if isinstance(node, Clause):
            self._step()
            found = _at(value, node.path)
            if node.operator is _CONTAINS and isinstance(found, str):
                self._step(len(found) // STEP_CHARACTERS)
            return _holds(node, found)
        if isinstance(node, And):
            return all(self.true(term, value) for term in node.terms)
        if isinstance(node, Or):
            return any(self.true(term, value) for term in node.terms)
        if isinstance(node, Count):
            return COMPARE[node.operator](self.count(node, value), node.number)
        raise _EvaluationError(f"{type(node).__name__} is no part of a hook's filter")

    def count(self, node: Count, value: Any) -> int:
        """Return how many elements of the node's list are what its condition asks for."""
        elements = _at(value, node.path)
        count = 0
        for element in elements if isinstance(elements, list) else ():
            self._step()
            count += self.true(node.condition, element)
        return count

    def _step(self, steps: int = 1) -> None:
        self.taken += steps
        if self.taken > self._limit:
            raise _EvaluationError(_too_many(self._limit))


def _too_many(limit: int) -> str:
    if limit == MAX_STEPS:
        return f"it takes more than {limit:,} steps on this event"
    shared = f"the filters of all hooks share {MAX_EVENT_STEPS:,} on one event"
    return f"it takes more than the {limit:,} steps that were left for it, as {shared}"


def _why_not(node: Node, value: Any) -> str:
    """Return which comparison made *node* false, and what it found. Each look has its own steps: one has had enough."""
    if isinstance(node, And):
        return next(_why_not(term, value) for term in node.terms if not _Walk().true(term, value))
    if isinstance(node, Or):
        return "; ".join(_why_not(term, value) for term in node.terms)
    if isinstance(node, Count):
        return f"{_cut(spell_count(node))} is {_Walk().count(node, value)}, {_miss(node, spell_operator)}"
    if isinstance(node, Clause):
        return f"{spell_path(node.path)} is {_shown(_at(value, node.path))}, {_miss(node)}"
    raise _EvaluationError(f"{type(node).__name__} is no part of a hook's filter")


def _at(value: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _holds(clause: Clause, found: Any) -> bool:
    if clause.operator is not Operator.CO:
        return _equal(found, clause.value) == (clause.operator is Operator.EQ)
    if not isinstance(found, str):
        raise _EvaluationError(f"{spell_path(clause.path)} is {_shown(found)}, and .contains needs a text")
    return str(clause.value) in found


def _equal(found: Any, literal: Literal) -> bool:
    if literal is None:
        return found is None
    if isinstance(literal, str):
        return isinstance(found, str) and found == literal
    number = as_number(found)
    return number is not None and number == literal


def _miss(node: Clause | Count, sign: Callable[[Operator], str] = str) -> str:
    literal = spell_literal(node.value if isinstance(node, Clause) else node.number)
    literal = literal if len(literal) <= MAX_SHOWN else literal[:MAX_SHOWN] + "…"
    if node.operator is Operator.CO:
        return f"which does not contain {literal}"
    if node.operator is Operator.NE:
        return "and must not be"
    return f"not {literal}" if node.operator is Operator.EQ else f"not {sign(node.operator)} {literal}"


def _shown(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return msgspec.json.encode(value).decode()
    if isinstance(value, str):
        return spell_literal(value if len(value) <= MAX_SHOWN else value[:MAX_SHOWN] + "…")
    number = as_number(value)
    return kind_of(value) if number is None else f"{number:g}"


def _cut(text: str) -> str:
    return text if len(text) <= MAX_REASON else text[:MAX_REASON] + "…"
