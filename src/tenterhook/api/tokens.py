"""/api/v1/api-tokens: issue, list, read and revoke tokens."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from tenterhook.api.access import needs
from tenterhook.api.answers import add_links, json_answer, no_content
from tenterhook.api.body import read_json
from tenterhook.api.paging import Page, page_of
from tenterhook.domain.principal import Permission, Principal
from tenterhook.domain.timestamp import format_ms
from tenterhook.engine.issue_token import ENTITY, issue_token, list_tokens, read_token, revoke_token
from tenterhook.store.api_tokens import ApiToken

router = APIRouter(prefix="/api/v1/api-tokens", tags=["API tokens"])

ManagesTokens = Annotated[Principal, needs(Permission.MANAGE_ADMINS)]


@router.get("")
async def list_api_tokens(request: Request, principal: ManagesTokens) -> Response:
    """List the org's tokens: never what they open."""
    page = page_of(request, ENTITY)
    pipeline = request.app.state.pipeline
    found = await list_tokens(pipeline, principal, page.after, page.limit + 1)
    shown = found[: page.limit]
    more = shown[-1].id if len(found) > page.limit else None
    return _linked(json_answer([token_wire(row) for row in shown]), pipeline.public_url, page, more)


@router.post("")
async def create_api_token(request: Request, principal: ManagesTokens) -> Response:
    """Issue a token. Its text is in this answer and never again."""
    text, row = await issue_token(request.app.state.pipeline, principal, await read_json(request))
    return json_answer({**token_wire(row), "token": text})


@router.get("/{token_id}")
async def read_api_token(request: Request, principal: ManagesTokens, token_id: str) -> Response:
    """Read one token: never what it opens."""
    return json_answer(token_wire(await read_token(request.app.state.pipeline, principal, token_id)))


@router.delete("/{token_id}")
async def revoke_api_token(request: Request, principal: ManagesTokens, token_id: str) -> Response:
    """Revoke a token at once."""
    await revoke_token(request.app.state.pipeline, principal, token_id)
    return no_content()


def _linked(answer: Response, public_url: str, page: Page, more: str | None) -> Response:
    return add_links(answer, public_url + router.prefix, page.query, more)


def token_wire(row: ApiToken) -> dict[str, Any]:
    """Return what is told of a token: ``role`` or ``scopes``, the other is null."""
    return {
        "id": row.id,
        "name": row.name,
        "role": row.role,
        "scopes": row.scopes or None,
        "adminId": row.admin_id,
        "hint": row.hint,
        "created": format_ms(row.created),
        "expires": None if row.expires is None else format_ms(row.expires),
        "lastUsed": None if row.last_used is None else format_ms(row.last_used),
    }
