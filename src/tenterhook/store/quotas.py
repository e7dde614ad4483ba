"""What orgs have used of their quota: one row an org, changed in the transaction that logs the events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from tenterhook.domain.quota import WINDOW_MS, Level, Quota, rolled
from tenterhook.store.transaction import Tx

#: What Born.hold and the column say of a delivery that waits for its window.
HOLD = "QUOTA"


def spend(tx: Tx, org_id: str, count: int, limit: int | None, now_ms: int) -> Quota:
    """Count *count* more events that trigger hooks, and return the quota as it is with them."""
    row: Any = tx.driver.execute(
        "UPDATE quota SET used = used + ? WHERE org_id = ? AND window_start <= ? AND window_start > ?"
        " RETURNING window_start, used, warned",
        (count, org_id, now_ms, now_ms - WINDOW_MS),
    ).fetchone()
    if row is not None:
        return Quota(row[0], row[1], Level(row[2]))
    before = get(tx, org_id, limit, now_ms)
    quota = Quota(now_ms, count) if before is None else Quota(before.window_start, before.used + count, before.told)
    _put(tx, org_id, quota, limit)
    return quota


def get(tx: Tx, org_id: str, limit: int | None, now_ms: int) -> Quota | None:
    """Return the org's quota as it stands now, or None if no event has triggered a hook yet."""
    row: Any = tx.driver.execute("SELECT window_start, used, warned FROM quota WHERE org_id = ?", (org_id,)).fetchone()
    return None if row is None else rolled(Quota(row[0], row[1], Level(row[2])), limit, now_ms)


def note_told(tx: Tx, org_id: str, level: Level) -> None:
    """Note that the log was told that the org has reached *level*."""
    tx.driver.execute("UPDATE quota SET warned = ? WHERE org_id = ?", (int(level), org_id))


def adopt_limit(tx: Tx, limit: int | None, now_ms: int) -> int:
    """Book anew what is held under another limit than *limit*, the one in force; return how many orgs that were.

    For a start: the settings have changed while no event came in. What had gone out counts for at most one window of
    the new limit, so that lowering it holds nothing longer than it would have been held under it from the beginning.
    """
    rows: Any = tx.driver.execute(
        "SELECT org_id, window_start, used, allowed FROM quota WHERE allowed IS NOT ?", (limit,)
    ).fetchall()
    for org_id, window_start, used, allowed in rows:
        quota = rolled(Quota(window_start, used), allowed, now_ms)
        held = _held_events(tx, org_id, now_ms)
        gone = max(0, quota.used - held)
        if limit is None:
            tx.driver.execute(_RELEASE, {"org": org_id, "now": now_ms})
        else:
            gone = min(gone, limit)
            _book(tx, org_id, Quota(quota.window_start, gone), limit, now_ms)
        _put(tx, org_id, Quota(quota.window_start, gone + held), limit)
    return len(rows)


def _put(tx: Tx, org_id: str, quota: Quota, limit: int | None) -> None:
    tx.driver.execute(
        "INSERT INTO quota (org_id, window_start, used, warned, allowed) VALUES (?,?,?,?,?) ON CONFLICT (org_id) DO"
        " UPDATE SET window_start = excluded.window_start, used = excluded.used, warned = excluded.warned,"
        " allowed = excluded.allowed",
        (org_id, quota.window_start, quota.used, int(quota.told), limit),
    )


# ---- what is held ----------------------------------------------------------------------------------------------------

#: What was tried is held no longer: it waits for its retry.
_HELD = (
    "delivery.state = 0 AND delivery.org_id = :org AND delivery.hold = 'QUOTA' AND delivery.attempt_no = 0"
    " AND delivery.due_at > :now"
)
#: Each held delivery goes, whole, by the first of its events; an event that several hooks hold has one place.
_BOOKED = (
    "WITH placed AS (SELECT delivery.id, dense_rank() OVER (ORDER BY delivery_event.seq) - 1 + :gone AS place"  # noqa: S608
    f" FROM delivery JOIN delivery_event ON delivery_event.delivery_id = delivery.id WHERE {_HELD}),"
    " booked AS (SELECT id, min(place) AS place FROM placed GROUP BY id)"
)
_BOOK = (
    f"{_BOOKED} UPDATE delivery SET"  # noqa: S608
    " hold = CASE WHEN booked.place < :limit THEN NULL ELSE hold END,"
    " due_at = CASE WHEN booked.place < :limit THEN :now ELSE :start + :window * (booked.place / :limit) END"
    " FROM booked WHERE delivery.id = booked.id"
)
_COUNT = (
    "SELECT count(DISTINCT delivery_event.seq) FROM delivery"  # noqa: S608
    f" JOIN delivery_event ON delivery_event.delivery_id = delivery.id WHERE {_HELD}"
)
_RELEASE = f"UPDATE delivery SET due_at = :now, hold = NULL WHERE {_HELD}"  # noqa: S608


def _held_events(tx: Tx, org_id: str, now_ms: int) -> int:
    found: Any = tx.driver.execute(_COUNT, {"org": org_id, "now": now_ms}).fetchone()
    return int(found[0])


def _book(tx: Tx, org_id: str, quota: Quota, limit: int, now_ms: int) -> None:
    """Give what the org holds the places after those of *quota*, which are gone."""
    values = {"org": org_id, "now": now_ms, "limit": limit, "gone": quota.used, "start": quota.window_start}
    tx.driver.execute(_BOOK, {**values, "window": WINDOW_MS})


# ---- places that became free -----------------------------------------------------------------------------------------


class Move(msgspec.Struct, frozen=True):
    """A held delivery that another window is due to."""

    id: int
    hook_id: str
    due_at: int  #: ms


class Plan(msgspec.Struct, frozen=True):
    """What sets an org's quota right after something held has ended."""

    start: int  #: ms; of the window that it was made for
    freed: int  #: places that nobody has any more
    moves: list[Move]


_PLAN = (
    f"{_BOOKED}, later AS ("  # noqa: S608
    "SELECT delivery.id, hook_id, due_at, :start + :window * (place / :limit) AS due"
    " FROM booked JOIN delivery ON delivery.id = booked.id)"
    " SELECT id, hook_id, due FROM later WHERE due <> due_at ORDER BY id LIMIT :most"
)
_MOVE = "UPDATE delivery SET due_at = ? WHERE id = ? AND state = 0 AND hold = 'QUOTA' AND attempt_no = 0 AND due_at > ?"


def used_up(tx: Tx) -> list[str]:
    """Return the ids of the orgs that have used more than their limit: only they may hold anything."""
    rows: Any = tx.driver.execute("SELECT org_id FROM quota WHERE used > allowed").fetchall()
    return [org_id for (org_id,) in rows]


def plan(tx: Tx, org_id: str, limit: int, now_ms: int, most: int) -> Plan | None:
    """Return what sets the org's quota right: at most *most* moves. None: nothing needs to be.

    It reads all that the org holds, so call it on a reader. What has gone out has the window's first *limit* places.
    """
    quota = get(tx, org_id, limit, now_ms)
    if quota is None or quota.used <= limit:
        return None
    values = {"org": org_id, "now": now_ms, "limit": limit, "gone": limit, "start": quota.window_start}
    found: Any = tx.driver.execute(_PLAN, {**values, "window": WINDOW_MS, "most": most}).fetchall()
    freed = quota.used - limit - _held_events(tx, org_id, now_ms)
    return Plan(quota.window_start, freed, [Move(*row) for row in found]) if freed or found else None


def adopt_plan(tx: Tx, org_id: str, made: Plan, limit: int, now_ms: int) -> bool:
    """Give back the places that a plan found free; no if the org's window has changed since: then plan anew.

    now_ms: as it was planned. What was spent since keeps its places.
    """
    quota = get(tx, org_id, limit, now_ms)
    if quota is None or quota.window_start != made.start:
        return False
    _put(tx, org_id, Quota(quota.window_start, quota.used - made.freed, quota.told), limit)
    return True


def move(tx: Tx, moves: Sequence[Move], now_ms: int) -> int:
    """Give held deliveries their new windows; return how many were still held."""
    moved = 0
    for one in moves:
        tx.driver.execute(_MOVE, (one.due_at, one.id, now_ms))
        moved += tx.driver.changes()
    return moved
