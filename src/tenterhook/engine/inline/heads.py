"""The heads of inline hooks' requests, rendered once for each revision."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from tenterhook.domain.inline.hook import InlineHook
from tenterhook.egress.client import Client, Head

#: Hooks that are remembered; beyond it the one rendered longest ago is forgotten.
MAX_HOOKS = 10_000


class Heads:
    """Heads by hook and revision. Belongs to the event loop."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, tuple[int, Head]] = OrderedDict()

    def of(self, hook: InlineHook, render: Callable[[], Head], client: Client) -> Head:
        """Return the hook's head, rendered with *render* unless it is known.

        client: its connections of a former revision are not used again.
        Raises: what *render* raises.
        """
        revision, head = self._known.get(hook.id, (0, None))
        if head is not None and revision == hook.revision:
            return head
        made = render()
        if head is not None and revision < hook.revision:
            client.forget(pool_of(hook.id, revision))
        self._known.pop(hook.id, None)
        self._known[hook.id] = (hook.revision, made)
        while len(self._known) > MAX_HOOKS:
            gone, (old, _) = self._known.popitem(last=False)
            client.forget(pool_of(gone, old))
        return made


def pool_of(hook_id: str, revision: int) -> tuple[str, str, int]:
    """Return the key of the connections that this revision of a hook is called on."""
    return "inline", hook_id, revision
