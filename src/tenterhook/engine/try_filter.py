"""Try a hook's filter, saved or not, on what the log holds: which of the last events it lets through, and why not."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec

from tenterhook.domain.document import Form, Problems, kind_of
from tenterhook.domain.event_filter import EventFilter, read_filter
from tenterhook.domain.event_hook import EventHook
from tenterhook.domain.log_event import without_targets
from tenterhook.domain.principal import Principal
from tenterhook.domain.provenance import went_round
from tenterhook.domain.strict_json import reload
from tenterhook.domain.verdict import HookFilter
from tenterhook.engine.pipeline import Pipeline
from tenterhook.engine.register import find
from tenterhook.errors import InvalidError
from tenterhook.store import filter_errors, recent_events
from tenterhook.store.transaction import Tx

ENTITY = "filterTest"
DEFAULT_LAST, MAX_LAST = 100, 1000
#: Seconds after which what was found is told, whatever is left.
BUDGET_S = 5.0
#: Characters of an event's message that are shown.
MAX_MESSAGE = 255
#: Events that are judged in one go, on a reading thread.
SLICE_EVENTS = 50


class Trial(msgspec.Struct, frozen=True):
    """What a filter is tried on."""

    filter: EventFilter | None  #: None: the hook's own
    last: int


class Tried(msgspec.Struct, frozen=True, rename="camel"):
    """What the filter makes of one event."""

    uuid: str
    published: str
    event_type: str
    display_message: str | None
    matched: bool
    reason: str  #: in words


class Outcome(msgspec.Struct, rename="camel"):
    """What a filter made of the last events of its types."""

    tested: int = 0
    matched: int = 0
    not_matched: int = 0  #: errors are not among them
    errors: int = 0  #: of these events
    filter_errors: int = 0  #: that the hook has had in all, on events as they came in
    complete: bool = False  #: False: the time was up before so many events were found, or the log's beginning
    events: list[Tried] = msgspec.field(default_factory=list)  #: youngest first


def read_trial(body: object) -> Trial:
    """Return what *body* (decoded JSON) asks for. Raises: InvalidError with one cause per problem."""
    if not isinstance(body, dict):
        raise InvalidError(ENTITY, [f"body: must be a JSON object, not {kind_of(body)}"])
    problems = Problems()
    form = Form(body, "", problems)
    form.refuse_unknown(("filter", "last"))
    given = read_filter(form.form("filter"), None)
    last = form.whole("last", 1, MAX_LAST)
    if problems:
        raise InvalidError(ENTITY, problems.texts)
    return Trial(given, last or DEFAULT_LAST)


async def try_filter(
    pipeline: Pipeline, principal: Principal, hook_id: str, trial: Trial, *, budget_s: float = BUDGET_S
) -> Outcome:
    """Return what the filter makes of the last events of the hook's types, and of those that the filter names.

    Nothing is delivered, counted or logged. Raises: NotFoundError.
    """
    hook, errors = await pipeline.database.read(
        lambda tx: (find(pipeline, tx, principal, hook_id), filter_errors.total(tx, principal.org_id, hook_id))
    )
    filters = _filters(trial.filter or hook.events.filter)
    types = {*hook.events.items, *filters}
    outcome = Outcome(filter_errors=errors)
    before: int | None = None
    try:
        async with asyncio.timeout(budget_s):
            while not outcome.complete:

                def look(tx: Tx, before: int | None = before) -> tuple[list[tuple[Tried, bool]], recent_events.Slice]:
                    want = min(SLICE_EVENTS, trial.last - outcome.tested)
                    part = recent_events.recent(tx, hook.org_id, types, before, want)
                    return [_try(filters, hook, body) for body in part.bodies], part

                tried, part = await pipeline.database.read(look)
                _add(outcome, tried)
                before = part.before
                outcome.complete = part.ended or outcome.tested >= trial.last
    except TimeoutError:
        pass  # a log without such events is long to look through: what was found is an answer, too
    return outcome


def _filters(chosen: EventFilter | None) -> dict[str, HookFilter]:
    entries = () if chosen is None else chosen.event_filter_map
    return {one.event: HookFilter(one.condition.expression) for one in entries}


def _try(filters: Mapping[str, HookFilter], hook: EventHook, body: bytes) -> tuple[Tried, bool]:
    """Return what the filter makes of an event, and whether it could not be evaluated."""
    event: dict[str, Any] = without_targets(reload(body))
    event_type = event["eventType"]
    chosen = filters.get(event_type)
    if chosen is None:
        matched, failed, reason = True, False, f"There is no filter on {event_type}: every such event matches."
    else:
        verdict = chosen.judge(event)
        matched, failed, reason = verdict.matched, verdict.error is not None, chosen.explain(event)
    if not hook.wants(event_type):
        reason += f" The hook does not ask for {event_type} yet."
    if went_round(event):
        reason += " It went to no hook all the same: it had come in by way of event hooks too often."
    message = event.get("displayMessage")
    shown = message[:MAX_MESSAGE] if isinstance(message, str) else None
    return Tried(event["uuid"], event["published"], event_type, shown, matched, reason), failed


def _add(outcome: Outcome, tried: list[tuple[Tried, bool]]) -> None:
    for one, failed in tried:
        outcome.events.append(one)
        outcome.tested += 1
        outcome.matched += one.matched
        outcome.errors += failed
        outcome.not_matched += not one.matched and not failed
