"""Record Tenterhook's own acts in the System Log."""

from __future__ import annotations

from tenterhook.domain.act import Act
from tenterhook.engine.append import append, make_entry
from tenterhook.engine.draft_act import draft_act
from tenterhook.engine.pipeline import Pipeline
from tenterhook.store.transaction import Tx


def record_act(pipeline: Pipeline, tx: Tx, act: Act) -> None:
    """Append a log event about what this system did, in the transaction that did it. It spends no quota."""
    now = pipeline.now_ms()
    entry = make_entry(pipeline.subscriptions.snapshot, act.org_id, draft_act(act, now), own=True)
    append(tx, pipeline.subscriptions, pipeline.lanes, [entry], now, pipeline.limits.events_per_24h)
