"""Event types are found by the words that people have for them."""

from __future__ import annotations

import pytest
from type_searches import CASES

from tenterhook.domain.display_name import display_names
from tenterhook.domain.event_type import catalogue, family_of
from tenterhook.domain.type_search import finds, words_of


def found(sought: str) -> set[str]:
    words = words_of(sought)
    return {name for name in catalogue() if finds(words, f"{name} {display_names()[name]} {family_of(name)}")}


@pytest.mark.parametrize(
    ("sought", "name"),
    CASES,
)
def test_each_word_is_found_anywhere_whatever_parts_them_and_however_it_ends(sought: str, name: str) -> None:
    assert name in found(sought)
    assert len(found(sought)) < 80


def test_what_is_meant_by_other_words_is_not_found() -> None:
    assert found("no such thing") == set()
    assert "system.custom_error.update" not in found("login")
    assert "application.configuration.reset_logo" not in found("logout")
    assert not finds(["in"], "admin.role Admins")
    assert found("") == set(catalogue())
    assert found(" .-_ ") == set(catalogue())
