"""Event types in the OpenAPI document. Source: DESIGN §2.3; `engine/list_event_types`, `engine/define_event_type`."""

from __future__ import annotations

from typing import Any

from tenterhook.api.openapi.log_event import LOG_EVENT_EXAMPLE
from tenterhook.api.openapi.operation import AFTER, Answer, Body, Operation, Parameter, Section, limit
from tenterhook.api.openapi.schema import Schema, array, choice, flag, free, maybe, moment, record, ref, text
from tenterhook.domain.event_type import MAX_NAME
from tenterhook.engine.define_event_type import MAX_DESCRIPTION, MAX_DISPLAY_NAME

_TYPE = "/api/v1/eventTypes/{name}"
_EXAMPLE: dict[str, Any] = {
    "name": "acme.order.paid",
    "displayName": "An order was paid",
    "description": None,
    "eligible": True,
    "group": "Custom",
    "custom": True,
    "release": None,
    "created": "2026-01-02T03:04:05.678Z",
}
_DRAFT_EXAMPLE: dict[str, Any] = {
    "name": "acme.order.paid",
    "displayName": "An order was paid",
    "sample": {"data": {"order": 4711, "amount": "19.90"}},
}
_SAMPLE = {**LOG_EVENT_EXAMPLE, "eventType": "acme.order.paid", "data": {"order": 4711, "amount": "19.90"}}

_SCHEMAS: dict[str, Schema] = {
    "EventType": record(
        {
            "name": text("What log events call it."),
            "displayName": maybe(text()),
            "description": maybe(text()),
            "eligible": flag("Whether event hooks may ask for it."),
            "group": text("Its family, in words."),
            "custom": flag("Whether the org made it."),
            "release": maybe(text("The release of the catalogue that brought it.")),
            "created": maybe(moment("When the org made it.")),
            "sample": ref("LogEvent", "A log event of this type. Not in lists."),
        },
        "A kind of log event: the catalogue's, or the org's own.",
        required=_EXAMPLE,
        example={**_EXAMPLE, "sample": _SAMPLE},
    ),
    "EventTypeDraft": record(
        {
            "name": text(
                "Parts joined by dots, of lower-case letters, digits, _ and -: a name that the catalogue has not.",
                maxLength=MAX_NAME,
                pattern=r"^[a-z][a-z0-9_-]*(\.[a-z0-9][a-z0-9_-]*)+$",
            ),
            "displayName": maybe(text(maxLength=MAX_DISPLAY_NAME)),
            "description": maybe(text(maxLength=MAX_DESCRIPTION)),
            "sample": maybe(free("A log event of this type, at most 64 KiB; what it leaves out is filled in.")),
        },
        required=("name",),
        closed=True,
        example=_DRAFT_EXAMPLE,
    ),
}
_ONE = Answer("The type with a sample.", ref("EventType"))
_FLAG = choice(("true", "false"))

SECTION = Section(
    "Event types",
    "The catalogue, with what event hooks may ask for, and types of your own.",
    (
        Operation(
            *("listEventTypes", "GET /api/v1/eventTypes", "List event types"),
            Answer("Event types, by name.", array(ref("EventType")), ("Link",), example=[_EXAMPLE]),
            (
                Parameter(
                    "q", "Words of the name, the display name or the family.", text(maxLength=255), example="session"
                ),
                Parameter("eligible", "Only those that event hooks may ask for, or may not.", _FLAG),
                Parameter("custom", "Only the org's own, or only the catalogue's.", _FLAG),
                limit(100, 1000),
                AFTER,
            ),
        ),
        Operation(
            *("createEventType", "POST /api/v1/eventTypes", "Create an event type"),
            _ONE,
            body=Body(ref("EventTypeDraft"), _DRAFT_EXAMPLE),
        ),
        Operation("getEventType", f"GET {_TYPE}", "Read an event type", _ONE),
        Operation("deleteEventType", f"DELETE {_TYPE}", "Delete an event type", Answer("It is deleted.")),
    ),
    _SCHEMAS,
)
