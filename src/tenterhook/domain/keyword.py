"""Keywords: what ``q`` asks of a log event.

A value is taken apart at white space; each piece counts whole, without the punctuation around it, and, between its
hyphens, in parts. A keyword is there if it is one of these, case aside. Nothing in it is a wildcard or an operator.
Source: okta/system-log.md §4; security checks 158, 159.
"""

from __future__ import annotations

import string
from collections.abc import Iterator
from typing import Any

MAX_KEYWORDS = 10
MAX_KEYWORD_LENGTH = 40

#: The words are Okta's.
_TOO_LONG = (
    f"Freeform search cannot contain items longer than {MAX_KEYWORD_LENGTH} characters. Please shorten the items in "
    "your search or use an advanced filter to query by specific fields."
)
_TOO_MANY = (
    f"Freeform search cannot contain more than {MAX_KEYWORDS} items. Please remove items from your search or use an "
    "advanced filter to query by specific fields."
)
#: What the full-text index keeps inside its tokens stays: without it the index would not find what is said to match.
_AROUND = "".join(sign for sign in string.punctuation if sign not in "._@")


def parse_keywords(text: str) -> tuple[str, ...]:
    """Return the keywords of *text*, each once, folded as `mentions` wants them; empty: it asks nothing."""
    return tuple(dict.fromkeys(text.lower().split()))


def keyword_problem(text: str) -> str | None:
    """Return why the keywords of *text* cannot be searched for, or None; characters are counted as they were given."""
    words = text.split()
    if any(len(word) > MAX_KEYWORD_LENGTH for word in words):
        return _TOO_LONG
    return _TOO_MANY if len(words) > MAX_KEYWORDS else None


def mentions(keywords: tuple[str, ...], event: Any) -> bool:
    """Return whether the values of *event* (decoded JSON) hold every one of *keywords*; keys do not count.

    keywords: from `parse_keywords`. Texts, whole numbers and truth values are looked at, whichever attribute they are.
    """
    if not keywords:
        return True  # most searches have none, and every candidate comes by here
    missing = set(keywords)
    for text in _texts(event):
        folded = text.lower()
        # Few values hold a keyword's letters at all: only those are worth taking apart.
        if any(word in folded for word in missing):
            missing.difference_update(_tokens(folded))
        if not missing:
            return True
    return False


def _texts(event: Any) -> Iterator[str]:
    stack = [event]
    while stack:
        value = stack.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            stack.extend(value.values())
        elif isinstance(value, list):
            stack.extend(value)
        elif isinstance(value, bool):
            yield "true" if value else "false"
        elif isinstance(value, int):
            yield str(value)


def _tokens(text: str) -> Iterator[str]:
    for piece in text.split():
        yield piece
        bare = piece.strip(_AROUND)
        yield bare
        if "-" in bare:
            for part in bare.split("-"):
                yield part.strip(_AROUND)
