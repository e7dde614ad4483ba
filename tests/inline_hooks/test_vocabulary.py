from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from question_samples import VARIANTS, answered, ask

from tenterhook import inline
from tenterhook.domain.inline.decision import Reply
from tenterhook.domain.inline.kind import REGISTRATION, TELEPHONY, InlineOutcome
from tenterhook.domain.inline.reply import read_reply
from tenterhook.errors import InvalidError, MalformedBodyError

PROGRESSIVE = REGISTRATION.request_types[1]


def refused(build: Any) -> str:
    with pytest.raises(InvalidError) as caught:
        build()
    assert caught.value.entity.startswith("inline")
    [problem] = caught.value.problems
    return problem


# ---- the call --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind_type", "request_type"), VARIANTS)
def test_a_sample_call_of_every_type_can_be_read(kind_type: str, request_type: str | None) -> None:
    call = inline.read_call(inline.sample_call(kind_type, request_type))
    assert (call.type, call.request_type) == (kind_type, request_type)
    assert call.data == ask(kind_type, request_type).data
    assert call.context == call.data["context"]
    assert call.event_id is not None
    assert len(call.event_id) == 22
    assert call.event_time == datetime(2026, 3, 4, 8, tzinfo=UTC)
    assert call.source is not None


def test_a_sample_call_is_of_the_type_s_first_request_type_unless_it_is_told() -> None:
    assert inline.read_call(inline.sample_call(inline.REGISTRATION)).request_type == "self.service.registration"
    assert inline.read_call(inline.sample_call(inline.TOKEN)).request_type is None


def test_a_call_of_a_newer_sender_is_read_and_its_data_is_not_in_its_repr() -> None:
    body = '{"eventType":"com.okta.new","eventTypeVersion":1.0,"eventTime":"soon","data":{"otp":"048151"},"x":1}'
    call = inline.read_call(body)
    assert (call.type, call.event_time, call.event_id, call.context) == ("com.okta.new", None, None, {})
    assert "048151" not in repr(call)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"[]", "body: must be a JSON object, not an array"),
        (b'{"data":{}}', "eventType: The field cannot be left blank"),
        (b'{"eventType":"x","data":[]}', "data: must be an object, not an array"),
        (b'{"eventType":"x","data":{},"source":1}', "source: must be a string, not a number"),
    ],
)
def test_what_is_no_call_is_refused(body: bytes, says: str) -> None:
    assert refused(lambda: inline.read_call(body)) == says


@pytest.mark.parametrize("body", [b"{", b"", "\ud800", b'{"eventType":"a","eventType":"b"}'])
def test_what_is_no_strict_json_is_refused_as_malformed(body: Any) -> None:
    with pytest.raises(MalformedBodyError):
        inline.read_call(body)


@pytest.mark.parametrize(("kind_type", "request_type"), [("x", None), (inline.TOKEN, "x"), (inline.TELEPHONY, "x")])
def test_there_is_no_sample_of_what_is_not_there(kind_type: str, request_type: str | None) -> None:
    assert refused(lambda: inline.sample_call(kind_type, request_type)).startswith("type: no inline hook has ")


# ---- each word, in its reply, and what becomes of it -----------------------------------------------------------------

SUCCESS, DENIED, FALLBACK = InlineOutcome.SUCCESS, InlineOutcome.DENIED, InlineOutcome.FALLBACK
WORDS: list[tuple[str, str | None, Any, InlineOutcome]] = [
    (inline.TOKEN, None, inline.add_claim("level", 3), SUCCESS),
    (inline.TOKEN, None, inline.add_claim(["groups", "-"], "Law", token="identity"), SUCCESS),
    (inline.TOKEN, None, inline.add_claim("https://example.com/~x", {"a": [1.5]}), SUCCESS),
    (inline.TOKEN, None, inline.replace_claim("department", "Law"), SUCCESS),
    (inline.TOKEN, None, inline.replace_claim(["groups", 0], "Law", token="identity"), SUCCESS),
    (inline.TOKEN, None, inline.remove_claim("department"), SUCCESS),
    (inline.TOKEN, None, inline.set_lifetime(300), SUCCESS),
    (inline.TOKEN, None, inline.set_lifetime(timedelta(hours=24), token="identity"), SUCCESS),
    (inline.SAML, None, inline.add_saml_claim("seat", "12", xsi_type="xs:integer"), SUCCESS),
    (inline.SAML, None, inline.add_saml_claim("https://example.com/x", ["a", "b"]), SUCCESS),
    (inline.SAML, None, inline.replace_in_assertion(["subject", "nameId"], "ann"), SUCCESS),
    (inline.SAML, None, inline.replace_in_assertion(["claims", "groups", "attributeValues", 1, "value"], "x"), SUCCESS),
    (inline.SAML, None, inline.set_session_lifetime(timedelta(minutes=15)), SUCCESS),
    (inline.REGISTRATION, None, inline.allow(), SUCCESS),
    (inline.REGISTRATION, None, inline.deny(), DENIED),
    (inline.REGISTRATION, PROGRESSIVE, inline.deny(), DENIED),
    (inline.REGISTRATION, None, inline.update_profile({"title": "Dr", "nick": None}), SUCCESS),
    (inline.REGISTRATION, PROGRESSIVE, inline.update_progressive_profile({"title": "Dr"}), SUCCESS),
    (inline.IMPORT, None, inline.update_profile({"title": "Dr"}), SUCCESS),
    (inline.IMPORT, None, inline.update_app_profile({"title": "Dr"}), SUCCESS),
    (inline.IMPORT, None, inline.create_user(), SUCCESS),
    (inline.IMPORT, None, inline.link_user("00u1"), SUCCESS),
    (inline.PASSWORD_IMPORT, None, inline.verified(), SUCCESS),
    (inline.PASSWORD_IMPORT, None, inline.not_verified(), DENIED),
    (inline.TELEPHONY, None, inline.sent("Example", "t1", metadata="any"), SUCCESS),
    (inline.TELEPHONY, None, inline.sent("Example", pending=True), SUCCESS),
    (inline.TELEPHONY, None, inline.not_sent("Example", "t1"), FALLBACK),
]


@pytest.mark.parametrize(("kind_type", "request_type", "word", "outcome"), WORDS)
def test_every_word_does_what_it_says(kind_type: str, request_type: str | None, word: Any, outcome: Any) -> None:
    reply = inline.reply(word, debug_context={"trace": "t1"})
    decision = answered(ask(kind_type, request_type), reply.to_json())
    assert (decision.outcome, decision.debug_context) == (outcome, {"trace": "t1"})
    assert [*decision.commands] == ([word] if isinstance(word, inline.Command) else [*word])
    assert json.loads(json.dumps(reply)) == json.loads(reply.to_json()), "any framework can answer it"


def test_the_words_used_here_are_all_there_are() -> None:
    others = {"InlineCall", "InlineReply", "Command", "read_call", "sample_call", "reply", "error", "cause"}
    words = {name for name in inline.__all__ if name.islower()} - others
    assert all(callable(getattr(inline, name)) for name in words | others)
    assert {name for name in inline.__all__ if name.isupper()} == {
        "TOKEN",
        "SAML",
        "REGISTRATION",
        "IMPORT",
        "PASSWORD_IMPORT",
        "TELEPHONY",
    }
    assert len(words) == 18


@pytest.mark.parametrize(("kind_type", "request_type"), VARIANTS)
def test_an_error_with_causes_is_read_as_it_was_built(kind_type: str, request_type: str | None) -> None:
    cause = inline.cause("Taken", location="data.userProfile.login", reason="UNIQUE", domain="end-user")
    error = inline.error("Not this one", [cause, inline.cause("Nor this")])
    decision = answered(ask(kind_type, request_type), inline.reply(error=error).to_json())
    assert decision.error == {
        "errorSummary": "Not this one",
        "errorCauses": [
            {
                "errorSummary": "Taken",
                "reason": "UNIQUE",
                "locationType": "body",
                "location": "data.userProfile.login",
                "domain": "end-user",
            },
            {"errorSummary": "Nor this"},
        ],
    }


def test_an_error_that_says_nothing_is_an_error() -> None:
    assert inline.reply(error=inline.error()) == {"error": {"errorCauses": []}}
    assert answered(ask(inline.TOKEN), inline.reply(error={}).to_json()).outcome == DENIED


def test_a_reply_without_a_word_says_nothing() -> None:
    assert inline.reply() == {}
    assert inline.reply().to_json() == b"{}"


# ---- what is refused -------------------------------------------------------------------------------------------------

DEEP: Any = 1
for _ in range(40):
    DEEP = [DEEP]

REFUSED: list[tuple[Any, str]] = [
    (lambda: inline.add_claim("iss", "x"), "name: the system claim 'iss' of this token cannot be changed"),
    (lambda: inline.replace_claim("sub", "x", token="identity"), "name: the system claim 'sub'"),
    (lambda: inline.remove_claim(["amr", 0]), "name: the system claim 'amr'"),
    (lambda: inline.add_claim("", 1), "name: must be the name of a claim"),
    (lambda: inline.add_claim([], 1), "name: must be the name of a claim"),
    (lambda: inline.add_claim("a\x00", 1), "path: Invalid path(op=add, path=/claims/a )"),
    (lambda: inline.add_claim("a", None), "value: Value is required for add/replace operation(op=add, path=/claims/a)"),
    (lambda: inline.add_claim("a", float("nan")), "value: Value is required"),
    (lambda: inline.add_claim("a", object()), "value: must be JSON: "),
    (lambda: inline.add_claim("a", "\ud800"), "value: must be JSON: "),
    (lambda: inline.add_claim("a", DEEP), "value: must be JSON: The text is nested deeper than 32 levels."),
    (lambda: inline.add_claim("a", 1, token="refresh"), "token: must be access or identity, not 'refresh'"),  # type: ignore[arg-type]
    (lambda: inline.set_lifetime(299), "lifetime: must be whole seconds from 300 to 86,400"),
    (lambda: inline.set_lifetime(True), "lifetime: must be whole seconds"),
    (lambda: inline.set_lifetime(600.5), "lifetime: must be whole seconds"),  # type: ignore[arg-type]
    (lambda: inline.set_lifetime(timedelta(days=2)), "lifetime: must be whole seconds"),
    (lambda: inline.set_lifetime(float("nan")), "lifetime: must be whole seconds"),  # type: ignore[arg-type]
    (lambda: inline.set_session_lifetime(0), "lifetime: must be whole seconds from 1 to 31,536,000"),
    (lambda: inline.replace_in_assertion(["lifetime", "expiration"], 5), "path: must begin with one of subject, "),
    (lambda: inline.replace_in_assertion(["subject"], {}), "path: must begin with one of subject, "),
    (lambda: inline.replace_in_assertion(["subject", "nameId"], None), "value: Value is required"),
    (lambda: inline.update_profile({"Password": "x"}), "attributes: a password cannot be set"),
    (lambda: inline.update_profile({" ": "x"}), "attributes: must have names of 1 to 255 characters"),
    (lambda: inline.update_app_profile({"a": {1, 2, object()}}), "attributes: must be JSON: "),
    (lambda: inline.link_user(""), "id: must be a text of 1 to 64 characters"),
    (lambda: inline.link_user("x" * 65), "id: must be a text of 1 to 64 characters"),
    (lambda: inline.sent("x" * 256), "action[0].provider: must be at most 255 characters long"),
    (lambda: inline.sent("x", metadata={}), "action[0].transactionMetadata: must be a string"),  # type: ignore[arg-type]
    (lambda: inline.error("x" * 1_001), "errorSummary: must be a text of 1 to 1,000 characters"),
    (lambda: inline.cause(" "), "errorSummary: must be a text"),
    (lambda: inline.cause("x", location="y", location_type="cookie"), "locationType: must be one of body, header, "),
    (lambda: inline.reply(inline.deny(), error=inline.error()), "commands: none of them is executed if there is an er"),
    (lambda: inline.reply(inline.verified(), inline.deny()), "commands: no type of inline hook takes all of these tog"),
    (lambda: inline.reply(inline.sent("a"), inline.sent("b")), "commands: no type of inline hook takes all of these t"),
    (
        lambda: inline.reply(inline.update_profile({}), inline.update_progressive_profile({})),
        "commands: no type of inline hook takes all of these together: com.okta.user.profile.update, com.okta.user.pro",
    ),
    (lambda: inline.reply(*[inline.add_claim("a", 1)] * 1_001), "commands: may have at most 1,000 operations, there "),
    (lambda: inline.reply(debug_context={"a": "x" * 17_000}), "debugContext: must be at most 16,384 bytes as JSON"),
    (lambda: inline.reply(debug_context={"a": object()}), "debugContext: must be JSON: "),
    (lambda: inline.reply(error={"a": DEEP}), "error: must be JSON: "),
    (
        lambda: inline.reply(inline.update_profile({"a": "x" * 262_144})),
        "reply: must be at most 256 KiB, it has 262,2",
    ),
]


@pytest.mark.parametrize(("build", "says"), REFUSED, ids=[says[:50] for _, says in REFUSED])
def test_what_the_contract_refuses_is_refused_as_it_is_built(build: Any, says: str) -> None:
    assert refused(build).startswith(says)


# ---- whatever it builds, is read -------------------------------------------------------------------------------------

_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_JSON = st.recursive(
    st.booleans() | st.integers() | st.floats() | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=8,
)
_WHICH = st.sampled_from(["access", "identity"])
_PATHS = _TEXTS | st.lists(_TEXTS | st.integers(-1, 10), max_size=3)
_ATTRIBUTES = st.dictionaries(_TEXTS, _JSON, max_size=3)
BUILDS: dict[str, Any] = {
    inline.TOKEN: st.one_of(
        st.builds(lambda *given, token: (inline.add_claim, given, {"token": token}), _PATHS, _JSON, token=_WHICH),
        st.builds(lambda *given, token: (inline.replace_claim, given, {"token": token}), _PATHS, _JSON, token=_WHICH),
        st.builds(lambda *given, token: (inline.remove_claim, given, {"token": token}), _PATHS, token=_WHICH),
        st.builds(lambda given: (inline.set_lifetime, (given,), {}), st.integers(0, 100_000) | st.timedeltas()),
    ),
    inline.SAML: st.one_of(
        st.builds(lambda *given: (inline.add_saml_claim, given, {}), _TEXTS, _TEXTS | st.lists(_TEXTS, max_size=3)),
        st.builds(
            lambda part, rest, value: (inline.replace_in_assertion, ([part, *rest], value), {}),
            st.sampled_from(["subject", "claims", "lifetime"]),
            st.lists(_TEXTS, max_size=2),
            _JSON,
        ),
        st.builds(lambda given: (inline.set_session_lifetime, (given,), {}), st.integers(-1, 10**8)),
    ),
    inline.REGISTRATION: st.one_of(
        st.sampled_from([(inline.allow, (), {}), (inline.deny, (), {})]),
        st.builds(lambda given: (inline.update_profile, (given,), {}), _ATTRIBUTES),
    ),
    inline.IMPORT: st.one_of(
        st.just((inline.create_user, (), {})),
        st.builds(lambda given: (inline.link_user, (given,), {}), _TEXTS),
        st.builds(lambda given: (inline.update_profile, (given,), {}), _ATTRIBUTES),
        st.builds(lambda given: (inline.update_app_profile, (given,), {}), _ATTRIBUTES),
    ),
    inline.TELEPHONY: st.builds(
        lambda *given, metadata: (inline.sent, given, {"metadata": metadata}),
        _TEXTS,
        _TEXTS,
        metadata=st.none() | _TEXTS,
    ),
}


@given(st.data())
def test_whatever_can_be_built_is_read_as_a_reply(data: st.DataObject) -> None:
    kind_type = data.draw(st.sampled_from(list(BUILDS)))
    most = 1 if kind_type == TELEPHONY.type else 4
    words, error = [], None
    try:
        for build, given_args, given_names in data.draw(st.lists(BUILDS[kind_type], max_size=most)):
            words.append(build(*given_args, **given_names))
        if not words:
            error = inline.error(data.draw(st.none() | _TEXTS), [inline.cause(data.draw(_TEXTS))])
        reply = inline.reply(*words, error=error, debug_context=data.draw(st.none() | _ATTRIBUTES))
    except InvalidError:
        return
    answer = read_reply(ask(kind_type), 200, reply.to_json(), True)
    assert isinstance(answer, Reply), answer
    flat = [one for word in words for one in ([word] if isinstance(word, inline.Command) else word)]
    assert len(answer.commands) == len(flat)
    assert (answer.error is None) == (error is None)
