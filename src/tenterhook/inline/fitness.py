"""What all parts of a reply are held against before anything is sent."""

from __future__ import annotations

from typing import Any

import msgspec

from tenterhook.domain.inline.reply import MAX_SUMMARY
from tenterhook.domain.strict_json import StrictJsonError, loads
from tenterhook.errors import InvalidError

_encode = msgspec.json.Encoder().encode


def invalid(where: str, what: str) -> InvalidError:
    """Return the refusal of what is at *where* in a reply."""
    return InvalidError("inlineReply", [f"{where}: {what}"])


def plain(where: str, value: Any) -> Any:
    """Return *value* as JSON gives it back."""
    try:
        return loads(_encode(value))
    except (StrictJsonError, TypeError, ValueError, RecursionError) as fault:
        raise invalid(where, f"must be JSON: {fault}") from fault


def text(where: str, value: object, longest: int = MAX_SUMMARY) -> str:
    """Return *value*, if it is a text that is fit to be shown."""
    if not isinstance(value, str) or not value.strip() or len(value) > longest:
        raise invalid(where, f"must be a text of 1 to {longest:,} characters")
    return value
