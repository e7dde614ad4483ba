"""Where pages are made: in a thread, one at a time, for each takes milliseconds in which no event would move.

What waits to be made is bounded by the connections that there may be. Decision: 0012.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tenterhook.console.render import render

_thread = ThreadPoolExecutor(1, "tenterhook-press")

T = TypeVar("T")


async def press(work: Callable[[], T]) -> T:
    """Return what *work* returns, which only reads what it is given."""
    return await asyncio.get_running_loop().run_in_executor(_thread, work)


class Page(Response):
    """What a template makes of a context, made when it is answered."""

    media_type = "text/html"

    def __init__(self, template: str, context: Mapping[str, Any], status: int) -> None:
        super().__init__(None, status)
        self._template, self._context = template, context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Make the page and answer with it. Raises, before anything is sent, what goes wrong in making it."""
        self.body = await press(lambda: render(self._template, self._context).encode())
        self.headers["content-length"] = str(len(self.body))
        await super().__call__(scope, receive, send)
