"""What is printed cannot steer a terminal."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tenterhook.cli.output import event_line, inert, person


@given(st.text(alphabet=st.characters(), max_size=200))
def test_inert_text_has_only_printable_characters(text: str) -> None:
    assert inert(text).isprintable()


def test_an_escape_sequence_is_shown_and_not_obeyed() -> None:
    assert inert("a\x1b[2J\x9b\r\nb") == "a\\x1b[2J\\x9b\\r\\nb"


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
