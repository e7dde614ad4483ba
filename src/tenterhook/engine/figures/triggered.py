"""Read how many deliveries log events have caused: what a page of the log shows beside each."""

from __future__ import annotations

from collections.abc import Sequence

from tenterhook.domain.principal import Principal
from tenterhook.engine.pipeline import Pipeline
from tenterhook.ids import parse_uuid, uuid_text
from tenterhook.store import delivery_search, log_events
from tenterhook.store.transaction import Tx


async def read_triggered(pipeline: Pipeline, principal: Principal, uuids: Sequence[str]) -> dict[str, int]:
    """Return how many deliveries carry each of the org's events, by uuid; those that none carries are missing.

    Deliveries that retention has taken are not counted.
    """
    wanted = [raw for uuid in uuids if (raw := parse_uuid(uuid)) is not None]

    def read(tx: Tx) -> dict[str, int]:
        places = log_events.places(tx, principal.org_id, wanted)
        counts = delivery_search.deliveries_of(tx, principal.org_id, list(places.values()))
        return {uuid_text(raw): counts[seq] for raw, seq in places.items() if seq in counts}

    return await pipeline.database.read(read)
