"""The schema: what the migrations make is what the program thinks it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from store_rig import in_one

import tenterhook.store.migrate
from tenterhook.errors import StorageError
from tenterhook.store import schema
from tenterhook.store.migrate import HEAD, current, migrate
from tenterhook.store.transaction import Tx

VERSIONS = Path(tenterhook.store.migrate.__file__).parent / "migrations" / "versions"


def definitions(tx: Tx) -> dict[tuple[str, str], str]:
    """Return the SQL of every table and index, blanks evened out."""
    sql = "SELECT type, name, sql FROM sqlite_master WHERE name <> 'alembic_version' AND sql IS NOT NULL"
    return {(kind, name): re.sub(r"[\s\"]+", " ", text) for kind, name, text in tx.driver.execute(sql)}


def test_the_head_is_the_newest_file() -> None:
    names = sorted(path.name for path in VERSIONS.glob("v*.py"))
    assert names[-1].startswith(f"v{HEAD}_")
    assert [name[1:5] for name in names] == [f"{at + 1:04d}" for at in range(len(names))]


def test_an_empty_database_comes_to_the_schema_and_no_difference_is_left(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        assert current(tx.connection) == HEAD
        opts = {
            "compare_type": True,
            "compare_server_default": True,
            # SQLAlchemy knows no virtual tables: the full-text index and its parts are held by the next test.
            "include_name": lambda name, kind, _: kind != "table" or not name.startswith("log_text"),
        }
        context = MigrationContext.configure(tx.connection, opts=opts)
        assert compare_metadata(context, schema.metadata) == []

    in_one(tmp_path, story)


def test_the_tables_and_partial_indexes_are_to_the_letter_those_of_the_program(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        migrated = definitions(tx)
        for kind, name in migrated:
            if kind == "table" and not name.startswith("log_text_"):  # an index's parts go with it
                tx.driver.execute(f"DROP TABLE {name}")
        schema.metadata.create_all(tx.connection)
        made = definitions(tx)
        assert migrated.keys() == made.keys()
        indexes = {key for key in made if key[0] == "index"}
        assert {key: migrated[key] for key in indexes} == {key: made[key] for key in indexes}
        for key in made:
            assert ("WITHOUT ROWID" in made[key]) == ("WITHOUT ROWID" in migrated[key]), key

    in_one(tmp_path, story)


def test_migrating_again_changes_nothing(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        before = definitions(tx)
        migrate(tx)
        assert definitions(tx) == before

    in_one(tmp_path, story)


@pytest.mark.parametrize("newer", ["0099", "1000"])
def test_a_database_of_a_newer_program_is_refused_in_words(tmp_path: Path, newer: str) -> None:
    def story(tx: Tx) -> None:
        tx.driver.execute("UPDATE alembic_version SET version_num = ?", (newer,))
        before = definitions(tx)
        with pytest.raises(StorageError, match=f"schema {newer}.*up to {HEAD}"):
            migrate(tx)
        assert definitions(tx) == before

    in_one(tmp_path, story)


def test_a_migration_that_is_undone_leaves_an_empty_database(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        for kind, name in definitions(tx):
            if kind == "table" and not name.startswith("log_text_"):
                tx.driver.execute(f"DROP TABLE {name}")
        tx.driver.execute("DROP TABLE alembic_version")
        mark = tx.savepoint()
        migrate(tx)
        assert current(tx.connection) == HEAD
        tx.rollback_to(mark)
        assert current(tx.connection) is None
        assert definitions(tx) == {}

    in_one(tmp_path, story)
