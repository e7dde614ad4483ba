"""Settings › Orgs: the tenants of this server, as its operator sees them."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from tenterhook.console import tokens
from tenterhook.console.form import FieldErrors
from tenterhook.console.role_words import role_choices
from tenterhook.console.routes import action, page
from tenterhook.console.visit import Visit
from tenterhook.domain.principal import Permission
from tenterhook.engine import found_org as engine
from tenterhook.engine.issue_token import issue_token_in
from tenterhook.engine.sign_in import create_link_in, sign_in_url
from tenterhook.errors import InvalidError

PATH = "/console/orgs"
PAGE = 100


async def list_orgs(visit: Visit) -> Response:
    """Show all orgs."""
    after = visit.query("after") or None
    found = await engine.list_orgs(visit.pipeline, after, PAGE + 1)
    shown = found[:PAGE]
    older = f"{PATH}?after={shown[-1].id}" if len(found) > PAGE else None
    return visit.render("orgs/list.html", orgs=shown, newer=PATH if after else None, older=older)


async def show_form(visit: Visit) -> Response:
    """Show the form of a new org."""
    return visit.render("orgs/new.html")


async def create(visit: Visit) -> Response:
    """Found an org."""
    try:
        org, _ = await engine.create_org(visit.pipeline, visit.principal, {"name": visit.form.text("name")})
    except InvalidError as error:
        return visit.render("orgs/new.html", status=400, errors=FieldErrors(error))
    return visit.redirect(f"{PATH}/{org.id}", f"The org “{org.name}” is founded. Let somebody, or a program, in.")


async def show_org(visit: Visit) -> Response:
    """Show one org, and what lets somebody in."""
    return await _one(visit)


async def issue_token(visit: Visit) -> Response:
    """Issue a token in the org and show it, once."""
    org_id = visit.params["org_id"]
    try:
        body = tokens.token_body(visit.form, visit.pipeline.now_ms())
        text, row = await issue_token_in(visit.pipeline, visit.principal, org_id, body)
    except InvalidError as error:
        return await _one(visit, 400, errors=FieldErrors(error, tokens.FIELDS))
    own = org_id == visit.principal.org_id
    return tokens.show_once(visit, text, row, back=(f"{PATH}/{org_id}", "Org"), operator=own)


async def make_link(visit: Visit) -> Response:
    """Make a link that signs the org's first super admin in, and show it, once."""
    org_id = visit.params["org_id"]
    org, admin = await engine.read_org(visit.pipeline, org_id)
    text, ends = await create_link_in(visit.pipeline, visit.principal, org_id)
    url = sign_in_url(visit.pipeline.public_url, text)
    return visit.render("admins/link.html", admin=admin, url=url, ends=ends, back=(f"{PATH}/{org.id}", org.name))


async def _one(visit: Visit, status: int = 200, **context: Any) -> Response:
    org, admin = await engine.read_org(visit.pipeline, visit.params["org_id"])
    shown = {"org": org, "admin": admin, "grants": role_choices(), "expiries": tokens.EXPIRIES, **context}
    return visit.render("orgs/show.html", status=status, **shown)


routes = [
    page(PATH, list_orgs, Permission.MANAGE_ORGS),
    page("/console/orgs/new", show_form, Permission.MANAGE_ORGS),
    action(PATH, create, Permission.MANAGE_ORGS),
    page("/console/orgs/{org_id}", show_org, Permission.MANAGE_ORGS),
    action("/console/orgs/{org_id}/tokens", issue_token, Permission.MANAGE_ORGS),
    action("/console/orgs/{org_id}/sign-in-link", make_link, Permission.MANAGE_ORGS),
]
