"""An org's quota: how many of its events may trigger hooks in a window of 24 hours, and when the excess goes out.

Every event that triggers a hook has a position in its window, and positions go on beyond the limit: the excess is held
until the window that its position falls into, so nothing is discarded (DESIGN §2.3).
Source: okta/event-hooks.md §8.
"""

from __future__ import annotations

from enum import IntEnum

import msgspec

WINDOW_MS = 24 * 3_600_000
#: The part of the limit at which the log warns (Okta: 280,000 of 400,000).
WARNING_PERCENT = 70


class Level(IntEnum):
    """How near an org is to its limit."""

    BELOW = 0
    WARNING = 1
    VIOLATION = 2  #: what follows is held


class Quota(msgspec.Struct, frozen=True):
    """What an org has used of its window."""

    window_start: int  #: ms; when its first event came
    used: int  #: events that triggered hooks, those that are held included
    told: Level = Level.BELOW  #: what the log was told of this window


def rolled(quota: Quota, limit: int | None, now_ms: int) -> Quota:
    """Return *quota* as it stands at a time: what was held went into the windows that have passed since.

    A window that nothing is carried into begins with its first event, which is now.
    """
    if now_ms < quota.window_start:
        # The clock was set back; a window that begins in the future would hold events for as long as it was wrong.
        return msgspec.structs.replace(quota, window_start=now_ms)
    passed = (now_ms - quota.window_start) // WINDOW_MS
    if not passed:
        return quota
    used = 0 if limit is None else max(0, quota.used - limit * passed)
    return Quota(quota.window_start + passed * WINDOW_MS if used else now_ms, used)


def due_of(quota: Quota, limit: int | None, position: int) -> int | None:
    """Return when the event at *position* (0 is the window's first) may go out, in ms; None: at once."""
    if limit is None or position < limit:
        return None
    return quota.window_start + WINDOW_MS * (position // limit)


def threshold(level: Level, limit: int) -> int:
    """Return how many events reach *level*."""
    return -(-limit * WARNING_PERCENT // 100) if level is Level.WARNING else limit


def newly_reached(quota: Quota, limit: int | None) -> list[Level]:
    """Return the levels that the org has reached in this window and the log was not told of, lowest first."""
    if limit is None:
        return []
    levels = (Level.WARNING, Level.VIOLATION)
    return [level for level in levels if level > quota.told and quota.used >= threshold(level, limit)]
