"""How many attempts and deliveries ended how, by org, hook and span of time: noted as they end, added up behind.

Whatever ends a delivery notes it in the same transaction: one short row a commit, appended, in no index. `folded` and
`replace` add the notes to the tallies and delete them, in one transaction too, so that nothing is lost or counted twice
whenever the process dies. What is read is the tallies and the notes that are still to be added: there is no lag, unless
more is noted between two foldings than is looked at together.

Source: decision record 10.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from enum import IntEnum
from typing import Any, NamedTuple

import msgspec

from tenterhook.domain.tally import Tally
from tenterhook.domain.timestamp import DAY_MS
from tenterhook.store import schema
from tenterhook.store.transaction import Tx, chunks, marks

#: Where the tally of all hooks of an org stands.
ALL = ""
#: Notes that are looked at together, and bytes of them (one note more than fits).
MAX_NOTES, MAX_BYTES = 4_000, 1024 * 1024

_MINUTE_MS = 60_000


class Grain(IntEnum):
    """How long the spans of a tally are, in ms."""

    MINUTE = _MINUTE_MS
    QUARTER = 15 * _MINUTE_MS
    HOUR = 60 * _MINUTE_MS


#: For how long they are kept (ms): what is shown of them, and some more.
_KEPT = {Grain.MINUTE: 2 * 60 * _MINUTE_MS, Grain.QUARTER: 26 * 60 * _MINUTE_MS, Grain.HOUR: 8 * DAY_MS}


class Key(NamedTuple):
    """What one tally is about."""

    org_id: str
    grain: int
    start: int  #: ms
    hook_id: str  #: or `ALL`


class Folded(NamedTuple):
    """Tallies as they are with some notes added, and which notes those were."""

    first_id: int
    last_id: int
    tallies: dict[Key, Tally]


_noted = msgspec.msgpack.Decoder(dict[str, dict[str, list[int]]])
_times = msgspec.msgpack.Decoder(dict[int, int])
_COLUMNS = "delivered, failed_attempts, ended_failed, timed, total_us, times"


# ---- noting ----------------------------------------------------------------------------------------------------------


def note(tx: Tx, ended: Mapping[tuple[str, str], list[int]], now_ms: int) -> None:
    """Note what has just ended: the codes (`domain.tally.code`) of each hook (org id, hook id)."""
    if not ended:
        return
    noted: dict[str, dict[str, list[int]]] = {}
    for (org_id, hook_id), codes in ended.items():
        noted.setdefault(org_id, {})[hook_id] = codes
    tx.driver.execute("INSERT INTO tally_note (at, body) VALUES (?,?)", (now_ms, msgspec.msgpack.encode(noted)))


# ---- adding up -------------------------------------------------------------------------------------------------------


def has_notes(tx: Tx) -> bool:
    """Return whether any note is still to be added."""
    return tx.driver.execute("SELECT 1 FROM tally_note LIMIT 1").fetchone() is not None


def folded(tx: Tx) -> Folded | None:
    """Return the tallies that the oldest notes change, as they become; None if there are no notes.

    For a reader: the work is done here. Give the result to `replace`, and let nobody else fold meanwhile.
    """
    notes = _notes(tx)
    if not notes:
        return None
    changes: dict[Key, Tally] = {}
    for (org_id, hook_id, minute), one in _by_minute(notes, None).items():
        for grain in Grain:
            for about in (hook_id, ALL):
                key = Key(org_id, int(grain), minute - minute % grain, about)
                changes.setdefault(key, Tally()).add(one)
    for key, stored in _stored(tx, list(changes)):
        changes[key].add(stored)
    return Folded(notes[0][0], notes[-1][0], changes)


def replace(tx: Tx, made: Folded) -> bool:
    """Store what `folded` made and delete its notes; no if somebody has done that already."""
    row = tx.driver.execute("SELECT min(id) FROM tally_note").fetchone()
    if row is None or row[0] != made.first_id:
        return False
    rows = [(*key, *_values(one)) for key, one in made.tallies.items()]
    width = len(schema.tally.columns)
    for chunk in chunks(rows):
        sql = f"INSERT OR REPLACE INTO tally VALUES {marks(width, len(chunk))}"  # noqa: S608
        tx.driver.execute(sql, [value for one in chunk for value in one])
    tx.driver.execute("DELETE FROM tally_note WHERE id <= ?", (made.last_id,))
    return True


def orgs_to_forget(tx: Tx, now_ms: int) -> list[str]:
    """Return the ids of the orgs that have tallies which are kept no longer."""
    found: set[str] = set()
    for grain in Grain:
        sql = "SELECT id FROM org WHERE EXISTS (SELECT 1 FROM tally WHERE org_id = org.id AND grain = ? AND start < ?)"
        rows: Iterable[Any] = tx.driver.execute(sql, (int(grain), _oldest(grain, now_ms)))
        found.update(org_id for (org_id,) in rows)
    return sorted(found)


def forget(tx: Tx, org_id: str, now_ms: int, limit: int) -> int:
    """Delete up to *limit* tallies of an org that are kept no longer; return how many there were."""
    gone = 0
    for grain in Grain:
        tx.driver.execute(
            "DELETE FROM tally WHERE (org_id, grain, start, hook_id) IN"
            " (SELECT org_id, grain, start, hook_id FROM tally WHERE org_id = ? AND grain = ? AND start < ? LIMIT ?)",
            (org_id, int(grain), _oldest(grain, now_ms), limit - gone),
        )
        gone += tx.driver.changes()
    return gone


def _oldest(grain: Grain, now_ms: int) -> int:
    return now_ms - _KEPT[grain]


# ---- reading ---------------------------------------------------------------------------------------------------------


def series(tx: Tx, org_id: str, hook_id: str, grain: Grain, starts: Collection[int]) -> dict[int, Tally]:
    """Return the tallies of a hook, or of `ALL`, whose spans begin at *starts* (ms); no entry: nothing ended then."""
    found: dict[int, Tally] = {}
    rows: Iterable[Any] = tx.driver.execute(
        f"SELECT tally.start, {_COLUMNS} FROM json_each(?) AS asked CROSS JOIN tally"  # noqa: S608
        " ON org_id = ? AND grain = ? AND tally.start = asked.value AND hook_id = ?",
        (_json(starts), org_id, int(grain), hook_id),
    )
    for start, *values in rows:
        found[start] = _tally(values)
    wanted = frozenset(starts)
    for (_, about, minute), one in _by_minute(_notes(tx), org_id).items():
        start = minute - minute % grain
        if start in wanted and hook_id in (ALL, about):
            found.setdefault(start, Tally()).add(one)
    return found


class Counts(msgspec.Struct, array_like=True, gc=False):
    """What ended of one hook in one span, without its times."""

    hook_id: str
    delivered: int
    failed_attempts: int
    ended_failed: int


_counts = msgspec.json.Decoder(list[Counts])
_OF_SPAN = (
    "SELECT json_group_array(json_array(hook_id, delivered, failed_attempts, ended_failed)) FROM tally"
    " WHERE org_id = ? AND grain = ? AND start = ? AND "
)


def by_hook(
    tx: Tx, org_id: str, hook_ids: Collection[str] | None, grain: Grain, starts: Collection[int]
) -> dict[str, dict[int, Counts]]:
    """Return what ended in the spans that begin at *starts* (ms), by hook and start.

    hook_ids: of which; None: of all. A hook of which nothing ended then is missing.
    """
    found: dict[str, dict[int, Counts]] = {}
    # One row a span: each row that comes out of SQLite alone costs more than finding it.
    of_span = _OF_SPAN + ("hook_id > ?" if hook_ids is None else "hook_id IN (SELECT value FROM json_each(?))")  # noqa: S608
    chosen = ALL if hook_ids is None else _json(hook_ids)
    for start in starts:
        row: Any = tx.driver.execute(of_span, (org_id, int(grain), start, chosen)).fetchone()
        for one in _counts.decode(row[0]):
            of_hook = found.get(one.hook_id)
            if of_hook is None:
                found[one.hook_id] = {start: one}
            else:
                of_hook[start] = one
    wanted = frozenset(starts)
    for (_, about, minute), tally in _by_minute(_notes(tx), org_id).items():
        start = minute - minute % grain
        if start in wanted and (hook_ids is None or about in hook_ids):
            counts = found.setdefault(about, {}).setdefault(start, Counts(about, 0, 0, 0))
            counts.delivered += tally.delivered
            counts.failed_attempts += tally.failed_attempts
            counts.ended_failed += tally.ended_failed
    return found


def starts_of(grain: Grain, since_ms: int, until_ms: int) -> list[int]:
    """Return where the spans begin that hold any of [since, until), oldest first."""
    return list(range(since_ms - since_ms % grain, until_ms, grain))


# ---- rows ------------------------------------------------------------------------------------------------------------


def _notes(tx: Tx) -> list[tuple[int, int, bytes]]:
    """Return the oldest notes (id, ms, body), as many as are looked at together."""
    rows: list[tuple[int, int, bytes]] = []
    size = 0
    found: Iterable[Any] = tx.driver.execute("SELECT id, at, body FROM tally_note ORDER BY id LIMIT ?", (MAX_NOTES,))
    for row in found:
        rows.append(row)
        size += len(row[2])
        if size > MAX_BYTES:
            break
    return rows


def _by_minute(notes: Iterable[tuple[int, int, bytes]], org_id: str | None) -> dict[tuple[str, str, int], Tally]:
    """Return what *notes* count by (org id, hook id, minute in ms). org_id: of which org; None: of all."""
    found: dict[tuple[str, str, int], Tally] = {}
    for _, at, body in notes:
        minute = at - at % _MINUTE_MS
        for owner, hooks in _noted.decode(body).items():
            if org_id not in (None, owner):
                continue
            for hook_id, codes in hooks.items():
                key = (owner, hook_id, minute)
                one = found.get(key)
                if one is None:
                    one = found[key] = Tally()
                one.count(codes)
    return found


def _stored(tx: Tx, keys: Sequence[Key]) -> Iterator[tuple[Key, Tally]]:
    """Yield those of the tallies that there are."""
    place = "t.org_id = v.column1 AND t.grain = v.column2 AND t.start = v.column3 AND t.hook_id = v.column4"
    for chunk in chunks(keys):
        rows: Iterable[Any] = tx.driver.execute(
            f"SELECT t.org_id, grain, start, hook_id, {_COLUMNS} FROM (VALUES {marks(4, len(chunk))}) AS v"  # noqa: S608
            f" CROSS JOIN tally AS t ON {place}",
            [value for key in chunk for value in key],
        )
        for row in rows:
            yield Key(*row[:4]), _tally(row[4:])


def _tally(values: Any) -> Tally:
    delivered, failed, ended, timed, total_us, times = values
    return Tally(
        delivered=delivered,
        failed_attempts=failed,
        ended_failed=ended,
        timed=timed,
        total_us=total_us,
        times=_times.decode(times),
    )


def _values(one: Tally) -> tuple[Any, ...]:
    times = msgspec.msgpack.encode(one.times)
    return one.delivered, one.failed_attempts, one.ended_failed, one.timed, one.total_us, times


def _json(values: Collection[int] | Collection[str]) -> str:
    return msgspec.json.encode(list(values)).decode()
