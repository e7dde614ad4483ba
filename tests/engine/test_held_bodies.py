from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tenterhook.engine.bodies import _OVERHEAD, Bodies


def test_what_is_kept_is_given_once() -> None:
    bodies = Bodies()
    bodies.keep(1, (b"a", b"b"))
    assert 1 in bodies
    assert bodies.take(1) == (b"a", b"b")
    assert bodies.take(1) is None
    assert bodies.bytes == 0


def test_beyond_the_budget_the_oldest_is_let_go() -> None:
    bodies = Bodies(budget=3 * (_OVERHEAD + 10))
    for at in range(4):
        bodies.keep(at, (b"x" * 10,))
    assert [at in bodies for at in range(4)] == [False, True, True, True]


def test_what_is_larger_than_the_whole_budget_is_not_held() -> None:
    bodies = Bodies(budget=1000)
    bodies.keep(1, (b"x" * 2000,))
    assert bodies.take(1) is None
    assert bodies.bytes == 0


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 9), st.integers(0, 600)), max_size=60))
def test_the_budget_is_never_exceeded_and_the_account_is_right(steps: list[tuple[bool, int, int]]) -> None:
    bodies = Bodies(budget=2000)
    for keeps, identity, size in steps:
        if keeps:
            bodies.keep(identity, (b"x" * size,))
        else:
            bodies.take(identity)
        assert 0 <= bodies.bytes <= 2000
    held = [elements for at in range(10) if (elements := bodies.take(at)) is not None]
    assert bodies.bytes == 0
    assert len(held) <= 10
