"""Hook keys. The private half is sealed under the row's identity, and gone when the key is deleted."""

from __future__ import annotations

import sqlalchemy as sa

from tenterhook.domain.hook_key import HookKey
from tenterhook.domain.timestamp import DAY_MS
from tenterhook.store.schema import hook_key, inline_hook
from tenterhook.store.transaction import Tx
from tenterhook.store.vault import Vault

_TABLE = hook_key.c
_LIVING = _TABLE.deleted.is_(None)
_SHOWN = (
    *(_TABLE.org_id, _TABLE.id, _TABLE.key_id, _TABLE.name, _TABLE.modulus),
    *(_TABLE.created, _TABLE.last_updated),
)


def insert(tx: Tx, vault: Vault, key: HookKey, private_pem: str) -> None:
    """Store a new key.

    private_pem: its private half, PKCS #8 without a password.
    Raises: the driver's error, if the name is taken: ask `name_taken` first, in the same transaction.
    """
    row = {
        "org_id": key.org_id,
        "id": key.id,
        "key_id": key.key_id,
        "name": key.name,
        "modulus": key.modulus,
        "sealed": vault.seal(_identity(key.org_id, key.id), private_pem),
        "created": key.created,
        "last_updated": key.last_updated,
        "deleted": None,
    }
    tx.connection.execute(sa.insert(hook_key).values(row))


def rename(tx: Tx, key: HookKey) -> None:
    """Store the name of *key* as it is now, and when it got it."""
    now = {"name": key.name, "last_updated": key.last_updated}
    tx.connection.execute(sa.update(hook_key).where(*_is(key.org_id, key.id)).values(now))


def remove(tx: Tx, org_id: str, key_id: str, now_ms: int) -> None:
    """Delete the key with the id *key_id* (``HKY…``): its name is free again, its private half gone.

    Its row stays for a day, so that a list that is being read finds its place; older ones go with it.
    """
    tx.connection.execute(sa.update(hook_key).where(*_is(org_id, key_id)).values(deleted=now_ms, sealed=None))
    tx.connection.execute(sa.delete(hook_key).where(_TABLE.org_id == org_id, _TABLE.deleted < now_ms - DAY_MS))


def get(tx: Tx, org_id: str, key_id: str) -> HookKey | None:
    """Return the org's living key with the id *key_id* (``HKY…``)."""
    return _one(tx, sa.select(*_SHOWN).where(*_is(org_id, key_id), _LIVING))


def get_by_key_id(tx: Tx, org_id: str, kid: str) -> HookKey | None:
    """Return the org's living key whose ``keyId`` is *kid*."""
    return _one(tx, sa.select(*_SHOWN).where(_TABLE.org_id == org_id, _TABLE.key_id == kid, _LIVING))


def list_of(tx: Tx, org_id: str, after: str | None = None, limit: int | None = None) -> list[HookKey]:
    """Return the org's living keys, oldest first.

    after: the id of the key (living or deleted) that the last page ended with; an unknown one gives an empty list.
    limit: at most so many; None for all.
    """
    query = sa.select(*_SHOWN).where(_TABLE.org_id == org_id, _LIVING)
    if after is not None:
        last = tx.connection.execute(sa.select(_TABLE.created).where(*_is(org_id, after))).scalar()
        if last is None:
            return []
        query = query.where(sa.tuple_(_TABLE.created, _TABLE.id) > sa.tuple_(last, after))
    rows = tx.connection.execute(query.order_by(_TABLE.created, _TABLE.id).limit(limit))
    return [HookKey(**row._mapping) for row in rows]


def ids(tx: Tx, org_id: str) -> frozenset[str]:
    """Return the ids of the org's living keys."""
    return frozenset(tx.connection.execute(sa.select(_TABLE.id).where(_TABLE.org_id == org_id, _LIVING)).scalars())


def private_key(tx: Tx, vault: Vault, org_id: str, key_id: str) -> str | None:
    """Return the private half of the org's living key as PEM, or None if there is no such key."""
    sealed = tx.connection.execute(sa.select(_TABLE.sealed).where(*_is(org_id, key_id), _LIVING)).scalar()
    return None if sealed is None else vault.open(_identity(org_id, key_id), sealed)


def used_by(tx: Tx, org_id: str, key_id: str) -> list[tuple[str, str]]:
    """Return (id, name) of the living inline hooks whose channel names the key, oldest first."""
    hooks = inline_hook.c
    query = sa.select(hooks.id, hooks.name).where(
        hooks.org_id == org_id, hooks.hook_key_id == key_id, hooks.deleted.is_(None)
    )
    return [(found, name) for found, name in tx.connection.execute(query.order_by(hooks.created, hooks.id))]


def used_ids(tx: Tx, org_id: str) -> frozenset[str]:
    """Return the ids of the org's keys that some living inline hook's channel names."""
    hooks = inline_hook.c
    named = (hooks.org_id == org_id, hooks.hook_key_id.is_not(None), hooks.deleted.is_(None))
    return frozenset(tx.connection.execute(sa.select(hooks.hook_key_id).where(*named)).scalars())


def name_taken(tx: Tx, org_id: str, name: str, *, but: str | None = None) -> bool:
    """Return whether a living key of the org, other than *but*, has this name."""
    query = sa.select(_TABLE.id).where(_TABLE.org_id == org_id, _TABLE.name == name, _LIVING)
    return any(found != but for found in tx.connection.execute(query).scalars())


def count(tx: Tx, org_id: str) -> int:
    """Return how many living keys the org has."""
    counted = sa.select(sa.func.count()).select_from(hook_key).where(_TABLE.org_id == org_id, _LIVING)
    return int(tx.connection.execute(counted).scalar_one())


def _is(org_id: str, key_id: str) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return _TABLE.org_id == org_id, _TABLE.id == key_id


def _one(tx: Tx, query: sa.Select[*tuple[object, ...]]) -> HookKey | None:
    row = tx.connection.execute(query).one_or_none()
    return None if row is None else HookKey(**row._mapping)


def _identity(org_id: str, key_id: str) -> str:
    return f"{org_id}/{key_id}/private key"
