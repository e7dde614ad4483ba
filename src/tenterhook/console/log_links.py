"""From a log event to the pages of what it tells of: a delivery, event hooks, inline hooks."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import quote

from tenterhook.ids import parse_uuid

#: The type of the event that tells how a delivery ended.
_DELIVERY = "event_hook.delivery"
#: Targets that have pages, by their type: what they are called, and where those are.
_PAGES = {
    "EventHook": ("Event hook", "/console/event-hooks/"),
    "InlineHook": ("Inline hook", "/console/inline-hooks/"),
}
#: Targets of one event that are looked at.
_MOST = 20


class Link(NamedTuple):
    """A page that an event leads to."""

    label: str
    address: str


def delivery_of(event: dict[str, Any]) -> str | None:
    """Return the address of the delivery of which an event tells how it ended; None: it tells of none."""
    if event.get("eventType") != _DELIVERY:
        return None
    debug = event.get("debugContext")
    data = debug.get("debugData") if isinstance(debug, dict) else None
    event_id = data.get("eventId") if isinstance(data, dict) else None
    known = isinstance(event_id, str) and parse_uuid(event_id) is not None
    return f"/console/deliveries/{event_id}" if known else None


def links_of(event: dict[str, Any]) -> list[Link]:
    """Return the pages of what an event tells of. Its values are a publisher's: of any kind."""
    delivery = delivery_of(event)
    found = [] if delivery is None else [Link("Delivery", delivery)]
    targets = event.get("target")
    for one in targets[:_MOST] if isinstance(targets, list) else []:
        link = _to_target(one)
        if link is not None and link not in found:
            found.append(link)
    return found


def _to_target(target: object) -> Link | None:
    if not isinstance(target, dict) or not isinstance(target.get("type"), str):
        return None
    id, name = target.get("id"), target.get("displayName")
    if target["type"] not in _PAGES or not isinstance(id, str) or not id:
        return None
    what, path = _PAGES[target["type"]]
    return Link(f"{what} {name}" if isinstance(name, str) and name else what, path + quote(id, safe=""))
