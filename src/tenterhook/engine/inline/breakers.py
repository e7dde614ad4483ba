"""The breakers of all hooks' endpoints, in memory."""

from __future__ import annotations

from collections import OrderedDict
from enum import StrEnum

from tenterhook.domain.attempt import Attempt, Reason
from tenterhook.domain.inline import breaker
from tenterhook.domain.inline.breaker import Breaker
from tenterhook.domain.inline.hook import InlineHook

#: Failing hooks that are remembered; beyond it the one that failed longest ago is forgotten.
MAX_HOOKS = 10_000

_WORKS = Breaker()


class Turn(StrEnum):
    """What became of a breaker."""

    OPENED = "OPENED"
    CLOSED = "CLOSED"


class Breakers:
    """One breaker for each revision of a hook; only those that fail take room. Belongs to the event loop.

    Times are `time.monotonic` seconds.
    """

    def __init__(self) -> None:
        self._failing: OrderedDict[str, tuple[int, Breaker]] = OrderedDict()

    def of(self, hook: InlineHook) -> Breaker:
        """Return the hook's breaker as it is."""
        revision, found = self._failing.get(hook.id, (0, _WORKS))
        return found if revision == hook.revision else _WORKS

    def probe(self, hook: InlineHook) -> None:
        """Note that a call is about to ask an endpoint whose breaker is open."""
        self._put(hook, breaker.probing(self.of(hook)))

    def give_up(self, hook: InlineHook) -> None:
        """Note that a probe ended without telling anything."""
        self._put(hook, breaker.abandoned(self.of(hook)))

    def note(self, hook: InlineHook, attempt: Attempt | None, now: float, *, probe: bool) -> Turn | None:
        """Note how a call ended, and return what that did to the breaker.

        attempt: the last exchange with the hook's endpoint or the one that grants its tokens; None: there was none.
        probe: whether the call was one.
        """
        before = self.of(hook)
        if attempt is None or attempt.reason in (Reason.INTERRUPTED, Reason.BLOCKED):
            if probe:
                self.give_up(hook)
            return None
        if not breaker.is_absent(attempt):
            self._put(hook, _WORKS)
            return Turn.CLOSED if before.is_open else None
        after = breaker.failed(before, now, probe=probe)
        self._put(hook, after)
        return Turn.OPENED if after.is_open and not before.is_open else None

    def _put(self, hook: InlineHook, found: Breaker) -> None:
        known = self._failing.get(hook.id)
        if known is not None and known[0] > hook.revision:
            return  # a call of a former revision: it says nothing of today's endpoint
        self._failing.pop(hook.id, None)
        if found != _WORKS:
            self._failing[hook.id] = (hook.revision, found)
        while len(self._failing) > MAX_HOOKS:
            self._failing.popitem(last=False)
