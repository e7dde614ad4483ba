"""Event hooks in the OpenAPI document.

Source: okta/event-hooks.md §2 and §3; deliveryPolicy is DESIGN §2.3's.
"""

from __future__ import annotations

from typing import Any

from tenterhook.api.openapi import filters, previews
from tenterhook.api.openapi.operation import AFTER, Answer, Body, Operation, Parameter, Section, limit
from tenterhook.api.openapi.schema import (
    Schema,
    array,
    choice,
    flag,
    identity,
    line,
    lines,
    maybe,
    moment,
    number,
    record,
    ref,
    text,
    whole,
)
from tenterhook.domain import http_header
from tenterhook.domain.delivery_policy import (
    MAX_CONCURRENCY,
    MAX_EVENTS_PER_REQUEST,
    MAX_TIMEOUT_S,
    MAX_WAIT_S,
    MAX_WAITS,
)
from tenterhook.domain.event_filter import LANGUAGE, MAX_ENTRIES
from tenterhook.domain.event_hook_draft import MAX_DESCRIPTION, MAX_NAME
from tenterhook.domain.hook_filter import ELEMENT_FIELDS, FIELDS
from tenterhook.domain.retry import RETRY_WORDS, policy_names

_HOOK = "/api/v1/eventHooks/{hookId}"
_EXPRESSION = (
    "A condition in Okta's expression language, true or false: `event.outcome.result eq 'FAILURE'`. "
    f"Fields: {', '.join(f'`{name}`' for name in FIELDS)}; nothing else of an event, `data` included, can be named. "
    "Operators: `eq` (`==`), `ne` (`!=`), `&&` (`and`), `||` (`or`), parentheses; `.contains('…')` on a field. "
    "Targets are selected and counted: `event.target.?[type eq 'User' && id ne null].size() > 0`, inside by "
    f"{', '.join(f'`{name}`' for name in ELEMENT_FIELDS)}. Texts stand in single quotes, a quote inside is written "
    "twice; whole numbers and `null` stand as they are. At most 4 KiB."
)
_LINK = record({"href": text("Absolute.")})
_ACT = record({"href": text("Absolute."), "hints": record({"allow": array(choice(["POST", "DELETE"]))})})

_POLICY_EXAMPLE = {
    "retry": "durable",
    "timeoutSeconds": 3,
    "maxEventsPerRequest": 100,
    "maxConcurrency": 16,
    "paused": False,
}
_FILTER_EXAMPLE = {
    "type": "EXPRESSION_LANGUAGE",
    "eventFilterMap": [
        {
            "event": "user.session.start",
            "condition": {"expression": "event.outcome.result eq 'FAILURE'", "version": None},
        }
    ],
}
_LINKS_EXAMPLE: dict[str, Any] = {
    "self": {"href": "https://hooks.example.com/api/v1/eventHooks/who1a2b3c4d5e6f7g8h9"},
    "verify": {
        "href": "https://hooks.example.com/api/v1/eventHooks/who1a2b3c4d5e6f7g8h9/lifecycle/verify",
        "hints": {"allow": ["POST"]},
    },
    "deactivate": {
        "href": "https://hooks.example.com/api/v1/eventHooks/who1a2b3c4d5e6f7g8h9/lifecycle/deactivate",
        "hints": {"allow": ["POST"]},
    },
}
EVENT_HOOK_EXAMPLE: dict[str, Any] = {
    "id": "who1a2b3c4d5e6f7g8h9",
    "status": "ACTIVE",
    "verificationStatus": "UNVERIFIED",
    "name": "Sign-ins to the SIEM",
    "description": None,
    "created": "2026-01-02T03:04:05.000Z",
    "createdBy": "00u1a2b3c4d5e6f7g8h9",
    "lastUpdated": "2026-01-02T03:04:05.000Z",
    "events": {"type": "EVENT_TYPE", "items": ["user.session.start", "user.lifecycle.create"], "filter": None},
    "channel": {
        "type": "HTTP",
        "version": "1.0.0",
        "config": {
            "uri": "https://siem.example.com/hooks",
            "headers": [{"key": "X-Source", "value": "tenterhook"}],
            "method": "POST",
            "authScheme": {"type": "HEADER", "key": "Authorization"},
        },
    },
    "deliveryPolicy": _POLICY_EXAMPLE,
    "_links": _LINKS_EXAMPLE,
}
_DRAFT_EXAMPLE: dict[str, Any] = {
    "name": "Sign-ins to the SIEM",
    "events": {"type": "EVENT_TYPE", "items": ["user.session.start", "user.lifecycle.create"]},
    "channel": {
        "type": "HTTP",
        "version": "1.0.0",
        "config": {
            "uri": "https://siem.example.com/hooks",
            "headers": [{"key": "X-Source", "value": "tenterhook"}],
            "authScheme": {"type": "HEADER", "key": "Authorization", "value": "a-long-random-secret"},
        },
    },
}


def _filter(*, written: bool) -> Schema:
    condition = record(
        {
            "expression": text(_EXPRESSION),
            "version": {"description": "Okta's own; always null.", "readOnly": True},
        },
        required=["expression"] if written else None,
    )
    entry = record({"event": text("The event type that it narrows; one of `items`."), "condition": condition})
    facets = {"maxItems": MAX_ENTRIES} if written else {}
    parts = {"type": choice([LANGUAGE]), "eventFilterMap": array(entry, "One entry per event type.", **facets)}
    return record(
        {key: maybe(part) for key, part in parts.items()} if written else parts,
        "Which of the events are wanted. Types without an entry are not filtered.",
        required=[] if written else None,
        example=_FILTER_EXAMPLE,
    )


def _retry() -> Schema:
    named = choice(sorted(policy_names()), "A policy by its name.")
    custom = record(
        {
            "waitsSeconds": array(number("Seconds before the next try.", 0, MAX_WAIT_S), maxItems=MAX_WAITS),
            "retryOn": array(choice(RETRY_WORDS), "After which failures."),
        },
        "A policy spelt out.",
        closed=True,
    )
    about = (
        "When a failed delivery is tried again. `okta`: once, after time-outs, connection errors and 5xx. `okta-2021`: "
        "once, if no connection came about. `durable`: nine times within three and a half days, whatever the failure."
    )
    return {"oneOf": [named, custom], "description": about}


def _policy(*, written: bool) -> Schema:
    return record(
        {
            "retry": _retry(),
            "timeoutSeconds": number("The total deadline of one attempt.", 1, MAX_TIMEOUT_S),
            "maxEventsPerRequest": whole("Log events in one delivery, at most.", 1, MAX_EVENTS_PER_REQUEST),
            "maxConcurrency": whole("Attempts under way at the same time, at most.", 1, MAX_CONCURRENCY),
            "paused": flag("Whether deliveries are held back."),
        },
        "How deliveries are made; Tenterhook's own addition. What a write leaves out keeps its value.",
        required=[] if written else None,
        closed=written,
        example=_POLICY_EXAMPLE,
    )


#: RFC 9110 §5.6.2 and §5.5; names that are reserved are told when they are refused.
_HEADER_NAME = r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"
_HEADER_VALUE = r"^([!-~]([\t -~]*[!-~])?)?$"


def _channel(*, written: bool) -> Schema:
    key = {"pattern": _HEADER_NAME, "maxLength": http_header.MAX_NAME}
    value = {"pattern": _HEADER_VALUE, "maxLength": http_header.MAX_VALUE}
    header = record({"key": text("The header's name.", **key), "value": text("Its value, sent as it is.", **value)})
    scheme = {"type": choice(["HEADER"]), "key": text("The name of the header that carries the secret.", **key)}
    if written:
        about = "The secret. It is never shown; left out, an unchanged `key` keeps it."
        scheme["value"] = text(about, **value, minLength=1, writeOnly=True)
    proof = record(scheme, "The header that proves to the endpoint who calls.", required=["type", "key"])
    config = {
        "uri": text("The endpoint: https, at most 1,024 characters.", maxLength=1024, format="uri"),
        "headers": array(header, "Sent with every request.", maxItems=http_header.MAX_HEADERS),
        "method": choice(["POST"]),
        "authScheme": maybe(proof),
    }
    if written:
        config |= {"headers": maybe(config["headers"]), "method": {"description": "Ignored: always POST."}}
    return record(
        {
            "type": choice(["HTTP"]),
            "version": choice(["1.0.0"]),
            "config": record(config, required=["uri"] if written else None, closed=written),
        },
        "Where requests go and what they carry.",
    )


def _events(*, written: bool) -> Schema:
    facets: Schema = {"minItems": 1} if written else {}
    return record(
        {
            "type": choice(["EVENT_TYPE"]),
            "items": array(text(), "Names of event types that event hooks can ask for.", **facets),
            "filter": maybe(ref("EventHookFilterDraft" if written else "EventHookFilter")),
        },
        "Which events are wanted.",
        required=["type", "items"] if written else None,
    )


_SCHEMAS: dict[str, Schema] = {
    "EventHook": record(
        {
            "id": identity("who"),
            "status": choice(["ACTIVE", "INACTIVE"]),
            "verificationStatus": choice(
                ["UNVERIFIED", "VERIFIED"], "Only a VERIFIED hook that is ACTIVE gets events."
            ),
            "name": text("Once in an org."),
            "description": maybe(text()),
            "created": moment(),
            "createdBy": identity("00u", "The admin who made it."),
            "lastUpdated": moment(),
            "events": _events(written=False),
            "channel": _channel(written=False),
            "deliveryPolicy": ref("DeliveryPolicy"),
            "_links": record(
                {"self": _LINK, "verify": _ACT, "activate": _ACT, "deactivate": _ACT, "delete": _ACT},
                "What can be done with it as it is.",
                required=["self"],
            ),
        },
        "An org's wish that log events of some types be sent to an endpoint.",
        example=EVENT_HOOK_EXAMPLE,
    ),
    "EventHookDraft": record(
        {
            "name": line("Once in an org.", MAX_NAME),
            "description": maybe(lines("", MAX_DESCRIPTION)),
            "status": maybe(choice(["ACTIVE", "INACTIVE"], "Left out: ACTIVE, or as it was.")),
            "events": _events(written=True),
            "channel": _channel(written=True),
            "deliveryPolicy": maybe(ref("DeliveryPolicyDraft")),
        },
        "What a client writes. Keys of an answer that are read-only are ignored.",
        required=["name", "events", "channel"],
        example=_DRAFT_EXAMPLE,
    ),
    "DeliveryPolicy": _policy(written=False),
    "DeliveryPolicyDraft": _policy(written=True),
    "EventHookFilter": _filter(written=False),
    "EventHookFilterDraft": _filter(written=True),
}

_SHOWN = Answer("The event hook.", ref("EventHook"), ("ETag",))
_WRITTEN = Answer("The event hook as it is now.", ref("EventHook"), ("ETag", "X-Tenterhook-Hint"))
_IF_MATCH = Parameter(
    *("If-Match", "Only if the hook is still as this `ETag` says; else 412.", text()), place="header", example='"3"'
)
_DRAFT = Body(ref("EventHookDraft"), _DRAFT_EXAMPLE)


def _act(name: str, call: str, title: str, answer: Answer = _SHOWN) -> Operation:
    return Operation(name, call, title, answer, (_IF_MATCH,), errors=(412,))


SECTION = Section(
    "Event hooks",
    "Register endpoints, prove that they want the events, switch them on and off.",
    (
        Operation(
            *("listEventHooks", "GET /api/v1/eventHooks", "List event hooks"),
            Answer("The event hooks, oldest first.", array(ref("EventHook")), ("Link",)),
            (limit(None, 1000), AFTER),
        ),
        Operation("createEventHook", "POST /api/v1/eventHooks", "Create an event hook", _WRITTEN, body=_DRAFT),
        Operation("getEventHook", f"GET {_HOOK}", "Read an event hook", _SHOWN),
        Operation("replaceEventHook", f"PUT {_HOOK}", "Replace an event hook", _WRITTEN, (_IF_MATCH,), _DRAFT, (412,)),
        _act("deleteEventHook", f"DELETE {_HOOK}", "Delete an event hook", Answer("It is deleted.")),
        _act("activateEventHook", f"POST {_HOOK}/lifecycle/activate", "Activate an event hook"),
        _act("deactivateEventHook", f"POST {_HOOK}/lifecycle/deactivate", "Deactivate an event hook"),
        _act("verifyEventHook", f"POST {_HOOK}/lifecycle/verify", "Verify an event hook"),
        filters.TRY_FILTER,
        previews.PREVIEW,
    ),
    {**_SCHEMAS, **filters.SCHEMAS, **previews.SCHEMAS},
)
