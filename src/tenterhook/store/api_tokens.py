"""API tokens: only the SHA-256 of each is kept, so that a copy of the database opens nothing."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa

from tenterhook.domain.principal import Principal, Role, permissions_of
from tenterhook.store import orgs, schema
from tenterhook.store.transaction import Tx


class ApiToken(msgspec.Struct, frozen=True):
    """One token, without what it opens."""

    org_id: str
    id: str
    admin_id: str
    name: str
    role: Role
    hash: bytes  #: SHA-256 of the token's text
    hint: str  #: the first characters, to tell tokens apart
    created: int  #: ms
    expires: int | None = None  #: ms; None: never
    revoked: int | None = None  #: ms


class Holder(msgspec.Struct, frozen=True):
    """Whom a living token stands for, and until when (ms)."""

    principal: Principal
    expires: int | None


_TABLE = schema.api_token.c
_ADMIN = schema.admin.c


def insert(tx: Tx, token: ApiToken) -> None:
    """Store a new token."""
    values = msgspec.structs.asdict(token) | {"role": str(token.role)}
    tx.connection.execute(sa.insert(schema.api_token).values(values))


def get(tx: Tx, org_id: str, token_id: str) -> ApiToken | None:
    """Return the token if it was not revoked, or None."""
    statement = sa.select(schema.api_token).where(
        _TABLE.org_id == org_id, _TABLE.id == token_id, _TABLE.revoked.is_(None)
    )
    row = tx.connection.execute(statement).one_or_none()
    return None if row is None else _token(row)


def list_of(tx: Tx, org_id: str, after: str | None, limit: int) -> list[ApiToken]:
    """Return the org's tokens that were not revoked, by id, beginning after the id *after*."""
    statement = sa.select(schema.api_token).where(_TABLE.org_id == org_id, _TABLE.revoked.is_(None))
    if after is not None:
        statement = statement.where(_TABLE.id > after)
    return [_token(row) for row in tx.connection.execute(statement.order_by(_TABLE.id).limit(limit))]


def revoke(tx: Tx, org_id: str, token_id: str, now_ms: int) -> bool:
    """End a token for good; return whether it was there to be ended."""
    statement = (
        sa.update(schema.api_token)
        .where(_TABLE.org_id == org_id, _TABLE.id == token_id, _TABLE.revoked.is_(None))
        .values(revoked=now_ms)
    )
    return tx.connection.execute(statement).rowcount == 1


def holder_of(tx: Tx, digest: bytes, now_ms: int) -> Holder | None:
    """Return whom the living token with this SHA-256 stands for; None if it is unknown, revoked or has expired."""
    statement = (
        sa.select(_TABLE.org_id, _TABLE.admin_id, _ADMIN.login, _ADMIN.name, _TABLE.id, _TABLE.role, _TABLE.expires)
        .join(schema.admin, sa.and_(_ADMIN.org_id == _TABLE.org_id, _ADMIN.id == _TABLE.admin_id))
        .where(_TABLE.hash == digest, _TABLE.revoked.is_(None))
    )
    row = tx.connection.execute(statement).one_or_none()
    operator = orgs.first(tx)
    if row is None or (row.expires is not None and row.expires <= now_ms):
        return None
    org_id, admin_id, login, name, token_id, role, expires = row
    principal = Principal(
        org_id=org_id,
        admin_id=admin_id,
        login=login,
        name=name,
        token_id=token_id,
        permissions=permissions_of(Role(role), operator=operator is not None and operator.id == org_id),
        role=Role(role),
    )
    return Holder(principal, expires)


def _token(row: sa.Row[*tuple[Any, ...]]) -> ApiToken:
    return msgspec.convert({str(key): value for key, value in row._mapping.items()}, ApiToken)
