"""/api/v1/eventTypes: the catalogue with eligibility and samples, and an org's own types."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from starlette.responses import Response

from tenterhook.api.access import needs
from tenterhook.api.answers import add_links, json_answer, no_content
from tenterhook.api.body import read_json
from tenterhook.api.paging import Page, page_of
from tenterhook.domain.principal import Permission, Principal
from tenterhook.engine import define_event_type, list_event_types
from tenterhook.engine.list_event_types import ENTITY, Wanted
from tenterhook.errors import InvalidError

router = APIRouter(prefix="/api/v1/eventTypes", tags=["Event types"])

ReadsLog = Annotated[Principal, needs(Permission.READ_LOG)]
ManagesHooks = Annotated[Principal, needs(Permission.MANAGE_HOOKS)]

_MOST_Q = 255
_FLAGS = {"true": True, "false": False}


@router.get("")
async def list_types(request: Request, principal: ReadsLog) -> Response:
    """List the event types by name; ``q``, ``eligible`` and ``custom`` narrow."""
    page = page_of(request, ENTITY)
    pipeline = request.app.state.pipeline
    found = await list_event_types.list_event_types(pipeline, principal, _wanted(page), page.limit + 1)
    shown = found[: page.limit]
    more = shown[-1].name if len(found) > page.limit else None
    return add_links(json_answer(shown), pipeline.public_url + router.prefix, page.query, more)


@router.post("")
async def create_type(request: Request, principal: ManagesHooks) -> Response:
    """Make an event type of the org's own."""
    body = await read_json(request)
    return json_answer(await define_event_type.define_event_type(request.app.state.pipeline, principal, body))


@router.get("/{name}")
async def show_type(request: Request, principal: ReadsLog, name: str) -> Response:
    """Show one event type with a sample."""
    return json_answer(await list_event_types.show_event_type(request.app.state.pipeline, principal, name))


@router.delete("/{name}")
async def delete_type(request: Request, principal: ManagesHooks, name: str) -> Response:
    """Delete an event type of the org's own that no hook subscribes to."""
    await define_event_type.delete_event_type(request.app.state.pipeline, principal, name)
    return no_content()


def _wanted(page: Page) -> Wanted:
    problems = []
    flags: dict[str, bool | None] = {}
    for name in ("eligible", "custom"):
        text = page.query.get(name)
        flags[name] = _FLAGS.get(text or "")
        if text is not None and flags[name] is None:
            problems.append(f"{name}: must be true or false")
    q = page.query.get("q")
    if q is not None and len(q) > _MOST_Q:
        problems.append(f"q: must be at most {_MOST_Q} characters long")
    if problems:
        raise InvalidError(ENTITY, problems)
    return Wanted(q=q, eligible=flags["eligible"], custom=flags["custom"], after=page.after)
