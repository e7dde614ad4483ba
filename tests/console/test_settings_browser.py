"""Settings and inline hooks in a real browser: what is shown once, what goes with a choice, and nothing that runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from browser_rig import PHONE, WIDE, Server, Window, signed_in_window
from inline_pages_rig import HOOKS, TOKEN, answer_of

HARM = '<script>alert(1)</script>"><img src=//canary.invalid/x onerror=alert(2)>\u202e'
ANSWER = answer_of(
    {
        "commands": [
            {
                "type": "com.okta.access.patch",
                "value": [{"op": "add", "path": "/claims/harm", "value": HARM}],
            }
        ],
        "debugContext": {"note": HARM},
    }
)


@contextmanager
def answering(body: bytes) -> Iterator[str]:
    """An endpoint on loopback that answers every POST with *body*; yields its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/ask"
        finally:
            server.shutdown()
            thread.join()


def looked_at(window: Window, name: str) -> None:
    """Look at the page as everybody may see it."""
    for size in (WIDE, PHONE):
        for theme in ("light", "dark"):
            window.show(theme, size)
            assert window.axe() == [], (name, theme, size)
            assert not window.is_wider_than_its_window(), (name, size)
            window.screenshot(name, theme, size[0])
    window.show("light", WIDE)


def test_an_inline_hook_is_made_executed_and_understood(chromium: Any, server: Server) -> None:
    with answering(ANSWER) as url, signed_in_window(chromium, server) as window:
        page = window.open(f"{HOOKS}/new?type={TOKEN}")
        assert not page.get_by_label("Token URL").is_visible()
        page.get_by_label("OAuth 2.0").check()
        assert page.get_by_label("Token URL").is_visible()
        assert not page.get_by_label("Send none").is_visible()
        page.get_by_label("A hook key").check()
        assert not page.get_by_label("Client secret", exact=True).is_visible()
        looked_at(window, "inline-hook-new-oauth")
        page.get_by_label("A secret header").check()
        page.get_by_label("Send none").check()
        assert not page.get_by_label("Header", exact=True).is_visible()
        page.get_by_label("Name", exact=True).fill(f"Harm {HARM}"[:60])
        page.get_by_label("URL", exact=True).fill(url)
        page.get_by_role("button", name="Create Inline Hook").click()
        looked_at(window, "inline-hook")
        page.get_by_role("link", name="Execute").click()
        page.get_by_role("button", name="Execute", exact=True).click()
        page.locator("#result").wait_for()
        assert "Success" in page.locator("#result").inner_text()
        assert page.locator("main img, main script").count() == 0
        assert "\\u202e" in page.locator("main").inner_text()
        looked_at(window, "inline-hook-executed")


def test_a_token_and_a_link_are_shown_once_and_can_be_copied(chromium: Any, server: Server) -> None:
    with signed_in_window(chromium, server) as window:
        page = window.open("/console/tokens/new")
        assert not page.get_by_label("okta.logs.read").is_visible()
        page.get_by_label("Chosen scopes").check()
        page.get_by_label("okta.logs.read").check()
        page.get_by_label("Name").fill("Poller")
        looked_at(window, "token-new-scopes")
        page.get_by_role("button", name="Issue token").click()
        assert page.get_by_role("heading", level=1).inner_text() == "The token “Poller” is issued"
        assert page.get_by_role("button", name="Copy: The token").is_visible()
        looked_at(window, "token-issued")
        page.get_by_role("link", name="Done").click()
        page.get_by_role("link", name="Revoke Poller").click()
        looked_at(window, "token-revoke")
        page.get_by_role("button", name="Revoke the token").click()
        assert "“Poller” is revoked" in page.get_by_role("status").inner_text()
        window.open("/console/admins")
        page.get_by_role("link", name="admin", exact=True).click()
        looked_at(window, "admin")
