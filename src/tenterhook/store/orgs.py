"""Orgs: the tenants. Everything else belongs to exactly one. None is ever deleted."""

from __future__ import annotations

from typing import Any

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


_TABLE = schema.org.c
_COLUMNS = (_TABLE.id, _TABLE.name, _TABLE.created, _TABLE.cursor_key)


def insert(tx: Tx, org: Org) -> None:
    """Store a new org."""
    tx.connection.execute(sa.insert(schema.org).values(msgspec.structs.asdict(org)))


def get(tx: Tx, org_id: str) -> Org | None:
    """Return the org, or None."""
    return _one(tx, sa.select(*_COLUMNS).where(_TABLE.id == org_id))


def by_name(tx: Tx, name: str) -> Org | None:
    """Return an org of this name, to the letter, or None."""
    return _one(tx, sa.select(*_COLUMNS).where(_TABLE.name == name).limit(1))


def first(tx: Tx) -> Org | None:
    """Return the org that was founded first: the operator's own. None before the first start."""
    return _one(tx, sa.select(*_COLUMNS).order_by(_TABLE.created, _TABLE.id).limit(1))


def list_all(tx: Tx, after: str | None, limit: int) -> list[Org]:
    """Return the orgs by id, beginning after the id *after*."""
    statement = sa.select(*_COLUMNS)
    if after is not None:
        statement = statement.where(_TABLE.id > after)
    return [Org(*row) for row in tx.connection.execute(statement.order_by(_TABLE.id).limit(limit))]


def ids(tx: Tx) -> list[str]:
    """Return the ids of all orgs, in order."""
    return list(tx.connection.execute(sa.select(_TABLE.id).order_by(_TABLE.id)).scalars())


def cursor_key(tx: Tx, org_id: str) -> bytes:
    """Return the key that signs the org's cursors. The org must exist."""
    return bytes(tx.connection.execute(sa.select(_TABLE.cursor_key).where(_TABLE.id == org_id)).scalar_one())


def _one(tx: Tx, statement: sa.Select[*tuple[Any, ...]]) -> Org | None:
    row = tx.connection.execute(statement).one_or_none()
    return None if row is None else Org(*row)
