"""Workflow › Hook Keys: keys that sign for inline hooks, and their public halves."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.responses import Response

from tenterhook.console.form import FieldErrors
from tenterhook.console.routes import action, page
from tenterhook.console.visit import Visit
from tenterhook.domain.hook_key import public_jwk
from tenterhook.domain.principal import Permission
from tenterhook.engine.inline import hook_keys as engine
from tenterhook.engine.inline.hook_keys import KeyView
from tenterhook.engine.inline.register import list_inline_hooks
from tenterhook.errors import InvalidError

PATH = "/console/hook-keys"


async def list_keys(visit: Visit) -> Response:
    """Show the org's keys."""
    views = await engine.list_hook_keys(visit.pipeline, visit.principal)
    return visit.render("hook_keys/list.html", views=views)


async def show_form(visit: Visit) -> Response:
    """Show the form of a new key."""
    return visit.render("hook_keys/new.html")


async def create(visit: Visit) -> Response:
    """Make a key pair."""
    try:
        key = await engine.create_hook_key(visit.pipeline, visit.principal, {"name": visit.form.text("name")})
    except InvalidError as error:
        return visit.render("hook_keys/new.html", status=400, errors=FieldErrors(error, {"hookKeys": ""}))
    said = f"The key {key.name} is made. Give its public half to the server that grants the tokens."
    return visit.redirect(f"{PATH}/{key.id}", said)


async def show_key(visit: Visit) -> Response:
    """Show one key with its public half."""
    return await _one(visit)


async def rename(visit: Visit) -> Response:
    """Give a key another name."""
    key_id = visit.params["key_id"]
    try:
        view = await engine.rename_hook_key(visit.pipeline, visit.principal, key_id, {"name": visit.form.text("name")})
    except InvalidError as error:
        return await _one(visit, 400, name=visit.form.text("name"), errors=FieldErrors(error))
    return visit.redirect(f"{PATH}/{key_id}", f"The key is called {view.key.name} now.")


async def confirm_delete(visit: Visit) -> Response:
    """Ask whether a key shall be deleted; of one that is used, name its hooks instead."""
    return await _confirm(visit)


async def delete(visit: Visit) -> Response:
    """Delete a key that no hook uses."""
    view = await _find(visit)
    try:
        await engine.delete_hook_key(visit.pipeline, visit.principal, view.key.id)
    except InvalidError as error:
        return await _confirm(visit, 400, errors=FieldErrors(error, {"isUsed": ""}))
    return visit.redirect(PATH, f"The key {view.key.name} is deleted.")


async def _find(visit: Visit) -> KeyView:
    return await engine.read_hook_key(visit.pipeline, visit.principal, visit.params["key_id"])


async def _users(visit: Visit, view: KeyView) -> list[tuple[str, str]]:
    """Return the hooks that sign with a key: (id, name) each."""
    if not view.used:
        return []
    hooks = await list_inline_hooks(visit.pipeline, visit.principal)
    return [(one.id, one.name) for one in hooks if one.channel.config.hook_key_id == view.key.id]


async def _one(visit: Visit, status: int = 200, name: str | None = None, **context: Any) -> Response:
    view = await _find(visit)
    key = view.key
    shown = {
        "key": key,
        "name": key.name if name is None else name,
        "users": await _users(visit, view),
        "jwk": msgspec.json.format(msgspec.json.encode(public_jwk(key)), indent=2).decode(),
        "url": f"{visit.pipeline.public_url}/api/v1/hook-keys/public/{key.key_id}",
        "may_change": visit.may(Permission.MANAGE_INLINE_HOOKS),
        **context,
    }
    return visit.render("hook_keys/show.html", status=status, **shown)


async def _confirm(visit: Visit, status: int = 200, **context: Any) -> Response:
    view = await _find(visit)
    path = f"{PATH}/{view.key.id}"
    users = await _users(visit, view)
    shown = {
        "key": view.key,
        "users": users,
        "blocked": bool(users),
        "heading": f"Delete the key “{view.key.name}”?",
        "act": "Delete the key",
        "path": f"{path}/delete",
        "back": (path, view.key.name),
        **context,
    }
    return visit.render("hook_keys/delete.html", status=status, **shown)


_SEE, _DO = Permission.READ_INLINE_HOOKS, Permission.MANAGE_INLINE_HOOKS

routes = [
    page(PATH, list_keys, _SEE),
    page("/console/hook-keys/new", show_form, _DO),
    action(PATH, create, _DO),
    page("/console/hook-keys/{key_id}", show_key, _SEE),
    action("/console/hook-keys/{key_id}", rename, _DO),
    page("/console/hook-keys/{key_id}/delete", confirm_delete, _DO),
    action("/console/hook-keys/{key_id}/delete", delete, _DO),
]
