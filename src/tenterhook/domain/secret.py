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
            text = text.replace(spelled, MASK)
            lengths = range(len(spelled) - 1, MIN_MASKED - 1, -1)
            if "…" in text:
                for length in lengths:
                    text = text.replace(spelled[:length] + "…", MASK + "…")
            found = next((length for length in lengths if text.endswith(spelled[:length])), 0) if cut else 0
            if found:
                text = text[:-found] + MASK
        return text

    def __repr__(self) -> str:
        return "Secret(…)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret cannot be pickled")
