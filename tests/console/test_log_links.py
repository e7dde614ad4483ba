"""Where a log event leads, whatever a publisher has put into it."""

from __future__ import annotations

from typing import Any

import pytest

from tenterhook.console.log_links import Link, delivery_of, links_of

UUID = "01234567-89ab-7def-8123-456789abcdef"


def test_targets_that_are_hooks_lead_to_their_pages_once_each() -> None:
    hook = {"id": "who1", "type": "EventHook", "displayName": "CRM"}
    targets = [hook, {"id": "u", "type": "User"}, {"id": "a/../b?", "type": "InlineHook", "displayName": None}, hook]
    assert links_of({"target": targets}) == [
        Link("Event hook CRM", "/console/event-hooks/who1"),
        Link("Inline hook", "/console/inline-hooks/a%2F..%2Fb%3F"),
    ]


def test_only_an_event_about_a_delivery_leads_to_one() -> None:
    debug = {"debugData": {"eventId": UUID}}
    assert delivery_of({"eventType": "event_hook.delivery", "debugContext": debug}) == f"/console/deliveries/{UUID}"
    assert delivery_of({"eventType": "event_hook.previewed", "debugContext": debug}) is None


@pytest.mark.parametrize("value", [None, "x", 7, [7], {}, {"id": 7}, [{"type": "EventHook", "id": 7}], [{"type": []}]])
def test_values_of_another_kind_lead_nowhere(value: Any) -> None:
    event = {"eventType": "event_hook.delivery", "target": value, "debugContext": value}
    assert links_of(event) == []
    assert links_of({**event, "debugContext": {"debugData": value}}) == []
    assert links_of({**event, "debugContext": {"debugData": {"eventId": value}}}) == []
