"""The body of a delivery: Okta's envelope around one or more log events.

Source: okta/event-hooks.md §6; the key order is the wire's.
"""

from __future__ import annotations

from collections.abc import Sequence

from tenterhook.domain.timestamp import format_ms

#: What a delivery may hold, whatever its hook allows: bytes of events.
MAX_DELIVERY_BYTES = 512 * 1024


def source_of(public_url: str, hook_id: str) -> str:
    """Return the envelope's ``source``: the hook's own address under the base in force when the delivery was made."""
    return f"{public_url}/api/v1/eventHooks/{hook_id}"


def render_body(source: str, event_id: str, elements: Sequence[bytes], event_time_ms: int) -> bytes:
    """Return the request body: pure, so that every attempt sends the same bytes.

    elements: what `log_event.render_element` made, in log order. event_time_ms: when the delivery was made.
    """
    return b"".join(
        (
            b'{"eventType":"com.okta.event_hook","eventTypeVersion":"1.0","cloudEventsVersion":"0.1","source":"',
            source.encode(),
            b'","eventId":"',
            event_id.encode(),
            b'","data":{"events":[',
            b",".join(elements),
            b']},"eventTime":"',
            format_ms(event_time_ms).encode(),
            b'","contentType":"application/json"}',
        )
    )
