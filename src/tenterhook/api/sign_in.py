"""POST /api/v1/sign-in: from a password, or a one-time link, to a token for 12 hours. The caller needs none before."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from tenterhook.api.admins import admin_wire
from tenterhook.api.answers import json_answer
from tenterhook.api.body import read_json
from tenterhook.api.tokens import token_wire
from tenterhook.door.exchange import exchange_of
from tenterhook.door.sign_in import Knock, read_given
from tenterhook.engine.pipeline import Pipeline
from tenterhook.engine.sign_in import open_session
from tenterhook.store.admins import Admin
from tenterhook.store.api_tokens import ApiToken

router = APIRouter(prefix="/api/v1/sign-in", tags=["Admins"])


@router.post("")
async def sign_in(request: Request) -> Response:
    """Sign an admin in with `login` and `password` (and `org`, unless it is the default one), or with a `link`."""
    pipeline: Pipeline = request.app.state.pipeline
    knock = Knock(pipeline, request.app.state.limiter, exchange_of(request.scope))
    given = read_given(await read_json(request))

    async def opened(admin: Admin) -> tuple[Admin, str, ApiToken]:
        return admin, *await open_session(pipeline, admin)

    admin, text, token = await knock.enter(given, opened)
    session = {key: value for key, value in token_wire(token).items() if key in ("id", "role", "expires")}
    return json_answer({"token": text, **session, "org": {"id": admin.org_id}, "admin": admin_wire(admin)})
