"""Attributes that commands set in a profile. Source: okta/inline-hooks.md §4.3, §4.4."""

from __future__ import annotations

import re
from typing import Any

from tenterhook.domain.document import Problems, kind_of
from tenterhook.domain.inline.patch import copied_tree
from tenterhook.domain.inline.shape import Place, path_of
from tenterhook.domain.log_event import Tree

MAX_ATTRIBUTE_NAME = 255
_UNFIT = re.compile(r"[\x00-\x1f\x7f]")


def attributes(value: Any, where: Place, problems: Problems) -> Any:
    """Read an object of attributes; its values may be anything."""
    if not isinstance(value, dict):
        problems.add(path_of(where), f"must be an object of attributes and their values, not {kind_of(value)}")
    elif any(not key.strip() or len(key) > MAX_ATTRIBUTE_NAME or _UNFIT.search(key) for key in value):
        problems.add(
            path_of(where), f"must have names of 1 to {MAX_ATTRIBUTE_NAME} characters, none of them a control character"
        )
    return value


def merge(value: Tree, profile: Tree) -> None:
    """Set in *profile* each attribute of *value*."""
    profile.update(copied_tree(value))
