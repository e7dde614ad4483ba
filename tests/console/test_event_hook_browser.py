"""The pages about event hooks in a real browser: with script and without, in every size and colour."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import quote

import pytest
from browser_rig import PHONE, WIDE, Server, Window, signed_in_window
from playwright.sync_api import expect
from type_searches import CASES

PATH = "/console/event-hooks"
LOOKS = [("light", WIDE), ("dark", WIDE), ("light", PHONE)]


class _Receiver(BaseHTTPRequestHandler):
    """An endpoint that echoes the challenge, or its bare value as the guide's own handler does, and takes events."""

    def do_GET(self) -> None:
        challenge = self.headers["X-Okta-Verification-Challenge"]
        text = f'"{challenge}"' if self.path == "/bare" else f'{{"verification":"{challenge}"}}'
        self._answer(200, text.encode())

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(503 if self.path == "/fails" else 204, b"")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        if body:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@contextmanager
def receiver() -> Iterator[str]:
    """A receiver on a free port, and its address."""
    listener = ThreadingHTTPServer(("127.0.0.1", 0), _Receiver)
    thread = threading.Thread(target=listener.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.server_address[1]}"
    finally:
        listener.shutdown()
        listener.server_close()
        thread.join(5)


def look(window: Window, name: str) -> None:
    """Look at the page that is shown, in every size and colour."""
    for theme, size in LOOKS:
        window.show(theme, size)
        assert window.axe() == [], (name, theme, size)
        assert not window.is_wider_than_its_window(), (name, size)
        window.screenshot(f"event-hooks-{name}", theme, size[0])
    window.show("light", WIDE)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with receiver() as url:
        yield url


def test_a_hook_is_created_verified_and_previewed_by_somebody_who_reads_the_pages(
    chromium: Any, server: Server, endpoint: str
) -> None:
    with signed_in_window(chromium, server) as window:
        page = window.open(PATH)
        page.get_by_role("link", name="Create Event Hook").click()
        page.get_by_label("Name", exact=True).fill("Newcomer")
        page.get_by_label("URL").fill(f"{endpoint}/bare")
        page.get_by_label("Secret", exact=True).fill("s3cret")
        page.get_by_role("button", name="Add header").click()
        page.get_by_label("Name of a header").fill("X-Team")
        page.get_by_label("Its value").fill("people")
        find = page.get_by_role("searchbox", name="Find event types")
        find.fill("user.life")
        expect(page.get_by_role("checkbox", name="group.user_membership.add")).to_be_hidden()
        page.get_by_role("checkbox", name="user.lifecycle.create").check()
        find.press("Enter")  # no wish to store anything yet
        find.fill("signs in")
        page.get_by_role("checkbox", name="user.session.start").check()
        chips = page.get_by_role("list", name="Chosen event types").get_by_role("listitem")
        expect(chips).to_have_count(2)
        page.get_by_role("button", name="Remove user.lifecycle.create").click()
        expect(chips).to_have_count(1)
        page.get_by_role("button", name="Add filter").click()
        expression = page.get_by_label("Only user.session.start for which")
        expression.fill("event.outcome.result eq")
        expect(page.get_by_text("column")).to_be_visible()
        expression.fill("event.outcome.result eq 'SUCCESS'")
        expect(page.get_by_text("Reads well.")).to_be_visible()
        look(window, "new")
        page.get_by_role("button", name="Create Event Hook").click()
        expect(page.get_by_role("heading", name="Newcomer")).to_be_visible()
        look(window, "unverified")

        page.get_by_role("button", name="Verify").first.click()
        expect(page.get_by_text("the bare string instead of an object")).to_be_visible()
        assert window.troubles.pop().endswith("400 (Bad Request)")
        look(window, "verify")
        page.get_by_role("link", name="Edit").click()
        page.get_by_label("URL").fill(endpoint)
        page.get_by_role("button", name="Save").last.click()
        page.get_by_role("button", name="Verify").first.click()
        expect(page.get_by_text("Newcomer is verified.")).to_be_visible()

        page.get_by_role("link", name="Preview").first.click()
        look(window, "preview")
        page.get_by_role("button", name="Deliver").click()
        expect(page.get_by_text("The endpoint answered 204.")).to_be_visible()
        look(window, "delivered")

        page = window.open(PATH)
        look(window, "list")
        page.locator("summary", has_text="Actions for Newcomer").click()
        page.get_by_role("button", name="Pause").click()
        expect(page.get_by_text("Newcomer is paused")).to_be_visible()
        page.locator("summary", has_text="Actions for Newcomer").click()
        page.get_by_role("link", name="Delete").click()
        look(window, "delete")
        page.get_by_role("button", name="Deactivate and delete").click()
        expect(page.get_by_text("Newcomer is deleted.")).to_be_visible()


def test_a_failing_hook_is_explained_in_every_size_and_colour(chromium: Any, server: Server, endpoint: str) -> None:
    config = {"uri": f"{endpoint}/fails"}
    document = {
        "name": "Fails",
        "events": {"type": "EVENT_TYPE", "items": ["user.lifecycle.create"]},
        "channel": {"type": "HTTP", "version": "1.0.0", "config": config},
    }
    hook = server.call("POST", "/api/v1/eventHooks", document)
    server.call("POST", f"/api/v1/eventHooks/{hook['id']}/lifecycle/verify")
    server.call("POST", "/api/v1/events", [{"eventType": "user.lifecycle.create"}])
    with signed_in_window(chromium, server) as window:
        page = window.open(f"{PATH}/{hook['id']}")
        # The region renews itself: nobody has to reload the page to see it.
        expect(page.get_by_text("Its deliveries fail")).to_be_visible(timeout=20_000)
        window.open(f"{PATH}/{hook['id']}")
        expect(page.get_by_text("The endpoint answered 503").first).to_be_visible()
        look(window, "failing")
        window.open(f"{PATH}/{hook['id']}/edit")
        look(window, "edit")


def test_a_hook_is_made_and_changed_without_script(chromium: Any, server: Server, endpoint: str) -> None:
    with signed_in_window(chromium, server, java_script_enabled=False) as window:
        page = window.open(f"{PATH}/new")
        page.get_by_label("Name", exact=True).fill("Scriptless")
        page.get_by_label("URL").fill(endpoint)
        page.get_by_label("Send none").check()
        find = page.get_by_role("searchbox", name="Find event types")
        find.fill("lock user")
        find.press("Enter")
        page.get_by_role("checkbox", name="user.account.lock").first.check()
        page.get_by_role("searchbox", name="Find event types").fill("signs in")
        page.get_by_role("button", name="Find").click()
        page.get_by_role("checkbox", name="user.session.start").check()
        page.get_by_role("button", name="Add header").click()
        page.get_by_label("Name of a header").fill("X-Team")
        page.get_by_label("Its value").fill("people")
        page.get_by_role("combobox", name="Event type to filter").select_option("user.account.lock")
        page.get_by_role("button", name="Add filter").click()
        page.get_by_label("Only user.account.lock for which").fill("event.outcome.result eq 'SUCCESS'")
        page.get_by_role("button", name="Check").click()
        expect(page.get_by_text("Reads well.")).to_be_visible()
        page.get_by_role("button", name="Create Event Hook").click()
        page.get_by_role("button", name="Verify").first.click()
        expect(page.get_by_text("Scriptless is verified.")).to_be_visible()
        [hook] = [one for one in server.call("GET", "/api/v1/eventHooks") if one["name"] == "Scriptless"]
        assert sorted(hook["events"]["items"]) == ["user.account.lock", "user.session.start"]
        assert len(hook["events"]["filter"]["eventFilterMap"]) == 1
        assert hook["channel"]["config"]["headers"] == [{"key": "X-Team", "value": "people"}]


def test_the_picker_finds_with_script_what_the_server_finds(chromium: Any, server: Server) -> None:
    with signed_in_window(chromium, server) as window:
        page = window.open(f"{PATH}/new")
        find = page.get_by_role("searchbox", name="Find event types")
        for sought in [*dict(CASES), "no such thing", "signed in", "policies", "api", "started session device"]:
            said = server.call("GET", f"/api/v1/eventTypes?eligible=true&limit=200&q={quote(sought)}")
            find.fill(sought)
            boxes = page.locator("#types .pick:not([hidden]) input").evaluate_all("all => all.map((one) => one.value)")
            assert sorted(boxes) == [one["name"] for one in said], sought
            noun = "type" if len(said) == 1 else "types"
            expect(page.locator("[data-count]")).to_have_text(f"0 chosen · {len(said)} {noun} found")
            expect(page.get_by_text("Try fewer, or one part of a name")).to_be_visible(visible=not said)
