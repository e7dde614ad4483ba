"""Create Event Hook, and Edit: one form. Each of its lesser buttons gives the form back, changed, as it was typed."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import msgspec
from starlette.responses import JSONResponse, Response

from tenterhook.console.event_hooks import PATH
from tenterhook.console.event_hooks.fields import (
    CUSTOM,
    FilterRow,
    HookFields,
    body_of,
    differences,
    fields_in,
    fields_of,
    filter_of,
    names_of,
    new_fields,
    paths_of,
    read_waits,
)
from tenterhook.console.event_hooks.picker import pick_types
from tenterhook.console.event_hooks.policy import FAILURES, POLICIES, RetryWords, named_words, retry_words
from tenterhook.console.form import NO_ERRORS, FieldErrors
from tenterhook.console.header_rows import HeaderRow, without_row
from tenterhook.console.plain import in_words
from tenterhook.console.routes import action, page
from tenterhook.console.secret_header import NONE, with_secret_again
from tenterhook.console.visit import Visit
from tenterhook.domain.channel import secret_moves
from tenterhook.domain.delivery_policy import MAX_CONCURRENCY, MAX_EVENTS_PER_REQUEST, MAX_TIMEOUT_S
from tenterhook.domain.event_hook import EventHook
from tenterhook.domain.hook_filter import FIELDS, HookFilterError, parse_hook_filter
from tenterhook.domain.precondition import Precondition
from tenterhook.domain.principal import Permission
from tenterhook.domain.retry import RETRY_WORDS, custom_policy
from tenterhook.door.rate_limit import Bucket
from tenterhook.engine import register
from tenterhook.engine.try_filter import FilterTest, read_trial, try_filter
from tenterhook.errors import InvalidError, PreconditionError

#: 300 types with a filter each, as forms write them.
MAX_BYTES = 512 * 1024
#: How many of the newest events filters can be tried on.
LASTS = ("20", "100", "500")


class Shown(NamedTuple):
    """What the form shows beside its fields."""

    errors: FieldErrors = NO_ERRORS
    status: int = 200
    checked: bool = False  #: whether the filters were read, and no problem found in those without an error
    trial: FilterTest | None = None
    changed: list[tuple[str, str]] | None = None  #: what somebody else has stored meanwhile; None: nobody has


async def show_new(visit: Visit) -> Response:
    """Show the empty form."""
    fields = new_fields(visit.pipeline.default_policy)
    return await _show(visit, None, fields, Shown())


async def create(visit: Visit) -> Response:
    """Create the hook, or do with the form what another of its buttons says."""
    fields = fields_in(visit.form)
    if not _saves(visit):
        return await _step(visit, None, fields)
    body = body_of(fields, visit.form.text("auth_value"))
    try:
        hook = await register.create_event_hook(visit.pipeline, visit.principal, body)
    except InvalidError as error:
        return await _show(visit, None, fields, _refused(visit, fields, error))
    return visit.redirect(f"{PATH}/{hook.id}", f"{hook.name} is created. Verify it next: until then it gets nothing.")


async def show_edit(visit: Visit) -> Response:
    """Show the form, filled with a hook."""
    hook = await register.read_event_hook(visit.pipeline, visit.principal, visit.params["hook_id"])
    return await _show(visit, hook, fields_of(hook), Shown())


async def save(visit: Visit) -> Response:
    """Replace the hook, if it is still what the form was made of; or do what another button says."""
    hook_id, fields = visit.params["hook_id"], fields_in(visit.form)
    hook = await register.read_event_hook(visit.pipeline, visit.principal, hook_id)
    if not _saves(visit):
        return await _step(visit, hook, fields)
    body, seen = body_of(fields, visit.form.text("auth_value")), Precondition(frozenset({fields.version}))
    try:
        before, after = await register.replace_event_hook(visit.pipeline, visit.principal, hook_id, body, expected=seen)
    except InvalidError as error:
        return await _show(visit, hook, fields, _refused(visit, fields, error))
    except PreconditionError:
        current = await register.read_event_hook(visit.pipeline, visit.principal, hook_id)
        stored = fields_of(current)
        changed = differences(fields, stored)
        mine = msgspec.structs.replace(fields, version=stored.version)
        return await _show(visit, current, mine, Shown(_secret_again(visit), 412, changed=changed))
    return visit.redirect(f"{PATH}/{hook_id}", _saved(before, after))


async def check_filter(visit: Visit) -> Response:
    """Say what is wrong with one expression, for the script that asks while it is typed; null: nothing."""
    expression, org_id = visit.form.text("expression"), visit.principal.org_id
    return JSONResponse({"problem": await visit.pipeline.aside.run(org_id, lambda: _expression_problem(expression))})


def _saves(visit: Visit) -> bool:
    """Return whether the hook is to be stored. Enter in the search of types is no wish to store anything."""
    act = visit.form.text("act", "enter")
    return act == "save" or (act == "enter" and visit.form.text("find") == visit.form.text("found"))


def _saved(before: EventHook, after: EventHook) -> str:
    said = f"{after.name} is saved."
    if before.verification_status == "VERIFIED" and after.verification_status != "VERIFIED":
        said += " Its channel is another: verify it again. Until then its deliveries are held."
    moved = secret_moves(after.channel, after.secret, (before.channel, before.secret))
    return said + (" The stored secret will be sent to the new host." if moved else "")


# ---- the lesser buttons ----------------------------------------------------------------------------------------------


async def _step(visit: Visit, hook: EventHook | None, fields: HookFields) -> Response:
    act, _, which = visit.form.text("act").partition(":")
    at = int(which) if which.isascii() and which.isdigit() else -1
    if act == "try":
        return await _show(visit, hook, fields, await _try(visit, hook, fields))
    if act == "check":
        visit.count(Bucket.VERIFICATION)  # as long as trying them takes
        errors = await visit.pipeline.aside.run(visit.principal.org_id, lambda: _check(fields))
        return await _show(visit, hook, fields, Shown(_secret_again(visit, errors), 200, checked=True))
    change = _CHANGES.get(act)
    changed = fields if change is None else change(visit, fields, at)
    return await _show(visit, hook, changed, Shown(_secret_again(visit)))


def _add_header(visit: Visit, fields: HookFields, at: int) -> HookFields:
    return msgspec.structs.replace(fields, headers=[*fields.headers, HeaderRow()])


def _remove_header(visit: Visit, fields: HookFields, at: int) -> HookFields:
    return msgspec.structs.replace(fields, headers=without_row(fields.headers, at))


def _add_filter(visit: Visit, fields: HookFields, at: int) -> HookFields:
    event = visit.form.text("filter_add")
    if event not in fields.unfiltered:
        return fields
    return msgspec.structs.replace(fields, filters=[*fields.filters, FilterRow(event)])


def _remove_filter(visit: Visit, fields: HookFields, at: int) -> HookFields:
    return msgspec.structs.replace(fields, filters=[row for nth, row in enumerate(fields.filters) if nth != at])


_CHANGES: dict[str, Callable[[Visit, HookFields, int], HookFields]] = {
    "add_header": _add_header,
    "remove_header": _remove_header,
    "add_filter": _add_filter,
    "remove_filter": _remove_filter,
}


def _check(fields: HookFields) -> FieldErrors:
    errors = FieldErrors()
    for at, row in enumerate(fields.filters):
        problem = _expression_problem(row.expression)
        if problem is not None:
            errors.add(f"filter_{at}", problem)
    return errors


def _expression_problem(expression: str) -> str | None:
    if not expression.strip():
        return f"Write what has to be true of an event, such as {next(iter(FIELDS))} eq '…'."
    try:
        parse_hook_filter(expression)
    except HookFilterError as error:
        return str(error)
    return None


async def _try(visit: Visit, hook: EventHook | None, fields: HookFields) -> Shown:
    visit.count(Bucket.VERIFICATION)
    last = visit.form.text("last")
    body = {"filter": filter_of(fields.filters), "last": int(last) if last in LASTS else int(LASTS[0])}
    try:
        trial = await visit.pipeline.aside.run(visit.principal.org_id, lambda: read_trial(body))
        found = await try_filter(visit.pipeline, visit.principal, None if hook is None else hook.id, trial)
    except InvalidError as error:
        return Shown(_secret_again(visit, FieldErrors(in_words(error), paths_of(fields))), 400)
    return Shown(_secret_again(visit), trial=found)


# ---- the page --------------------------------------------------------------------------------------------------------


def _refused(visit: Visit, fields: HookFields, error: InvalidError) -> Shown:
    return Shown(_secret_again(visit, FieldErrors(in_words(error), paths_of(fields))), 400)


def _secret_again(visit: Visit, errors: FieldErrors | None = None) -> FieldErrors:
    return with_secret_again(visit.form, FieldErrors() if errors is None else errors)


def _own_words(fields: HookFields) -> RetryWords | None:
    waits = read_waits(fields.waits)
    seconds = [wait for wait in waits if isinstance(wait, float)]
    causes = [word for word in fields.retry_on if word in RETRY_WORDS]
    if fields.retry != CUSTOM or len(seconds) != len(waits) or len(waits) > 20:
        return None
    return retry_words(custom_policy(seconds, causes), "Own waits")


async def _show(visit: Visit, hook: EventHook | None, fields: HookFields, shown: Shown) -> Response:
    known = hook is not None and hook.channel.config.auth_scheme is not None
    may_try = visit.may(Permission.READ_LOG)
    return visit.render(
        "event_hooks/form.html",
        status=shown.status,
        hook=hook,
        fields=fields,
        shown=shown,
        errors=shown.errors,
        names=names_of(fields),
        picker=await pick_types(visit, fields.types, visit.form.text("find")),
        has_secret=known,
        no_auth=NONE,
        policies={name: (about, named_words(name)) for name, (_, about) in POLICIES.items()},
        own=_own_words(fields),
        failures=FAILURES,
        filter_fields=list(FIELDS),
        lasts=LASTS if may_try else (),
        last=visit.form.text("last", LASTS[1]),
        most={"timeout": MAX_TIMEOUT_S, "events": MAX_EVENTS_PER_REQUEST, "concurrency": MAX_CONCURRENCY},
        max_types=visit.pipeline.limits.event_types,
        needs_https=not visit.pipeline.dev,
    )


routes = [
    page(f"{PATH}/new", show_new, Permission.MANAGE_HOOKS),
    action(f"{PATH}/new", create, Permission.MANAGE_HOOKS, cap_bytes=MAX_BYTES),
    action(f"{PATH}/new/check-filter", check_filter, Permission.MANAGE_HOOKS),
    page(f"{PATH}/{{hook_id}}/edit", show_edit, Permission.MANAGE_HOOKS),
    action(f"{PATH}/{{hook_id}}/edit", save, Permission.MANAGE_HOOKS, cap_bytes=MAX_BYTES),
]
