"""Which hooks want which events: a snapshot in memory, versioned, that changes in the transaction that changes a hook.

Publishing matches on the event loop before its transaction; inside it the writing thread compares the snapshot's number
and matches again what a hook that has changed meanwhile may want (DESIGN §3.4.1-2).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping

import msgspec

from tenterhook.domain.event_hook import EventHook
from tenterhook.domain.hook_filter import prepare
from tenterhook.domain.verdict import HookFilter
from tenterhook.engine.followers import Followers
from tenterhook.store.transaction import Tx

#: An org's id and an event type.
Wanted = tuple[str, str]


class Subscription(msgspec.Struct, frozen=True):
    """What matching needs to know of one hook."""

    hook_id: str
    version: int
    max_events: int
    #: Which of the events of this type it wants; None: all. Read at its first event, then kept as long as the snapshot.
    filter: HookFilter | None = None


class Snapshot(msgspec.Struct, frozen=True):
    """All hooks that want events, at one moment."""

    number: int
    wanting: Mapping[Wanted, tuple[Subscription, ...]]
    hooks: Mapping[str, EventHook]  #: every living hook, by id

    def matching(self, org_id: str, event_type: str) -> tuple[Subscription, ...]:
        """Return the subscriptions of the org's hooks that want an event of this type."""
        return self.wanting.get((org_id, event_type), ())

    def filters(self, org_id: str, event_type: str) -> list[HookFilter]:
        """Return the filters of those that `matching` returns."""
        return [one.filter for one in self.matching(org_id, event_type) if one.filter is not None]


class Subscriptions:
    """The snapshot in force, and the hooks as last committed."""

    def __init__(self) -> None:
        self.snapshot = Snapshot(0, {}, {})
        #: Hooks as committed, by id: what deliveries are sent by. Touched on the event loop only.
        self.committed: dict[str, EventHook] = {}
        #: Called on the event loop with a hook's id after a change of it was committed.
        self.on_change: Callable[[str], None] = lambda hook_id: None
        #: Set on the event loop after a deletion was committed.
        self.removed = asyncio.Event()
        #: The live tails of the log: they, too, are told of every commit.
        self.followers = Followers()

    def load(self, hooks: Iterable[EventHook]) -> None:
        """Begin with these hooks."""
        self.committed = {hook.id: hook for hook in hooks}
        if any(hook.events.filter is not None for hook in self.committed.values()):
            prepare()
        wanting: dict[Wanted, list[Subscription]] = {}
        for hook in self.committed.values():
            for key, one in _subscriptions(hook):
                wanting.setdefault(key, []).append(one)
        frozen = {key: tuple(found) for key, found in wanting.items()}
        self.snapshot = Snapshot(self.snapshot.number + 1, frozen, dict(self.committed))

    def put(self, tx: Tx, hook: EventHook) -> None:
        """Take a new or changed hook in, from this very transaction on."""
        self._change(tx, hook.id, hook)

    def remove(self, tx: Tx, hook: EventHook) -> None:
        """Forget a deleted hook, from this very transaction on."""
        self._change(tx, hook.id, None)

    def _change(self, tx: Tx, hook_id: str, hook: EventHook | None) -> None:
        former = self.snapshot.hooks.get(hook_id)
        self._replace(hook_id, hook)
        tx.after_rollback(lambda: self._replace(hook_id, former))
        tx.after_commit_on_loop(lambda: self._commit(hook_id, hook))

    def _commit(self, hook_id: str, hook: EventHook | None) -> None:
        if hook is None:
            self.committed.pop(hook_id, None)
            self.removed.set()
        else:
            self.committed[hook_id] = hook
        self.on_change(hook_id)

    def _replace(self, hook_id: str, hook: EventHook | None) -> None:
        """Put *hook* in the place of its former self: only the types that either wants are built anew."""
        before = self.snapshot
        hooks, wanting = dict(before.hooks), dict(before.wanting)
        former = hooks.pop(hook_id, None)
        for key, _ in _subscriptions(former):
            rest = tuple(one for one in wanting[key] if one.hook_id != hook_id)
            if rest:
                wanting[key] = rest
            else:
                del wanting[key]
        for key, one in _subscriptions(hook):
            wanting[key] = (*wanting.get(key, ()), one)
        if hook is not None:
            hooks[hook_id] = hook
        self.snapshot = Snapshot(before.number + 1, wanting, hooks)


def _subscriptions(hook: EventHook | None) -> Iterator[tuple[Wanted, Subscription]]:
    """Yield what a hook asks for, if it is in a state to get it."""
    if hook is None or not hook.subscribed:
        return
    one = Subscription(hook.id, hook.version, hook.delivery_policy.max_events_per_request)
    chosen = hook.events.filter
    filters = {} if chosen is None else {each.event: each.condition.expression for each in chosen.event_filter_map}
    for event_type in hook.events.items:
        expression = filters.get(event_type)
        filtered = one if expression is None else msgspec.structs.replace(one, filter=HookFilter(expression))
        yield (hook.org_id, event_type), filtered
