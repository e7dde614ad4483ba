"""The body of a delivery: Okta's envelope around one or more log events.

Source: okta/event-hooks.md §6; the key order is the wire's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

import msgspec

from tenterhook.domain.log_event import Tree
from tenterhook.domain.timestamp import format_ms

#: What a delivery may hold, whatever its hook allows: bytes of events.
MAX_DELIVERY_BYTES = 512 * 1024


def source_of(public_url: str, hook_id: str) -> str:
    """Return the envelope's ``source``: the hook's own address under the base in force when the delivery was made."""
    return f"{public_url}/api/v1/eventHooks/{hook_id}"


def fixed_headers(user_agent: str) -> tuple[tuple[str, str], ...]:
    """Return the headers of every delivery, in wire order; the hook's own follow (okta/event-hooks.md §6)."""
    return ("User-Agent", user_agent), ("Accept", "application/json"), ("Content-Type", "application/json")


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


# -- one event ---------------------------------------------------------------------------------------------------------

#: What this form knows; anything else of an event follows as it is.
_ELEMENT_KEYS = frozenset(
    (
        *("uuid", "published", "eventType", "version", "displayMessage", "severity", "client", "device", "actor"),
        *("outcome", "target", "transaction", "debugContext", "legacyEventType", "authenticationContext"),
        *("securityContext", "insertionTimestamp", "request"),
    )
)
#: Objects of the contract inside others.
_PLACE = ("geographicalContext", "userAgent")
_ISSUER = ("issuer",)
_encode = msgspec.json.Encoder().encode


def render_element(tree: Tree) -> bytes:
    """Return one entry of ``data.events``: contract keys that are null left out, ``ipChain`` inside ``client``.

    Pure: the same log event gives the same bytes at every attempt.
    Source: okta/event-hooks.md §6 (live bodies).
    """
    get = tree.get
    element = _full(
        {
            "uuid": get("uuid"),
            "published": get("published"),
            "eventType": get("eventType"),
            "version": get("version"),
            "displayMessage": get("displayMessage"),
            "severity": get("severity"),
            "client": _client_part(get("client"), get("request")),
            "device": _full(get("device")),
            "actor": _full(get("actor")),
            "outcome": _full(get("outcome")),
            "target": [_full(item) for item in get("target") or ()] or None,
            "transaction": _full(get("transaction")),
            "debugContext": _full(get("debugContext")),
            "legacyEventType": get("legacyEventType"),
            "authenticationContext": _with_full(get("authenticationContext"), _ISSUER),
            "securityContext": _full(get("securityContext")),
            "insertionTimestamp": get("insertionTimestamp"),
        }
    )
    if not tree.keys() <= _ELEMENT_KEYS:
        element.update((key, value) for key, value in tree.items() if key not in _ELEMENT_KEYS)
    return _encode(element)


@overload
def _full(part: Tree) -> Tree: ...
@overload
def _full(part: None) -> None: ...
def _full(part: Tree | None) -> Tree | None:
    """Return *part* without its nulls."""
    if part is None or None not in part.values():
        return part
    return {key: value for key, value in part.items() if value is not None}


def _with_full(part: Tree | None, inner: tuple[str, ...]) -> Tree | None:
    """Return *part* without its nulls, and without those of the objects at its keys *inner*."""
    if part is None:
        return None
    full = _full(part)
    for key in inner:
        value = full.get(key)
        if isinstance(value, dict) and None in value.values():
            full = {**full, key: _full(value)}
    return full


def _client_part(client: Tree | None, request: Tree | None) -> Tree:
    part = _with_full(client or {}, _PLACE) or {}
    chain = (request or {}).get("ipChain")
    return part if chain is None else {**part, "ipChain": [_with_full(hop, _PLACE) for hop in chain]}
