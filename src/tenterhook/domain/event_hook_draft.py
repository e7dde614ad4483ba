"""Reading what a client wrote as an event hook: all its problems at once, as causes in Okta's form."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

import msgspec

from tenterhook.domain.channel import read_channel
from tenterhook.domain.delivery_policy import DeliveryPolicy, read_delivery_policy
from tenterhook.domain.destination import DestinationRules
from tenterhook.domain.document import BLANK, Form, Problems, kind_of
from tenterhook.domain.event_filter import EventFilter, read_filter
from tenterhook.domain.event_hook import Draft, EventHook, Events, Status
from tenterhook.errors import InvalidError

MAX_NAME = 255
MAX_DESCRIPTION = 1024
#: Closest names are looked for at most this often per body: one look takes milliseconds.
MAX_SUGGESTIONS = 10
MAX_TYPE_NAME = 128


class DraftRules(msgspec.Struct, frozen=True):
    """What a draft is judged by."""

    destinations: DestinationRules
    event_types: Mapping[str, bool]  #: known names, and whether hooks may ask for them
    default_policy: DeliveryPolicy  #: what a new hook gets that does not say otherwise
    max_event_types: int | None = None  #: TENTERHOOK_LIMIT_EVENT_TYPES


def parse_draft(body: object, current: EventHook | None, rules: DraftRules) -> Draft:
    """Return the valid draft that *body* (decoded JSON) spells, with what it leaves out filled in.

    current: the hook that it replaces: status, deliveryPolicy and the secret of an unchanged authScheme.key come from
    it when left out. Read-only and unknown keys are ignored, but in deliveryPolicy and channel.config.
    Raises: InvalidError with one cause per problem. Whether the name is taken is not looked at here.
    Source: okta/event-hooks.md §2; DESIGN §2.2.
    """
    problems = Problems()
    if not isinstance(body, dict):
        raise InvalidError("eventHook", [f"body: must be a JSON object, not {kind_of(body)}"])
    form = Form(body, "", problems)
    name = form.text("name", required=True, longest=MAX_NAME)
    description = form.text("description", longest=MAX_DESCRIPTION, breaks=True)
    status = _read_status(form, current)
    events = _read_events(form, rules)
    channel, secret = None, None
    channel_form = form.form("channel", required=True)
    if channel_form is not None:
        former = None if current is None else (current.channel, current.secret)
        channel, secret = read_channel(channel_form, former, rules.destinations)
    policy = rules.default_policy if current is None else current.delivery_policy
    policy = read_delivery_policy(form.form("deliveryPolicy"), policy)
    if problems or name is None or channel is None:
        raise InvalidError("eventHook", problems.texts)
    return Draft(
        name=name,
        description=description,
        status=status,
        events=events,
        channel=channel,
        secret=secret,
        delivery_policy=policy,
    )


def _read_status(form: Form, current: EventHook | None) -> Status:
    kept: Status = "ACTIVE" if current is None else current.status
    given = form.choice("status", ["ACTIVE", "INACTIVE"])
    if given is None:
        return kept
    return "ACTIVE" if given == "ACTIVE" else "INACTIVE"


def _read_events(form: Form, rules: DraftRules) -> Events:
    events = form.form("events", required=True)
    if events is None:
        return Events(items=())
    events.choice("type", ["EVENT_TYPE"], required=True)
    items = _read_items(events, rules)
    return Events(items=items, filter=_read_filter(events))


def _read_filter(events: Form) -> EventFilter | None:
    """Return the filter; it is held against the types as they were sent, so that one slip is one problem."""
    given = events.raw("items")
    items = {item for item in given if isinstance(item, str)} if isinstance(given, list) else None
    return read_filter(events.form("filter"), items)


def _read_items(events: Form, rules: DraftRules) -> tuple[str, ...]:
    given = events.array("items", required=True)
    if given == []:
        events.problem("items", BLANK)
    items = dict.fromkeys(item if isinstance(item, str) else None for item in given or ())
    most = rules.max_event_types
    if most is not None and len(items) > most:
        events.problem(
            "items",
            f"must be at most {most:,} event types, there are {len(items):,}; the limit is the setting "
            "TENTERHOOK_LIMIT_EVENT_TYPES",
        )
        return ()
    _check_items(events, given or [], rules.event_types)
    return tuple(item for item in items if item is not None)


def _check_items(events: Form, given: list[Any], known: Mapping[str, bool]) -> None:
    suggestions = 0
    seen: set[str] = set()
    for index, item in enumerate(given):
        where = f"items[{index}]"
        if not isinstance(item, str):
            events.problem(where, f"must be a string, not {kind_of(item)}")
        elif item in seen or known.get(item) is True:
            continue
        elif item in known:
            events.problem(where, f"'{item}' is a known event type, but not one that event hooks can ask for")
        else:
            suggestions += 1
            events.problem(where, unknown_type(item, known, suggest=suggestions <= MAX_SUGGESTIONS))
        if isinstance(item, str):
            seen.add(item)


def unknown_type(item: str, known: Mapping[str, bool], *, suggest: bool = True) -> str:
    """Return what is said of an event type that is none of *known*: with the closest that hooks may ask for."""
    if not item:
        return BLANK
    shown = repr(item) if len(item) <= MAX_TYPE_NAME else repr(item[:MAX_TYPE_NAME]) + "…"
    guess = _closest(item, known) if suggest else None
    return f"{shown} is no known event type" + (f"; did you mean '{guess}'?" if guess else "")


def _closest(item: str, known: Mapping[str, bool]) -> str | None:
    if len(item) > MAX_TYPE_NAME:
        return None
    found = get_close_matches(item.strip().lower(), [name for name, eligible in known.items() if eligible], 1, 0.7)
    return found[0] if found else None
