"""What the routes of one kind of thing have in common: its list, its ETag, and the pipeline behind them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import Response

from tenterhook.api.answers import add_links, json_answer
from tenterhook.api.paging import page_of
from tenterhook.domain.precondition import Precondition, read_if_match
from tenterhook.engine.pipeline import Pipeline

Found = TypeVar("Found")


def pipeline_of(request: Request) -> Pipeline:
    """Return the pipeline that this application answers for."""
    pipeline: Pipeline = request.app.state.pipeline
    return pipeline


def if_match(request: Request) -> Precondition | None:
    """Return what the client has seen of the thing, by its If-Match lines; None if it shows none."""
    return read_if_match(request.headers.getlist("if-match"))


def tagged(value: object, etag: str) -> Response:
    """Return the answer that shows a thing in one revision. etag: quotes and all."""
    answer = json_answer(value)
    answer.headers["etag"] = etag
    return answer


async def list_answer(
    request: Request,
    path: str,
    entity: str,
    find: Callable[[str | None, int | None], Awaitable[Sequence[Found]]],
    wire: Callable[[Found], object],
    id_of: Callable[[Found], str],
) -> Response:
    """Answer a list: all of it, as Okta does, unless ``limit`` asks for a page.

    path: the list's. entity: as errors name it. find: given the id to begin after and how many are wanted (None: all).
    Raises: InvalidError, for a limit or a cursor that is none.
    """
    page = page_of(request, entity)
    limit = page.limit if "limit" in page.query else None
    found = await find(page.after, None if limit is None else limit + 1)
    shown = found[:limit]
    more = id_of(shown[-1]) if len(found) > len(shown) else None
    answer = json_answer([wire(one) for one in shown])
    return add_links(answer, pipeline_of(request).public_url + path, page.query, more)
