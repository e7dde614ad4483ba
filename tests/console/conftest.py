"""The rigs of the API's and of the walk's tests serve these too; each module gets a browser and a server."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path += [str(Path(__file__).parents[1] / name) for name in ("api", "walk")]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """The browser of a module that looks at pages.

    Playwright keeps an event loop for as long as it runs: such a module has no tests that run one themselves.
    """
    from browser_rig import browser_of
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, browser_of(playwright) as browser:
        yield browser


@pytest.fixture(scope="module")
def server(chromium: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A server whose pages are looked at."""
    from browser_rig import serving

    with serving(tmp_path_factory.mktemp("console")) as found:
        yield found
