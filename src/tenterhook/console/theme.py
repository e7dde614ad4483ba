"""Light or dark: by the reader's system, unless they choose."""

from __future__ import annotations

from starlette.responses import Response

from tenterhook.console import cookies
from tenterhook.console.routes import action
from tenterhook.console.same_origin import inside
from tenterhook.console.visit import THEMES, Visit

_YEAR_S = 365 * 86_400


async def choose_theme(visit: Visit) -> Response:
    """Keep what the reader chose in a cookie, so that it works without script, and come back."""
    chosen = visit.form.text("theme")
    response = visit.redirect(inside(visit.form.text("back")))
    if chosen in THEMES:
        visit.cookies.put(response, cookies.THEME, chosen, max_age_s=_YEAR_S)
    else:
        visit.cookies.drop(response, cookies.THEME)
    return response


routes = [action("/console/theme", choose_theme, None)]
