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


_TABLE = schema.admin.c
_COLUMNS = (_TABLE.org_id, _TABLE.id, _TABLE.login, _TABLE.name, _TABLE.role, _TABLE.created)


def insert(tx: Tx, admin: Admin) -> None:
    """Store a new admin."""
    values = msgspec.structs.asdict(admin) | {"role": str(admin.role)}
    tx.connection.execute(sa.insert(schema.admin).values(values))


def first_super_admin(tx: Tx, org_id: str) -> Admin | None:
    """Return the org's first super admin: for whom things are made that no person made."""
    statement = (
        sa.select(*_COLUMNS)
        .where(_TABLE.org_id == org_id, _TABLE.role == str(Role.SUPER_ADMIN))
        .order_by(_TABLE.created, _TABLE.id)
        .limit(1)
    )
    row = tx.connection.execute(statement).one_or_none()
    return None if row is None else _admin(row)


def _admin(row: sa.Row[*tuple[Any, ...]]) -> Admin:
    return msgspec.convert({str(key): value for key, value in row._mapping.items()}, Admin)
