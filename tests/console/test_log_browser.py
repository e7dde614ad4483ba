"""The System Log as a browser shows it: with script it completes and follows, without it everything still works."""

from __future__ import annotations

import re
from typing import Any

import pytest
from browser_rig import PHONE, WIDE, Server, signed_in_window
from playwright.sync_api import expect

PATH = "/console/system-log"
HARM = '<script>alert(1)</script>"><img src=//canary.invalid/x onerror=alert(2)>\u202e'


def publish(server: Server, count: int, event_type: str = "user.session.start", **more: Any) -> None:
    actor = {"id": "00u1", "type": "User", "alternateId": "ann@example.com", "displayName": "Ann"}
    server.call("POST", "/api/v1/events", [{"eventType": event_type, "actor": actor, **more} for _ in range(count)])


@pytest.mark.parametrize(("theme", "size"), [("light", WIDE), ("dark", PHONE)])
def test_an_open_row_and_a_mistake_are_for_everybody(
    theme: str, size: tuple[int, int], chromium: Any, server: Server
) -> None:
    publish(server, 3, displayMessage=HARM, outcome={"result": "FAILURE", "reason": HARM}, severity="ERROR")
    with signed_in_window(chromium, server) as window:
        window.show(theme, size)
        page = window.open(PATH)
        page.locator(".log-row summary").first.click()
        page.locator(".log-row .log-raw").wait_for()
        assert window.axe() == []
        assert not window.is_wider_than_its_window()
        window.screenshot("system-log-open", theme, size[0])
        window.open(f"{PATH}?q=actor.id+is+7&since=x")
        # That the answer is a 400 is told by the browser's console as well.
        window.troubles[:] = [one for one in window.troubles if "400 (Bad Request)" not in one]
        assert window.axe() == []
        assert not window.is_wider_than_its_window()
        window.screenshot("system-log-wrong", theme, size[0])


def test_the_name_of_a_field_breaks_between_its_words_only(chromium: Any, server: Server) -> None:
    place = {"country": "Germany", "geolocation": {"lat": 52.5, "lon": 13.4}, "postalCode": "10115"}
    publish(server, 1, client={"ipAddress": "192.0.2.1", "geographicalContext": place})
    with signed_in_window(chromium, server) as window:
        window.show("light", (390, 760))
        page = window.open(f"{PATH}?q=Germany")
        page.locator(".log-row summary").first.click()
        page.locator(".log-row .log-raw").wait_for()
        parted = page.evaluate(
            """() => [...document.querySelectorAll(".log-row dt")].flatMap((dt) => [...dt.childNodes]).filter((one) => {
              const range = document.createRange();
              range.selectNodeContents(one);
              return one.nodeType === Node.TEXT_NODE && range.getClientRects().length > 1;
            }).map((one) => one.textContent)"""
        )
        assert parted == []
        assert page.locator(".pairs dt wbr").count() > 5
        window.screenshot("system-log-fields", "light", 390)


def test_what_may_come_next_is_offered_and_taken_by_keyboard(chromium: Any, server: Server) -> None:
    publish(server, 3)
    with signed_in_window(chromium, server) as window:
        page = window.open(PATH)
        box = page.get_by_role("combobox")
        box.focus()
        page.keyboard.type("actor.alt")
        options = page.get_by_role("option")
        options.filter(has_text="actor.alternateId").wait_for()
        assert box.get_attribute("aria-expanded") == "true"
        page.keyboard.press("ArrowDown")
        assert page.locator(f"#{box.get_attribute('aria-activedescendant')}").inner_text() == "actor.alternateId"
        assert window.axe() == []
        window.screenshot("system-log-completion", "light", WIDE[0])
        page.keyboard.press("Enter")
        assert box.input_value() == "actor.alternateId "
        options.filter(has_text="starts with").wait_for()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Tab")
        options.filter(has_text="ann@example.com").first.click()
        assert box.input_value() == 'actor.alternateId eq "ann@example.com" '
        options.filter(has_text="and").first.wait_for()
        page.keyboard.press("Escape")
        assert box.get_attribute("aria-expanded") == "false"
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile(r"\?q=actor"))
        assert "Read as a filter" in page.locator("main").inner_text()


def test_the_live_tail_shows_what_comes_and_waits_while_one_reads(chromium: Any, server: Server) -> None:
    with signed_in_window(chromium, server) as window:
        page = window.open(f"{PATH}/live?q=tail.test")
        state = page.locator("[data-tail-state]")
        state.filter(has_text="newest events on top").wait_for()
        publish(server, 2, "tail.test")
        rows = page.locator(".log-row")
        expect(rows).to_have_count(2)
        assert window.axe() == []
        rows.first.hover()
        publish(server, 3, "tail.test")
        page.locator("[data-tail-count]").filter(has_text="3 new").wait_for()
        assert "waiting while you read" in state.inner_text()
        assert rows.count() == 2
        page.mouse.move(5, 5)
        expect(rows).to_have_count(5)
        rows.first.locator("summary").click()
        page.mouse.move(5, 5)
        publish(server, 1, "tail.test")
        page.locator("[data-tail-count]").filter(has_text="1 new").wait_for()
        page.get_by_role("button", name="filter by this alternateId").first.click()
        page.wait_for_url(re.compile(r"/live\?q=actor.alternateId"))
        assert "with the keywords tail.test" in page.locator("main").inner_text()


def test_the_live_tail_keeps_its_page_small_and_says_what_it_left_out(chromium: Any, server: Server) -> None:
    with signed_in_window(chromium, server) as window:
        page = window.open(f"{PATH}/live?q=tail.flood")
        page.locator("[data-tail-state]").filter(has_text="newest events on top").wait_for()
        for _ in range(6):
            publish(server, 100, "tail.flood")
        page.locator("[data-tail-count]").filter(has_text="not shown").wait_for()
        assert 0 < page.locator(".log-row").count() <= 200


def test_an_ended_session_ends_the_tail_in_words(chromium: Any, server: Server) -> None:
    with signed_in_window(chromium, server) as window:
        page = window.open(f"{PATH}/live")
        page.locator("[data-tail-state]").filter(has_text="newest events on top").wait_for()
        window.page.context.clear_cookies()
        for one in server.call("GET", "/api/v1/api-tokens"):
            if one["name"] == "sign-in":
                server.call("DELETE", f"/api/v1/api-tokens/{one['id']}")
        page.locator("[data-tail-state]").filter(has_text="has ended").wait_for()
        window.troubles.clear()  # the browser tells of the stream that could not be opened again


def test_without_script_one_searches_narrows_turns_pages_and_follows(chromium: Any, server: Server) -> None:
    publish(server, 60, "page.test")
    with signed_in_window(chromium, server, java_script_enabled=False) as window:
        page = window.open(PATH)
        page.locator("#q").fill("page.test")
        page.get_by_role("button", name="Hour").click()
        assert page.url.endswith("?q=page.test&range=1h")
        expect(page.locator(".log-row")).to_have_count(50)
        page.get_by_role("link", name="Older").click()
        expect(page.locator(".log-row")).to_have_count(10)
        page.get_by_role("link", name="Newer").click()
        page.locator(".log-row summary").first.click()
        page.get_by_role("link", name="Show all that this event holds").first.click()
        page.get_by_role("button", name="filter by this eventType").first.click()
        assert page.locator("#q").input_value() == 'eventType eq "page.test"'
        page.get_by_role("link", name="Live tail").click()
        expect(page.locator(".log-row")).to_have_count(50)
        page.get_by_role("link", name="End the live tail").click()
        page.locator(".log-custom summary").click()
        page.get_by_label("From").fill("2020-01-01T00:00")
        page.get_by_role("button", name="Show", exact=True).click()
        assert "180 days" in page.locator("#since-problem").inner_text()
        window.troubles.clear()  # the browser tells of the answer's status
