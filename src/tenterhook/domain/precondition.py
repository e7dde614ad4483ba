"""If-Match: what a caller says it has seen, so that nobody's change is overwritten unseen.

Source: RFC 9110 §8.8.3, §13.1.1.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

_TAG = re.compile(r'(W/)?("[\x21\x23-\x7e\x80-\xff]*")', re.ASCII)
MAX_TAGS = 100


class Precondition(msgspec.Struct, frozen=True):
    """The states of a thing that a change may start from. Made by `read_if_match`."""

    tags: frozenset[str]
    anything: bool = False  #: `*`: whatever its state, if only it is there

    def allows(self, tag: str) -> bool:
        """Return whether a thing whose ETag is *tag* may be changed."""
        return self.anything or tag in self.tags


def read_if_match(values: Sequence[str]) -> Precondition | None:
    """Return what the If-Match headers ask for; None without any.

    A weak tag matches nothing, and neither does what is no tag: the comparison is the strong one.
    """
    if not values:
        return None
    text = ",".join(values)
    if text.strip() == "*":
        return Precondition(frozenset(), anything=True)
    parts = [part.strip() for part in text.split(",")[:MAX_TAGS]]
    matches = [_TAG.fullmatch(part) for part in parts]
    return Precondition(frozenset(match[2] for match in matches if match and not match[1]))
