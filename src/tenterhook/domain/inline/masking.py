"""Masking secrets in what people read of an inline call; what the process works with stays as the endpoint said it."""

from __future__ import annotations

from typing import Any

import msgspec

from tenterhook.domain.inline.decision import Decision, Question, Unusable
from tenterhook.domain.inline.wording import plain
from tenterhook.domain.secret import Secret

Secrets = tuple[Secret, ...]

_encode = msgspec.json.Encoder().encode
_PLACES = (("context", "credential", "password"), ("messageProfile", "otpCode"))


def secrets_of(question: Question) -> Secrets:
    """Return what *question* tells the endpoint that no log may hold: a password, a one-time code."""
    found = []
    for place in _PLACES:
        value: Any = question.data
        for key in place:
            value = value.get(key) if isinstance(value, dict) else None
        if isinstance(value, str):
            # Texts that are read are written on one line.
            found += [Secret(spelled) for spelled in sorted({value, plain(value, len(value))}, reverse=True)]
    return tuple(found)


def masked(text: str, secrets: Secrets) -> str:
    """Return *text* with each of *secrets* masked."""
    for secret in secrets:
        text = secret.masked_in(text)
    return text


def masked_tree(value: Any, secrets: Secrets) -> Any:
    """Return decoded JSON with *secrets* masked in its texts, keys and numbers."""
    if isinstance(value, str):
        return masked(value, secrets)
    if isinstance(value, dict):
        return {masked(key, secrets): masked_tree(part, secrets) for key, part in value.items()}
    if isinstance(value, list):
        return [masked_tree(part, secrets) for part in value]
    if value is None or isinstance(value, bool):
        return value
    spelled = _encode(value).decode()
    shown = masked(spelled, secrets)
    return value if shown == spelled else shown


def masked_unusable(found: Unusable, secrets: Secrets) -> Unusable:
    """Return why an answer cannot be used, with *secrets* masked."""
    return Unusable(masked(found.why, secrets), masked(found.error_message, secrets))


def masked_decision(decision: Decision, secrets: Secrets) -> Decision:
    """Return *decision* with *secrets* masked in its words: all but the data and the commands."""
    reason, message = decision.reason, decision.error_message
    return msgspec.structs.replace(
        decision,
        error=masked_tree(decision.error, secrets),
        reason=None if reason is None else masked(reason, secrets),
        error_message=None if message is None else masked(message, secrets),
        debug_context=masked_tree(decision.debug_context, secrets),
    )
