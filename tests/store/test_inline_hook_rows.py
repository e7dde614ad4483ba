from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from store_rig import NOW, ORG, OTHER, in_one

from tenterhook.domain.channel import AuthScheme, Header
from tenterhook.domain.inline.hook import InlineChannel, InlineConfig, InlineHook
from tenterhook.domain.inline.kind import REGISTRATION, TOKEN
from tenterhook.domain.secret import Secret
from tenterhook.errors import StorageError
from tenterhook.store import inline_hooks, schema
from tenterhook.store.transaction import Tx
from tenterhook.store.vault import Vault, new_key

VAULT = Vault([new_key()])


def hook(letter: str = "a", org_id: str = ORG, **changes: Any) -> InlineHook:
    config = InlineConfig(
        uri="https://svc.example.com/ask?x=1",
        headers=(Header(key="X-Source", value="1"),),
        auth_scheme=AuthScheme(key="Authorization"),
    )
    made = InlineHook(
        id="cal" + letter * 17,
        org_id=org_id,
        status="ACTIVE",
        name=f"Hook {letter}",
        type=TOKEN.type,
        version="1.0.0",
        channel=InlineChannel(config=config),
        created=NOW,
        last_updated=NOW,
        secret=Secret("s3cret-value"),
    )
    return made.model_copy(update=changes)


def oauth(letter: str = "a", **changes: Any) -> InlineHook:
    config = InlineConfig(
        uri="https://svc.example.com/ask",
        client_id="tenterhook",
        token_url="https://id.example.com/token",
        auth_type="private_key_jwt",
        hook_key_id="HKY" + "k" * 17,
    )
    channel = InlineChannel(type="OAUTH", config=config)
    return hook(letter, channel=channel, secret=None, **changes)


def test_an_inline_hook_comes_back_as_it_was_stored_with_its_secret(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        for one in (hook("a"), oauth("b")):
            inline_hooks.insert(tx, VAULT, one)
            assert inline_hooks.get(tx, VAULT, ORG, one.id) == one
        changed = hook().changed(NOW + 9, name="New", status="INACTIVE", version="1.0.2", secret=None)
        inline_hooks.update(tx, VAULT, changed)
        assert inline_hooks.get(tx, VAULT, ORG, hook().id) == changed

    in_one(tmp_path, story)


def test_an_inline_hook_of_another_org_is_not_found_by_any_question(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        inline_hooks.insert(tx, VAULT, hook())
        assert inline_hooks.get(tx, VAULT, OTHER, hook().id) is None
        assert inline_hooks.list_of(tx, VAULT, OTHER) == []
        assert inline_hooks.list_of(tx, VAULT, OTHER, after=hook().id) == []
        assert not inline_hooks.name_taken(tx, OTHER, hook().name)
        assert inline_hooks.count(tx, OTHER) == 0
        inline_hooks.remove(tx, OTHER, hook().id, NOW)
        assert inline_hooks.get(tx, VAULT, ORG, hook().id) == hook()

    in_one(tmp_path, story)


def test_a_deleted_inline_hook_frees_its_name_and_leaves_no_secret(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        inline_hooks.insert(tx, VAULT, hook())
        inline_hooks.remove(tx, ORG, hook().id, NOW)
        assert inline_hooks.get(tx, VAULT, ORG, hook().id) is None
        assert inline_hooks.every_active(tx, VAULT) == []
        assert inline_hooks.count(tx, ORG) == 0
        assert not inline_hooks.name_taken(tx, ORG, hook().name)
        assert tx.connection.execute(sa.select(schema.inline_hook.c.sealed)).scalars().all() == [None]
        inline_hooks.insert(tx, VAULT, hook("b", name=hook().name))

    in_one(tmp_path, story)


def test_inline_hooks_are_listed_oldest_first_in_pages_that_survive_a_deletion(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        for age, letter in enumerate("cabd"):
            kind = REGISTRATION if letter == "b" else TOKEN
            inline_hooks.insert(tx, VAULT, hook(letter, created=1000 + age // 2, type=kind.type))
        inline_hooks.insert(tx, VAULT, hook("x", OTHER, created=1))

        def names(**wanted: Any) -> list[str]:
            return [one.name[-1] for one in inline_hooks.list_of(tx, VAULT, ORG, **wanted)]

        assert names() == ["a", "c", "b", "d"]
        assert names(limit=2) == ["a", "c"]
        assert names(type=REGISTRATION.type) == ["b"]
        assert names(type=TOKEN.type, after=hook("a").id, limit=5) == ["c", "d"]
        inline_hooks.remove(tx, ORG, hook("c").id, NOW)
        assert names(after=hook("c").id, limit=1) == ["b"]
        assert names(after=hook("d").id) == []
        assert names(after="cal" + "?" * 17) == []

    in_one(tmp_path, story)


def test_only_living_active_inline_hooks_are_loaded_at_a_start_and_all_living_ones_count(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        inline_hooks.insert(tx, VAULT, hook("a"))
        inline_hooks.insert(tx, VAULT, hook("b", status="INACTIVE"))
        inline_hooks.insert(tx, VAULT, hook("c"))
        inline_hooks.remove(tx, ORG, hook("c").id, NOW)
        inline_hooks.insert(tx, VAULT, hook("x", OTHER))
        assert inline_hooks.every_active(tx, VAULT) == [hook("a"), hook("x", OTHER)]
        assert inline_hooks.count(tx, ORG) == 2

    in_one(tmp_path, story)


def test_the_name_of_an_inline_hook_is_taken_for_all_but_itself(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        inline_hooks.insert(tx, VAULT, hook())
        assert inline_hooks.name_taken(tx, ORG, "Hook a")
        assert not inline_hooks.name_taken(tx, ORG, "Hook a", but=hook().id)
        assert not inline_hooks.name_taken(tx, ORG, "hook a")
        with pytest.raises(sa.exc.SQLAlchemyError):
            inline_hooks.insert(tx, VAULT, hook("b", name="Hook a"))

    in_one(tmp_path, story)


def test_the_sealed_secret_of_an_inline_hook_opens_in_its_own_row_only(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        inline_hooks.insert(tx, VAULT, hook("a"))
        inline_hooks.insert(tx, VAULT, hook("b"))
        table = schema.inline_hook
        sealed = sa.select(table.c.sealed).where(table.c.id == hook("a").id).scalar_subquery()
        tx.connection.execute(sa.update(table).where(table.c.id == hook("b").id).values(sealed=sealed))
        assert inline_hooks.get(tx, VAULT, ORG, hook("a").id) == hook("a")
        with pytest.raises(StorageError):
            inline_hooks.get(tx, VAULT, ORG, hook("b").id)

    in_one(tmp_path, story)
    files = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    assert b"svc.example.com" in files
    assert b"s3cret-value" not in files
