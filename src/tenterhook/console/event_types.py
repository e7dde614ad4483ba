"""Settings › Event Types: the catalogue with its samples, and types of the org's own."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

import msgspec
from starlette.responses import Response

from tenterhook.console.form import FieldErrors
from tenterhook.console.log_question import Asked
from tenterhook.console.routes import action, page
from tenterhook.console.system_log import PATH as LOG
from tenterhook.console.visit import Visit
from tenterhook.domain.principal import Permission
from tenterhook.domain.strict_json import StrictJsonError, loads
from tenterhook.engine.define_event_type import (
    MAX_DESCRIPTION,
    MAX_DISPLAY_NAME,
    MAX_SAMPLE_BYTES,
    define_event_type,
    delete_event_type,
)
from tenterhook.engine.list_event_types import ENTITY, EventTypeView, Wanted, list_event_types, show_event_type
from tenterhook.errors import InvalidError

PATH = "/console/event-types"
PAGE = 100
_MOST_Q = 255
#: Which types the list shows, by the value in its address.
_KINDS = {
    "": ("All", Wanted()),
    "eligible": ("Eligible for event hooks", Wanted(eligible=True)),
    "log": ("In the log alone", Wanted(eligible=False)),
    "custom": ("The org’s own", Wanted(custom=True)),
}
#: A form brings its sample percent-encoded, in which a character may take three times as long.
_FORM_BYTES = 4 * MAX_SAMPLE_BYTES


async def list_types(visit: Visit) -> Response:
    """Show the types that are asked for, a page of them."""
    q, kind, after = visit.query("q").strip()[:_MOST_Q], visit.query("kind"), visit.query("after") or None
    wanted = _KINDS.get(kind, _KINDS[""])[1]
    wanted = msgspec.structs.replace(wanted, q=q or None, after=after)
    found = await list_event_types(visit.pipeline, visit.principal, wanted, PAGE + 1)
    shown = found[:PAGE]
    asked = {name: value for name, value in (("q", q), ("kind", kind)) if value}
    older = f"{PATH}?{urlencode({**asked, 'after': shown[-1].name})}" if len(found) > PAGE else None
    first = f"{PATH}?{urlencode(asked)}" if after else None
    kinds = [(value, label) for value, (label, _) in _KINDS.items()]
    return visit.render("event_types/list.html", types=shown, q=q, kind=kind, kinds=kinds, first=first, older=older)


async def show_type(visit: Visit) -> Response:
    """Show one type with its sample."""
    one = await show_event_type(visit.pipeline, visit.principal, visit.params["name"])
    logged = Asked(text=f'eventType eq "{one.name}"', span="7d").address(LOG)
    return visit.render("event_types/show.html", one=one, sample=_pretty(one), logged=logged)


async def show_form(visit: Visit) -> Response:
    """Show the form of a new type."""
    return _form(visit)


async def define(visit: Visit) -> Response:
    """Make a type of the org's own."""
    form = visit.form
    body = {name: form.text(name) or None for name in ("name", "displayName", "description")}
    try:
        made = await define_event_type(visit.pipeline, visit.principal, {**body, **_sample(form.text("sample"))})
    except InvalidError as error:
        return _form(visit, 400, errors=FieldErrors(error, {"sample": "sample"}))
    return visit.redirect(f"{PATH}/{quote(made.name)}", f"The event type {made.name} is there.")


async def confirm_delete(visit: Visit) -> Response:
    """Ask whether a type shall be deleted."""
    return await _confirm(visit)


async def delete(visit: Visit) -> Response:
    """Delete a type of the org's own."""
    name = visit.params["name"]
    try:
        await delete_event_type(visit.pipeline, visit.principal, name)
    except InvalidError as error:
        return await _confirm(visit, 400, errors=FieldErrors(error))
    return visit.redirect(f"{PATH}?kind=custom", f"The event type {name} is deleted.")


def _sample(text: str) -> dict[str, Any]:
    if not text.strip():
        return {}
    try:
        return {"sample": loads(text.encode())}
    except StrictJsonError as error:
        raise InvalidError(ENTITY, [f"sample: {error}"]) from error


def _pretty(one: EventTypeView) -> str:
    return msgspec.json.format(msgspec.json.encode(one.sample), indent=2).decode()


def _form(visit: Visit, status: int = 200, **context: Any) -> Response:
    longest = {"display_name": MAX_DISPLAY_NAME, "description": MAX_DESCRIPTION}
    return visit.render("event_types/new.html", status=status, longest=longest, **context)


async def _confirm(visit: Visit, status: int = 200, **context: Any) -> Response:
    one = await show_event_type(visit.pipeline, visit.principal, visit.params["name"])
    path = f"{PATH}/{quote(one.name)}"
    shown = {"heading": "Delete this event type?", "act": "Delete", "path": f"{path}/delete", "back": (path, one.name)}
    return visit.render("event_types/delete.html", status=status, one=one, **shown, **context)


routes = [
    page(PATH, list_types, Permission.READ_LOG),
    page("/console/event-types/new", show_form, Permission.MANAGE_HOOKS),
    action(PATH, define, Permission.MANAGE_HOOKS, cap_bytes=_FORM_BYTES),
    page("/console/event-types/{name}", show_type, Permission.READ_LOG),
    page("/console/event-types/{name}/delete", confirm_delete, Permission.MANAGE_HOOKS),
    action("/console/event-types/{name}/delete", delete, Permission.MANAGE_HOOKS),
]
