"""What is printed cannot steer a terminal."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from tenterhook.cli.output import count_of, distance, event_line, inert, person
from tenterhook.cli.serve import configure_log


@given(st.text(alphabet=st.characters(), max_size=200))
def test_inert_text_has_only_printable_characters(text: str) -> None:
    assert inert(text).isprintable()


def test_an_escape_sequence_is_shown_and_not_obeyed() -> None:
    assert inert("a\x1b[2J\x9b\r\nb") == "a\\x1b[2J\\x9b\\r\\nb"


def test_a_line_end_from_outside_does_not_forge_a_log_entry(capsys: pytest.CaptureFixture[str]) -> None:
    before = structlog.get_config()
    configure_log("info")
    try:
        structlog.get_logger().warning("deliveries fail", reason="no\r\nlevel='error' event='forged'\x1b[2J\u2028")
    finally:
        structlog.configure(**before)
    written = capsys.readouterr().err
    assert "forged" in written
    assert written.removesuffix("\n").isprintable()


def test_a_text_direction_override_is_shown_and_not_obeyed() -> None:
    assert inert("gpj\u202eexe") == "gpj\\u202eexe"


def test_letters_of_every_script_stay_as_they_are() -> None:
    assert inert("Zoë Ωμέγα 李雷 🙂") == "Zoë Ωμέγα 李雷 🙂"


def test_nothing_is_the_empty_text() -> None:
    assert inert(None) == ""


def test_an_event_is_told_with_actor_target_and_outcome() -> None:
    event = {
        "eventType": "user.lifecycle.create",
        "actor": {"displayName": "Ada", "alternateId": "ada@example.com"},
        "target": [{"displayName": "Bo", "type": "User"}],
        "outcome": {"result": "FAILURE", "reason": "no"},
    }
    assert event_line(event) == "user.lifecycle.create  Ada <ada@example.com>  →  Bo (User)  FAILURE: no"


def test_an_event_of_the_wrong_shape_is_told_all_the_same() -> None:
    assert event_line({"eventType": 7, "actor": "x", "target": {"a": 1}, "outcome": []}) == "7  -"
    assert event_line("no event") == "(no eventType)  -"
    assert person({"id": "00u1"}) == "00u1"


@pytest.mark.parametrize(
    ("time", "words"),
    [
        ("2026-01-31T12:00:00.000Z", "0s ago"),
        ("2026-01-31T11:59:48.000Z", "12s ago"),
        ("2026-01-31T12:04:00.000Z", "in 4m"),
        ("2026-01-31T09:00:00.000Z", "3h ago"),
        ("2026-03-02T11:59:59.000Z", "in 30d"),
        ("not a time", "not a time"),
        ("2026-01-31T12:00:00", "2026-01-31T12:00:00"),
    ],
)
def test_a_time_is_told_by_its_distance(time: str, words: str) -> None:
    assert distance(time, datetime(2026, 1, 31, 12, tzinfo=UTC)) == words


def test_one_is_not_told_in_the_plural() -> None:
    assert [count_of(number, "event") for number in (0, 1, 1200)] == ["0 events", "1 event", "1,200 events"]
