"""The domain's words for the fields of a hook, which are the API's paths, in the words of the pages."""

from __future__ import annotations

import re

from tenterhook.errors import InvalidError

_HEADER = re.compile(r"channel\.config\.headers\[(\d{1,4})\](?:\.(?:key|value))?")
_WORDS = (
    ("the value of channel.config.authScheme", "the secret"),
    ("channel.config.authScheme.value", "the secret"),
    ("channel.config.authScheme", "the secret"),
    ("channel.config.uri", "the URL"),
    ("channel.config.headers", "the other headers"),
    ("events.items", "the event types"),
    ("channel.config.clientSecret", "the client secret"),
    ("channel.config.hookKeyId", "the hook key"),
)


def plain(text: str) -> str:
    """Return *text* with the pages' words for fields: ``channel.config.uri`` is the URL."""
    said = _HEADER.sub(lambda found: f"header {int(found[1]) + 1}", text)
    for path, word in _WORDS:
        said = said.replace(path, word)
    return said[:1].upper() + said[1:]


def in_words(error: InvalidError) -> InvalidError:
    """Return *error* with each problem in the pages' words; its field's path stays."""
    parts = (problem.partition(": ") for problem in error.problems)
    return InvalidError(
        error.entity, [f"{path}{colon}{plain(text)}" if colon else plain(path) for path, colon, text in parts]
    )
