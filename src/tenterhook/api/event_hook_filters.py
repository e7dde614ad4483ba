"""/api/v1/eventHooks/{id}/filter/test: what a filter would have let through."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from starlette.responses import Response

from tenterhook.api.access import needs
from tenterhook.api.answers import json_answer
from tenterhook.api.body import read_json
from tenterhook.domain.principal import Permission, Principal
from tenterhook.door.rate_limit import Bucket
from tenterhook.engine.pipeline import Pipeline
from tenterhook.engine.try_filter import read_trial, try_filter

router = APIRouter(prefix="/api/v1/eventHooks", tags=["Event hooks"])

#: It tells which events the log holds, of whatever type the filter names.
TriesFilters = Annotated[Principal, needs(Permission.MANAGE_HOOKS, Bucket.VERIFICATION, also=[Permission.READ_LOG])]


@router.post("/{hook_id}/filter/test")
async def try_event_hook_filter(request: Request, principal: TriesFilters, hook_id: str) -> Response:
    """Try a filter, the hook's own or the one in the body, on the last events in the log; nothing is delivered."""
    pipeline: Pipeline = request.app.state.pipeline
    body = await read_json(request)
    trial = await pipeline.aside.run(principal.org_id, lambda: read_trial(body))
    return json_answer(await try_filter(pipeline, principal, hook_id, trial))
