"""The System Log in the OpenAPI document.

Source: okta/system-log.md; `domain/log_query`.
"""

from __future__ import annotations

from tenterhook.api.openapi import log_event
from tenterhook.api.openapi.operation import Answer, Operation, Parameter, Section
from tenterhook.api.openapi.schema import array, choice, ref, text, whole
from tenterhook.domain.log_query import DEFAULT_LIMIT, MAX_LIMIT

FILTER = Parameter(
    "filter",
    'Conditions on any attribute: `eventType eq "user.session.start" and not (outcome.result eq "SUCCESS")`. '
    "Operators: eq ne co sw ew pr gt ge lt le, and or not, parentheses.",
    text(),
    example='eventType eq "user.session.start"',
)
KEYWORDS = Parameter(
    "q",
    "Keywords, all of which the event holds as whole words: at most 10 of at most 40 characters.",
    text(),
    example="ada@example.com",
)

_SINCE = Parameter(
    *("since", "ISO 8601. Left out: seven days before `until`; at most 180 days ago.", text()),
    example="2026-01-02T00:00:00.000Z",
)
_EVENT_STREAM = """\
: connected
retry: 2000
id: 1767323045678_41

id: 1767323045678_42
data: {"uuid":"019ab1c2-0000-7f50-8a6b-7c8d9e0f1a2b","eventType":"user.session.start"}

"""

SECTION = Section(
    "System Log",
    "Every log event, kept 90 days: polled, searched, followed.",
    (
        Operation(
            *("listLogEvents", "GET /api/v1/logs", "Search or poll the System Log"),
            Answer("Log events.", array(ref("LogEvent")), ("Link",)),
            (
                _SINCE,
                Parameter("until", "ISO 8601, exclusive. Left out, in ascending order: the query polls.", text()),
                FILTER,
                KEYWORDS,
                Parameter(
                    *("sortOrder", "By `published`; a poll is in the order of commits."),
                    choice(("ASCENDING", "DESCENDING")),
                ),
                Parameter("limit", "How many at most.", whole("", 0, MAX_LIMIT, default=DEFAULT_LIMIT), example=20),
                Parameter("after", "Opaque: follow the `next` link instead of making one.", text()),
            ),
            errors=(504,),
            about="Without `until` and in ascending order it is a *poll*: every event once, in the order of commits, "
            "with a `next` link that never ends. Everything else is *bounded*: ordered by `published`, and the last "
            "page has no `next`.",
        ),
        Operation(
            *("streamLogEvents", "GET /api/v1/logs/stream", "Follow the System Log live"),
            Answer(
                "Server-Sent Events: each `data` is a log event, each `id` a cursor to come back with.",
                text(),
                media_type="text/event-stream",
                example=_EVENT_STREAM,
            ),
            (
                _SINCE._replace(about="ISO 8601: begin in the past. Left out: begin now."),
                FILTER,
                KEYWORDS,
                Parameter("after", "The cursor of the last event that came, as `Last-Event-ID`.", text()),
                Parameter("Last-Event-ID", "What a browser's EventSource comes back with.", text(), "header"),
            ),
            errors=(504,),
        ),
    ),
    log_event.SCHEMAS,
)
