"""Hooks and bodies that the tests of event hooks begin with."""

from __future__ import annotations

import copy
from typing import Any

from tenterhook.domain.delivery_policy import DeliveryPolicy
from tenterhook.domain.destination import DestinationRules
from tenterhook.domain.event_hook import EventHook, created
from tenterhook.domain.event_hook_draft import DraftRules, parse_draft
from tenterhook.domain.event_type import catalogue

RULES = DraftRules(
    destinations=DestinationRules(), event_types=catalogue(), default_policy=DeliveryPolicy(retry="durable")
)

IDENTITY = {
    "id": "who1a2b3c4d5e6f7g8h9",
    "org_id": "00o1a2b3c4d5e6f7g8h9",
    "created_by": "00u1a2b3c4d5e6f7g8h9",
    "public_url": "https://hooks.example.com",
}

#: 2026-01-02T03:04:05.678Z
BIRTH_MS = 1_767_323_045_678

GUIDE_BODY: dict[str, Any] = {
    "name": "Event Hook Test",
    "events": {"type": "EVENT_TYPE", "items": ["user.lifecycle.create", "user.lifecycle.activate"]},
    "channel": {
        "type": "HTTP",
        "version": "1.0.0",
        "config": {
            "uri": "https://www.YOURSSLSECUREURLENDPOINT",
            "headers": [{"key": "X-Other-Header", "value": "some-other-value"}],
            "authScheme": {"type": "HEADER", "key": "Authorization", "value": "${api-key}"},
        },
    },
}


def body(**changes: Any) -> dict[str, Any]:
    """Return a valid body. changes: a path, two underscores for each dot, and its value; ``...`` takes the key out."""
    made = copy.deepcopy(GUIDE_BODY)
    made["channel"]["config"]["uri"] = "https://svc.example.com/hook"
    made["channel"]["config"]["authScheme"]["value"] = "s3cret-value"
    for path, value in changes.items():
        *parents, last = path.split("__")
        place = made
        for parent in parents:
            place = place[parent]
        if value is ...:
            del place[last]
        else:
            place[last] = value
    return made


def hook(**changes: Any) -> EventHook:
    """Return the hook that `body` with *changes* becomes."""
    return created(parse_draft(body(**changes), None, RULES), IDENTITY, BIRTH_MS)
