"""That the parts of a call which are ours stay small: judged by calls of functions, not by clocks."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

from question_samples import ask, body

from tenterhook.domain.inline.decide import decide
from tenterhook.domain.inline.kind import TOKEN
from tenterhook.domain.inline.question import read_question
from tenterhook.domain.inline.reply import read_reply


def calls_of(work: Callable[[], object]) -> int:
    """Return how many calls of Python functions *work* makes."""
    calls = 0

    def count(frame: Any, event: str, argument: Any) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return calls


def test_a_question_is_read_in_time_with_its_size() -> None:
    def read(count: int) -> int:
        asked = body(TOKEN.type, access={"scopes": {f"s{n}": {"id": "x"} for n in range(count)}})
        return calls_of(lambda: read_question(asked))

    assert read(1_000) <= 10 * read(100)


def test_a_reply_with_ten_thousand_wrong_parts_is_read_in_time_with_its_size() -> None:
    def read(count: int) -> int:
        question, sent = ask(TOKEN.type), json.dumps({"commands": [{"type": "com.okta.axess.patch"}] * count}).encode()
        return calls_of(lambda: read_reply(question, 200, sent, True))

    one = read(1)
    assert read(2_000) <= one + 2_000 * 20, "only the first is worth a look for what was meant"


def test_the_context_is_not_copied_for_the_commands() -> None:
    lean, rich = ask(TOKEN.type, context={}), ask(TOKEN.type)
    sent = b'{"commands":[{"type":"com.okta.access.patch","value":[{"op":"add","path":"/claims/a","value":1}]}]}'
    answer = read_reply(lean, 200, sent, True)
    assert calls_of(lambda: decide(lean, answer)) == calls_of(lambda: decide(rich, answer))
    assert decide(rich, answer).data["context"] == rich.data["context"]
