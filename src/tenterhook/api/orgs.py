"""/api/v1/orgs: the tenants, as the operator sees them. There is no way to delete one."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from tenterhook.api.access import needs
from tenterhook.api.admins import admin_wire
from tenterhook.api.answers import add_links, json_answer
from tenterhook.api.body import read_json
from tenterhook.api.paging import page_of
from tenterhook.api.resource import pipeline_of
from tenterhook.api.tokens import token_wire
from tenterhook.domain.principal import Permission, Principal
from tenterhook.domain.timestamp import format_ms
from tenterhook.engine import found_org
from tenterhook.engine.issue_token import issue_token_in
from tenterhook.store.admins import Admin
from tenterhook.store.orgs import Org

router = APIRouter(prefix="/api/v1/orgs", tags=["Orgs"])

ManagesOrgs = Annotated[Principal, needs(Permission.MANAGE_ORGS)]


@router.get("")
async def list_orgs(request: Request, principal: ManagesOrgs) -> Response:
    """List all orgs."""
    page = page_of(request, found_org.ENTITY)
    pipeline = pipeline_of(request)
    found = await found_org.list_orgs(pipeline, page.after, page.limit + 1)
    shown = found[: page.limit]
    more = shown[-1].id if len(found) > page.limit else None
    answer = json_answer([_wire(org) for org in shown])
    return add_links(answer, pipeline.public_url + router.prefix, page.query, more)


@router.post("")
async def create_org(request: Request, principal: ManagesOrgs) -> Response:
    """Found an org, with its first super admin."""
    org, admin = await found_org.create_org(pipeline_of(request), principal, await read_json(request))
    return json_answer(_with_admin(org, admin))


@router.get("/{org_id}")
async def read_org(request: Request, principal: ManagesOrgs, org_id: str) -> Response:
    """Read one org, with its first super admin."""
    return json_answer(_with_admin(*await found_org.read_org(pipeline_of(request), org_id)))


@router.post("/{org_id}/api-tokens")
async def create_api_token_in(request: Request, principal: ManagesOrgs, org_id: str) -> Response:
    """Issue a token in another org, for its first super admin. Its text is in this answer and never again."""
    text, row = await issue_token_in(pipeline_of(request), principal, org_id, await read_json(request))
    return json_answer({**token_wire(row), "token": text})


def _wire(org: Org) -> dict[str, Any]:
    return {"id": org.id, "name": org.name, "created": format_ms(org.created)}


def _with_admin(org: Org, admin: Admin | None) -> dict[str, Any]:
    return {**_wire(org), "admin": None if admin is None else admin_wire(admin)}
