"""Workflow › Deliveries: those of all event hooks, newest first, by hook, status, failure, event type and times."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import urlencode

import msgspec
from starlette.responses import Response

from tenterhook.console.delivery_words import BADGES, REASONS, result_of
from tenterhook.console.form import NO_ERRORS, FieldErrors
from tenterhook.console.routes import page
from tenterhook.console.visit import Visit
from tenterhook.console.words import publish_command
from tenterhook.domain.event_hook import EventHook
from tenterhook.domain.principal import Permission
from tenterhook.domain.timestamp import DAY_MS, HOUR_MS, MINUTE_MS, format_ms
from tenterhook.engine.find_deliveries import DeliveryPage, DeliveryQuery, find_deliveries, read_delivery_query
from tenterhook.engine.register import known_event_hooks
from tenterhook.errors import InvalidError

PATH = "/console/deliveries"
LIMIT = 50
#: Event hooks and event types that are offered to choose from; of more hooks the reader types a name or an id.
MAX_CHOICES = 200
#: Seconds that one page may take.
BUDGET_S = 1.0

_STATUSES = (
    ("", "Any"),
    ("RETRYING,FAILED", "Failed or retrying"),
    ("FAILED", "Failed"),
    ("RETRYING", "Retrying"),
    ("DELIVERED", "Delivered"),
    ("PENDING,RETRYING", "Waiting"),
    ("PENDING", "Pending"),
    ("HELD", "Held"),
)
_RANGES = (
    ("", "Any time", 0),
    ("15m", "Last 15 minutes", 15 * MINUTE_MS),
    ("hour", "Last hour", HOUR_MS),
    ("day", "Last 24 hours", DAY_MS),
    ("week", "Last 7 days", 7 * DAY_MS),
    ("custom", "From … to …", 0),
)


class Filter(NamedTuple):
    """What the reader has asked for, as typed; under the names that the API has for it."""

    hookId: str = ""  # noqa: N815 - the field's name
    status: str = ""
    reason: str = ""
    eventType: str = ""  # noqa: N815
    range: str = ""
    since: str = ""
    until: str = ""
    endedSince: str = ""  # noqa: N815
    endedUntil: str = ""  # noqa: N815

    def address(self, **more: str | None) -> str:
        """Return the address of this list, at another place of it."""
        given = {**self._asdict(), **more}
        query = urlencode({name: value for name, value in given.items() if value})
        return f"{PATH}?{query}" if query else PATH


async def show(visit: Visit) -> Response:
    """Show a page of deliveries."""
    asked = _read_filter(visit)
    after, before = visit.query("after") or None, visit.query("before") or None
    hooks = known_event_hooks(visit.pipeline, visit.principal)
    found: DeliveryPage | None = None
    errors = NO_ERRORS
    try:
        query = _query(asked, hooks, visit.pipeline.now_ms(), after, before)
        found = await find_deliveries(visit.pipeline, visit.principal, query, budget_s=BUDGET_S)
    except InvalidError as error:
        errors = FieldErrors(error)
    return visit.render(
        "deliveries/list.html",
        status=400 if errors else 200,
        errors=errors,
        asked=asked,
        any_end=asked.address(endedSince=None, endedUntil=None),
        page=found,
        live=after is None and before is None,
        filtered=any(asked) or after is not None or before is not None,
        newer=None if found is None or found.newer is None else asked.address(before=found.newer),
        older=None if found is None or found.older is None else asked.address(after=found.older),
        hooks=_hook_choices(hooks, asked.hookId),
        statuses=_with(_STATUSES, asked.status),
        reasons=_with([("", "Any"), *((str(one), words) for one, words in REASONS.items())], asked.reason),
        ranges=[(value, words) for value, words, _ in _RANGES],
        types=sorted({item for one in hooks for item in one.events.items})[:MAX_CHOICES],
        badges=BADGES,
        result_of=result_of,
        command=publish_command(_a_type(hooks)),
    )


def _read_filter(visit: Visit) -> Filter:
    asked = Filter(*(visit.query(name).strip() for name in Filter._fields))
    if asked.since or asked.until:
        return asked._replace(range="custom")
    return asked


def _query(asked: Filter, hooks: list[EventHook], now_ms: int, after: str | None, before: str | None) -> DeliveryQuery:
    given = {
        "hookId": next((one.id for one in hooks if one.name == asked.hookId), asked.hookId),
        "status": asked.status,
        "reason": asked.reason,
        "eventType": asked.eventType,
        "since": asked.since,
        "until": asked.until,
        "endedSince": asked.endedSince,
        "endedUntil": asked.endedUntil,
    }
    reach = next((reach for value, _, reach in _RANGES if value == asked.range), 0)
    if reach:
        given["since"] = format_ms(now_ms - reach)
    chosen = {name: value for name, value in given.items() if value}
    query = read_delivery_query(chosen, LIMIT, None if before else after)
    return msgspec.structs.replace(query, before=before)


def _hook_choices(hooks: list[EventHook], chosen: str) -> list[tuple[str, str]]:
    """Return the hooks to choose from; none if there are too many for that."""
    if len(hooks) > MAX_CHOICES:
        return []
    return _with([("", "Any"), *((one.id, one.name) for one in hooks)], chosen)


def _with(choices: Any, chosen: str) -> list[tuple[str, str]]:
    """Return choices among which is what was chosen, wherever that came from: a link, or a hook that is deleted."""
    found = list(choices)
    return found if any(value == chosen for value, _ in found) else [*found, (chosen, chosen)]


def _a_type(hooks: list[EventHook]) -> str:
    return next((one.events.items[0] for one in hooks if one.bound), "user.lifecycle.create")


routes = [page(PATH, show, Permission.READ_HOOKS)]
