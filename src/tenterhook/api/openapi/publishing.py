"""Publishing in the OpenAPI document. Source: DESIGN §2.3; `engine/publish`."""

from __future__ import annotations

from tenterhook.api.openapi.log_event import DRAFT_EXAMPLE
from tenterhook.api.openapi.operation import Answer, Body, Operation, Parameter, Section
from tenterhook.api.openapi.schema import Schema, array, flag, identity, record, ref, uuid, whole
from tenterhook.engine.publish import MAX_EVENTS

_SCHEMAS: dict[str, Schema] = {
    "Published": record(
        {
            "accepted": whole("Events that are new.", 0),
            "duplicates": whole("Events whose uuid the log holds already.", 0),
            "events": array(
                record(
                    {
                        "uuid": uuid(),
                        "duplicate": flag(),
                        "conflict": flag("Whether the log's event of that uuid says something else."),
                    },
                    required=("uuid", "duplicate"),
                ),
                "In the order in which they were sent.",
            ),
        },
        "What became of the events. They are stored for good.",
        example={
            "accepted": 1,
            "duplicates": 0,
            "events": [{"uuid": "019ab1c2-0000-7f50-8a6b-7c8d9e0f1a2b", "duplicate": False}],
        },
    )
}

SECTION = Section(
    "Publishing",
    "Events go in: logged, matched with event hooks, delivered.",
    (
        Operation(
            *("publishEvents", "POST /api/v1/events", "Publish log events"),
            Answer("After the commit: what became of each.", ref("Published")),
            (
                Parameter(
                    *("X-Tenterhook-Org", "Publish into this org: for the operator's tokens only.", identity("00o")),
                    *("header", "00o1a2b3c4d5e6f7g8h9"),
                ),
            ),
            body=Body(
                {"anyOf": [ref("LogEventDraft"), array(ref("LogEventDraft"), minItems=1, maxItems=MAX_EVENTS)]},
                DRAFT_EXAMPLE,
                ("application/json", "application/x-ndjson"),
            ),
            errors=(404,),
            about="One event, an array, or one a line (`application/x-ndjson`): at most 1,000, 8 MiB in all, 256 KiB "
            "each. All are stored or none; problems are told as `events[3].published: …`. A uuid that the log holds "
            "is a duplicate and not stored again, so repeating a call is harmless.",
        ),
    ),
    _SCHEMAS,
)
