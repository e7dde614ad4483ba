"""Pages as a browser shows them: on a phone and a wide screen, light and dark, with script and without it, for all."""

from __future__ import annotations

import re
from typing import Any

import httpx2
import pytest
from browser_rig import PHONE, WIDE, Server, signed_in_window, window_of
from playwright.sync_api import expect

from tenterhook.console.app import PAGES
from tenterhook.console.routes import Kind

#: Every page without parameters, as there are.
PATHS = sorted(
    {
        route.path
        for module in PAGES
        for route in module.routes
        if route.kind in (Kind.PAGE, Kind.LIVE) and route.method == "GET" and "{" not in route.path and not route.public
    }
)
HARM = [
    '<script>alert(1)</script>"><img src=//canary.invalid/x onerror=alert(2)>',
    "</textarea><svg/onload=alert(3)>{{7*7}}{{constructor.constructor('alert(4)')()}}",
    "javascript:alert(5) \u202e\u2028 ]]> --> &lt;script&gt;",
]
#: All that the first page may weigh, packed where we pack.
FIRST_PAGE_BYTES = 60_000


def publish_harm(server: Server) -> None:
    events = [
        {
            "eventType": "user.lifecycle.create",
            "displayMessage": text,
            "actor": dict.fromkeys(("id", "type", "displayName"), text),
            "outcome": {"result": "FAILURE", "reason": text},
        }
        for text in HARM
    ]
    server.call("POST", "/api/v1/events", events)


@pytest.mark.parametrize("path", PATHS)
def test_a_page_is_for_everybody_in_every_size_and_colour(path: str, chromium: Any, server: Server) -> None:
    with signed_in_window(chromium, server) as window:
        for size in (WIDE, PHONE):
            for theme in ("light", "dark"):
                window.show(theme, size)
                window.open(path)
                assert window.axe() == [], (path, theme, size)
                assert not window.is_wider_than_its_window(), (path, size)
                window.screenshot(path.strip("/").replace("/", "-"), theme, size[0])


def test_the_sign_in_is_for_everybody_in_every_size_and_colour(chromium: Any, server: Server) -> None:
    context = chromium.new_context()
    window = window_of(context, server)
    for path in ("/console/sign-in", "/console/sign-in?link=abc"):
        for size in (WIDE, PHONE):
            for theme in ("light", "dark"):
                window.show(theme, size)
                window.open(path)
                assert window.axe() == []
                assert not window.is_wider_than_its_window()
                window.screenshot("sign-in" + ("-link" if "link" in path else ""), theme, size[0])
    assert window.troubles == []
    context.close()


@pytest.mark.parametrize("path", PATHS)
def test_what_others_have_written_is_text_and_nothing_else(path: str, chromium: Any, server: Server) -> None:
    publish_harm(server)
    with signed_in_window(chromium, server) as window:
        window.open(path)
        assert window.page.locator("script").count() == 1
        assert window.page.locator("main img, main svg[onload]").count() == 0
        assert window.axe() == []


def test_without_script_one_signs_in_chooses_colours_and_signs_out(chromium: Any, server: Server) -> None:
    with signed_in_window(chromium, server, java_script_enabled=False) as window:
        page = window.open("/console/explain")
        assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", page.locator("main").inner_text())
        page.get_by_role("button", name="Dark").click()
        assert page.locator("html").get_attribute("data-theme") == "dark"
        page.get_by_role("link", name="Limits").first.click()
        assert page.get_by_role("heading", level=1).inner_text() == "Limits"
        page.get_by_role("button", name="Sign out").click()
        assert page.url.endswith("/console/sign-in")


def test_with_script_times_are_the_readers_and_utc_is_a_hover_away(chromium: Any, server: Server) -> None:
    with signed_in_window(chromium, server) as window:
        time = window.open("/console/explain").locator("main time").first
        assert "UTC" not in time.inner_text()
        assert (time.get_attribute("title") or "").endswith(" UTC")


def test_on_a_phone_the_menu_opens_by_keyboard_and_escape_closes_it(chromium: Any, server: Server) -> None:
    with signed_in_window(chromium, server) as window:
        window.show("light", PHONE)
        page = window.open("/console")
        page.keyboard.press("Tab")
        assert page.locator(":focus").inner_text() == "Skip to the content"
        page.locator(".fold summary").focus()
        page.keyboard.press("Enter")
        page.get_by_role("link", name="Limits").focus()
        page.keyboard.press("Escape")
        assert page.locator(".fold").get_attribute("open") is None
        assert page.evaluate("document.activeElement.tagName") == "SUMMARY"


def test_g_and_a_letter_go_to_a_page(chromium: Any, server: Server) -> None:
    with signed_in_window(chromium, server) as window:
        window.page.keyboard.press("g")
        window.page.keyboard.press("l")
        window.page.wait_for_url(re.compile("/console/limits$"))


def test_a_live_region_shows_what_has_changed_meanwhile(chromium: Any, server: Server) -> None:
    with signed_in_window(chromium, server) as window:
        page = window.page
        page.evaluate("document.querySelector('#overview h2').textContent = 'old'")
        expect(page.locator("#overview")).not_to_contain_text("old", timeout=20_000)


def test_the_first_page_is_light(chromium: Any, server: Server) -> None:
    with signed_in_window(chromium, server) as window:
        window.asked.clear()
        page = window.open("/console")
        total = len(page.content().encode())
        with httpx2.Client(trust_env=False, headers={"Accept-Encoding": "gzip"}) as client:
            for url in {one for one in window.asked if "/static/" in one}:
                with client.stream("GET", url) as answer:
                    total += sum(len(part) for part in answer.iter_raw())
        assert total < FIRST_PAGE_BYTES
