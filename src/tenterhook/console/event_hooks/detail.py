"""One event hook: how it stands, what it gets, how its deliveries are made, and what became of the last ones."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from starlette.responses import Response

from tenterhook.console.event_hooks import PATH
from tenterhook.console.event_hooks.listing import day_chart
from tenterhook.console.event_hooks.policy import policy_words
from tenterhook.console.event_hooks.standing import standing_of
from tenterhook.console.plain import plain
from tenterhook.console.routes import action, page
from tenterhook.console.same_origin import inside
from tenterhook.console.visit import Visit
from tenterhook.console.words import count_of
from tenterhook.domain.channel import hints
from tenterhook.domain.display_name import display_names
from tenterhook.domain.event_hook import EventHook
from tenterhook.domain.event_type import CUSTOM, catalogue, family_of
from tenterhook.domain.principal import Permission
from tenterhook.engine import register
from tenterhook.engine.figures.hooks import HookFigures, read_hook_figures
from tenterhook.engine.find_deliveries import DeliveryQuery, find_deliveries
from tenterhook.errors import NotFoundError

#: Deliveries shown, and how long (seconds) they are looked for.
RECENT, BUDGET_S = 10, 0.5


class Asked(NamedTuple):
    """One event type that a hook asks for."""

    name: str
    label: str
    family: str
    expression: str | None  #: of its filter; None: it has none


async def show(visit: Visit) -> Response:
    """Show one hook."""
    hook, figures = await _read(visit)
    recent = await find_deliveries(
        visit.pipeline, visit.principal, DeliveryQuery(hook_id=hook.id, limit=RECENT), budget_s=BUDGET_S
    )
    return visit.render(
        "event_hooks/detail.html",
        hook=hook,
        figures=figures,
        standing=standing_of(hook, figures),
        chart=day_chart(figures, height=56, step=14),
        asked=_asked(hook),
        policy=hook.delivery_policy,
        retry=policy_words(hook.delivery_policy),
        hints=[plain(hint) for hint in hints(hook.channel, hook.secret)],
        deliveries=recent.deliveries,
        more=recent.older is not None,
    )


def _asked(hook: EventHook) -> list[Asked]:
    chosen, names = hook.events.filter, display_names()
    return sorted(
        (
            Asked(
                name,
                names.get(name) or "",
                family_of(name) if name in catalogue() else CUSTOM,
                None if chosen is None else chosen.expression_for(name),
            )
            for name in hook.events.items
        ),
        key=lambda one: (one.family, one.name),
    )


async def _read(visit: Visit) -> tuple[EventHook, HookFigures]:
    hook = await register.read_event_hook(visit.pipeline, visit.principal, visit.params["hook_id"])
    figures = await read_hook_figures(visit.pipeline, visit.principal, [hook.id])
    if hook.id not in figures:  # it was deleted in between
        raise NotFoundError(hook.id, "Webhook")
    return hook, figures[hook.id]


# ---- what is done with a hook ----------------------------------------------------------------------------------------


def _back(visit: Visit, hook: EventHook, said: str) -> Response:
    target = visit.form.text("back")
    return visit.redirect(inside(target) if target else f"{PATH}/{hook.id}", said)


def _switch(verb: Callable[[Visit, str], Awaitable[EventHook]], said: str) -> Callable[[Visit], Awaitable[Response]]:
    async def endpoint(visit: Visit) -> Response:
        hook = await verb(visit, visit.params["hook_id"])
        return _back(visit, hook, f"{hook.name} is {said}")

    return endpoint


async def _activate(visit: Visit, hook_id: str) -> EventHook:
    return await register.switch_event_hook(visit.pipeline, visit.principal, hook_id, "ACTIVE")


async def _deactivate(visit: Visit, hook_id: str) -> EventHook:
    return await register.switch_event_hook(visit.pipeline, visit.principal, hook_id, "INACTIVE")


async def _pause(visit: Visit, hook_id: str) -> EventHook:
    return await register.pause_event_hook(visit.pipeline, visit.principal, hook_id, True)


async def _resume(visit: Visit, hook_id: str) -> EventHook:
    return await register.pause_event_hook(visit.pipeline, visit.principal, hook_id, False)


async def ask_to_delete(visit: Visit) -> Response:
    """Show what deleting the hook would do."""
    hook, figures = await _read(visit)
    waiting = count_of(figures.waiting, "delivery")
    return visit.render(
        "event_hooks/delete.html",
        hook=hook,
        waiting=waiting if figures.waiting_is_exact else f"more than {waiting}",
        waits=figures.waiting > 0,
        several=figures.waiting != 1,
        heading=f"Delete {hook.name}?",
        act="Deactivate and delete" if hook.status == "ACTIVE" else "Delete",
        path=f"{PATH}/{hook.id}/delete",
        back=(f"{PATH}/{hook.id}", hook.name),
    )


async def delete(visit: Visit) -> Response:
    """Delete the hook; an active one is deactivated first, as the page before has said."""
    hook = await register.delete_event_hook(visit.pipeline, visit.principal, visit.params["hook_id"], deactivate=True)
    return visit.redirect(PATH, f"{hook.name} is deleted.")


_ONE = f"{PATH}/{{hook_id}}"
routes = [
    page(_ONE, show, Permission.READ_HOOKS),
    action(f"{_ONE}/activate", _switch(_activate, "active."), Permission.MANAGE_HOOKS),
    action(
        f"{_ONE}/deactivate",
        _switch(_deactivate, "inactive: what happens now is not matched for it."),
        Permission.MANAGE_HOOKS,
    ),
    action(f"{_ONE}/pause", _switch(_pause, "paused: its deliveries are held."), Permission.MANAGE_HOOKS),
    action(f"{_ONE}/resume", _switch(_resume, "resumed: what was held goes out."), Permission.MANAGE_HOOKS),
    page(f"{_ONE}/delete", ask_to_delete, Permission.MANAGE_HOOKS),
    action(f"{_ONE}/delete", delete, Permission.MANAGE_HOOKS),
]
