"""What waits, by hook, and why hooks fail: counted on the partial indexes, never beyond a bound."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

import msgspec

from tenterhook.domain.attempt import Attempt
from tenterhook.store.schema import Queue, State
from tenterhook.store.transaction import Tx

#: Waiting deliveries that are counted in all, and of each hook however many there are.
MOST_COUNTED, MOST_OF_ONE = 100_000, 100
#: The youngest deliveries of a hook among which one is looked for that ended FAILED.
LOOKED_AT = 50

_NEVER = 1 << 62


class Backlog(NamedTuple):
    """What of one hook has not ended."""

    waiting: int = 0  #: deliveries that wait in the database, whatever for
    is_exact: bool = True  #: no: there are more
    over_quota: int = 0  #: of them, those that wait for another window of the org's quota
    oldest_due: int | None = None  #: ms; when the first of them is or was due
    claimed: int = 0  #: deliveries in memory, queued or under way

    @property
    def total(self) -> int:
        """All of them."""
        return self.waiting + self.claimed


_WAITS = (
    "WITH RECURSIVE waits (hook) AS ("
    " SELECT min(hook_id) FROM delivery WHERE state = 0 AND org_id = :org"
    " UNION ALL"
    " SELECT (SELECT min(hook_id) FROM delivery WHERE state = 0 AND org_id = :org AND hook_id > waits.hook)"
    " FROM waits WHERE waits.hook IS NOT NULL"
    ")"
)
_OF_HOOK = "FROM delivery WHERE state = 0 AND org_id = :org AND hook_id = waits.hook"
_HOOKS = f"{_WAITS} SELECT count(*) FROM waits WHERE hook IS NOT NULL"  # noqa: S608
#: One row for all hooks: each row that comes out of SQLite alone costs more than finding it. A first try that is due
#: later is one that the quota holds: nothing else puts it off.
_COUNT = (
    f"{_WAITS} SELECT json_group_array(json_array(hook,"  # noqa: S608
    f" (SELECT count(*) FROM (SELECT 1 {_OF_HOOK} LIMIT :most)),"
    f" (SELECT count(*) FROM (SELECT 1 {_OF_HOOK} AND queue = {int(Queue.FIRST)} AND due_at > :now LIMIT :most)), min("
    + ", ".join(f"coalesce((SELECT min(due_at) {_OF_HOOK} AND queue = {int(queue)}), {_NEVER})" for queue in Queue)
    + "))) FROM waits WHERE hook IS NOT NULL"
)
_counts = msgspec.json.Decoder(list[tuple[str, int, int, int]])


#: What lanes hold is bounded, and this is read in the same snapshot as the rest: nothing is counted twice.
_CLAIMED = (
    "SELECT json_group_array(json_array(hook, claimed)) FROM (SELECT hook_id AS hook, count(*) AS claimed FROM delivery"
    " INDEXED BY delivery_claimed WHERE state = 1 AND boot = ? AND org_id = ? GROUP BY hook_id)"
)
_claims = msgspec.json.Decoder(list[tuple[str, int]])


def by_hook(tx: Tx, org_id: str, boot: str, now_ms: int) -> dict[str, Backlog]:
    """Return what has not ended, by hook; a hook without anything is missing. boot: of the process that claims."""
    hooks: Any = tx.driver.execute(_HOOKS, {"org": org_id}).fetchone()
    most = max(MOST_OF_ONE, MOST_COUNTED // max(1, hooks[0]))
    row: Any = tx.driver.execute(_COUNT, {"org": org_id, "now": now_ms, "most": most}).fetchone()
    found = {
        hook_id: Backlog(waiting, waiting < most, over_quota, oldest)
        for hook_id, waiting, over_quota, oldest in _counts.decode(row[0])
    }
    claims: Any = tx.driver.execute(_CLAIMED, (boot, org_id)).fetchone()
    for hook_id, claimed in _claims.decode(claims[0]):
        found[hook_id] = found.get(hook_id, Backlog())._replace(claimed=claimed)
    return found


def failing_since(tx: Tx, org_id: str) -> dict[str, int]:
    """Return since when (ms) deliveries of the org's living hooks fail, by hook; those that work are missing."""
    rows: Iterable[Any] = tx.driver.execute(
        "SELECT id, failing_since FROM event_hook WHERE org_id = ? AND failing_since IS NOT NULL AND deleted IS NULL",
        (org_id,),
    )
    return dict(rows)


def last_delivery(tx: Tx, org_id: str, hook_ids: Collection[str]) -> dict[str, int]:
    """Return when (ms) the youngest delivery of each hook was made; hooks that never had any are missing."""
    row: Any = tx.driver.execute(
        "SELECT json_group_array(json_array(asked.value, (SELECT created FROM delivery WHERE org_id = ?"
        " AND hook_id = asked.value ORDER BY id DESC LIMIT 1))) FROM json_each(?) AS asked",
        (org_id, msgspec.json.encode(list(hook_ids)).decode()),
    ).fetchone()
    return {hook_id: created for hook_id, created in _times.decode(row[0]) if created is not None}


_times = msgspec.json.Decoder(list[tuple[str, int | None]])

_RETRIED = (
    "SELECT id FROM delivery WHERE state = 0 AND org_id = ? AND hook_id = ? AND queue = ?"
    " ORDER BY due_at DESC, id DESC LIMIT 1"
)
_ENDED = (
    "SELECT id FROM (SELECT id, state FROM delivery WHERE org_id = ? AND hook_id = ? ORDER BY id DESC LIMIT ?)"
    " WHERE state = ? ORDER BY id DESC LIMIT 1"
)
_LAST = (
    "SELECT started, detail FROM attempt WHERE org_id = ? AND delivery_id = ? AND outcome = 'FAILED'"
    " AND reason IS NOT 'INTERRUPTED' AND started >= ? ORDER BY number DESC LIMIT 1"
)


def last_failure(tx: Tx, org_id: str, hook_id: str, since_ms: int) -> Attempt | None:
    """Return an attempt that tells why a hook fails: the last failed one that is easily found, if any is.

    It is looked for in the delivery that waits for its retry longest, and in the last ones that ended FAILED. Attempts
    that we interrupted ourselves tell nothing. since_ms: none that began before it.
    """
    places: list[Any] = [
        tx.driver.execute(_RETRIED, (org_id, hook_id, int(Queue.RETRY))).fetchone(),
        tx.driver.execute(_ENDED, (org_id, hook_id, LOOKED_AT, int(State.FAILED))).fetchone(),
    ]
    found: list[Any] = [
        row
        for place in places
        if place is not None and (row := tx.driver.execute(_LAST, (org_id, place[0], since_ms)).fetchone()) is not None
    ]
    return msgspec.json.decode(max(found)[1], type=Attempt) if found else None
