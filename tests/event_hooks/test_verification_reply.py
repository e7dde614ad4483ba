from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenterhook.domain.attempt import Attempt, Outcome, Phases, Reason
from tenterhook.domain.verification import read_echo, worth_another_try

CHALLENGE = "Aa0-_" * 8
ECHO = f'{{"verification":"{CHALLENGE}"}}'.encode()


def answer(body: bytes = ECHO, status: int | None = 200, reason: Reason | None = None, **more: Any) -> Attempt:
    outcome = Outcome.FAILED if reason else Outcome.DELIVERED
    more = {"body_complete": reason is None, **more}
    started = datetime(2026, 1, 2, tzinfo=UTC)
    return Attempt(outcome, reason, "What happened.", started, Phases(), status, response_body=body, **more)


@pytest.mark.parametrize(
    "body",
    [ECHO, b" \r\n" + ECHO + b"\n", ECHO[:-1] + b',"other":[1]}', ECHO.replace(b"verification", rb"\u0076erification")],
)
def test_a_json_object_that_echoes_the_challenge_verifies_whatever_its_media_type(body: bytes) -> None:
    assert read_echo(answer(body, response_headers=(("Content-Type", "text/plain"),)), CHALLENGE) is None


# What an endpoint may answer with 200, and what the explanation must say of it.
WRONG: list[tuple[bytes, str]] = [
    (CHALLENGE.encode(), "the bare string instead of an object (in Express: res.json({ verification:"),
    (f'"{CHALLENGE}"'.encode(), "the bare string instead of an object (in Express: res.json({ verification:"),
    (f'["{CHALLENGE}"]'.encode(), "an array instead of an object"),
    (b"<!doctype html><p>Hello", "an HTML or XML page"),
    (b"", "an empty body"),
    (b" \n", "an empty body"),
    (b"OK", "something that is no strict JSON: Expecting value at line 1, column 1"),
    (b"\xff", "something that is no strict JSON: The text is not valid UTF-8"),
    (b"[" * 100_000, "something that is no strict JSON: The text is nested deeper"),
    (b"\xef\xbb\xbf" + ECHO, "a text that begins with a byte order mark"),
    (ECHO.decode().encode("utf-16"), "something that is no strict JSON"),
    (b"{}", "a JSON object without the key 'verification'."),
    (ECHO.replace(b"verif", b"Verif"), "it has 'Verification', which is not the same"),
    (ECHO.replace(b'"verif', b'" verif'), "it has ' verification', which is not the same"),
    (ECHO[:-1] + b',"verification":"x"}', "appears twice"),
    (ECHO.replace(b"Aa0", b"Bb1", 1), "another value than the challenge"),
    (ECHO.replace(CHALLENGE.encode(), b""), "is empty"),
    (ECHO.replace(CHALLENGE.encode(), CHALLENGE.lower().encode()), "in another letter case"),
    (ECHO.replace(CHALLENGE.encode(), CHALLENGE.encode() + b" "), "white space around the challenge"),
    (b'{"verification":null}', "is null instead of the challenge"),
    (b'{"verification":1.50}', "is a number instead of the challenge"),
    (b"1.50", "a number instead of an object"),
    (b"null", "null instead of an object"),
]


@pytest.mark.parametrize(("body", "says"), WRONG, ids=[f"{at}-{says[:30]}" for at, (_, says) in enumerate(WRONG)])
def test_anything_else_with_200_is_explained_with_what_to_answer_instead(body: bytes, says: str) -> None:
    told = read_echo(answer(body), CHALLENGE)
    assert told is not None
    assert told.startswith("The endpoint answered 200 and ")
    assert says in told
    assert '{"verification":"<value of the request\'s X-Okta-Verification-Challenge header>"}' in told
    assert CHALLENGE not in told
    assert not worth_another_try(answer(body))


@given(st.binary(max_size=60))
def test_whatever_else_an_endpoint_answers_is_no_echo(body: bytes) -> None:
    assert read_echo(answer(body), CHALLENGE) is not None


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (204, "The challenge is a GET request without a body"),
        (302, "answered 302, a redirect; redirects are not followed. Register the address that it leads to"),
        (401, "authScheme"),
        (403, "authScheme"),
        (404, "must take GET requests"),
        (405, "must take GET requests"),
        (500, "look into its own log"),
    ],
)
def test_another_status_is_explained_and_asked_once_more_even_with_the_right_body(status: int, says: str) -> None:
    outcome = answer(status=status, reason=None if status == 204 else Reason.STATUS)
    told = read_echo(outcome, CHALLENGE)
    assert told is not None
    assert says in told
    assert worth_another_try(outcome)


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason is not Reason.STATUS])
def test_an_attempt_without_an_answer_is_told_with_advice(reason: Reason) -> None:
    outcome = answer(b"", None, reason)
    told = read_echo(outcome, CHALLENGE)
    assert told is not None
    assert told.startswith("What happened. ")
    assert len(told) > len("What happened. ") + 10
    assert worth_another_try(outcome) == (reason not in (Reason.BLOCKED, Reason.TOO_LARGE))


def test_a_good_echo_whose_body_was_cut_off_or_too_large_does_not_verify() -> None:
    assert "cut off" in str(read_echo(answer(body_complete=False), CHALLENGE))
    assert read_echo(answer(reason=Reason.TOO_LARGE), CHALLENGE) is not None


@pytest.mark.parametrize("body", [b"internal text", b'{"password":1}', b"<html>", b'"x"'])
def test_of_an_answer_from_a_private_network_nothing_is_told(body: bytes) -> None:
    told = read_echo(answer(body, private=True), CHALLENGE)
    assert told is not None
    assert told.startswith("The endpoint answered 200 and something else than the challenge. Answer the JSON object")
