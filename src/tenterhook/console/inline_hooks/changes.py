"""What commands have changed: the leaves of two JSON trees that are not the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

#: Changes that are shown, and characters of each value.
MOST, LONGEST = 200, 400
_ABSENT = object()


class Change(NamedTuple):
    """One place where two trees differ."""

    path: str  #: a JSON pointer
    before: str | None  #: as JSON, perhaps cut; None: it was not there
    after: str | None  #: as JSON, perhaps cut; None: it is not there any more

    @property
    def word(self) -> str:
        """What happened there, in a word."""
        return "added" if self.before is None else "removed" if self.after is None else "replaced"


def changes_between(before: object, after: object) -> tuple[list[Change], bool]:
    """Return where *after* differs from *before*, in the order of the tree, and whether there is more than is shown.

    Objects are compared member by member; a list, or what was an object and is none any more, is one value.
    """
    found: list[Change] = []
    for change in _walk("", before, after):
        if len(found) == MOST:
            return found, True
        found.append(change)
    return found, False


def _walk(path: str, before: object, after: object) -> Iterator[Change]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in [*before, *(key for key in after if key not in before)]:
            yield from _walk(f"{path}/{_escaped(key)}", before.get(key, _ABSENT), after.get(key, _ABSENT))
    elif before != after or type(before) is not type(after):
        yield Change(path or "/", _shown(before), _shown(after))


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _shown(value: Any) -> str | None:
    if value is _ABSENT:
        return None
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
