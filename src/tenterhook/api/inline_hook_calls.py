"""/api/v1/inlineHooks/{id}/execute and …/preview: an inline hook's endpoint asked by hand."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from starlette.responses import Response

from tenterhook.api.access import needs
from tenterhook.api.answers import json_answer
from tenterhook.api.body import read_json
from tenterhook.domain.principal import Permission, Principal
from tenterhook.door.rate_limit import Bucket
from tenterhook.engine.inline.execute import execute_inline_hook
from tenterhook.engine.inline.preview import preview_inline_call

router = APIRouter(prefix="/api/v1/inlineHooks", tags=["Inline hooks"])

AsksByHand = Annotated[Principal, needs(Permission.MANAGE_INLINE_HOOKS, Bucket.VERIFICATION)]


@router.post("/{inline_hook_id}/execute")
async def execute(request: Request, principal: AsksByHand, inline_hook_id: str) -> Response:
    """Send a payload to an inline hook's endpoint, and answer what it answered."""
    body = await read_json(request)
    answered = await execute_inline_hook(request.app.state.pipeline, principal, inline_hook_id, body)
    return Response(answered, media_type="application/json")


@router.post("/{inline_hook_id}/preview")
async def preview_call(request: Request, principal: AsksByHand, inline_hook_id: str) -> Response:
    """Show the request that an inline hook's endpoint would get; send it with `deliver`."""
    body = await read_json(request)
    return json_answer(await preview_inline_call(request.app.state.pipeline, principal, inline_hook_id, body))
