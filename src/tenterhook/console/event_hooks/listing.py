"""Workflow › Event Hooks: every hook of the org, what state it is in, and how it fares."""

from __future__ import annotations

from typing import NamedTuple

from markupsafe import Markup
from starlette.responses import Response

from tenterhook.console.drawing import bars
from tenterhook.console.event_hooks import PATH
from tenterhook.console.event_hooks.standing import Standing, standing_of
from tenterhook.console.routes import page
from tenterhook.console.visit import Visit
from tenterhook.console.words import count_of
from tenterhook.domain.event_hook import EventHook
from tenterhook.domain.principal import Permission
from tenterhook.engine.figures.hooks import HookFigures, read_hook_figures
from tenterhook.engine.register import known_event_hooks

#: Hooks on one page.
PAGE = 50
#: What the list can be narrowed to, in words.
STATES = {
    "": "Any state",
    "failing": "Failing",
    "unverified": "To verify",
    "active": "Active",
    "paused": "Paused",
    "inactive": "Inactive",
}


class Row(NamedTuple):
    """One hook of the list."""

    hook: EventHook
    host: str
    standing: Standing
    figures: HookFigures
    chart: Markup


async def show(visit: Visit) -> Response:
    """Show the org's hooks, those that are asked for."""
    every = known_event_hooks(visit.pipeline, visit.principal)
    q, state = visit.query("q").strip(), visit.query("state")
    state = state if state in STATES else ""
    found = [hook for hook in every if _fits(hook, q.casefold(), state)]
    if state == "failing":
        figures = await read_hook_figures(visit.pipeline, visit.principal)
        found = [hook for hook in found if hook.id in figures and figures[hook.id].failing_since is not None]
    number = _page_number(visit.query("page"), len(found))
    shown = found[(number - 1) * PAGE : number * PAGE]
    figures = await read_hook_figures(visit.pipeline, visit.principal, [hook.id for hook in shown])
    return visit.render(
        "event_hooks/list.html",
        rows=[_row(hook, figures[hook.id]) for hook in shown if hook.id in figures],
        total=len(every),
        found=len(found),
        q=q,
        state=state,
        states=list(STATES.items()),
        number=number,
        pages=-(-len(found) // PAGE),
    )


def _page_number(text: str, found: int) -> int:
    asked = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 1
    return max(1, min(asked, -(-found // PAGE)))


def _fits(hook: EventHook, q: str, state: str) -> bool:
    if q and q not in hook.name.casefold() and q not in hook.channel.config.uri.casefold() and q != hook.id.casefold():
        return False
    if state == "unverified":
        return hook.status == "ACTIVE" and hook.verification_status == "UNVERIFIED"
    if state == "paused":
        return hook.status == "ACTIVE" and hook.delivery_policy.paused
    if state in ("active", "inactive"):
        return hook.status == state.upper()
    return True


def _row(hook: EventHook, figures: HookFigures) -> Row:
    return Row(hook, host_of(hook), standing_of(hook, figures), figures, day_chart(figures, height=24, step=4))


def host_of(hook: EventHook) -> str:
    """Return where a hook's requests go, without the rest of the address."""
    return hook.channel.config.uri.partition("://")[2].partition("/")[0].partition("?")[0]


def day_chart(figures: HookFigures, *, height: int, step: int) -> Markup:
    """Return what a hook's receiver answered in the last 24 hours: a bar an hour, what failed in its own colour."""
    failed = [bucket.failed_attempts for bucket in figures.buckets]
    whole = [bucket.delivered + bad for bucket, bad in zip(figures.buckets, failed, strict=True)]
    label = f"Last 24 hours: {figures.delivered:,} delivered, {count_of(figures.failed_attempts, 'failed attempt')}"
    return bars(whole, bad=failed, label=label, height=height, step=step)


routes = [page(PATH, show, Permission.READ_HOOKS)]
