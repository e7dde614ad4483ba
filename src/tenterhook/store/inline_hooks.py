"""Inline hooks as they are now.

``inline_hook.definition`` is channel and version without a secret; the secret is sealed beside it under the row's
identity. A deleted hook's row stays for a day, empty, so that a list that is being read finds its place.
"""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa

from tenterhook.domain.inline.hook import InlineHook
from tenterhook.domain.secret import Secret
from tenterhook.domain.timestamp import DAY_MS
from tenterhook.store.schema import inline_hook
from tenterhook.store.transaction import Tx
from tenterhook.store.vault import Vault

_TABLE = inline_hook.c
_LIVING = _TABLE.deleted.is_(None)


def insert(tx: Tx, vault: Vault, hook: InlineHook) -> None:
    """Store a new hook.

    Raises: the driver's error, if the name is taken: ask `name_taken` first, in the same transaction.
    """
    facts = {"org_id": hook.org_id, "id": hook.id, "type": hook.type, "created": hook.created, "deleted": None}
    tx.connection.execute(sa.insert(inline_hook).values(_row(vault, hook) | facts))


def update(tx: Tx, vault: Vault, hook: InlineHook) -> None:
    """Store *hook* as it is now."""
    tx.connection.execute(sa.update(inline_hook).where(*_is(hook.org_id, hook.id)).values(_row(vault, hook)))


def remove(tx: Tx, org_id: str, hook_id: str, now_ms: int) -> None:
    """Delete a hook: its name is free again, its secret and its definition gone; and what is left of older ones."""
    gone = {"deleted": now_ms, "sealed": None, "hook_key_id": None, "definition": b"{}"}
    tx.connection.execute(sa.update(inline_hook).where(*_is(org_id, hook_id)).values(gone))
    tx.connection.execute(sa.delete(inline_hook).where(_TABLE.org_id == org_id, _TABLE.deleted < now_ms - DAY_MS))


def get(tx: Tx, vault: Vault, org_id: str, hook_id: str) -> InlineHook | None:
    """Return the org's living hook of this id."""
    row = tx.connection.execute(sa.select(inline_hook).where(*_is(org_id, hook_id), _LIVING)).mappings().first()
    return None if row is None else _opened(row, vault)


def list_of(
    tx: Tx, vault: Vault, org_id: str, type: str | None = None, after: str | None = None, limit: int | None = None
) -> list[InlineHook]:
    """Return the org's living hooks, oldest first.

    type: only those of it. after: the id of the hook (living or deleted) that the last page ended with; an unknown one
    gives an empty list. limit: at most so many; None for all.
    """
    query = sa.select(inline_hook).where(_TABLE.org_id == org_id, _LIVING)
    if type is not None:
        query = query.where(_TABLE.type == type)
    if after is not None:
        last = tx.connection.execute(sa.select(_TABLE.created).where(*_is(org_id, after))).scalar()
        if last is None:
            return []
        query = query.where(sa.tuple_(_TABLE.created, _TABLE.id) > sa.tuple_(last, after))
    query = query.order_by(_TABLE.created, _TABLE.id).limit(limit)
    return [_opened(row, vault) for row in tx.connection.execute(query).mappings()]


def every_active(tx: Tx, vault: Vault) -> list[InlineHook]:
    """Return the active hooks of all orgs."""
    query = sa.select(inline_hook).where(_LIVING, _TABLE.status == "ACTIVE").order_by(_TABLE.org_id, _TABLE.id)
    return [_opened(row, vault) for row in tx.connection.execute(query).mappings()]


def name_taken(tx: Tx, org_id: str, name: str, *, but: str | None = None) -> bool:
    """Return whether a living hook of the org, other than *but*, has this name."""
    query = sa.select(_TABLE.id).where(_TABLE.org_id == org_id, _TABLE.name == name, _LIVING)
    return any(found != but for found in tx.connection.execute(query).scalars())


def count(tx: Tx, org_id: str) -> int:
    """Return how many living hooks the org has, active or not: those that the limit counts."""
    counted = sa.select(sa.func.count()).select_from(inline_hook).where(_TABLE.org_id == org_id, _LIVING)
    return int(tx.connection.execute(counted).scalar_one())


# ---- rows ------------------------------------------------------------------------------------------------------------


def _is(org_id: str, hook_id: str) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return _TABLE.org_id == org_id, _TABLE.id == hook_id


def _row(vault: Vault, hook: InlineHook) -> dict[str, Any]:
    """Return the columns that may change."""
    definition = hook.model_dump(mode="json", by_alias=True, include={"version", "channel"})
    secret = hook.secret
    return {
        "revision": hook.revision,
        "status": hook.status,
        "name": hook.name,
        "definition": msgspec.json.encode(definition),
        "hook_key_id": hook.channel.config.hook_key_id,
        "sealed": None if secret is None else vault.seal(_identity(hook.org_id, hook.id), secret.reveal()),
        "last_updated": hook.last_updated,
    }


def _opened(row: sa.RowMapping, vault: Vault) -> InlineHook:
    sealed = row["sealed"]
    return InlineHook(
        **msgspec.json.decode(row["definition"]),
        id=row["id"],
        org_id=row["org_id"],
        revision=row["revision"],
        status=row["status"],
        name=row["name"],
        type=row["type"],
        created=row["created"],
        last_updated=row["last_updated"],
        secret=None if sealed is None else Secret(vault.open(_identity(row["org_id"], row["id"]), sealed)),
    )


def _identity(org_id: str, hook_id: str) -> str:
    return f"{org_id}/{hook_id}/channel.config.secret"
