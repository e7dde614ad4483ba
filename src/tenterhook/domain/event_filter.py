"""``events.filter`` of an event hook: which of the events that it asks for it really wants, by event type.

Source: okta/event-hooks.md §2 and §9; DESIGN §2.2.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from tenterhook.domain.document import BLANK, Form, kind_of
from tenterhook.domain.hook_filter import HookFilterError, parse_hook_filter

LANGUAGE = "EXPRESSION_LANGUAGE"
MAX_ENTRIES = 300
#: Bytes of one filter's expressions together: reading them takes about a millisecond a KiB.
MAX_TOTAL_BYTES = 64 * 1024
MAX_TYPE_NAME = 255


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True, extra="forbid")


class Condition(_Document):
    """An expression that decides about one event."""

    expression: str  #: as given; `hook_filter` reads it
    version: None = None  #: Okta's, always null


class MappedCondition(_Document):
    """The condition of one event type."""

    event: str
    condition: Condition


class EventFilter(_Document):
    """Conditions by event type; events of other types are not filtered."""

    type: str = LANGUAGE
    event_filter_map: tuple[MappedCondition, ...] = ()

    def expression_for(self, event_type: str) -> str | None:
        """Return the expression that events of this type must satisfy; None if they pass as they are."""
        return next((one.condition.expression for one in self.event_filter_map if one.event == event_type), None)

    def wire(self) -> dict[str, Any]:
        """Return the JSON object that the API answers."""
        return self.model_dump(mode="json", by_alias=True)


def read_filter(
    form: Form | None, items: Collection[str] | None, most_bytes: int = MAX_TOTAL_BYTES
) -> EventFilter | None:
    """Return the filter that *form* spells; every problem is noted in it. Read-only and unknown keys are ignored.

    items: the event types that the hook asks for: a filter on another one is a problem; None: any type will do.
    most_bytes: of all its expressions.
    """
    if form is None:
        return None
    form.choice("type", [LANGUAGE])
    given = form.array("eventFilterMap") or []
    if len(given) > MAX_ENTRIES:
        form.problem("eventFilterMap", f"must be at most {MAX_ENTRIES} entries, there are {len(given):,}")
        return None
    if sum(map(_size, given)) > most_bytes:
        form.problem("eventFilterMap", f"its expressions are longer than {most_bytes:,} bytes together")
        return None
    entries: dict[str, MappedCondition] = {}
    for entry in form.forms("eventFilterMap"):
        event = _read_event(entry, items, entries)
        expression = _read_expression(entry)
        if event is not None and expression is not None:
            entries[event] = MappedCondition(event=event, condition=Condition(expression=expression))
    return EventFilter(event_filter_map=tuple(entries.values()))


def _read_event(entry: Form, items: Collection[str] | None, known: Collection[str]) -> str | None:
    event = entry.text("event", required=True, longest=MAX_TYPE_NAME)
    if event is None:
        return None
    if items is not None and event not in items:
        entry.problem("event", f"the hook does not ask for '{event}': add it to events.items, or leave its filter out")
    elif event in known:
        entry.problem("event", f"'{event}' has a filter already; join the two expressions with && or ||")
    else:
        return event
    return None


def _size(entry: Any) -> int:
    condition = entry.get("condition") if isinstance(entry, dict) else None
    expression = condition.get("expression") if isinstance(condition, dict) else None
    return len(expression.encode("utf-8", "surrogatepass")) if isinstance(expression, str) else 0


def _read_expression(entry: Form) -> str | None:
    condition = entry.form("condition", required=True)
    if condition is None:
        return None
    expression = condition.raw("expression")
    if expression is None or expression == "":
        condition.problem("expression", BLANK)
    elif not isinstance(expression, str):
        condition.problem("expression", f"must be a string, not {kind_of(expression)}")
    else:
        return _checked(condition, expression)
    return None


def _checked(condition: Form, expression: str) -> str | None:
    try:
        parse_hook_filter(expression)
    except HookFilterError as error:
        condition.problem("expression", str(error))
        return None
    return expression
