"""What a list is asked for: ``limit`` and ``after``."""

from __future__ import annotations

from typing import NamedTuple

from starlette.requests import Request

from tenterhook.errors import InvalidError

DEFAULT_LIMIT, MAX_LIMIT = 100, 1000
_MAX_CURSOR = 255


class Page(NamedTuple):
    """One page of a list."""

    limit: int
    after: str | None
    query: dict[str, str]  #: the request's own query, for links


def page_of(request: Request, entity: str, *, default: int = DEFAULT_LIMIT, most: int = MAX_LIMIT) -> Page:
    """Return which page *request* asks for.

    Raises: InvalidError, naming *entity*: a limit that is no whole number from 1 to *most*, an empty or endless cursor.
    """
    query = dict(request.query_params)
    problems = []
    text = query.get("limit", str(default))
    limit = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    if not 1 <= limit <= most:
        problems.append(f"limit: must be a whole number from 1 to {most:,}")
    after = query.get("after")
    if after is not None and not 0 < len(after) <= _MAX_CURSOR:
        problems.append("after: must be taken from the Link header of the page before")
    if problems:
        raise InvalidError(entity, problems)
    return Page(limit, after, query)
