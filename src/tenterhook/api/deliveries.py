"""Deliveries: of all hooks or of one, one with its attempts, retry and cancel; and where one event went."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from starlette.responses import Response

from tenterhook.api.access import needs
from tenterhook.api.answers import add_hints, add_links, json_answer
from tenterhook.api.paging import page_of
from tenterhook.domain.principal import Permission, Principal
from tenterhook.engine.explain import doubt_type, explain
from tenterhook.engine.find_deliveries import list_all_deliveries, read_delivery_query
from tenterhook.engine.retry_delivery import cancel_delivery, retry_delivery
from tenterhook.engine.show_deliveries import ENTITY, STATUSES, list_deliveries, show_delivery
from tenterhook.errors import InvalidError

router = APIRouter(prefix="/api/v1", tags=["Deliveries"])

ReadsHooks = Annotated[Principal, needs(Permission.READ_HOOKS)]
ManagesHooks = Annotated[Principal, needs(Permission.MANAGE_HOOKS)]

#: Deliveries come with their attempts, so a page is shorter than elsewhere.
_DEFAULT, _MOST = 50, 200
_DEFAULT_HOOKS, _MOST_HOOKS = 200, 1000


@router.get("/eventHooks/{hook_id}/deliveries")
async def list_hook_deliveries(request: Request, principal: ReadsHooks, hook_id: str) -> Response:
    """List a hook's deliveries, youngest first; ``status`` narrows."""
    page = page_of(request, ENTITY, default=_DEFAULT, most=_MOST)
    status = request.query_params.get("status")
    if status is not None and status not in STATUSES:
        raise InvalidError(ENTITY, [f"status: must be one of {', '.join(STATUSES)}"])
    pipeline = request.app.state.pipeline
    found = await list_deliveries(pipeline, principal, hook_id, status=status, after=page.after, limit=page.limit + 1)
    shown = found[: page.limit]
    more = shown[-1].id if len(found) > page.limit else None
    base = f"{pipeline.public_url}/api/v1/eventHooks/{hook_id}/deliveries"
    return add_links(json_answer(shown), base, page.query, more)


@router.get("/deliveries")
async def list_deliveries_of_all_hooks(request: Request, principal: ReadsHooks) -> Response:
    """List the org's deliveries across its hooks, youngest first, each with its last attempt."""
    page = page_of(request, ENTITY, default=_DEFAULT, most=_MOST)
    pipeline = request.app.state.pipeline
    query = read_delivery_query(page.query, page.limit, page.after)
    found = await list_all_deliveries(pipeline, principal, query)
    base = f"{pipeline.public_url}/api/v1/deliveries"
    return add_links(json_answer(found.deliveries), base, page.query, found.older)


@router.get("/deliveries/{event_id}")
async def show_one_delivery(request: Request, principal: ReadsHooks, event_id: str) -> Response:
    """Show one delivery with every attempt."""
    return json_answer(await show_delivery(request.app.state.pipeline, principal, event_id))


@router.post("/deliveries/{event_id}/retry")
async def retry_one_delivery(request: Request, principal: ManagesHooks, event_id: str) -> Response:
    """Send a FAILED or waiting delivery once more now, under the same eventId; what the quota holds stays held."""
    return json_answer(await retry_delivery(request.app.state.pipeline, principal, event_id))


@router.post("/deliveries/{event_id}/cancel")
async def cancel_one_delivery(request: Request, principal: ManagesHooks, event_id: str) -> Response:
    """End a delivery that has not ended."""
    return json_answer(await cancel_delivery(request.app.state.pipeline, principal, event_id))


@router.get("/logs/{uuid}/deliveries")
async def explain_event(request: Request, principal: ReadsHooks, uuid: str) -> Response:
    """Explain where one event went: each hook, why it matched or not, its deliveries."""
    page = page_of(request, "logEvent", default=_DEFAULT_HOOKS, most=_MOST_HOOKS)
    pipeline = request.app.state.pipeline
    found = await explain(pipeline, principal, uuid, after=page.after, limit=page.limit + 1)
    shown = found[: page.limit]
    more = shown[-1].hook_id if len(found) > page.limit else None
    answer = json_answer(shown)
    doubt = None if page.after else await doubt_type(pipeline, principal, uuid)
    add_hints(answer, [doubt] if doubt else [])
    return add_links(answer, f"{pipeline.public_url}/api/v1/logs/{uuid}/deliveries", page.query, more)
