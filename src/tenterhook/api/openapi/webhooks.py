"""What Tenterhook sends to endpoints, in the OpenAPI document's ``webhooks``.

Source: okta/event-hooks.md §5 and §6; okta/inline-hooks.md §3; `domain/envelope`, `domain/inline/envelope`,
`domain/verification`.
"""

from __future__ import annotations

from typing import Any

from tenterhook.api.openapi.schema import Schema, array, choice, free, moment, record, ref, text, uuid
from tenterhook.domain.inline.envelope import CLOUD_EVENT_VERSION, EVENT_TYPE_VERSION
from tenterhook.domain.inline.kind import IMPORT, KINDS

_SENT: dict[str, Any] = {
    "uuid": "019ab1c2-0000-7f50-8a6b-7c8d9e0f1a2b",
    "published": "2026-01-02T03:04:05.678Z",
    "eventType": "user.session.start",
    "version": "0",
    "displayMessage": "Sign-in",
    "severity": "INFO",
    "client": {"ipAddress": "192.0.2.1", "ipChain": [{"ip": "192.0.2.1", "version": "V4"}]},
    "actor": {"id": "00u1a2b3c4d5e6f7g8h9", "type": "User", "alternateId": "ada@example.com"},
    "outcome": {"result": "SUCCESS"},
    "transaction": {"type": "WEB", "id": "Zr8x", "detail": {}},
    "debugContext": {"debugData": {"targetEventHookIds": "who1a2b3c4d5e6f7g8h9"}},
    "authenticationContext": {"authenticationStep": 0},
    "securityContext": {},
}

DELIVERY: Schema = record(
    {
        "eventType": choice(("com.okta.event_hook",)),
        "eventTypeVersion": choice(("1.0",)),
        "cloudEventsVersion": choice(("0.1",)),
        "source": text("The event hook's address.", format="uri"),
        "eventId": uuid("The same at every attempt: what repeats of a delivery are known by."),
        "data": record({"events": array(ref("DeliveredLogEvent"), minItems=1)}),
        "eventTime": moment("When the delivery was made."),
        "contentType": choice(("application/json",)),
    },
    "Okta's envelope around one or more log events.",
)
DELIVERY_EXAMPLE: dict[str, Any] = {
    "eventType": "com.okta.event_hook",
    "eventTypeVersion": "1.0",
    "cloudEventsVersion": "0.1",
    "source": "https://hooks.example.com/api/v1/eventHooks/who1a2b3c4d5e6f7g8h9",
    "eventId": "019ab1c2-3d4e-7f50-8a6b-7c8d9e0f1a2b",
    "data": {"events": [_SENT]},
    "eventTime": "2026-01-02T03:04:05.670Z",
    "contentType": "application/json",
}

INLINE_CALL: Schema = record(
    {
        "eventId": text("One call's id, the same at its second try.", pattern="^[A-Za-z0-9_-]{22}$"),
        "eventTime": moment("When it was asked."),
        "eventType": choice(KINDS, "The hook's type."),
        "eventTypeVersion": choice((EVENT_TYPE_VERSION,)),
        "contentType": choice(("application/json",)),
        "cloudEventVersion": choice((CLOUD_EVENT_VERSION,)),
        "source": text("What it is about: an address or an id, as the type has it."),
        "requestType": choice(
            [name for kind in KINDS.values() for name in kind.request_types],
            "Of a registration or a telephony hook: what exactly is asked.",
        ),
        "data": free("`context`, and what commands may change."),
    },
    "Okta's envelope around what a process asks.",
    required=(
        *("eventId", "eventTime", "eventType", "eventTypeVersion", "contentType", "cloudEventVersion"),
        *("source", "data"),
    ),
)
INLINE_CALL_EXAMPLE: dict[str, Any] = {
    "eventId": "3OWo4oo-QQ-rBWfRyTmQYw",
    "eventTime": "2026-01-02T03:04:05.678Z",
    "eventType": IMPORT.type,
    "eventTypeVersion": EVENT_TYPE_VERSION,
    "contentType": "application/json",
    "cloudEventVersion": CLOUD_EVENT_VERSION,
    "source": "cal1a2b3c4d5e6f7g8h9",
    "data": {"context": {}, "action": {"result": "CREATE_USER"}, "appUser": {"profile": {"login": "ada"}}},
}


def _header(name: str, about: str, example: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "description": about, "schema": text(), "example": example, "required": True}


_AGENT = _header("User-Agent", "Receivers in the wild insist on it.", "Okta-Integrations")
_REQUEST_ID = _header("X-Okta-Request-Id", "One attempt's id.", "q1w2e3r4t5y6u7i8o9p0a1s2d3f")
_SECRET = {
    "name": "Authorization",
    "in": "header",
    "description": "The secret, in the header that `authScheme.key` names. Compare it in constant time.",
    "schema": text(),
    "example": "a-long-random-secret",
}
_ECHO: Schema = record({"verification": text("The challenge, unchanged.")})

WEBHOOKS: dict[str, Any] = {
    "eventHookDelivery": {
        "post": {
            "operationId": "receiveEventHookDelivery",
            "tags": ["Event hooks"],
            "summary": "A delivery arrives",
            "description": "Sent to the hook's `uri`, at least once and in any order. Store it and answer within the "
            "hook's deadline (3 s unless its delivery policy says otherwise), then work on it.",
            "parameters": [_AGENT, _REQUEST_ID, _SECRET],
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": DELIVERY, "example": DELIVERY_EXAMPLE}},
            },
            "responses": {
                "200": {"description": "Taken. Any 2xx is a success; the body is not used."},
                "204": {"description": "Taken."},
                "410": {"description": "No more, please: under `durable` the hook is paused."},
                "default": {"description": "Not taken: tried again as the hook's retry policy says. Redirects too."},
            },
        }
    },
    "eventHookVerification": {
        "get": {
            "operationId": "receiveEventHookVerification",
            "tags": ["Event hooks"],
            "summary": "An endpoint is asked whether it wants the events",
            "description": "Sent once for each verify call, and once more after a time-out or any status but 200.",
            "parameters": [
                _AGENT,
                _REQUEST_ID,
                _SECRET,
                _header(
                    "X-Okta-Verification-Challenge",
                    "What has to come back.",
                    "o9p0a1s2d3f4g5h6j7k8l9z0x1c2v3b4n5m6q7w8",
                ),
            ],
            "responses": {
                "200": {
                    "description": "The echo: the endpoint wants them.",
                    "content": {"application/json": {"schema": _ECHO, "example": {"verification": "o9p0a1s2d3f4"}}},
                }
            },
        }
    },
    "inlineHookCall": {
        "post": {
            "operationId": "receiveInlineHookCall",
            "tags": ["Inline calls"],
            "summary": "A process asks",
            "description": "Sent to an inline hook's `uri`, which has the rest of the call's time (3 s in all unless "
            "the operator says otherwise) to answer. `Authorization` carries the channel's secret or, of an OAUTH "
            "channel, `Bearer` and an access token. Sent once more after a failed connection or a 5xx, but for token "
            "and telephony hooks.",
            "parameters": [_AGENT, _REQUEST_ID, _SECRET],
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": INLINE_CALL, "example": INLINE_CALL_EXAMPLE}},
            },
            "responses": {
                "200": {
                    "description": "The reply: commands, or an error. At most 256 KiB.",
                    "content": {"application/json": {"schema": ref("InlineReply"), "example": {"commands": []}}},
                },
                "204": {"description": "No commands. Not for telephony."},
                "default": {"description": "A failure: what follows depends on the type. Redirects too."},
            },
        }
    },
}
