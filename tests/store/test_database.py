"""How store functions run: one writer, group commit, refusals, and what a power cut leaves."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw
import pytest
from power_cut import Disk
from store_rig import NOTES, note, notes, notes_in, opened, run

from tenterhook.errors import InvalidError, OverloadedError, StorageError
from tenterhook.store import database as database_module
from tenterhook.store.database import Database
from tenterhook.store.transaction import Tx
from tenterhook.store.write_queue import Batch, Class


@contextmanager
def held(database: Database) -> Iterator[None]:
    """Keep the writing thread inside a transaction, so that what comes meanwhile waits together."""
    inside, gate = threading.Event(), threading.Event()

    def hold(tx: Tx) -> None:
        inside.set()
        assert gate.wait(30)

    database.submit(Batch("hold", Class.OUTCOME, lambda tx, _: [hold(tx)]), None, lambda _: None, pytest.fail)
    database._call_writer()  # as the event loop does at the end of its turn; here it waits inside of one
    assert inside.wait(30)
    try:
        yield
    finally:
        gate.set()


async def settle_all(*tasks: asyncio.Task[Any]) -> list[Any]:
    """Wait for tasks, whatever they end with."""
    return list(await asyncio.gather(*tasks, return_exceptions=True))


async def begun(*tasks: asyncio.Task[Any]) -> None:
    """Let tasks run as far as they can."""
    for _ in range(3):
        await asyncio.sleep(0)
    assert not any(task.done() for task in tasks)


# -- group commit ------------------------------------------------------------------------------------------------------


def test_all_that_waits_goes_into_one_commit(tmp_path: Path) -> None:
    async def story(database: Database) -> None:
        with held(database):
            tasks = [asyncio.create_task(database.append(NOTES, f"n{at:03d}")) for at in range(300)]
            tasks += [asyncio.create_task(database.write(lambda tx, at=at: note(tx, f"nd{at}"))) for at in range(50)]
            await begun(*tasks)
            before = database.commits
        assert await asyncio.gather(*tasks[:300]) == [f"n{at:03d}" for at in range(300)]
        await asyncio.gather(*tasks)
        assert database.commits - before == 2  # the held one, and one for all that waited
        assert len(await database.read(notes)) == 350

    run(tmp_path, story)


def test_a_batch_takes_at_most_a_thousand_rows(tmp_path: Path) -> None:
    sizes: list[int] = []

    def count(tx: Tx, items: list[int]) -> list[None]:
        sizes.append(len(items))
        return [None for _ in items]

    async def story(database: Database) -> None:
        batch = Batch("count", Class.PUBLISH, count)
        with held(database):
            tasks = [asyncio.create_task(database.append(batch, at)) for at in range(2500)]
            await begun(*tasks)
        await asyncio.gather(*tasks)

    run(tmp_path, story)
    assert sizes == [1000, 1000, 500]


def test_every_class_has_its_share_of_each_batch_and_higher_ones_go_first(tmp_path: Path) -> None:
    order: list[Class] = []

    def batch(klass: Class) -> Batch[None, None]:
        def note_class(tx: Tx, items: list[None]) -> list[None]:
            order.extend([klass] * len(items))
            return items

        return Batch(klass.name, klass, note_class)

    async def story(database: Database) -> None:
        kinds = {klass: batch(klass) for klass in Class}
        with held(database):
            tasks = [asyncio.create_task(database.append(kinds[klass], None)) for klass in Class for _ in range(1200)]
            await begun(*tasks)
            commits = database.commits
        await asyncio.gather(*tasks)
        assert database.commits - commits == 6

    run(tmp_path, story)
    whole = order[:1000]
    assert [whole.count(klass) for klass in Class] == [400, 100, 400, 100]
    assert whole == sorted(whole)
    assert order[1000:2000] == whole
    assert sum(order[:4000].count(klass) for klass in Class) == 4000


def test_too_many_waiting_rows_or_bytes_are_refused_and_others_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "MAX_WAITING_ROWS", 10)
    monkeypatch.setattr(database_module, "MAX_WAITING_BYTES", 1000)

    async def story(database: Database) -> None:
        with held(database):
            rows = asyncio.create_task(database.append(NOTES, "n1", rows=11))
            await begun(rows)
            assert database.waiting_rows(Class.PUBLISH) == 11
            with pytest.raises(OverloadedError) as caught:
                await database.append(NOTES, "n2")
            assert caught.value.retry_after_s >= 1
            other = asyncio.create_task(database.write(lambda tx: note(tx, "n3")))
            await begun(other)
        assert await asyncio.gather(rows, other) == ["n1", "n3"]
        with held(database):
            large = asyncio.create_task(database.append(NOTES, "n4", size=1001))
            await begun(large)
            with pytest.raises(OverloadedError):
                await database.append(NOTES, "n5")
            told: list[str] = []
            database.submit(NOTES, "n6", told.append, pytest.fail)  # an outcome is never refused
        await large
        assert await database.read(notes) == ["n1", "n3", "n4", "n6"]
        assert told == ["n6"]
        assert await database.append(NOTES, "n7") == "n7"

    run(tmp_path, story)


# -- who fails ---------------------------------------------------------------------------------------------------------


def test_a_document_that_fails_is_undone_alone_and_told(tmp_path: Path) -> None:
    undone: list[str] = []

    def poison(tx: Tx) -> None:
        note(tx, "n-half")
        tx.after_commit_on_loop(lambda: undone.append("must not run"))
        tx.after_rollback(lambda: undone.append("first"))
        tx.after_rollback(lambda: undone.append("second"))
        raise InvalidError("thing", ["no"])

    async def story(database: Database) -> None:
        with held(database):
            tasks: list[asyncio.Task[Any]] = [
                asyncio.create_task(database.write(lambda tx: note(tx, "n1"))),
                asyncio.create_task(database.write(poison)),
                asyncio.create_task(database.append(NOTES, "n2")),
                asyncio.create_task(database.write(lambda tx: note(tx, "n3"))),
            ]
            await begun(*tasks)
            commits = database.commits
        one, bad, two, three = await settle_all(*tasks)
        assert (one, two, three) == ("n1", "n2", "n3")
        assert isinstance(bad, InvalidError)
        assert await database.read(notes) == ["n1", "n2", "n3"]
        assert database.commits - commits == 2
        assert undone == ["second", "first"]

    run(tmp_path, story)


def test_a_bad_item_of_a_batch_fails_alone_and_takes_nobody_with_it(tmp_path: Path) -> None:
    async def story(database: Database) -> None:
        await database.append(NOTES, "n1")
        with held(database):
            tasks = [asyncio.create_task(database.append(NOTES, name)) for name in ("n0", "n1", "n2")]
            tasks.append(asyncio.create_task(database.write(lambda tx: note(tx, "n3"))))
            await begun(*tasks)
        zero, bad, two, three = await settle_all(*tasks)
        assert (zero, two, three) == ("n0", "n2", "n3")
        assert isinstance(bad, apsw.ConstraintError)
        assert await database.read(notes) == ["n0", "n1", "n2", "n3"]

    run(tmp_path, story)


def test_a_batch_that_loses_an_answer_is_an_error_and_stores_nothing(tmp_path: Path) -> None:
    short: Batch[str, str] = Batch("short", Class.PUBLISH, lambda tx, names: [note(tx, name) for name in names][1:])

    async def story(database: Database) -> None:
        with pytest.raises(ValueError, match="shorter"):
            await database.append(short, "n1")
        assert await database.read(notes) == []

    run(tmp_path, story)


# -- after the commit --------------------------------------------------------------------------------------------------


def test_nobody_is_told_before_the_commit_is_in_the_file(tmp_path: Path) -> None:
    in_transaction: list[list[str]] = []

    def look(tx: Tx) -> str:
        note(tx, "n1")
        in_transaction.append(notes_in(tmp_path / "events.db"))
        return "told"

    async def story(database: Database) -> None:
        told = await database.write(look)
        assert (told, notes_in(database.path)) == ("told", ["n1"])

    run(tmp_path, story)
    assert in_transaction == [[]]


def test_effects_run_on_the_event_loop_in_order_and_before_anybody_is_told(tmp_path: Path) -> None:
    seen: list[tuple[str, bool]] = []
    main = threading.get_ident()

    def mark(name: str) -> Callable[[], None]:
        return lambda: seen.append((name, threading.get_ident() == main))

    def document(tx: Tx) -> None:
        tx.after_commit_on_loop(mark("loop 1"))
        tx.after_commit_on_loop(mark("loop 2"))
        tx.after_rollback(mark("never"))
        mark("inside")()

    async def story(database: Database) -> None:
        await database.write(document)
        mark("told")()

    run(tmp_path, story)
    assert seen == [
        *(("inside", False), ("loop 1", True), ("loop 2", True), ("told", True)),
    ]


def test_an_effect_that_raises_keeps_no_answer_back(tmp_path: Path) -> None:
    ran: list[str] = []

    def document(tx: Tx) -> str:
        tx.after_commit_on_loop(lambda: 1 / 0)
        tx.after_commit_on_loop(lambda: ran.append("second"))
        return note(tx, "n1")

    async def story(database: Database) -> None:
        broken: list[Any] = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: broken.append(context["exception"]))
        assert await database.write(document) == "n1"
        assert ran == ["second"]
        assert [type(error) for error in broken] == [ZeroDivisionError]

    run(tmp_path, story)


def test_a_caller_that_gives_up_does_not_disturb_the_others(tmp_path: Path) -> None:
    async def story(database: Database) -> None:
        with held(database):
            gone = asyncio.create_task(database.append(NOTES, "n1"))
            stays = asyncio.create_task(database.append(NOTES, "n2"))
            await begun(gone, stays)
            gone.cancel()
        assert await stays == "n2"
        assert await database.read(notes) == ["n1", "n2"]

    run(tmp_path, story)


# -- reading -----------------------------------------------------------------------------------------------------------


def test_a_reader_sees_what_is_committed_and_not_what_is_under_way(tmp_path: Path) -> None:
    def held_note(tx: Tx) -> None:
        note(tx, "n1")
        inside.set()
        assert gate.wait(30)

    inside, gate = threading.Event(), threading.Event()

    async def story(database: Database) -> None:
        writing = asyncio.create_task(database.write(held_note))
        assert await asyncio.to_thread(inside.wait, 30)
        assert await database.read(notes) == []
        gate.set()
        await writing
        assert await database.read(notes) == ["n1"]

    run(tmp_path, story)


def test_one_read_is_one_snapshot_however_much_is_written_meanwhile(tmp_path: Path) -> None:
    async def story(database: Database) -> None:
        loop = asyncio.get_running_loop()

        def twice(tx: Tx) -> tuple[list[str], list[str]]:
            before = notes(tx)
            asyncio.run_coroutine_threadsafe(database.append(NOTES, "n1"), loop).result(30)
            return before, notes(tx)

        assert await database.read(twice) == ([], [])
        assert await database.read(notes) == ["n1"]

    run(tmp_path, story)


def test_a_write_through_a_reader_fails(tmp_path: Path) -> None:
    async def story(database: Database) -> None:
        with pytest.raises(apsw.ReadOnlyError):
            await database.read(lambda tx: note(tx, "n1"))
        with pytest.raises(apsw.ReadOnlyError):
            await database.read(lambda tx: tx.driver.execute("DELETE FROM counter"))
        assert await database.read(notes) == []

    run(tmp_path, story)


# -- how it is opened --------------------------------------------------------------------------------------------------


def test_the_settings_that_the_promises_rest_on_are_read_back(tmp_path: Path) -> None:
    def pragmas(tx: Tx) -> dict[str, Any]:
        names = ("journal_mode", "synchronous", "page_size", "foreign_keys", "mmap_size")
        return {name: tx.driver.execute(f"PRAGMA {name}").get for name in names}

    database = opened(tmp_path)
    try:
        assert database.settings["journal_mode"] == "wal"
        assert database.settings["synchronous"] == 2
        wanted = {"journal_mode": "wal", "synchronous": 2, "page_size": 8192, "foreign_keys": 1, "mmap_size": 0}
        assert database.run_now(pragmas) == wanted
        assert tuple(int(part) for part in str(database.settings["sqlite_version"]).split(".")) >= (3, 51, 3)
    finally:
        asyncio.run(database.close())


def test_a_setting_that_does_not_take_refuses_the_start_in_words(tmp_path: Path) -> None:
    other = apsw.Connection(str(tmp_path / "events.db"))
    other.execute("PRAGMA page_size=4096; PRAGMA journal_mode=WAL; CREATE TABLE t (a)")
    other.close()
    with pytest.raises(StorageError, match="page_size"):
        Database(tmp_path / "events.db")


def test_a_file_that_is_no_database_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "events.db").write_bytes(b"this is not a database, but it is long enough to be one" * 100)
    with pytest.raises(StorageError, match="cannot be opened"):
        Database(tmp_path / "events.db")


def test_closing_writes_what_waits_and_refuses_what_comes_later(tmp_path: Path) -> None:
    async def story() -> None:
        database = opened(tmp_path)
        database.start()
        with held(database):
            waiting = [asyncio.create_task(database.append(NOTES, f"n{at}")) for at in range(5)]
            await begun(*waiting)
            closing = asyncio.create_task(database.close())
            await begun(closing)
        async with asyncio.timeout(30):
            await closing
            assert await asyncio.gather(*waiting) == [f"n{at}" for at in range(5)]
            with pytest.raises(OverloadedError):
                await database.append(NOTES, "n9")
        assert notes_in(database.path) == [f"n{at}" for at in range(5)]

    asyncio.run(story())


# -- disks that fail ---------------------------------------------------------------------------------------------------

BIG = "n" + "x" * 400_000


def test_a_full_disk_refuses_stores_nothing_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    fatal: list[BaseException] = []

    def pages(tx: Tx, more: int) -> None:
        now = tx.driver.execute("PRAGMA page_count").get
        tx.driver.execute(f"PRAGMA max_page_count={now + more}")

    async def story(database: Database) -> None:
        await database.write(lambda tx: pages(tx, 3))
        with held(database):
            tasks = [
                asyncio.create_task(database.append(NOTES, BIG)),
                asyncio.create_task(database.append(NOTES, "n1")),
                asyncio.create_task(database.write(lambda tx: note(tx, "n2"))),
            ]
            await begun(*tasks)
        refused = await settle_all(*tasks)
        assert [type(one) for one in refused] == [OverloadedError] * 3
        with pytest.raises(OverloadedError):
            await database.write(lambda tx: note(tx, BIG))
        assert await database.read(notes) == []
        assert await database.append(NOTES, "n3") == "n3"
        await database.write(lambda tx: pages(tx, 10_000))
        assert await database.append(NOTES, BIG) == BIG
        assert fatal == []

    run(tmp_path, story, on_fatal=fatal.append)


def test_a_failed_sync_ends_it_and_everything_is_refused(tmp_path: Path) -> None:
    disk = Disk("sync-fails")
    fatal: list[BaseException] = []

    async def story(database: Database) -> None:
        await database.append(NOTES, "n1")
        with held(database):
            tasks = [asyncio.create_task(database.append(NOTES, "n2"))]
            tasks += [asyncio.create_task(database.append(NOTES, f"m{at}")) for at in range(1500)]
            await begun(*tasks)
            disk.failing = True
        told = await settle_all(*tasks)
        assert {type(one) for one in told} == {OverloadedError}
        await asyncio.sleep(0)
        assert [type(error) for error in fatal] == [apsw.IOError]
        for entrance in (database.append(NOTES, "n3"), database.write(lambda tx: note(tx, "n4"))):
            with pytest.raises(OverloadedError):
                await entrance
        refused: list[BaseException] = []
        database.submit(NOTES, "n5", pytest.fail, refused.append)
        await asyncio.sleep(0)
        assert [type(error) for error in refused] == [OverloadedError]
        disk.failing = False

    run(tmp_path, story, vfs=disk.name, on_fatal=fatal.append)
    assert "n1" in notes_in(tmp_path / "events.db")


# -- power cuts --------------------------------------------------------------------------------------------------------


def lost_by_power_cuts(path: Path, seed: int, synchronous: str) -> int:
    """Cut the power in the middle of many writes; return how many acknowledged ones are gone afterwards."""
    disk = Disk(f"lossy-{synchronous}-{seed}")
    acked: list[str] = []
    lost = 0

    async def publish(database: Database, name: str) -> None:
        acked.append(await database.append(NOTES, name))

    async def story(database: Database) -> None:
        nonlocal lost
        await database.write(lambda tx: None)
        for cut in range(5):
            tasks = [asyncio.create_task(publish(database, f"n{cut}-{at:02d}")) for at in range(40)]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if cut % 2:
                await asyncio.gather(*tasks)
            safe, after = list(acked), path / f"cut-{cut}"
            after.mkdir()
            disk.cut_power(after, seed * 100 + cut)
            lost += len(set(safe) - set(notes_in(after / "events.db")))
            await asyncio.gather(*tasks)

    database = opened(path, vfs=disk.name)
    database._connection.exec_driver_sql(f"PRAGMA synchronous={synchronous}")

    async def whole() -> None:
        database.start()
        try:
            await story(database)
        finally:
            await database.close()

    asyncio.run(whole())
    return lost


@pytest.mark.parametrize("seed", range(4))
def test_a_power_cut_takes_nothing_that_was_acknowledged(tmp_path: Path, seed: int) -> None:
    assert lost_by_power_cuts(tmp_path, seed, "FULL") == 0


def test_the_power_cuts_of_these_tests_would_show_a_database_that_does_not_sync(tmp_path: Path) -> None:
    assert lost_by_power_cuts(tmp_path, 1, "NORMAL") > 0
