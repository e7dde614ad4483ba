"""Try a hook's filter, saved or not, on what the log holds: which of the last events it lets through, and why not."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec

from tenterhook.domain.document import Form, Problems, kind_of
from tenterhook.domain.event_filter import EventFilter, read_filter
from tenterhook.domain.event_hook import EventHook
from tenterhook.domain.event_hook_draft import MAX_SUGGESTIONS, unknown_type
from tenterhook.domain.log_event import without_targets
from tenterhook.domain.principal import Principal
from tenterhook.domain.provenance import went_round
from tenterhook.domain.strict_json import reload
from tenterhook.domain.verdict import HookFilter
from tenterhook.engine.list_event_types import known_types
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
#: Bytes of the expressions of a filter that is given: a hook's own may have more.
MAX_EXPRESSION_BYTES = 16 * 1024
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


class FilterTest(msgspec.Struct, rename="camel"):
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
    given = read_filter(form.form("filter"), None, MAX_EXPRESSION_BYTES)
    last = form.whole("last", 1, MAX_LAST)
    if problems:
        raise InvalidError(ENTITY, problems.texts)
    return Trial(given, last or DEFAULT_LAST)


async def try_filter(
    pipeline: Pipeline, principal: Principal, hook_id: str | None, trial: Trial, *, budget_s: float = BUDGET_S
) -> FilterTest:
    """Return what a filter makes of the last events: a given one of those of the types that it names, else the hook's.

    hook_id: None: of a hook that is still to be made; without a filter it has no events.
    Nothing is delivered, counted or logged. Raises: NotFoundError; InvalidError, if a type is not known.
    """

    def begin(tx: Tx) -> tuple[EventHook | None, int]:
        hook = None if hook_id is None else find(pipeline, tx, principal, hook_id)
        _refuse_unknown_types(tx, principal.org_id, trial.filter)
        return hook, 0 if hook is None else filter_errors.total(tx, principal.org_id, hook.id)

    hook, errors = await pipeline.database.read(begin)
    own = None if hook is None else hook.events.filter
    filters = _filters(trial.filter or own)
    types = set(hook.events.items) if hook is not None and trial.filter is None else set(filters)
    test = FilterTest(filter_errors=errors)
    before: int | None = None
    try:
        async with asyncio.timeout(budget_s):
            while not test.complete:

                def look(tx: Tx, before: int | None = before) -> tuple[list[tuple[Tried, bool]], recent_events.Slice]:
                    want = min(SLICE_EVENTS, trial.last - test.tested)
                    part = recent_events.recent(tx, principal.org_id, types, pipeline.oldest_event(), before, want)
                    return [_try(filters, hook, body) for body in part.bodies], part

                tried, part = await pipeline.database.search(look)
                _add(test, tried)
                before = part.before
                test.complete = part.ended or test.tested >= trial.last
    except TimeoutError:
        pass  # a log without such events is long to look through: what was found is an answer, too
    return test


def _refuse_unknown_types(tx: Tx, org_id: str, given: EventFilter | None) -> None:
    """Refuse a filter on a type that the org does not know; the hook need not ask for it."""
    if given is None:
        return
    known = known_types(tx, org_id)
    odd = [(at, one.event) for at, one in enumerate(given.event_filter_map) if one.event not in known]
    texts = [unknown_type(event, known, suggest=nth < MAX_SUGGESTIONS) for nth, (_, event) in enumerate(odd)]
    if odd:
        where = (f"filter.eventFilterMap[{at}].event" for at, _ in odd)
        raise InvalidError(ENTITY, [f"{place}: {text}" for place, text in zip(where, texts, strict=True)])


def _filters(chosen: EventFilter | None) -> dict[str, HookFilter]:
    entries = () if chosen is None else chosen.event_filter_map
    return {one.event: HookFilter(one.condition.expression) for one in entries}


def _try(filters: Mapping[str, HookFilter], hook: EventHook | None, body: bytes) -> tuple[Tried, bool]:
    """Return what the filter makes of an event, and whether it could not be evaluated."""
    event: dict[str, Any] = without_targets(reload(body))
    event_type = event["eventType"]
    chosen = filters.get(event_type)
    if chosen is None:
        matched, failed, reason = True, False, f"There is no filter on {event_type}: every such event matches."
    else:
        verdict = chosen.judge(event)
        matched, failed, reason = verdict.matched, verdict.error is not None, chosen.explain(event, verdict)
    if hook is not None and not hook.wants(event_type):
        reason += f" The hook does not ask for {event_type} yet."
    if went_round(event):
        reason += " It went to no hook all the same: it had come in by way of event hooks too often."
    message = event.get("displayMessage")
    shown = message[:MAX_MESSAGE] if isinstance(message, str) else None
    return Tried(event["uuid"], event["published"], event_type, shown, matched, reason), failed


def _add(test: FilterTest, tried: list[tuple[Tried, bool]]) -> None:
    for one, failed in tried:
        test.events.append(one)
        test.tested += 1
        test.matched += one.matched
        test.errors += failed
        test.not_matched += not one.matched and not failed
