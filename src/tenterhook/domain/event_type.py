"""The catalogue of event types: which names exist, and which of them hooks can ask for.

Source: Okta's published catalogue 2026.08.1 (names and eligibility are facts of the contract).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType


@cache
def catalogue() -> Mapping[str, bool]:
    """Return every known event type and whether event hooks may subscribe to it."""
    text = resources.files("tenterhook").joinpath("data/event-types.tsv").read_text("utf-8")
    rows = (line.split("\t") for line in text.splitlines()[1:])
    return MappingProxyType({row[0]: row[1] == "yes" for row in rows})


def eligible(name: str) -> bool:
    """Return whether an event hook may subscribe to *name*."""
    return catalogue().get(name, False)
