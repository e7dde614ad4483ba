from __future__ import annotations

import re
import threading
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenterhook import ids


@pytest.mark.parametrize("prefix", [ids.EVENT_HOOK, ids.ADMIN, ids.ORG, ids.API_TOKEN])
def test_an_id_has_the_form_of_oktas(prefix: str) -> None:
    made = {ids.new_id(prefix) for _ in range(200)}
    assert len(made) == 200
    assert all(re.fullmatch(re.escape(prefix) + "[A-Za-z0-9]{17}", one) for one in made)


def test_an_error_id_and_a_request_id_have_the_lengths_of_oktas() -> None:
    assert re.fullmatch(r"oae[A-Za-z0-9_-]{22}", ids.new_error_id())
    assert re.fullmatch(r"[A-Za-z0-9_-]{27}", ids.new_request_id())
    assert len({ids.new_request_id() for _ in range(1000)}) == 1000


def test_our_uuids_are_version_7_and_rise_within_a_process() -> None:
    made = [ids.uuid7() for _ in range(5000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)
    parsed = uuid.UUID(bytes=made[0])
    assert parsed.version == 7
    assert parsed.variant == uuid.RFC_4122


def test_uuids_made_by_many_threads_are_all_different() -> None:
    made: list[bytes] = []
    threads = [threading.Thread(target=lambda: made.extend(ids.uuid7() for _ in range(500))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 4000


@given(st.uuids())
def test_a_uuid_is_read_in_any_case_and_written_in_lower_case(value: uuid.UUID) -> None:
    assert ids.parse_uuid(str(value)) == value.bytes
    assert ids.parse_uuid(str(value).upper()) == value.bytes
    assert ids.uuid_text(value.bytes) == str(value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0b5e86a15d2c4bd09e0e6d0d0f3c7a10",
        "{0b5e86a1-5d2c-4bd0-9e0e-6d0d0f3c7a10}",
        "urn:uuid:0b5e86a1-5d2c-4bd0-9e0e-6d0d0f3c7a10",
        "0b5e86a1-5d2c-4bd0-9e0e-6d0d0f3c7a1",
        "0b5e86a1-5d2c-4bd0-9e0e-6d0d0f3c7a1g",
        "0b5e86a-15d2c-4bd0-9e0e-6d0d0f3c7a10",
        "0b5e86a1-5d2c-4bd0-9e0e-6d0d0f3c7a٣0",
        "0b5e86a1-5d2c-4bd0-9e0e--d0d0f3c7a10",
        "0b5e86a1-5d2c-4bd0-9e0e-+d0d0f3c7a10",
        "0x5e86a1-5d2c-4bd0-9e0e-6d0d0f3c7a10",
        " b5e86a1-5d2c-4bd0-9e0e-6d0d0f3c7a10",
        "0b5e_6a1-5d2c-4bd0-9e0e-6d0d0f3c7a10",
    ],
)
def test_what_only_resembles_a_uuid_is_none(text: str) -> None:
    assert ids.parse_uuid(text) is None


@given(st.text(max_size=40))
def test_reading_a_uuid_never_raises_whatever_the_text(text: str) -> None:
    assert ids.parse_uuid(text) is None or len(text) == 36
