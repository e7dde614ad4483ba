"""Trying a filter, in the OpenAPI document. Source: DESIGN §2.3; `engine/try_filter`."""

from __future__ import annotations

from tenterhook.api.openapi.operation import Answer, Body, Operation
from tenterhook.api.openapi.schema import Schema, array, flag, maybe, moment, record, ref, text, uuid, whole
from tenterhook.engine.try_filter import DEFAULT_LAST, MAX_LAST

_DRAFT_EXAMPLE = {
    "filter": {
        "eventFilterMap": [
            {"event": "user.session.start", "condition": {"expression": "event.outcome.result eq 'FAILURE'"}}
        ]
    },
    "last": 50,
}

SCHEMAS: dict[str, Schema] = {
    "FilterTestDraft": record(
        {
            "filter": maybe(ref("EventHookFilterDraft", "Tried on events of its types. Left out: the hook's own.")),
            "last": whole("How many events, the youngest first.", 1, MAX_LAST, default=DEFAULT_LAST),
        },
        required=(),
        closed=True,
        example=_DRAFT_EXAMPLE,
    ),
    "FilterTest": record(
        {
            "tested": whole("Events looked at.", 0),
            "matched": whole("", 0),
            "notMatched": whole("Those that failed not counted.", 0),
            "errors": whole("Events on which the filter could not be evaluated.", 0),
            "filterErrors": whole("All that the hook's filter has had, on events as they came in.", 0),
            "complete": flag("False: the time was up before so many events, or the log's beginning, were found."),
            "events": array(
                record(
                    {
                        "uuid": uuid(),
                        "published": moment(),
                        "eventType": text(),
                        "displayMessage": maybe(text()),
                        "matched": flag(),
                        "reason": text("Why, or why not."),
                    }
                ),
                "The youngest first.",
            ),
        },
        "What a filter makes of the last events: a given one of those of the types that it names, else the hook's own.",
        example={
            "tested": 1,
            "matched": 0,
            "notMatched": 1,
            "errors": 0,
            "filterErrors": 0,
            "complete": True,
            "events": [
                {
                    "uuid": "019ab1c2-0000-7f50-8a6b-7c8d9e0f1a2b",
                    "published": "2026-01-02T03:04:05.678Z",
                    "eventType": "user.session.start",
                    "displayMessage": "Sign-in",
                    "matched": False,
                    "reason": "event.outcome.result is 'SUCCESS', not 'FAILURE'.",
                }
            ],
        },
    ),
}

TRY_FILTER = Operation(
    *("testEventHookFilter", "POST /api/v1/eventHooks/{hookId}/filter/test", "Try a filter"),
    Answer("What it makes of each event.", ref("FilterTest")),
    body=Body(ref("FilterTestDraft"), _DRAFT_EXAMPLE),
)
