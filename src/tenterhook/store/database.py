"""How store functions run: one writing thread with group commit, a few reading threads.

`Database.write` / `Database.submit` and `Database.read` are the only asynchronous entrances; what they run is
synchronous and gets a `Tx` (DESIGN §3.3). Everything that waits while a commit is under way goes into the next one.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Any, Generic, TypeVar

import apsw
import sqlalchemy as sa
import structlog

from tenterhook.errors import CallerError, OverloadedError, StorageError
from tenterhook.failpoints import passing
from tenterhook.store import sqlite
from tenterhook.store.transaction import Tx

T = TypeVar("T")
I = TypeVar("I")  # noqa: E741
R = TypeVar("R")

log = structlog.get_logger(__name__)

MAX_BATCH_ROWS = 1000
READERS = 3


_FAILED = "the database failed; the process is stopping"

#: The file or its disk is broken: what was not acknowledged is refused, and the process ends.
_FATAL = (apsw.IOError, apsw.CorruptError, apsw.NotADBError)
#: The disk or a neighbour says no: nothing was stored, and later it may be.
_REFUSALS = (apsw.FullError, apsw.BusyError, apsw.ReadOnlyError, apsw.CantOpenError)


class Class(IntEnum):
    """What a write is for; lower goes first."""

    OUTCOME = 0
    DOCUMENT = 1
    PUBLISH = 2
    MAINTENANCE = 3


#: Rows of a batch that each class is sure of, however much of the higher classes waits.
SHARE = {Class.OUTCOME: 400, Class.DOCUMENT: 100, Class.PUBLISH: 400, Class.MAINTENANCE: 100}
#: What may wait, per class, before the caller is refused: rows and bytes.
MAX_WAITING_ROWS = 20_000
MAX_WAITING_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, eq=False)
class Batch(Generic[I, R]):
    """A kind of write whose waiting items are run together.

    run: gets the items in order of arrival, returns one result each. Items are valid beforehand: if run raises, each
    item is tried again alone and only those that fail again are told.
    """

    name: str
    klass: Class
    run: Callable[[Tx, list[I]], list[R]]


@dataclass(slots=True, eq=False)
class _Waiting:
    batch: Batch[Any, Any] | None
    payload: Any  # an item of the batch, or fn(tx)
    done: Callable[[Any], None]
    failed: Callable[[BaseException], None]
    rows: int = 1
    size: int = 0
    result: Any = None


@dataclass(eq=False)
class _Lanes:
    """What waits, by class."""

    items: dict[Class, deque[_Waiting]] = field(default_factory=lambda: {klass: deque() for klass in Class})
    rows: dict[Class, int] = field(default_factory=lambda: dict.fromkeys(Class, 0))
    bytes: dict[Class, int] = field(default_factory=lambda: dict.fromkeys(Class, 0))

    def put(self, klass: Class, item: _Waiting) -> None:
        self.items[klass].append(item)
        self.rows[klass] += item.rows
        self.bytes[klass] += item.size

    def take(self) -> list[tuple[Class, _Waiting]]:
        """Return the next batch: each class its share first, then what is left of the batch by rank."""
        taken: list[tuple[Class, _Waiting]] = []
        used = 0
        for shared in (True, False):
            for klass in Class:
                limit = used + SHARE[klass] if shared else MAX_BATCH_ROWS
                queue = self.items[klass]
                while queue and (used < limit):
                    item = queue.popleft()
                    self.rows[klass] -= item.rows
                    self.bytes[klass] -= item.size
                    used += item.rows
                    taken.append((klass, item))
        taken.sort(key=lambda pair: pair[0])
        return taken


class Database:
    """One SQLite file, opened: the writer, the readers, and what waits for them."""

    def __init__(self, path: Path, *, vfs: str | None = None, on_fatal: Callable[[BaseException], None] | None = None):
        self.path = path
        self._vfs = vfs
        self._on_fatal = on_fatal
        self._waiting = _Lanes()
        self._wake = threading.Condition()
        self._closing = False
        self._ended = False
        self._fatal: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._engine = sqlite.engine(path, vfs=vfs)
        self._readers: ThreadPoolExecutor | None = None
        self._local = threading.local()
        self._reader_connections: list[sa.Connection] = []
        self._thread = threading.Thread(target=self._write_forever, name="tenterhook-writer", daemon=True)
        try:
            self._connection = self._engine.connect()
            #: What SQLite answered when its settings were read back.
            self.settings = sqlite.prepare(self._connection)
        except sa.exc.DBAPIError as error:
            raise StorageError(
                f"The database {path} cannot be opened: {error.orig}. If it was damaged, restore a backup; to begin "
                "anew, name another directory with --data (TENTERHOOK_DATA_DIR)."
            ) from error
        self.commits = 0

    # -- life ---------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the threads; call it inside the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="tenterhook-reader")
        self._thread.start()

    def run_now(self, fn: Callable[[Tx], T]) -> T:
        """Run *fn* in a transaction of its own before the threads start: migrations and recovery."""
        self._connection.exec_driver_sql("BEGIN IMMEDIATE")
        tx = Tx(self._connection)
        try:
            result = fn(tx)
        except BaseException:
            self._connection.rollback()
            tx.rolled_back()
            raise
        self._connection.commit()
        tx.committed()
        return result

    async def close(self) -> None:
        """Write what waits, stop the threads and close the file."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        if self._thread.is_alive():
            await asyncio.to_thread(self._thread.join)
        if self._readers is not None:
            await asyncio.to_thread(self._readers.shutdown)
        for connection in self._reader_connections:
            connection.close()
        self._connection.close()
        self._engine.dispose()

    # -- the entrances ------------------------------------------------------------------------------------------------

    async def write(self, fn: Callable[[Tx], T], klass: Class = Class.DOCUMENT) -> T:
        """Run *fn* in the next transaction, in a savepoint of its own, and return its result after the commit.

        Raises: what *fn* raised (its writes are undone); OverloadedError, if too much waits or the disk is full.
        """
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._put(klass, _Waiting(None, fn, *_settlers(future)))
        return await future

    async def append(self, batch: Batch[I, R], item: I, *, rows: int = 1, size: int = 0) -> R:
        """Run *item* with all others that wait for the same *batch*; return its result after the commit.

        rows, size: what the item counts for against the bounds (bytes).
        Raises: OverloadedError, if too much waits or the disk is full: nothing was stored.
        """
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._put(batch.klass, _Waiting(batch, item, *_settlers(future), rows=rows, size=size))
        return await future

    def submit(
        self, batch: Batch[I, R], item: I, done: Callable[[R], None], failed: Callable[[BaseException], None]
    ) -> None:
        """Like `append`, without waiting: *done* or *failed* is called on the event loop. Never refused."""
        self._put(batch.klass, _Waiting(batch, item, done, failed), bounded=False)

    async def read(self, fn: Callable[[Tx], T]) -> T:
        """Run *fn* in a read-only snapshot on a reading thread."""
        if self._readers is None:
            raise RuntimeError("the database is not started")
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, fn)

    def waiting_rows(self, klass: Class) -> int:
        """Return how many rows of *klass* wait for the writer."""
        return self._waiting.rows[klass]

    # -- reading ------------------------------------------------------------------------------------------------------

    def _read(self, fn: Callable[[Tx], T]) -> T:
        connection: sa.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite.reader(self.path, vfs=self._vfs)
            self._local.connection = connection
            self._reader_connections.append(connection)
        connection.exec_driver_sql("BEGIN")
        try:
            return fn(Tx(connection))
        finally:
            connection.rollback()

    # -- writing ------------------------------------------------------------------------------------------------------

    def _put(self, klass: Class, item: _Waiting, *, bounded: bool = True) -> None:
        waiting = self._waiting
        if bounded and (waiting.rows[klass] > MAX_WAITING_ROWS or waiting.bytes[klass] > MAX_WAITING_BYTES):
            raise OverloadedError("too many writes are waiting for the disk", 1)
        with self._wake:
            # Under the lock: what came after the writer's last look would wait for ever.
            if self._fatal is not None:
                raise OverloadedError(_FAILED, 5)
            if self._ended:
                raise OverloadedError("the database is closed; the process is stopping", 5)
            waiting.put(klass, item)
            self._wake.notify()

    def _write_forever(self) -> None:
        while True:
            with self._wake:
                while not (items := self._waiting.take()):
                    if self._closing:
                        self._ended = True
                        return
                    self._wake.wait()
            try:
                self._write_batch(items)
            except BaseException as error:
                self._die(items, error)
                return

    def _write_batch(self, items: list[tuple[Class, _Waiting]]) -> None:
        groups: dict[object, list[_Waiting]] = {}
        for _, item in items:
            groups.setdefault(item.batch or item, []).append(item)
        tx = Tx(self._connection)
        failures: list[tuple[_Waiting, BaseException]] = []
        try:
            tx.driver.execute("BEGIN IMMEDIATE")
            for group in groups.values():
                self._run_group(tx, group, failures)
            tx.driver.execute("COMMIT")
        except Exception as error:
            # Sorted by what it means for the others: a broken disk ends the process, a full one refuses, a bad item
            # fails alone.
            cause = _driver_error(error)
            if isinstance(cause, _FATAL):
                raise
            self._undo(tx)
            if isinstance(cause, _REFUSALS):
                refusal = OverloadedError(f"the database cannot be written: {cause}", 5)
                self._tell([], [(item, refusal) for _, item in items])
            else:
                self._isolate(items, error)
        else:
            self.commits += 1
            passing("commit.after")
            tx.committed()
            failed = {id(item) for item, _ in failures}
            self._tell([item for _, item in items if id(item) not in failed], failures, tx.on_loop)

    def _run_group(self, tx: Tx, group: list[_Waiting], failures: list[tuple[_Waiting, BaseException]]) -> None:
        batch = group[0].batch
        if batch is None:
            self._run_document(tx, group[0], failures)
            return
        for item, result in zip(group, batch.run(tx, [item.payload for item in group]), strict=True):
            item.result = result

    def _run_document(self, tx: Tx, item: _Waiting, failures: list[tuple[_Waiting, BaseException]]) -> None:
        mark = tx.savepoint()
        try:
            item.result = item.payload(tx)
        except Exception as error:
            # Whatever a document's function raises is its caller's to see; the others in this commit go on.
            if isinstance(_driver_error(error), (*_FATAL, *_REFUSALS)):
                raise
            tx.rollback_to(mark)
            failures.append((item, error))
        else:
            tx.release(mark)

    def _isolate(self, items: list[tuple[Class, _Waiting]], error: BaseException) -> None:
        """After a batch failed for a reason that is not the disk's: each item alone, so that one cannot fail others."""
        if len(items) == 1:
            if not isinstance(error, CallerError):
                log.error("write failed", error=repr(error), batch=getattr(items[0][1].batch, "name", None))
            self._tell([], [(items[0][1], error)])
            return
        for pair in items:
            self._write_batch([pair])

    def _undo(self, tx: Tx) -> None:
        # SQLAlchemy rolls back only what was begun through it, and these transactions were begun on the driver.
        if tx.driver.in_transaction:
            tx.driver.execute("ROLLBACK")
        self._connection.rollback()
        tx.rolled_back()

    def _tell(
        self,
        succeeded: list[_Waiting],
        failures: list[tuple[_Waiting, BaseException]],
        effects: list[Callable[[], None]] | None = None,
    ) -> None:
        loop = self._loop
        if loop is None:
            return

        def tell() -> None:
            for item in succeeded:
                item.done(item.result)
            for item, error in failures:
                item.failed(error)

        def on_loop() -> None:
            # Each on its own: an effect that raises must not keep the answers of a whole commit back.
            for effect in effects or ():
                loop.call_soon(effect)
            loop.call_soon(tell)

        loop.call_soon_threadsafe(on_loop)

    def _die(self, items: list[tuple[Class, _Waiting]], error: BaseException) -> None:
        """A failed fsync or I/O error: what was acknowledged is safe, what was not is refused; the process must end."""
        log.critical("the database failed; stopping", error=repr(error))
        with self._wake:
            self._fatal = error
            rest = [item for queue in self._waiting.items.values() for item in queue]
        refusal = OverloadedError(_FAILED, 5)
        self._tell([], [(item, refusal) for item in [pair[1] for pair in items] + rest])
        if self._on_fatal is not None and self._loop is not None:
            self._loop.call_soon_threadsafe(self._on_fatal, error)


def _driver_error(error: BaseException) -> BaseException:
    """Return apsw's own exception where SQLAlchemy wrapped it."""
    original = getattr(error, "orig", None)
    return original if isinstance(original, BaseException) else error


def _settlers(future: asyncio.Future[T]) -> tuple[Callable[[T], None], Callable[[BaseException], None]]:
    def done(result: T) -> None:
        if not future.done():
            future.set_result(result)

    def failed(error: BaseException) -> None:
        if not future.done():
            future.set_exception(error)

    return done, failed
