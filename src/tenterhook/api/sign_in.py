"""POST /api/v1/sign-in: from a password, or a one-time link, to a token for 12 hours. The caller needs none before."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from tenterhook.api.admins import admin_wire
from tenterhook.api.answers import json_answer
from tenterhook.api.body import read_json
from tenterhook.api.tokens import token_wire
from tenterhook.domain.document import BLANK, Form, Problems
from tenterhook.door.exchange import exchange_of
from tenterhook.door.sign_in import Given, Knock
from tenterhook.engine.appoint_admin import MAX_LOGIN, MAX_PASSWORD
from tenterhook.engine.pipeline import Pipeline
from tenterhook.engine.sign_in import open_session
from tenterhook.errors import InvalidError
from tenterhook.store.admins import Admin
from tenterhook.store.api_tokens import ApiToken

router = APIRouter(prefix="/api/v1/sign-in", tags=["Admins"])

_ENTITY = "signIn"
_KNOWN = ("login", "password", "org", "link")


@router.post("")
async def sign_in(request: Request) -> Response:
    """Sign an admin in with `login` and `password` (and `org`, unless it is the default one), or with a `link`."""
    pipeline: Pipeline = request.app.state.pipeline
    knock = Knock(pipeline, request.app.state.limiter, exchange_of(request.scope))
    given = _read(await read_json(request))

    async def opened(admin: Admin) -> tuple[Admin, str, ApiToken]:
        return admin, *await open_session(pipeline, admin)

    admin, text, token = await knock.enter(given, opened)
    session = {key: value for key, value in token_wire(token).items() if key in ("id", "role", "expires")}
    return json_answer({"token": text, **session, "org": {"id": admin.org_id}, "admin": admin_wire(admin)})


def _read(body: object) -> Given:
    if not isinstance(body, dict):
        raise InvalidError(_ENTITY, ["The body must be a JSON object."])
    problems = Problems()
    form = Form(body, "", problems)
    form.refuse_unknown(_KNOWN)
    link = form.text("link", longest=MAX_PASSWORD)
    login = form.text("login", longest=MAX_LOGIN)
    password = form.text("password", longest=MAX_PASSWORD)
    org_id = form.text("org", longest=20)
    if form.raw("link") is not None:
        for key in ("login", "password", "org"):
            if form.raw(key) is not None:
                form.problem(key, "a link says who signs in; leave it out")
    else:
        for key in ("login", "password"):
            if form.raw(key) is None:
                form.problem(key, f"{BLANK}, unless a link is given")
    if problems:
        raise InvalidError(_ENTITY, problems.texts)
    return Given(link, login or "", password or "", org_id)
