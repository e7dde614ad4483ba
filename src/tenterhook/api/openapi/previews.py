"""Previews in the OpenAPI document. Source: DESIGN §2.3; `engine/preview`."""

from __future__ import annotations

from tenterhook.api.openapi.operation import Answer, Body, Operation
from tenterhook.api.openapi.schema import Schema, array, choice, flag, free, maybe, record, ref, text
from tenterhook.domain.principal import Permission

_DRAFT_EXAMPLE = {"eventType": "user.session.start", "deliver": False}

#: The request that a preview shows.
REQUEST = record(
    {
        "method": choice(("POST",)),
        "url": text(),
        "headers": array(record({"key": text(), "value": text()}), "As they are sent, the secret masked."),
        "body": text("The very text."),
        "json": free("The same, decoded."),
    },
    "The exact request.",
)

SCHEMAS: dict[str, Schema] = {
    "PreviewDraft": record(
        {
            "eventType": maybe(text("A sample of this type.", maxLength=255)),
            "event": maybe(free("A log event, as it is or edited.")),
            "uuid": maybe(text("An event of the log.", maxLength=64)),
            "deliver": flag("Whether to send it, once.", default=False),
        },
        "Which event: one of `eventType`, `event`, `uuid`.",
        required=(),
        closed=True,
        example=_DRAFT_EXAMPLE,
    ),
    "Preview": record(
        {
            "request": REQUEST,
            "subscribed": flag("Whether the hook asks for events of this type at all."),
            "matches": maybe(flag("Whether its filter would let the event through; null: it has none on this type.")),
            "reason": maybe(text("Why the filter would, or would not.")),
            "delivered": maybe(ref("Attempt", "What came of it; null if it was not sent.")),
        },
        "The request that a hook would get for one event.",
        example={
            "request": {
                "method": "POST",
                "url": "https://siem.example.com/hooks",
                "headers": [
                    {"key": "Host", "value": "siem.example.com"},
                    {"key": "User-Agent", "value": "Okta-Integrations"},
                    {"key": "Authorization", "value": "********"},
                ],
                "body": '{"eventType":"com.okta.event_hook"}',
                "json": {"eventType": "com.okta.event_hook"},
            },
            "subscribed": True,
            "matches": None,
            "reason": None,
            "delivered": None,
        },
    ),
}

PREVIEW = Operation(
    *("previewEventHook", "POST /api/v1/eventHooks/{hookId}/preview", "Preview a delivery"),
    Answer("The request, and the attempt if it was sent.", ref("Preview")),
    body=Body(ref("PreviewDraft"), _DRAFT_EXAMPLE),
    about="In every state of the hook, and whatever its filter says. Sending makes no delivery, spends no quota and is "
    f"not repeated. `uuid` needs the scope `{Permission.READ_LOG}` as well.",
)
