"""Patches of claims and assertions: JSON Patch as the contract has it, which is less than RFC 6902.

``add``, ``replace`` and ``remove``, JSON pointers, nothing else: no ``move``, ``copy`` or ``test``. A step changes the
tree that it is given; whoever calls copies the original once (`copied`) and throws the copy away if a step fails. What
a step adds is a copy as well, so that no later step reaches into the command. Each step takes time in its own size.
Source: okta/inline-hooks.md §4.1, §4.2, §6 (the texts); RFC 6901; security check 151.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

import msgspec

from tenterhook.domain.inline.wording import plain
from tenterhook.domain.log_event import Tree
from tenterhook.domain.strict_json import MAX_DEPTH

#: Of all patches of one reply together.
MAX_STEPS = 1_000
MAX_PATH = 2_048
#: Characters of a path in a text.
MAX_SHOWN_PATH = 200

#: ``~`` stands only before 0 or 1.
_POINTER = re.compile(r"(?:/(?:[^~/\x00-\x1f\x7f]|~[01])*+)++")
_NESTED = (dict, list)
_INDEX = re.compile(r"0|[1-9][0-9]{0,8}", re.ASCII)


class Step(msgspec.Struct, frozen=True):
    """One operation of a patch, readable and within the caps."""

    op: str
    path: str  #: as it was sent
    tokens: tuple[str, ...]  #: the path taken apart, ``~0`` and ``~1`` read
    value: Any  #: None for ``remove``

    def said(self, what: str) -> str:
        """Return *what* is wrong with it, in the contract's form: ``what(op=…, path=…)``."""
        return said(what, self.op, self.path)

    @property
    def not_found(self) -> str:
        """That its path leads nowhere, in the contract's words."""
        return self.said("Path not found")


def said(what: str, op: str, path: str) -> str:
    """Return the contract's form of *what* is wrong with an operation."""
    return f"{what}(op={plain(op, 32)}, path={plain(path, MAX_SHOWN_PATH)})"


def read_step(operation: Tree, ops: Collection[str]) -> Step | str:
    """Return the step that *operation* (``op`` and ``path`` are texts) is, or in words why it is none.

    ops: those that the command knows.
    """
    op, path, value = operation["op"], operation["path"], operation.get("value")
    if op not in ops:
        return said(f"Unsupported operation, it must be {' or '.join(ops)}", op, path)
    tokens = read_pointer(path)
    if tokens is None:
        return said("Invalid path", op, path)
    if op == "remove" and value is not None:
        return said("Value must be null for remove operation", op, path)
    if op != "remove" and value is None:
        return said("Value is required for add/replace operation", op, path)
    if len(tokens) + _depth(value) > MAX_DEPTH:
        return said(f"The result would be nested deeper than {MAX_DEPTH} levels", op, path)
    return Step(op, path, tokens, value)


def read_pointer(path: str) -> tuple[str, ...] | None:
    """Return the tokens of the JSON pointer *path*; None if it is none, is the whole, or has control characters."""
    if len(path) > MAX_PATH or _POINTER.fullmatch(path) is None:
        return None
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in path[1:].split("/"))


def write_pointer(tokens: Collection[str]) -> str:
    """Return the JSON pointer of *tokens*."""
    return "".join("/" + token.replace("~", "~0").replace("/", "~1") for token in tokens)


def take(step: Step, root: Tree) -> str | None:
    """Change *root* as *step* says; return in words why that cannot be, and *root* is as it was."""
    *parents, last = step.tokens
    place: Any = root
    for token in parents:
        place = _child(place, token)
    if isinstance(place, dict):
        return _in_object(step, place, last)
    if isinstance(place, list):
        return _in_array(step, place, last)
    return step.not_found


def copied(value: Any) -> Any:
    """Return a copy of decoded JSON that shares nothing changeable with it."""
    if isinstance(value, dict):
        return {key: copied(item) if isinstance(item, _NESTED) else item for key, item in value.items()}
    return [copied(item) for item in value] if isinstance(value, list) else value


def copied_tree(tree: Tree) -> Tree:
    """Return a copy of the object *tree* that shares nothing changeable with it."""
    return {key: copied(value) for key, value in tree.items()}


def _child(place: Any, token: str) -> Any:
    """Return what *token* names in *place*; None if nothing (null has no children either)."""
    if isinstance(place, dict):
        return place.get(token)
    if isinstance(place, list):
        index = _index(token)
        return place[index] if index is not None and index < len(place) else None
    return None


def _in_object(step: Step, place: Tree, key: str) -> str | None:
    if not key or (step.op != "add" and key not in place):
        return step.not_found
    if step.op == "remove":
        del place[key]
    else:
        place[key] = copied(step.value)
    return None


def _in_array(step: Step, place: list[Any], last: str) -> str | None:
    if step.op == "add" and last == "-":
        place.append(copied(step.value))
        return None
    index = _index(last)
    if index is None or index >= len(place) + (step.op == "add"):
        return step.not_found
    if step.op == "remove":
        del place[index]
    elif step.op == "add":
        place.insert(index, copied(step.value))
    else:
        place[index] = copied(step.value)
    return None


def _index(token: str) -> int | None:
    return int(token) if _INDEX.fullmatch(token) else None


def _depth(value: Any) -> int:
    """Return how many objects and arrays are around the innermost value, as the JSON reader counts them."""
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    return 1 + max(map(_depth, value), default=0) if isinstance(value, list) else 0
