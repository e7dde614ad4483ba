"""Events and their deliveries are born together, grouped, in one transaction."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from engine_rig import NOW, ORG, OTHER, Rig, appended, entry, hook, run

from tenterhook.domain.envelope import MAX_DELIVERY_BYTES
from tenterhook.engine.append import append
from tenterhook.store.schema import State
from tenterhook.store.transaction import Tx

CARRIES = "SELECT delivery_id, count(*) FROM delivery_event GROUP BY delivery_id ORDER BY delivery_id"


@pytest.mark.parametrize(("most", "sizes"), [(1, [1] * 7), (3, [3, 3, 1]), (100, [7])])
def test_the_events_of_one_commit_go_in_deliveries_of_as_many_as_the_hook_takes(
    tmp_path: Path, most: int, sizes: list[int]
) -> None:
    async def story(rig: Rig) -> None:
        await rig.put(hook(max_events_per_request=most))
        await appended(rig, [entry(rig) for _ in range(7)])
        assert [count for _, count in await rig.rows(CARRIES)] == sizes
        await rig.all_delivered(len(sizes))
        assert [len(rig.carrier.elements[at + 1]) for at in range(len(sizes))] == sizes

    run(tmp_path, story)


def test_no_delivery_of_several_events_is_larger_than_the_bound(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        await rig.put(hook())
        large = [entry(rig, {"eventType": "a.b", "x": "y" * 200_000}) for _ in range(5)]
        await appended(rig, [*large, entry(rig)])
        await rig.all_delivered(3)
        sizes = [sum(map(len, elements)) for _, elements in sorted(rig.carrier.elements.items())]
        assert [len(elements) for _, elements in sorted(rig.carrier.elements.items())] == [2, 2, 2]
        assert max(sizes) <= MAX_DELIVERY_BYTES

    run(tmp_path, story)


def test_every_matching_hook_of_the_org_gets_a_delivery_of_its_own_and_no_other_does(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        await rig.put(hook("a"), hook("b"), hook("c", items=("x.y",)), hook("d", OTHER))
        await appended(rig, [entry(rig)])
        await rig.all_delivered(2)
        assert {hook_id[3] for hook_id, _ in rig.carrier.carried} == {"a", "b"}
        (event_ids,) = await rig.rows("SELECT count(DISTINCT event_id) FROM delivery")
        assert event_ids == (2,)
        ((body,),) = await rig.rows("SELECT body FROM log_event")
        named = json.loads(body)["debugContext"]["debugData"]["targetEventHookIds"]
        assert named == f"{hook('a').id},{hook('b').id}"
        for elements in rig.carrier.elements.values():
            assert json.loads(elements[0])["debugContext"]["debugData"]["targetEventHookIds"] == named

    run(tmp_path, story)


def test_an_event_that_no_hook_wants_is_logged_and_makes_no_delivery(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        await rig.put(hook(items=("x.y",)))
        assert await appended(rig, [entry(rig)]) == 1
        assert await rig.rows("SELECT count(*) FROM log_event") == [(1,)]
        assert not await rig.states()

    run(tmp_path, story)


def test_what_was_matched_against_an_older_snapshot_is_matched_again_in_the_transaction(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        old = hook("a")
        await rig.put(old)
        stale = [entry(rig)]
        await rig.remove(old)
        await rig.put(hook("b"))
        await appended(rig, stale)
        await rig.all_delivered(1)
        assert rig.carrier.carried == [(hook("b").id, 1)]
        ((body,),) = await rig.rows("SELECT body FROM log_event")
        assert json.loads(body)["debugContext"]["debugData"]["targetEventHookIds"] == hook("b").id

    run(tmp_path, story)


def test_an_event_that_lost_its_only_hook_meanwhile_names_none(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        old = hook("a")
        await rig.put(old)
        stale = [entry(rig)]
        await rig.remove(old)
        await appended(rig, stale)
        ((body,),) = await rig.rows("SELECT body FROM log_event")
        assert "targetEventHookIds" not in json.loads(body)["debugContext"]["debugData"]
        assert not await rig.states()

    run(tmp_path, story)


def test_a_hook_gets_the_events_of_the_very_transaction_that_makes_it(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        waiting = [entry(rig)]

        def both(tx: Tx) -> None:
            rig.subscriptions.put(tx, hook())
            append(tx, rig.subscriptions, rig.lanes, waiting, NOW)

        await rig.database.write(both)
        await rig.all_delivered(1)

    run(tmp_path, story)


def test_an_append_that_is_undone_leaves_no_rows_and_gives_its_slots_back(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        await rig.put(hook())

        def undone(tx: Tx) -> None:
            append(tx, rig.subscriptions, rig.lanes, [entry(rig) for _ in range(5)], NOW)
            lane = rig.lanes.lane_of(hook().id)
            assert lane is not None
            assert lane.reserved == 1
            raise RuntimeError("undone")

        with pytest.raises(RuntimeError, match="undone"):
            await rig.database.write(undone)
        lane = rig.lanes.lane_of(hook().id)
        assert lane is not None
        assert lane.reserved == 0
        assert rig.lanes.known_ids() == set()
        assert await rig.rows("SELECT count(*) FROM log_event") == [(0,)]
        await appended(rig, [entry(rig)])
        await rig.all_delivered(1)

    run(tmp_path, story)


@pytest.mark.parametrize(
    ("change", "held"),
    [({"verification_status": "UNVERIFIED"}, 1), ({"status": "INACTIVE"}, 0)],
    ids=["unverified", "inactive"],
)
def test_a_hook_that_was_verified_once_holds_what_it_gets_and_an_inactive_one_gets_nothing(
    tmp_path: Path, change: dict[str, str], held: int
) -> None:
    async def story(rig: Rig) -> None:
        await rig.put(hook().model_copy(update=change))
        await appended(rig, [entry(rig)])
        assert (await rig.states())[State.READY] == held
        await rig.put(hook())
        await appended(rig, [entry(rig)])
        await rig.all_delivered(held + 1)

    run(tmp_path, story)


def test_an_event_of_another_org_never_reaches_a_hook(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        await rig.put(hook("a", ORG))
        await appended(rig, [entry(rig, org_id=OTHER), entry(rig, org_id=ORG)])
        await rig.all_delivered(1)
        assert await rig.rows("SELECT org_id, seq FROM delivery_event") == [(ORG, 2)]

    run(tmp_path, story)
