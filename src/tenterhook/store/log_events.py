"""The System Log's rows: appended in commit order, never changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from tenterhook.store import schema
from tenterhook.store.transaction import Tx

_SEQ = "log_event.seq"
_RECORDED = "log_event.recorded_at"


class Row(msgspec.Struct, frozen=True):
    """One event as the log keeps it."""

    org_id: str
    uuid: bytes
    published: int
    event_type: str
    body: bytes  #: the event's JSON as `/api/v1/logs` answers it


def next_seq(tx: Tx) -> int:
    """Return the ``seq`` that the next appended event will get."""
    return _counter(tx, _SEQ) + 1


def last_seq(tx: Tx, org_id: str) -> int:
    """Return the ``seq`` of the org's last event; 0 if it has none."""
    row = tx.driver.execute("SELECT max(seq) FROM log_event WHERE org_id = ?", (org_id,)).fetchone()
    return (row[0] or 0) if row is not None else 0


def last_recorded(tx: Tx) -> int:
    """Return when (ms) anything was recorded last, whether it is still there or not; 0 if nothing ever was."""
    return _counter(tx, _RECORDED)


def append(tx: Tx, rows: Sequence[Row], now_ms: int) -> int:
    """Append *rows* in their order and return the ``seq`` of the first; the rest follow without a gap.

    ``recorded_at`` never runs backwards, whatever the clock does.
    Raises: the driver's ConstraintError, if a uuid is in the log already: look with `known` first.
    """
    first = next_seq(tx)
    recorded = max(now_ms, _counter(tx, _RECORDED))
    tx.insert_many(
        schema.log_event,
        [
            (first + at, row.org_id, row.uuid, row.published, recorded, row.event_type, row.body)
            for at, row in enumerate(rows)
        ],
    )
    tx.driver.execute(
        "INSERT INTO counter (name, value) VALUES (?,?), (?,?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (_SEQ, first + len(rows) - 1, _RECORDED, recorded),
    )
    return first


def get(tx: Tx, org_id: str, uuid: bytes, since_ms: int) -> tuple[int, bytes] | None:
    """Return the event's ``seq`` and its JSON, or None.

    since_ms: what was recorded before it is beyond retention, whether it is gone already or not.
    """
    sql = "SELECT seq, body FROM log_event WHERE org_id = ? AND uuid = ? AND recorded_at >= ?"
    row: Any = tx.driver.execute(sql, (org_id, uuid, since_ms)).fetchone()
    return None if row is None else (row[0], row[1])


def known(tx: Tx, org_id: str, uuids: Iterable[bytes]) -> dict[bytes, bytes]:
    """Return those of *uuids* that the org's log holds, each with the stored event's JSON."""
    found: dict[bytes, bytes] = {}
    for uuid in uuids:
        row = tx.driver.execute("SELECT body FROM log_event WHERE org_id = ? AND uuid = ?", (org_id, uuid)).fetchone()
        if row is not None:
            found[uuid] = row[0]
    return found


def places(tx: Tx, org_id: str, uuids: Iterable[bytes]) -> dict[bytes, int]:
    """Return the ``seq`` of those of *uuids* that the org's log holds."""
    found: dict[bytes, int] = {}
    for uuid in uuids:
        row = tx.driver.execute("SELECT seq FROM log_event WHERE org_id = ? AND uuid = ?", (org_id, uuid)).fetchone()
        if row is not None:
            found[uuid] = row[0]
    return found


def bodies(tx: Tx, seqs: Iterable[int]) -> dict[int, bytes]:
    """Return the JSON of the events with these ``seq``; those that retention took are missing."""
    found: dict[int, bytes] = {}
    for seq in seqs:
        row = tx.driver.execute("SELECT body FROM log_event WHERE seq = ?", (seq,)).fetchone()
        if row is not None:
            found[seq] = row[0]
    return found


def _counter(tx: Tx, name: str) -> int:
    row = tx.driver.execute("SELECT value FROM counter WHERE name = ?", (name,)).fetchone()
    return row[0] if row is not None else 0
