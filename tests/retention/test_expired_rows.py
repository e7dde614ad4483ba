"""What retention takes away, row by row: it judges each row again in the transaction that takes it."""

from __future__ import annotations

from pathlib import Path

from engine_rig import NOW, ORG, Rig, appended, backlog, entry, hook, run

from tenterhook.store import expired_rows
from tenterhook.store.expired_rows import AttemptRun
from tenterhook.store.schema import State


def test_a_delivery_that_moved_on_since_it_was_looked_at_is_not_ended_again(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        await rig.put(hook())
        await appended(rig, [entry(rig)])
        await rig.all_delivered(1)
        await backlog(rig, hook(), 1)
        ended = await rig.database.write(lambda tx: expired_rows.expire(tx, [1, 2, 99], NOW))
        assert ended == {(ORG, hook().id): 1}
        assert await rig.states() == {State.DELIVERED: 1, State.FAILED: 1}

    run(tmp_path, story)


def test_only_deliveries_that_ended_long_ago_are_deleted(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        await backlog(rig, hook(), 4)
        for identity, state, ended_at in ((1, 2, NOW - 1), (2, 3, NOW), (3, 1, NOW - 1)):
            sql = "UPDATE delivery SET state = ?, ended_at = ? WHERE id = ?"
            await rig.database.write(
                lambda tx, sql=sql, values=(state, ended_at, identity): tx.driver.execute(sql, values)
            )
        assert await rig.database.write(lambda tx: expired_rows.delete_deliveries(tx, [1, 2, 3, 4], NOW)) == 1
        assert await rig.rows("SELECT id FROM delivery ORDER BY id") == [(2,), (3,), (4,)]
        assert await rig.rows("SELECT delivery_id FROM delivery_event ORDER BY 1") == [(2,), (3,), (4,)]

    run(tmp_path, story)


def test_young_attempts_stay_beside_old_ones_of_the_same_delivery(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        await backlog(rig, hook(), 1)
        for number in (1, 2, 3):
            sql = "INSERT INTO attempt VALUES (?, 1, ?, ?, 'FAILED', NULL, NULL, x'7b7d')"
            values = (ORG, number, NOW + number)
            await rig.database.write(lambda tx, sql=sql, values=values: tx.driver.execute(sql, values))
        found = await rig.database.read(lambda tx: expired_rows.attempt_run(tx, ORG, (0, 9), NOW + 2, 10))
        assert found == AttemptRun(ORG, 0, 9, True)
        assert await rig.database.write(lambda tx: expired_rows.delete_attempts(tx, found, NOW + 2)) == 1
        assert await rig.rows("SELECT number FROM attempt") == [(2,), (3,)]

    run(tmp_path, story)


def test_a_step_is_bounded_by_the_events_that_its_deliveries_carry(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        rig.carrier.open.clear()
        await rig.put(hook(max_events_per_request=8))
        await appended(rig, [entry(rig) for _ in range(40)])
        look = await rig.database.read(lambda tx: expired_rows.old_deliveries(tx, (0, None), 10**6, 20))
        assert [one.id for one in look] == [1, 2]
        large = await rig.database.read(lambda tx: expired_rows.old_deliveries(tx, (2, None), 10**6, 5))
        assert [one.id for one in large] == [3], "one at least, or nothing would go on"
        young = await rig.database.read(lambda tx: expired_rows.old_deliveries(tx, (0, None), 16, 1000))
        assert [one.id for one in young] == [1, 2], "the third begins with event 17"

    run(tmp_path, story)
