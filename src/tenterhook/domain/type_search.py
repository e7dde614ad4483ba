"""Which event types somebody means who types a few words. `static/console.js` has the same rule for its picker."""

from __future__ import annotations

import re
from collections.abc import Sequence

_BETWEEN = re.compile(r"[\s._-]+")
#: What people call login and logout too.
_SIGNED = re.compile(r"\bsigns? (in|out)\b")
#: A word of so few letters is no part of another one, only its beginning: "in" is not meant by "admin".
_SHORT = 2
#: Letters that a stem has at least, and what may follow it.
_STEM, _ENDINGS = 4, ("s", "d", "es", "ed", "ing", "ion", "ions")


def words_of(text: str) -> list[str]:
    """Return the words of a name or of what was typed, in small letters: dots, dashes and underscores part them."""
    return [word for word in _BETWEEN.split(text.lower()) if word]


def finds(sought: Sequence[str], text: str) -> bool:
    """Return whether every word of *sought* is found anywhere in *text*: a type's name, label and family.

    An ending more or less is no difference: ``created`` finds ``create``, and ``create`` ``created``.
    sought: as of `words_of`; none at all finds everything.
    """
    words = words_of(text)
    whole = " ".join(words)
    words += [f"{verb}{way}" for way in _SIGNED.findall(whole) for verb in ("log", "sign")]
    return all(any(_is_found(word, one) for one in words) for word in sought)


def _is_found(word: str, one: str) -> bool:
    if one.startswith(word) or (len(word) > _SHORT and word in one):
        return True
    stem = one.removesuffix("e")
    return len(stem) >= _STEM and word.startswith(stem) and word[len(stem) :] in _ENDINGS
