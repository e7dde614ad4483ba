"""The list of inline hooks, one hook, and what is done with it at the press of a button."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import urlencode

from starlette.responses import Response

from tenterhook.console.form import FieldErrors
from tenterhook.console.inline_hooks import PATH
from tenterhook.console.inline_hooks.rules import on_failure, rule_of, type_choices
from tenterhook.console.inline_hooks.standing import (
    Failures,
    Standing,
    failures_in_log,
    read_answers,
    read_failures,
    standing_of,
)
from tenterhook.console.routes import action, page
from tenterhook.console.visit import Visit
from tenterhook.console.words import number
from tenterhook.domain.inline.hook import InlineHook
from tenterhook.domain.inline.kind import KINDS
from tenterhook.domain.principal import Permission
from tenterhook.engine.inline import register
from tenterhook.engine.inline.hook_keys import list_hook_keys
from tenterhook.errors import InvalidError

#: Rows of the list.
PAGE = 100


class HookRow(NamedTuple):
    """One hook as a row of the list."""

    hook: InlineHook
    label: str  #: of its type
    standing: Standing
    failed: str  #: calls of the last 24 hours that failed; "" if that may not be seen


async def list_hooks(visit: Visit) -> Response:
    """Show the org's inline hooks, or those of one type, a page at a time."""
    asked, after = visit.query("type"), visit.query("after") or None
    type_ = asked if asked in KINDS else None
    found = await register.list_inline_hooks(visit.pipeline, visit.principal, type=type_, after=after, limit=PAGE + 1)
    hooks = found[:PAGE]
    failures = await read_failures(visit) if hooks else None
    rows = [HookRow(one, KINDS[one.type].label, standing_of(visit, one), _failed(failures, one)) for one in hooks]
    most = visit.pipeline.limits.inline_hooks
    of_type = {"type": type_} if type_ else {}
    first = _address(of_type) if after else None
    more = _address(of_type | {"after": hooks[-1].id}) if len(found) > PAGE else None
    return visit.render(
        "inline_hooks/list.html", rows=rows, type=type_, types=type_choices(), most=most, first=first, more=more
    )


async def show_hook(visit: Visit) -> Response:
    """Show one hook: what it is for, how it fares, and which calls failed."""
    return await _one(visit)


async def activate(visit: Visit) -> Response:
    """Let calls go to the hook's endpoint."""
    hook_id = visit.params["hook_id"]
    try:
        hook = await register.switch_inline_hook(visit.pipeline, visit.principal, hook_id, "ACTIVE")
    except InvalidError as error:
        return await _one(visit, 400, errors=FieldErrors(error, {"status": ""}))
    return visit.redirect(f"{PATH}/{hook_id}", f"{hook.name} is active: the next call of its type asks it.")


async def deactivate(visit: Visit) -> Response:
    """Let no call go to the hook's endpoint."""
    hook_id = visit.params["hook_id"]
    hook = await register.switch_inline_hook(visit.pipeline, visit.principal, hook_id, "INACTIVE")
    return visit.redirect(f"{PATH}/{hook_id}", f"{hook.name} is inactive: nobody asks it.")


async def confirm_delete(visit: Visit) -> Response:
    """Ask whether a hook shall be deleted."""
    return await _confirm(visit)


async def delete(visit: Visit) -> Response:
    """Delete an inactive hook for good."""
    hook = await _find(visit)
    try:
        await register.delete_inline_hook(visit.pipeline, visit.principal, hook.id)
    except InvalidError as error:
        return await _confirm(visit, 400, errors=FieldErrors(error, {"status": ""}))
    return visit.redirect(PATH, f"{hook.name} is deleted.")


def _address(query: dict[str, str]) -> str:
    return f"{PATH}?{urlencode(query)}" if query else PATH


def _failed(failures: Failures | None, hook: InlineHook) -> str:
    if failures is None:
        return ""
    count = len(failures.of(hook.id))
    return number(count) + ("+" if failures.more and count else "")


async def _find(visit: Visit) -> InlineHook:
    return await register.read_inline_hook(visit.pipeline, visit.principal, visit.params["hook_id"])


async def _one(visit: Visit, status: int = 200, **context: Any) -> Response:
    hook = await _find(visit)
    keys = {view.key.id: view.key for view in await list_hook_keys(visit.pipeline, visit.principal)}
    return visit.render(
        "inline_hooks/show.html",
        status=status,
        hook=hook,
        kind=KINDS[hook.type],
        asked=rule_of(hook.type).asked,
        failing=on_failure(hook.type, visit.pipeline.switchboard.timeout_s),
        standing=standing_of(visit, hook),
        failures=await read_failures(visit, hook.id),
        answers=await read_answers(visit, hook.id),
        log=failures_in_log(hook.id),
        key=keys.get(hook.channel.config.hook_key_id or ""),
        may_change=visit.may(Permission.MANAGE_INLINE_HOOKS),
        **context,
    )


async def _confirm(visit: Visit, status: int = 200, **context: Any) -> Response:
    hook = await _find(visit)
    path = f"{PATH}/{hook.id}"
    shown = {
        "heading": f"Delete “{hook.name}”?",
        "act": "Delete",
        "path": f"{path}/delete",
        "back": (path, hook.name),
        "blocked": hook.status == "ACTIVE",
    }
    return visit.render("inline_hooks/delete.html", status=status, hook=hook, **shown, **context)


routes = [
    page(PATH, list_hooks, Permission.READ_INLINE_HOOKS),
    page(f"{PATH}/{{hook_id}}", show_hook, Permission.READ_INLINE_HOOKS),
    action(f"{PATH}/{{hook_id}}/activate", activate, Permission.MANAGE_INLINE_HOOKS),
    action(f"{PATH}/{{hook_id}}/deactivate", deactivate, Permission.MANAGE_INLINE_HOOKS),
    page(f"{PATH}/{{hook_id}}/delete", confirm_delete, Permission.MANAGE_INLINE_HOOKS),
    action(f"{PATH}/{{hook_id}}/delete", delete, Permission.MANAGE_INLINE_HOOKS),
]
