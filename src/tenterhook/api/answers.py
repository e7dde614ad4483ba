"""What answers are made of."""

from __future__ import annotations

from urllib.parse import urlencode

import msgspec
from starlette.responses import Response


def json_answer(value: object, status: int = 200) -> Response:
    """Return an answer whose body is *value* as JSON: dicts, lists, texts, numbers or msgspec structs."""
    return Response(msgspec.json.encode(value), status, media_type="application/json")


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


def _address(base_url: str, query: dict[str, str]) -> str:
    return f"{base_url}?{urlencode(query)}" if query else base_url
