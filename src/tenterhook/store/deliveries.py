"""Delivery rows: born in the publish transaction, claimed by a lane, settled under a fence.

A row is READY (waits here until due), CLAIMED (in the memory of the process whose boot id it carries), or ended. The
fence is (state, boot, attempt_no): an outcome that comes late, or from another boot, changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import apsw
import msgspec

from tenterhook.domain.attempt import Attempt, Outcome, Reason
from tenterhook.domain.tally import KINDS, Ended, code
from tenterhook.store import schema, tallies
from tenterhook.store.schema import Queue, State
from tenterhook.store.transaction import Tx, chunks, marks

_ID = "delivery.id"


class Born(msgspec.Struct):
    """A delivery that a publish transaction makes."""

    org_id: str
    hook_id: str
    event_id: bytes
    hook_version: int
    seqs: list[int]
    claimed: bool = False
    id: int = 0
    hold: str | None = None  #: why it waits although it could be sent: QUOTA
    due_at: int | None = None  #: ms; until when it is held; None: due at once


class Claimed(msgspec.Struct, frozen=True):
    """A delivery that a lane has taken: what it needs to be sent, but for the body."""

    id: int
    org_id: str
    hook_id: str
    event_id: bytes
    hook_version: int
    attempt_no: int
    step: int
    created: int  #: ms; the envelope's eventTime
    due_at: int  #: ms


class Settled(msgspec.Struct, frozen=True):
    """The outcome of one attempt, decided: what the row becomes."""

    delivery: Claimed
    attempt: Attempt
    state: State
    due_at: int
    step: int
    end_reason: str | None


_DUE = (
    "SELECT id, org_id, hook_id, event_id, hook_version, attempt_no, step, created, due_at FROM delivery"
    " WHERE state = 0 AND org_id = ? AND hook_id = ? AND queue = ? AND due_at <= ? ORDER BY due_at, id LIMIT ?"
)


def insert(tx: Tx, born: Sequence[Born], boot: str, now_ms: int) -> None:
    """Store new deliveries and which events each carries; fills in their ids."""
    first = next_id(tx)
    rows, links = [], []
    for at, one in enumerate(born):
        one.id = first + at
        state, owner = (State.CLAIMED, boot) if one.claimed else (State.READY, None)
        rows.append(
            (
                *(one.id, one.org_id, one.hook_id, one.event_id, one.hook_version, "PUBLISH"),
                *(int(state), int(Queue.FIRST), owner, 0, 0),
                *(now_ms if one.due_at is None else one.due_at, now_ms, None, None, one.hold),
            )
        )
        links += [(one.org_id, one.hook_id, seq, 0, one.id) for seq in one.seqs]
    tx.insert_many(schema.delivery, rows)
    tx.insert_many(schema.delivery_event, links)
    tx.driver.execute(
        "INSERT INTO counter (name, value) VALUES (?,?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (_ID, first + len(born) - 1),
    )


def next_id(tx: Tx) -> int:
    """Return the id that the next delivery will get; ids are never reused."""
    row = tx.driver.execute("SELECT value FROM counter WHERE name = ?", (_ID,)).fetchone()
    return (row[0] if row is not None else 0) + 1


def claim(tx: Tx, hook: tuple[str, str], queue: Queue, limit: int, boot: str, now_ms: int) -> list[Claimed]:
    """Take up to *limit* due READY deliveries of one queue of a hook (org id, hook id), oldest due first."""
    org_id, hook_id = hook
    rows: list[Any] = tx.driver.execute(_DUE, (org_id, hook_id, int(queue), now_ms, limit)).fetchall()
    tx.driver.executemany("UPDATE delivery SET state = 1, boot = ? WHERE id = ?", [(boot, row[0]) for row in rows])
    return [Claimed(*row) for row in rows]


def next_due(tx: Tx, hook: tuple[str, str], queue: Queue) -> int | None:
    """Return when the hook's next READY delivery of *queue* is due, in ms, or None if there is none."""
    row = tx.driver.execute(
        "SELECT due_at FROM delivery WHERE state = 0 AND org_id = ? AND hook_id = ? AND queue = ?"
        " ORDER BY due_at LIMIT 1",
        (*hook, int(queue)),
    ).fetchone()
    return None if row is None else row[0]


def count_due(tx: Tx, hook: tuple[str, str], queue: Queue, now_ms: int, most: int) -> tuple[int, int | None]:
    """Return how many READY deliveries of *queue* the hook has that are due, up to *most*, and when the oldest was."""
    row: Any = tx.driver.execute(
        "SELECT count(*), min(due_at) FROM (SELECT due_at FROM delivery WHERE state = 0 AND org_id = ?"
        " AND hook_id = ? AND queue = ? AND due_at <= ? ORDER BY due_at LIMIT ?)",
        (*hook, int(queue), now_ms, most),
    ).fetchone()
    return row[0], row[1]


def release(tx: Tx, ids: Sequence[int], boot: str) -> None:
    """Give claimed deliveries back: READY again, due when they were."""
    tx.driver.executemany(
        "UPDATE delivery SET state = 0, boot = NULL WHERE id = ? AND state = 1 AND boot = ?",
        [(identity, boot) for identity in ids],
    )


def recover(tx: Tx, boot: str) -> int:
    """Make every delivery that another boot had claimed READY again; return how many."""
    before = tx.driver.total_changes()
    tx.driver.execute("UPDATE delivery SET state = 0, boot = NULL WHERE state = 1 AND boot <> ?", (boot,))
    return tx.driver.total_changes() - before


def claimed_ids(tx: Tx, boot: str) -> list[int]:
    """Return the ids of every delivery that this boot has claimed: what the lanes must know of."""
    return [row[0] for row in tx.driver.execute("SELECT id FROM delivery WHERE state = 1 AND boot = ?", (boot,))]


def settle(tx: Tx, outcomes: Sequence[Settled], boot: str, now_ms: int) -> list[bool]:
    """Write what became of deliveries after an attempt each; return whether each was still ours to settle.

    The attempt's row is kept either way: it happened.
    """
    applied: list[bool] = []
    for chunk in chunks(outcomes):
        applied += _settle_chunk(tx, chunk, boot, now_ms)
    _keep_attempts(tx, [(one.delivery, one.attempt) for one in outcomes])
    _note(tx, outcomes, applied, now_ms)
    return applied


def _note(tx: Tx, outcomes: Sequence[Settled], applied: Sequence[bool], now_ms: int) -> None:
    """Note what ended, for the figures: of what came too late, only that an attempt failed."""
    ended: dict[tuple[str, str], list[int]] = {}
    for one, was_ours in zip(outcomes, applied, strict=True):
        attempt, delivery = one.attempt, one.delivery
        if attempt.outcome is Outcome.DELIVERED:
            if not was_ours:
                continue
            kind = _DELIVERED
        else:
            kind = _GIVEN_UP if was_ours and one.state is State.FAILED else _FAILED
        # The receiver's time is known if it answered, or let the time pass; what never reached it tells nothing of it.
        if attempt.status is not None or attempt.reason is Reason.TIMEOUT:
            kind += int(attempt.phases.total * 1000) * KINDS
        key = (delivery.org_id, delivery.hook_id)
        codes = ended.get(key)
        if codes is None:
            ended[key] = [kind]
        else:
            codes.append(kind)
    tallies.note(tx, ended, now_ms)


# Codes of what was not timed, as plain numbers: this is done for every attempt, and enums count slowly.
_DELIVERED, _FAILED, _GIVEN_UP = (code(one) for one in (Ended.DELIVERED, Ended.FAILED, Ended.GIVEN_UP))


def _settle_chunk(tx: Tx, chunk: Sequence[Settled], boot: str, now_ms: int) -> list[bool]:
    """Settle a run of deliveries in one statement; one by one, if some of them were not ours any more."""
    mark = tx.savepoint()
    rows = [value for one in chunk for value in _settled_row(one, now_ms)]
    tx.driver.execute(_settle_sql(len(chunk)), (*rows, boot))
    if tx.driver.changes() == len(chunk):
        tx.release(mark)
        return [True] * len(chunk)
    tx.rollback_to(mark)
    if len(chunk) == 1:
        return [False]
    return [found for one in chunk for found in _settle_chunk(tx, [one], boot, now_ms)]


def _settled_row(one: Settled, now_ms: int) -> tuple[Any, ...]:
    ended = one.state in (State.DELIVERED, State.FAILED)
    return (
        *(one.delivery.id, int(one.state), one.attempt.number, one.step, one.due_at),
        *(now_ms if ended else None, one.end_reason, one.delivery.attempt_no),
    )


_SETTLE_HEAD = (
    "UPDATE delivery SET state = v.column2, queue = 1, boot = NULL, attempt_no = v.column3, step = v.column4,"
    " due_at = v.column5, ended_at = v.column6, end_reason = v.column7 FROM "
)
_SETTLE_TAIL = (
    " AS v WHERE delivery.id = v.column1 AND delivery.attempt_no = v.column8 AND delivery.state = 1"
    " AND delivery.boot = ?"
)


@cache
def _settle_sql(rows: int) -> str:
    return _SETTLE_HEAD + f"(VALUES {marks(8, rows)})" + _SETTLE_TAIL


def _keep_attempts(tx: Tx, made: Sequence[tuple[Claimed, Attempt]]) -> None:
    mark = tx.savepoint()
    try:
        tx.insert_many(schema.attempt, [_attempt_row(*one) for one in made])
    except apsw.ConstraintError:
        # Two outcomes for one attempt, the second without effect. Were it an error, its row would be offered for ever,
        # so it gets the next number that is free.
        tx.rollback_to(mark)
        for delivery, attempt in made:
            number = attempt.number
            while tx.driver.execute(_NUMBERED, (delivery.org_id, delivery.id, number)).fetchone():
                number += 1
            tx.insert_many(schema.attempt, [_attempt_row(delivery, msgspec.structs.replace(attempt, number=number))])
    else:
        tx.release(mark)


_NUMBERED = "SELECT 1 FROM attempt WHERE org_id = ? AND delivery_id = ? AND number = ?"


def _attempt_row(delivery: Claimed, attempt: Attempt) -> tuple[Any, ...]:
    return (
        delivery.org_id,
        delivery.id,
        attempt.number,
        int(attempt.started.timestamp() * 1000),
        str(attempt.outcome),
        attempt.reason and str(attempt.reason),
        attempt.status,
        msgspec.json.encode(attempt),
    )


def seqs_of(tx: Tx, ids: Sequence[int]) -> dict[int, list[int]]:
    """Return which events (``seq``, ascending) each delivery carries."""
    found: dict[int, list[int]] = {}
    for identity in ids:
        rows = tx.driver.execute("SELECT seq FROM delivery_event WHERE delivery_id = ? ORDER BY seq", (identity,))
        found[identity] = [row[0] for row in rows]
    return found


def left_behind(tx: Tx) -> list[tuple[str, str, str]]:
    """Return the deleted hooks for which deliveries still wait: org id, hook id, name."""
    rows: list[Any] = tx.driver.execute(
        "SELECT org_id, id, name FROM event_hook WHERE deleted IS NOT NULL AND EXISTS (SELECT 1 FROM delivery"
        " WHERE delivery.state = 0 AND delivery.org_id = event_hook.org_id AND delivery.hook_id = event_hook.id)"
    ).fetchall()
    return [(org_id, hook_id, name) for org_id, hook_id, name in rows]


def end_waiting(tx: Tx, hook: tuple[str, str], reason: str, limit: int, now_ms: int) -> int:
    """End up to *limit* READY deliveries of a hook FAILED for *reason*; return how many there were."""
    before = tx.driver.total_changes()
    tx.driver.execute(
        "UPDATE delivery SET state = 3, ended_at = ?, end_reason = ? WHERE id IN"
        " (SELECT id FROM delivery WHERE state = 0 AND org_id = ? AND hook_id = ? LIMIT ?)",
        (now_ms, reason, *hook, limit),
    )
    count = tx.driver.total_changes() - before
    if count:
        tallies.note(tx, {hook: [code(Ended.CLOSED)] * count}, now_ms)
    return count


def mark_health(tx: Tx, hook: tuple[str, str], failing_since: int | None) -> None:
    """Note since when a hook's deliveries fail (ms), or None that they succeed again."""
    tx.driver.execute("UPDATE event_hook SET failing_since = ? WHERE org_id = ? AND id = ?", (failing_since, *hook))
