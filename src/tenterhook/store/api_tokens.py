"""API tokens: only the SHA-256 of each is kept, so that a copy of the database opens nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
import sqlalchemy as sa

from tenterhook.domain.principal import Principal, Role, permissions_in, permissions_of
from tenterhook.store import schema
from tenterhook.store.transaction import Tx


class ApiToken(msgspec.Struct, frozen=True):
    """One token, without what it opens. It may never do more than its admin, whatever role or scopes it has."""

    org_id: str
    id: str
    admin_id: str
    name: str
    role: Role | None  #: None: it has scopes instead
    hash: bytes  #: SHA-256 of the token's text
    hint: str  #: the first characters, to tell tokens apart
    created: int  #: ms
    expires: int | None = None  #: ms; None: never
    revoked: int | None = None  #: ms
    scopes: tuple[str, ...] = ()  #: what it may do, if it has no role
    last_used: int | None = None  #: ms, as last written; None: never
    issued_by: str | None = None  #: the id of the token that it was issued with; None: with none


class Holder(msgspec.Struct):
    """Whom a living token stands for, until when (ms), and when it was last used (ms)."""

    principal: Principal
    expires: int | None
    used: int = 0
    written: int = 0  #: the use that the database knows


_TABLE = schema.api_token.c
_ADMIN = schema.admin.c


def insert(tx: Tx, token: ApiToken) -> None:
    """Store a new token."""
    values = msgspec.structs.asdict(token)
    values["role"] = None if token.role is None else str(token.role)
    values["scopes"] = " ".join(token.scopes) or None
    tx.connection.execute(sa.insert(schema.api_token).values(values))


def get(tx: Tx, org_id: str, token_id: str) -> ApiToken | None:
    """Return the token if it was not revoked, or None."""
    statement = sa.select(schema.api_token).where(
        _TABLE.org_id == org_id, _TABLE.id == token_id, _TABLE.revoked.is_(None)
    )
    row = tx.connection.execute(statement).one_or_none()
    return None if row is None else _token(row)


def list_of(tx: Tx, org_id: str, after: str | None, limit: int, *, but: str | None = None) -> list[ApiToken]:
    """Return the org's tokens that were not revoked, by id, beginning after the id *after*.

    but: none called so that ends by itself.
    """
    statement = sa.select(schema.api_token).where(_TABLE.org_id == org_id, _TABLE.revoked.is_(None))
    if but is not None:
        statement = statement.where(sa.or_(_TABLE.name != but, _TABLE.expires.is_(None)))
    if after is not None:
        statement = statement.where(_TABLE.id > after)
    return [_token(row) for row in tx.connection.execute(statement.order_by(_TABLE.id).limit(limit))]


def living(tx: Tx, org_id: str, name: str, now_ms: int, admin_id: str | None, limit: int) -> list[ApiToken]:
    """Return the org's tokens called *name* that still open something, newest first. admin_id: only this admin's."""
    statement = sa.select(schema.api_token).where(
        _TABLE.org_id == org_id, _TABLE.name == name, _TABLE.revoked.is_(None), _TABLE.expires > now_ms
    )
    if admin_id is not None:
        statement = statement.where(_TABLE.admin_id == admin_id)
    ordered = statement.order_by(_TABLE.created.desc(), _TABLE.id).limit(limit)
    return [_token(row) for row in tx.connection.execute(ordered)]


def revoke(tx: Tx, org_id: str, token_id: str, now_ms: int) -> bool:
    """End a token for good; return whether it was there to be ended."""
    statement = (
        sa.update(schema.api_token)
        .where(_TABLE.org_id == org_id, _TABLE.id == token_id, _TABLE.revoked.is_(None))
        .values(revoked=now_ms)
    )
    return tx.connection.execute(statement).rowcount == 1


def revoke_of(tx: Tx, org_id: str, admin_id: str, now_ms: int) -> int:
    """End all tokens of an admin; return how many that were."""
    theirs = (_TABLE.org_id == org_id, _TABLE.admin_id == admin_id, _TABLE.revoked.is_(None))
    return tx.connection.execute(sa.update(schema.api_token).where(*theirs).values(revoked=now_ms)).rowcount


def revoke_named(tx: Tx, org_id: str, admin_id: str, name: str, now_ms: int) -> int:
    """End an admin's tokens called *name*; return how many that were."""
    theirs = (_TABLE.org_id == org_id, _TABLE.admin_id == admin_id, _TABLE.name == name, _TABLE.revoked.is_(None))
    return tx.connection.execute(sa.update(schema.api_token).where(*theirs).values(revoked=now_ms)).rowcount


def revoke_issued(tx: Tx, org_id: str, admin_id: str, now_ms: int, *, name: str, token_id: str | None = None) -> int:
    """End an admin's tokens called *name*, or the one of them with this id, and all that were issued with them.

    What those issued in turn ends as well, through tokens that ended before. Returns how many that were.
    """
    theirs = (_TABLE.org_id == org_id, _TABLE.admin_id == admin_id)
    first = sa.select(_TABLE.id).where(*theirs, _TABLE.name == name)
    if token_id is not None:
        first = first.where(_TABLE.id == token_id)
    ending = first.cte("ending", recursive=True)
    # UNION, not UNION ALL: each token is met once, so the walk ends.
    ending = ending.union(sa.select(_TABLE.id).where(*theirs, _TABLE.issued_by == ending.c.id))
    ended = sa.update(schema.api_token).where(
        _TABLE.org_id == org_id, _TABLE.id.in_(sa.select(ending.c.id)), _TABLE.revoked.is_(None)
    )
    return tx.connection.execute(ended.values(revoked=now_ms)).rowcount


def remove_expired(tx: Tx, org_id: str, admin_id: str, name: str, now_ms: int) -> None:
    """Remove the admin's tokens called *name* that have expired; those that issued others stay, to be found by."""
    mine = (_TABLE.org_id == org_id, _TABLE.admin_id == admin_id)
    issuers = sa.select(_TABLE.issued_by).where(*mine, _TABLE.issued_by.is_not(None))
    old = (_TABLE.name == name, _TABLE.expires <= now_ms, _TABLE.id.not_in(issuers))
    tx.connection.execute(sa.delete(schema.api_token).where(*mine, *old))


def write_uses(tx: Tx, uses: Iterable[tuple[str, str, int]]) -> None:
    """Write when tokens were last used: (org id, token id, ms) each."""
    later = sa.or_(_TABLE.last_used.is_(None), _TABLE.last_used < sa.bindparam("used"))
    statement = (
        sa.update(schema.api_token)
        .where(_TABLE.org_id == sa.bindparam("org"), _TABLE.id == sa.bindparam("token"), later)
        .values(last_used=sa.bindparam("used"))
    )
    rows = [{"org": org_id, "token": token_id, "used": used} for org_id, token_id, used in uses]
    if rows:
        tx.connection.execute(statement, rows)


def holder_of(tx: Tx, digest: bytes, now_ms: int, operator_id: str | None) -> Holder | None:
    """Return whom the living token with this SHA-256 stands for; None if it is unknown, revoked or has expired.

    operator_id: the operator's org.
    """
    statement = (
        sa.select(
            *(_TABLE.org_id, _TABLE.admin_id, _ADMIN.login, _ADMIN.name, _TABLE.id, _TABLE.role, _TABLE.scopes),
            *(_ADMIN.role, _TABLE.expires, _TABLE.last_used),
        )
        .join(schema.admin, sa.and_(_ADMIN.org_id == _TABLE.org_id, _ADMIN.id == _TABLE.admin_id))
        .where(_TABLE.hash == digest, _TABLE.revoked.is_(None))
    )
    row = tx.connection.execute(statement).one_or_none()
    if row is None:
        return None
    org_id, admin_id, login, name, token_id, role, scopes, admin_role, expires, last_used = row
    if expires is not None and expires <= now_ms:
        return None
    operator = org_id == operator_id
    granted = permissions_of(Role(role), operator=operator) if role else _scoped(scopes, operator)
    principal = Principal(
        org_id=org_id,
        admin_id=admin_id,
        login=login,
        name=name,
        token_id=token_id,
        permissions=granted & permissions_of(Role(admin_role), operator=operator),
        role=Role(role) if role else None,
    )
    return Holder(principal, expires, last_used or 0, last_used or 0)


def _scoped(scopes: str | None, operator: bool) -> frozenset[Any]:
    return permissions_in((scopes or "").split(), operator=operator)


def _token(row: sa.Row[*tuple[Any, ...]]) -> ApiToken:
    values = {str(key): value for key, value in row._mapping.items()}
    return msgspec.convert(values | {"scopes": tuple((values["scopes"] or "").split())}, ApiToken)
