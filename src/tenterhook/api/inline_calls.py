"""POST /api/v1/inlineCalls: a process asks the org's inline hook, and goes on by what it is answered."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from starlette.responses import Response

from tenterhook.api.access import needs
from tenterhook.api.answers import json_answer
from tenterhook.api.body import read_json
from tenterhook.domain.principal import Permission, Principal
from tenterhook.engine.inline.call import call_inline

router = APIRouter(prefix="/api/v1/inlineCalls", tags=["Inline calls"])

Asks = Annotated[Principal, needs(Permission.RUN_INLINE_CALLS)]


@router.post("")
async def ask_inline_hook(request: Request, principal: Asks) -> Response:
    """Ask the active inline hook of a type, and answer what becomes of the process that asks."""
    body = await read_json(request)
    return json_answer(await call_inline(request.app.state.pipeline, principal, body))
