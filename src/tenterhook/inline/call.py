"""The call that an endpoint got."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from tenterhook.domain.document import Form, Problems, kind_of
from tenterhook.domain.inline.envelope import render_envelope
from tenterhook.domain.inline.kind import KINDS
from tenterhook.domain.inline.question import read_question
from tenterhook.domain.inline.sample import sample_data
from tenterhook.domain.strict_json import StrictJsonError, loads
from tenterhook.domain.timestamp import parse_timestamp
from tenterhook.errors import InvalidError, MalformedBodyError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class InlineCall(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked."""

    type: str  #: one of the six, such as `REGISTRATION`; a sender may know others
    request_type: str | None = None  #: for registration and telephony
    event_id: str | None = None  #: the same at a second attempt: whoever acts on a call remembers it
    event_time: datetime | None = None  #: aware, UTC
    source: str | None = None  #: where the process is: what it holds depends on the type
    data: dict[str, Any]  #: ``context``, and what commands may change

    @property
    def context(self) -> dict[str, Any]:
        """What the commands cannot change: who asks, for whom, from where."""
        context = self.data.get("context")
        return context if isinstance(context, dict) else {}

    def __repr__(self) -> str:
        """Name the call without its data, which may hold a password or a one-time code."""
        return f"InlineCall({self.type!r}, request_type={self.request_type!r}, event_id={self.event_id!r})"


def read_call(body: bytes | str) -> InlineCall:
    """Return the call that *body*, a request's whole body, is.

    Keys that are not known are let pass: a sender may be newer than this.
    Raises: MalformedBodyError if *body* is no strict JSON; InvalidError if it is no inline call.
    """
    try:
        value = loads(body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body)
    except StrictJsonError as fault:
        raise MalformedBodyError(str(fault)) from fault
    if not isinstance(value, dict):
        raise InvalidError("inlineCall", [f"body: must be a JSON object, not {kind_of(value)}"])
    problems = Problems()
    form = Form(value, "", problems)
    kind = form.text("eventType", required=True, longest=255)
    form.form("data", required=True)
    call = InlineCall(
        type=kind or "",
        request_type=form.text("requestType", longest=255),
        event_id=form.text("eventId", longest=255),
        event_time=_moment(form),
        source=form.text("source", longest=8_192),
        data=form.raw("data"),
    )
    if problems:
        raise InvalidError("inlineCall", problems.texts)
    return call


def sample_call(type: str, request_type: str | None = None) -> bytes:
    """Return the body of a believable call of *type*, to test an endpoint with; nobody in it exists.

    Raises: InvalidError, if there is no such type or request type.
    """
    known = KINDS.get(type)
    if request_type is None and known is not None and known.request_types:
        request_type = known.request_types[0]
    if known is None or request_type not in (known.request_types or (None,)):
        raise InvalidError("inlineCall", [f"type: no inline hook has {type!r} with requestType {request_type!r}"])
    asked = {"type": type, "data": sample_data(type, request_type)}
    question = read_question(asked if request_type is None else {**asked, "requestType": request_type})
    source = "https://id.example.com/api/v1/inlineHooks/cal1sample0inlinehok"
    return render_envelope(question, source=source, event_id="c2FtcGxlLWV2ZW50LWlkcw", now_ms=1_772_611_200_000)


def _moment(form: Form) -> datetime | None:
    given = form.text("eventTime", longest=64)
    ms = None if given is None else parse_timestamp(given)
    return None if ms is None else _EPOCH + timedelta(milliseconds=ms)
