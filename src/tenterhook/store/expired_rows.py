"""What retention takes away: log events, deliveries and attempts, each in runs of keys that rise with time.

Nothing is looked for by an index of times, which every insert would pay for: `seq`, delivery ids and what hangs on them
rise as time does, so a binary search finds where the old ends. Each function touches a bounded number of rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from tenterhook.domain.tally import Ended, code
from tenterhook.store import log_index, schema, tallies
from tenterhook.store.log_events import next_seq
from tenterhook.store.schema import State
from tenterhook.store.transaction import Tx

_MAX_ID = (1 << 63) - 1
_ENDED = (int(State.DELIVERED), int(State.FAILED))


class Old(msgspec.Struct, frozen=True):
    """A delivery whose events are beyond retention."""

    id: int
    org_id: str
    hook_id: str
    state: State
    ended_at: int | None  #: ms
    first_seq: int | None  #: of the events that it carries
    events: int


class AttemptRun(msgspec.Struct, frozen=True):
    """The attempts of a run of an org's deliveries."""

    org_id: str
    after: int  #: delivery id, exclusive
    upto: int
    old: bool  #: whether any of them is to go


def last_seq_before(tx: Tx, recorded_ms: int) -> int:
    """Return a ``seq`` up to which all events were recorded before a time, and after which none was."""
    table = schema.log_event.c
    last = _last_before(tx, table.seq, table.recorded_at, recorded_ms)
    return next_seq(tx) - 1 if last is None else last


def last_delivery_before(tx: Tx, created_ms: int) -> int:
    """Return a delivery id up to which deliveries were created before a time, and after which none was."""
    table = schema.delivery.c
    return _last_before(tx, table.id, table.created, created_ms) or 0


def _last_before(tx: Tx, key: sa.ColumnElement[int], time: sa.ColumnElement[int], ms: int) -> int | None:
    """Return the greatest *key* of what is older than *ms*, or one less than the least; None if there is nothing."""
    first = tx.connection.execute(sa.select(key, time).order_by(key).limit(1)).first()
    if first is None:
        return None
    if first[1] >= ms:
        return int(first[0]) - 1
    low = first[0]
    high = tx.connection.execute(sa.select(key).order_by(key.desc()).limit(1)).scalar_one()
    # Invariant: what has a key up to low is old, what has one beyond high is not.
    while low < high:
        middle = (low + high + 1) // 2
        row = tx.connection.execute(sa.select(key, time).where(key <= middle).order_by(key.desc()).limit(1)).one()
        low, high = (middle, high) if row[1] < ms else (low, row[0] - 1)
    return int(low)


# ---- log events ------------------------------------------------------------------------------------------------------


def delete_events(tx: Tx, upto_seq: int, limit: int) -> int:
    """Delete up to *limit* events, the oldest first, none beyond *upto_seq*, and what was indexed of them.

    Returns how many there were. Their ``seq`` never come back.
    """
    rows: list[Any] = tx.driver.execute(
        "SELECT seq FROM log_event WHERE seq <= ? ORDER BY seq LIMIT ?", (upto_seq, limit)
    ).fetchall()
    if not rows:
        return 0
    last = rows[-1][0]
    tx.driver.execute("DELETE FROM log_event WHERE seq <= ?", (last,))
    while log_index.remove(tx, last, limit):
        pass
    return len(rows)


# ---- deliveries ------------------------------------------------------------------------------------------------------


def old_deliveries(tx: Tx, ids: tuple[int, int | None], upto_seq: int, limit: int) -> list[Old]:
    """Return deliveries by id, as long as their events are none beyond *upto_seq*.

    ids: after the first, up to the second (None: all).
    limit: of deliveries, and roughly of the events that they carry together.
    """
    rows: list[Any] = tx.driver.execute(
        "SELECT id, org_id, hook_id, state, ended_at,"
        " (SELECT min(seq) FROM delivery_event WHERE delivery_id = delivery.id),"
        " (SELECT count(*) FROM delivery_event WHERE delivery_id = delivery.id)"
        " FROM delivery WHERE id > ? AND id <= ? ORDER BY id LIMIT ?",
        (ids[0], _MAX_ID if ids[1] is None else ids[1], limit),
    ).fetchall()
    found: list[Old] = []
    events = 0
    for row in rows:
        one = Old(row[0], row[1], row[2], State(row[3]), *row[4:])
        events += one.events
        if (one.first_seq is not None and one.first_seq > upto_seq) or (found and events > limit):
            break
        found.append(one)
    return found


def expire(tx: Tx, ids: Sequence[int], now_ms: int) -> dict[tuple[str, str], int]:
    """End those of the deliveries that wait FAILED/EXPIRED; return how many there were by hook (org id, hook id)."""
    ended: dict[tuple[str, str], int] = {}
    for identity in ids:
        row: Any = tx.driver.execute(
            "UPDATE delivery SET state = 3, ended_at = ?, end_reason = 'EXPIRED' WHERE id = ? AND state = 0"
            " RETURNING org_id, hook_id",
            (now_ms, identity),
        ).fetchone()
        if row is not None:
            ended[row[0], row[1]] = ended.get((row[0], row[1]), 0) + 1
    tallies.note(tx, {hook: [code(Ended.CLOSED)] * count for hook, count in ended.items()}, now_ms)
    return ended


def delete_deliveries(tx: Tx, ids: Sequence[int], ended_before_ms: int) -> int:
    """Delete those of the deliveries that ended before a time, with their attempts; return how many there were."""
    table, link, attempt = schema.delivery, schema.delivery_event, schema.attempt
    rules = (table.c.id.in_(ids), table.c.state.in_(_ENDED), table.c.ended_at < ended_before_ms)
    found = tx.connection.execute(sa.select(table.c.org_id, table.c.id).where(*rules)).all()
    for org_id, identity in found:
        mine = (attempt.c.org_id == org_id, attempt.c.delivery_id == identity)
        tx.connection.execute(sa.delete(attempt).where(*mine))
    gone = [identity for _, identity in found]
    tx.connection.execute(sa.delete(link).where(link.c.delivery_id.in_(gone)))
    tx.connection.execute(sa.delete(table).where(table.c.id.in_(gone)))
    return len(gone)


# ---- attempts --------------------------------------------------------------------------------------------------------


def attempt_run(tx: Tx, org_id: str, ids: tuple[int, int], before_ms: int, limit: int) -> AttemptRun | None:
    """Return the next run of about *limit* attempts of an org's deliveries, or None if there are none.

    ids: of deliveries: after the first, up to the second. before_ms: what began before it is to go.
    """
    after, upto = ids
    table = schema.attempt.c
    rules = (table.org_id == org_id, table.delivery_id > after, table.delivery_id <= upto)
    keys = sa.select(table.delivery_id, table.started).where(*rules).order_by(table.delivery_id, table.number)
    found = tx.connection.execute(keys.limit(limit)).all()
    if not found:
        return None
    last = found[-1][0] if len(found) == limit else upto
    return AttemptRun(org_id, after, last, any(started < before_ms for _, started in found))


def delete_attempts(tx: Tx, run: AttemptRun, before_ms: int) -> int:
    """Delete those attempts of a run that began before a time; return how many there were."""
    table = schema.attempt.c
    rules = (table.org_id == run.org_id, table.delivery_id > run.after, table.delivery_id <= run.upto)
    return tx.connection.execute(sa.delete(schema.attempt).where(*rules, table.started < before_ms)).rowcount
