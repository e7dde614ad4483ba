"""The active inline hooks, in memory: a call asks nobody else which hook it is for."""

from __future__ import annotations

from collections.abc import Iterable

from tenterhook.domain.inline.hook import InlineHook
from tenterhook.store.transaction import Tx


class ActiveHooks:
    """The active hooks of all orgs as last committed. Touched on the event loop only."""

    def __init__(self) -> None:
        self._hooks: dict[tuple[str, str], InlineHook] = {}
        self._of_type: dict[tuple[str, str], tuple[InlineHook, ...]] = {}

    def load(self, hooks: Iterable[InlineHook]) -> None:
        """Begin with these hooks."""
        self._hooks, self._of_type = {}, {}
        for hook in hooks:
            self._keep(hook)

    def of(self, org_id: str, type: str) -> tuple[InlineHook, ...]:
        """Return the org's active hooks of *type*, oldest first."""
        return self._of_type.get((org_id, type), ())

    def get(self, org_id: str, hook_id: str) -> InlineHook | None:
        """Return the org's active hook of this id."""
        return self._hooks.get((org_id, hook_id))

    def put(self, tx: Tx, hook: InlineHook) -> None:
        """Take a new or changed hook in when *tx* is committed; one that is INACTIVE goes out."""
        tx.after_commit_on_loop(lambda: self._keep(hook))

    def remove(self, tx: Tx, hook: InlineHook) -> None:
        """Forget a deleted hook when *tx* is committed."""
        tx.after_commit_on_loop(lambda: self._forget(hook))

    def _keep(self, hook: InlineHook) -> None:
        self._forget(hook)
        if hook.status != "ACTIVE":
            return
        key = (hook.org_id, hook.type)
        self._hooks[hook.org_id, hook.id] = hook
        several = [*self._of_type.get(key, ()), hook]
        self._of_type[key] = tuple(sorted(several, key=lambda one: (one.created, one.id)))

    def _forget(self, hook: InlineHook) -> None:
        former = self._hooks.pop((hook.org_id, hook.id), None)
        if former is None:
            return
        key = (former.org_id, former.type)
        rest = tuple(one for one in self._of_type[key] if one.id != former.id)
        if rest:
            self._of_type[key] = rest
        else:
            del self._of_type[key]
