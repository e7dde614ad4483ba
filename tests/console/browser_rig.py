"""A real browser on a real server: Chromium, driven by Playwright, in a process of its own.

The server is `tenterhook serve` on a free port; a test sees its pages as people do. A page that complains on its
console, breaks its policy or asks another host for anything fails its test.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, Playwright

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
#: Where screenshots go, if anybody wants to look at them.
SCREENSHOTS = os.environ.get("TENTERHOOK_SCREENSHOTS")
WIDE, PHONE = (1280, 800), (360, 760)


@dataclass
class Server:
    """A running server with its data directory."""

    url: str
    link: str
    token: str

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Call its API as the first super admin."""
        headers = {"Authorization": f"SSWS {self.token}"}
        with httpx2.Client(trust_env=False) as client:
            answer = client.request(method, self.url + path, headers=headers, json=body)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def sign_in_url(self) -> str:
        """A one-time link of the first super admin's."""
        [admin] = [one for one in self.call("GET", "/api/v1/admins") if one["login"] == "admin"]
        url: str = self.call("POST", f"/api/v1/admins/{admin['id']}/sign-in-link", {})["url"]
        return url


@dataclass
class Window:
    """One page of a browser, and what went wrong in it."""

    page: Page
    server: Server
    troubles: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        """Go to a page of the console and wait for what it loads."""
        self.page.goto(self.server.url + path, wait_until="load")
        return self.page

    def show(self, theme: str, size: tuple[int, int]) -> None:
        """Set colours and size."""
        self.page.emulate_media(color_scheme="dark" if theme == "dark" else "light", reduced_motion="reduce")
        self.page.set_viewport_size({"width": size[0], "height": size[1]})

    def axe(self) -> list[str]:
        """What axe finds wrong by WCAG 2.2 A and AA and its own best practices: a line each."""
        found = Axe().run(self.page).response["violations"]
        return [f"{one['id']}: {one['help']}: {node['html'][:160]}" for one in found for node in one["nodes"]]

    def screenshot(self, name: str, theme: str, width: int) -> None:
        """Keep a picture, if TENTERHOOK_SCREENSHOTS names a directory."""
        if SCREENSHOTS:
            self.page.screenshot(path=Path(SCREENSHOTS) / f"{name}-{theme}-{width}.png", full_page=True)

    def is_wider_than_its_window(self) -> bool:
        """Whether one would have to scroll sideways."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """A server in development mode on a free port, with an empty data directory below *folder*."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TENTERHOOK_")}
    command = [sys.executable, "-m", "tenterhook.cli", "serve", "--port", "0", "--data", str(folder / "data"), "--dev"]
    process = subprocess.Popen(
        [*command, "--json"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment, text=True
    )
    try:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        yield Server(said["url"], said["console"], Path(said["adminToken"]).read_text().strip())
    finally:
        process.terminate()
        process.wait(15)
        if process.stdout is not None:
            process.stdout.close()


@contextmanager
def browser_of(playwright: Playwright) -> Iterator[Any]:
    """Chromium without a screen."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: .ci/run brings one")
    # As root, in a container, its sandbox cannot be: everything that it shows here is ours.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*arguments, "--disable-dev-shm-usage"])
    try:
        yield browser
    finally:
        browser.close()


def window_of(context: BrowserContext, server: Server) -> Window:
    """A new page that notes what goes wrong in it."""
    window = Window(context.new_page(), server)
    window.page.set_default_timeout(10_000)
    window.page.on("console", lambda said: said.type in ("error", "warning") and window.troubles.append(said.text))
    window.page.on("pageerror", lambda error: window.troubles.append(str(error)))
    window.page.on("dialog", lambda dialog: (window.troubles.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    window.page.on("request", lambda request: window.asked.append(request.url))
    return window


@contextmanager
def signed_in_window(browser: Any, server: Server, **options: Any) -> Iterator[Window]:
    """A window in which the first super admin is signed in; *options* are a browser context's.

    When the test is over, nothing may have gone wrong in it, and nobody else may have been asked for anything.
    """
    context = browser.new_context(locale="en-GB", timezone_id="Europe/Berlin", **options)
    try:
        window = window_of(context, server)
        window.page.goto(server.sign_in_url())
        window.page.get_by_role("button", name="Sign in").click()
        window.page.wait_for_url(re.compile(r"/console$"))
        yield window
        assert window.troubles == []
        assert {urlsplit(url).netloc for url in window.asked} <= {urlsplit(server.url).netloc}
    finally:
        context.close()
