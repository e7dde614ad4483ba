"""The filter language of the System Log: SCIM's, without value paths, with ``co`` and ``ew``.

    eventType eq "user.session.start" and (outcome.result ne "SUCCESS" or not actor.id pr)

Attribute names count case, operators do not; ``not`` binds closer than ``and``, ``and`` closer than ``or``. Every
filter is small (4 KiB) and shallow (16 brackets), so that reading one is quick and its tree may be walked by recursion.
Source: okta/system-log.md §3 and §5; RFC 7644 §3.4.2.2; security checks 156, 162.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import NoReturn, cast

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedInput, UnexpectedToken, v_args

from tenterhook.domain.filter_ast import And, Clause, Kind, Literal, Node, Not, Operator, Or
from tenterhook.domain.log_field import is_closed, is_custom, kind_of
from tenterhook.errors import QueryError

MAX_FILTER_BYTES = 4096
MAX_DEPTH = 16

_GRAMMAR = r"""
?start: disjunction
?disjunction: conjunction (_OR conjunction)*
?conjunction: negation (_AND negation)*
?negation: _NOT primary -> negated
         | primary
?primary: "(" disjunction ")"
        | ATTRIBUTE PRESENT -> present
        | ATTRIBUTE OPERATOR value -> compared
?value: STRING | NUMBER | WORD

_OR.2: /or(?![\w.:$-])/i
_AND.2: /and(?![\w.:$-])/i
_NOT.2: /not(?![\w.:$-])/i
PRESENT.2: /pr(?![\w.:$-])/i
ATTRIBUTE: /(?!(?:and|or|not)(?![\w.:$-]))[A-Za-z_$][\w$-]*(?:[.:][\w$-]+)*/i
OPERATOR: /[A-Za-z_][\w.:$-]*/
STRING: /"(?:[^"\\]|\\.)*"/
NUMBER: /-?(?:0|[1-9][0-9]{0,19})(?:\.[0-9]{1,20})?(?:[eE][+-]?[0-9]{1,2})?(?![\w.])/
WORD: /(?:true|false|null)(?![\w.])/i
%ignore /[ \t\r\n]+/
"""

#: The list is Okta's own text; ``ne`` and ``ew`` work although it does not name them.
_OPERATORS_TEXT = "eq,co,sw,pr,gt,ge,lt,le"
_WORDS = {
    "ATTRIBUTE": "an attribute",
    "STRING": "a value in double quotes",
    "NUMBER": "a number",
    "WORD": "true or false",
    "_AND": "and",
    "_OR": "or",
    "_NOT": "not",
    "LPAR": "(",
    "RPAR": ")",
    "$END": "the end",
}
_SUBSTRING = (Operator.CO, Operator.SW, Operator.EW)
_ORDERED = (Operator.GT, Operator.GE, Operator.LT, Operator.LE)
#: Addresses are searched by their beginning only: Okta does not look inside them.
_NO_CONTAINS = ("debugContext.debugData.url", "debugContext.debugData.requestUri")
_WORD_VALUES: dict[str, bool | None] = {"true": True, "false": False, "null": None}
_NUMBER = re.compile(r"-?\d{1,20}(?:\.\d{1,20})?(?:[eE][+-]?\d{1,2})?", re.ASCII)
#: A string that never ends reaches to the end of the text: trying again at each of its quotes would be quadratic.
_MARKS = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\\?\Z)|[()]', re.DOTALL)


def parse_log_filter(text: str) -> Node:
    """Return what *text* asks for.

    Raises: QueryError, in Okta's words where it has some; positions count from 0.
    """
    if len(text.encode("utf-8", "surrogatepass")) > MAX_FILTER_BYTES:
        raise QueryError("E0000053", f"Invalid filter: It is longer than {MAX_FILTER_BYTES} bytes.")
    _check_depth(text)
    try:
        return cast("Node", _parser().parse(text))
    except UnexpectedInput as error:
        _refuse_syntax(text, error)
    except _ClauseError as error:
        summary = str(error) if error.whole else f"Invalid filter '{text}': {error}"
        raise QueryError(error.code, summary, position=error.position) from error


@cache
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr", lexer="contextual", transformer=_ToTree(), maybe_placeholders=False)


class _ClauseError(Exception):
    """A clause that is well-formed and says nothing that we can do."""

    def __init__(self, code: str, summary: str, position: int | None, *, whole: bool = True) -> None:
        super().__init__(summary)
        self.code = code
        self.position = position
        #: Whether the summary stands alone, or follows "Invalid filter '…': ".
        self.whole = whole


@v_args(inline=True)
class _ToTree(Transformer[Token, Node]):
    def disjunction(self, *terms: Node) -> Node:
        return Or(terms)

    def conjunction(self, *terms: Node) -> Node:
        return And(terms)

    def negated(self, term: Node) -> Node:
        return Not(term)

    def present(self, attribute: Token, operator: Token) -> Node:
        path, kind = _attribute(attribute, Operator.PR)
        return Clause(path, Operator.PR, None, kind)

    def compared(self, attribute: Token, word: Token, value: Token) -> Node:
        operator = _operator(word)
        path, kind = _attribute(attribute, operator)
        kind = _spelled(value) if is_custom(attribute) else kind
        literal = _literal(value, kind)
        if (literal is None and operator not in (Operator.EQ, Operator.NE)) or not _supports(kind, operator, literal):
            raise _unsupported(operator, attribute)
        return Clause(path, operator, literal, kind)


def _operator(word: Token) -> Operator:
    try:
        return Operator(word.lower())
    except ValueError as error:
        text = _unrecognized(word, word.start_pos or 0)
        raise _ClauseError("E0000053", text, word.start_pos, whole=False) from error


def _attribute(name: Token, operator: Operator) -> tuple[tuple[str, ...], Kind]:
    if is_closed(name) or (operator is Operator.CO and name in _NO_CONTAINS):
        raise _unsupported(operator, name)
    known = kind_of(name)
    if known is None:
        raise _ClauseError("E0000053", f"field is not valid: {name}", name.start_pos)
    return known


def _spelled(value: Token) -> Kind:
    """Return the kind that *value* is spelled as, for attributes that have none of their own."""
    if value.type == "NUMBER":
        return Kind.NUMBER
    return Kind.BOOLEAN if value.lower() in ("true", "false") else Kind.TEXT


def _supports(kind: Kind, operator: Operator, literal: Literal) -> bool:
    if kind is Kind.OBJECT:
        return literal is None
    if operator in _SUBSTRING:
        return kind is Kind.TEXT
    return operator not in _ORDERED or kind is not Kind.BOOLEAN


def _literal(token: Token, kind: Kind) -> Literal:
    """Return the value that *token* spells, as *kind*: ``"true"`` will do for true, and 7 for ``"7"``."""
    if token.type == "WORD" and token.lower() == "null":
        return None
    text = _string(token) if token.type == "STRING" else str(token)
    if kind is Kind.BOOLEAN and text.lower() in _WORD_VALUES:
        return _WORD_VALUES[text.lower()]
    if kind is Kind.NUMBER and token.type != "WORD":
        if not _NUMBER.fullmatch(text):
            _refuse_value(token, "a number")
        return float(text)
    if kind in (Kind.TEXT, Kind.OBJECT):
        return text
    return _refuse_value(token, "true or false" if kind is Kind.BOOLEAN else "a number")


def _string(token: Token) -> str:
    try:
        text: str = json.loads(token)
        text.encode("utf-8")
    except ValueError:
        _refuse_value(token, "a JSON string")
    return text


def _refuse_value(token: Token, wanted: str) -> NoReturn:
    raise _ClauseError(
        "E0000053",
        f"Unrecognized value {_clipped(token)} at position {token.start_pos}. Expected: {wanted}",
        token.start_pos,
        whole=False,
    )


def _unsupported(operator: Operator, name: Token) -> _ClauseError:
    return _ClauseError(
        "E0000031",
        "The supplied combination of operator and field is not currently supported. "
        f"Operator: {operator}, Field: {name}",
        name.start_pos,
    )


def _unrecognized(word: str, position: int) -> str:
    return f"Unrecognized attribute operator '{word}' at position {position}. Expected: {_OPERATORS_TEXT}"


def _check_depth(text: str) -> None:
    depth = 0
    for mark in _MARKS.finditer(text):
        depth += {"(": 1, ")": -1}.get(mark[0], 0)
        if depth > MAX_DEPTH:
            what = f"Brackets are nested deeper than {MAX_DEPTH} levels at position {mark.start()}."
            raise QueryError("E0000053", f"Invalid filter '{text}': {what}", position=mark.start())


def _refuse_syntax(text: str, error: UnexpectedInput) -> NoReturn:
    at_end = isinstance(error, UnexpectedToken) and error.token.type == "$END"
    position = len(text) if at_end else error.pos_in_stream or 0
    expected: set[str] = set()
    if isinstance(error, UnexpectedToken):
        expected = error.accepts or error.expected
    elif isinstance(error, UnexpectedCharacters):
        expected = error.allowed
    found = (text[position:].split(None, 1) or [""])[0]
    if "OPERATOR" in expected:
        what = _unrecognized(_clipped(found), position)
    else:
        wanted = ", ".join(word for name, word in _WORDS.items() if name in expected)
        seen = f"'{_clipped(found)}'" if found else "end"
        what = f"Unexpected {seen} at position {position}. Expected: {wanted}"
    raise QueryError("E0000053", f"Invalid filter '{text}': {what}", position=position) from error


def _clipped(text: str) -> str:
    return text if len(text) <= 40 else text[:40] + "…"
