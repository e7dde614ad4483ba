"""What a publisher may send, what the log keeps of it, and when two events say the same."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenterhook.domain import log_event
from tenterhook.domain.log_event import MAX_AGE_MS, MAX_AHEAD_MS, MAX_DATA_BYTES, MAX_EVENT_BYTES, Draft, read_event
from tenterhook.domain.timestamp import format_ms
from tenterhook.ids import uuid_text

NOW = 1_767_323_045_678  # 2026-01-02T03:04:05.678Z
NEW = bytes(range(16))
TEXT_UUID = "0b5e86a1-5d2c-4bd0-9e0e-6d0d0f3c7a10"


def read(event: Any) -> Draft | list[str]:
    """Read *event*: bytes as they are, anything else as JSON."""
    raw = event if isinstance(event, bytes) else msgspec.json.encode(event)
    return read_event(raw, NOW, NEW, "request-1")


def draft(event: Any) -> Draft:
    """Read a valid event."""
    made = read(event)
    assert isinstance(made, Draft), made
    return made


def problems(event: Any) -> list[str]:
    """Read an event that is not valid."""
    made = read(event)
    assert isinstance(made, list), made
    return made


def named(event: Any) -> set[str]:
    """Return the fields that the problems name."""
    return {text.partition(":")[0] for text in problems(event)}


# -- fields ------------------------------------------------------------------------------------------------------------

WRONG_TYPES: list[tuple[str, Any]] = [
    ("uuid", 1),
    ("published", 1),
    ("version", 0),
    ("severity", "LOUD"),
    ("severity", 1),
    ("legacyEventType", []),
    ("displayMessage", {}),
    ("actor", "ann"),
    ("actor", {}),
    ("actor", {"id": "a"}),
    ("actor.id", {"id": 1, "type": "User"}),
    ("actor.alternateId", {"id": "a", "type": "User", "alternateId": 1}),
    ("actor.detailEntry", {"id": "a", "type": "User", "detailEntry": "x"}),
    ("client", []),
    ("client.userAgent", {"userAgent": "curl"}),
    ("client.userAgent.os", {"userAgent": {"os": 1}}),
    ("client.zone", {"zone": 1}),
    ("client.device", {"device": {}}),
    ("client.ipAddress", {"ipAddress": 1}),
    ("client.geographicalContext.city", {"geographicalContext": {"city": 1}}),
    ("client.geographicalContext.postalCode", {"geographicalContext": {"postalCode": []}}),
    ("client.geographicalContext.geolocation", {"geographicalContext": {"geolocation": 1}}),
    ("device", "phone"),
    ("authenticationContext", []),
    ("outcome", "SUCCESS"),
    ("outcome", {}),
    ("outcome.result", {"result": "success"}),
    ("outcome.result", {"result": 1}),
    ("outcome.reason", {"result": "FAILURE", "reason": "x" * 256}),
    ("outcome.reason", {"result": "FAILURE", "reason": ""}),
    ("target", {}),
    ("target[0]", ["x"]),
    ("target[0]", [None]),
    ("target[1].displayName", [{}, {"displayName": 1}]),
    ("target[0].changeDetails", [{"changeDetails": []}]),
    ("transaction", "t"),
    ("transaction.type", {"type": "web"}),
    ("transaction.detail", {"detail": "x"}),
    ("debugContext", "x"),
    ("debugContext.debugData", {"debugData": []}),
    ("securityContext.asNumber", {"asNumber": "1"}),
    ("securityContext.asNumber", {"asNumber": 1.5}),
    ("securityContext.isProxy", {"isProxy": "false"}),
    ("securityContext.userBehaviors", {"userBehaviors": {}}),
    ("securityContext.risk", {"risk": "HIGH"}),
    ("request.ipChain", {"ipChain": {}}),
    ("request.ipChain[0].ip", {"ipChain": [{"ip": 1}]}),
    ("request.ipChain[0].geographicalContext.country", {"ipChain": [{"geographicalContext": {"country": 1}}]}),
    ("data", "x"),
]


@pytest.mark.parametrize(
    ("path", "value"), WRONG_TYPES, ids=[f"{path}-{at}" for at, (path, _) in enumerate(WRONG_TYPES)]
)
def test_a_field_of_the_wrong_type_is_a_problem_that_names_its_path(path: str, value: Any) -> None:
    field = path.partition(".")[0].partition("[")[0]
    told = problems({"eventType": "a.b", field: value})
    assert [text.partition(":")[0] for text in told] == [path]
    assert len(told[0]) > len(path) + 2


def test_a_value_that_is_none_of_a_few_is_answered_with_those() -> None:
    assert problems({"eventType": "a.b", "severity": "info"}) == [
        "severity: Invalid enum value 'info'; it must be one of DEBUG, INFO, WARN, ERROR"
    ]
    assert problems({"eventType": "a.b", "transaction": {"type": "CLI"}})[0].endswith("it must be one of WEB, JOB")
    assert "SUCCESS, FAILURE," in problems({"eventType": "a.b", "outcome": {"result": "Fine"}})[0]
    assert problems({"eventType": "a.b", "severity": 1}) == ["severity: Expected `str | null`, got `int`"]


@pytest.mark.parametrize("field", ["eventType"])
@pytest.mark.parametrize("value", [None, "", 1, 1.10, [], "a b", "-a", "a" * 256, "é", "a\n", "a/b"])
def test_an_event_type_is_a_name_of_at_most_255_characters(field: str, value: Any) -> None:
    assert named({field: value}) == {field}


def test_an_event_without_a_type_is_refused() -> None:
    assert problems({}) == ["eventType: The field cannot be left blank"]


@pytest.mark.parametrize("event_type", ["event_hook.delivery", "event_hook.x", "inline_hook.executed"])
def test_types_that_are_ours_are_refused(event_type: str) -> None:
    assert "written by this server alone" in problems({"eventType": event_type})[0]
    assert draft({"eventType": event_type.replace("_hook.", "_hooks.")}).event_type


@pytest.mark.parametrize(
    "event_type", ["EVENT_HOOK.x", "Inline_hook.executed", "Tenterhook.admin.created", "SYSTEM.api_token.create"]
)
def test_types_that_read_like_ours_are_refused_too(event_type: str) -> None:
    assert "written by this server alone" in problems({"eventType": event_type})[0]


@pytest.mark.parametrize("event_type", ["a", "acme.order.paid", "user.session.start", "A_b-c:d.9", "a" * 255])
def test_any_other_name_is_an_event_type(event_type: str) -> None:
    assert draft({"eventType": event_type}).event_type == event_type


def test_all_problems_come_at_once() -> None:
    event = {
        "eventType": "event_hook.x",
        "uuid": "no",
        "published": "yesterday",
        "severity": "LOUD",
        "actor": 1,
        "target": [{"id": 1}],
        "outcome": {"result": "?"},
    }
    assert named(event) == {"eventType", "uuid", "published", "severity", "actor", "target[0].id", "outcome.result"}


def test_a_problem_speaks_of_json_and_gives_little_of_the_text_back() -> None:
    (number,) = problems(b'{"eventType":"a","version":1.10}')
    assert number == "version: Expected `str | null`, got `float`"
    (long,) = problems({"eventType": "a", "outcome": {"result": "x" * 100_000}})
    assert len(long) < 400
    (odd,) = problems({"eventType": "a", "outcome": {"result": "x - at `$.actor`"}})
    assert odd.startswith("outcome.result: ")


@pytest.mark.parametrize("raw", [b"[]", b'"x"', b"1", b"null", b"true", b"1.10", b"-0"])
def test_an_event_is_an_object(raw: bytes) -> None:
    assert problems(raw) == [": An event must be a JSON object."]


def test_an_event_and_its_data_have_a_largest_size() -> None:
    head = b'{"eventType":"a","x":"'
    assert draft(head + b"y" * (MAX_EVENT_BYTES - len(head) - 2) + b'"}')
    assert "262,144" in problems(head + b"y" * (MAX_EVENT_BYTES - len(head) - 1) + b'"}')[0]
    assert draft({"eventType": "a", "data": {"x": "y" * (MAX_DATA_BYTES - 8)}})
    assert named({"eventType": "a", "data": {"x": "y" * (MAX_DATA_BYTES - 7)}}) == {"data"}


# -- identity ----------------------------------------------------------------------------------------------------------


def test_an_event_without_uuid_and_time_gets_ours() -> None:
    made = draft({"eventType": "a"})
    assert (made.uuid, made.published, made.fresh) == (NEW, NOW, True)
    assert made.tree["uuid"] == uuid_text(NEW)
    assert made.tree["published"] == "2026-01-02T03:04:05.678Z"


@pytest.mark.parametrize("text", [TEXT_UUID, TEXT_UUID.upper(), "00000000-0000-0000-0000-000000000000"])
def test_a_publishers_uuid_is_kept_in_lower_case(text: str) -> None:
    made = draft({"eventType": "a", "uuid": text})
    assert made.tree["uuid"] == text.lower()
    assert not made.fresh


@pytest.mark.parametrize("text", ["", "x", TEXT_UUID.replace("-", ""), "{" + TEXT_UUID + "}", TEXT_UUID + " "])
def test_what_is_no_uuid_is_a_problem(text: str) -> None:
    assert named({"eventType": "a", "uuid": text}) == {"uuid"}


PUBLISHED = [
    (format_ms(NOW - MAX_AGE_MS), NOW - MAX_AGE_MS),
    (format_ms(NOW + MAX_AHEAD_MS), NOW + MAX_AHEAD_MS),
    ("2026-01-02T05:04:05.678+02:00", NOW),
    ("2026-01-02T03:04:05Z", NOW - 678),
    ("2026-01-01T23:59:60Z", 1_767_312_000_000),
    ("2026-01-02T03:04:05.678999999Z", NOW),
]


@pytest.mark.parametrize(("text", "moment"), PUBLISHED)
def test_a_time_within_the_window_is_taken_and_shown_in_milliseconds(text: str, moment: int) -> None:
    made = draft({"eventType": "a", "published": text})
    assert made.published == moment
    assert made.tree["published"] == format_ms(moment)


NOT_PUBLISHED = [
    (format_ms(NOW - MAX_AGE_MS - 1), "90 days"),
    (format_ms(NOW + MAX_AHEAD_MS + 1), "5 minutes"),
    ("9999-01-01T00:00:00Z", "5 minutes"),
    ("1900-01-01T00:00:00Z", "90 days"),
    ("0001-01-01T00:00:00+14:00", ""),
    ("2026-02-30T00:00:00Z", "ISO 8601"),
    ("2026-01-02T03:04:05", "ISO 8601"),
    ("2026-01-02T03:04:05." + "1" * 100_000 + "Z", "ISO 8601"),
    ("", "ISO 8601"),
    ("1767323045678", "ISO 8601"),
]


@pytest.mark.parametrize(("text", "word"), NOT_PUBLISHED, ids=[text[:30] for text, _ in NOT_PUBLISHED])
def test_a_time_outside_the_window_or_none_at_all_is_a_problem(text: str, word: str) -> None:
    (told,) = problems({"eventType": "a", "published": text})
    assert told.startswith("published: ")
    assert word in told


# -- the log's form ----------------------------------------------------------------------------------------------------

ORDER = [
    *("actor", "client", "authenticationContext", "displayMessage", "eventType", "outcome", "published"),
    *("securityContext", "severity", "debugContext", "legacyEventType", "transaction", "uuid", "version", "request"),
    "target",
]


def test_the_log_has_every_key_of_the_contract_in_its_order_with_nulls() -> None:
    tree = draft({"target": None, "eventType": "a"}).tree
    assert list(tree) == ORDER
    assert tree["severity"] == "INFO"
    assert tree["version"] == "0"
    assert tree["actor"]["type"] == "SystemPrincipal"
    assert tree["transaction"] == {"type": "WEB", "id": "request-1", "detail": {}}
    assert tree["client"]["userAgent"] is None
    assert tree["authenticationContext"]["authenticationStep"] == 0
    assert tree["request"] == {"ipChain": []}
    assert tree["debugContext"] == {"debugData": {}}
    assert tree["target"] is None


def test_unknown_keys_are_kept_as_they_came_after_the_known_ones() -> None:
    extra = {"zebra": None, "acme": {"b": None, "a": [1, None]}, "insertionTimestamp": "x"}
    tree = draft({**extra, "eventType": "a", "actor": {"id": "1", "type": "User", "shoe": None}}).tree
    assert list(tree)[len(ORDER) :] == list(extra)
    assert {key: tree[key] for key in extra} == extra
    assert tree["actor"] == {"id": "1", "type": "User", "shoe": None}


@pytest.mark.parametrize(
    "field", ["client", "authenticationContext", "securityContext", "debugContext", "request", "transaction"]
)
def test_an_empty_object_stays_empty_and_is_not_filled_in(field: str) -> None:
    assert draft({"eventType": "a", field: {}}).tree[field] == {}


def test_numbers_keep_their_spelling_in_the_log() -> None:
    made = draft(b'{"eventType":"a","data":{"price":1.10,"big":9007199254740993,"e":1e+16,"z":-0}}')
    assert b'"data":{"price":1.10,"big":9007199254740993,"e":1e+16,"z":-0}' in log_event.encode(made.tree)


@pytest.mark.parametrize(
    "event", [{"displayMessage": "a\0b"}, {"actor": {"id": "a\0", "type": "x"}}, {"target": [{"id": "\0"}]}]
)
def test_no_typed_text_may_hold_the_character_nul(event: dict[str, Any]) -> None:
    assert problems({"eventType": "a", **event}) == [": A text holds the character U+0000, which cannot be stored."]


def test_a_free_form_map_may_hold_nul_and_it_comes_out_as_it_went_in() -> None:
    made = draft({"eventType": "a", "debugContext": {"debugData": {"x": "a\0b"}}, "data": {"y": "\0"}})
    assert b"a\\u0000b" in log_event.encode(made.tree)
    assert draft({"eventType": "a", "displayMessage": "a\\u0000b"}).tree["displayMessage"] == "a\\u0000b"


def test_the_matched_hooks_are_named_ascending_in_one_text() -> None:
    tree = draft({"eventType": "a", "debugContext": {"debugData": {"x": None}, "y": 1}}).tree
    named = log_event.name_targets(tree, ["who2", "who1", "who3"])
    assert named["debugContext"] == {"debugData": {"x": None, "targetEventHookIds": "who1,who2,who3"}, "y": 1}
    assert log_event.name_targets(tree, []) is tree
    assert "targetEventHookIds" not in tree["debugContext"]["debugData"]


@pytest.mark.parametrize("debug", [{}, {"debugData": None}])
def test_hooks_are_named_where_there_was_no_debug_data(debug: Any) -> None:
    tree = draft({"eventType": "a", "debugContext": debug}).tree
    assert log_event.name_targets(tree, ["who1"])["debugContext"] == {"debugData": {"targetEventHookIds": "who1"}}


def test_a_publishers_target_hooks_are_renamed_and_keep_their_place() -> None:
    data = {"a": 1, "targetEventHookIds": "whoX", "b": 2}
    tree = draft({"eventType": "a", "debugContext": {"debugData": data}}).tree
    told = [("a", 1), ("sourceTargetEventHookIds", "whoX"), ("b", 2), ("hops", "1")]
    assert list(tree["debugContext"]["debugData"].items()) == told
    named = log_event.name_targets(tree, ["who1"])
    assert named["debugContext"]["debugData"]["targetEventHookIds"] == "who1"
    assert named["debugContext"]["debugData"]["sourceTargetEventHookIds"] == "whoX"


# -- duplicates --------------------------------------------------------------------------------------------------------

FULL: dict[str, Any] = {
    "uuid": TEXT_UUID,
    "eventType": "user.session.start",
    "published": "2026-01-02T03:04:05.6Z",
    "actor": {"id": "1", "type": "User"},
    "debugContext": {"debugData": {"a": "1", "targetEventHookIds": "whoX"}},
    "transaction": {"id": "t"},
    "target": [{"id": "x"}],
    "acme": {"b": 1, "a": 2},
    "nothing": None,
}

SAME: list[tuple[str, dict[str, Any]]] = [
    ("bare", {"eventType": "a", "uuid": TEXT_UUID}),
    ("full", FULL),
    (
        "empty objects",
        {"eventType": "a", "client": {}, "securityContext": {}, "authenticationContext": {}, "request": {}},
    ),
    ("more empty objects", {"eventType": "a", "debugContext": {}, "transaction": {}, "version": "", "target": []}),
    ("empty debug data", {"eventType": "a", "debugContext": {"debugData": None, "x": 1}}),
    ("nulls", {"eventType": "a", "client": None, "severity": None, "acme": None}),
]


def stored(event: dict[str, Any]) -> bytes:
    """Return the bytes that the log holds of *event*, which a hook has matched."""
    return log_event.encode(log_event.name_targets(draft(event).tree, ["who1"]))


@pytest.mark.parametrize("event", [event for _, event in SAME], ids=[name for name, _ in SAME])
def test_the_same_event_again_has_the_same_content(event: dict[str, Any]) -> None:
    assert log_event.same_content(stored(event), draft(event).asserted)
    assert log_event.same_content(log_event.encode(draft(event).tree), draft(event).asserted)


def test_key_order_uuid_case_and_the_spelling_of_the_time_make_no_conflict() -> None:
    again = dict(reversed(FULL.items()))
    again |= {"uuid": TEXT_UUID.upper(), "published": "2026-01-02T05:04:05.600+02:00", "acme": {"a": 2, "b": 1}}
    assert log_event.same_content(stored(FULL), draft(again).asserted)


OTHER: list[dict[str, Any]] = [
    {"published": "2026-01-02T03:04:05.601Z"},
    {"eventType": "user.session.end"},
    {"actor": {"id": "2", "type": "User"}},
    {"actor": None},
    {"severity": "WARN"},
    {"debugContext": {"debugData": {"a": "2"}}},
    {"debugContext": None},
    {"transaction": {"id": "u"}},
    {"target": None},
    {"target": [{"id": "x"}, {"id": "y"}]},
    {"acme": {"b": 1}},
    {"acme": None},
    {"more": 1},
]


@pytest.mark.parametrize("change", OTHER, ids=[msgspec.json.encode(change).decode() for change in OTHER])
def test_an_event_that_says_something_else_is_in_conflict(change: dict[str, Any]) -> None:
    assert not log_event.same_content(stored(FULL), draft({**FULL, **change}).asserted)


# -- anything ----------------------------------------------------------------------------------------------------------

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
_fields = st.sampled_from([*ORDER, "device", "data", "insertionTimestamp", "x"])


@given(st.dictionaries(_fields, _json, max_size=8) | _json)
def test_reading_an_event_never_raises_whatever_the_json(value: Any) -> None:
    made = read(value)
    assert made
    assert isinstance(made, Draft) or all(isinstance(text, str) and ": " in text for text in made)


@given(st.binary(max_size=60))
def test_reading_an_event_never_raises_whatever_the_bytes(raw: bytes) -> None:
    assert isinstance(read(raw), list | Draft)


@given(st.dictionaries(st.sampled_from(["x", "data", "eventType", "debugContext"]), _json, max_size=3))
def test_an_accepted_event_is_the_same_as_itself(value: dict[str, Any]) -> None:
    made = read({"eventType": "a", **value})
    if isinstance(made, Draft):
        assert json.loads(log_event.encode(made.tree))["uuid"] == uuid_text(NEW)
        assert log_event.same_content(log_event.encode(made.tree), made.asserted)
