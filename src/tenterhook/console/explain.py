"""Reports › Explain: where one event went."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

import msgspec
from markupsafe import Markup
from starlette.responses import Response

from tenterhook.console.delivery_words import BADGES
from tenterhook.console.log_links import delivery_of
from tenterhook.console.log_row import Row, row_of
from tenterhook.console.routes import page
from tenterhook.console.visit import Visit
from tenterhook.console.words import count_of, moment
from tenterhook.domain.log_event import Tree
from tenterhook.domain.log_query import LogQuery
from tenterhook.domain.principal import Permission
from tenterhook.engine.explain import Explanation, doubt_type, explain, show_event
from tenterhook.engine.search_logs import search_logs
from tenterhook.engine.show_deliveries import show_delivery
from tenterhook.errors import NotFoundError
from tenterhook.ids import parse_uuid

PATH = "/console/explain"
#: Event hooks told of: those that it went to, and on each page those that it did not; log events to begin with.
MATCHED, OTHERS, RECENT = 1_000, 50, 10
#: Among how many newest events those are found; and whose types are left out: of what we log about hooks there is much.
LOOKED_AT, OURS = 50, ("event_hook.", "inline_hook.", "tenterhook.", "system.")

_NO_UUID = "An event’s uuid and a delivery’s eventId look like 0198c2f4-5b1e-7c3a-9d42-6f0e8a1b2c3d. This is not one."
_UNKNOWN = "Neither an event nor a delivery of this org has it. It may be beyond retention, or another org’s."
#: In which order what became of deliveries is told, and how it looks.
_KINDS = {"FAILED": "bad", "RETRYING": "warn", "HELD": "off", "PENDING": "wait", "DELIVERED": "good"}


class PathStep(NamedTuple):
    """One station of the event's way."""

    kind: str  #: as of a badge
    title: str
    text: Any


class Story(NamedTuple):
    """What became of one event."""

    path: Sequence[PathStep]
    matched: list[Explanation]
    others: list[Explanation]


async def show(visit: Visit) -> Response:
    """Explain one event, or show where to begin."""
    uuid, after = visit.query("uuid").strip(), visit.query("after") or None
    shown: dict[str, Any] = {
        "uuid": uuid,
        "missing": "",
        "doubt": None,
        "story": None,
        "line": None,
        "raw": "",
        "recent": [],
        "more": None,
        "badges": BADGES,
    }
    if not uuid:
        return visit.render("explain/show.html", **shown | {"recent": await _recent(visit)})
    if parse_uuid(uuid) is None:
        return visit.render("explain/show.html", status=404, **shown | {"missing": _NO_UUID})
    try:
        event = await show_event(visit.pipeline, visit.principal, uuid)
    except NotFoundError:
        return await _of_delivery(visit, uuid, shown)
    shown["doubt"] = await doubt_type(visit.pipeline, visit.principal, uuid)
    found = await explain(visit.pipeline, visit.principal, uuid, after=after, limit=OTHERS + 1, carried=False)
    others = found[:OTHERS]
    matched = await explain(visit.pipeline, visit.principal, uuid, after=None, limit=MATCHED, carried=True)
    delivery = delivery_of(event)
    told = Markup('It tells how <a href="{}">a delivery</a> ended.').format(delivery) if delivery else Markup()
    shown["story"] = _story(event, matched + others, told, partial=after is not None or len(found) > OTHERS)
    if len(found) > OTHERS:
        shown["more"] = f"{PATH}?{urlencode({'uuid': uuid, 'after': others[-1].hook_id})}"
    if visit.may(Permission.READ_LOG):
        raw = msgspec.json.encode(event)
        shown["line"] = row_of(raw)
        shown["raw"] = msgspec.json.format(raw, indent=2).decode()
    return visit.render("explain/show.html", **shown)


async def _of_delivery(visit: Visit, event_id: str, shown: dict[str, Any]) -> Response:
    """Lead to the delivery whose eventId was typed, if it is one."""
    try:
        view = await show_delivery(visit.pipeline, visit.principal, event_id)
    except NotFoundError:
        return visit.render("explain/show.html", status=404, **shown | {"missing": _UNKNOWN})
    return visit.redirect(f"/console/deliveries/{view.event_id}")


async def _recent(visit: Visit) -> list[Row]:
    if not visit.may(Permission.READ_LOG):
        return []
    found = await search_logs(visit.pipeline, visit.principal, LogQuery(limit=LOOKED_AT, descending=True))
    lines = [row_of(body) for body in found.bodies]
    return ([one for one in lines if not one.event_type.startswith(OURS)] or lines)[:RECENT]


def _story(event: Tree, hooks: list[Explanation], told: Markup, *, partial: bool) -> Story:
    """Return what became of an event. told: what it tells of itself, so that nobody looks for its own deliveries."""
    matched = [one for one in hooks if one.matched]
    others = [one for one in hooks if not one.matched]
    steps = [PathStep("good", "Published", moment(event.get("published")))]
    if not hooks:
        steps.append(PathStep("off", "Matched none", told + " There is no event hook that it could have gone to."))
    elif not matched:
        asked = "None of those on this page" if partial else f"None of {count_of(len(hooks), 'event hook')}"
        steps.append(PathStep("off", "Matched none", told + f" {asked} asked for it."))
    else:
        whole = "" if partial else f"{len(matched):,} of "
        steps.append(PathStep("good", "Matched", whole + count_of(len(matched if partial else hooks), "event hook")))
        steps.append(_became(matched))
    return Story(steps, matched, others)


def _became(matched: list[Explanation]) -> PathStep:
    counts = Counter(delivery.status for one in matched for delivery in one.deliveries)
    if not counts:
        return PathStep("off", "Deliveries", "None is kept any more.")
    worst = next((status for status in _KINDS if counts[status]), "DELIVERED")
    title = "Delivered" if counts.keys() == {"DELIVERED"} else BADGES[worst][0]
    told = ", ".join(f"{counts[status]:,} {BADGES[status][0].lower()}" for status in _KINDS if counts[status])
    return PathStep(_KINDS[worst], title, told)


routes = [page(PATH, show, Permission.READ_HOOKS)]
