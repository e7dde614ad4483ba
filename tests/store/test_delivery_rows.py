"""Delivery rows: the conformance suite that any database behind the store must pass."""

from __future__ import annotations

from pathlib import Path

import apsw
import msgspec
import pytest
from store_rig import (
    BOOT,
    BOOT2,
    HOOK2,
    KEY,
    NOW,
    ORG,
    OTHER,
    attempts_of,
    born,
    claimed_one,
    in_one,
    made,
    outcome,
    state_of,
)

from tenterhook.domain.attempt import Attempt
from tenterhook.store import deliveries
from tenterhook.store.deliveries import Born, claim, end_waiting, insert, next_due, recover, release, settle
from tenterhook.store.schema import Queue, State
from tenterhook.store.transaction import Tx


def test_an_inserted_delivery_waits_until_it_is_claimed_and_knows_its_events(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        first, second = born(7, 3, 5), born(8)
        insert(tx, [first, second], BOOT, NOW)
        assert (first.id, second.id) == (1, 2)
        found = claim(tx, KEY, Queue.FIRST, 10, BOOT, NOW)
        assert [one.id for one in found] == [1, 2]
        assert found[0].event_id == first.event_id
        assert (found[0].created, found[0].due_at, found[0].attempt_no, found[0].step) == (NOW, NOW, 0, 0)
        assert deliveries.seqs_of(tx, [1, 2, 99]) == {1: [3, 5, 7], 2: [8], 99: []}

    in_one(tmp_path, story)


def test_a_delivery_born_claimed_is_never_claimed_again(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        made(tx, 2, claimed=True)
        assert claim(tx, KEY, Queue.FIRST, 10, BOOT, NOW) == []
        assert deliveries.claimed_ids(tx, BOOT) == [1, 2]
        assert deliveries.claimed_ids(tx, BOOT2) == []

    in_one(tmp_path, story)


def test_a_claim_takes_the_oldest_due_of_one_queue_of_one_hook_and_no_more_than_asked(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        made(tx, 3, first=1, now_ms=NOW)
        made(tx, 2, first=10, now_ms=NOW - 5)
        insert(tx, [born(1, hook=HOOK2), born(1, org_id=OTHER)], BOOT, NOW - 9)
        made(tx, 1, first=20, now_ms=NOW + 1)
        assert [one.id for one in claim(tx, KEY, Queue.FIRST, 3, BOOT, NOW)] == [4, 5, 1]
        assert [one.id for one in claim(tx, KEY, Queue.FIRST, 3, BOOT, NOW)] == [2, 3]
        assert claim(tx, KEY, Queue.RETRY, 3, BOOT, NOW + 10) == []
        assert next_due(tx, KEY, Queue.FIRST) == NOW + 1
        assert next_due(tx, KEY, Queue.RETRY) is None

    in_one(tmp_path, story)


def test_the_database_itself_lets_no_event_be_delivered_to_a_hook_twice(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        insert(tx, [born(1)], BOOT, NOW)
        insert(tx, [born(1, hook=HOOK2), born(1, org_id=OTHER)], BOOT, NOW)
        with pytest.raises(apsw.ConstraintError):
            insert(tx, [born(1)], BOOT, NOW)

    in_one(tmp_path, story)


def test_the_database_itself_lets_no_event_id_come_twice(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        one = born(1)
        insert(tx, [one], BOOT, NOW)
        again = Born(ORG, HOOK2, one.event_id, 1, [2])
        with pytest.raises(apsw.ConstraintError):
            insert(tx, [again], BOOT, NOW)

    in_one(tmp_path, story)


def test_the_ids_of_deliveries_are_never_given_again(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        made(tx, 3)
        tx.driver.execute("DELETE FROM delivery")
        assert [one.id for one in made(tx, 2, first=10)] == [4, 5]

    in_one(tmp_path, story)


# -- settling ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("state", "reason"), [(State.DELIVERED, None), (State.FAILED, "EXHAUSTED")])
def test_an_outcome_that_ends_a_delivery_is_written_once_with_its_attempt(
    tmp_path: Path, state: State, reason: str | None
) -> None:
    def story(tx: Tx) -> None:
        made(tx)
        one = claimed_one(tx)
        assert settle(tx, [outcome(one, state, reason=reason)], BOOT, NOW + 7) == [True]
        assert state_of(tx, 1) == (state, None, 1, NOW, NOW + 7, reason)
        assert attempts_of(tx, 1) == [1]
        assert claim(tx, KEY, Queue.FIRST, 1, BOOT, NOW) == claim(tx, KEY, Queue.RETRY, 1, BOOT, NOW + 99) == []

    in_one(tmp_path, story)


def test_an_outcome_that_books_another_try_makes_the_delivery_wait_in_the_queue_of_retries(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        made(tx)
        settle(tx, [outcome(claimed_one(tx), State.READY, due_at=NOW + 1000)], BOOT, NOW)
        assert state_of(tx, 1) == (State.READY, None, 1, NOW + 1000, None, None)
        assert next_due(tx, KEY, Queue.RETRY) == NOW + 1000
        assert claim(tx, KEY, Queue.RETRY, 1, BOOT, NOW + 999) == []
        again = claimed_one(tx, queue=Queue.RETRY, now_ms=NOW + 1000)
        assert (again.attempt_no, again.created) == (1, NOW)
        assert settle(tx, [outcome(again)], BOOT, NOW) == [True]
        assert attempts_of(tx, 1) == [1, 2]

    in_one(tmp_path, story)


def test_an_outcome_of_another_boot_changes_nothing_and_its_attempt_is_kept(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        made(tx)
        one = claimed_one(tx)
        before = state_of(tx, 1)
        assert settle(tx, [outcome(one)], BOOT2, NOW) == [False]
        assert state_of(tx, 1) == before
        assert attempts_of(tx, 1) == [1]

    in_one(tmp_path, story)


def test_an_outcome_of_a_former_attempt_changes_nothing_and_its_attempt_is_kept(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        made(tx)
        late = claimed_one(tx)
        settle(tx, [outcome(late, State.READY)], BOOT, NOW)
        claimed_one(tx, queue=Queue.RETRY)
        before = state_of(tx, 1)
        assert settle(tx, [outcome(late)], BOOT, NOW) == [False]
        assert state_of(tx, 1) == before
        assert attempts_of(tx, 1) == [1, 2]

    in_one(tmp_path, story)


@pytest.mark.parametrize("end", [State.DELIVERED, State.FAILED])
def test_an_outcome_for_a_delivery_that_has_ended_changes_nothing_and_its_attempt_is_kept(
    tmp_path: Path, end: State
) -> None:
    def story(tx: Tx) -> None:
        made(tx)
        one = claimed_one(tx)
        settle(tx, [outcome(one, end)], BOOT, NOW)
        before = state_of(tx, 1)
        other = State.FAILED if end is State.DELIVERED else State.DELIVERED
        assert settle(tx, [outcome(one, other)], BOOT, NOW + 1) == [False]
        assert state_of(tx, 1) == before
        assert attempts_of(tx, 1) == [1, 2]

    in_one(tmp_path, story)


def test_two_outcomes_of_one_attempt_in_one_commit_apply_once_and_keep_both(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        made(tx, 2)
        first, second = claim(tx, KEY, Queue.FIRST, 2, BOOT, NOW)
        outcomes = [outcome(first, State.READY), outcome(first), outcome(second)]
        assert settle(tx, outcomes, BOOT, NOW) == [True, False, True]
        assert state_of(tx, 1)[0] == State.READY
        assert attempts_of(tx, 1) == [1, 2]
        assert attempts_of(tx, 2) == [1]
        # The attempt after a late one has its number taken, and is kept all the same.
        again = claimed_one(tx, queue=Queue.RETRY)
        assert settle(tx, [outcome(again)], BOOT, NOW) == [True]
        assert attempts_of(tx, 1) == [1, 2, 3]

    in_one(tmp_path, story)


def test_the_number_that_an_attempt_shows_is_the_number_of_its_row(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        made(tx)
        one = claimed_one(tx)
        settle(tx, [outcome(one), outcome(one)], BOOT, NOW)
        rows = tx.driver.execute("SELECT number, detail FROM attempt ORDER BY number").fetchall()
        assert [(number, msgspec_number(detail)) for number, detail in rows] == [(1, 1), (2, 2)]

    in_one(tmp_path, story)


def msgspec_number(detail: bytes) -> int:
    """Return the number inside a stored attempt."""
    return msgspec.json.decode(detail, type=Attempt).number


# -- giving back -------------------------------------------------------------------------------------------------------


def test_a_released_delivery_is_due_when_it_was(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        made(tx, 2)
        claim(tx, KEY, Queue.FIRST, 2, BOOT, NOW + 50)
        release(tx, [1, 99], BOOT)
        assert state_of(tx, 1) == (State.READY, None, 0, NOW, None, None)
        assert state_of(tx, 2)[:2] == (State.CLAIMED, BOOT)
        assert claimed_one(tx).id == 1

    in_one(tmp_path, story)


def test_only_who_has_claimed_a_delivery_can_release_it_and_only_while_it_is_claimed(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        made(tx)
        one = claimed_one(tx)
        release(tx, [1], BOOT2)
        assert state_of(tx, 1)[0] == State.CLAIMED
        settle(tx, [outcome(one)], BOOT, NOW)
        release(tx, [1], BOOT)
        assert state_of(tx, 1)[0] == State.DELIVERED

    in_one(tmp_path, story)


def test_recovery_frees_what_other_boots_had_claimed_and_nothing_else(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        made(tx, 4)
        claim(tx, KEY, Queue.FIRST, 2, BOOT, NOW)
        (mine,) = claim(tx, KEY, Queue.FIRST, 1, BOOT2, NOW)
        settle(tx, [outcome(mine)], BOOT2, NOW)
        (held,) = claim(tx, KEY, Queue.FIRST, 1, BOOT2, NOW)
        assert recover(tx, BOOT2) == 2
        assert [state_of(tx, one)[0] for one in (1, 2, mine.id, held.id)] == [
            *(State.READY, State.READY, State.DELIVERED, State.CLAIMED)
        ]
        assert recover(tx, BOOT2) == 0

    in_one(tmp_path, story)


def test_what_the_dead_boot_sends_in_late_is_fenced_off_after_recovery(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        made(tx)
        late = claimed_one(tx, BOOT)
        recover(tx, BOOT2)
        assert settle(tx, [outcome(late)], BOOT, NOW) == [False]
        again = claimed_one(tx, BOOT2)
        assert settle(tx, [outcome(late)], BOOT, NOW) == [False]
        assert settle(tx, [outcome(again)], BOOT2, NOW) == [True]
        assert attempts_of(tx, 1) == [1, 2, 3]

    in_one(tmp_path, story)


# -- ending ------------------------------------------------------------------------------------------------------------


def test_the_waiting_deliveries_of_a_hook_end_in_steps_and_those_in_hand_are_left(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        made(tx, 5)
        insert(tx, [born(1, hook=HOOK2)], BOOT, NOW)
        held = claim(tx, KEY, Queue.FIRST, 1, BOOT, NOW)[0]
        assert [end_waiting(tx, KEY, "HOOK_DELETED", 3, NOW + 1) for _ in range(3)] == [3, 1, 0]
        assert state_of(tx, 2) == (State.FAILED, None, 0, NOW, NOW + 1, "HOOK_DELETED")
        assert state_of(tx, held.id)[0] == State.CLAIMED
        assert state_of(tx, 6)[0] == State.READY

    in_one(tmp_path, story)


@pytest.mark.parametrize(
    ("sql", "parameters"),
    [
        (deliveries._DUE, (ORG, "h", 0, NOW, 10)),
        ("SELECT id FROM delivery WHERE state = 1 AND boot = ?", (BOOT,)),
        ("SELECT seq FROM delivery_event WHERE delivery_id = ? ORDER BY seq", (1,)),
    ],
)
def test_the_hot_look_ups_walk_an_index_and_sort_nothing(
    tmp_path: Path, sql: str, parameters: tuple[object, ...]
) -> None:
    def story(tx: Tx) -> None:
        plan = " ".join(str(step[3]) for step in tx.driver.execute("EXPLAIN QUERY PLAN " + sql, parameters))
        assert "USING" in plan
        assert "INDEX" in plan
        assert "SCAN" not in plan
        assert "TEMP B-TREE" not in plan

    in_one(tmp_path, story)
