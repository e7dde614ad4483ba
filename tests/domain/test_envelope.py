"""The bytes of a delivery: golden ones of our own values, and the promise that they are the same at every attempt."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tenterhook.domain import log_event
from tenterhook.domain.envelope import render_body, render_element, source_of
from tenterhook.domain.log_event import Draft, read_event
from tenterhook.domain.strict_json import MAX_NODES, reload

NOW = 1_767_323_045_678
UUID = "0b5e86a1-5d2c-4bd0-9e0e-6d0d0f3c7a10"

FULL: dict[str, Any] = {
    "device": {"id": "guo1", "name": None, "os_platform": "macOS"},
    "actor": {"id": "00u1", "type": "User", "alternateId": "ann@example.com", "displayName": None, "detailEntry": None},
    "client": {
        "userAgent": {"rawUserAgent": "UA", "os": None, "browser": "CHROME"},
        "zone": "null",
        "device": None,
        "id": None,
        "ipAddress": "192.0.2.1",
        "geographicalContext": {"city": None, "country": "Z", "geolocation": {"lat": 1.10, "lon": None}},
    },
    "authenticationContext": {"issuer": {"id": "i", "type": None}, "interface": None, "authenticationStep": 0},
    "displayMessage": "User login",
    "eventType": "user.session.start",
    "outcome": {"result": "SUCCESS", "reason": None},
    "published": "2026-01-02T03:04:05.678Z",
    "securityContext": {"asNumber": None, "isProxy": False, "risk": {"level": None}},
    "debugContext": {"debugData": {"requestUri": "/a", "nothing": None}},
    "legacyEventType": None,
    "transaction": {"type": "WEB", "id": "t", "detail": {"token": None}},
    "uuid": UUID,
    "request": {
        "ipChain": [{"ip": "192.0.2.1", "geographicalContext": {"city": None}, "version": "V4", "source": None}]
    },
    "target": [
        {"id": "x", "type": "User", "displayName": None, "detailEntry": {"a": None}, "changeDetails": {"to": None}}
    ],
    "data": {"kept": None},
    "acme": {"kept": None},
}

ELEMENT = (
    b'{"uuid":"0b5e86a1-5d2c-4bd0-9e0e-6d0d0f3c7a10","published":"2026-01-02T03:04:05.678Z",'
    b'"eventType":"user.session.start","version":"0","displayMessage":"User login","severity":"INFO",'
    b'"client":{"userAgent":{"rawUserAgent":"UA","browser":"CHROME"},"zone":"null","ipAddress":"192.0.2.1",'
    b'"geographicalContext":{"country":"Z","geolocation":{"lat":1.1,"lon":null}},'
    b'"ipChain":[{"ip":"192.0.2.1","geographicalContext":{},"version":"V4"}]},'
    b'"device":{"id":"guo1","os_platform":"macOS"},'
    b'"actor":{"id":"00u1","type":"User","alternateId":"ann@example.com"},"outcome":{"result":"SUCCESS"},'
    b'"target":[{"id":"x","type":"User","detailEntry":{"a":null},"changeDetails":{"to":null}}],'
    b'"transaction":{"type":"WEB","id":"t","detail":{"token":null}},'
    b'"debugContext":{"debugData":{"requestUri":"/a","nothing":null,"targetEventHookIds":"who1,who2"}},'
    b'"authenticationContext":{"issuer":{"id":"i"},"authenticationStep":0},'
    b'"securityContext":{"isProxy":false,"risk":{"level":null}},"data":{"kept":null},"acme":{"kept":null}}'
)


def tree_of(event: Any) -> log_event.Tree:
    """Return the log's form of *event*, which two hooks have matched."""
    raw = event if isinstance(event, bytes) else msgspec.json.encode(event)
    draft = read_event(raw, NOW, bytes(16), "request-1")
    assert isinstance(draft, Draft), draft
    return log_event.name_targets(draft.tree, ["who2", "who1"])


def test_an_element_has_the_keys_of_live_bodies_in_their_order_without_nulls() -> None:
    assert render_element(tree_of(FULL)) == ELEMENT


def test_the_element_of_a_bare_event_is_small() -> None:
    assert render_element(tree_of({"eventType": "a.b", "uuid": UUID})) == (
        b'{"uuid":"0b5e86a1-5d2c-4bd0-9e0e-6d0d0f3c7a10","published":"2026-01-02T03:04:05.678Z","eventType":"a.b",'
        b'"version":"0","severity":"INFO","client":{"ipChain":[]},'
        b'"actor":{"id":"unknown","type":"SystemPrincipal","alternateId":"unknown"},'
        b'"transaction":{"type":"WEB","id":"request-1","detail":{}},'
        b'"debugContext":{"debugData":{"targetEventHookIds":"who1,who2"}},'
        b'"authenticationContext":{"authenticationStep":0},"securityContext":{}}'
    )


def test_there_is_no_request_and_an_empty_target_list_is_left_out() -> None:
    element = json.loads(render_element(tree_of({"eventType": "a", "target": [], "request": {"ipChain": None}})))
    assert "request" not in element
    assert "target" not in element
    assert element["client"] == {}


def test_a_body_is_oktas_envelope_to_the_byte() -> None:
    source = source_of("https://hooks.example.com", "who1")
    event_id = "0196f0a1-0000-7000-8000-000000000001"
    assert render_body(source, event_id, [b'{"a":1.10}', b'{"b":9007199254740993}'], NOW) == (
        b'{"eventType":"com.okta.event_hook","eventTypeVersion":"1.0","cloudEventsVersion":"0.1",'
        b'"source":"https://hooks.example.com/api/v1/eventHooks/who1",'
        b'"eventId":"0196f0a1-0000-7000-8000-000000000001",'
        b'"data":{"events":[{"a":1.10},{"b":9007199254740993}]},'
        b'"eventTime":"2026-01-02T03:04:05.678Z","contentType":"application/json"}'
    )


def test_numbers_keep_their_spelling_as_far_as_the_hooks_body() -> None:
    tree = tree_of(b'{"eventType":"a","data":{"price":1.10,"big":9007199254740993,"e":1e+16,"z":-0}}')
    assert b'"data":{"price":1.10,"big":9007199254740993,"e":1e+16,"z":-0}' in render_element(tree)


# -- P3: what is read back from the log is what was sent --------------------------------------------------------------

_numbers = st.sampled_from([b"1.10", b"-0", b"1e+16", b"1E5", b"0.00001", b"9007199254740993", b"-0.0", b"1e-400"])
_scalar = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4)
    | _numbers.map(msgspec.Raw)
)
_any = st.recursive(
    _scalar,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
_map = st.dictionaries(st.text(max_size=4), _any, max_size=3)
_text = st.none() | st.text(max_size=4)
_place = st.fixed_dictionaries({}, optional={"city": _text, "postalCode": _text | st.integers(), "geolocation": _map})
_event = st.fixed_dictionaries(
    {"eventType": st.just("a.b")},
    optional={
        "displayMessage": _text,
        "legacyEventType": _text,
        "device": st.none() | _map,
        "authenticationContext": st.none() | _map | st.fixed_dictionaries({"issuer": _any}),
        "actor": st.none() | st.fixed_dictionaries({"id": st.just("i"), "type": st.just("t")}, optional={"x": _any}),
        "client": st.none()
        | st.fixed_dictionaries({}, optional={"zone": _text, "geographicalContext": _place, "x": _any}),
        "target": st.none()
        | st.lists(st.fixed_dictionaries({}, optional={"detailEntry": _map, "x": _any}), max_size=2),
        "transaction": st.none() | st.fixed_dictionaries({}, optional={"detail": st.none() | _map, "x": _any}),
        "debugContext": st.none()
        | st.fixed_dictionaries({}, optional={"debugData": st.none() | _map, "x": _any})
        | st.just({"debugData": {"targetEventHookIds": "whoX", "sourceTargetEventHookIds": "whoY"}}),
        "securityContext": st.none() | st.fixed_dictionaries({}, optional={"risk": st.none() | _map, "x": _any}),
        "request": st.none() | st.fixed_dictionaries({}, optional={"ipChain": st.just([{"ip": None, "x": None}])}),
        "data": st.none() | _map,
        "insertionTimestamp": _any,
        "acme": _any,
    },
)


@given(_event)
def test_an_element_rendered_from_the_stored_bytes_equals_the_one_rendered_before_storing(event: Any) -> None:
    draft = read_event(msgspec.json.encode(event), NOW, bytes(16), "request-1")
    if not isinstance(draft, Draft):
        return
    tree = log_event.name_targets(draft.tree, ["who1"])
    sent, stored = render_element(tree), log_event.encode(tree)
    assert render_element(reload(stored)) == sent
    assert log_event.encode(reload(stored)) == stored
    json.loads(sent)


def test_an_event_that_just_keeps_to_the_caps_can_still_be_read_back() -> None:
    most = MAX_NODES - 4
    tree = tree_of(b'{"eventType":"a","data":{"x":[' + b"1," * (most - 1) + b"1]}}")
    assert render_element(reload(log_event.encode(tree))) == render_element(tree)
    deepest = b"[" * 31 + b"]" * 31
    tree = tree_of(b'{"eventType":"a","acme":' + deepest + b"}")
    assert render_element(reload(log_event.encode(tree))) == render_element(tree)
