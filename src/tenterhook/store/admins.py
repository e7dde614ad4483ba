"""Admins: the people of an org. Every token acts for one."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa

from tenterhook.domain.principal import Role
from tenterhook.store import schema
from tenterhook.store.transaction import Tx


class Admin(msgspec.Struct, frozen=True):
    """One person who may do something in an org."""

    org_id: str
    id: str
    login: str
    name: str
    role: Role
    created: int  #: ms
    password: str | None = None  #: its argon2id hash; None: nobody signs in with one
    last_sign_in: int | None = None  #: ms


_TABLE = schema.admin.c


def insert(tx: Tx, admin: Admin) -> None:
    """Store a new admin."""
    tx.connection.execute(sa.insert(schema.admin).values(_values(admin)))


def update(tx: Tx, admin: Admin) -> None:
    """Store what became of an admin."""
    statement = sa.update(schema.admin).where(_TABLE.org_id == admin.org_id, _TABLE.id == admin.id)
    tx.connection.execute(statement.values(_values(admin)))


def delete(tx: Tx, org_id: str, admin_id: str) -> None:
    """Remove an admin for good."""
    tx.connection.execute(sa.delete(schema.admin).where(_TABLE.org_id == org_id, _TABLE.id == admin_id))


def get(tx: Tx, org_id: str, admin_id: str) -> Admin | None:
    """Return the org's admin with this id, or None."""
    return _one(tx, sa.select(schema.admin).where(_TABLE.org_id == org_id, _TABLE.id == admin_id))


def by_login(tx: Tx, org_id: str, login: str) -> Admin | None:
    """Return the org's admin with this login, to the letter, or None."""
    return _one(tx, sa.select(schema.admin).where(_TABLE.org_id == org_id, _TABLE.login == login))


def list_of(tx: Tx, org_id: str, after: str | None, limit: int) -> list[Admin]:
    """Return the org's admins by id, beginning after the id *after*."""
    statement = sa.select(schema.admin).where(_TABLE.org_id == org_id)
    if after is not None:
        statement = statement.where(_TABLE.id > after)
    return [_admin(row) for row in tx.connection.execute(statement.order_by(_TABLE.id).limit(limit))]


def count_super_admins(tx: Tx, org_id: str) -> int:
    """Return how many super admins the org has."""
    counted = sa.select(sa.func.count()).where(_TABLE.org_id == org_id, _TABLE.role == str(Role.SUPER_ADMIN))
    return int(tx.connection.execute(counted).scalar_one())


def first_super_admin(tx: Tx, org_id: str) -> Admin | None:
    """Return the org's first super admin: for whom things are made that no person made."""
    statement = (
        sa.select(schema.admin)
        .where(_TABLE.org_id == org_id, _TABLE.role == str(Role.SUPER_ADMIN))
        .order_by(_TABLE.created, _TABLE.id)
        .limit(1)
    )
    return _one(tx, statement)


def _one(tx: Tx, statement: sa.Select[*tuple[Any, ...]]) -> Admin | None:
    row = tx.connection.execute(statement).one_or_none()
    return None if row is None else _admin(row)


def _values(admin: Admin) -> dict[str, Any]:
    return msgspec.structs.asdict(admin) | {"role": str(admin.role)}


def _admin(row: sa.Row[*tuple[Any, ...]]) -> Admin:
    return msgspec.convert({str(key): value for key, value in row._mapping.items()}, Admin)
