"""Which hooks want which events: a snapshot in memory, versioned, that changes in the transaction that changes a hook.

Publishing matches on the event loop before its transaction; inside it the writing thread compares the snapshot's number
and matches again if a hook has changed meanwhile (DESIGN §3.4.1-2).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping

import msgspec

from tenterhook.domain.event_hook import EventHook
from tenterhook.store.transaction import Tx


class Subscription(msgspec.Struct, frozen=True):
    """What matching needs to know of one hook."""

    hook_id: str
    version: int
    max_events: int


class Snapshot(msgspec.Struct, frozen=True):
    """All hooks that want events, at one moment."""

    number: int
    wanting: Mapping[tuple[str, str], tuple[Subscription, ...]]  #: by (org id, event type)
    hooks: Mapping[str, EventHook]  #: every living hook, by id

    def matching(self, org_id: str, event_type: str) -> tuple[Subscription, ...]:
        """Return the subscriptions of the org's hooks that want an event of this type."""
        return self.wanting.get((org_id, event_type), ())


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

    def load(self, hooks: Iterable[EventHook]) -> None:
        """Begin with these hooks."""
        self.committed = {hook.id: hook for hook in hooks}
        self._replace(dict(self.committed))

    def put(self, tx: Tx, hook: EventHook) -> None:
        """Take a new or changed hook in, from this very transaction on."""
        self._change(tx, {**self.snapshot.hooks, hook.id: hook}, hook.id, hook)

    def remove(self, tx: Tx, hook: EventHook) -> None:
        """Forget a deleted hook, from this very transaction on."""
        hooks = dict(self.snapshot.hooks)
        hooks.pop(hook.id, None)
        self._change(tx, hooks, hook.id, None)

    def _change(self, tx: Tx, hooks: dict[str, EventHook], hook_id: str, hook: EventHook | None) -> None:
        before = self.snapshot.hooks
        self._replace(hooks)
        tx.after_rollback(lambda: self._replace(dict(before)))
        tx.after_commit_on_loop(lambda: self._commit(hook_id, hook))

    def _commit(self, hook_id: str, hook: EventHook | None) -> None:
        if hook is None:
            self.committed.pop(hook_id, None)
            self.removed.set()
        else:
            self.committed[hook_id] = hook
        self.on_change(hook_id)

    def _replace(self, hooks: dict[str, EventHook]) -> None:
        wanting: dict[tuple[str, str], list[Subscription]] = {}
        for hook in hooks.values():
            if not hook.subscribed:
                continue
            one = Subscription(hook.id, hook.version, hook.delivery_policy.max_events_per_request)
            for event_type in hook.events.items:
                wanting.setdefault((hook.org_id, event_type), []).append(one)
        frozen = {key: tuple(found) for key, found in wanting.items()}
        self.snapshot = Snapshot(self.snapshot.number + 1, frozen, hooks)
