"""Tallies and the rows that they count: the same numbers, whatever was added up already, died, or grew old."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import apsw
import pytest
from store_rig import (
    BOOT,
    BOOT2,
    HOOK,
    HOOK2,
    KEY,
    NOW,
    ORG,
    OTHER,
    born,
    found_orgs,
    in_one,
    made,
    opened,
    outcome,
    run,
)

from tenterhook.domain.attempt import Attempt, Outcome, Phases, Reason
from tenterhook.domain.tally import Tally
from tenterhook.domain.timestamp import DAY_MS
from tenterhook.engine.tally import add_up
from tenterhook.store import deliveries, delivery_views, expired_rows, tallies
from tenterhook.store.database import Database
from tenterhook.store.deliveries import Claimed, Settled
from tenterhook.store.schema import Queue, State
from tenterhook.store.tallies import ALL, Grain
from tenterhook.store.transaction import Tx

COUNTED = ("delivered", "failed_attempts", "ended_failed")
HOUR_MS, MINUTE_MS = 3_600_000, 60_000


def attempt(one: Claimed, outcome: Outcome, reason: Reason | None = None, took_ms: float = 5.0) -> Attempt:
    status = None if reason is Reason.TIMEOUT or reason is Reason.CONNECT else 200 if reason is None else 500
    started = datetime.fromtimestamp(NOW / 1000, UTC)
    number = one.attempt_no + 1
    return Attempt(outcome, reason, "", started, Phases(total=took_ms), status=status, number=number)


def live(tx: Tx, chance: random.Random, now_ms: int) -> None:
    """Let deliveries of three hooks of two orgs be made, tried and ended, as it comes."""
    hooks = ((ORG, HOOK), (ORG, HOOK2), (OTHER, "who" + "c" * 17))
    first = deliveries.next_id(tx)
    rows = [
        born(first * 10 + at, claimed=chance.random() < 0.8, hook=hook, org_id=org)
        for at, (org, hook) in enumerate(chance.choices(hooks, k=6))
    ]
    deliveries.insert(tx, rows, BOOT, now_ms)
    outcomes = []
    for org_id, hook_id in hooks:
        found: Any = tx.driver.execute(
            "SELECT id, org_id, hook_id, event_id, hook_version, attempt_no, step, created, due_at FROM delivery"
            " WHERE state = 1 AND org_id = ? AND hook_id = ? ORDER BY id",
            (org_id, hook_id),
        ).fetchall()
        for row in found:
            one, roll = Claimed(*row), chance.random()
            if roll < 0.6:
                done = Settled(one, attempt(one, Outcome.DELIVERED), State.DELIVERED, now_ms, 0, None)
            elif roll < 0.8:
                again = attempt(one, Outcome.FAILED, Reason.STATUS, 70.0)
                done = Settled(one, again, State.READY, now_ms, 1, None)
            else:
                late = attempt(one, Outcome.FAILED, chance.choice((Reason.TIMEOUT, Reason.CONNECT)), 3000.0)
                done = Settled(one, late, State.FAILED, now_ms, 1, "EXHAUSTED")
            outcomes.append(done)
        deliveries.claim(tx, (org_id, hook_id), Queue.RETRY, 2, BOOT, now_ms)
    deliveries.settle(tx, outcomes, BOOT, now_ms)


def starts(grain: Grain) -> list[int]:
    return tallies.starts_of(grain, NOW - DAY_MS, NOW + DAY_MS)


def counted(tx: Tx, org_id: str, hook_id: str, grain: Grain) -> dict[int, Tally]:
    return tallies.series(tx, org_id, hook_id, grain, starts(grain))


def whole(found: dict[int, Tally]) -> tuple[int, int, int]:
    return (
        sum(one.delivered for one in found.values()),
        sum(one.failed_attempts for one in found.values()),
        sum(one.ended_failed for one in found.values()),
    )


def in_rows(tx: Tx, org_id: str, hook_id: str = ALL) -> tuple[int, int, int]:
    """Return the same of the rows themselves: delivered, failed attempts, ended FAILED."""
    place, values = "org_id = ?", [org_id]
    if hook_id:
        place, values = "org_id = ? AND hook_id = ?", [org_id, hook_id]
    ended: Any = tx.driver.execute(
        f"SELECT coalesce(sum(state = 2), 0), coalesce(sum(state = 3), 0) FROM delivery WHERE {place}", values
    ).fetchone()
    failed: Any = tx.driver.execute(
        "SELECT count(*) FROM attempt WHERE outcome = 'FAILED' AND delivery_id IN"
        f" (SELECT id FROM delivery WHERE {place})",
        values,
    ).fetchone()
    return ended[0], failed[0], ended[1]


def assert_exact(tx: Tx) -> None:
    """Hold what is counted against the rows: by org and hook in all, and the ends of deliveries by minute."""
    for org_id, hook_id in ((ORG, ALL), (ORG, HOOK), (ORG, HOOK2), (OTHER, ALL)):
        for grain in Grain:
            assert whole(counted(tx, org_id, hook_id, grain)) == in_rows(tx, org_id, hook_id), (org_id, hook_id, grain)
    for grain in Grain:
        found: Any = tx.driver.execute(
            f"SELECT ended_at / {grain} * {grain}, state, count(*) FROM delivery"
            " WHERE org_id = ? AND state > 1 GROUP BY 1, 2",
            (ORG,),
        ).fetchall()
        ends = Counter({(start, state): count for start, state, count in found})
        series = counted(tx, ORG, ALL, grain)
        for start in {start for start, _ in ends} | set(series):
            one = series.get(start, Tally())
            assert (one.delivered, one.ended_failed) == (ends[start, 2], ends[start, 3]), (grain, start)


def fold(tx: Tx) -> bool:
    found = tallies.folded(tx)
    return found is not None and tallies.replace(tx, found)


def test_what_is_counted_is_what_the_rows_say_whenever_it_is_added_up(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        chance = random.Random(3)
        for at in range(120):
            live(tx, chance, NOW + at * 37_000)
            if chance.random() < 0.3:
                fold(tx)
            if at % 20 == 0:
                assert_exact(tx)
        assert_exact(tx)
        assert min(in_rows(tx, ORG)) > 20, "each kind of end happened often"
        while fold(tx):
            pass
        assert not tallies.has_notes(tx)
        assert_exact(tx)

    in_one(tmp_path, story)


def test_adding_up_changes_nothing_that_is_read(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        for at in range(30):
            live(tx, random.Random(at), NOW + at * MINUTE_MS)
        before = [counted(tx, ORG, hook_id, grain) for hook_id in (ALL, HOOK) for grain in Grain]
        assert fold(tx)
        assert [counted(tx, ORG, hook_id, grain) for hook_id in (ALL, HOOK) for grain in Grain] == before

    in_one(tmp_path, story)


def test_notes_are_added_once_however_often_it_is_tried(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        live(tx, random.Random(1), NOW)
        found = tallies.folded(tx)
        assert found is not None
        live(tx, random.Random(2), NOW)
        assert tallies.replace(tx, found)
        assert not tallies.replace(tx, found), "those notes are gone, and the one that came meanwhile is another's"
        assert tallies.has_notes(tx)
        assert_exact(tx)

    in_one(tmp_path, story)


def test_many_notes_are_added_in_several_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tallies, "MAX_NOTES", 3)

    async def story(database: Database) -> None:
        chance = random.Random(1)
        for at in range(10):
            await database.write(lambda tx, at=at: live(tx, chance, NOW + at))
        assert await add_up(database) == 4
        assert await add_up(database) == 0
        await database.read(assert_exact)

    run(tmp_path, story)


def test_a_copy_of_the_files_at_any_moment_counts_every_end_once(tmp_path: Path) -> None:
    """What a power cut leaves behind is such a copy."""
    database = opened(tmp_path)
    chance = random.Random(11)
    try:
        for at in range(12):
            database.run_now(lambda tx, at=at: live(tx, chance, NOW + at * 40_000))
            _assert_copy_is_exact(tmp_path, at)
            if at % 3 == 2:
                database.run_now(fold)
                _assert_copy_is_exact(tmp_path, 100 + at)
    finally:
        asyncio.run(database.close())


def _assert_copy_is_exact(path: Path, number: int) -> None:
    folder = path / f"copy-{number}"
    folder.mkdir()
    for suffix in ("", "-wal"):
        source = path / f"events.db{suffix}"
        if source.exists():
            (folder / source.name).write_bytes(source.read_bytes())
    copy = Database(folder / "events.db")
    try:
        copy.run_now(assert_exact)
        while copy.run_now(fold):
            pass
        copy.run_now(assert_exact)
    finally:
        asyncio.run(copy.close())


def test_a_settling_that_is_undone_notes_nothing(tmp_path: Path) -> None:
    database = opened(tmp_path)

    def settle_and_fail(tx: Tx) -> None:
        live(tx, random.Random(4), NOW)
        raise apsw.FullError

    with pytest.raises(apsw.FullError):
        database.run_now(settle_and_fail)
    assert not database.run_now(tallies.has_notes)


def test_an_outcome_that_comes_too_late_counts_as_an_attempt_only(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        [late, later] = made(tx, 2, claimed=True)
        for one, state in ((late, State.FAILED), (later, State.DELIVERED)):
            claimed = Claimed(one.id, ORG, HOOK, one.event_id, 1, 0, 0, NOW, NOW)
            assert deliveries.settle(tx, [outcome(claimed, state, reason="EXHAUSTED")], BOOT2, NOW) == [False]
        assert whole(counted(tx, ORG, HOOK, Grain.MINUTE)) == (0, 1, 0)

    in_one(tmp_path, story)


def test_what_ends_without_an_attempt_counts_as_ended(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        rows = made(tx, 5)
        assert deliveries.end_waiting(tx, KEY, "HOOK_DELETED", 2, NOW) == 2
        assert deliveries.end_waiting(tx, KEY, "HOOK_DELETED", 0, NOW) == 0
        left: Any = tx.driver.execute("SELECT id FROM delivery WHERE state = 0 ORDER BY id").fetchall()
        assert expired_rows.expire(tx, [left[0][0], rows[0].id], NOW) == {KEY: 1}
        one = next(row for row in rows if row.id == left[1][0])
        cancelled = delivery_views.get(tx, ORG, one.event_id)
        assert cancelled is not None
        delivery_views.cancel(tx, cancelled, NOW)
        assert whole(counted(tx, ORG, HOOK, Grain.MINUTE)) == in_rows(tx, ORG) == (0, 0, 4)

    in_one(tmp_path, story)


def test_only_what_the_receiver_took_is_timed(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        found: list[Settled] = []
        for one, (reason, took_ms) in zip(
            made(tx, 4, claimed=True),
            ((None, 10.0), (Reason.STATUS, 20.0), (Reason.TIMEOUT, 3000.0), (Reason.CONNECT, 7.0)),
            strict=True,
        ):
            claimed = Claimed(one.id, ORG, HOOK, one.event_id, 1, 0, 0, NOW, NOW)
            way = Outcome.DELIVERED if reason is None else Outcome.FAILED
            state = State.DELIVERED if reason is None else State.FAILED
            found.append(Settled(claimed, attempt(claimed, way, reason, took_ms), state, NOW, 0, None))
        deliveries.settle(tx, found, BOOT, NOW)
        [tally] = counted(tx, ORG, HOOK, Grain.HOUR).values()
        assert (tally.timed, tally.total_us) == (3, 3_030_000), "who is not reached tells nothing of his time"

    in_one(tmp_path, story)


def test_one_org_sees_nothing_of_another(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        live(tx, random.Random(8), NOW)
        for added_up in (False, True):
            if added_up:
                fold(tx)
            assert counted(tx, OTHER, HOOK, Grain.HOUR) == {}
            ours = tallies.by_hook(tx, ORG, None, Grain.HOUR, starts(Grain.HOUR))
            assert ours.keys() <= {HOOK, HOOK2}
            assert tallies.by_hook(tx, OTHER, [HOOK], Grain.HOUR, starts(Grain.HOUR)) == {}
            assert ours

    in_one(tmp_path, story)


def test_by_hook_tells_what_each_series_tells(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        for at in range(20):
            live(tx, random.Random(at), NOW + at * 20 * MINUTE_MS)
            if at == 12:
                fold(tx)
        for asked in (None, [HOOK, HOOK2]):
            found = tallies.by_hook(tx, ORG, asked, Grain.HOUR, starts(Grain.HOUR))
            for hook_id in (HOOK, HOOK2):
                sums = tuple(sum(getattr(one, name) for one in found[hook_id].values()) for name in COUNTED)
                assert sums == whole(counted(tx, ORG, hook_id, Grain.HOUR))

    in_one(tmp_path, story)


def test_tallies_go_when_their_span_is_shown_no_more(tmp_path: Path) -> None:
    def kept(tx: Tx) -> dict[int, int]:
        rows: Any = tx.driver.execute("SELECT grain, count(DISTINCT start) FROM tally GROUP BY grain").fetchall()
        return dict(rows)

    def story(tx: Tx) -> None:
        found_orgs(tx)
        live(tx, random.Random(8), NOW)
        fold(tx)
        assert kept(tx) == {int(grain): 1 for grain in Grain}
        assert tallies.orgs_to_forget(tx, NOW) == []
        for later, left in (
            (3 * HOUR_MS, {Grain.QUARTER, Grain.HOUR}),
            (2 * DAY_MS, {Grain.HOUR}),
            (9 * DAY_MS, set()),
        ):
            assert tallies.orgs_to_forget(tx, NOW + later) == [ORG, OTHER]
            for org_id in (ORG, OTHER):
                while tallies.forget(tx, org_id, NOW + later, limit=2):
                    pass
            assert set(kept(tx)) == {int(grain) for grain in left}
        assert tallies.orgs_to_forget(tx, NOW + 9 * DAY_MS) == []

    in_one(tmp_path, story)
