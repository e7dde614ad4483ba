from __future__ import annotations

import copy
import json
import pickle
import sys
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenterhook.domain.secret import MASK, MIN_MASKED, Secret


@pytest.mark.parametrize("show", [str, repr, "{}".format, lambda one: f"{one}", lambda one: f"{[one]}"])
def test_a_secret_never_shows_its_text(show: Any) -> None:
    assert "hunter2" not in show(Secret("hunter2"))
    assert "Secret(…)" in show(Secret("hunter2"))


@pytest.mark.parametrize("encode", [pickle.dumps, json.dumps, msgspec.json.encode, copy.deepcopy, copy.copy])
def test_a_secret_cannot_be_pickled_copied_or_encoded(encode: Any) -> None:
    with pytest.raises(TypeError) as caught:
        encode(Secret("hunter2"))
    assert "hunter2" not in str(caught.value)


def test_a_secret_gives_its_text_only_when_asked_by_name() -> None:
    assert Secret("hunter2").reveal() == "hunter2"


def test_equal_secrets_are_equal_and_others_are_not() -> None:
    assert Secret("ä") == Secret("ä")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2


def test_a_secret_has_no_dictionary_for_a_serialiser_to_walk() -> None:
    with pytest.raises(TypeError):
        vars(Secret("hunter2"))


@given(st.text("ab", min_size=MIN_MASKED, max_size=9), st.lists(st.text("ab", max_size=12), min_size=1), st.booleans())
def test_the_longest_beginning_before_an_ellipsis_or_a_cut_is_masked(secret: str, parts: list[str], cut: bool) -> None:
    expected = "…".join(parts).replace(secret, MASK)
    for length in range(len(secret) - 1, MIN_MASKED - 1, -1):
        expected = expected.replace(secret[:length] + "…", MASK + "…")
    for length in range(len(secret) - 1, MIN_MASKED - 1, -1) if cut else ():
        if expected.endswith(secret[:length]):
            expected = expected[:-length] + MASK
            break
    assert Secret(secret).masked_in("…".join(parts), cut=cut) == expected


def test_a_long_secret_costs_no_more_steps_than_a_short_one() -> None:
    def steps(length: int) -> int:
        secret, count = Secret("abcd" + "x" * length), 0

        def note(frame: Any, event: str, argument: Any) -> None:
            nonlocal count
            count += event in ("call", "c_call")

        sys.setprofile(note)
        try:
            secret.masked_in("abcd…" * 50)
        finally:
            sys.setprofile(None)
        return count

    assert steps(8_000) == steps(80)
