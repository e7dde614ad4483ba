"""The console's navigation: what is shown where, to those who may see it, once there is a page for it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from tenterhook.console.routes import PageRoute
from tenterhook.domain.principal import Principal


class Entry(NamedTuple):
    """One entry. The guide's words hold for its label."""

    label: str
    path: str
    icon: str  #: in components/icon.html
    key: str  #: pressed after g
    current: bool = False


class Section(NamedTuple):
    """Entries under one heading."""

    label: str  #: "" has no heading
    entries: tuple[Entry, ...]


#: In the order shown. An entry appears with its route: a line here may be there before its page is.
SECTIONS = (
    Section("", (Entry("Overview", "/console", "overview", "o"),)),
    Section(
        "Workflow",
        (
            Entry("Event Hooks", "/console/event-hooks", "hook", "e"),
            Entry("Inline Hooks", "/console/inline-hooks", "inline", "i"),
            Entry("Hook Keys", "/console/hook-keys", "key", "k"),
            Entry("Deliveries", "/console/deliveries", "delivery", "d"),
            Entry("Replay", "/console/replays", "replay", "r"),
            Entry("Inboxes", "/console/inboxes", "inbox", "b"),
        ),
    ),
    Section(
        "Reports",
        (
            Entry("System Log", "/console/system-log", "log", "s"),
            Entry("Explain", "/console/explain", "explain", "x"),
            Entry("Completeness", "/console/completeness", "complete", "c"),
            Entry("Alerts", "/console/alerts", "alert", "a"),
        ),
    ),
    Section(
        "Settings",
        (
            Entry("Event Types", "/console/event-types", "types", "y"),
            Entry("Tokens", "/console/tokens", "token", "t"),
            Entry("Admins", "/console/admins", "admins", "m"),
            Entry("Orgs", "/console/orgs", "org", "g"),
            Entry("Limits", "/console/limits", "limits", "l"),
        ),
    ),
)


def navigation(routes: Iterable[PageRoute], principal: Principal, path: str) -> list[Section]:
    """Return what *principal* sees on the page at *path*: entries with a page that they may see."""
    pages = {route.path: route for route in routes if route.method == "GET"}

    def seen(entry: Entry) -> bool:
        route = pages.get(entry.path)
        return route is not None and (route.permission is None or principal.may(route.permission))

    shown = [Section(one.label, tuple(entry for entry in one.entries if seen(entry))) for one in SECTIONS]
    around = [one.path for section in shown for one in section.entries if _is_within(path, one.path)]
    here = max(around, key=len, default=None)
    return [
        Section(one.label, tuple(entry._replace(current=entry.path == here) for entry in one.entries))
        for one in shown
        if one.entries
    ]


def _is_within(path: str, entry: str) -> bool:
    return path == entry or (entry != "/console" and path.startswith(entry + "/"))
