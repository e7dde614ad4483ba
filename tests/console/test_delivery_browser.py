"""An incident in a real browser: a receiver breaks, the overview says so, its delivery says why, and it is mended."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from browser_rig import PHONE, WIDE, Server, Window, signed_in_window
from playwright.sync_api import expect
from support.receiver import HANG, Receiver, reply

HARM = '<script>alert(1)</script>"><img src=//canary.invalid/x onerror=alert(2)> \u202e \x1b[2J'


@pytest.fixture(scope="module")
def receiver() -> Iterator[Any]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def hook_id(server: Server, receiver: Any) -> str:
    """A verified hook, whose receiver then breaks."""
    headers = [{"key": "X-Shown", "value": "yes"}]
    channel = {"type": "HTTP", "version": "1.0.0", "config": {"uri": receiver.url(), "headers": headers}}
    events = {"type": "EVENT_TYPE", "items": ["user.lifecycle.create"]}
    made = server.call("POST", "/api/v1/eventHooks", {"name": "CRM sync", "events": events, "channel": channel})
    server.call("POST", f"/api/v1/eventHooks/{made['id']}/lifecycle/verify")
    return str(made["id"])


@pytest.fixture(scope="module")
def failed(server: Server, receiver: Any, hook_id: str) -> dict[str, Any]:
    """A delivery that was answered with 500 and something that means harm."""
    answer = reply(500, [("X-Harm", "<b>"), ("Content-Type", "text/html")], HARM.encode())
    receiver.answer = lambda received: answer
    actor = {"id": "a", "type": "User", "displayName": HARM}
    event = {"eventType": "user.lifecycle.create", "displayMessage": HARM, "actor": actor}
    server.call("POST", "/api/v1/events", [event])
    receiver.wait_for_deliveries(2)
    [found] = server.call("GET", f"/api/v1/eventHooks/{hook_id}/deliveries")
    return dict(found)


def paths_of(delivery: dict[str, Any]) -> dict[str, str]:
    here = f"/console/deliveries/{delivery['id']}"
    return {
        "overview": "/console",
        "deliveries": "/console/deliveries",
        "delivery": here,
        "cancel": f"{here}/cancel",
        "explain": f"/console/explain?uuid={delivery['events'][0]}",
    }


def check(window: Window, name: str, path: str, theme: str, size: tuple[int, int]) -> None:
    window.show(theme, size)
    window.open(path)
    assert window.axe() == [], (name, theme, size)
    assert not window.is_wider_than_its_window(), (name, size)
    assert window.page.locator("script").count() == 1
    assert window.page.locator("main img").count() == 0
    window.screenshot(name, theme, size[0])


def test_pages_with_a_failure_are_for_everybody_and_what_came_from_outside_is_text(
    chromium: Any, server: Server, failed: dict[str, Any]
) -> None:
    with signed_in_window(chromium, server) as window:
        for name, path in paths_of(failed).items():
            check(window, name, path, "light", WIDE)
            check(window, name, path, "dark", PHONE)


def test_an_incident_is_found_understood_and_mended(
    chromium: Any, server: Server, receiver: Any, failed: dict[str, Any]
) -> None:
    with signed_in_window(chromium, server) as window:
        page = window.open("/console")
        expect(page.locator(".verdict")).to_contain_text("CRM sync has failed for")
        page.get_by_role("link", name="See what does not arrive").click()
        page.locator(".row-link").first.click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Delivery to CRM sync")
        expect(page.locator(".standing")).to_contain_text("500 Internal Server Error")
        expect(page.locator(".standing")).to_contain_text("look into its log")
        receiver.answer = lambda received: 204
        page.get_by_role("button", name="Retry now").click()
        expect(page.locator(".flash")).to_contain_text("Another attempt was asked for")
        expect(page.locator(".standing")).to_contain_text("Delivered", timeout=15_000)  # by itself: the page is live
        page.get_by_role("link", name=re.compile("^Explain event")).click()
        expect(page.locator(".path")).to_contain_text("1 delivered")
        page.get_by_label("Event uuid or eventId").fill(failed["id"])
        page.get_by_role("button", name="Find").click()
        page.wait_for_url(re.compile(f"/console/deliveries/{failed['id']}$"))


def test_without_script_a_delivery_is_filtered_for_retried_and_found(
    chromium: Any, server: Server, receiver: Any, hook_id: str
) -> None:
    receiver.answer = lambda received: 404
    with signed_in_window(chromium, server, java_script_enabled=False) as window:
        before = len(receiver.requests)
        server.call("POST", "/api/v1/events", [{"eventType": "user.lifecycle.create"}])
        receiver.wait(lambda: len(receiver.requests) >= before + 2)
        page = window.open("/console/deliveries")
        page.get_by_label("Event hook").select_option("CRM sync")
        page.get_by_label("Status").select_option("Retrying")
        page.get_by_role("button", name="Apply").click()
        expect(page.locator(".row-link")).to_have_count(1)
        page.locator(".row-link").click()
        receiver.answer = lambda received: 204
        page.get_by_role("button", name="Retry now").click()
        receiver.wait(lambda: len(receiver.requests) >= before + 3)
        page.reload()
        page.get_by_role("link", name="Deliveries").first.click()
        page.get_by_label("Status").select_option("Delivered")
        page.get_by_role("button", name="Apply").click()
        expect(page.locator(".row-link").first).to_be_visible()


def test_what_can_be_done_with_a_delivery_follows_its_state(
    chromium: Any, server: Server, receiver: Any, hook_id: str
) -> None:
    receiver.answer = lambda received: 503
    with signed_in_window(chromium, server) as window:
        before = len(receiver.requests)
        server.call("POST", "/api/v1/events", [{"eventType": "user.lifecycle.create"}])
        receiver.wait(lambda: len(receiver.requests) >= before + 2)
        found = server.call("GET", f"/api/v1/eventHooks/{hook_id}/deliveries?limit=1")[0]

        receiver.answer = lambda received: HANG
        page = window.open(f"/console/deliveries/{found['id']}")
        retry, cancel = page.get_by_role("button", name="Retry now"), page.get_by_role("link", name="Cancel")
        page.evaluate("window.isTheSame = true")
        server.call("POST", f"/api/v1/deliveries/{found['id']}/retry")
        cancel.focus()
        expect(retry).to_have_count(0, timeout=10_000)  # an attempt is under way
        expect(cancel).to_be_focused()
        expect(retry).to_be_visible(timeout=15_000)  # it failed
        receiver.answer = lambda received: 204
        server.call("POST", f"/api/v1/deliveries/{found['id']}/retry")
        expect(page.locator(".standing")).to_contain_text("Delivered", timeout=15_000)
        expect(retry).to_have_count(0)
        expect(cancel).to_have_count(0)
        expect(page.locator("#actions")).to_be_focused()  # at the place of what it was on
        assert page.evaluate("window.isTheSame")
