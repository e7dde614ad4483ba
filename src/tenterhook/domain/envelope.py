"""The body of a delivery: Okta's envelope around one or more log events.

Source: okta/event-hooks.md §6; the key order is the wire's.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tenterhook.domain.log_event import Tree
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


# -- one event ---------------------------------------------------------------------------------------------------------

_ELEMENT_ORDER = (
    "uuid",
    "published",
    "eventType",
    "version",
    "displayMessage",
    "severity",
    "client",
    "device",
    "actor",
    "outcome",
    "target",
    "transaction",
    "debugContext",
    "legacyEventType",
    "authenticationContext",
    "securityContext",
    "insertionTimestamp",
)
_ELEMENT_KEYS = frozenset((*_ELEMENT_ORDER, "request"))


def render_element(tree: Tree) -> bytes:
    """Return one entry of ``data.events``: contract keys that are null left out, ``ipChain`` inside ``client``.

    Pure: the same log event gives the same bytes at every attempt.
    Source: okta/event-hooks.md §6 (live bodies).
    """
    parts = {
        "client": _client_part(tree.get("client"), tree.get("request")),
        "actor": _full(tree.get("actor")),
        "outcome": _full(tree.get("outcome")),
        "device": _full(tree.get("device")),
        "target": [_target_part(item) for item in tree.get("target") or ()] or None,
        "transaction": _full(tree.get("transaction")),
        "debugContext": _full(tree.get("debugContext")),
        "authenticationContext": _authentication_part(tree.get("authenticationContext")),
        "securityContext": _full(tree.get("securityContext")),
    }
    element = {}
    for key in _ELEMENT_ORDER:
        value = parts[key] if key in parts else tree.get(key)
        if value is not None:
            element[key] = value
    if not tree.keys() <= _ELEMENT_KEYS:
        element.update((key, value) for key, value in tree.items() if key not in _ELEMENT_KEYS)
    return msgspec.json.encode(element)


def _full(part: Tree | None) -> Tree | None:
    return None if part is None else {key: value for key, value in part.items() if value is not None}


def _target_part(target: Tree) -> Tree:
    return {key: value for key, value in target.items() if value is not None}


def _authentication_part(part: Tree | None) -> Tree | None:
    full = _full(part)
    if full and isinstance(full.get("issuer"), dict):
        full["issuer"] = _full(full["issuer"])
    return full


def _place_part(part: Tree) -> Tree:
    """Drop the nulls of anything that holds a geographicalContext or a userAgent."""
    full = {key: value for key, value in part.items() if value is not None}
    for key in ("geographicalContext", "userAgent"):
        if isinstance(full.get(key), dict):
            full[key] = {name: value for name, value in full[key].items() if value is not None}
    return full


def _client_part(client: Tree | None, request: Tree | None) -> Tree:
    part = _place_part(client or {})
    chain = (request or {}).get("ipChain")
    if chain is not None:
        part["ipChain"] = [_place_part(hop) for hop in chain]
    return part
