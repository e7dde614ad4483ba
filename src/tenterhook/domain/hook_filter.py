"""The filter language of event hooks: as much of Okta's expression language as its hooks know.

    event.outcome.result eq 'FAILURE' && event.target.?[type eq 'User' && displayName ne null].size() > 0

A field is compared with a text, a whole number or null, or asked for a part of its text; a selection of targets is
counted. ``&&`` binds closer than ``||``. A quote in a text is written twice; a backslash is a character like any other.
Names count case, words (``eq``, ``and``, ``null``) do not. There are no other operators, methods or fields.
Source: okta/event-hooks.md §9; security checks 156-165.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import NoReturn, cast

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedInput, UnexpectedToken, v_args

from tenterhook.domain.filter_ast import And, Clause, Count, Literal, Node, Operator, Or

MAX_EXPRESSION_BYTES = 4096
MAX_DEPTH = 16
MAX_DIGITS = 18

#: What an expression may name, and where that is in a log event.
FIELDS: dict[str, tuple[str, ...]] = {
    "event.eventType": ("eventType",),
    "event.outcome.result": ("outcome", "result"),
    "event.outcome.reason": ("outcome", "reason"),
    "event.actor.id": ("actor", "id"),
    "event.actor.type": ("actor", "type"),
    "event.actor.alternateId": ("actor", "alternateId"),
    "event.actor.displayName": ("actor", "displayName"),
    "event.debugData.changedAttributes": ("debugContext", "debugData", "changedAttributes"),
}
#: The one list, and what may be named of its elements, between the square brackets.
LIST = "event.target"
LIST_PATH = ("target",)
ELEMENT_FIELDS: dict[str, tuple[str, ...]] = {name: (name,) for name in ("id", "type", "alternateId", "displayName")}

_GRAMMAR = r"""
?start: either
?either: both (_OR both)*
?both: clause (_AND clause)*
?clause: "(" either ")"
       | field EQUALITY _literal -> compared
       | field _CONTAINS STRING ")" -> contained
       | name _SELECT some_either "]" _SIZE COMPARISON INTEGER -> counted

?some_either: some_both (_OR some_both)* -> either
?some_both: some_clause (_AND some_clause)* -> both
?some_clause: "(" some_either ")"
            | element EQUALITY _literal -> compared
            | element _CONTAINS STRING ")" -> contained

field: name
element: name
name: NAME ("." NAME)*
_literal: STRING | INTEGER | NULL

_SELECT.2: /\.\s*\?\s*\[/
_CONTAINS.2: /\.\s*contains\s*\(/
_SIZE.2: /\.\s*size\s*\(\s*\)/
_OR.2: /\|\||or(?!\w)/i
_AND.2: /&&|and(?!\w)/i
EQUALITY.2: /==|!=|(?:eq|ne)(?!\w)/i
COMPARISON.2: />=|<=|==|!=|>|<|(?:eq|ne)(?!\w)/i
NULL.2: /null(?!\w)/i
NAME: /(?!not(?!\w))[A-Za-z_]\w*/i
STRING: /'(?:[^']|'')*'/
INTEGER: /-?[0-9]+(?![\w.])/
%ignore /[ \t\r\n]+/
"""

_OPERATORS = {"==": Operator.EQ, "!=": Operator.NE, ">": Operator.GT, ">=": Operator.GE, "<": Operator.LT}
_OPERATORS["<="] = Operator.LE
_WORDS = {
    "NAME": "a field such as event.outcome.result",
    "EQUALITY": "eq or ne",
    "_CONTAINS": ".contains('…')",
    "_SELECT": ".?[…]",
    "_SIZE": ".size()",
    "COMPARISON": "==, !=, >, >=, < or <=",
    "STRING": "a text in single quotes",
    "INTEGER": "a whole number",
    "NULL": "null",
    "_AND": "&&",
    "_OR": "||",
    "LPAR": "(",
    "RPAR": ")",
    "RSQB": "]",
    "$END": "the end",
}
#: What people write who know other languages; looked for where the expression stops making sense.
_ADVICE = (
    (re.compile(r"!(?!=)|not\b", re.I), "there is no 'not': use ne or !="),
    (re.compile(r'"'), "a text stands in single quotes"),
    (re.compile(r"'(?:[^']|'')*+'"), "a comparison begins with its field"),
    (re.compile(r"'"), "this text does not end; a quote inside a text is written twice: ''"),
    (re.compile(r"=(?!=)"), "use == or eq"),
    (re.compile(r"&(?!&)|\|(?!\|)"), "use && or ||"),
    (re.compile(r"(?:co|sw|ew|pr|gt|ge|lt|le|matches|instanceof|between|in)\b", re.I), "there is no such operator"),
    (re.compile(r"\("), "the only calls are .contains('…') on a field and .size() on a selection"),
)
#: A text that never ends reaches to the end: trying again at each of its quotes would be quadratic.
_MARKS = re.compile(r"'(?:[^']|'')*+'?|[()\[\]]")


class HookFilterError(ValueError):
    """The expression is none of this language: the text says what, ``at column N`` (from 1), and what is expected."""


@lru_cache(maxsize=1024)
def parse_hook_filter(text: str) -> Node:
    """Return what *text* asks for. Raises: HookFilterError."""
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_EXPRESSION_BYTES:
        raise HookFilterError(f"is longer than {MAX_EXPRESSION_BYTES:,} bytes, it has {size:,}")
    _check_depth(text)
    try:
        return cast("Node", _parser().parse(text))
    except UnexpectedInput as error:
        _refuse_syntax(text, error)


def prepare() -> None:
    """Build the parser ahead of its first use: that takes a moment, which the first event should not wait for."""
    _parser()


@cache
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr", lexer="contextual", transformer=_ToTree(), maybe_placeholders=False)


@v_args(inline=True)
class _ToTree(Transformer[Token, Node]):
    def either(self, *terms: Node) -> Node:
        return terms[0] if len(terms) == 1 else Or(terms)

    def both(self, *terms: Node) -> Node:
        return terms[0] if len(terms) == 1 else And(terms)

    def name(self, *parts: Token) -> Token:
        return Token.new_borrow_pos("NAME", ".".join(parts), parts[0])

    def field(self, name: Token) -> tuple[str, ...]:
        if name in FIELDS:
            return FIELDS[name]
        if name == LIST:
            _refuse(f"{LIST} is a list", name, f"a selection of it: {LIST}.?[type eq 'User'].size() > 0")
        return _refuse(f"unknown field {_clipped(name)}", name, f"one of {', '.join(FIELDS)}, {LIST}.?[…]")

    def element(self, name: Token) -> tuple[str, ...]:
        if name in ELEMENT_FIELDS:
            return ELEMENT_FIELDS[name]
        return _refuse(f"unknown field {_clipped(name)} of a target", name, f"one of {', '.join(ELEMENT_FIELDS)}")

    def compared(self, path: tuple[str, ...], operator: Token, value: Token) -> Node:
        return Clause(path, _operator(operator), _literal(value))

    def contained(self, path: tuple[str, ...], value: Token) -> Node:
        return Clause(path, Operator.CO, _literal(value))

    def counted(self, name: Token, condition: Node, operator: Token, number: Token) -> Node:
        if name != LIST:
            _refuse(f"{_clipped(name)} cannot be selected from", name, f"{LIST}.?[…]")
        return Count(LIST_PATH, condition, _operator(operator), _integer(number))


def _operator(word: Token) -> Operator:
    return _OPERATORS.get(word) or Operator(word.lower())


def _literal(token: Token) -> Literal:
    if token.type == "NULL":
        return None
    return token[1:-1].replace("''", "'") if token.type == "STRING" else _integer(token)


def _integer(token: Token) -> int:
    if len(token.lstrip("-")) > MAX_DIGITS:
        _refuse(f"a number with more than {MAX_DIGITS} digits", token, "a smaller one")
    return int(token)


def _refuse(what: str, token: Token, wanted: str) -> NoReturn:
    raise HookFilterError(f"{what} at column {(token.start_pos or 0) + 1}; expected {wanted}")


def _check_depth(text: str) -> None:
    depth = 0
    for mark in _MARKS.finditer(text):
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(mark[0], 0)
        if depth > MAX_DEPTH:
            raise HookFilterError(f"brackets are nested deeper than {MAX_DEPTH} levels at column {mark.start() + 1}")


def _refuse_syntax(text: str, error: UnexpectedInput) -> NoReturn:
    at_end = isinstance(error, UnexpectedToken) and error.token.type == "$END"
    position = len(text) if at_end else error.pos_in_stream or 0
    expected: set[str] = set()
    if isinstance(error, UnexpectedToken):
        expected = error.accepts or error.expected
    elif isinstance(error, UnexpectedCharacters):
        expected = error.allowed
    rest = text[position:]
    found = (rest.split(None, 1) or [""])[0]
    what = f"unexpected '{_clipped(found)}'" if found else "unexpected end"
    words = [word for name, word in _WORDS.items() if name in expected]
    wanted = " or ".join(filter(None, (", ".join(words[:-1]), words[-1]))) if words else "something else"
    advice = next((advice for pattern, advice in _ADVICE if pattern.match(rest)), None)
    if advice is None and "EQUALITY" in expected:
        advice = "a field alone is neither true nor false"
    hint = f" ({advice})" if advice else ""
    raise HookFilterError(f"{what} at column {position + 1}; expected {wanted}{hint}") from error


def _clipped(text: str) -> str:
    return text if len(text) <= 40 else text[:40] + "…"


# ---- the way back ----------------------------------------------------------------------------------------------------

_NAMES = {path: name for name, path in (*FIELDS.items(), *ELEMENT_FIELDS.items(), (LIST, LIST_PATH))}


def spell(node: Node) -> str:
    """Return an expression that means *node*: `parse_hook_filter` gives the very same tree for it."""
    if isinstance(node, Clause):
        name = spell_path(node.path)
        if node.operator is Operator.CO:
            return f"{name}.contains({spell_literal(node.value)})"
        return f"{name} {node.operator} {spell_literal(node.value)}"
    if isinstance(node, Count):
        return f"{spell_count(node)} {spell_operator(node.operator)} {node.number}"
    if isinstance(node, And | Or):
        joiner = " && " if isinstance(node, And) else " || "
        return joiner.join(f"({spell(term)})" if isinstance(term, And | Or) else spell(term) for term in node.terms)
    raise TypeError(f"{type(node).__name__} is no part of this language")


def spell_count(node: Count) -> str:
    """Return what *node* counts, as an expression writes it."""
    return f"{spell_path(node.path)}.?[{spell(node.condition)}].size()"


def spell_path(path: tuple[str, ...]) -> str:
    """Return the field's name."""
    return _NAMES[path]


def spell_operator(operator: Operator) -> str:
    """Return how a count is compared."""
    return next(sign for sign, one in _OPERATORS.items() if one is operator)


def spell_literal(value: Literal) -> str:
    """Return a literal as an expression writes it."""
    if value is None:
        return "null"
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)
