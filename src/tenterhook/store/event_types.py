"""Event types of an org's own: what it publishes beside the catalogue's."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from tenterhook.store import schema
from tenterhook.store.transaction import Tx


class CustomType(msgspec.Struct, frozen=True):
    """One event type that an org made."""

    org_id: str
    name: str
    display_name: str | None
    description: str | None
    created_by: str  #: the id of the admin who made it
    created: int  #: ms
    sample: bytes | None = None  #: JSON of a log event of this type; lists leave it out


_TABLE = schema.event_type.c
_LISTED = (
    _TABLE.org_id,
    _TABLE.name,
    _TABLE.display_name,
    _TABLE.description,
    _TABLE.created_by,
    _TABLE.created,
)


def insert(tx: Tx, made: CustomType) -> None:
    """Store a new type.

    Raises: the driver's error, if the org has one of this name: ask `get` first, in the same transaction.
    """
    tx.connection.execute(sa.insert(schema.event_type).values(msgspec.structs.asdict(made)))


def get(tx: Tx, org_id: str, name: str) -> CustomType | None:
    """Return the org's type of this name with its sample, or None."""
    statement = sa.select(*_LISTED, _TABLE.sample).where(_TABLE.org_id == org_id, _TABLE.name == name)
    row = tx.connection.execute(statement).one_or_none()
    return None if row is None else CustomType(*row)


def list_of(tx: Tx, org_id: str) -> list[CustomType]:
    """Return all of the org's types by name, without their samples."""
    statement = sa.select(*_LISTED).where(_TABLE.org_id == org_id).order_by(_TABLE.name)
    return [CustomType(*row) for row in tx.connection.execute(statement)]


def names_of(tx: Tx, org_id: str) -> list[str]:
    """Return the names of the org's types."""
    return list(tx.connection.execute(sa.select(_TABLE.name).where(_TABLE.org_id == org_id)).scalars())


def count(tx: Tx, org_id: str) -> int:
    """Return how many types the org has made."""
    statement = sa.select(sa.func.count()).select_from(schema.event_type).where(_TABLE.org_id == org_id)
    return tx.connection.execute(statement).scalar_one()


def delete(tx: Tx, org_id: str, name: str) -> None:
    """Remove a type; what was logged of it stays."""
    tx.connection.execute(sa.delete(schema.event_type).where(_TABLE.org_id == org_id, _TABLE.name == name))
