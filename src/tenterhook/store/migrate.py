"""Bring a database to this program's schema, or say why it cannot be.

Alembic is loaded only when there is something to do: an ordinary start reads one row.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from tenterhook.errors import StorageError
from tenterhook.store.transaction import Tx

#: The newest revision in migrations/versions; a test holds it against the folder.
HEAD = "0005"


def current(connection: sa.Connection) -> str | None:
    """Return the revision of the database, or None if it is empty."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    revision = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return None if revision is None else str(revision)


def migrate(tx: Tx) -> None:
    """Bring the database to `HEAD` inside this transaction.

    Raises: StorageError, if it was written by a newer program.
    """
    revision = current(tx.connection)
    if revision == HEAD:
        return
    if revision is not None and revision > HEAD:
        raise StorageError(
            f"The database has schema {revision}; this program knows schemas up to {HEAD}. Run the newer version of "
            "Tenterhook that wrote it, or restore a backup made before that version."
        )
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = tx.connection
    command.upgrade(config, "head")
