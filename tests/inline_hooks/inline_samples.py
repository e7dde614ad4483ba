"""Inline hooks and bodies that the tests of inline hooks begin with."""

from __future__ import annotations

import copy
from typing import Any

from tenterhook.domain.inline.hook import InlineChannel, InlineConfig, InlineHook
from tenterhook.domain.inline.kind import TOKEN

ORG, OTHER = "00o" + "a" * 17, "00o" + "b" * 17
KEY = "HKY" + "k" * 17

#: 2026-01-02T03:04:05.678Z
BIRTH_MS = 1_767_323_045_678

HTTP_BODY: dict[str, Any] = {
    "name": "Claims from the CRM",
    "type": TOKEN.type,
    "version": "1.0.0",
    "channel": {
        "type": "HTTP",
        "version": "1.0.0",
        "config": {
            "uri": "https://svc.example.com/ask",
            "method": "POST",
            "headers": [{"key": "X-Source", "value": "tenterhook"}],
            "authScheme": {"type": "HEADER", "key": "Authorization", "value": "s3cret-value"},
        },
    },
}
OAUTH_BODY: dict[str, Any] = {
    **HTTP_BODY,
    "channel": {
        "type": "OAUTH",
        "version": "1.0.0",
        "config": {
            "uri": "https://svc.example.com/ask",
            "method": "POST",
            "headers": [],
            "authScheme": None,
            "authType": "client_secret_post",
            "clientId": "tenterhook",
            "clientSecret": "s3cret-value",
            "tokenUrl": "https://id.example.com/token",
            "scope": "hooks.answer",
        },
    },
}
SIGNED_BODY: dict[str, Any] = {
    **HTTP_BODY,
    "channel": {
        "type": "OAUTH",
        "version": "1.0.0",
        "config": {
            "uri": "https://svc.example.com/ask",
            "method": "POST",
            "authType": "private_key_jwt",
            "clientId": "tenterhook",
            "tokenUrl": "https://id.example.com/token",
            "hookKeyId": KEY,
        },
    },
}


def body(of: dict[str, Any] = HTTP_BODY, /, **changes: Any) -> dict[str, Any]:
    """Return a valid body. changes: a path, two underscores for each dot, and its value; ``...`` takes the key out."""
    made = copy.deepcopy(of)
    for path, value in changes.items():
        *parents, last = path.split("__")
        place = made
        for parent in parents:
            place = place[parent]
        if value is ...:
            place.pop(last, None)
        else:
            place[last] = value
    return made


def hook(letter: str = "a", org_id: str = ORG, **changes: Any) -> InlineHook:
    """Return an active token hook."""
    made = InlineHook(
        id="cal" + letter * 17,
        org_id=org_id,
        status="ACTIVE",
        name=f"Hook {letter}",
        type=TOKEN.type,
        version="1.0.0",
        channel=InlineChannel(config=InlineConfig(uri="https://svc.example.com/ask")),
        created=BIRTH_MS,
        last_updated=BIRTH_MS,
    )
    return made.model_copy(update=changes)
