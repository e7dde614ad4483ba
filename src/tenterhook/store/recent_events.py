"""The youngest events of some types, looked for backwards through the log, a slice at a time."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import sqlalchemy as sa

from tenterhook.store.schema import log_event
from tenterhook.store.transaction import Tx

#: Rows that one slice passes over, and bytes of bodies that it brings (one event more than fits).
SLICE_ROWS = 5_000
SLICE_BYTES = 1024 * 1024

_ALL = log_event.c


class Slice(NamedTuple):
    """What one look brought."""

    bodies: list[bytes]  #: youngest first
    before: int  #: where to look on: at events before this ``seq``
    ended: bool  #: whether the log holds none before


def recent(tx: Tx, org_id: str, types: Collection[str], since_ms: int, before: int | None, want: int) -> Slice:
    """Return up to *want* events of *types*, youngest first, from the rows before the ``seq`` *before*.

    Fewer than *want* say nothing about the rest: look on unless it has ended. before: None for the whole log.
    since_ms: what was recorded before it is beyond retention, whether it is gone already or not.
    """
    place = [_ALL.org_id == org_id] if before is None else [_ALL.org_id == org_id, _ALL.seq < before]
    oldest = sa.select(_ALL.seq).where(*place).order_by(_ALL.seq.desc()).limit(1).offset(SLICE_ROWS - 1)
    edge = tx.connection.execute(oldest).scalar()
    query = sa.select(_ALL.seq, _ALL.body).where(*place, _ALL.event_type.in_(types), _ALL.seq >= (edge or 0))
    query = query.where(_ALL.recorded_at >= since_ms)
    bodies: list[bytes] = []
    size, last = 0, 0
    with tx.connection.execute(query.order_by(_ALL.seq.desc()).limit(want)) as rows:
        for seq, body in rows:
            bodies.append(body)
            last, size = seq, size + len(body)
            if size > SLICE_BYTES:
                return Slice(bodies, last, False)
    if len(bodies) == want:
        return Slice(bodies, last, False)
    return Slice(bodies, edge or 0, edge is None)
