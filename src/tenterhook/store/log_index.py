"""The full-text index of the log: filled behind the appending, a run of events at a time.

``log_text`` holds the words of an event's JSON and of its org's id, by ``seq``. ``log_span`` says which ``seq`` it
holds and when their events were published: the runs follow one another from the oldest event on, and whatever comes
after the last is the tail, which a search scans. Rows and span are written in one transaction, so that a crash leaves
neither without the other. A span speaks of all orgs.
"""

from __future__ import annotations

import weakref
from typing import Any

import apsw
import msgspec

from tenterhook.store.log_words import ACTOR
from tenterhook.store.schema import LOG_TEXT
from tenterhook.store.transaction import Tx

#: Of what is indexed of an event. Raise it with every change of `_FILL` or `LOG_TEXT`: a search asks for words as this
#: program writes them, and would find nothing among those of another.
VERSION = 1
_VERSION = "log_text.version"
#: Events of one span: large enough that spans stay few (2,500 for ten million events), small enough to be passed over.
SPAN_EVENTS = 4_000

#: Bytes of events that one step indexes: other writers wait for it, 50 ms if all their words are new.
STEP_BYTES = 512 * 1024
#: The connections that know our function.
_taught: weakref.WeakSet[apsw.Connection] = weakref.WeakSet()

#: The word that says whose an event is. Nobody can publish it: it is of the key that signs the org's cursors.
_ORG_WORD = "lower(hex(substr(org.cursor_key, 1, 8)))"
#: An event without a backslash is indexed as it is spelled, without leaving SQLite. The actor's id is there as a word
#: of its own as well (`ACTOR`): whoever acts is acted upon, too, and those events would be candidates in vain.
_FILL = f"""
    INSERT INTO log_text (rowid, body)
    SELECT seq, CASE WHEN instr(body, x'5c') THEN plain_text(body) ELSE CAST(body AS TEXT) END
        || coalesce(' ' || (SELECT {_ORG_WORD} FROM org WHERE org.id = log_event.org_id), '')
        || coalesce(' {ACTOR}' || json_extract(CAST(body AS TEXT), '$.actor.id'), '')
    FROM log_event WHERE seq > ? AND seq <= ? ORDER BY seq
"""  # noqa: S608


def org_word(tx: Tx, org_id: str) -> str:
    """Return the word that every event of the org has in the index, and no other event can have."""
    row = tx.driver.execute(f"SELECT {_ORG_WORD} FROM org WHERE id = ?", (org_id,)).fetchone()  # noqa: S608
    if row is None:
        raise LookupError(org_id)
    return str(row[0])


def prepare(tx: Tx) -> bool:
    """Throw the index away if another version of this program has written it; return whether that was so.

    For a start: `fill` makes it anew behind the publishing, and searches scan meanwhile.
    """
    row = tx.driver.execute("SELECT value FROM counter WHERE name = ?", (_VERSION,)).fetchone()
    if row is not None and row[0] == VERSION:
        return False
    known = indexed_upto(tx) > 0
    if known:
        tx.driver.execute("DROP TABLE log_text")
        tx.driver.execute(LOG_TEXT)
        tx.driver.execute("DELETE FROM log_span")
    sql = "INSERT INTO counter (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
    tx.driver.execute(sql, (_VERSION, VERSION))
    return known


def indexed_upto(tx: Tx) -> int:
    """Return the last ``seq`` that the index holds, 0 if it holds nothing: what comes after it is the tail."""
    row = tx.driver.execute("SELECT last_seq FROM log_span ORDER BY first_seq DESC LIMIT 1").fetchone()
    return row[0] if row is not None else 0


def has_tail(tx: Tx) -> bool:
    """Return whether the log has events that the index lacks."""
    sql = "SELECT 1 FROM log_event WHERE seq > ? LIMIT 1"
    return tx.driver.execute(sql, (indexed_upto(tx),)).fetchone() is not None


def fill(tx: Tx, most: int) -> int:
    """Index up to *most* events of the tail, and about `STEP_BYTES`; return how many that were, 0 if there is none.

    30 µs an event of 1.6 kB, nearly all of it inside SQLite.
    """
    after = indexed_upto(tx)
    run = tx.driver.execute(
        "SELECT count(*), min(seq), max(seq), min(published), max(published) FROM (SELECT seq, published,"
        " sum(size) OVER (ORDER BY seq) - size AS before FROM"
        " (SELECT seq, published, length(body) AS size FROM log_event WHERE seq > ? ORDER BY seq LIMIT ?))"
        " WHERE before < ?",
        (after, most, STEP_BYTES),
    ).fetchone()
    if run is None or not run[0]:
        return 0
    count, first, last, oldest, newest = run
    if tx.driver not in _taught:
        tx.driver.create_scalar_function("plain_text", _plain_text, 1, deterministic=True)
        _taught.add(tx.driver)
    tx.driver.execute(_FILL, (after, last))
    _extend(tx, first, last, oldest, newest)
    return int(count)


def _extend(tx: Tx, first: int, last: int, oldest: int, newest: int) -> None:
    grown = tx.driver.execute(
        "UPDATE log_span SET last_seq = ?2, oldest = min(oldest, ?3), newest = max(newest, ?4)"
        " WHERE first_seq = (SELECT max(first_seq) FROM log_span) AND ?2 - first_seq < ?5 RETURNING 1",
        (first, last, oldest, newest, SPAN_EVENTS),
    ).fetchall()
    if not grown:
        tx.driver.execute(
            "INSERT INTO log_span (first_seq, last_seq, oldest, newest) VALUES (?,?,?,?)", (first, last, oldest, newest)
        )


def remove(tx: Tx, upto_seq: int, most: int) -> int:
    """Take events up to *upto_seq* out of the index, at most *most* ``seq`` of them; return how many that were.

    For retention: call it until it returns 0. The events themselves may be deleted before it or in the same
    transaction, not after it: what is neither in a span nor in the tail is found by no search for words. What was never
    indexed needs nothing.
    """
    span = tx.driver.execute(
        "SELECT first_seq, last_seq FROM log_span WHERE first_seq <= ? ORDER BY first_seq LIMIT 1", (upto_seq,)
    ).fetchone()
    if span is None:
        return 0
    first, last = span
    end = min(last, upto_seq, first + most - 1)
    tx.driver.execute("DELETE FROM log_text WHERE rowid BETWEEN ? AND ?", (first, end))
    if end == last:
        tx.driver.execute("DELETE FROM log_span WHERE first_seq = ?", (first,))
    else:
        tx.driver.execute("UPDATE log_span SET first_seq = ? WHERE first_seq = ?", (end + 1, first))
    return int(end - first + 1)


def _plain_text(*values: Any) -> str:
    return plain_text(values[0])


def plain_text(body: bytes) -> str:
    """Return the values of an event's JSON with their escapes undone, each word apart: what a search looks for."""
    parts: list[str] = []
    stack: list[Any] = [msgspec.json.decode(body)]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            stack.extend(value.values())
        elif isinstance(value, list):
            stack.extend(value)
        elif isinstance(value, bool):
            parts.append("true" if value else "false")
        elif isinstance(value, str | int):
            parts.append(str(value))
    return " ".join(parts).replace("\0", " ")
