"""How often hooks' filters could not be evaluated: one row a hook, changed in the transaction that logs the events."""

from __future__ import annotations

from typing import Any

from tenterhook.store.transaction import Tx

#: The log is told of a hook's filter errors at most once in so long.
TELL_EVERY_MS = 600_000


def count(tx: Tx, hook: tuple[str, str], errors: int, text: str, now_ms: int) -> int | None:
    """Count more filter errors of a hook; return their total if it is time to tell the log, else None.

    hook: (org id, hook id). text: what was wrong the last time.
    """
    row: Any = tx.driver.execute(
        "SELECT total, told_at FROM filter_error WHERE org_id = ? AND hook_id = ?", hook
    ).fetchone()
    before, told_at = row if row is not None else (0, None)
    told_lately = told_at is not None and told_at <= now_ms < told_at + TELL_EVERY_MS
    tx.driver.execute(
        "INSERT OR REPLACE INTO filter_error (org_id, hook_id, total, last_at, last_text, told_at)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (*hook, before + errors, now_ms, text, told_at if told_lately else now_ms),
    )
    return None if told_lately else before + errors


def remove(tx: Tx, org_id: str, hook_id: str) -> None:
    """Forget what was counted of a hook that is deleted."""
    tx.driver.execute("DELETE FROM filter_error WHERE org_id = ? AND hook_id = ?", (org_id, hook_id))


def total(tx: Tx, org_id: str, hook_id: str) -> int:
    """Return how many filter errors of the hook were counted."""
    row: Any = tx.driver.execute(
        "SELECT total FROM filter_error WHERE org_id = ? AND hook_id = ?", (org_id, hook_id)
    ).fetchone()
    return 0 if row is None else int(row[0])
