"""/api/v1/admins: the people of an org, and links that sign them in once."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from tenterhook.api.access import needs
from tenterhook.api.answers import add_links, json_answer, no_content
from tenterhook.api.body import read_json
from tenterhook.api.paging import page_of
from tenterhook.api.resource import pipeline_of
from tenterhook.domain.principal import Permission, Principal
from tenterhook.domain.timestamp import format_ms
from tenterhook.engine import appoint_admin
from tenterhook.engine.sign_in import create_link, sign_in_url
from tenterhook.store.admins import Admin

router = APIRouter(prefix="/api/v1/admins", tags=["Admins"])

ManagesAdmins = Annotated[Principal, needs(Permission.MANAGE_ADMINS)]


@router.get("")
async def list_admins(request: Request, principal: ManagesAdmins) -> Response:
    """List the org's admins: never their passwords."""
    page = page_of(request, appoint_admin.ENTITY)
    pipeline = pipeline_of(request)
    found = await appoint_admin.list_admins(pipeline, principal, page.after, page.limit + 1)
    shown = found[: page.limit]
    more = shown[-1].id if len(found) > page.limit else None
    answer = json_answer([admin_wire(admin) for admin in shown])
    return add_links(answer, pipeline.public_url + router.prefix, page.query, more)


@router.post("")
async def create_admin(request: Request, principal: ManagesAdmins) -> Response:
    """Appoint an admin. Without a password only a one-time link signs them in."""
    admin = await appoint_admin.create_admin(pipeline_of(request), principal, await read_json(request))
    return json_answer(admin_wire(admin))


@router.get("/{admin_id}")
async def read_admin(request: Request, principal: ManagesAdmins, admin_id: str) -> Response:
    """Read one admin."""
    return json_answer(admin_wire(await appoint_admin.read_admin(pipeline_of(request), principal, admin_id)))


@router.put("/{admin_id}")
async def replace_admin(request: Request, principal: ManagesAdmins, admin_id: str) -> Response:
    """Change an admin. Without `password` it stays, null takes it away. What their tokens may do follows at once."""
    body = await read_json(request)
    return json_answer(admin_wire(await appoint_admin.replace_admin(pipeline_of(request), principal, admin_id, body)))


@router.delete("/{admin_id}")
async def delete_admin(request: Request, principal: ManagesAdmins, admin_id: str) -> Response:
    """Dismiss an admin: their tokens end at once. The last super admin stays."""
    await appoint_admin.delete_admin(pipeline_of(request), principal, admin_id)
    return no_content()


@router.post("/{admin_id}/sign-in-link")
async def create_sign_in_link(request: Request, principal: ManagesAdmins, admin_id: str) -> Response:
    """Make a link that signs the admin in once, within 15 minutes. Links made before are void."""
    pipeline = pipeline_of(request)
    text, expires = await create_link(pipeline, principal, admin_id)
    return json_answer({"link": text, "url": sign_in_url(pipeline.public_url, text), "expires": format_ms(expires)})


def admin_wire(admin: Admin) -> dict[str, Any]:
    """Return what is told of an admin: of a password only that there is one."""
    return {
        "id": admin.id,
        "login": admin.login,
        "name": admin.name,
        "role": admin.role,
        "created": format_ms(admin.created),
        "passwordSet": admin.password is not None,
        "lastSignIn": None if admin.last_sign_in is None else format_ms(admin.last_sign_in),
    }
