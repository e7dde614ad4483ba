"""How store functions run: one writing thread with group commit, a few reading threads.

`Database.write` / `Database.submit` and `Database.read` are the only asynchronous entrances; what they run is
synchronous and gets a `Tx` (DESIGN §3.3). Everything that waits while a commit is under way goes into the next one.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import apsw
import sqlalchemy as sa
import structlog

from tenterhook.errors import CallerError, OverloadedError, StorageError
from tenterhook.failpoints import passing
from tenterhook.store import sqlite
from tenterhook.store.data_dir import ANOTHER
from tenterhook.store.transaction import Tx
from tenterhook.store.write_queue import Batch, Class, Waiting, WriteQueue

T = TypeVar("T")
I = TypeVar("I")  # noqa: E741
R = TypeVar("R")

log = structlog.get_logger(__name__)

READERS = 2
#: For what looks through the log: whoever reads a document waits behind no search. One thread, and a nice one: with two
#: of the same rank, twenty searches at a time made publishing wait 2.7 times as long (p99), with this one 1.1 times.
SEARCHERS, NICENESS = 1, 10
#: Reads that may be under way or wait for a reading thread.
MAX_WAITING_READS = 500


_FAILED = "the database failed; the process is stopping"

#: The file or its disk is broken: what was not acknowledged is refused, and the process ends.
_FATAL = (apsw.IOError, apsw.CorruptError, apsw.NotADBError)
#: The disk or a neighbour says no: nothing was stored, and later it may be.
_REFUSALS = (apsw.FullError, apsw.BusyError, apsw.ReadOnlyError, apsw.CantOpenError)


#: What may wait, per class, before the caller is refused: rows and bytes.
MAX_WAITING_ROWS = 20_000
MAX_WAITING_BYTES = 64 * 1024 * 1024


class Database:
    """One SQLite file, opened: the writer, the readers, and what waits for them."""

    def __init__(self, path: Path, *, vfs: str | None = None, on_fatal: Callable[[BaseException], None] | None = None):
        self.path = path
        self._vfs = vfs
        self._on_fatal = on_fatal
        self._waiting = WriteQueue()
        self._wake = threading.Condition()
        self._ready = False  #: whether the writer has been called for what waits
        self._called = False  #: whether that call is on its way
        self._closing = False
        self._ended = False
        self._fatal: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._engine = sqlite.engine(path, vfs=vfs)
        self._readers: ThreadPoolExecutor | None = None
        self._searchers: ThreadPoolExecutor | None = None
        self._courier: ThreadPoolExecutor | None = None
        self._reading = self._searching = 0
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
                f"anew, {ANOTHER}."
            ) from error
        self.commits = 0

    # -- life ---------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the threads; call it inside the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="tenterhook-reader")
        self._searchers = ThreadPoolExecutor(SEARCHERS, thread_name_prefix="tenterhook-searcher", initializer=_give_way)
        self._courier = ThreadPoolExecutor(1, thread_name_prefix="tenterhook-courier")
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
        return result

    async def close(self) -> None:
        """Write what waits, stop the threads and close the file."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        if self._thread.is_alive():
            await asyncio.to_thread(self._thread.join)
        for threads in (self._readers, self._searchers, self._courier):
            if threads is not None:
                await asyncio.to_thread(threads.shutdown)
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
        self._put(klass, Waiting(None, fn, *_settlers(future)))
        return await future

    async def append(self, batch: Batch[I, R], item: I, *, rows: int = 1, size: int = 0) -> R:
        """Run *item* with all others that wait for the same *batch*; return its result after the commit.

        rows, size: what the item counts for against the bounds (bytes).
        Raises: OverloadedError, if too much waits or the disk is full: nothing was stored.
        """
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._put(batch.klass, Waiting(batch, item, *_settlers(future), rows=rows, size=size))
        return await future

    def submit(
        self,
        batch: Batch[I, R],
        item: I,
        done: Callable[[R], None],
        failed: Callable[[BaseException], None],
        *,
        rows: int = 1,
    ) -> None:
        """Like `append`, without waiting and without bounds: *done* or *failed* is called on the event loop."""
        try:
            self._put(batch.klass, Waiting(batch, item, done, failed, rows=rows), bounded=False)
        except OverloadedError as error:
            asyncio.get_running_loop().call_soon(failed, error)

    async def read(self, fn: Callable[[Tx], T]) -> T:
        """Run *fn* in a read-only snapshot on a reading thread.

        Raises: OverloadedError, if too many reads wait for a thread.
        """
        if self._reading >= MAX_WAITING_READS:
            raise OverloadedError("too many reads are waiting for the database", 1)
        self._reading += 1
        try:
            return await self._read_on(self._readers, fn)
        finally:
            self._reading -= 1

    async def search(self, fn: Callable[[Tx], T]) -> T:
        """Run *fn* like `read`, on the threads for what looks through the log.

        Raises: OverloadedError, if too many wait for one.
        """
        if self._searching >= MAX_WAITING_READS:
            raise OverloadedError("too many searches are waiting for the database", 1)
        self._searching += 1
        try:
            return await self._read_on(self._searchers, fn)
        finally:
            self._searching -= 1

    async def read_first(self, fn: Callable[[Tx], T]) -> T:
        """Run *fn* like `read`, on a thread of its own: what deliveries wait for stands in no line with searches."""
        return await self._read_on(self._courier, fn)

    async def _read_on(self, threads: ThreadPoolExecutor | None, fn: Callable[[Tx], T]) -> T:
        if threads is None:
            raise RuntimeError("the database is not started")
        return await asyncio.get_running_loop().run_in_executor(threads, self._read, fn)

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

    def _put(self, klass: Class, item: Waiting, *, bounded: bool = True) -> None:
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
        if not self._called:
            # Not for each write: what one turn of the event loop brings goes into one commit.
            self._called = True
            asyncio.get_running_loop().call_soon(self._call_writer)

    def _call_writer(self) -> None:
        with self._wake:
            self._called = False
            self._ready = True
            self._wake.notify()

    def _write_forever(self) -> None:
        while True:
            with self._wake:
                while not (self._ready or self._closing):
                    self._wake.wait()
                items = self._waiting.take()
                self._ready = self._waiting.any
                if not items and self._closing:
                    self._ended = True
                    return
            if not items:
                continue
            try:
                self._write_batch(items)
            except BaseException as error:
                self._die(items, error)
                return

    def _write_batch(self, items: list[tuple[Class, Waiting]]) -> None:
        groups: dict[object, list[Waiting]] = {}
        for _, item in items:
            groups.setdefault(item.batch or item, []).append(item)
        tx = Tx(self._connection)
        failures: list[tuple[Waiting, BaseException]] = []
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
            failed = {id(item) for item, _ in failures}
            self._tell([item for _, item in items if id(item) not in failed], failures, tx.on_loop)

    def _run_group(self, tx: Tx, group: list[Waiting], failures: list[tuple[Waiting, BaseException]]) -> None:
        batch = group[0].batch
        if batch is None:
            self._run_document(tx, group[0], failures)
            return
        for item, result in zip(group, batch.run(tx, [item.payload for item in group]), strict=True):
            item.result = result

    def _run_document(self, tx: Tx, item: Waiting, failures: list[tuple[Waiting, BaseException]]) -> None:
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

    def _isolate(self, items: list[tuple[Class, Waiting]], error: BaseException) -> None:
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
        succeeded: list[Waiting],
        failures: list[tuple[Waiting, BaseException]],
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

    def _die(self, items: list[tuple[Class, Waiting]], error: BaseException) -> None:
        """A failed fsync or I/O error: what was acknowledged is safe, what was not is refused; the process must end."""
        log.critical("the database failed; stopping", error=repr(error))
        with self._wake:
            self._fatal = error
            rest = [item for queue in self._waiting.items.values() for item in queue]
        refusal = OverloadedError(_FAILED, 5)
        self._tell([], [(item, refusal) for item in [pair[1] for pair in items] + rest])
        if self._on_fatal is not None and self._loop is not None:
            self._loop.call_soon_threadsafe(self._on_fatal, error)


def _give_way() -> None:
    """Rank the calling thread behind the others, where the system has a rank for each thread."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


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
