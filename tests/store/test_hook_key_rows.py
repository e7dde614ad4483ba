from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from store_rig import NOW, ORG, OTHER, in_one
from test_inline_hook_rows import VAULT, oauth

from tenterhook.domain.hook_key import HookKey, renamed
from tenterhook.errors import StorageError
from tenterhook.store import hook_keys, inline_hooks, schema
from tenterhook.store.transaction import Tx

PEM = "-----BEGIN PRIVATE KEY-----\nprivate half\n-----END PRIVATE KEY-----\n"


def key(letter: str = "k", **changes: Any) -> HookKey:
    made = HookKey(
        org_id=ORG,
        id="HKY" + letter * 17,
        key_id=f"019ab1c2-0000-7f50-8a6b-7c8d9e0f1a{ord(letter):02x}",
        name=f"Key {letter}",
        modulus="wQ8",
        created=NOW,
        last_updated=NOW,
    )
    return msgspec.structs.replace(made, **changes)


def test_a_key_comes_back_as_it_was_stored_and_its_private_half_apart(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        hook_keys.insert(tx, VAULT, key(), PEM)
        assert hook_keys.get(tx, ORG, key().id) == key()
        assert hook_keys.get_by_key_id(tx, ORG, key().key_id) == key()
        assert hook_keys.private_key(tx, VAULT, ORG, key().id) == PEM
        now = renamed(key(), "New", NOW + 5)
        hook_keys.rename(tx, now)
        assert hook_keys.get(tx, ORG, key().id) == now
        assert hook_keys.private_key(tx, VAULT, ORG, key().id) == PEM

    in_one(tmp_path, story)
    files = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    assert b"wQ8" in files
    assert b"private half" not in files


def test_a_key_of_another_org_is_not_found_by_any_question(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        hook_keys.insert(tx, VAULT, key(), PEM)
        inline_hooks.insert(tx, VAULT, oauth())
        assert hook_keys.get(tx, OTHER, key().id) is None
        assert hook_keys.get_by_key_id(tx, OTHER, key().key_id) is None
        assert hook_keys.private_key(tx, VAULT, OTHER, key().id) is None
        assert hook_keys.list_of(tx, OTHER) == []
        assert hook_keys.list_of(tx, OTHER, after=key().id) == []
        assert hook_keys.ids(tx, OTHER) == hook_keys.used_ids(tx, OTHER) == frozenset()
        assert hook_keys.used_by(tx, OTHER, key().id) == []
        assert not hook_keys.name_taken(tx, OTHER, key().name)
        assert hook_keys.count(tx, OTHER) == 0

    in_one(tmp_path, story)


def test_a_deleted_key_is_gone_with_its_private_half_and_its_name_is_free(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        hook_keys.insert(tx, VAULT, key("a"), PEM)
        hook_keys.insert(tx, VAULT, key("b", created=NOW + 1), PEM)
        hook_keys.remove(tx, ORG, key("a").id, NOW + 2)
        assert hook_keys.get(tx, ORG, key("a").id) is None
        assert hook_keys.get_by_key_id(tx, ORG, key("a").key_id) is None
        assert hook_keys.private_key(tx, VAULT, ORG, key("a").id) is None
        assert hook_keys.ids(tx, ORG) == {key("b").id}
        assert hook_keys.count(tx, ORG) == 1
        sealed = sa.select(schema.hook_key.c.sealed).where(schema.hook_key.c.id == key("a").id)
        assert tx.connection.execute(sealed).scalars().all() == [None]
        assert [one.id for one in hook_keys.list_of(tx, ORG, after=key("a").id, limit=5)] == [key("b").id]
        hook_keys.insert(tx, VAULT, key("c", name="Key a"), PEM)
        assert hook_keys.name_taken(tx, ORG, "Key a")
        assert not hook_keys.name_taken(tx, ORG, "Key a", but=key("c").id)
        assert [one.id for one in hook_keys.list_of(tx, ORG, limit=1)] == [key("c").id]
        assert hook_keys.list_of(tx, ORG, after="HKY?") == []

    in_one(tmp_path, story)


def test_a_key_is_used_by_the_living_hooks_that_name_it(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        hook_keys.insert(tx, VAULT, key(), PEM)
        assert hook_keys.used_by(tx, ORG, key().id) == []
        inline_hooks.insert(tx, VAULT, oauth("b", status="INACTIVE", created=NOW + 1))
        inline_hooks.insert(tx, VAULT, oauth("a", created=NOW + 2))
        assert hook_keys.used_by(tx, ORG, key().id) == [(oauth("b").id, "Hook b"), (oauth("a").id, "Hook a")]
        assert hook_keys.used_ids(tx, ORG) == {key().id}
        inline_hooks.remove(tx, ORG, oauth("a").id, NOW)
        inline_hooks.remove(tx, ORG, oauth("b").id, NOW)
        assert hook_keys.used_by(tx, ORG, key().id) == []
        assert hook_keys.used_ids(tx, ORG) == frozenset()

    in_one(tmp_path, story)


def test_the_private_half_of_a_key_opens_in_its_own_row_only(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        hook_keys.insert(tx, VAULT, key("a"), PEM)
        hook_keys.insert(tx, VAULT, key("b"), PEM)
        table = schema.hook_key
        sealed = sa.select(table.c.sealed).where(table.c.id == key("a").id).scalar_subquery()
        tx.connection.execute(sa.update(table).where(table.c.id == key("b").id).values(sealed=sealed))
        with pytest.raises(StorageError):
            hook_keys.private_key(tx, VAULT, ORG, key("b").id)

    in_one(tmp_path, story)
