"""Text that must not show."""

from __future__ import annotations

import hmac
import json
from typing import NoReturn

#: What is shown in place of a secret.
MASK = "********"
#: A text that is shorter is masked nowhere: it is no secret, and where it was masked would tell it.
MIN_MASKED = 4


class Secret:
    """A secret text: it prints as ``Secret(…)`` and refuses to be pickled, formatted or encoded."""

    __slots__ = ("_spellings", "_value")

    def __init__(self, value: str) -> None:
        self._value = value
        in_json = {json.dumps(value, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)}
        # Some escape slashes in JSON.
        slashed = {spelled.replace("/", "\\/") for spelled in in_json}
        every = {value, repr(value)[1:-1], *in_json, *slashed} if len(value) >= MIN_MASKED else ()
        self._spellings = tuple(sorted(every, key=len, reverse=True))

    def reveal(self) -> str:
        """Return the text itself; every call is a place to look at in review."""
        return self._value

    def masked_in(self, text: str, *, cut: bool = False) -> str:
        """Return *text* with `MASK` for this secret, also as JSON and `repr` spell it.

        Its beginning is masked as well where a text that was shortened goes on with "…".

        cut: whether the text may end in the middle of it, so that its beginning at the end is masked, too.
        """
        for spelled in self._spellings:
            if spelled[:MIN_MASKED] not in text:
                continue
            *shortened, end = text.replace(spelled, MASK).split("…")
            shortened = [_end_masked(part, spelled) for part in shortened]
            text = "…".join([*shortened, _end_masked(end, spelled) if cut else end])
        return text

    def __repr__(self) -> str:
        return "Secret(…)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret cannot be pickled")


def _end_masked(text: str, secret: str) -> str:
    """Return *text* with `MASK` for as much of *secret*'s beginning as it ends with."""
    head, end = secret[:MIN_MASKED], text[1 - len(secret) :]
    at = end.find(head)
    while at >= 0:
        if secret.startswith(end[at:]):
            return text[: len(text) - len(end) + at] + MASK
        at = end.find(head, at + 1)
    return text
