"""Settings › Limits: what there is of each limit, and what is used of it."""

from __future__ import annotations

from typing import NamedTuple

from markupsafe import Markup
from starlette.responses import Response

from tenterhook.console.drawing import meter
from tenterhook.console.routes import page
from tenterhook.console.visit import Visit
from tenterhook.console.words import count_of, number, size
from tenterhook.domain.principal import Permission
from tenterhook.engine.show_limits import LimitView, show_limits

PATH = "/console/limits"

#: What is counted for whom, in the order shown.
_SCOPES = {
    "ORG": ("This org", "Counted for the org as a whole."),
    "HOOK": ("Each event hook", "Counted for every hook by itself."),
    "REQUEST": ("Each call", "What one call to the API may bring."),
}


class LimitRow(NamedTuple):
    """One limit as a row of the page."""

    description: str
    counted: bool  #: whether it is known what is used
    used: str
    limit: str
    meter: Markup | None  #: None: there is no limit, or nothing is counted
    window: str  #: over how long it is counted
    reset: str | None
    setting: str | None


async def show(visit: Visit) -> Response:
    """Show every limit of the org."""
    found = await show_limits(visit.pipeline, visit.principal)
    groups = [
        (title, about, [limit_row(one) for one in found if one.scope == scope])
        for scope, (title, about) in _SCOPES.items()
    ]
    return visit.render("limits.html", groups=groups, profile=visit.pipeline.profile)


def limit_row(view: LimitView) -> LimitRow:
    """Return a limit in words, with a bar of what is used of it."""
    metered = view.used is not None and view.limit is not None
    window = f"in {view.window_seconds // 3600} h" if view.window_seconds else ""
    return LimitRow(
        description=view.description,
        counted=view.used is not None,
        used=number(view.used),
        limit="No limit" if view.limit is None else _amount(view.limit, view.unit),
        meter=meter(view.used or 0, view.limit or 0, label=view.description) if metered else None,
        window=window,
        reset=view.reset,
        setting=view.setting,
    )


def _amount(value: int, unit: str) -> str:
    return size(value) if unit == "bytes" else count_of(value, unit.removesuffix("s"))


routes = [page(PATH, show, Permission.READ_LOG)]
