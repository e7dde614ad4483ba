"""What a store function gets: an open transaction, and a place to leave effects for after its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa

from tenterhook.store.sqlite_dbapi import Connection as DriverConnection

T = TypeVar("T")
Effect = Callable[[], None]
Row = tuple[Any, ...]

#: How many rows one multi-row statement takes. Each size is a statement of its own in the cache, so they are few.
_CHUNKS = (64, 16, 4, 1)


class Tx:
    """One transaction, or one document's part of it.

    connection: SQLAlchemy Core's, for statements that people cause.
    driver: apsw's, for the few that every event causes (DESIGN §5: SQLAlchemy adds 3.5-20 µs a row).
    """

    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection
        driver = connection.connection.driver_connection
        if not isinstance(driver, DriverConnection):
            raise TypeError("this store runs on SQLite only")
        self.driver = driver.apsw
        #: Effects to run on the event loop after the commit, before anybody is told.
        self.on_loop: list[Effect] = []
        self._on_rollback: list[Effect] = []
        self._marks = 0

    def after_commit_on_loop(self, effect: Effect) -> None:
        """Run *effect* on the event loop after the commit."""
        self.on_loop.append(effect)

    def after_rollback(self, effect: Effect) -> None:
        """Run *effect* on the writing thread if this transaction (or this document's part of it) is undone."""
        self._on_rollback.append(effect)

    def insert_many(self, table: sa.Table, rows: Sequence[Row]) -> None:
        """Insert *rows*, each in the order of the table's columns.

        Many rows go in one statement: apsw gives up the GIL once per statement step, and taking it back from a busy
        event loop costs more than the insert.
        """
        for chunk in chunks(rows):
            self.driver.execute(_insert_sql(table, len(chunk)), [value for row in chunk for value in row])

    # -- savepoints, for documents ------------------------------------------------------------------------------------

    def savepoint(self) -> tuple[str, int, int]:
        """Begin a part that can be undone alone."""
        self._marks += 1
        name = f"d{self._marks}"
        self.driver.execute(f"SAVEPOINT {name}")
        return name, len(self.on_loop), len(self._on_rollback)

    def release(self, mark: tuple[str, int, int]) -> None:
        """Keep the part since *mark*."""
        self.driver.execute(f"RELEASE {mark[0]}")

    def rollback_to(self, mark: tuple[str, int, int]) -> None:
        """Undo the part since *mark*: its rows, its effects."""
        name, loop, rollback = mark
        self.driver.execute(f"ROLLBACK TO {name}")
        self.driver.execute(f"RELEASE {name}")
        del self.on_loop[loop:]
        undo = self._on_rollback[rollback:]
        del self._on_rollback[rollback:]
        for effect in reversed(undo):
            effect()

    def rolled_back(self) -> None:
        """Run what waited for the rollback, last first."""
        for effect in reversed(self._on_rollback):
            effect()


def chunks(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    """Yield *rows* in runs of a few fixed sizes, for statements that take many rows at once."""
    start = 0
    for size in _CHUNKS:
        while len(rows) - start >= size:
            yield rows[start : start + size]
            start += size


def marks(columns: int, rows: int) -> str:
    """Return the placeholders of a VALUES list: ``(?,?),(?,?)``."""
    return ",".join(["(" + ",".join("?" * columns) + ")"] * rows)


_sql: dict[tuple[str, int], str] = {}


def _insert_sql(table: sa.Table, rows: int) -> str:
    key = (table.name, rows)
    if key not in _sql:
        columns = ",".join(column.name for column in table.columns)
        _sql[key] = f"INSERT INTO {table.name} ({columns}) VALUES {marks(len(table.columns), rows)}"  # noqa: S608
    return _sql[key]
