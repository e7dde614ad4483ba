"""/api/v1/eventHooks/{id}/filter/test: what a filter would have let through."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from starlette.responses import Response

from tenterhook.api.access import needs
from tenterhook.api.answers import json_answer
from tenterhook.api.body import read_json
from tenterhook.domain.principal import Permission, Principal
from tenterhook.engine.try_filter import read_trial, try_filter

router = APIRouter(prefix="/api/v1/eventHooks", tags=["Event hooks"])

ManagesHooks = Annotated[Principal, needs(Permission.MANAGE_HOOKS)]


@router.post("/{hook_id}/filter/test")
async def try_event_hook_filter(request: Request, principal: ManagesHooks, hook_id: str) -> Response:
    """Try a filter, the hook's own or the one in the body, on the last events in the log; nothing is delivered."""
    trial = read_trial(await read_json(request))
    return json_answer(await try_filter(request.app.state.pipeline, principal, hook_id, trial))
