"""The System Log's rows: in commit order, without gaps, never changed, apart by org."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest
from store_rig import NOW, ORG, OTHER, in_one, row

from tenterhook.ids import uuid7
from tenterhook.store import log_events
from tenterhook.store.transaction import Tx


def test_events_get_rising_numbers_without_gaps_in_the_order_given(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        assert log_events.next_seq(tx) == 1
        assert log_events.append(tx, [row(body=b"1"), row(OTHER, body=b"2"), row(body=b"3")], NOW) == 1
        assert log_events.append(tx, [row(body=b"4")], NOW) == 4
        assert log_events.next_seq(tx) == 5
        assert log_events.bodies(tx, [4, 2, 99, 1]) == {1: b"1", 2: b"2", 4: b"4"}

    in_one(tmp_path, story)


@pytest.mark.parametrize("count", [1, 7, 8, 63, 64, 65, 200])
def test_any_number_of_events_is_stored_whole_and_in_order(tmp_path: Path, count: int) -> None:
    def story(tx: Tx) -> None:
        log_events.append(tx, [row(body=b"%d" % at) for at in range(count)], NOW)
        assert log_events.bodies(tx, range(1, count + 2)) == {at + 1: b"%d" % at for at in range(count)}

    in_one(tmp_path, story)


def test_numbers_never_come_back_when_retention_takes_the_newest(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        log_events.append(tx, [row(), row()], NOW)
        tx.driver.execute("DELETE FROM log_event")
        assert log_events.append(tx, [row()], NOW) == 3

    in_one(tmp_path, story)


def test_the_time_of_recording_never_runs_backwards(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        for moment in (NOW, NOW - 5000, NOW + 1):
            log_events.append(tx, [row()], moment)
        recorded = [found[0] for found in tx.driver.execute("SELECT recorded_at FROM log_event ORDER BY seq")]
        assert recorded == [NOW, NOW, NOW + 1]

    in_one(tmp_path, story)


def test_a_uuid_comes_once_in_an_org_and_is_free_in_another(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        uuid, unknown = uuid7(), uuid7()
        log_events.append(tx, [row(uuid=uuid, body=b"ours"), row(OTHER, uuid, b"theirs")], NOW)
        assert log_events.known(tx, ORG, [uuid, unknown]) == {uuid: b"ours"}
        assert log_events.known(tx, OTHER, [uuid]) == {uuid: b"theirs"}
        with pytest.raises(apsw.ConstraintError):
            log_events.append(tx, [row(uuid=uuid)], NOW)

    in_one(tmp_path, story)


def test_what_is_rolled_back_gives_its_numbers_free_again(tmp_path: Path) -> None:
    def story(tx: Tx) -> None:
        mark = tx.savepoint()
        log_events.append(tx, [row(), row()], NOW + 99)
        tx.rollback_to(mark)
        assert log_events.append(tx, [row()], NOW) == 1
        assert tx.driver.execute("SELECT recorded_at FROM log_event").get == NOW

    in_one(tmp_path, story)
