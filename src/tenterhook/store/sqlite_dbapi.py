"""A DB-API 2.0 face on apsw, as much of it as SQLAlchemy's SQLite dialect asks for.

apsw brings a current SQLite with it (decision record 0003): Python's own is often older than 3.51.3, which has a WAL
bug, and differs from machine to machine. Transactions are explicit: nothing here begins or commits by itself.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import apsw

apilevel = "2.0"
threadsafety = 1
paramstyle = "qmark"
sqlite_version = apsw.sqlite_lib_version()
sqlite_version_info = tuple(int(part) for part in sqlite_version.split("."))
Binary = bytes
PARSE_DECLTYPES = PARSE_COLNAMES = 0

Error = apsw.Error
DatabaseError = apsw.Error
InterfaceError = apsw.MisuseError
OperationalError = apsw.SQLError
IntegrityError = apsw.ConstraintError
DataError = apsw.TooBigError
InternalError = apsw.InternalError
ProgrammingError = apsw.BindingsError
NotSupportedError = apsw.Error
Warning = UserWarning

Parameters = Sequence[Any] | dict[str, Any]


class Cursor:
    """One statement's cursor."""

    arraysize = 1

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._cursor = connection.apsw.cursor()
        # A statement that gives no row is complete, and its description gone, when execute returns.
        # Through a weak reference: a cursor in a reference cycle keeps its statement open until the garbage collector
        # comes by, and "SQL statements in progress" is what a commit says meanwhile.
        me = weakref.ref(self)
        self._cursor.exec_trace = lambda cursor, sql, parameters: _describe(me(), cursor)
        self.description: Sequence[tuple[Any, ...]] | None = None
        self.rowcount = -1

    @property
    def lastrowid(self) -> int:
        """Return the rowid of the last insert on this connection."""
        return self._connection.apsw.last_insert_rowid()

    def execute(self, sql: str, parameters: Parameters = ()) -> Cursor:
        """Run one statement."""
        before = self._connection.apsw.total_changes()
        self._cursor.execute(sql, parameters)
        return self._done(before)

    def executemany(self, sql: str, rows: Iterable[Parameters]) -> Cursor:
        """Run one prepared statement over many rows; with RETURNING, the rows of all runs come one after another."""
        before = self._connection.apsw.total_changes()
        self._cursor.executemany(sql, rows)
        return self._done(before)

    def _done(self, before: int) -> Cursor:
        self.rowcount = -1 if self.description else self._connection.apsw.total_changes() - before
        return self

    def fetchone(self) -> tuple[Any, ...] | None:
        """Return the next row, or None."""
        return self._cursor.fetchone()

    def fetchmany(self, size: int | None = None) -> list[tuple[Any, ...]]:
        """Return up to *size* rows."""
        rows = []
        for _ in range(size or self.arraysize):
            row = self._cursor.fetchone()
            if row is None:
                break
            rows.append(row)
        return rows

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Return all rows that are left."""
        return list(self._cursor.fetchall())

    def close(self) -> None:
        """Reset the statement."""
        self._cursor.close()


def _describe(cursor: Cursor | None, inner: apsw.Cursor) -> bool:
    if cursor is not None:
        columns = inner.get_description()
        cursor.description = [(name, None, None, None, None, None, None) for name, *_ in columns] or None
    return True


class Connection:
    """One connection; used by one thread at a time."""

    isolation_level: str | None = None

    def __init__(self, database: str, *, read_only: bool = False, vfs: str | None = None) -> None:
        flags = apsw.SQLITE_OPEN_READONLY if read_only else apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
        self.apsw = apsw.Connection(database, flags=flags, vfs=vfs, statementcachesize=200)

    def cursor(self) -> Cursor:
        """Open a cursor."""
        return Cursor(self)

    def execute(self, sql: str, parameters: Parameters = ()) -> Cursor:
        """Run one statement on a cursor of its own."""
        return self.cursor().execute(sql, parameters)

    def create_function(self, name: str, narg: int, func: Callable[..., Any], *, deterministic: bool = False) -> None:
        """Register a scalar SQL function."""
        self.apsw.create_scalar_function(name, func, narg, deterministic=deterministic)

    def commit(self) -> None:
        """Commit the open transaction, if there is one."""
        if self.apsw.in_transaction:
            self.apsw.execute("COMMIT")

    def rollback(self) -> None:
        """Roll the open transaction back, if there is one."""
        if self.apsw.in_transaction:
            self.apsw.execute("ROLLBACK")

    def close(self) -> None:
        """Close the connection."""
        self.apsw.close()


def connect(database: str, *, read_only: bool = False, vfs: str | None = None) -> Connection:
    """Open *database* (a path)."""
    return Connection(database, read_only=read_only, vfs=vfs)
