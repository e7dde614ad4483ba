"""Limits in the OpenAPI document. Source: `engine/show_limits`."""

from __future__ import annotations

from typing import Any

from tenterhook.api.openapi.operation import Answer, Operation, Section
from tenterhook.api.openapi.schema import Schema, array, choice, maybe, moment, record, ref, text, whole

_EXAMPLE: dict[str, Any] = {
    "name": "eventsTriggeringHooks",
    "description": "Events that trigger hooks in 24 hours. What exceeds it waits for a later window with room.",
    "scope": "ORG",
    "unit": "events",
    "used": 281_330,
    "limit": 400_000,
    "windowSeconds": 86_400,
    "reset": "2026-01-03T03:04:05.678Z",
    "setting": "TENTERHOOK_LIMIT_EVENTS_PER_24H",
}
_LIMIT: dict[str, Schema] = {
    "name": text("Of this limit; it never changes."),
    "description": text("In words."),
    "scope": choice(("ORG", "HOOK", "TOKEN", "REQUEST"), "What it is counted for."),
    "unit": text("What is counted."),
    "used": maybe(
        whole(
            "Null where nothing is counted. More than the limit: the excess is held until later windows have room.", 0
        )
    ),
    "limit": maybe(whole("Null: there is none.", 1)),
    "windowSeconds": maybe(whole("Over how long it is counted. Null: it is no rate.", 1)),
    "reset": maybe(moment("When the window ends. Null: the next one begins with the first that counts.")),
    "setting": maybe(text("The operator's setting that decides it.")),
}

SECTION = Section(
    "Limits",
    "What there is of each limit, and what is used of it.",
    (
        Operation(
            *("listLimits", "GET /api/v1/limits", "List limits"),
            Answer("Every limit.", array(ref("Limit"))),
        ),
    ),
    {"Limit": record(_LIMIT, "One limit.", example=_EXAMPLE)},
)
