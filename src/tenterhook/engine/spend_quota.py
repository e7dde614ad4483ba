"""Spend an org's quota of events that trigger hooks: what goes out now, what is held, and what the log is told.

What this server writes itself spends nothing, whatever it triggers: some of it callers without a token can cause, and
an alert that waits for a window is none.
"""

from __future__ import annotations

import msgspec

from tenterhook.domain import log_event
from tenterhook.domain.quota import WINDOW_MS, Level, Quota, due_of, newly_reached, threshold
from tenterhook.engine.tell_limit import Notice, draft_notice
from tenterhook.store import quotas
from tenterhook.store.transaction import Tx

_TYPES = {
    Level.WARNING: ("system.operation.rate_limit.warning", "Events that trigger hooks come near their limit"),
    Level.VIOLATION: ("system.operation.rate_limit.violation", "Events that trigger hooks have met their limit"),
}


class Spent(msgspec.Struct):
    """What was spent, and what follows."""

    quota: Quota
    count: int  #: events that were spent: the last of the quota's
    limit: int | None
    notices: list[log_event.Draft]

    def due_of(self, at: int) -> int | None:
        """Return when the event *at* (0 is the first that was spent) may go out, in ms; None: at once."""
        return due_of(self.quota, self.limit, self.quota.used - self.count + at)


def spend(tx: Tx, org_id: str, count: int, limit: int | None, now_ms: int) -> Spent:
    """Count *count* new events of an org that trigger hooks, in the transaction that logs them.

    limit: events in 24 hours; None: no limit, they are only counted.
    """
    quota = quotas.spend(tx, org_id, count, limit, now_ms)
    reached = newly_reached(quota, limit)
    if limit is None or not reached:
        return Spent(quota, count, limit, [])
    quotas.note_told(tx, org_id, reached[-1])
    return Spent(quota, count, limit, [_draft(level, quota, limit, now_ms) for level in reached])


def _draft(level: Level, quota: Quota, limit: int, now_ms: int) -> log_event.Draft:
    event_type, message = _TYPES[level]
    left_ms = quota.window_start + WINDOW_MS - now_ms
    debug = {
        "operationRateLimitType": "event_hook_delivery",
        "operationRateLimitSubtype": "events_that_trigger_hooks",
        "operationRateLimitScopeType": "ORG",
        "operationRateLimitThreshold": str(threshold(level, limit)),
        "operationRateLimitTimeSpan": str(WINDOW_MS // 3_600_000),
        "operationRateLimitTimeUnit": "HOURS",
        "operationRateLimitSecondsToReset": str(-(-left_ms // 1000)),
    }
    return draft_notice(Notice(event_type, message, level is Level.VIOLATION, debug), now_ms)
