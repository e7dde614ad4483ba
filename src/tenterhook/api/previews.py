"""/api/v1/eventHooks/{id}/preview: what a hook would get, shown, and sent if wanted."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from starlette.responses import Response

from tenterhook.api.access import needs
from tenterhook.api.answers import json_answer
from tenterhook.api.body import read_json
from tenterhook.domain.principal import Permission, Principal
from tenterhook.door.rate_limit import Bucket
from tenterhook.engine.preview import preview_delivery

router = APIRouter(prefix="/api/v1/eventHooks", tags=["Event hooks"])

Previews = Annotated[Principal, needs(Permission.MANAGE_HOOKS, Bucket.VERIFICATION)]


@router.post("/{hook_id}/preview")
async def preview(request: Request, principal: Previews, hook_id: str) -> Response:
    """Show the request that a hook would get for an event; send it once with ``deliver``."""
    body = await read_json(request)
    return json_answer(await preview_delivery(request.app.state.pipeline, principal, hook_id, body))
