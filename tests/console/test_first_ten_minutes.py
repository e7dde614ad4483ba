"""A newcomer's first ten minutes in a real browser: from the printed link to an incident that is over."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from browser_rig import Server, Window, window_of
from playwright.sync_api import Page, expect
from support.receiver import Receiver, echo, reply

HOOK = "Welcome new people"
EVENT_TYPE = "user.lifecycle.create"
#: What a page that renews itself needs on a busy machine.
LIVE_MS = 20_000


def wrong_echo(received: Any) -> bytes:
    """Answer a challenge as one does who has only skimmed the guide."""
    return reply(200, [("Content-Type", "application/json")], json.dumps({"challenge": received.challenge}).encode())


def publish(server: Server, person: str) -> str:
    """Publish that somebody was created, as a program does; return the event's uuid."""
    event = {
        "eventType": EVENT_TYPE,
        "actor": {"id": "00u1", "type": "User", "displayName": "Ann Archer"},
        "target": [{"id": person, "type": "User", "displayName": person}],
        "outcome": {"result": "SUCCESS"},
    }
    answer = server.call("POST", "/api/v1/events", [event])
    return str(answer["events"][0]["uuid"])


@contextmanager
def first_visit(browser: Any, server: Server) -> Iterator[Window]:
    """A browser that was never here, and follows the printed link; nothing may go wrong in it until it is closed."""
    context = browser.new_context(locale="en-GB", timezone_id="Europe/Berlin")
    try:
        window = window_of(context, server)
        window.page.goto(server.link)
        yield window
        assert window.troubles == []
        assert all(url.startswith(server.url) for url in window.asked)
    finally:
        context.close()


@pytest.fixture
def receiver() -> Iterator[Any]:
    with Receiver() as receiver:
        receiver.echo = wrong_echo
        yield receiver


def sign_in(page: Page) -> None:
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="First steps")).to_be_visible()
    expect(page.locator("[aria-current=step]")).to_contain_text("Create an event hook")


def create_hook(page: Page, url: str) -> None:
    page.locator("[aria-current=step]").get_by_role("link", name="Create Event Hook").click()
    page.get_by_label("Name", exact=True).fill(HOOK)
    page.get_by_label("URL").fill(url)
    page.get_by_label("Secret", exact=True).fill("s3cret")
    page.get_by_role("searchbox", name="Find event types").fill("user.lifecycle.cr")
    page.get_by_role("checkbox", name=EVENT_TYPE).check()
    page.get_by_role("button", name="Create Event Hook").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(HOOK)


def verify_at_the_second_try(window: Window, receiver: Any) -> None:
    page = window.page
    page.get_by_role("button", name="Verify").first.click()
    expect(page.locator("main")).to_contain_text("a JSON object without the key 'verification'")
    expect(page.locator("main")).to_contain_text('{"verification": "<value of X-Okta-Verification-Challenge>"}')
    # The browser tells of the answer's status as well; of nothing else.
    assert [one.endswith("400 (Bad Request)") for one in window.troubles] == [True]
    window.troubles.clear()
    receiver.echo = echo
    page.get_by_role("button", name="Verify again").click()
    expect(page.get_by_text(f"{HOOK} is verified.")).to_be_visible()


def preview(page: Page, receiver: Any) -> None:
    page.get_by_role("link", name="Preview").first.click()
    expect(page.get_by_label("The event, which you may edit")).to_have_value(re.compile(EVENT_TYPE))
    page.get_by_role("button", name="Deliver").click()
    expect(page.get_by_text("The endpoint answered 204.")).to_be_visible()
    [previewed] = receiver.deliveries
    assert previewed.header("Authorization") == "s3cret"


def watch_it_arrive(window: Window, receiver: Any) -> None:
    """One event, published while the live tail is open, is there and delivered; the overview learns it by itself."""
    page = window.open("/console/system-log/live")
    expect(page.locator("[data-tail-state]")).to_contain_text("newest events on top")
    uuid = publish(window.server, "Ben Baker")
    expect(page.locator(f"#e-{uuid}")).to_contain_text("Ben Baker", timeout=LIVE_MS)
    receiver.wait(lambda: uuid in receiver.uuids())
    window.open("/console")
    expect(page.locator("#overview .verdict")).to_contain_text("arrived", timeout=LIVE_MS)
    expect(page.get_by_role("heading", name="First steps")).to_have_count(0)


def see_it_fail(window: Window, receiver: Any) -> str:
    """The open overview turns red by itself and leads to the delivery, which says why; return the event's uuid."""
    receiver.answer = lambda received: reply(500, [("Content-Type", "text/plain")], b"the database is full")
    page, seen = window.page, len(receiver.deliveries)
    uuid = publish(window.server, "Cleo Carter")
    # Twice: the third try is far enough away for what follows.
    receiver.wait_for_deliveries(seen + 2)
    expect(page.locator(".verdict")).to_contain_text(f"{HOOK} has failed for", timeout=LIVE_MS)
    expect(page.locator("#overview")).to_contain_text("The receiver failed: look into its log")
    page.get_by_role("link", name="See what does not arrive").click()
    page.locator(".row-link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Delivery to {HOOK}")
    expect(page.locator(".standing")).to_contain_text("500 Internal Server Error")
    expect(page.locator(".standing")).to_contain_text("look into its log")
    expect(page.get_by_label("Body of the answer").first).to_have_text("the database is full")
    return uuid


def mend_and_retry(page: Page, receiver: Any) -> None:
    seen = len(receiver.deliveries)
    event_id = page.url.rpartition("/")[2]
    receiver.answer = lambda received: 204
    page.get_by_role("button", name="Retry now").click()
    expect(page.locator(".standing")).to_contain_text("Delivered", timeout=LIVE_MS)
    tries = [one for one in receiver.deliveries if one.event_id == event_id]
    assert len(receiver.deliveries) == seen + 1
    assert tries[-1] is receiver.deliveries[-1]
    assert len({one.body for one in tries}) == 1


def explain(window: Window, uuid: str) -> None:
    page = window.page
    page.get_by_role("link", name=re.compile("^Explain event")).click()
    expect(page.get_by_label("Event uuid or eventId")).to_have_value(uuid)
    expect(page.locator(".event")).to_contain_text("Cleo Carter")
    expect(page.locator(".path")).to_contain_text("1 delivered")
    expect(page.get_by_role("list", name="Attempts of a delivery")).to_contain_text("The endpoint answered 500")
    window.open("/console")
    expect(page.locator(".verdict")).to_contain_text("Healthy")


def test_a_newcomer_gets_from_the_printed_link_to_a_mended_delivery(
    chromium: Any, server: Server, receiver: Any
) -> None:
    with first_visit(chromium, server) as window:
        sign_in(window.page)
        create_hook(window.page, receiver.url())
        verify_at_the_second_try(window, receiver)
        preview(window.page, receiver)
        watch_it_arrive(window, receiver)
        uuid = see_it_fail(window, receiver)
        mend_and_retry(window.page, receiver)
        explain(window, uuid)
