"""The body of an inline call: the contract's envelope around what a process asks.

Source: okta/inline-hooks.md §3; the order of the keys is that of recorded calls.
"""

from __future__ import annotations

import msgspec

from tenterhook.domain.inline.decision import Question
from tenterhook.domain.timestamp import format_ms

EVENT_TYPE_VERSION = "1.0"
CLOUD_EVENT_VERSION = "0.1"

_encode = msgspec.json.Encoder().encode


def render_envelope(question: Question, *, source: str, event_id: str, now_ms: int) -> bytes:
    """Return the request's body: pure, so that both attempts of a call send the same bytes.

    source: what the type has there (§4): the address that is asked for a token or assertion, the id of the
    registration form or of the hook, the hook's own address. event_id: 22 URL-safe characters.
    """
    envelope = {
        "eventId": event_id,
        "eventTime": format_ms(now_ms),
        "eventType": question.kind.type,
        "eventTypeVersion": EVENT_TYPE_VERSION,
        "contentType": "application/json",
        "cloudEventVersion": CLOUD_EVENT_VERSION,
        "source": source,
    }
    if question.request_type is not None:
        envelope["requestType"] = question.request_type
    return _encode({**envelope, "data": question.data})
