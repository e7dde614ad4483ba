"""Where pages are made: in a thread, one at a time, for each takes milliseconds in which no event would move.

What waits to be made is bounded by the connections that there may be; what is made, by the budget of answers that
their clients have not taken. Decision: 0012.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tenterhook.console.render import render
from tenterhook.door.exchange import exchange_of, held_of
from tenterhook.engine.long_searches import LongSearches

#: What is written at once of a page: the next piece waits until the browser has taken most of it.
CHUNK_BYTES = 64 * 1024

_thread = ThreadPoolExecutor(1, "tenterhook-press")

T = TypeVar("T")


class Press:
    """Makes one page of an org before the next of another: many that one org asks for keep no other waiting."""

    def __init__(self) -> None:
        self._turns = LongSearches(1)

    async def make(self, org_id: str, work: Callable[[], T]) -> T:
        """Return what *work* returns, which only reads what it is given. org_id: "" for who is not signed in."""
        async with self._turns.turn(org_id):
            return await asyncio.get_running_loop().run_in_executor(_thread, work)


class Page(Response):
    """What a template makes of a context, made when it is answered."""

    media_type = "text/html"

    def __init__(self, press: Press, template: str, context: Mapping[str, Any], status: int) -> None:
        super().__init__(None, status)
        self._press, self._template, self._context = press, template, context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Make the page and answer with it.

        Raises, before anything is sent, what goes wrong in making it, and OverloadedError, if as much as may be held
        waits for this org's browsers already.
        """
        principal = exchange_of(scope).principal
        org_id = "" if principal is None else principal.org_id
        body = await self._press.make(org_id, lambda: render(self._template, self._context).encode())
        with held_of(scope, scope["app"].state.answering) as hold:
            hold.add(len(body))
            self.headers["content-length"] = str(len(body))
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            for at in range(0, len(body), CHUNK_BYTES):
                piece = body[at : at + CHUNK_BYTES]
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
