"""List the event types that an org can use, and show one with a sample: the catalogue's and its own."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from heapq import merge
from operator import attrgetter
from typing import Any

import msgspec

from tenterhook.domain import log_event
from tenterhook.domain.display_name import display_names
from tenterhook.domain.event_hook_draft import unknown_type
from tenterhook.domain.event_type import CUSTOM, catalogue, family_of, looks_made_up, release_of
from tenterhook.domain.log_event import Tree
from tenterhook.domain.principal import Principal
from tenterhook.domain.sample_event import sample_event
from tenterhook.domain.strict_json import reload
from tenterhook.domain.timestamp import format_ms
from tenterhook.domain.type_search import finds, words_of
from tenterhook.engine.pipeline import Pipeline
from tenterhook.errors import NotFoundError
from tenterhook.ids import uuid7
from tenterhook.store import event_types
from tenterhook.store.event_types import CustomType
from tenterhook.store.transaction import Tx

#: What answers call these things.
ENTITY, KIND = "eventType", "EventType"


class EventTypeView(msgspec.Struct, frozen=True, rename="camel"):
    """One event type, as the API shows it."""

    name: str
    display_name: str | None
    description: str | None
    eligible: bool  #: whether event hooks may subscribe to it
    group: str  #: its family, in words; "Custom" for the org's own
    custom: bool  #: whether the org made it
    release: str | None  #: of the catalogue, that brought it
    created: str | None  #: ISO 8601; of the org's own
    sample: Tree | msgspec.UnsetType = msgspec.UNSET  #: a log event of this type; lists leave it out


class Wanted(msgspec.Struct, frozen=True):
    """Which types a list shall have; None: whichever."""

    q: str | None = None  #: words that stand in the name, the display name or the family (`type_search`)
    eligible: bool | None = None
    custom: bool | None = None
    after: str | None = None  #: the name before the first


async def list_event_types(pipeline: Pipeline, principal: Principal, wanted: Wanted, limit: int) -> list[EventTypeView]:
    """Return up to *limit* of the types that *wanted* describes, by name."""
    own = await pipeline.database.read(lambda tx: event_types.list_of(tx, principal.org_id))
    every = merge(sorted(map(_known, catalogue()), key=attrgetter("name")), map(_own, own), key=attrgetter("name"))
    return [one for one in every if _fits(one, wanted)][:limit]


async def show_event_type(pipeline: Pipeline, principal: Principal, name: str) -> EventTypeView:
    """Return one type with a sample: a log event of this type, as the log would hold it now.

    Raises: NotFoundError.
    """
    return await pipeline.database.read(lambda tx: shown_type(pipeline, tx, principal.org_id, name))


def shown_type(pipeline: Pipeline, tx: Tx, org_id: str, name: str) -> EventTypeView:
    """Do what `show_event_type` does, in the caller's transaction."""
    sample = sample_of(pipeline, tx, org_id, name)
    if sample is None:
        raise NotFoundError(name, KIND)
    own = event_types.get(tx, org_id, name)
    view = _known(name) if own is None else _own(own)
    return msgspec.structs.replace(view, sample=sample)


def known_types(tx: Tx, org_id: str) -> Mapping[str, bool]:
    """Return the types that the org knows, each with whether event hooks may ask for it."""
    own = event_types.names_of(tx, org_id)
    return ChainMap(dict.fromkeys(own, True), dict(catalogue())) if own else catalogue()


def doubt_of(tx: Tx, org_id: str, name: str) -> str | None:
    """Return what is to be said of a logged event's type that the org does not know, None if it does.

    Publishing takes every type, so a slip shows only here: no hook can ask for it.
    """
    if not looks_made_up(name) or event_types.get(tx, org_id, name) is not None:
        return None
    return unknown_type(name, known_types(tx, org_id))


def sample_of(pipeline: Pipeline, tx: Tx, org_id: str, name: str) -> Tree | None:
    """Return a log event of the type *name* that happens now, or None if the org knows no such type.

    An own type's sample is the one that was given with it, else a general one with an example of `data`.
    """
    now_ms, uuid = pipeline.now_ms(), uuid7()
    if name in catalogue():
        return sample_event(name, uuid, now_ms)
    own = event_types.get(tx, org_id, name)
    if own is None:
        return None
    if own.sample is not None:
        return log_event.filled(reload(own.sample), uuid, now_ms, "sample")
    told: dict[str, Any] = {"displayMessage": own.display_name, "data": {"example": "Whatever is published as data."}}
    return sample_event(name, uuid, now_ms) | told


def _known(name: str) -> EventTypeView:
    return EventTypeView(
        name=name,
        display_name=display_names()[name],
        description=None,
        eligible=catalogue()[name],
        group=family_of(name),
        custom=False,
        release=release_of(name),
        created=None,
    )


def _own(made: CustomType) -> EventTypeView:
    return EventTypeView(
        name=made.name,
        display_name=made.display_name,
        description=made.description,
        eligible=True,
        group=CUSTOM,
        custom=True,
        release=None,
        created=format_ms(made.created),
    )


def _fits(one: EventTypeView, wanted: Wanted) -> bool:
    if wanted.after is not None and one.name <= wanted.after:
        return False
    if wanted.eligible not in (None, one.eligible) or wanted.custom not in (None, one.custom):
        return False
    return finds(words_of(wanted.q or ""), f"{one.name} {one.display_name or ''} {one.group}")
