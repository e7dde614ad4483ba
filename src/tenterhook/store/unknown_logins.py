"""How often somebody tried to sign in to an org with a login that nobody has: two counters an org."""

from __future__ import annotations

from tenterhook.store.transaction import Tx

#: The log is told of an org's at most once in so long: anybody can cause them, so they must not fill it.
TELL_EVERY_MS = 60_000

_PUT = "INSERT INTO counter (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"


def count(tx: Tx, org_id: str, now_ms: int) -> int | None:
    """Count one more; return how many there were since the log was told last, if it is time to tell it, else None."""
    untold, told_at = f"unknown_login.untold.{org_id}", f"unknown_login.told_at.{org_id}"
    number = (_value(tx, untold) or 0) + 1
    last = _value(tx, told_at)
    told_lately = last is not None and last <= now_ms < last + TELL_EVERY_MS
    tx.driver.execute(_PUT, (untold, number if told_lately else 0))
    if told_lately:
        return None
    tx.driver.execute(_PUT, (told_at, now_ms))
    return number


def _value(tx: Tx, name: str) -> int | None:
    row = tx.driver.execute("SELECT value FROM counter WHERE name = ?", (name,)).fetchone()
    return None if row is None else int(row[0])
