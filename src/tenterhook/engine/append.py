"""Append events to the System Log and make their deliveries, in the caller's transaction.

This is the one place where a log event and its deliveries are born, together (DESIGN §3.4.2, §7.1): published events
and the system's own acts alike.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tenterhook.domain import log_event
from tenterhook.domain.envelope import MAX_DELIVERY_BYTES, render_element
from tenterhook.domain.log_event import Tree
from tenterhook.domain.strict_json import reload
from tenterhook.engine.lane import Job
from tenterhook.engine.lanes import Lanes
from tenterhook.engine.subscriptions import Snapshot, Subscription, Subscriptions
from tenterhook.ids import uuid7
from tenterhook.store import deliveries, log_events
from tenterhook.store.deliveries import Born, Claimed
from tenterhook.store.transaction import Tx


class Entry(msgspec.Struct):
    """One event ready to be appended: valid, matched and encoded before the transaction."""

    org_id: str
    uuid: bytes
    published: int
    event_type: str
    snapshot: int  #: the number of the snapshot it was matched against
    matched: tuple[Subscription, ...]
    body: bytes  #: for the log
    element: bytes  #: for hooks' bodies; empty if none matched


class _Open(msgspec.Struct):
    """A delivery that may still take events of this commit."""

    born: Born
    elements: list[bytes]
    size: int


def make_entry(snapshot: Snapshot, org_id: str, draft: log_event.Draft) -> Entry:
    """Match *draft* and encode it; the work that need not wait for the writing thread."""
    entry = Entry(org_id, draft.uuid, draft.published, draft.event_type, 0, (), b"", b"")
    _match(entry, snapshot, draft.tree)
    return entry


def _match(entry: Entry, snapshot: Snapshot, tree: Tree) -> None:
    entry.snapshot = snapshot.number
    entry.matched = snapshot.matching(entry.org_id, entry.event_type)
    entry.element = b""
    if entry.matched:
        tree = log_event.name_targets(tree, [one.hook_id for one in entry.matched])
        entry.element = render_element(tree)
    entry.body = log_event.encode(tree)


def append(tx: Tx, subscriptions: Subscriptions, lanes: Lanes, entries: Sequence[Entry], now_ms: int) -> int:
    """Append *entries*, make their deliveries, and hand those that a lane has room for to it after the commit.

    Returns the ``seq`` of the first entry. The uuids must be new to the log.
    """
    snapshot = subscriptions.snapshot
    for entry in entries:
        if entry.snapshot != snapshot.number:
            _match(entry, snapshot, log_event.without_targets(reload(entry.body)))
    first = log_events.append(
        tx,
        [log_events.Row(one.org_id, one.uuid, one.published, one.event_type, one.body) for one in entries],
        now_ms,
    )
    grouped = _group(entries, first)
    if grouped:
        _deliver(tx, lanes, grouped, now_ms)
    return first


def _group(entries: Sequence[Entry], first: int) -> dict[str, list[_Open]]:
    """Return each matched hook's deliveries: as many events in one as the hook takes and the size bound allows."""
    grouped: dict[str, list[_Open]] = {}
    for at, entry in enumerate(entries):
        size = len(entry.element)
        for one in entry.matched:
            opened = grouped.setdefault(one.hook_id, [])
            last = opened[-1] if opened else None
            if last and len(last.elements) < one.max_events and last.size + size <= MAX_DELIVERY_BYTES:
                last.born.seqs.append(first + at)
                last.elements.append(entry.element)
                last.size += size
            else:
                born = Born(entry.org_id, one.hook_id, uuid7(), one.version, [first + at])
                opened.append(_Open(born, [entry.element], size))
    return grouped


def _deliver(tx: Tx, lanes: Lanes, grouped: dict[str, list[_Open]], now_ms: int) -> None:
    """Store the deliveries: the first of each hook, as far as its lane has room, already claimed for it."""
    handed: dict[str, int] = {}
    for hook_id, opened in grouped.items():
        handed[hook_id] = lanes.reserve(tx, opened[0].born.org_id, hook_id, len(opened))
        for one in opened[: handed[hook_id]]:
            one.born.claimed = True
    deliveries.insert(tx, [one.born for opened in grouped.values() for one in opened], lanes.boot, now_ms)
    given = {
        hook_id: (
            [Job(_claimed(one.born, now_ms)) for one in opened[: handed[hook_id]]],
            {one.born.id: tuple(one.elements) for one in opened},
        )
        for hook_id, opened in grouped.items()
    }
    tx.after_commit_on_loop(lambda: lanes.accept(given))


def _claimed(born: Born, now_ms: int) -> Claimed:
    return Claimed(born.id, born.org_id, born.hook_id, born.event_id, born.hook_version, 0, 0, now_ms, now_ms)
