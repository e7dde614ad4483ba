"""What a client may write as ``events.filter``, and how it is shown."""

from __future__ import annotations

from typing import Any

import pytest
from hook_samples import RULES, body, hook

from tenterhook.domain.event_hook import wire
from tenterhook.domain.event_hook_draft import parse_draft
from tenterhook.errors import InvalidError

CREATE, ACTIVATE = "user.lifecycle.create", "user.lifecycle.activate"
GOOD = "event.outcome.result eq 'SUCCESS'"


def entry(event: Any = CREATE, expression: Any = GOOD, **more: Any) -> dict[str, Any]:
    return {"event": event, "condition": {"expression": expression}, **more}


def filter_of(*entries: Any, **more: Any) -> dict[str, Any]:
    return {"type": "EXPRESSION_LANGUAGE", "eventFilterMap": list(entries), **more}


def causes(chosen: Any) -> list[str]:
    with pytest.raises(InvalidError) as refused:
        parse_draft(body(events__filter=chosen), None, RULES)
    return list(refused.value.problems)


def test_a_filter_is_shown_as_the_contract_has_it() -> None:
    made = hook(events__filter=filter_of(entry(), entry(ACTIVATE, "event.actor.id ne null")))
    assert wire(made, "https://h")["events"]["filter"] == {
        "type": "EXPRESSION_LANGUAGE",
        "eventFilterMap": [
            {"event": CREATE, "condition": {"expression": GOOD, "version": None}},
            {"event": ACTIVATE, "condition": {"expression": "event.actor.id ne null", "version": None}},
        ],
    }
    assert list(wire(made, "https://h")["events"]) == ["type", "items", "filter"]


def test_a_hook_without_a_filter_shows_null() -> None:
    assert wire(hook(), "https://h")["events"]["filter"] is None
    assert wire(hook(events__filter=None), "https://h")["events"]["filter"] is None


def test_a_filter_says_its_type_or_leaves_it_out_and_what_is_read_only_is_ignored() -> None:
    chosen = {"eventFilterMap": [{"event": CREATE, "condition": {"expression": GOOD, "version": "9"}, "x": 1}]}
    shown = wire(hook(events__filter=chosen), "https://h")["events"]["filter"]
    assert shown["type"] == "EXPRESSION_LANGUAGE"
    assert shown["eventFilterMap"][0]["condition"]["version"] is None
    assert wire(hook(events__filter={}), "https://h")["events"]["filter"]["eventFilterMap"] == []


AT = "events.filter.eventFilterMap"


@pytest.mark.parametrize(
    ("chosen", "cause"),
    [
        ([], "events.filter: must be an object, not an array"),
        (filter_of(type="REGEX"), "events.filter.type: must be EXPRESSION_LANGUAGE, not 'REGEX'"),
        ({"eventFilterMap": {}}, f"{AT}: must be an array, not an object"),
        (filter_of("x"), f"{AT}[0]: must be an object, not a string"),
        (filter_of(entry(None)), f"{AT}[0].event: The field cannot be left blank"),
        (filter_of(entry(7)), f"{AT}[0].event: must be a string, not a number"),
        (filter_of({"event": CREATE}), f"{AT}[0].condition: The field cannot be left blank"),
        (filter_of(entry(expression="")), f"{AT}[0].condition.expression: The field cannot be left blank"),
        (filter_of(entry(expression=7)), f"{AT}[0].condition.expression: must be a string, not a number"),
        (filter_of(entry("user.session.start")), f"{AT}[0].event: the hook does not ask for 'user.session.start'"),
        (filter_of(entry(), entry()), f"{AT}[1].event: '{CREATE}' has a filter already"),
        (filter_of(entry(expression="x")), f"{AT}[0].condition.expression: unexpected end at column 2; expected"),
        (filter_of(*[entry()] * 301), f"{AT}: must be at most 300 entries, there are 301"),
        (filter_of(*[entry(expression="x" * 4000)] * 17), f"{AT}: its expressions are longer than 65,536 bytes"),
    ],
)
def test_each_mistake_in_a_filter_is_one_cause_at_its_place(chosen: Any, cause: str) -> None:
    (found,) = causes(chosen)
    assert found.startswith(cause)


def test_all_mistakes_are_told_at_once_and_a_wrong_type_is_not_told_twice() -> None:
    chosen = filter_of(entry(expression="event.x eq 1"), entry(ACTIVATE, "!"), entry("user.nonsense"))
    with pytest.raises(InvalidError) as refused:
        parse_draft(body(events__items=[CREATE, ACTIVATE, "user.nonsense"], events__filter=chosen), None, RULES)
    items, first, second = refused.value.problems
    assert items.startswith("events.items[2]: 'user.nonsense' is no known event type")
    assert first.startswith(f"{AT}[0].condition.expression: unknown field event.x at column 1")
    assert second.startswith(f"{AT}[1].condition.expression: unexpected '!' at column 1")
