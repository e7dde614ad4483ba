"""What a token endpoint is asked, and which of its answers are tokens."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from tenterhook.domain.inline.grant import (
    ASSERTION_S,
    LONGEST_S,
    MARGIN_S,
    UNSAID_S,
    Grant,
    read_grant,
    render_request,
    sign_assertion,
)
from tenterhook.domain.inline.hook import InlineConfig

CONFIG = InlineConfig(
    uri="https://apps.example.com/hook",
    client_id="thk & co",
    token_url="https://login.example.com/token",
    auth_type="client_secret_post",
    scope="hooks.read hooks.write",
)


def granted(**changes: Any) -> Grant | str:
    said = {"access_token": "abc.DEF-1", "token_type": "Bearer", "expires_in": 3600, **changes}
    return read_grant(200, json.dumps({key: part for key, part in said.items() if part is not ...}).encode())


def test_the_form_asks_for_client_credentials_with_the_secret_in_it() -> None:
    form = render_request(CONFIG, ("client_secret", "a+b=c&d"))
    assert parse_qsl(form.decode()) == [
        ("grant_type", "client_credentials"),
        ("scope", "hooks.read hooks.write"),
        ("client_id", "thk & co"),
        ("client_secret", "a+b=c&d"),
    ]


def test_the_form_with_an_assertion_says_what_kind_it_is_and_leaves_an_unset_scope_out() -> None:
    config = CONFIG.model_copy(update={"scope": None})
    assert dict(parse_qsl(render_request(config, ("client_assertion", "e.y.J")).decode())) == {
        "grant_type": "client_credentials",
        "client_id": "thk & co",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": "e.y.J",
    }


def test_the_assertion_is_signed_with_the_hook_key_and_says_who_to_whom_and_for_how_long() -> None:
    key = RSAKey.generate_key(2048)
    text = sign_assertion(CONFIG, ("kid-1", key.as_pem(private=True).decode()), "jti-1", 1_790_000_000)
    token = jwt.decode(text, RSAKey.import_key(key.as_dict(private=False)), algorithms=["RS256"])
    assert token.header == {"alg": "RS256", "kid": "kid-1", "typ": "JWT"}
    assert token.claims == {
        "iss": "thk & co",
        "sub": "thk & co",
        "aud": "https://login.example.com/token",
        "iat": 1_790_000_000,
        "exp": 1_790_000_000 + ASSERTION_S,
        "jti": "jti-1",
    }
    assert ASSERTION_S <= 300


def test_a_token_serves_for_as_long_as_it_is_valid_less_a_margin() -> None:
    found = granted()
    assert isinstance(found, Grant)
    assert (found.token.reveal(), found.keep_s) == ("abc.DEF-1", 3600 - MARGIN_S)
    assert "abc" not in repr(found)


@pytest.mark.parametrize(
    ("lifetime", "keep_s"),
    [(..., UNSAID_S), (None, UNSAID_S), ("3599", 3599 - MARGIN_S), (10, 0.0), (0, 0.0), (10**9, LONGEST_S)],
)
def test_how_long_a_token_serves(lifetime: object, keep_s: float) -> None:
    found = granted(expires_in=lifetime)
    assert isinstance(found, Grant)
    assert found.keep_s == keep_s


def test_the_token_type_may_be_written_in_any_case() -> None:
    assert isinstance(granted(token_type="bEARER"), Grant)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"access_token": ...}, "access_token must be a string, not null"),
        ({"access_token": ["a"]}, "access_token must be a string, not an array"),
        ({"access_token": ""}, "access_token must be 1 to 8,192 letters"),
        ({"access_token": "a\r\nX-Injected: 1"}, "access_token must be 1 to 8,192 letters"),
        ({"access_token": "a" * 8193}, "access_token must be 1 to 8,192 letters"),
        ({"token_type": "mac"}, "token_type must be Bearer"),
        ({"token_type": ...}, "token_type must be Bearer"),
        ({"expires_in": "soon"}, "expires_in must be a number of seconds"),
        ({"expires_in": -1}, "expires_in must be a number of seconds"),
        ({"expires_in": True}, "expires_in must be a number of seconds"),
    ],
)
def test_what_is_no_token_is_told_in_words(changes: dict[str, Any], words: str) -> None:
    found = granted(**changes)
    assert isinstance(found, str)
    assert words in found


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (200, b"<html>", "is not JSON"),
        (200, b"[]", "must be a JSON object, not an array"),
        (200, b'{"access_token":"a","access_token":"b"}', "is not JSON: The key 'access_token' appears twice"),
        (401, b'{"error":"invalid_client","error_description":"No such client."}', "401: invalid_client, No such cli"),
        (400, b'{"error":"bad\\r\\nthing"}', "answered 400: bad??thing."),
        (503, b"", "The token endpoint answered 503."),
        (302, b"<a>", "The token endpoint answered 302."),
    ],
)
def test_an_answer_that_is_none_says_what_the_endpoint_answered(status: int, body: bytes, words: str) -> None:
    found = read_grant(status, body)
    assert isinstance(found, str)
    assert words in found
