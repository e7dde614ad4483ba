"""What answers are made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import urlencode

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tenterhook.api.errors import HINT, error_answer
from tenterhook.door.exchange import exchange_of, held_of
from tenterhook.engine.budget import Hold
from tenterhook.errors import OverloadedError

_MOST_HINTS = 3

#: What is written at once. A larger answer is counted until its client has taken it.
CHUNK_BYTES = 64 * 1024


class BulkAnswer(Response):
    """An answer of *pieces* of JSON, written as its client takes it and counted in a budget until then.

    hold: what counts them already, given back with the answer; None: they are counted when it begins, and if they may
    not be held, it is a 503 instead.
    """

    def __init__(self, pieces: Sequence[bytes], hold: Hold | None = None, status: int = 200) -> None:
        super().__init__(status_code=status, media_type="application/json")
        self._pieces = pieces
        self._size = sum(map(len, pieces))
        self.headers["content-length"] = str(self._size)
        self._hold = hold

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; returns when the client has taken all but the last chunk or two, or is gone."""
        with self._hold or held_of(scope, scope["app"].state.answering) as hold:
            if self._hold is None:
                try:
                    hold.add(self._size)
                except OverloadedError as error:
                    await error_answer(error, exchange_of(scope).standing)(scope, receive, send)
                    return
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            for chunk in _chunks(self._pieces):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})


def json_answer(value: object, status: int = 200) -> Response:
    """Return an answer whose body is *value* as JSON: dicts, lists, texts, numbers or msgspec structs."""
    body = msgspec.json.encode(value)
    if len(body) > CHUNK_BYTES:
        return BulkAnswer([body], status=status)
    return Response(body, status, media_type="application/json")


def no_content() -> Response:
    """Return 204: no body and no Content-Type (a client's JSON decoder trips over one)."""
    return Response(status_code=204)


def add_links(answer: Response, base_url: str, query: dict[str, str], next_after: str | None) -> Response:
    """Add the Link lines of a list: ``self``, then, if there is more, ``next``; one header line each.

    base_url: absolute, without a query. query: what this page was asked with. next_after: the cursor of the next page.
    """
    answer.headers.append("link", f'<{_address(base_url, query)}>; rel="self"')
    if next_after is not None:
        answer.headers.append("link", f'<{_address(base_url, {**query, "after": next_after})}>; rel="next"')
    return answer


def add_hints(answer: Response, hints: Sequence[str]) -> Response:
    """Add advice, ASCII without secrets, in a header: the first few hints."""
    if hints:
        answer.headers[HINT] = "; ".join(hints[:_MOST_HINTS])
    return answer


def _address(base_url: str, query: dict[str, str]) -> str:
    return f"{base_url}?{urlencode(query)}" if query else base_url


def _chunks(pieces: Sequence[bytes]) -> Iterator[bytes]:
    """Yield what *pieces* are joined, in chunks of about `CHUNK_BYTES`."""
    waiting: list[bytes] = []
    size = 0
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= CHUNK_BYTES:
            yield from _cut(b"".join(waiting))
            waiting, size = [], 0
    if waiting:
        yield b"".join(waiting)


def _cut(text: bytes) -> Iterator[bytes]:
    for at in range(0, len(text), CHUNK_BYTES):
        yield text[at : at + CHUNK_BYTES]
