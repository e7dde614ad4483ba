"""What a client may write as an inline hook, and what it is told of the rest."""

from __future__ import annotations

from typing import Any

import pytest
from inline_samples import BIRTH_MS, HTTP_BODY, KEY, OAUTH_BODY, SIGNED_BODY, body
from test_inline_hook import IDENTITY, RULES, made

from tenterhook.domain.destination import DestinationRules
from tenterhook.domain.inline.channel import InlineRules, inline_hints
from tenterhook.domain.inline.draft import parse_create, parse_replace, parse_update
from tenterhook.domain.inline.hook import InlineHook, created, replaced
from tenterhook.domain.inline.kind import KINDS, TELEPHONY
from tenterhook.domain.secret import Secret
from tenterhook.errors import InvalidError

CONFIG = "channel__config__"
SECRET = Secret("s3cret-value")


def problems(document: object, rules: InlineRules = RULES) -> list[str]:
    with pytest.raises(InvalidError) as refused:
        parse_create(document, rules)
    assert refused.value.entity == "inlineHook"
    return list(refused.value.problems)


def problem(of: dict[str, Any] = HTTP_BODY, **changes: Any) -> str:
    (only,) = problems(body(of, **changes))
    return only


def replacing(current: InlineHook, document: object) -> list[str]:
    with pytest.raises(InvalidError) as refused:
        parse_replace(document, current, RULES)
    return list(refused.value.problems)


def updated(current: InlineHook, document: object) -> InlineHook:
    return replaced(current, parse_update(document, current, RULES), BIRTH_MS)


def updating(current: InlineHook, document: object) -> list[str]:
    with pytest.raises(InvalidError) as refused:
        parse_update(document, current, RULES)
    return list(refused.value.problems)


# ---- a new hook ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_hook_of_each_type_can_be_written(kind: str) -> None:
    assert parse_create(body(type=kind), RULES).type == kind


def test_a_status_and_other_read_only_keys_are_ignored() -> None:
    extra = {"id": "x", "status": "INACTIVE", "created": 1, "lastUpdated": None, "_links": [], "unknown": 1}
    draft = parse_create(body(**extra), RULES)
    assert created(draft, IDENTITY, BIRTH_MS) == made()
    assert made().status == "ACTIVE"


@pytest.mark.parametrize("version", ["1.0.0", "1.0.1", "1.0.2", "1.0.9999"])
def test_a_version_is_echoed_as_it_was_written(version: str) -> None:
    assert parse_create(body(version=version), RULES).version == version


@pytest.mark.parametrize("version", ["1.1.0", "1.0", "2.0.0", "1.0.0\n", "1.0.٣", " 1.0.0", "1.0.00000", 1, ["1.0.0"]])
def test_another_version_is_refused(version: object) -> None:
    assert problem(version=version).startswith("version: must be 1.0.0, or another number after 1.0., not ")


@pytest.mark.parametrize("version", [None, "", ...])
def test_a_version_must_be_given(version: object) -> None:
    assert problem(version=version) == "version: The field cannot be left blank; it must be 1.0.0"


def test_all_problems_are_told_at_once() -> None:
    document = body(
        name=" ",
        type="com.okta.unknown",
        version="3",
        channel__version="2",
        channel__config__uri="ftp://x",
        channel__config__method="GET",
        channel__config__headers=[{"key": "Host", "value": "a"}],
        channel__config__verify=False,
        channel__config__authScheme={"type": "BODY", "key": "Authorization"},
    )
    assert [text.split(": ")[0] for text in problems(document)] == [
        *("name", "type", "version", "channel.version", "channel.config.verify", "channel.config.method"),
        *("channel.config.uri", "channel.config.headers[0].key", "channel.config.authScheme.type"),
        "channel.config.authScheme.value",
    ]


@pytest.mark.parametrize("document", [None, [], "x", 1, True])
def test_a_body_must_be_an_object(document: object) -> None:
    assert problems(document)[0].startswith("body: must be a JSON object, not ")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"name": 1}, "name: must be a string, not a number"),
        ({"name": None}, "name: The field cannot be left blank"),
        ({"name": "x" * 256}, "name: must be at most 255 characters long, it has 256"),
        ({"name": "a\x00b"}, "name: must not hold control characters such as U+0000"),
        ({"type": ...}, "type: The field cannot be left blank; it must be com.okta.oauth2.tokens.transform or "),
        ({"type": []}, "type: must be com.okta.oauth2.tokens.transform or "),
        ({"channel": None}, "channel: The field cannot be left blank"),
        ({"channel": []}, "channel: must be an object, not an array"),
        ({"channel__type": "SMTP"}, "channel.type: must be HTTP or OAUTH, not 'SMTP'"),
        ({"channel__type": ...}, "channel.type: The field cannot be left blank; it must be HTTP or OAUTH"),
        ({"channel__config": "x"}, "channel.config: must be an object, not a string"),
        ({CONFIG + "uri": ...}, "channel.config.uri: The field cannot be left blank"),
        ({CONFIG + "uri": "http://svc.example.com/"}, "channel.config.uri: must begin with https://"),
        ({CONFIG + "uri": "https://127.0.0.1/"}, "channel.config.uri: must have a public address"),
        ({CONFIG + "uri": "https://svc.example.com/a b"}, "channel.config.uri: must not hold spaces"),
        ({CONFIG + "uri": "https://svc.example.com/" + "x" * 1024}, "channel.config.uri: must be at most 1024"),
        ({CONFIG + "headers": [{"key": "Field 1", "value": "x"}]}, "channel.config.headers[0].key: must be an HTTP"),
        ({CONFIG + "headers": [{"key": "Accept", "value": "x"}]}, "channel.config.headers[0].key: 'Accept' is res"),
        ({CONFIG + "method": "PUT"}, "channel.config.method: must be POST, not 'PUT'"),
        ({CONFIG + "authScheme__value": ...}, "channel.config.authScheme.value: The field cannot be left blank"),
        ({CONFIG + "clientId": "x"}, "channel.config.clientId: is a field of OAUTH channels"),
        ({CONFIG + "nothing": None}, "channel.config.nothing: is no field of channel.config; it has uri, "),
    ],
)
def test_a_slip_is_told_with_its_field_and_what_would_be_right(changes: dict[str, Any], told: str) -> None:
    assert problem(**changes).startswith(told)


def test_what_is_optional_may_be_left_out() -> None:
    draft = parse_create(
        body(channel__config__headers=None, channel__config__method=..., channel__config__authScheme=...), RULES
    )
    config = draft.channel.config
    assert (config.headers, config.method, config.auth_scheme, draft.secret) == ((), "POST", None, None)


def test_a_telephony_hook_must_prove_who_calls() -> None:
    told = f"channel.config.authScheme: The field cannot be left blank: hooks of the type {TELEPHONY.type} must prove"
    for value in (None, ...):
        assert problem(type=TELEPHONY.type, channel__config__authScheme=value).startswith(told)
    assert parse_create(body(OAUTH_BODY, type=TELEPHONY.type), RULES).channel.type == "OAUTH"


# ---- OAUTH channels --------------------------------------------------------------------------------------------------


def test_an_oauth_channel_is_read_with_its_secret_or_its_key() -> None:
    posted, signed = parse_create(OAUTH_BODY, RULES), parse_create(SIGNED_BODY, RULES)
    assert (posted.channel.config.auth_type, posted.secret) == ("client_secret_post", SECRET)
    assert posted.channel.config.scope == "hooks.answer"
    assert (signed.channel.config.hook_key_id, signed.secret) == (KEY, None)
    assert parse_create(body(OAUTH_BODY, channel__config__scope=""), RULES).channel.config.scope is None


@pytest.mark.parametrize(
    ("of", "changes", "told"),
    [
        (OAUTH_BODY, {"authType": ...}, "authType: The field cannot be left blank; it must be client_secret_post or"),
        (OAUTH_BODY, {"authType": "basic"}, "authType: must be client_secret_post or private_key_jwt, not 'basic'"),
        (OAUTH_BODY, {"clientId": ...}, "clientId: The field cannot be left blank"),
        (OAUTH_BODY, {"clientId": "x" * 256}, "clientId: must be at most 255"),
        (OAUTH_BODY, {"clientSecret": ...}, "clientSecret: The field cannot be left blank"),
        (OAUTH_BODY, {"clientSecret": 1}, "clientSecret: must be a string, not a number"),
        (OAUTH_BODY, {"clientSecret": "x" * 4097}, "clientSecret: must be at most 4,096"),
        (OAUTH_BODY, {"tokenUrl": ...}, "tokenUrl: The field cannot be left blank"),
        (OAUTH_BODY, {"tokenUrl": "http://id.example.com/"}, "tokenUrl: must begin with https://"),
        (OAUTH_BODY, {"tokenUrl": "https://169.254.169.254/"}, "tokenUrl: must have a public address"),
        (OAUTH_BODY, {"scope": "a  b"}, "scope: must be names of scopes with one space"),
        (OAUTH_BODY, {"scope": 'a"'}, "scope: must be names of scopes with one space"),
        (OAUTH_BODY, {"scope": ["a"]}, "scope: must be a string, not an array"),
        (OAUTH_BODY, {"hookKeyId": KEY}, "hookKeyId: goes with the authType private_key_jwt"),
        (OAUTH_BODY, {"authScheme": {"type": "HEADER", "key": "X-A", "value": "b"}}, "authScheme: must be null in an"),
        (OAUTH_BODY, {"headers": [{"key": "authorization", "value": "x"}]}, "headers[0].key: 'Authorization' carries"),
        (SIGNED_BODY, {"hookKeyId": ...}, "hookKeyId: The field cannot be left blank"),
        (SIGNED_BODY, {"hookKeyId": "HKY" + "x" * 17}, "hookKeyId: names no hook key of this org"),
        (SIGNED_BODY, {"hookKeyId": 5}, "hookKeyId: must be a string, not a number"),
        (SIGNED_BODY, {"clientSecret": "x"}, "clientSecret: goes with the authType client_secret_post"),
    ],
)
def test_a_slip_in_an_oauth_channel_is_told(of: dict[str, Any], changes: dict[str, Any], told: str) -> None:
    spelled = {CONFIG + key: value for key, value in changes.items()}
    assert problem(of, **spelled).startswith("channel.config." + told)


def test_a_refused_secret_is_not_repeated() -> None:
    texts = problems(body(OAUTH_BODY, channel__config__clientSecret="s3cret\x00"))
    texts += problems(body(channel__config__authScheme__value="s3cret\x00"))
    assert len(texts) == 2
    assert "s3cret" not in "".join(texts)


# ---- replacing -------------------------------------------------------------------------------------------------------


def test_a_replacement_without_headers_or_auth_scheme_has_none() -> None:
    bare = body(channel__config__headers=..., channel__config__authScheme=...)
    draft = parse_replace(bare, made(), RULES)
    assert (draft.channel.config.headers, draft.channel.config.auth_scheme, draft.secret) == ((), None, None)


def test_a_replacement_keeps_the_secret_of_an_unchanged_header_only() -> None:
    same = body(channel__config__authScheme={"type": "HEADER", "key": "authorization"})
    assert parse_replace(same, made(), RULES).secret == SECRET
    other = body(channel__config__authScheme={"type": "HEADER", "key": "X-Secret"})
    assert replacing(made(), other) == ["channel.config.authScheme.value: The field cannot be left blank"]


def test_a_replacement_keeps_the_client_secret_where_it_was_given_for() -> None:
    current = made(OAUTH_BODY)
    kept = body(OAUTH_BODY, channel__config__clientSecret=..., channel__config__scope=None, name="New")
    draft = parse_replace(kept, current, RULES)
    assert (draft.secret, draft.channel.config.scope) == (SECRET, None)
    blank = ["channel.config.clientSecret: The field cannot be left blank"]
    for changes in ({"clientId": "other"}, {"tokenUrl": "https://evil.example.com/token"}):
        spelled = {CONFIG + key: value for key, value in changes.items()}
        assert replacing(current, body(kept, **spelled)) == blank
    assert replacing(made(SIGNED_BODY), kept) == blank
    assert replacing(made(), kept) == blank


def test_a_header_secret_does_not_become_a_client_secret_or_the_other_way_round() -> None:
    scheme = body(channel__config__authScheme={"type": "HEADER", "key": "Authorization"})
    assert replacing(made(OAUTH_BODY), scheme) == ["channel.config.authScheme.value: The field cannot be left blank"]


def test_the_type_is_for_life() -> None:
    assert parse_replace(body(type=...), made(), RULES).type == made().type
    assert parse_replace(body(), made(), RULES).type == made().type
    for other in ("com.okta.import.transform", "x", 1, []):
        told = f"type: cannot be changed; this hook is of the type {made().type} for life"
        assert replacing(made(), body(type=other)) == [told]
        assert updating(made(), {"type": other}) == [told]


# ---- changing a part -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("of", [HTTP_BODY, OAUTH_BODY, SIGNED_BODY])
def test_what_a_change_leaves_out_stays_as_it_is(of: dict[str, Any]) -> None:
    current = made(of)
    for nothing in ({}, {"channel": {}}, {"channel": {"config": {}}}, {"type": current.type}):
        assert updated(current, nothing) == current.changed(BIRTH_MS)
    assert updated(current, {"name": "New"}) == current.changed(BIRTH_MS, name="New")
    moved = updated(current, {"channel": {"config": {"uri": "https://new.example.com/"}}})
    assert moved.channel.config == current.channel.config.model_copy(update={"uri": "https://new.example.com/"})
    assert moved.secret == current.secret


def test_a_change_takes_away_what_is_null() -> None:
    bare = updated(made(), {"channel": {"config": {"headers": None, "authScheme": None}}})
    assert (bare.channel.config.headers, bare.channel.config.auth_scheme, bare.secret) == ((), None, None)
    assert updated(made(OAUTH_BODY), {"channel": {"config": {"scope": None}}}).channel.config.scope is None
    assert updating(made(), {"name": None, "version": None, "channel": None}) == [
        "name: The field cannot be left blank",
        "version: The field cannot be left blank; it must be 1.0.0",
        "channel: The field cannot be left blank",
    ]
    for nothing in (None, 5):
        assert updating(made(), {"channel": {"config": nothing}})[0].startswith("channel.config: ")


def test_a_change_of_the_way_it_proves_itself_needs_what_the_new_way_needs() -> None:
    posted, signed = made(OAUTH_BODY), made(SIGNED_BODY)
    now = updated(posted, {"channel": {"config": {"authType": "private_key_jwt", "hookKeyId": KEY}}})
    assert (now.channel.config.hook_key_id, now.channel.config.client_id, now.secret) == (KEY, "tenterhook", None)
    assert updating(posted, {"channel": {"config": {"authType": "private_key_jwt"}}}) == [
        "channel.config.hookKeyId: The field cannot be left blank"
    ]
    now = updated(signed, {"channel": {"config": {"authType": "client_secret_post", "clientSecret": "new"}}})
    assert (now.channel.config.hook_key_id, now.secret) == (None, Secret("new"))
    config = OAUTH_BODY["channel"]["config"]
    now = updated(made(), {"channel": {"type": "OAUTH", "config": {**config, "headers": []}}})
    assert (now.channel.type, now.channel.config.auth_scheme) == ("OAUTH", None)
    assert updated(posted, {"channel": {"type": "HTTP"}}).channel.config.token_url is None
    assert updating(posted, {"channel": {"config": {"tokenUrl": "https://evil.example.com/"}}}) == [
        "channel.config.clientSecret: The field cannot be left blank"
    ]


def test_a_channel_that_is_left_out_is_not_judged_again() -> None:
    nowhere = InlineRules(DestinationRules(own_names=(("svc.example.com", 443),)), {KEY})
    assert parse_update({"name": "New"}, made(), nowhere).name == "New"
    with pytest.raises(InvalidError, match="must not point at this server itself"):
        parse_update({"channel": {"config": {}}}, made(), nowhere)


# ---- hints -----------------------------------------------------------------------------------------------------------


def test_what_looks_like_a_forgotten_variable_is_hinted_at_without_its_value() -> None:
    values = {CONFIG + "headers": [{"key": "X-A", "value": "${KEY}"}]}
    found = inline_hints(made(**values, channel__config__authScheme__value="${SECRET}"))
    assert [text.split(" ")[0] for text in found] == [
        "channel.config.headers[0].value",
        "channel.config.authScheme.value",
    ]
    assert "SECRET" not in "".join(found)
    (only,) = inline_hints(made(OAUTH_BODY, channel__config__clientSecret="${SECRET}"))
    assert only.startswith("channel.config.clientSecret holds ")
    assert inline_hints(made()) == []


def test_a_kept_secret_that_goes_to_another_host_is_hinted_at() -> None:
    moved = {"channel": {"config": {"uri": "https://new.example.com/"}}}
    assert inline_hints(updated(made(), moved), made()) == [
        "channel.config.uri names another host than before: the stored secret will be sent to the new host"
    ]
    assert inline_hints(updated(made(OAUTH_BODY), moved), made(OAUTH_BODY)) == [
        "channel.config.uri names another host than before: access tokens will be sent to the new host"
    ]
    other_path = {"channel": {"config": {"uri": "https://svc.example.com/other"}}}
    assert inline_hints(updated(made(), other_path), made()) == []
    fresh = {"channel": {"config": {**moved["channel"]["config"], "authScheme": {**SCHEME, "value": "new"}}}}
    assert inline_hints(updated(made(), fresh), made()) == []


SCHEME = {"type": "HEADER", "key": "Authorization"}
