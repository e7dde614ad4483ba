"""Create Inline Hook, and Edit: one form. Its lesser buttons give it back, changed, as it was typed."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from starlette.responses import Response

from tenterhook.console.form import NO_ERRORS, FieldErrors
from tenterhook.console.header_rows import HeaderRow, without_row
from tenterhook.console.inline_hooks import PATH
from tenterhook.console.inline_hooks.fields import (
    OAUTH,
    InlineFields,
    body_of,
    differences,
    fields_in,
    fields_of,
    names_of,
    paths_of,
)
from tenterhook.console.inline_hooks.rules import on_failure, type_choices
from tenterhook.console.plain import in_words
from tenterhook.console.routes import action, page
from tenterhook.console.secret_header import NONE, with_secret_again
from tenterhook.console.visit import Visit
from tenterhook.domain.document import BLANK
from tenterhook.domain.inline.channel import proof_that_moves
from tenterhook.domain.inline.hook import InlineHook
from tenterhook.domain.inline.kind import KINDS
from tenterhook.domain.precondition import Precondition
from tenterhook.domain.principal import Permission
from tenterhook.engine.inline import register
from tenterhook.engine.inline.hook_keys import list_hook_keys
from tenterhook.errors import InvalidError, PreconditionError

#: In place of the names of all types, which the page has in words.
_CHOOSE = "type: choose what the hook is for"
#: In place of a blank field that the form does not show: what is wrong is the choice "Send none".
_NO_SCHEME = f"channel.config.authScheme: {BLANK}"
_NEEDED = "channel.config.authScheme: “Send none” is not for {} hooks, which need a secret: choose “Send a secret”"


class Shown(NamedTuple):
    """What the form shows beside its fields."""

    errors: FieldErrors = NO_ERRORS
    status: int = 200
    changed: list[tuple[str, str]] | None = None  #: what somebody else has stored meanwhile; None: nobody has


async def show_new(visit: Visit) -> Response:
    """Show the empty form; the address may name a type."""
    type_ = visit.query("type")
    return await _show(visit, None, InlineFields(type=type_ if type_ in KINDS else ""), Shown())


async def create(visit: Visit) -> Response:
    """Create the hook, or do with the form what another of its buttons says."""
    fields = fields_in(visit.form)
    if not _saves(visit):
        return await _step(visit, None, fields)
    try:
        hook = await register.create_inline_hook(visit.pipeline, visit.principal, body_of(fields, visit.form))
    except InvalidError as error:
        return await _show(visit, None, fields, _refused(visit, fields, error))
    said = f"{hook.name} is created, and active. Execute it to see what its endpoint answers."
    return visit.redirect(f"{PATH}/{hook.id}", said)


async def show_edit(visit: Visit) -> Response:
    """Show the form, filled with a hook."""
    hook = await register.read_inline_hook(visit.pipeline, visit.principal, visit.params["hook_id"])
    return await _show(visit, hook, fields_of(hook), Shown())


async def save(visit: Visit) -> Response:
    """Replace the hook, if it is still what the form was made of; or do what another button says."""
    hook_id, fields = visit.params["hook_id"], fields_in(visit.form)
    hook = await register.read_inline_hook(visit.pipeline, visit.principal, hook_id)
    fields = msgspec.structs.replace(fields, type=hook.type)
    if not _saves(visit):
        return await _step(visit, hook, fields)
    body, seen = body_of(fields, visit.form, hook.version), Precondition(frozenset({fields.version}))
    try:
        before, after = await register.replace_inline_hook(
            visit.pipeline, visit.principal, hook_id, body, expected=seen
        )
    except InvalidError as error:
        return await _show(visit, hook, fields, _refused(visit, fields, error))
    except PreconditionError:
        current = await register.read_inline_hook(visit.pipeline, visit.principal, hook_id)
        stored = fields_of(current)
        mine = msgspec.structs.replace(fields, version=stored.version)
        shown = Shown(_secret_again(visit, FieldErrors()), 412, differences(fields, stored))
        return await _show(visit, current, mine, shown)
    return visit.redirect(f"{PATH}/{hook_id}", _saved(before, after))


def _saves(visit: Visit) -> bool:
    return visit.form.text("act", "save") == "save"


def _saved(before: InlineHook, after: InlineHook) -> str:
    moving = proof_that_moves(after, before)
    return f"{after.name} is saved." + (f" From now on {moving} will be sent to the new host." if moving else "")


async def _step(visit: Visit, hook: InlineHook | None, fields: InlineFields) -> Response:
    act, _, which = visit.form.text("act").partition(":")
    if act == "add_header":
        fields = msgspec.structs.replace(fields, headers=[*fields.headers, HeaderRow()])
    elif act == "remove_header":
        at = int(which) if which.isascii() and which.isdigit() else -1
        fields = msgspec.structs.replace(fields, headers=without_row(fields.headers, at))
    return await _show(visit, hook, fields, Shown(_secret_again(visit, FieldErrors())))


def _refused(visit: Visit, fields: InlineFields, error: InvalidError) -> Shown:
    problems = [_CHOOSE if one.startswith("type:") and not fields.type else one for one in error.problems]
    if fields.auth == NONE and fields.type in KINDS:
        needed = _NEEDED.format(KINDS[fields.type].label.lower())
        problems = [needed if one.startswith(_NO_SCHEME) else one for one in problems]
    said = InvalidError(error.entity, problems)
    return Shown(_secret_again(visit, FieldErrors(in_words(said), paths_of(fields))), 400)


def _secret_again(visit: Visit, errors: FieldErrors) -> FieldErrors:
    field = "client_secret" if visit.form.text("channel") == OAUTH else "auth_value"
    return with_secret_again(visit.form, errors, field)


async def _show(visit: Visit, hook: InlineHook | None, fields: InlineFields, shown: Shown) -> Response:
    timeout_s = visit.pipeline.switchboard.timeout_s
    return visit.render(
        "inline_hooks/form.html",
        status=shown.status,
        hook=hook,
        fields=fields,
        shown=shown,
        errors=shown.errors,
        names=names_of(fields),
        types=type_choices(),
        failing=[(kind.label, on_failure(kind.type, timeout_s)) for kind in KINDS.values()],
        kind=None if hook is None else KINDS[hook.type],
        rule=None if hook is None else on_failure(hook.type, timeout_s),
        keys=[view.key for view in await list_hook_keys(visit.pipeline, visit.principal)],
        has_secret=hook is not None and hook.channel.config.auth_scheme is not None,
        has_client_secret=hook is not None and hook.channel.type == OAUTH and hook.secret is not None,
        needs_https=not visit.pipeline.dev,
    )


routes = [
    page(f"{PATH}/new", show_new, Permission.MANAGE_INLINE_HOOKS),
    action(f"{PATH}/new", create, Permission.MANAGE_INLINE_HOOKS),
    page(f"{PATH}/{{hook_id}}/edit", show_edit, Permission.MANAGE_INLINE_HOOKS),
    action(f"{PATH}/{{hook_id}}/edit", save, Permission.MANAGE_INLINE_HOOKS),
]
