"""The active hooks in memory are those of the database as last committed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from inline_samples import ORG, OTHER, hook

from tenterhook.domain.inline.hook import switched
from tenterhook.domain.inline.kind import REGISTRATION, TOKEN
from tenterhook.engine.inline.active import ActiveHooks
from tenterhook.store.database import Database
from tenterhook.store.transaction import Tx


def test_the_active_hooks_of_a_type_are_given_oldest_first() -> None:
    active = ActiveHooks()
    old, new = hook("b", created=1), hook("a", created=2)
    active.load([new, old, hook("c", status="INACTIVE"), hook("d", type=REGISTRATION.type), hook("e", OTHER)])
    assert active.of(ORG, TOKEN.type) == (old, new)
    assert [one.id for one in active.of(OTHER, TOKEN.type)] == [hook("e").id]
    assert active.of(ORG, "com.okta.saml.tokens.transform") == ()
    assert active.get(ORG, new.id) == new
    assert active.get(OTHER, new.id) is None
    assert active.get(ORG, hook("c").id) is None
    active.load([])
    assert active.of(ORG, TOKEN.type) == ()


async def change(tmp_path: Path, active: ActiveHooks) -> None:
    database = Database(tmp_path / "events.db")
    database.start()
    try:
        one = hook()

        def fail(tx: Tx) -> None:
            active.put(tx, one)
            raise ValueError("undone")

        with pytest.raises(ValueError, match="undone"):
            await database.write(fail)
        assert active.of(ORG, TOKEN.type) == ()
        await database.write(lambda tx: active.put(tx, one))
        assert active.of(ORG, TOKEN.type) == (one,)
        renamed = one.changed(1, name="Other")
        await database.write(lambda tx: active.put(tx, renamed))
        assert active.of(ORG, TOKEN.type) == (renamed,)
        await database.write(lambda tx: active.put(tx, switched(renamed, "INACTIVE", 2)))
        assert active.of(ORG, TOKEN.type) == ()
        assert active.get(ORG, one.id) is None
        await database.write(lambda tx: active.put(tx, one))
        await database.write(lambda tx: active.remove(tx, one))
        await database.write(lambda tx: active.remove(tx, one))
        assert active.of(ORG, TOKEN.type) == ()
    finally:
        await database.close()


def test_a_change_is_seen_when_it_is_committed_and_not_when_it_is_undone(tmp_path: Path) -> None:
    asyncio.run(change(tmp_path, ActiveHooks()))
