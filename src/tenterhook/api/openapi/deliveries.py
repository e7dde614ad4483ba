"""Deliveries, attempts and explanations in the OpenAPI document.

Source: DESIGN §2.4; `engine/show_deliveries`, `engine/explain`.
"""

from __future__ import annotations

from typing import Any

from tenterhook.api.openapi.operation import AFTER, Answer, Operation, Parameter, Section, limit
from tenterhook.api.openapi.schema import (
    Schema,
    array,
    choice,
    flag,
    identity,
    maybe,
    moment,
    number,
    record,
    ref,
    text,
    uuid,
    whole,
)
from tenterhook.domain.attempt import Outcome, Reason
from tenterhook.engine.show_deliveries import STATUSES

_DELIVERY = "/api/v1/deliveries/{eventId}"
_HOLDS = ("PAUSED", "UNVERIFIED", "INACTIVE", "QUOTA")
_ENDS = ("EXHAUSTED", "REFUSED", "GONE", "BLOCKED", "HOOK_DELETED", "EXPIRED", "CANCELLED")

_ATTEMPT_EXAMPLE: dict[str, Any] = {
    "number": 1,
    "started": "2026-01-02T03:04:05.678Z",
    "outcome": "DELIVERED",
    "reason": None,
    "status": 204,
    "message": "204 No Content",
    "phasesMs": {"queue": 0.4, "dns": 1.2, "connect": 8.1, "tls": 17.9, "firstByte": 24.5, "total": 52.3},
    "request": {"headers": {"User-Agent": "Okta-Integrations", "Authorization": "********"}},
    "response": {"headers": {"date": "Fri, 02 Jan 2026 03:04:05 GMT"}, "body": ""},
}
_DELIVERY_EXAMPLE: dict[str, Any] = {
    "id": "019ab1c2-3d4e-7f50-8a6b-7c8d9e0f1a2b",
    "eventId": "019ab1c2-3d4e-7f50-8a6b-7c8d9e0f1a2b",
    "hookId": "who1a2b3c4d5e6f7g8h9",
    "origin": "PUBLISH",
    "parentId": None,
    "status": "DELIVERED",
    "endReason": None,
    "holdReason": None,
    "events": ["019ab1c2-0000-7f50-8a6b-7c8d9e0f1a2b"],
    "created": "2026-01-02T03:04:05.670Z",
    "nextAttempt": None,
    "attempts": [_ATTEMPT_EXAMPLE],
}
_IN_A_LIST = {key: part for key, part in _ATTEMPT_EXAMPLE.items() if key not in ("request", "response")}
_SUMMARY_EXAMPLE: dict[str, Any] = {
    **{key: part for key, part in _DELIVERY_EXAMPLE.items() if key not in ("parentId", "events", "attempts")},
    "hookName": "Sign-ins to the SIEM",
    "eventCount": 1,
    "eventTypes": ["user.session.start"],
    "ended": "2026-01-02T03:04:05.731Z",
    "attemptCount": 1,
    "lastAttempt": _IN_A_LIST,
}

_PHASE = maybe(number("", 0))
_ATTEMPT = record(
    {
        "number": whole("1 is the first try.", 1),
        "started": moment(),
        "outcome": choice(Outcome),
        "reason": maybe(choice(Reason, "Why it failed; null if it did not.")),
        "status": maybe(whole("The status of the answer, if one came.")),
        "message": text("What happened, in words."),
        "phasesMs": record(
            {**dict.fromkeys(("queue", "dns", "connect", "tls", "firstByte"), _PHASE), "total": number("", 0)},
            "Where the time went, in milliseconds; null where a phase did not take place.",
        ),
        "request": record({"headers": ref("HeaderMap")}, "What was sent, its secret masked. Not in lists."),
        "response": maybe(
            record(
                {"headers": ref("HeaderMap"), "body": maybe(text("At most 4 KiB; null if it is no text."))},
                "What came back; null if nothing did, or if it may not be shown. Not in lists.",
            )
        ),
    },
    "One HTTP exchange of a delivery.",
    required=("number", "started", "outcome", "reason", "status", "message", "phasesMs"),
    example=_ATTEMPT_EXAMPLE,
)

_SCHEMAS: dict[str, Schema] = {
    "HeaderMap": {"type": "object", "additionalProperties": text(), "description": "Header names and values."},
    "Attempt": _ATTEMPT,
    "Delivery": record(
        {
            "id": uuid("The eventId again."),
            "eventId": uuid("The same in every attempt: what a receiver knows repeats by."),
            "hookId": identity("who"),
            "origin": choice(("PUBLISH", "REPLAY", "SPLIT")),
            "parentId": maybe(text()),
            "status": choice(STATUSES, "RETRYING: waiting after a failed attempt."),
            "endReason": maybe(choice(_ENDS, "Why it ended FAILED.")),
            "holdReason": maybe(choice(_HOLDS, "Why it is HELD.")),
            "events": array(uuid(), "The uuids of its log events."),
            "created": moment(),
            "nextAttempt": maybe(moment()),
            "attempts": array(ref("Attempt"), "In the order in which they were made."),
        },
        "One request body bound for one event hook, and what became of it.",
        example=_DELIVERY_EXAMPLE,
    ),
    "DeliverySummary": record(
        {
            "id": uuid("The eventId again."),
            "eventId": uuid("The same in every attempt."),
            "hookId": identity("who"),
            "hookName": maybe(text("The hook's name, as it is today.")),
            "origin": choice(("PUBLISH", "REPLAY", "SPLIT")),
            "status": choice(STATUSES, "RETRYING: waiting after a failed attempt."),
            "endReason": maybe(choice(_ENDS, "Why it ended FAILED.")),
            "holdReason": maybe(choice(_HOLDS, "Why it is HELD.")),
            "eventCount": whole("How many log events it carries.", 0),
            "eventTypes": array(text(), "The types of the first of them, each once."),
            "created": moment(),
            "ended": maybe(moment()),
            "attemptCount": whole("How many attempts have ended.", 0),
            "lastAttempt": maybe(ref("Attempt")),
            "nextAttempt": maybe(moment()),
        },
        "A delivery in a list across event hooks.",
        example=_SUMMARY_EXAMPLE,
    ),
    "Explanation": record(
        {
            "hookId": identity("who"),
            "name": text("The hook's name, as it is today."),
            "matched": flag("Whether the hook was meant to get the event."),
            "reason": text("Why, or why not."),
            "hookVersion": maybe(whole("The version in force when the event was logged.", 1)),
            "status": maybe(choice(("ACTIVE", "INACTIVE"), "Then.")),
            "verificationStatus": maybe(choice(("UNVERIFIED", "VERIFIED"), "Then.")),
            "deliveries": array(ref("Delivery"), "The deliveries that carry the event."),
        },
        "What one event hook made of one log event.",
        example={
            "hookId": "who1a2b3c4d5e6f7g8h9",
            "name": "Sign-ins to the SIEM",
            "matched": True,
            "reason": "The hook subscribed to user.session.start, and it was ACTIVE and VERIFIED.",
            "hookVersion": 2,
            "status": "ACTIVE",
            "verificationStatus": "VERIFIED",
            "deliveries": [{**_DELIVERY_EXAMPLE, "attempts": [_IN_A_LIST]}],
        },
    ),
}

_ONE = Answer("The delivery with every attempt.", ref("Delivery"))

SECTION = Section(
    "Deliveries",
    "What was sent to endpoints, every attempt of it, and where one event went.",
    (
        Operation(
            *("listEventHookDeliveries", "GET /api/v1/eventHooks/{hookId}/deliveries", "List a hook's deliveries"),
            Answer(
                *("Deliveries, youngest first.", array(ref("Delivery")), ("Link",)),
                example=[{**_DELIVERY_EXAMPLE, "attempts": [_IN_A_LIST]}],
            ),
            (Parameter("status", "Only those that stand like this.", choice(STATUSES)), limit(50, 200), AFTER),
        ),
        Operation(
            *("listDeliveries", "GET /api/v1/deliveries", "List deliveries of all hooks"),
            Answer("Deliveries, youngest first.", array(ref("DeliverySummary")), ("Link",), example=[_SUMMARY_EXAMPLE]),
            (
                Parameter("hookId", "Only those of this event hook.", text(), example="who1a2b3c4d5e6f7g8h9"),
                Parameter(
                    *("status", f"Only those that stand like this: of {', '.join(STATUSES)}, commas between."),
                    text(),
                    example="FAILED",
                ),
                Parameter("reason", "Only those whose last attempt failed for this.", choice(Reason)),
                Parameter(
                    *("eventType", "Only those that carry an event of this type.", text()), example="user.session.start"
                ),
                Parameter("since", "ISO 8601: made then or later.", text(), example="2026-01-02T00:00:00.000Z"),
                Parameter("until", "ISO 8601, exclusive: made before.", text()),
                Parameter(
                    *("endedSince", "ISO 8601: ended then or later, whenever it was made.", text()),
                    example="2026-01-02T00:00:00.000Z",
                ),
                Parameter("endedUntil", "ISO 8601, exclusive: ended before.", text()),
                limit(50, 200),
                AFTER,
            ),
            errors=(504,),
        ),
        Operation("getDelivery", f"GET {_DELIVERY}", "Read a delivery", _ONE),
        Operation("retryDelivery", f"POST {_DELIVERY}/retry", "Retry a delivery", _ONE),
        Operation("cancelDelivery", f"POST {_DELIVERY}/cancel", "Cancel a delivery", _ONE),
        Operation(
            *("explainLogEvent", "GET /api/v1/logs/{uuid}/deliveries", "Explain where an event went"),
            Answer(
                *("One entry per event hook that lives or lived then, by its id.", array(ref("Explanation"))),
                ("Link", "X-Tenterhook-Hint"),
            ),
            (limit(200, 1000), AFTER),
            errors=(504,),
        ),
    ),
    _SCHEMAS,
)
