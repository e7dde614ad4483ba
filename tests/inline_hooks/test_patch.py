"""Patches against a second implementation: RFC 6902 as plainly as it can be written, with a new copy at each step."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenterhook.domain.inline.patch import Step, copied, read_pointer, read_step, take, write_pointer

OPS = ("add", "replace", "remove")
NAMES = st.sampled_from(["a", "b", "0", "1", "-", "a/b", "~", "~1", "ü"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=10,
)
TREES = st.dictionaries(NAMES, VALUES, max_size=4)
PATHS = st.lists(NAMES | st.sampled_from(["2", "01", "9" * 11, "-1", ""]), min_size=1, max_size=4)
OPERATIONS = st.builds(lambda op, path, value: (op, path, value), st.sampled_from(OPS), PATHS, VALUES)


class NoSuchPlaceError(Exception):
    """The path leads nowhere."""


def naive(document: Any, op: str, path: list[str], value: Any) -> Any:
    head, *rest = path
    if isinstance(document, dict):
        known = dict(document)
        if rest:
            if head not in known:
                raise NoSuchPlaceError
            return {**known, head: naive(known[head], op, rest, value)}
        if head == "" or (op != "add" and head not in known):
            raise NoSuchPlaceError
        if op == "remove":
            return {key: item for key, item in known.items() if key != head}
        return {**known, head: value}
    if isinstance(document, list):
        if head == "-" and not rest and op == "add":
            return [*document, value]
        if not head.isdecimal() or not head.isascii() or (head != "0" and head.startswith("0")):
            raise NoSuchPlaceError
        at = int(head)
        if at > len(document) or (at == len(document) and (rest or op != "add")):
            raise NoSuchPlaceError
        if rest:
            return [*document[:at], naive(document[at], op, rest, value), *document[at + 1 :]]
        middle = {"add": [value], "replace": [value], "remove": []}[op]
        return [*document[:at], *middle, *document[at if op == "add" else at + 1 :]]
    raise NoSuchPlaceError


@given(TREES, st.lists(OPERATIONS, max_size=6))
def test_patches_do_what_plain_json_patch_does(tree: dict[str, Any], operations: list[Any]) -> None:
    ours, theirs = copied(tree), copy.deepcopy(tree)
    for op, path, value in operations:
        given_value = None if op == "remove" else value
        step = read_step({"op": op, "path": write_pointer(path), "value": given_value}, OPS)
        if isinstance(step, str):
            assert op != "remove"
            assert value is None, step
            continue
        assert step.tokens == tuple(path)
        problem = take(step, ours)
        try:
            theirs = naive(theirs, op, path, copy.deepcopy(value))
        except NoSuchPlaceError:
            assert problem == step.not_found
        else:
            assert problem is None
        assert ours == theirs, "a step that fails changes nothing"


@given(st.lists(st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=5), min_size=1, max_size=5))
def test_a_pointer_reads_as_what_was_written(tokens: list[str]) -> None:
    assert read_pointer(write_pointer(tokens)) == tuple(tokens)


@pytest.mark.parametrize("path", ["", "a", "a/b", "/~", "/~2", "/a~/b", "/\x00", "/a\n", "/" + "a" * 2_048])
def test_what_is_no_pointer_reads_as_none(path: str) -> None:
    assert read_pointer(path) is None


@given(VALUES)
def test_what_a_step_adds_shares_nothing_with_the_command(value: Any) -> None:
    if value is None:
        return
    tree: dict[str, Any] = {}
    before = copy.deepcopy(value)
    step = read_step({"op": "add", "path": "/a", "value": value}, OPS)
    assert isinstance(step, Step)
    assert take(step, tree) is None
    if isinstance(tree["a"], list | dict):
        tree["a"].clear()
    assert value == before
