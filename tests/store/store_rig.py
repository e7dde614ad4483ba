"""What the tests of the store begin with: a real database in a temporary file, two orgs, and hooks that wait."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import apsw
import structlog

from tenterhook.domain.attempt import Attempt, Outcome, Phases, Reason
from tenterhook.ids import uuid7
from tenterhook.store import deliveries, log_events, orgs
from tenterhook.store.database import Database
from tenterhook.store.deliveries import Born, Claimed, Settled
from tenterhook.store.migrate import migrate
from tenterhook.store.schema import Queue, State
from tenterhook.store.transaction import Tx
from tenterhook.store.write_queue import Batch, Class

T = TypeVar("T")

ORG, OTHER = "00o" + "a" * 17, "00o" + "b" * 17
HOOK, HOOK2 = "who" + "a" * 17, "who" + "b" * 17
NOW = 1_767_323_045_678
BOOT, BOOT2 = "boot-1", "boot-2"
KEY = (ORG, HOOK)

structlog.configure(logger_factory=structlog.ReturnLoggerFactory())

#: A write of a note, run together with all that wait: what the group commit is tested with.
NOTES: Batch[str, str] = Batch("notes", Class.PUBLISH, lambda tx, names: [note(tx, name) for name in names])


def note(tx: Tx, name: str) -> str:
    """Insert a row called *name*; a second one of that name violates a constraint."""
    tx.driver.execute("INSERT INTO counter (name, value) VALUES (?, 1)", (name,))
    return name


def notes(tx: Tx) -> list[str]:
    """Return the names of all notes."""
    return [row[0] for row in tx.driver.execute("SELECT name FROM counter WHERE name LIKE 'n%' ORDER BY name")]


def notes_in(path: Path) -> list[str]:
    """Return the notes that a copy of the database's files, taken now, would come back with."""
    copy = path.parent / f"copy-{uuid7().hex()}"
    copy.mkdir()
    for suffix in ("", "-wal"):
        source = path.with_name(path.name + suffix)
        if source.exists():
            (copy / (path.name + suffix)).write_bytes(source.read_bytes())
    connection = apsw.Connection(str(copy / path.name))
    try:
        return [row[0] for row in connection.execute("SELECT name FROM counter WHERE name LIKE 'n%' ORDER BY name")]
    finally:
        connection.close()


def opened(path: Path, **options: Any) -> Database:
    """Open a fresh database with its tables."""
    database = Database(path / "events.db", **options)
    database.run_now(migrate)
    return database


def run(path: Path, story: Callable[[Database], Awaitable[T]], **options: Any) -> T:
    """Run *story* on a fresh, started database and close it, all within a minute."""

    async def whole() -> T:
        database = opened(path, **options)
        database.start()
        try:
            async with asyncio.timeout(60):
                return await story(database)
        finally:
            await database.close()

    return asyncio.run(whole())


def in_one(path: Path, fn: Callable[[Tx], T]) -> T:
    """Run *fn* in one transaction of a fresh database."""
    database = opened(path)
    try:
        return database.run_now(fn)
    finally:
        asyncio.run(database.close())


def found_orgs(tx: Tx) -> None:
    """Make the two orgs."""
    for org_id in (ORG, OTHER):
        orgs.insert(tx, orgs.Org(org_id, org_id, 0, org_id.encode() * 2))


def row(org_id: str = ORG, uuid: bytes | None = None, body: bytes = b"{}") -> log_events.Row:
    """Return a log event's row."""
    return log_events.Row(org_id, uuid or uuid7(), NOW, "a.b", body)


def born(*seqs: int, claimed: bool = False, hook: str = HOOK, org_id: str = ORG) -> Born:
    """Return a new delivery of the events *seqs*."""
    return Born(org_id, hook, uuid7(), 1, list(seqs), claimed=claimed)


def made(tx: Tx, count: int = 1, *, claimed: bool = False, first: int = 1, now_ms: int = NOW) -> list[Born]:
    """Insert *count* deliveries of one event each."""
    rows = [born(first + at, claimed=claimed) for at in range(count)]
    deliveries.insert(tx, rows, BOOT, now_ms)
    return rows


def claimed_one(tx: Tx, boot: str = BOOT, queue: Queue = Queue.FIRST, now_ms: int = NOW) -> Claimed:
    """Claim the one delivery that is due."""
    (one,) = deliveries.claim(tx, KEY, queue, 10, boot, now_ms)
    return one


def outcome(
    one: Claimed,
    state: State = State.DELIVERED,
    *,
    number: int | None = None,
    due_at: int = NOW,
    reason: str | None = None,
) -> Settled:
    """Return the outcome of an attempt at *one*."""
    delivered = state is State.DELIVERED
    attempt = Attempt(
        Outcome.DELIVERED if delivered else Outcome.FAILED,
        None if delivered else Reason.TIMEOUT,
        "",
        datetime.fromtimestamp(NOW / 1000, UTC),
        Phases(),
        number=one.attempt_no + 1 if number is None else number,
    )
    return Settled(one, attempt, state, due_at, one.step, reason)


def state_of(tx: Tx, identity: int) -> tuple[Any, ...]:
    """Return a delivery's (state, boot, attempt_no, due_at, ended_at, end_reason)."""
    sql = "SELECT state, boot, attempt_no, due_at, ended_at, end_reason FROM delivery WHERE id = ?"
    found: tuple[Any, ...] | None = tx.driver.execute(sql, (identity,)).fetchone()
    assert found is not None
    return found


def attempts_of(tx: Tx, identity: int) -> list[int]:
    """Return the numbers of a delivery's attempts."""
    sql = "SELECT number FROM attempt WHERE delivery_id = ? ORDER BY number"
    return [found[0] for found in tx.driver.execute(sql, (identity,))]
