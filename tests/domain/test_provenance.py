"""Where an event came from: the token that published it, and how often hooks brought it back."""

from __future__ import annotations

from typing import Any

import pytest

from tenterhook.domain import log_event
from tenterhook.domain.provenance import MAX_HOPS, debug_data, went_round
from tenterhook.domain.strict_json import reload

NOW = 1_767_323_045_678


def read(event: dict[str, Any], published_by: str | None = None) -> log_event.Draft:
    raw = log_event.encode({"eventType": "a", **event})
    draft = log_event.read_event(raw, NOW, bytes(16), "request-1", published_by)
    assert isinstance(draft, log_event.Draft), draft
    return draft


def debug(draft: log_event.Draft) -> dict[str, Any]:
    data = debug_data(draft.tree)
    assert data is not None
    return data


@pytest.mark.parametrize("context", [None, {}, {"debugData": None}, {"debugData": {}}, {"x": 1, "debugData": {"a": 1}}])
def test_an_event_is_marked_with_its_publishers_token(context: dict[str, Any] | None) -> None:
    made = read({"debugContext": context}, "00T1")
    assert debug(made) == {**((context or {}).get("debugData") or {}), "publishedBy": "00T1"}
    assert made.tree["debugContext"].get("x") == (context or {}).get("x")


def test_the_mark_is_the_servers_whatever_the_publisher_says() -> None:
    said = {
        "debugContext": {"debugData": {"publishedBy": "00Tforged", "a": "1"}},
        "actor": {"id": "root", "type": "User"},
    }
    made = read(said, "00T1")
    assert debug(made) == {"publishedBy": "00T1", "a": "1"}
    assert made.asserted["debugContext"]["debugData"]["publishedBy"] == "00Tforged"
    assert made.tree["actor"]["id"] == "root"


def test_the_embedding_application_marks_nothing() -> None:
    assert "publishedBy" not in debug(read({}))


def test_the_same_event_by_another_token_is_a_duplicate_and_no_conflict() -> None:
    stored = log_event.encode(read({"debugContext": {"debugData": {"a": "1"}}}, "00T1").tree)
    assert log_event.same_content(stored, read({"debugContext": {"debugData": {"a": "1"}}}, "00T2").asserted)
    assert not log_event.same_content(stored, read({"debugContext": {"debugData": {"a": "2"}}}, "00T1").asserted)


def test_an_event_that_hooks_bring_back_is_counted_and_in_the_end_goes_to_none() -> None:
    event: dict[str, Any] = {"debugContext": {"debugData": {"a": "1"}}}
    for hop in range(1, MAX_HOPS + 1):
        sent = log_event.name_targets(read(event, "00T1").tree, ["who1"])
        event = {"debugContext": reload(log_event.encode(sent))["debugContext"]}
        made = read(event, "00T1")
        assert debug(made)["hops"] == str(hop)
        assert went_round(made.tree) == ("hookLoop" in debug(made)) == (hop == MAX_HOPS)
        assert "targetEventHookIds" not in debug(made)
    assert "goes to no hook" in debug(made)["hookLoop"]
    assert debug(made)["a"] == "1"


@pytest.mark.parametrize("hops", ["99", "4", 7, -1, "x", None, "٤", "1" * 400])
def test_a_publishers_own_use_of_the_word_is_no_count(hops: object) -> None:
    made = read({"debugContext": {"debugData": {"hops": hops}}})
    assert debug(made) == {"hops": hops}
    assert not went_round(made.tree)


@pytest.mark.parametrize(
    ("brought", "counted"), [("2", "3"), ("99", "4"), ("x", "1"), (None, "1"), (3, "1"), ("-1", "1")]
)
def test_a_count_that_is_none_begins_anew(brought: object, counted: str) -> None:
    made = read({"debugContext": {"debugData": {"hops": brought, "targetEventHookIds": "who1"}}})
    assert debug(made) == {"sourceTargetEventHookIds": "who1", "hops": counted} | (
        {"hookLoop": debug(made)["hookLoop"]} if counted == "4" else {}
    )
