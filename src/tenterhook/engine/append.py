"""Append events to the System Log and make their deliveries, in the caller's transaction.

This is the one place where a log event and its deliveries are born, together (DESIGN §3.4.2, §7.1): published events
and the system's own acts alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from tenterhook.domain import log_event
from tenterhook.domain.envelope import MAX_DELIVERY_BYTES, render_element
from tenterhook.domain.log_event import Tree
from tenterhook.domain.provenance import went_round
from tenterhook.domain.strict_json import reload
from tenterhook.domain.verdict import MATCHED, Verdicts
from tenterhook.engine.draft_act import draft_act
from tenterhook.engine.lane import Job
from tenterhook.engine.lanes import Lanes
from tenterhook.engine.note_filter_errors import FilterError, note_filter_errors
from tenterhook.engine.spend_quota import spend
from tenterhook.engine.subscriptions import Snapshot, Subscription, Subscriptions
from tenterhook.ids import uuid7
from tenterhook.store import deliveries, log_events
from tenterhook.store.deliveries import Born, Claimed
from tenterhook.store.quotas import HOLD
from tenterhook.store.transaction import Tx


class Entry(msgspec.Struct):
    """One event ready to be appended: valid, matched and encoded before the transaction."""

    org_id: str
    uuid: bytes
    published: int
    event_type: str
    snapshot: int  #: the number of the snapshot it was matched against
    subscribed: tuple[Subscription, ...]  #: who wanted its type then, whatever their filters make of it
    matched: tuple[Subscription, ...]
    body: bytes  #: for the log
    element: bytes  #: for hooks' bodies; empty if none matched
    errors: tuple[FilterError, ...] = ()  #: of hooks whose filter could not be evaluated
    verdicts: Verdicts | None = None  #: of filters, kept for matching again; None: none was asked
    own: bool = False  #: written by this server itself: it spends no quota


class _Open(msgspec.Struct):
    """A delivery that may still take events of this commit."""

    born: Born
    elements: list[bytes]
    size: int

    def takes(self, one: Subscription, size: int) -> bool:
        """Return whether an event of *size* bytes goes in as well."""
        return len(self.elements) < one.max_events and self.size + size <= MAX_DELIVERY_BYTES


def make_entry(
    snapshot: Snapshot, org_id: str, draft: log_event.Draft, verdicts: Verdicts | None = None, *, own: bool = False
) -> Entry:
    """Match *draft* and encode it; the work that need not wait for the writing thread.

    verdicts: what is already known of filters on this event.
    own: whether this server wrote it itself: it spends no quota, for some of it anybody without a token can cause.
    """
    entry = Entry(org_id, draft.uuid, draft.published, draft.event_type, 0, (), (), b"", b"", own=own)
    entry.verdicts = verdicts
    _match(entry, snapshot, draft.tree)
    return entry


def _match(entry: Entry, snapshot: Snapshot, tree: Tree) -> None:
    entry.snapshot = snapshot.number
    entry.subscribed = entry.matched = snapshot.matching(entry.org_id, entry.event_type)
    entry.errors = ()
    if entry.matched and went_round(tree):
        entry.matched = ()
    for one in entry.matched:
        if one.filter is not None:
            _filter(entry, tree)
            break
    entry.element = b""
    if entry.matched:
        tree = log_event.name_targets(tree, [one.hook_id for one in entry.matched])
        entry.element = render_element(tree)
    entry.body = log_event.encode(tree)


def _filter(entry: Entry, tree: Tree) -> None:
    """Keep those of the matched hooks whose filter lets the event through; ask only filters not yet asked about it."""
    matched, errors = [], []
    verdicts = entry.verdicts = entry.verdicts or Verdicts()
    for one in entry.matched:
        verdict = MATCHED if one.filter is None else verdicts.of(one.filter, tree)
        if verdict.matched:
            matched.append(one)
        elif verdict.error is not None:
            errors.append(FilterError(entry.org_id, one.hook_id, entry.uuid, verdict.error))
    entry.matched, entry.errors = tuple(matched), tuple(errors)


def append(
    tx: Tx, subscriptions: Subscriptions, lanes: Lanes, entries: Sequence[Entry], now_ms: int, limit: int | None = None
) -> int:
    """Append *entries*, make their deliveries, and hand those that a lane has room for to it after the commit.

    limit: how many events of an org trigger hooks in 24 hours; what exceeds it is held until a later window has room.
    Returns the ``seq`` of the first entry. The uuids must be new to the log.
    """
    snapshot = subscriptions.snapshot
    for entry in entries:
        if entry.snapshot != snapshot.number and entry.subscribed != snapshot.matching(entry.org_id, entry.event_type):
            _match(entry, snapshot, log_event.without_targets(reload(entry.body)))
    entries = [*entries, *_told_of_filters(tx, snapshot, entries, now_ms)]
    entries, dues = _charge(tx, snapshot, entries, limit, now_ms)
    first = log_events.append(
        tx,
        [log_events.Row(one.org_id, one.uuid, one.published, one.event_type, one.body) for one in entries],
        now_ms,
    )
    tx.after_commit_on_loop(lambda: subscriptions.followers.ring({entry.org_id for entry in entries}))
    grouped = _group(entries, first, dues)
    if grouped:
        _deliver(tx, lanes, grouped, now_ms)
    return first


def _told_of_filters(tx: Tx, snapshot: Snapshot, entries: Sequence[Entry], now_ms: int) -> list[Entry]:
    """Count the filter errors of *entries*; return what the log is told of them, for this same append."""
    errors = [error for entry in entries for error in entry.errors]
    acts = note_filter_errors(tx, snapshot, errors, now_ms) if errors else []
    return [make_entry(snapshot, act.org_id, draft_act(act, now_ms), own=True) for act in acts]


def _charge(
    tx: Tx, snapshot: Snapshot, entries: Sequence[Entry], limit: int | None, now_ms: int
) -> tuple[Sequence[Entry], dict[int, int]]:
    """Count the events that trigger hooks against the quotas of their orgs, but for what this server wrote itself.

    Returns the entries, followed by what the log is told of a limit, and when those that are held are due (ms).
    """
    triggering: dict[str, list[int]] = {}
    for at, entry in enumerate(entries):
        if entry.matched and not entry.own:
            triggering.setdefault(entry.org_id, []).append(at)
    if not triggering:
        return entries, {}
    charged, dues = list(entries), dict[int, int]()
    for org_id, places in triggering.items():
        spent = spend(tx, org_id, len(places), limit, now_ms)
        dues.update((at, due) for n, at in enumerate(places) if (due := spent.due_of(n)) is not None)
        charged += [make_entry(snapshot, org_id, draft, own=True) for draft in spent.notices]
    return charged, dues


def _group(entries: Sequence[Entry], first: int, dues: Mapping[int, int]) -> dict[str, list[_Open]]:
    """Return each matched hook's deliveries: as many events in one as the hook takes and the size bound allows.

    dues: of held events, by their place. What is held until another time is another delivery.
    """
    grouped: dict[str, list[_Open]] = {}
    for at, entry in enumerate(entries):
        size, due = len(entry.element), dues.get(at)
        for one in entry.matched:
            opened = grouped.setdefault(one.hook_id, [])
            last = opened[-1] if opened else None
            if last and last.born.due_at == due and last.takes(one, size):
                last.born.seqs.append(first + at)
                last.elements.append(entry.element)
                last.size += size
            else:
                born = Born(entry.org_id, one.hook_id, uuid7(), one.version, [first + at], due_at=due)
                born.hold = None if due is None else HOLD
                opened.append(_Open(born, [entry.element], size))
    for opened in grouped.values():  # what is held comes last: places rise, but what has none may come after them
        opened.sort(key=lambda one: one.born.due_at or 0)
    return grouped


def _deliver(tx: Tx, lanes: Lanes, grouped: dict[str, list[_Open]], now_ms: int) -> None:
    """Store the deliveries: the first of each hook, as far as its lane has room, already claimed for it."""
    handed: dict[str, int] = {}
    held: dict[str, int] = {}
    for hook_id, opened in grouped.items():
        ready = sum(one.born.due_at is None for one in opened)
        if ready < len(opened):  # what is held comes last
            held[hook_id] = opened[ready].born.due_at or now_ms
        handed[hook_id] = lanes.reserve(tx, opened[0].born.org_id, hook_id, ready)
        for one in opened[: handed[hook_id]]:
            one.born.claimed = True
    deliveries.insert(tx, [one.born for opened in grouped.values() for one in opened], lanes.boot, now_ms)
    given = {
        hook_id: (
            [Job(_claimed(one.born, now_ms)) for one in opened[: handed[hook_id]]],
            {one.born.id: tuple(one.elements) for one in opened if one.born.due_at is None},
        )
        for hook_id, opened in grouped.items()
    }
    tx.after_commit_on_loop(lambda: lanes.accept(given))
    if held:
        tx.after_commit_on_loop(lambda: lanes.await_due(held))


def _claimed(born: Born, now_ms: int) -> Claimed:
    return Claimed(born.id, born.org_id, born.hook_id, born.event_id, born.hook_version, 0, 0, now_ms, now_ms)
