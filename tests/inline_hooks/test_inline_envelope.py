from __future__ import annotations

import json

import pytest
from question_samples import VARIANTS, ask

from tenterhook.domain.inline.envelope import render_envelope
from tenterhook.domain.inline.kind import REGISTRATION

#: 2026-01-02T03:04:05.678Z
NOW_MS = 1_767_323_045_678
EVENT_ID = "c2FtcGxlLWV2ZW50LWlkcw"


@pytest.mark.parametrize(("kind_type", "request_type"), VARIANTS)
def test_the_body_has_the_contract_s_fields_in_the_order_of_the_wire(kind_type: str, request_type: str | None) -> None:
    question = ask(kind_type, request_type)
    sent = render_envelope(question, source="https://id.example.com/x", event_id=EVENT_ID, now_ms=NOW_MS)
    expected = {
        "eventId": EVENT_ID,
        "eventTime": "2026-01-02T03:04:05.678Z",
        "eventType": kind_type,
        "eventTypeVersion": "1.0",
        "contentType": "application/json",
        "cloudEventVersion": "0.1",
        "source": "https://id.example.com/x",
        **({} if request_type is None else {"requestType": request_type}),
        "data": question.data,
    }
    assert sent == json.dumps(expected, separators=(",", ":"), ensure_ascii=False).encode()


def test_contract_fields_that_are_null_are_left_out_and_free_form_ones_are_kept() -> None:
    question = ask(REGISTRATION.type, context={"request": {"id": None, "method": "POST"}}, userProfile={"middle": None})
    sent = json.loads(render_envelope(question, source="reg1", event_id=EVENT_ID, now_ms=0))
    assert sent["data"] == {
        "context": {"request": {"method": "POST"}},
        "userProfile": {"middle": None},
        "action": "ALLOW",
    }


def test_the_same_question_gives_the_same_bytes() -> None:
    question = ask(REGISTRATION.type)
    first, second = (render_envelope(question, source="s", event_id=EVENT_ID, now_ms=NOW_MS) for _ in range(2))
    assert first == second
