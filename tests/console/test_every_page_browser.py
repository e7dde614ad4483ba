"""Every page about one thing, found by its route, in light and dark; test_console_browser looks at the others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from browser_rig import WIDE, Server, signed_in_window
from support.receiver import Receiver

from tenterhook.console.app import PAGES
from tenterhook.console.routes import Kind

ABOUT_ONE = sorted(
    route.path
    for module in PAGES
    for route in module.routes
    if route.kind in (Kind.PAGE, Kind.LIVE) and route.method == "GET" and "{" in route.path
)


@pytest.fixture(scope="module")
def receiver() -> Iterator[Any]:
    with Receiver(answer=lambda received: 500) as receiver:
        yield receiver


@pytest.fixture(scope="module")
def things(server: Server, receiver: Any) -> dict[str, str]:
    """One thing of each family of pages: its id, by what comes after ``/console/``."""
    channel = {"type": "HTTP", "version": "1.0.0", "config": {"uri": receiver.url()}}
    asked = {"type": "EVENT_TYPE", "items": ["user.lifecycle.create"]}
    inline = {"name": "Inline", "type": "com.okta.import.transform", "version": "1.0.0", "channel": channel}
    hook = server.call("POST", "/api/v1/eventHooks", {"name": "CRM sync", "events": asked, "channel": channel})
    server.call("POST", f"/api/v1/eventHooks/{hook['id']}/lifecycle/verify")
    published = server.call("POST", "/api/v1/events", [{"eventType": "user.lifecycle.create"}])
    receiver.wait_for_deliveries(2)  # so that it waits for its third attempt: it can be cancelled
    [delivery] = server.call("GET", f"/api/v1/eventHooks/{hook['id']}/deliveries")
    token = server.call("POST", "/api/v1/api-tokens", {"name": "Poller", "role": "PUBLISHER"})
    admin = {"login": "ann@example.com", "name": "Ann", "role": "HOOKS_ADMIN"}
    return {
        "event-hooks": hook["id"],
        "deliveries": delivery["id"],
        "system-log/events": published["events"][0]["uuid"],
        "inline-hooks": server.call("POST", "/api/v1/inlineHooks", inline)["id"],
        "hook-keys": server.call("POST", "/api/v1/hook-keys", {"name": "Signer"})["id"],
        "event-types": server.call("POST", "/api/v1/eventTypes", {"name": "acme.paid", "displayName": "Paid"})["name"],
        "tokens": token["id"],
        "admins": server.call("POST", "/api/v1/admins", admin)["id"],
        "orgs": server.call("POST", "/api/v1/orgs", {"name": "Acme"})["id"],
    }


def address_of(path: str, things: dict[str, str]) -> str:
    """The address of a route's page about the thing of its family."""
    family, _, rest = path.removeprefix("/console/").partition("/{")
    return f"/console/{family}/{things[family]}{rest.partition('}')[2]}"


def test_every_page_about_one_thing_is_for_everybody(chromium: Any, server: Server, things: dict[str, str]) -> None:
    paths = [address_of(path, things) for path in ABOUT_ONE]
    with signed_in_window(chromium, server) as window:
        for path in [*paths, f"/console/explain?uuid={things['system-log/events']}"]:
            window.show("light", WIDE)
            window.open(path)
            assert window.page.url == server.url + path
            for theme in ("light", "dark"):
                window.show(theme, WIDE)
                assert window.axe() == [], (path, theme)
            assert not window.is_wider_than_its_window(), path
