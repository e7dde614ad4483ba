"""Every component once, on a page of its own, as authors of pages will use them: nothing is wrong with any."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from browser_rig import PHONE, WIDE, Server, Window, signed_in_window
from markupsafe import Markup
from playwright.sync_api import Page

from tenterhook.console.form import FieldErrors
from tenterhook.console.navigation import SECTIONS
from tenterhook.console.render import ENVIRONMENT
from tenterhook.domain.principal import Role
from tenterhook.errors import InvalidError

TEXT = (Path(__file__).parent / "components.html").read_text("utf-8")
WRONG = InvalidError(
    "eventHook", ["channel.config.uri: must be an https:// address", "auth: choose one", "It is late."]
)


def components() -> str:
    here = SECTIONS[0].entries[0]._replace(current=True)
    visit = SimpleNamespace(
        theme=None,
        address="/console",
        principal=SimpleNamespace(name="A" * 60, login="somebody@example.com", role=Role.HOOKS_ADMIN),
    )
    return ENVIRONMENT.from_string(TEXT).render(
        visit=visit,
        csrf=Markup('<input type="hidden" name="csrf" value="">'),
        sections=[SECTIONS[0]._replace(entries=(here,)), *SECTIONS[1:]],
        flash="The hook is verified.",
        now_ms=1_800_000_000_000,
        errors=FieldErrors(WRONG, {"channel.config.uri": "url"}),
    )


def show(window: Window) -> Page:
    window.page.route("**/console/components", lambda route: route.fulfill(body=components(), content_type="text/html"))
    return window.open("/console/components")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_all_components_are_for_everybody(theme: str, size: tuple[int, int], chromium: Any, server: Server) -> None:
    with signed_in_window(chromium, server) as window:
        window.show(theme, size)
        page = show(window)
        assert page.evaluate("document.activeElement.className") == "summary"
        window.screenshot("components", theme, size[0])
        assert window.axe() == []
        assert not window.is_wider_than_its_window()
        page.locator(".menu summary").click()
        window.screenshot("components-menu", theme, size[0])
        page.keyboard.press("Escape")
        assert page.locator(".menu").get_attribute("open") is None


def test_code_is_copied_by_its_button(chromium: Any, server: Server) -> None:
    with signed_in_window(chromium, server, permissions=["clipboard-read", "clipboard-write"]) as window:
        page = show(window)
        page.get_by_role("button", name="Copy: Answer").click()
        assert page.evaluate("navigator.clipboard.readText()") == '{\n  "ok": false\n}'
