"""Orgs: the tenants. Everything else belongs to exactly one."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from tenterhook.store import schema
from tenterhook.store.transaction import Tx


class Org(msgspec.Struct, frozen=True):
    """One tenant."""

    id: str
    name: str
    created: int  #: ms
    cursor_key: bytes  #: 32 random bytes: signs the cursors of this org's lists


_COLUMNS = (schema.org.c.id, schema.org.c.name, schema.org.c.created, schema.org.c.cursor_key)


def insert(tx: Tx, org: Org) -> None:
    """Store a new org."""
    tx.connection.execute(sa.insert(schema.org).values(msgspec.structs.asdict(org)))


def get(tx: Tx, org_id: str) -> Org | None:
    """Return the org, or None."""
    row = tx.connection.execute(sa.select(*_COLUMNS).where(schema.org.c.id == org_id)).one_or_none()
    return None if row is None else Org(*row)


def first(tx: Tx) -> Org | None:
    """Return the org that was founded first: the default org. None before the first start."""
    statement = sa.select(*_COLUMNS).order_by(schema.org.c.created, schema.org.c.id).limit(1)
    row = tx.connection.execute(statement).one_or_none()
    return None if row is None else Org(*row)
