from __future__ import annotations

import pytest

from tenterhook.domain.event_type import catalogue, eligible


def test_the_catalogue_knows_the_types_of_the_guide_and_which_of_them_hooks_may_have() -> None:
    assert eligible("user.lifecycle.create")
    assert eligible("user.session.start")
    assert not eligible("no.such.type")
    assert not eligible("")
    assert "event_hook.created" in catalogue()


def test_the_catalogue_has_names_only_and_both_kinds() -> None:
    names = catalogue()
    assert len(names) > 700
    assert all(name == name.strip() and " " not in name for name in names)
    assert set(names.values()) == {True, False}
    assert "event_type" not in names


def test_nobody_can_change_the_catalogue_by_mistake() -> None:
    with pytest.raises(TypeError):
        catalogue()["mine"] = True  # type: ignore[index]
