"""The picker of event types: those that hooks may ask for, by family, narrowed by what is searched for."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from tenterhook.console.visit import Visit
from tenterhook.domain.event_type import CUSTOM
from tenterhook.engine.list_event_types import EventTypeView, Wanted, list_event_types

MAX_FIND = 100
_ALL = 100_000
#: Where chosen types stand that are not among what was searched for, or that nobody knows any more.
_REST = "Chosen, not in this search"


class Choice(NamedTuple):
    """One type to be chosen."""

    name: str
    label: str
    chosen: bool


class Group(NamedTuple):
    """The types of one family."""

    name: str
    family: str  #: what a search finds all of them by; "": it is no family
    choices: list[Choice]
    chosen: int
    open: bool


class Picker(NamedTuple):
    """What the form shows of the event types."""

    groups: list[Group]
    closed: list[str]  #: types that event hooks may not ask for
    found: int
    find: str  #: what was searched for


async def pick_types(visit: Visit, chosen: Collection[str], find: str) -> Picker:
    """Return the picker. find: words of the types that are shown; "" shows all."""
    views = await list_event_types(visit.pipeline, visit.principal, Wanted(q=find[:MAX_FIND].strip()), _ALL)
    families: dict[str, list[EventTypeView]] = {}
    for view in views:
        if view.eligible:
            families.setdefault(view.group, []).append(view)
    picked = set(chosen)
    groups = [_group(family, families[family], picked, bool(find)) for family in sorted(families, key=_order)]
    shown = {view.name for view in views if view.eligible}
    rest = [Choice(name, "", True) for name in chosen if name not in shown]
    if rest:
        groups.insert(0, Group(_REST, "", rest, len(rest), True))
    return Picker(groups, [view.name for view in views if not view.eligible], len(shown), find)


def _order(family: str) -> tuple[bool, str]:
    return family != CUSTOM, family


def _group(family: str, views: list[EventTypeView], picked: Collection[str], finding: bool) -> Group:
    choices = [Choice(view.name, view.display_name or "", view.name in picked) for view in views]
    chosen = sum(choice.chosen for choice in choices)
    return Group(family, family, choices, chosen, finding or chosen > 0)
