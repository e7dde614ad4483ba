"""The rows of the full-text index: which events they hold, and that events and index never part."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest
from store_rig import NOW, ORG, found_orgs, in_one, opened, run

from tenterhook.engine.index_log import LARGE_STEP, PATIENCE, STEP, index_tail
from tenterhook.ids import uuid7
from tenterhook.store import log_events, log_index
from tenterhook.store.database import Database
from tenterhook.store.transaction import Tx


def append(tx: Tx, *words: str, ago: int = 0) -> int:
    """Append an event for each of *words*, published *ago* ms before now; return the first seq."""
    rows = [
        log_events.Row(ORG, uuid7(), NOW - ago, "a.b", msgspec.json.encode({"displayMessage": word})) for word in words
    ]
    return log_events.append(tx, rows, NOW)


def having(tx: Tx, query: str) -> list[int]:
    sql = "SELECT rowid FROM log_text WHERE log_text MATCH ? ORDER BY rowid"
    return [row[0] for row in tx.driver.execute(sql, (query,))]


def spans(tx: Tx) -> list[tuple[int, ...]]:
    sql = "SELECT first_seq, last_seq, oldest - ?, newest - ? FROM log_span ORDER BY first_seq"
    return [tuple(row) for row in tx.driver.execute(sql, (NOW, NOW))]


def test_each_step_goes_on_where_the_last_ended_and_ends_with_nothing(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        assert (log_index.has_tail(tx), log_index.fill(tx, 5), log_index.indexed_upto(tx)) == (False, 0, 0)
        append(tx, "one", "two", "three", "two")
        assert log_index.has_tail(tx)
        assert [log_index.fill(tx, 3), log_index.indexed_upto(tx), having(tx, "two")] == [3, 3, [2]]
        assert [log_index.fill(tx, 3), log_index.fill(tx, 3), having(tx, "two")] == [1, 0, [2, 4]]
        assert not log_index.has_tail(tx)

    in_one(tmp_path, story)


def test_a_row_holds_its_org_and_what_escapes_stand_for(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        found_orgs(tx)
        append(tx, 'a"quoted\\slash\tword', "plain", "nul\0byte")
        log_index.fill(tx, 10)
        for word in ("quoted", "slash", "word"):
            assert having(tx, word) == [1]
        assert having(tx, "tword") == []
        assert having(tx, "byte") == [3]
        assert having(tx, f'"{log_index.org_word(tx, ORG)}" AND plain') == [2]

    in_one(tmp_path, story)


def test_a_span_grows_to_its_size_and_knows_its_oldest_and_newest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_index, "SPAN_EVENTS", 4)

    def story(tx: Tx) -> None:
        for ago in (5, 9, 2, 3, 7):
            append(tx, "x", ago=ago)
            log_index.fill(tx, 1)
        append(tx, "x", "x", ago=1)
        append(tx, "x", ago=8)
        log_index.fill(tx, 3)
        assert spans(tx) == [(1, 4, -9, -2), (5, 8, -8, -1)]

    in_one(tmp_path, story)


def test_an_index_step_that_is_undone_leaves_neither_words_nor_span(tmp_path: Path) -> None:
    database = opened(tmp_path)
    database.run_now(lambda tx: append(tx, "one", "two"))

    def crash(tx: Tx) -> None:
        log_index.fill(tx, 2)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        database.run_now(crash)
    database.run_now(lambda tx: (having(tx, "one"), spans(tx)) == ([], []) or pytest.fail("half an index"))
    assert database.run_now(lambda tx: log_index.fill(tx, 9)) == 2
    assert database.run_now(lambda tx: having(tx, "one")) == [1]
    asyncio.run(database.close())


@pytest.mark.parametrize("most", [1, 2, 3, 100])
def test_what_retention_takes_leaves_the_index_in_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(log_index, "SPAN_EVENTS", 3)

    def story(tx: Tx) -> None:
        for _ in range(8):
            append(tx, "x")
            log_index.fill(tx, 1)
        append(tx, "x")
        removed = 0
        while count := log_index.remove(tx, 5, most):
            assert count <= most
            removed += count
        assert (removed, having(tx, "x")) == (5, [6, 7, 8])
        assert [span[:2] for span in spans(tx)] == [(6, 6), (7, 8)]
        assert (log_index.indexed_upto(tx), log_index.remove(tx, 5, most)) == (8, 0)
        while log_index.remove(tx, 99, most):
            pass
        assert (having(tx, "x"), spans(tx)) == ([], [])

    in_one(tmp_path, story)


def test_the_tail_is_indexed_in_small_commits_and_in_larger_ones_only_if_it_is_long(tmp_path: Path) -> None:
    async def story(database: Database) -> None:
        await database.write(found_orgs)
        total = STEP * PATIENCE + 10
        await database.write(lambda tx: append(tx, *["x"] * total))
        before = database.commits
        assert await index_tail(database) == total
        assert database.commits - before == PATIENCE + 1
        assert await index_tail(database) == 0
        assert database.commits - before == PATIENCE + 1
        await database.write(lambda tx: append(tx, *["y"] * (STEP * PATIENCE + 2 * LARGE_STEP)))
        before = database.commits
        await index_tail(database)
        assert database.commits - before == PATIENCE + 2
        assert len(await database.read(lambda tx: having(tx, "x OR y"))) == total + STEP * PATIENCE + 2 * LARGE_STEP

    run(tmp_path, story)


def test_an_index_that_another_version_has_written_is_thrown_away_and_made_anew(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        append(tx, "one", "two")
        log_index.prepare(tx)
        log_index.fill(tx, 10)
        assert not log_index.prepare(tx)
        assert having(tx, "two") == [2]
        tx.driver.execute("UPDATE counter SET value = value - 1 WHERE name = 'log_text.version'")
        assert log_index.prepare(tx)
        assert [having(tx, "two"), log_index.indexed_upto(tx), log_index.has_tail(tx)] == [[], 0, True]
        assert [log_index.fill(tx, 10), having(tx, "two"), log_index.prepare(tx)] == [2, [2], False]

    in_one(tmp_path, story)


def test_an_index_of_no_known_version_is_made_anew_as_well(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        append(tx, "one")
        log_index.fill(tx, 10)
        tx.driver.execute("DELETE FROM counter WHERE name = 'log_text.version'")
        assert log_index.prepare(tx)
        assert log_index.has_tail(tx)

    in_one(tmp_path, story)


def test_a_step_is_bounded_by_bytes_as_well_and_takes_one_event_in_any_case(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        append(tx, *["x" * (log_index.STEP_BYTES // 2 - 100)] * 4, "y" * (log_index.STEP_BYTES + 1), "z")
        assert [log_index.fill(tx, 100) for _ in range(5)] == [3, 2, 1, 0, 0]

    in_one(tmp_path, story)


def test_nobody_can_publish_the_word_that_says_whose_an_event_is(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        found_orgs(tx)
        append(tx, ORG, "mine")
        log_index.fill(tx, 10)
        word = log_index.org_word(tx, ORG)
        assert ORG.lower() not in word
        assert len(word) == 16
        assert having(tx, f'"{word}"') == [1, 2]

    in_one(tmp_path, story)
