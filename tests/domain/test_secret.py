from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import msgspec
import pytest

from tenterhook.domain.secret import Secret


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
