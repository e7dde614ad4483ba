"""What a search can ask the full-text index: words that the text of every match surely holds.

The index knows the words of an event's JSON, whatever attribute they are in, and folds their case. It is asked for
candidates only; each is judged by the event itself. So a word may be left out at will, and none may be asked for that
a match could lack. That takes care at the edges of a value, and with letters whose case SQLite and Python fold
differently: those letters, and what touches them, are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from tenterhook.domain.filter_ast import And, Clause, Kind, Node, Operator, Or

#: Letters that are part of a word for the index, and whose case it folds as Python does (a test compares them all).
LETTERS = (
    "A-Za-z0-9._@\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u012f\u0131-\u017e\u03ac-\u03c1\u03c4-\u03ce\u0400-\u045f"
    "\u05d0-\u05ea\u0620-\u064a\u3041-\u3096\u30a1-\u30fa\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3"
)
#: Characters that part words for the index, and are nobody's other case.
SEPARATORS = "\\x00-\\x2d/:-?\\[-^`{-\x7f\u00a0-\u00a9\u00ab-\u00b1\u00bb\u00bf\u2010-\u2027\u3000-\u3003\u3008-\u3011"
_WORD = re.compile(f"(?<![^{SEPARATORS}])[{LETTERS}]+(?![^{SEPARATORS}])")
#: Neither a letter nor a separator: beyond the edge of a part of a value, anything may follow.
_ANYTHING = "\uffff"

#: What stands before an actor's id in the word that says that it is the actor's.
ACTOR = "actor."
#: Words asked for one value: the longest, which are the rarest.
MAX_WORDS = 6
#: Words of a whole query, beyond which it is not worth asking the index.
MAX_TERMS = 64


def words_of(text: str, *, begins: bool = True, ends: bool = True) -> list[str]:
    """Return the words that a value must hold which has *text* in it, longest first.

    begins, ends: whether the value is known to begin (end) where *text* does; if not, a word there may go on.
    """
    whole = ("" if begins else _ANYTHING) + text + ("" if ends else _ANYTHING)
    return sorted(dict.fromkeys(_WORD.findall(whole)), key=len, reverse=True)[:MAX_WORDS]


def match_of(org_word: str | None, node: Node | None, keywords: Iterable[str]) -> str | None:
    """Return the full-text query for candidates of a filter and keywords in an org; None: the index is of no help.

    org_word: what `log_index.org_word` says; None for an org that has nearly all of the log: there it only costs (1 ms
    in 100,000 events).
    Its words are quoted, and hold neither quotes nor anything else that the query language knows.
    """
    parts = [_all_of(words_of(word)) for word in keywords]
    if node is not None:
        parts.append(_asked(node))
    terms = [part for part in parts if part is not None]
    query = " AND ".join([*([] if org_word is None else [f'"{org_word}"']), *terms])
    return query if terms and query.count('"') <= 2 * MAX_TERMS else None


def _asked(node: Node) -> str | None:
    if isinstance(node, Clause):
        return _asked_by(node)
    if isinstance(node, And):
        terms = [term for part in node.terms if (term := _asked(part)) is not None]
        return f"({' AND '.join(terms)})" if terms else None
    if isinstance(node, Or):
        branches = [_asked(part) for part in node.terms]
        known = [branch for branch in branches if branch is not None]
        return f"({' OR '.join(known)})" if len(known) == len(branches) else None
    return None


def _asked_by(clause: Clause) -> str | None:
    if clause.kind is not Kind.TEXT or not isinstance(clause.value, str):
        return None
    match clause.operator:
        case Operator.EQ:
            words = words_of(clause.value)
            is_actor = clause.path == ("actor", "id") and words == [clause.value]
            return _all_of([ACTOR + clause.value] if is_actor else words)
        case Operator.SW:
            return _all_of(words_of(clause.value, ends=False))
        case Operator.EW:
            return _all_of(words_of(clause.value, begins=False))
        case Operator.CO:
            return _all_of(words_of(clause.value, begins=False, ends=False))
        case _:
            return None


def _all_of(words: list[str]) -> str | None:
    quoted = [f'"{word}"' for word in words]
    return f"({' AND '.join(quoted)})" if quoted else None
