"""``GET /api/v1/logs``: the System Log, polled or searched.

Source: okta/system-log.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Annotated
from urllib.parse import parse_qsl, quote

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from tenterhook.api.access import needs
from tenterhook.api.answers import BulkAnswer
from tenterhook.domain.log_query import read_log_query
from tenterhook.domain.principal import Permission, Principal
from tenterhook.engine.budget import Budget
from tenterhook.engine.pipeline import Pipeline
from tenterhook.engine.search_logs import LogPage, search_logs
from tenterhook.errors import BadRequestError

PATH = "/api/v1/logs"
MAX_PARAMETERS = 50

router = APIRouter()

ReadsLog = Annotated[Principal, needs(Permission.READ_LOG)]
Parameters = Sequence[tuple[str, str]]


@router.get(PATH, summary="Search or poll the System Log")
async def list_log_events(request: Request, principal: ReadsLog) -> Response:
    """Answer one page: a bare array of log events, and where the next one is in the Link headers."""
    pipeline: Pipeline = request.app.state.pipeline
    parameters = query_parameters(request)
    query = read_log_query(parameters, pipeline.now_ms())
    budget: Budget = request.app.state.answering
    with ExitStack() as kept:
        hold = kept.enter_context(budget.hold(principal.org_id))
        page = await search_logs(pipeline, principal, query, hold=hold)
        response = BulkAnswer(_array(page.bodies), hold)
        for line in link_lines(pipeline.public_url, parameters, page):
            response.headers.append("link", line)
        kept.pop_all()  # what the page holds is the answer's to give back
    return response


def _array(bodies: Sequence[bytes]) -> list[bytes]:
    """Return the pieces of a JSON array of *bodies*, which are not copied."""
    pieces = [piece for body in bodies for piece in (b",", body)]
    return [b"[", *pieces[1:], b"]"]


def link_lines(public_url: str, parameters: Parameters, page: LogPage) -> list[str]:
    """Return the Link header lines of *page*: self first, next last, one line each.

    They are never joined, the relation follows the address at once, and all is absolute: clients take them apart with
    little patience (okta/system-log.md §2).
    """
    here = _address(public_url, parameters)
    lines = [f'<{here}>; rel="self"']
    if page.has_next:
        there = here if page.after is None else _address(public_url, _moved(parameters, page.after))
        lines.append(f'<{there}>; rel="next"')
    return lines


def query_parameters(request: Request) -> Parameters:
    """Return the names and values of the query string, strictly decoded.

    Raises: BadRequestError.
    """
    try:
        return parse_qsl(
            request.scope["query_string"].decode("ascii"),
            keep_blank_values=True,
            encoding="utf-8",
            errors="strict",
            max_num_fields=MAX_PARAMETERS,
        )
    except UnicodeError as error:
        raise BadRequestError("The query string is not percent-encoded UTF-8.") from error
    except ValueError as error:
        raise BadRequestError(f"The query string has more than {MAX_PARAMETERS} parameters.") from error


def _moved(parameters: Parameters, after: str) -> Parameters:
    if any(name == "after" for name, _ in parameters):
        return [(name, after if name == "after" else value) for name, value in parameters]
    return [*parameters, ("after", after)]


def _address(public_url: str, parameters: Parameters) -> str:
    query = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in parameters)
    return f"{public_url}{PATH}?{query}" if query else public_url + PATH
