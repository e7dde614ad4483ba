"""Execute an inline hook by hand: send data of its type, see what the endpoint answered and what would follow."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
from starlette.responses import Response

from tenterhook.console.form import NO_ERRORS, FieldErrors
from tenterhook.console.inline_hooks import PATH
from tenterhook.console.inline_hooks.changes import Change, changes_between
from tenterhook.console.inline_hooks.rules import on_failure
from tenterhook.console.inline_hooks.standing import standing_of
from tenterhook.console.routes import action, page
from tenterhook.console.visit import Visit
from tenterhook.domain.inline.commands.telephony import TELEPHONY_ACTION
from tenterhook.domain.inline.hook import InlineHook
from tenterhook.domain.inline.kind import KINDS, InlineOutcome
from tenterhook.domain.inline.question import MAX_DATA_BYTES
from tenterhook.domain.inline.sample import sample_data
from tenterhook.domain.principal import Permission
from tenterhook.domain.strict_json import StrictJsonError, loads
from tenterhook.door.rate_limit import Bucket
from tenterhook.engine.inline.call import InlineResult
from tenterhook.engine.inline.preview import ENTITY, InlinePreview, preview_inline_call
from tenterhook.engine.inline.register import read_inline_hook
from tenterhook.errors import InvalidError

#: Percent-encoded, a character of the data may take three times as long.
MAX_BYTES = 4 * MAX_DATA_BYTES

_OUTCOMES: dict[InlineOutcome, tuple[str, str, str]] = {
    InlineOutcome.SUCCESS: ("good", "Success", "The process goes on with what the endpoint answered."),
    InlineOutcome.UNCHANGED: ("warn", "Unchanged", "The process goes on as if there were no hook."),
    InlineOutcome.DENIED: ("bad", "Denied", "The endpoint refused, and so does the process."),
    InlineOutcome.FAILED: ("bad", "Failed", "The process stops: without an answer it may not go on."),
    InlineOutcome.FALLBACK: ("warn", "Fallback", "The platform’s own provider sends the code."),
}

#: What a status of a telephony hook's answer means, whose command changes no data: what the endpoint did is done.
_SENDINGS = {
    "SUCCESSFUL": "The endpoint says that it has sent the code.",
    "PENDING": "The endpoint says that the code is on its way.",
    "FAILED": "The endpoint says that it could not send the code.",
}


class Typed(NamedTuple):
    """What the form holds."""

    request_type: str | None  #: of the types that have one
    data: str  #: JSON, or what shall be


class CommandShown(NamedTuple):
    """One command that was applied."""

    type: str
    value: str  #: JSON


class Decided(NamedTuple):
    """What a process would be told."""

    kind: str  #: of its badge
    word: str
    text: str
    reason: str | None
    commands: list[CommandShown]
    changes: list[Change]
    more: bool  #: whether there are more changes than are shown
    meaning: str  #: what commands mean that change no data; "": they are of those that do
    error: str | None  #: JSON
    data: str  #: JSON, after the commands
    duration_ms: float
    event_id: str | None


async def show_form(visit: Visit) -> Response:
    """Show the data that would be sent: a sample of the hook's type."""
    hook = await _find(visit)
    request_type = _request_type(hook, visit.query("request_type"))
    return _page(visit, hook, Typed(request_type, _pretty(sample_data(hook.type, request_type))))


async def execute(visit: Visit) -> Response:
    """Send the data, or only show the request that would carry it. Nothing of the hook changes by it."""
    hook = await _find(visit)
    typed = Typed(_request_type(hook, visit.form.text("request_type")), visit.form.text("data"))
    visit.count(Bucket.VERIFICATION)
    try:
        sends = visit.form.text("act") != "show"
        body = {"data": _data(typed.data), "requestType": typed.request_type, "deliver": sends}
        shown = await preview_inline_call(visit.pipeline, visit.principal, hook.id, body)
    except InvalidError as error:
        errors = FieldErrors(error, {"data": "data", "requestType": "request_type"})
        return _page(visit, hook, typed, errors=errors)
    return _page(visit, hook, typed, preview=shown)


async def _find(visit: Visit) -> InlineHook:
    return await read_inline_hook(visit.pipeline, visit.principal, visit.params["hook_id"])


def _request_type(hook: InlineHook, asked: str) -> str | None:
    known = KINDS[hook.type].request_types
    return asked if asked in known else known[0] if known else None


def _data(text: str) -> Any:
    try:
        return loads(text.encode())
    except StrictJsonError as error:
        raise InvalidError(ENTITY, [f"data: {error}"]) from error


def _decided(preview: InlinePreview, result: InlineResult) -> Decided:
    before = msgspec.json.decode(preview.request.body).get("data")
    changes, more = changes_between(before, result.data)
    kind, word, text = _OUTCOMES[result.outcome]
    return Decided(
        kind=kind,
        word=word,
        text=text,
        reason=result.reason,
        commands=[CommandShown(one.type, _pretty(one.value)) for one in result.commands],
        changes=changes,
        more=more,
        meaning=_meaning(result),
        error=None if result.error is None else _pretty(result.error),
        data=_pretty(result.data),
        duration_ms=result.duration_ms,
        event_id=result.event_id,
    )


def _meaning(result: InlineResult) -> str:
    sent = [one.value[0] for one in result.commands if one.type == TELEPHONY_ACTION]
    return _SENDINGS[sent[0]["status"]] if sent else ""


def _answer(preview: InlinePreview | None) -> str | None:
    """Return the text of the endpoint's answer, laid out if it is JSON; None: there is none to be shown."""
    response = None if preview is None or preview.delivered is None else preview.delivered.response
    if response is None or isinstance(response, msgspec.UnsetType) or not response.body:
        return None
    try:
        return msgspec.json.format(response.body, indent=2)
    except msgspec.DecodeError:
        return response.body


def _pretty(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def _page(
    visit: Visit,
    hook: InlineHook,
    typed: Typed,
    *,
    errors: FieldErrors = NO_ERRORS,
    preview: InlinePreview | None = None,
) -> Response:
    result = None if preview is None else preview.result
    return visit.render(
        "inline_hooks/execute.html",
        status=400 if errors else 200,
        hook=hook,
        kind=KINDS[hook.type],
        standing=standing_of(visit, hook),
        failing=on_failure(hook.type, visit.pipeline.switchboard.timeout_s),
        request_type=typed.request_type,
        data=typed.data,
        errors=errors,
        preview=preview,
        body=None if preview is None else _pretty(msgspec.json.decode(preview.request.body)),
        decided=None if preview is None or result is None else _decided(preview, result),
        answer=_answer(preview),
    )


routes = [
    page(f"{PATH}/{{hook_id}}/execute", show_form, Permission.MANAGE_INLINE_HOOKS),
    action(f"{PATH}/{{hook_id}}/execute", execute, Permission.MANAGE_INLINE_HOOKS, cap_bytes=MAX_BYTES),
]
