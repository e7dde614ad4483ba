"""Settings › Admins: the people of an org, their roles, and links that sign them in once."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from tenterhook.console.form import FieldErrors
from tenterhook.console.role_words import role_choices
from tenterhook.console.routes import action, page
from tenterhook.console.visit import Visit
from tenterhook.domain.principal import Permission
from tenterhook.engine import appoint_admin as engine
from tenterhook.engine.sign_in import create_link, sign_in_url
from tenterhook.errors import InvalidError
from tenterhook.store.admins import Admin

PATH = "/console/admins"
PAGE = 100
_ME = "That is you: what you change here is true for you at once."


async def list_admins(visit: Visit) -> Response:
    """Show the org's admins."""
    after = visit.query("after") or None
    found = await engine.list_admins(visit.pipeline, visit.principal, after, PAGE + 1)
    shown = found[:PAGE]
    older = f"{PATH}?after={shown[-1].id}" if len(found) > PAGE else None
    return visit.render("admins/list.html", admins=shown, newer=PATH if after else None, older=older)


async def show_form(visit: Visit) -> Response:
    """Show the form of a new admin."""
    return visit.render("admins/new.html", roles=role_choices())


async def create(visit: Visit) -> Response:
    """Make an admin without a password, and show the link that lets them in and choose one."""
    try:
        admin = await engine.create_admin(visit.pipeline, visit.principal, _draft(visit))
    except InvalidError as error:
        return visit.render("admins/new.html", status=400, roles=role_choices(), errors=FieldErrors(error))
    return await _link(visit, admin)


async def show_admin(visit: Visit) -> Response:
    """Show one admin, to be changed."""
    return _one(visit, await _find(visit))


async def replace(visit: Visit) -> Response:
    """Change an admin's login, name and role."""
    admin = await _find(visit)
    try:
        changed = await engine.replace_admin(visit.pipeline, visit.principal, admin.id, _draft(visit))
    except InvalidError as error:
        return _one(visit, admin, 400, errors=FieldErrors(error))
    return visit.redirect(PATH, f"“{changed.login}” is changed.")


async def make_link(visit: Visit) -> Response:
    """Make a sign-in link and show it, in the answer to the form itself: it is kept nowhere."""
    return await _link(visit, await _find(visit))


async def confirm_password(visit: Visit) -> Response:
    """Ask whether an admin's password shall be taken away."""
    admin = await _find(visit)
    path = f"{PATH}/{admin.id}"
    confirm: dict[str, Any] = {"heading": "Take the password away?", "act": "Take it away", "path": f"{path}/password"}
    return visit.render("admins/password.html", admin=admin, back=(path, admin.login), **confirm)


async def drop_password(visit: Visit) -> Response:
    """Take an admin's password away, which signs them out."""
    admin = await _find(visit)
    body = {"login": admin.login, "name": admin.name, "role": str(admin.role), "password": None}
    await engine.replace_admin(visit.pipeline, visit.principal, admin.id, body)
    return visit.redirect(PATH, f"“{admin.login}” has no password any more, and is signed out.")


async def confirm_delete(visit: Visit) -> Response:
    """Ask whether an admin shall be dismissed."""
    return _confirm(visit, await _find(visit))


async def delete(visit: Visit) -> Response:
    """Dismiss an admin."""
    admin = await _find(visit)
    try:
        await engine.delete_admin(visit.pipeline, visit.principal, admin.id)
    except InvalidError as error:
        return _confirm(visit, admin, 400, errors=FieldErrors(error))
    return visit.redirect(PATH, f"“{admin.login}” is dismissed.")


async def _find(visit: Visit) -> Admin:
    return await engine.read_admin(visit.pipeline, visit.principal, visit.params["admin_id"])


def _draft(visit: Visit) -> dict[str, Any]:
    return {name: visit.form.text(name) for name in ("login", "name", "role")}


async def _link(visit: Visit, admin: Admin) -> Response:
    text, ends = await create_link(visit.pipeline, visit.principal, admin.id)
    url = sign_in_url(visit.pipeline.public_url, text)
    return visit.render("admins/link.html", admin=admin, url=url, ends=ends, back=(PATH, "Admins"))


def _one(visit: Visit, admin: Admin, status: int = 200, **context: Any) -> Response:
    stored = {"login": admin.login, "name": admin.name, "role": str(admin.role)}
    given = stored if status == 200 else _draft(visit)
    note = _ME if admin.id == visit.principal.admin_id else ""
    shown = {"admin": admin, "given": given, "roles": role_choices(), "note": note, **context}
    return visit.render("admins/show.html", status=status, **shown)


def _confirm(visit: Visit, admin: Admin, status: int = 200, **context: Any) -> Response:
    shown = {
        "admin": admin,
        "heading": f"Dismiss “{admin.login}”?",
        "act": "Dismiss",
        "path": f"{PATH}/{admin.id}/delete",
        "back": (f"{PATH}/{admin.id}", admin.login),
        **context,
    }
    return visit.render("admins/delete.html", status=status, **shown)


_MAY = Permission.MANAGE_ADMINS

routes = [
    page(PATH, list_admins, _MAY),
    page("/console/admins/new", show_form, _MAY),
    action(PATH, create, _MAY),
    page("/console/admins/{admin_id}", show_admin, _MAY),
    action("/console/admins/{admin_id}", replace, _MAY),
    action("/console/admins/{admin_id}/sign-in-link", make_link, _MAY),
    page("/console/admins/{admin_id}/password", confirm_password, _MAY),
    action("/console/admins/{admin_id}/password", drop_password, _MAY),
    page("/console/admins/{admin_id}/delete", confirm_delete, _MAY),
    action("/console/admins/{admin_id}/delete", delete, _MAY),
]
