"""Reading what a process asks: an inline call's question, with every problem of it at once."""

from __future__ import annotations

from difflib import get_close_matches

import msgspec

from tenterhook.domain.document import BLANK, Form, Problems, kind_of
from tenterhook.domain.inline.data import DATA
from tenterhook.domain.inline.decision import Question
from tenterhook.domain.inline.kind import KINDS, REGISTRATION, TOKEN, InlineKind
from tenterhook.errors import InvalidError

ENTITY = "inlineCall"
FIELDS = ("type", "data", "requestType", "hookId")
#: Bytes of ``data`` as JSON, before and after the commands.
MAX_DATA_BYTES = 64 * 1024
MAX_HOOK_ID = 64

_encode = msgspec.json.Encoder().encode


def read_question(body: object) -> Question:
    """Return the question that *body* (``{"type", "data", "requestType"?, "hookId"?}``) asks, complete.

    body: decoded JSON, as `strict_json.loads` gives it. What the contract has a default for is filled in, nulls of the
    contract's fields are left out, and the fields are put in the contract's order; free-form objects (claims,
    profiles) stay as they are. A registration is ``self.service.registration`` if *body* does not say.
    Raises: InvalidError with one cause per problem. No problem repeats a text of ``data`` but for wrong choices.
    Source: okta/inline-hooks.md §4; DESIGN §2.3.
    """
    problems = Problems()
    if not isinstance(body, dict):
        raise InvalidError(ENTITY, [f"body: must be a JSON object, not {kind_of(body)}"])
    form = Form(body, "", problems)
    form.refuse_unknown(FIELDS)
    hook_id = form.text("hookId", longest=MAX_HOOK_ID)
    kind = _read_kind(form)
    request_type = None if kind is None else _read_request_type(form, kind)
    given = form.form("data", required=True)
    reader = None if kind is None else DATA.get((kind.type, request_type))
    data = None
    if given is not None and kind is not None and reader is not None:
        data = reader(form.raw("data"), "data", problems)
        if kind is TOKEN and "identity" not in data and "access" not in data:
            form.problem("data", "must hold identity or access: the tokens that are about to be minted")
        if not problems and len(_encode(data)) > MAX_DATA_BYTES:
            form.problem("data", f"must be at most {MAX_DATA_BYTES:,} bytes as JSON, it has {len(_encode(data)):,}")
    if problems or kind is None or data is None:
        raise InvalidError(ENTITY, problems.texts)
    return Question(kind, data, request_type, hook_id)


def _read_kind(form: Form) -> InlineKind | None:
    name = form.text("type", required=True, longest=128)
    if name is None or name in KINDS:
        return KINDS.get(name or "")
    guess = get_close_matches(name.strip().lower(), list(KINDS), 1, 0.7)
    known = f"did you mean '{guess[0]}'?" if guess else f"it must be one of {', '.join(KINDS)}"
    form.problem("type", f"{name!r} is no type of inline hook; {known}")
    return None


def _read_request_type(form: Form, kind: InlineKind) -> str | None:
    if not kind.request_types:
        if form.raw("requestType") is not None:
            form.problem("requestType", f"must be left out: {kind.type} has none")
        return None
    if kind is REGISTRATION:
        # What Okta sent before there was a second one.
        return form.choice("requestType", kind.request_types) or kind.request_types[0]
    if form.raw("requestType") is None:
        form.problem("requestType", f"{BLANK}; it must be {' or '.join(kind.request_types)}")
        return None
    return form.choice("requestType", kind.request_types)
