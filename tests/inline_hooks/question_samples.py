"""Questions of every type, and what becomes of them with an answer, for the tests of inline hooks."""

from __future__ import annotations

import json
from typing import Any

from tenterhook.domain.inline.decide import decide
from tenterhook.domain.inline.decision import Decision, Question
from tenterhook.domain.inline.kind import KINDS
from tenterhook.domain.inline.question import read_question
from tenterhook.domain.inline.reply import read_reply
from tenterhook.domain.inline.sample import sample_data

#: Every (type, requestType) that there is.
VARIANTS = [(kind.type, request_type) for kind in KINDS.values() for request_type in kind.request_types or (None,)]


def body(kind_type: str, request_type: str | None = None, **changes: Any) -> dict[str, Any]:
    """Return the body of an inline call with the sample's data. changes: of `data`; ``...`` takes a key out."""
    data = {**sample_data(kind_type, request_type), **changes}
    made: dict[str, Any] = {
        "type": kind_type,
        "data": {key: value for key, value in data.items() if value is not ...},
    }
    if request_type is None and KINDS[kind_type].request_types:
        request_type = KINDS[kind_type].request_types[0]
    return made if request_type is None else {**made, "requestType": request_type}


def ask(kind_type: str, request_type: str | None = None, **changes: Any) -> Question:
    """Return the question that `body` asks."""
    return read_question(body(kind_type, request_type, **changes))


def answered(question: Question, reply: object, status: int = 200) -> Decision:
    """Return what becomes of *question* with *reply*: bytes as they are, anything else as JSON."""
    sent = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
    return decide(question, read_reply(question, status, sent, True))


def commanded(question: Question, *commands: tuple[str, Any]) -> Decision:
    """Return what becomes of *question* with *commands*, each a type and a value."""
    return answered(question, {"commands": [{"type": name, "value": value} for name, value in commands]})
