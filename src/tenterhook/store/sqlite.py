"""SQLite as this store wants it: opened, set up, and read back."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from tenterhook.errors import StorageError
from tenterhook.store import sqlite_dbapi

PAGE_SIZE = 8192
#: Pages; 64 MiB of log between checkpoints, so that a checkpoint is rare and large.
AUTOCHECKPOINT = 8192

_WANTED: dict[str, object] = {"journal_mode": "wal", "synchronous": 2, "page_size": PAGE_SIZE, "foreign_keys": 1}


def engine(path: Path, *, vfs: str | None = None) -> sa.Engine:
    """Return an engine whose connections are the caller's to keep."""
    return sa.create_engine(
        "sqlite://",
        module=sqlite_dbapi,
        creator=lambda: sqlite_dbapi.connect(str(path), vfs=vfs),
        poolclass=NullPool,
        hide_parameters=True,  # or an error of ours would show what people store
    )


def prepare(connection: sa.Connection) -> dict[str, object]:
    """Set the writing connection up, read every setting back, and return what SQLite answered.

    Raises: StorageError, if a setting did not take: the promises rest on them.
    """
    for pragma in (
        f"page_size={PAGE_SIZE}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "busy_timeout=2000",
        f"wal_autocheckpoint={AUTOCHECKPOINT}",
        "cache_size=-16384",
        "mmap_size=0",
        "temp_store=MEMORY",
    ):
        connection.exec_driver_sql(f"PRAGMA {pragma}")
    answers = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in _WANTED}
    for name, wanted in _WANTED.items():
        if answers[name] != wanted:
            raise StorageError(
                f"SQLite kept {name}={answers[name]!r} instead of {wanted!r}: this file system or file cannot hold the "
                "promise that an acknowledged event is never lost. Use a local disk and a fresh data directory."
            )
    answers["sqlite_version"] = sqlite_dbapi.sqlite_version
    connection.rollback()
    return answers


def reader(path: Path, *, vfs: str | None = None) -> sa.Connection:
    """Return a connection that cannot write."""
    connection = engine(path, vfs=vfs).connect()
    for pragma in ("query_only=ON", "busy_timeout=2000", "cache_size=-4096", "mmap_size=0"):
        connection.exec_driver_sql(f"PRAGMA {pragma}")
    connection.rollback()
    return connection
