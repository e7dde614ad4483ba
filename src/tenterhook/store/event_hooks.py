"""Event hooks as they are now, and as they were from which ``seq`` on.

``event_hook.definition`` is the document without its secret; the secret is sealed beside it under the row's identity.
``event_hook_version`` never holds a secret: no past version is ever sent again, so a replaced secret is gone.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec
import sqlalchemy as sa

from tenterhook.domain.event_hook import EventHook
from tenterhook.domain.secret import Secret
from tenterhook.store.schema import event_hook, event_hook_version
from tenterhook.store.transaction import Tx
from tenterhook.store.vault import Vault

_DEFINED = ("description", "events", "channel", "delivery_policy")
_LIVING = event_hook.c.deleted.is_(None)


def insert(tx: Tx, vault: Vault, hook: EventHook, from_seq: int) -> None:
    """Store a new hook and its first version, in force from the event *from_seq* on.

    Raises: the driver's error, if the name is taken: ask `name_taken` first, in the same transaction.
    """
    facts = {"org_id": hook.org_id, "id": hook.id, "created": hook.created, "created_by": hook.created_by}
    row = _row(hook) | facts | {"sealed": _seal(vault, hook), "failing_since": None}
    tx.connection.execute(sa.insert(event_hook).values(row))
    _append_version(tx, hook, from_seq)


def update(tx: Tx, vault: Vault, hook: EventHook, from_seq: int) -> None:
    """Store *hook* as it is now and append its version, in force from the event *from_seq* on."""
    row = _row(hook) | {"sealed": _seal(vault, hook)}
    tx.connection.execute(sa.update(event_hook).where(*_is(hook.org_id, hook.id)).values(row))
    _append_version(tx, hook, from_seq)


def delete(tx: Tx, vault: Vault, hook: EventHook, from_seq: int) -> None:
    """Mark a hook deleted: its name is free again, its secret gone; its versions and deliveries stay."""
    update(tx, vault, hook.model_copy(update={"deleted": True, "secret": None}), from_seq)


def get(tx: Tx, vault: Vault, org_id: str, hook_id: str) -> EventHook | None:
    """Return the org's living hook of this id."""
    row = tx.connection.execute(sa.select(event_hook).where(*_is(org_id, hook_id), _LIVING)).mappings().first()
    return None if row is None else _opened(row, vault)


def list_of(tx: Tx, vault: Vault, org_id: str, after: str | None, limit: int | None) -> list[EventHook]:
    """Return the org's living hooks, oldest first.

    after: the id of the hook (living or deleted) that the last page ended with; an unknown one gives an empty list.
    limit: at most so many; None for all.
    """
    query = sa.select(event_hook).where(event_hook.c.org_id == org_id, _LIVING)
    if after is not None:
        last = tx.connection.execute(sa.select(event_hook.c.created).where(*_is(org_id, after))).scalar()
        if last is None:
            return []
        query = query.where(sa.tuple_(event_hook.c.created, event_hook.c.id) > sa.tuple_(last, after))
    query = query.order_by(event_hook.c.created, event_hook.c.id).limit(limit)
    return [_opened(row, vault) for row in tx.connection.execute(query).mappings()]


def every_living(tx: Tx, vault: Vault) -> list[EventHook]:
    """Return the living hooks of all orgs."""
    query = sa.select(event_hook).where(_LIVING).order_by(event_hook.c.org_id, event_hook.c.id)
    return [_opened(row, vault) for row in tx.connection.execute(query).mappings()]


def name_taken(tx: Tx, org_id: str, name: str, *, but: str | None = None) -> bool:
    """Return whether a living hook of the org, other than *but*, has this name."""
    query = sa.select(event_hook.c.id).where(event_hook.c.org_id == org_id, event_hook.c.name == name, _LIVING)
    return any(found != but for found in tx.connection.execute(query).scalars())


def count_bound(tx: Tx, org_id: str) -> int:
    """Return how many of the org's hooks are ACTIVE and VERIFIED: those that the limit counts."""
    query = (
        sa.select(sa.func.count())
        .select_from(event_hook)
        .where(
            event_hook.c.org_id == org_id,
            event_hook.c.status == "ACTIVE",
            event_hook.c.verification_status == "VERIFIED",
            _LIVING,
        )
    )
    return int(tx.connection.execute(query).scalar_one())


def version_in_force(tx: Tx, org_id: str, hook_id: str, seq: int) -> EventHook | None:
    """Return the hook as it was, without its secret, when the event *seq* was appended; None before it was made."""
    versions = event_hook_version.c
    query = _versions(org_id, hook_id).where(versions.from_seq <= seq).order_by(versions.version.desc()).limit(1)
    row = tx.connection.execute(query).mappings().first()
    return None if row is None else _hook(row)


def version_number_in_force(tx: Tx, org_id: str, hook_id: str, seq: int) -> int | None:
    """Return which version of the hook was in force when the event *seq* was appended; None before it was made."""
    row = tx.driver.execute(
        "SELECT max(version) FROM event_hook_version WHERE org_id = ? AND hook_id = ? AND from_seq <= ?",
        (org_id, hook_id, seq),
    ).fetchone()
    return None if row is None else row[0]


def get_version(tx: Tx, org_id: str, hook_id: str, version: int) -> EventHook | None:
    """Return one version of a hook, living or deleted, without its secret."""
    query = _versions(org_id, hook_id).where(event_hook_version.c.version == version)
    row = tx.connection.execute(query).mappings().first()
    return None if row is None else _hook(row)


def version_at(tx: Tx, org_id: str, hook_id: str, time_ms: int) -> EventHook | None:
    """Return the hook as it was at a time, living or deleted, without its secret; None before it was made."""
    versions = event_hook_version.c
    query = _versions(org_id, hook_id).where(versions.last_updated <= time_ms)
    row = tx.connection.execute(query.order_by(versions.version.desc()).limit(1)).mappings().first()
    return None if row is None else _hook(row)


def ever_lived(tx: Tx, org_id: str, hook_id: str) -> bool:
    """Return whether the org has, or had, such a hook."""
    return tx.connection.execute(sa.select(event_hook.c.id).where(*_is(org_id, hook_id))).first() is not None


def names_of(tx: Tx, org_id: str, hook_ids: Collection[str]) -> dict[str, str]:
    """Return the names of those of the hooks that the org has or had, by id."""
    query = sa.select(event_hook.c.id, event_hook.c.name).where(
        event_hook.c.org_id == org_id, event_hook.c.id.in_(hook_ids)
    )
    return {row.id: row.name for row in tx.connection.execute(query)}


def names(
    tx: Tx, org_id: str, seq: int, after: str | None, limit: int, but: Collection[str] = ()
) -> list[tuple[str, str, bool]]:
    """Return (id, name, whether it lives) of the org's hooks by id, beginning after *after*, without those in *but*.

    Of the deleted ones only those that lived when the event *seq* was appended.
    """
    table, versions = event_hook.c, event_hook_version.c
    then = (versions.org_id == table.org_id, versions.hook_id == table.id, versions.from_seq <= seq)
    lived = sa.exists().where(*then) & ~sa.exists().where(*then, versions.deleted.is_not(None))
    rules = (table.org_id == org_id, table.deleted.is_(None) | lived)
    statement = sa.select(table.id, table.name, table.deleted.is_(None)).where(*rules)
    if after is not None:
        statement = statement.where(table.id > after)
    if but:
        statement = statement.where(table.id.not_in(but))
    rows = tx.connection.execute(statement.order_by(table.id).limit(limit))
    return [(identity, name, bool(lives)) for identity, name, lives in rows]


# ---- rows ------------------------------------------------------------------------------------------------------------


def _is(org_id: str, hook_id: str) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return event_hook.c.org_id == org_id, event_hook.c.id == hook_id


def _versions(org_id: str, hook_id: str) -> sa.Select[Any]:
    return (
        sa.select(event_hook_version, event_hook.c.id, event_hook.c.created, event_hook.c.created_by)
        .join(
            event_hook,
            (event_hook.c.org_id == event_hook_version.c.org_id) & (event_hook.c.id == event_hook_version.c.hook_id),
        )
        .where(event_hook_version.c.org_id == org_id, event_hook_version.c.hook_id == hook_id)
    )


def _row(hook: EventHook) -> dict[str, Any]:
    """Return the columns that a hook and its versions share."""
    definition = hook.model_dump(mode="json", by_alias=True, include=set(_DEFINED))
    return {
        "version": hook.version,
        "channel_version": hook.channel_version,
        "status": hook.status,
        "verification_status": hook.verification_status,
        "ever_verified": int(hook.ever_verified),
        "name": hook.name,
        "definition": msgspec.json.encode(definition),
        "public_url": hook.public_url,
        "last_updated": hook.last_updated,
        "deleted": hook.last_updated if hook.deleted else None,
    }


def _append_version(tx: Tx, hook: EventHook, from_seq: int) -> None:
    row = _row(hook) | {"org_id": hook.org_id, "hook_id": hook.id, "sealed": None, "from_seq": from_seq}
    tx.connection.execute(sa.insert(event_hook_version).values(row))


def _hook(row: sa.RowMapping, secret: Secret | None = None) -> EventHook:
    return EventHook(
        **msgspec.json.decode(row["definition"]),
        id=row["id"],
        org_id=row["org_id"],
        version=row["version"],
        channel_version=row["channel_version"],
        status=row["status"],
        verification_status=row["verification_status"],
        ever_verified=bool(row["ever_verified"]),
        name=row["name"],
        created=row["created"],
        created_by=row["created_by"],
        last_updated=row["last_updated"],
        public_url=row["public_url"],
        deleted=row["deleted"] is not None,
        secret=secret,
    )


def _opened(row: sa.RowMapping, vault: Vault) -> EventHook:
    sealed = row["sealed"]
    return _hook(row, None if sealed is None else Secret(vault.open(_identity(row["org_id"], row["id"]), sealed)))


def _seal(vault: Vault, hook: EventHook) -> bytes | None:
    return None if hook.secret is None else vault.seal(_identity(hook.org_id, hook.id), hook.secret.reveal())


def _identity(org_id: str, hook_id: str) -> str:
    return f"{org_id}/{hook_id}/channel.config.authScheme.value"
