from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa

from tenterhook.domain.channel import AuthScheme, Channel, Config, Header
from tenterhook.domain.delivery_policy import CustomRetry, DeliveryPolicy
from tenterhook.domain.event_hook import EventHook, Events
from tenterhook.domain.secret import Secret
from tenterhook.errors import StorageError
from tenterhook.store import event_hooks, schema
from tenterhook.store.database import Database
from tenterhook.store.migrate import migrate
from tenterhook.store.transaction import Tx
from tenterhook.store.vault import Vault, new_key

T = TypeVar("T")
ORG, OTHER = "00o" + "a" * 17, "00o" + "b" * 17
VAULT = Vault([new_key()])


def hook(letter: str = "a", org_id: str = ORG, **changes: Any) -> EventHook:
    config = Config(
        uri="https://svc.example.com/hook?x=1",
        headers=(Header(key="X-Ä", value="1"),),
        auth_scheme=AuthScheme(key="Authorization"),
    )
    made = EventHook(
        id="who" + letter * 17,
        org_id=org_id,
        status="ACTIVE",
        verification_status="UNVERIFIED",
        name=f"Hook {letter}",
        description=None,
        created=1_767_323_045_678,
        created_by="00u" + "a" * 17,
        last_updated=1_767_323_045_678,
        events=Events(items=("user.lifecycle.create",)),
        channel=Channel(config=config),
        delivery_policy=DeliveryPolicy(
            retry=CustomRetry(waits_seconds=(1, 2.5), retry_on=("5XX",)), timeout_seconds=2.5
        ),
        public_url="https://hooks.example.com",
        secret=Secret("s3cret-value"),
    )
    return made.model_copy(update=changes)


def in_database(tmp_path: Path, fn: Callable[[Tx], T]) -> T:
    """Run *fn* in one transaction of a fresh database."""
    database = Database(tmp_path / "events.db")
    try:
        database.run_now(migrate)
        return database.run_now(fn)
    finally:
        asyncio.run(database.close())


def test_a_hook_comes_back_as_it_was_stored_with_its_secret(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        event_hooks.insert(tx, VAULT, hook(), 1)
        assert event_hooks.get(tx, VAULT, ORG, hook().id) == hook()
        changed = hook().changed(hook().last_updated + 9, name="New", description="d", ever_verified=True, secret=None)
        event_hooks.update(tx, VAULT, changed, 5)
        assert event_hooks.get(tx, VAULT, ORG, hook().id) == changed

    in_database(tmp_path, story)


def test_a_hook_of_another_org_is_not_found_by_any_question(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        event_hooks.insert(tx, VAULT, hook(verification_status="VERIFIED"), 1)
        assert event_hooks.get(tx, VAULT, OTHER, hook().id) is None
        assert event_hooks.list_of(tx, VAULT, OTHER, None, None) == []
        assert event_hooks.list_of(tx, VAULT, OTHER, hook().id, None) == []
        assert not event_hooks.name_taken(tx, OTHER, hook().name)
        assert event_hooks.count_bound(tx, OTHER) == 0
        assert event_hooks.get_version(tx, OTHER, hook().id, 1) is None
        assert event_hooks.version_in_force(tx, OTHER, hook().id, 1) is None
        assert event_hooks.get(tx, VAULT, ORG, hook().id) is not None

    in_database(tmp_path, story)


def test_a_deleted_hook_frees_its_name_and_leaves_no_secret_but_its_versions(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        event_hooks.insert(tx, VAULT, hook(status="INACTIVE"), 1)
        event_hooks.delete(tx, VAULT, hook(status="INACTIVE", version=2), 7)
        assert event_hooks.get(tx, VAULT, ORG, hook().id) is None
        assert event_hooks.every_living(tx, VAULT) == []
        assert not event_hooks.name_taken(tx, ORG, hook().name)
        assert tx.connection.execute(sa.select(schema.event_hook.c.sealed)).scalars().all() == [None]
        event_hooks.insert(tx, VAULT, hook("b", name=hook().name), 8)
        last = event_hooks.version_in_force(tx, ORG, hook().id, 7)
        assert last is not None
        assert last.deleted

    in_database(tmp_path, story)


def test_the_version_in_force_is_the_last_one_that_began_by_then(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        event_hooks.insert(tx, VAULT, hook(), 10)
        event_hooks.update(tx, VAULT, hook(version=2, name="second"), 20)
        event_hooks.update(tx, VAULT, hook(version=3, name="third"), 20)
        found = [event_hooks.version_in_force(tx, ORG, hook().id, seq) for seq in (9, 10, 19, 20, 99)]
        assert [one and one.name for one in found] == [None, "Hook a", "Hook a", "third", "third"]
        second = event_hooks.get_version(tx, ORG, hook().id, 2)
        assert second == hook(version=2, name="second", secret=None)

    in_database(tmp_path, story)


def test_hooks_are_listed_oldest_first_in_pages_that_survive_a_deletion(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        for age, letter in enumerate("cabd"):
            event_hooks.insert(tx, VAULT, hook(letter, created=1000 + age // 2), 1)
        event_hooks.insert(tx, VAULT, hook("x", OTHER, created=1), 1)

        def names(after: EventHook | None, limit: int | None) -> list[str]:
            listed = event_hooks.list_of(tx, VAULT, ORG, after.id if after else None, limit)
            return [one.name[-1] for one in listed]

        assert names(None, None) == ["a", "c", "b", "d"]
        assert names(None, 2) == ["a", "c"]
        event_hooks.delete(tx, VAULT, hook("c", version=2), 2)
        assert names(hook("c"), 1) == ["b"]
        assert names(hook("d"), 5) == []
        assert [one.org_id for one in event_hooks.every_living(tx, VAULT)] == [ORG, ORG, ORG, OTHER]

    in_database(tmp_path, story)


def test_only_active_and_verified_living_hooks_count_against_the_limit(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        event_hooks.insert(tx, VAULT, hook("a", verification_status="VERIFIED"), 1)
        event_hooks.insert(tx, VAULT, hook("b"), 1)
        event_hooks.insert(tx, VAULT, hook("c", verification_status="VERIFIED", status="INACTIVE"), 1)
        event_hooks.insert(tx, VAULT, hook("d", verification_status="VERIFIED"), 1)
        event_hooks.delete(tx, VAULT, hook("d", verification_status="VERIFIED", version=2), 1)
        assert event_hooks.count_bound(tx, ORG) == 1

    in_database(tmp_path, story)


def test_a_name_is_taken_by_any_living_hook_but_the_one_that_asks(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        event_hooks.insert(tx, VAULT, hook(), 1)
        assert event_hooks.name_taken(tx, ORG, "Hook a")
        assert not event_hooks.name_taken(tx, ORG, "Hook a", but=hook().id)
        assert not event_hooks.name_taken(tx, ORG, "hook a")
        with pytest.raises(sa.exc.SQLAlchemyError):
            event_hooks.insert(tx, VAULT, hook("b", name="Hook a"), 1)

    in_database(tmp_path, story)


def test_a_sealed_secret_moved_to_another_row_does_not_open(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        event_hooks.insert(tx, VAULT, hook("a"), 1)
        event_hooks.insert(tx, VAULT, hook("b"), 1)
        table = schema.event_hook
        sealed = sa.select(table.c.sealed).where(table.c.id == hook("a").id).scalar_subquery()
        tx.connection.execute(sa.update(table).where(table.c.id == hook("b").id).values(sealed=sealed))
        assert event_hooks.get(tx, VAULT, ORG, hook("a").id) == hook("a")
        with pytest.raises(StorageError):
            event_hooks.get(tx, VAULT, ORG, hook("b").id)

    in_database(tmp_path, story)


def test_no_secret_is_in_the_file_in_the_clear(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        event_hooks.insert(tx, VAULT, hook(), 1)
        event_hooks.update(tx, VAULT, hook(version=2), 2)

    in_database(tmp_path, story)
    files = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"svc.example.com" in files
    assert b"s3cret-value" not in files
