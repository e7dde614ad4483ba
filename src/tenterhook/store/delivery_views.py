"""Reading deliveries, with what they carry and every attempt: for people, not for the hot path."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from tenterhook.domain.attempt import Attempt
from tenterhook.domain.tally import Ended, code
from tenterhook.store import schema, tallies
from tenterhook.store.quotas import HOLD
from tenterhook.store.schema import Queue, State
from tenterhook.store.transaction import Tx

#: Attempts shown of one delivery: its last ones.
MAX_ATTEMPTS = 100

_TABLE = schema.delivery.c


class Row(msgspec.Struct, frozen=True):
    """A delivery as it is stored."""

    id: int
    org_id: str
    hook_id: str
    event_id: bytes
    hook_version: int
    origin: str
    state: State
    queue: Queue
    attempt_no: int  #: how many attempts have ended
    step: int  #: how many of the policy's waits are used up
    due_at: int  #: ms
    created: int  #: ms
    ended_at: int | None  #: ms
    end_reason: str | None
    hold: str | None  #: QUOTA, if it was born into a later window of its org's quota

    def awaits_window(self, now_ms: int) -> bool:
        """Return whether the quota holds it still; one that was tried by hand is held no longer."""
        return self.hold == HOLD and self.state is State.READY and self.attempt_no == 0 and self.due_at > now_ms


class Asked(msgspec.Struct, frozen=True):
    """Which deliveries of a hook a list is about."""

    states: tuple[State, ...] = tuple(State)
    tried: bool | None = None  #: whether any attempt has ended; None: all the same
    held: bool | None = None  #: whether the quota holds it; None: all the same
    now_ms: int = 0
    before: int | None = None  #: only those with a lower id: older ones
    limit: int = 100


_COLUMNS = tuple(_TABLE[name] for name in Row.__struct_fields__)


def get(tx: Tx, org_id: str, event_id: bytes) -> Row | None:
    """Return the org's delivery with this eventId."""
    statement = sa.select(*_COLUMNS).where(_TABLE.org_id == org_id, _TABLE.event_id == event_id)
    row = tx.connection.execute(statement).one_or_none()
    return None if row is None else _row(row)


def list_of(tx: Tx, org_id: str, hook_id: str, asked: Asked) -> list[Row]:
    """Return deliveries of a hook, youngest first."""
    statement = sa.select(*_COLUMNS).where(_TABLE.org_id == org_id, _TABLE.hook_id == hook_id)
    if asked.states != tuple(State):
        statement = statement.where(_TABLE.state.in_([int(state) for state in asked.states]))
    if asked.tried is not None:
        statement = statement.where(_TABLE.attempt_no > 0 if asked.tried else _TABLE.attempt_no == 0)
    if asked.held is not None:
        awaits = sa.and_(
            sa.func.coalesce(_TABLE.hold, "") == HOLD,
            _TABLE.state == int(State.READY),
            _TABLE.attempt_no == 0,
            _TABLE.due_at > asked.now_ms,
        )
        statement = statement.where(awaits if asked.held else sa.not_(awaits))
    if asked.before is not None:
        statement = statement.where(_TABLE.id < asked.before)
    found = tx.connection.execute(statement.order_by(_TABLE.id.desc()).limit(asked.limit))
    return [_row(row) for row in found]


def carrying(tx: Tx, org_id: str, seq: int) -> list[Row]:
    """Return the deliveries that carry the event *seq*, oldest first."""
    link = schema.delivery_event.c
    # The table is keyed by (org, hook, seq): seeking seq under each of the org's hooks beats reading all its rows.
    hooks = sa.select(schema.event_hook.c.id).where(schema.event_hook.c.org_id == org_id)
    statement = (
        sa.select(*_COLUMNS)
        .join(schema.delivery_event, link.delivery_id == _TABLE.id)
        .where(link.org_id == org_id, link.hook_id.in_(hooks), link.seq == seq)
        .order_by(_TABLE.id)
    )
    return [_row(row) for row in tx.connection.execute(statement)]


def uuids_of(tx: Tx, delivery_ids: Sequence[int], since_ms: int) -> dict[int, list[bytes]]:
    """Return the uuids of the events that each delivery carries, in log order; retention may have taken some.

    since_ms: events recorded before it are beyond retention, whether they are gone already or not.
    """
    link = schema.delivery_event.c
    statement = (
        sa.select(link.delivery_id, schema.log_event.c.uuid)
        .join(schema.log_event, schema.log_event.c.seq == link.seq)
        .where(link.delivery_id.in_(delivery_ids), schema.log_event.c.recorded_at >= since_ms)
        .order_by(link.delivery_id, link.seq)
    )
    found: dict[int, list[bytes]] = {identity: [] for identity in delivery_ids}
    for delivery_id, uuid in tx.connection.execute(statement):
        found[delivery_id].append(uuid)
    return found


def attempts_of(tx: Tx, org_id: str, delivery_ids: Sequence[int], since_ms: int) -> dict[int, list[Attempt]]:
    """Return the last `MAX_ATTEMPTS` attempts of each delivery, first to last. since_ms: none that began before it."""
    found: dict[int, list[Attempt]] = {}
    for identity in delivery_ids:
        rows = tx.driver.execute(_ATTEMPTS, (org_id, identity, since_ms, MAX_ATTEMPTS)).fetchall()
        found[identity] = [_decode(detail) for (detail,) in reversed(rows)]
    return found


_ATTEMPTS = (
    "SELECT detail FROM attempt WHERE org_id = ? AND delivery_id = ? AND started >= ? ORDER BY number DESC LIMIT ?"
)


def make_due(tx: Tx, row: Row, now_ms: int) -> None:
    """Let a delivery that waits or has failed go once more, now. It must be neither claimed nor delivered.

    The attempt takes the place of the one that was booked: its failure books that wait again and no longer one, so
    that trying by hand does not lengthen an outage.
    """
    queue = Queue.FIRST if row.queue is Queue.FIRST and row.attempt_no == 0 else Queue.RETRY
    waiting = sa.and_(_TABLE.state == int(State.READY), _TABLE.step > 0)
    step = sa.case((waiting, _TABLE.step - 1), else_=_TABLE.step)
    statement = (
        sa.update(schema.delivery)
        .where(_TABLE.id == row.id)
        .values(state=int(State.READY), queue=int(queue), step=step, due_at=now_ms)
        .values(ended_at=None, end_reason=None, hold=None)
    )
    tx.connection.execute(statement)


def cancel(tx: Tx, row: Row, now_ms: int) -> None:
    """End a delivery FAILED/CANCELLED.

    The number of an attempt that may be under way is kept free for it: its row comes later, and must not meet that of
    a retry.
    """
    statement = (
        sa.update(schema.delivery)
        .where(_TABLE.id == row.id)
        .values(
            state=int(State.FAILED),
            boot=None,
            attempt_no=row.attempt_no + (row.state is State.CLAIMED),
            ended_at=now_ms,
            end_reason="CANCELLED",
        )
    )
    tx.connection.execute(statement)
    tallies.note(tx, {(row.org_id, row.hook_id): [code(Ended.CLOSED)]}, now_ms)


_decoder = msgspec.json.Decoder(Attempt)


def _decode(detail: bytes) -> Attempt:
    return _decoder.decode(detail)


def _row(row: sa.Row[*tuple[Any, ...]]) -> Row:
    return msgspec.convert({str(key): value for key, value in row._mapping.items()}, Row)
