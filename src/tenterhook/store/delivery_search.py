"""Finding an org's deliveries across its hooks, newest first, a slice at a time.

The order is that of eventIds, which rise as deliveries are made; of one hook's, that of their ids. What ended FAILED
and what waits in small numbers has an index; anything else is looked for row by row, and a slice passes over a bounded
number of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from tenterhook.domain.attempt import Attempt
from tenterhook.store.delivery_views import Row
from tenterhook.store.quotas import HOLD
from tenterhook.store.schema import Queue, State
from tenterhook.store.transaction import Tx

#: Statuses that are derived of what has not ended.
_OPEN = frozenset({"PENDING", "RETRYING", "HELD"})
#: Waiting deliveries that are looked at all at once; more are looked for row by row.
FEW_WAITING = 2_000
#: Events whose types are told.
TOLD_TYPES = 3
#: The first and the last id that there can be.
ALL_IDS = (0, (1 << 63) - 1)


class Sought(msgspec.Struct, frozen=True, kw_only=True):
    """Which deliveries are looked for."""

    org_id: str
    hook_id: str | None = None
    statuses: frozenset[str] = frozenset()  #: as people see them (DESIGN §2.4); none: all
    held_hooks: tuple[str, ...] = ()  #: ids of the hooks that hold their deliveries
    reason: str | None = None  #: of the last attempt
    event_type: str | None = None  #: that it carries an event of
    ids: tuple[int, int] = ALL_IDS  #: the first and the last
    ended_since: int | None = None  #: ms; ended then or later
    ended_until: int | None = None  #: ms; ended before
    now_ms: int = 0
    boot: str = ""  #: of this process, whose claims are the only ones

    @property
    def is_filtered(self) -> bool:
        """Whether rows may have to be passed over."""
        ended = self.ended_since is not None or self.ended_until is not None
        return ended or bool(self.statuses or self.reason or self.event_type or self.ids != ALL_IDS)


class Place(NamedTuple):
    """A delivery that was passed, and the way on from it."""

    id: int
    event_id: bytes


class Slice(NamedTuple):
    """What one look brought."""

    rows: list[Row]  #: in the order of the walk
    place: Place | None  #: the last that was passed over; None: where it began
    ended: bool  #: whether nothing is left


class _Walk(NamedTuple):
    """By which index and key the rows are walked, in which direction."""

    source: str
    key: str
    rule: str
    newer: bool

    def beyond(self, name: str) -> str:
        return f"{self.key} {'>' if self.newer else '<'} :{name}"

    def upto(self, name: str) -> str:
        return f"{self.key} {'<=' if self.newer else '>='} :{name}"

    @property
    def order(self) -> str:
        return f"{self.key} {'ASC' if self.newer else 'DESC'}"

    def of(self, place: Place) -> int | bytes:
        return place.id if self.key == "id" else place.event_id


_COLUMNS = ", ".join(Row.__struct_fields__)
_OVER_QUOTA = f"(coalesce(hold, '') = '{HOLD}' AND state = 0 AND attempt_no = 0 AND due_at > :now)"
_HELD = f"(hook_id IN (SELECT value FROM json_each(:held)) OR {_OVER_QUOTA})"  # noqa: S608
_STATUS = {
    "DELIVERED": "state = 2",
    "FAILED": "state = 3",
    "SPLIT": "0",
    "HELD": f"(state IN (0, 1) AND {_HELD})",
    "PENDING": f"(state IN (0, 1) AND attempt_no = 0 AND NOT {_HELD})",
    "RETRYING": f"(state IN (0, 1) AND attempt_no > 0 AND NOT {_HELD})",
}
_REASON = (
    "EXISTS (SELECT 1 FROM attempt WHERE attempt.org_id = delivery.org_id AND attempt.delivery_id = delivery.id"
    " AND attempt.number = delivery.attempt_no AND attempt.reason = :reason)"
)
_TYPE = (
    "EXISTS (SELECT 1 FROM delivery_event JOIN log_event ON log_event.seq = delivery_event.seq"
    " WHERE delivery_event.delivery_id = delivery.id AND log_event.event_type = :type)"
)


def look(tx: Tx, sought: Sought, after: Place | None, newer: bool, want: int, rows: int) -> Slice:
    """Return up to *want* of the deliveries sought, from the next *rows* after a place.

    newer: whether to walk towards the youngest; else towards the oldest.
    Fewer than *want* say nothing about the rest: look on after the slice's place unless it has ended.
    """
    walk = _walk(sought, newer)
    values = _values(sought)
    few = _few_waiting(tx, sought, values)
    if few is not None:
        walk = walk._replace(source="delivery NOT INDEXED", rule="id IN (SELECT value FROM json_each(:few))")
        values["few"] = msgspec.json.encode(few).decode()
    rules = ["org_id = :org", walk.rule]
    if after is not None:
        rules.append(walk.beyond("after"))
        values["after"] = walk.of(after)
    edge: Place | None = None
    if few is None and sought.is_filtered:
        edge = _edge(tx, walk, rules, values, rows)
    if edge is not None:
        rules = [*rules, walk.upto("edge")]
        values["edge"] = walk.of(edge)
    where = " AND ".join([*rules, *_conditions(sought)])
    found: list[Any] = tx.driver.execute(
        f"SELECT {_COLUMNS} FROM {walk.source} WHERE {where} ORDER BY {walk.order} LIMIT :want",  # noqa: S608
        {**values, "want": want},
    ).fetchall()
    made = [_row(row) for row in found]
    if len(made) == want:
        return Slice(made, Place(made[-1].id, made[-1].event_id), False)
    return Slice(made, edge or after, edge is None)


def _walk(sought: Sought, newer: bool) -> _Walk:
    if sought.statuses == {"FAILED"}:
        rule = "state = 3" if sought.hook_id is None else "state = 3 AND hook_id = :hook"
        return _Walk("delivery INDEXED BY delivery_failed", "event_id", rule, newer)
    if sought.hook_id is not None:
        return _Walk("delivery INDEXED BY delivery_hook", "id", "hook_id = :hook", newer)
    return _Walk("delivery INDEXED BY delivery_event_id", "event_id", "1", newer)


def _values(sought: Sought) -> dict[str, Any]:
    return {
        "org": sought.org_id,
        "hook": sought.hook_id,
        "held": msgspec.json.encode(sought.held_hooks).decode(),
        "reason": sought.reason,
        "type": sought.event_type,
        "first": sought.ids[0],
        "last": sought.ids[1],
        "ended_since": sought.ended_since,
        "ended_until": sought.ended_until,
        "now": sought.now_ms,
        "boot": sought.boot,
    }


def _conditions(sought: Sought) -> list[str]:
    found = ["id >= :first", "id <= :last"]
    if sought.statuses:
        found.append("(" + " OR ".join(_STATUS[status] for status in sorted(sought.statuses)) + ")")
    # What has not ended has no time of it, and is on neither side of any.
    if sought.ended_since is not None:
        found.append("ended_at >= :ended_since")
    if sought.ended_until is not None:
        found.append("ended_at < :ended_until")
    if sought.reason is not None:
        found.append(_REASON)
    if sought.event_type is not None:
        found.append(_TYPE)
    return found


def _edge(tx: Tx, walk: _Walk, rules: Sequence[str], values: dict[str, Any], rows: int) -> Place | None:
    """Return the last of the next *rows*, found in the index alone; None if fewer are left."""
    row: Any = tx.driver.execute(
        f"SELECT id, event_id FROM {walk.source} WHERE {' AND '.join(rules)}"  # noqa: S608
        f" ORDER BY {walk.order} LIMIT 1 OFFSET :passed",
        {**values, "passed": rows - 1},
    ).fetchone()
    return None if row is None else Place(*row)


def _few_waiting(tx: Tx, sought: Sought, values: dict[str, Any]) -> list[int] | None:
    """Return the ids of all that waits or is under way, if that is what is sought and it is not much; else None."""
    if not sought.statuses or not sought.statuses <= _OPEN:
        return None
    hook = "" if sought.hook_id is None else " AND hook_id = :hook"
    found: list[int] = []
    for sql in (
        f"SELECT id FROM delivery INDEXED BY delivery_ready WHERE state = 0 AND org_id = :org{hook}",  # noqa: S608
        f"SELECT id FROM delivery INDEXED BY delivery_claimed WHERE state = 1 AND boot = :boot AND org_id = :org{hook}",  # noqa: S608
    ):
        rows: Iterable[Any] = tx.driver.execute(f"{sql} LIMIT :most", {**values, "most": FEW_WAITING + 1})
        found += [identity for (identity,) in rows]
        if len(found) > FEW_WAITING:
            return None
    return found


def _row(values: Any) -> Row:
    made = dict(zip(Row.__struct_fields__, values, strict=True))
    return Row(**{**made, "state": State(made["state"]), "queue": Queue(made["queue"])})


# ---- what they carry, and how the last attempt ended -----------------------------------------------------------------


class Contents(NamedTuple):
    """What a delivery carries."""

    events: int
    types: list[str]  #: of its first events, each once; empty if retention took those


def contents_of(tx: Tx, delivery_ids: Sequence[int], since_ms: int) -> dict[int, Contents]:
    """Return what each delivery carries. since_ms: events recorded before it are beyond retention."""
    found: dict[int, Contents] = {}
    for identity in delivery_ids:
        count: Any = tx.driver.execute(
            "SELECT count(*) FROM delivery_event WHERE delivery_id = ?", (identity,)
        ).fetchone()
        types: Iterable[Any] = tx.driver.execute(
            "SELECT event_type FROM delivery_event JOIN log_event ON log_event.seq = delivery_event.seq"
            " WHERE delivery_id = ? AND recorded_at >= ? ORDER BY delivery_event.seq LIMIT ?",
            (identity, since_ms, TOLD_TYPES),
        )
        found[identity] = Contents(count[0], list(dict.fromkeys(name for (name,) in types)))
    return found


_decoder = msgspec.json.Decoder(Attempt)


def last_attempts(tx: Tx, org_id: str, delivery_ids: Sequence[int], since_ms: int) -> dict[int, Attempt]:
    """Return the last attempt of each delivery that has had one. since_ms: none that began before it."""
    found: dict[int, Attempt] = {}
    for identity in delivery_ids:
        row: Any = tx.driver.execute(
            "SELECT detail FROM attempt WHERE org_id = ? AND delivery_id = ? AND started >= ?"
            " ORDER BY number DESC LIMIT 1",
            (org_id, identity, since_ms),
        ).fetchone()
        if row is not None:
            found[identity] = _decoder.decode(row[0])
    return found


def deliveries_of(tx: Tx, org_id: str, seqs: Sequence[int]) -> dict[int, int]:
    """Return how many deliveries carry each of the org's events; those that none carries are missing.

    An event names the hooks that it went to, and under each it is one seek: no look at all hooks for each event.
    """
    rows: Iterable[Any] = tx.driver.execute(
        "SELECT log_event.seq, count(*) FROM json_each(:seqs) AS asked"
        " CROSS JOIN log_event ON log_event.seq = asked.value AND log_event.org_id = :org"
        " CROSS JOIN json_each('[\"' || replace(json_extract(CAST(body AS TEXT),"
        " '$.debugContext.debugData.targetEventHookIds'), ',', '\",\"') || '\"]') AS hook"
        " CROSS JOIN delivery_event ON delivery_event.org_id = :org AND delivery_event.hook_id = hook.value"
        " AND delivery_event.seq = log_event.seq"
        " GROUP BY log_event.seq",
        {"org": org_id, "seqs": msgspec.json.encode(list(seqs)).decode()},
    )
    return dict(rows)
