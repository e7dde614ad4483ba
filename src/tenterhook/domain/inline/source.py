"""The ``source`` of a call's envelope. Source: okta/inline-hooks.md §4."""

from __future__ import annotations

from typing import Any

from tenterhook.domain.inline.decision import Question
from tenterhook.domain.inline.hook import InlineHook
from tenterhook.domain.inline.kind import IMPORT, REGISTRATION, SAML, TOKEN


def source_of(question: Question, hook: InlineHook, public_url: str) -> str:
    """Return what the type has as its source.

    The address that was asked for a token or an assertion; the id of the policy of a registration, where *question*
    names it; the hook's id for an import; else the hook's own address below *public_url* (no slash at its end).
    """
    if question.kind in (TOKEN, SAML):
        return _text(question.data, "context", "request", "url", "value") or hook.id
    if question.kind is REGISTRATION:
        return _text(question.data, "context", "policy", "id") or hook.id
    if question.kind is IMPORT:
        return hook.id
    return f"{public_url}/api/v1/inlineHooks/{hook.id}"


def _text(tree: Any, *path: str) -> str | None:
    for key in path:
        tree = tree.get(key) if isinstance(tree, dict) else None
    return tree if isinstance(tree, str) and tree else None
