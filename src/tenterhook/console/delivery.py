"""One delivery: where it stands and why, its events, every attempt, the bytes both ways; and retry and cancel."""

from __future__ import annotations

import shlex
from functools import partial
from typing import Any, NamedTuple

import msgspec
from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.responses import Response

from tenterhook.console.charts import Part, phase_bar, phases_of
from tenterhook.console.deliveries import PATH
from tenterhook.console.delivery_words import policy_name, standing_of
from tenterhook.console.form import NO_ERRORS, FieldErrors
from tenterhook.console.log_row import row_of
from tenterhook.console.routes import Kind, action, page
from tenterhook.console.visit import Visit
from tenterhook.console.words import milliseconds, moment, visible
from tenterhook.domain.principal import Permission
from tenterhook.engine.inspect_delivery import (
    Inspection,
    SentRequest,
    inspect_delivery,
    read_request_body,
    read_response_body,
)
from tenterhook.engine.retry_delivery import cancel_delivery, retry_delivery
from tenterhook.engine.show_deliveries import MAX_BODY_BYTES, AttemptView
from tenterhook.errors import InvalidError

#: Attempts shown: the last ones.
MAX_ATTEMPTS = 20
#: Bytes of a request's body that are shown, and that a command line holds; more go into a file.
MAX_SHOWN, MAX_INLINE = 64 * 1024, 8 * 1024
#: Bytes of a body that is laid out: it takes a few milliseconds.
MAX_LAID_OUT = 1024 * 1024
#: How many of an eventId's characters name a file.
_NAME = 36

_ONE = PATH + "/{event_id}"


class AttemptPart(NamedTuple):
    """One attempt as the page shows it."""

    number: int
    kind: str  #: as of a badge
    title: Markup
    started: str
    bar: Markup
    parts: list[Part]
    answered: bool
    hidden: bool  #: whether there was an answer that may not be shown
    response_headers: list[tuple[str, str]]
    body: str | None  #: None: no text
    request_headers: list[tuple[str, str]]


async def show(visit: Visit) -> Response:
    """Show one delivery."""
    return await _shown(visit, NO_ERRORS, 200)


async def _shown(visit: Visit, errors: FieldErrors, status: int) -> Response:
    found = await inspect_delivery(visit.pipeline, visit.principal, visit.params["event_id"])
    view, reads_log = found.view, visit.may(Permission.READ_LOG)
    standing = standing_of(found, visit.pipeline.now_ms())
    attempts = [_attempt_part(one) for one in reversed(view.attempts[-MAX_ATTEMPTS:])]
    return visit.render(
        "deliveries/show.html",
        status=status,
        errors=errors,
        found=found,
        view=view,
        standing=standing,
        facts=_facts(visit, found),
        attempts=attempts,
        older_attempts=bool(attempts) and attempts[-1].number > 1,
        coming=_coming(found),
        live=found.ended is None,
        events=[row_of(msgspec.json.encode(one)) for one in found.events] if reads_log else None,
        most_body=MAX_BODY_BYTES,
        may_manage=visit.may(Permission.MANAGE_HOOKS),
        may_cancel=found.ended is None,
        **_body_parts(found if reads_log else msgspec.structs.replace(found, body=None)),
    )


def _facts(visit: Visit, found: Inspection) -> list[tuple[str, Any]]:
    view, name = found.view, found.hook_name or found.view.hook_id
    path = f"/console/event-hooks/{view.hook_id}"
    hook = visible(name)
    if found.hook_lives and visit.reaches(path):
        hook = Markup('<a href="{}">{}</a>').format(path, hook)
    elif not found.hook_lives:
        hook = Markup('{} <span class="muted">deleted</span>').format(hook)
    last = ("Ended", moment(found.ended)) if found.ended else ("Next attempt", moment(view.next_attempt, "–"))
    policy = "–" if found.policy is None else policy_name(found.policy).removeprefix("the ")
    return [
        ("Event hook", hook),
        ("Made", moment(view.created)),
        last,
        ("Retry policy", policy[:1].upper() + policy[1:]),
    ]


def _coming(found: Inspection) -> str:
    """Return the title of what is not there yet; "" if nothing comes by itself."""
    if found.ended is not None or found.view.hold_reason is not None:
        return ""
    number = found.view.attempts[-1].number + 1 if found.view.attempts else 1
    return f"Attempt {number} is {'under way' if found.under_way else 'to come'}"


def _attempt_part(attempt: AttemptView) -> AttemptPart:
    response = attempt.response if attempt.response is not msgspec.UNSET else None
    request = attempt.request if attempt.request is not msgspec.UNSET else None
    delivered = attempt.outcome == "DELIVERED"
    parts = phases_of(attempt.phases_ms, answered=attempt.status is not None)
    took = milliseconds(attempt.phases_ms.total)
    told = ", ".join(f"{part.name} {milliseconds(part.ms)}" for part in parts)
    return AttemptPart(
        number=attempt.number,
        kind="good" if delivered else "off" if attempt.reason == "INTERRUPTED" else "bad",
        title=Markup("Attempt {}: {} <span class='muted'>{}</span>").format(
            attempt.number, visible(attempt.message), took
        ),
        started=attempt.started,
        bar=phase_bar(parts, f"Attempt {attempt.number}: {told}"),
        parts=parts,
        answered=attempt.status is not None,
        hidden=attempt.status is not None and response is None,
        response_headers=[] if response is None else list(response.headers.items()),
        body=None if response is None else response.body,
        request_headers=[] if request is None else list(request.headers.items()),
    )


def _body_parts(found: Inspection) -> dict[str, Any]:
    raw, request = found.body, found.request
    if raw is None or request is None:
        return {"body": None}
    text = raw[:MAX_SHOWN].decode("utf-8", errors="ignore")
    in_file = len(raw) > MAX_INLINE or visible(text) != text
    return {
        "body": text,
        "laid_out": partial(_laid_out, raw),  # when the page is made: it may be long
        "max_shown": MAX_SHOWN,
        "body_size": len(raw),
        "body_cut": MAX_SHOWN if len(raw) > MAX_SHOWN else 0,
        "curl": _curl(request, f"@{_file_name(found.view.event_id)}" if in_file else text),
        "curl_file": in_file,
    }


def _laid_out(raw: bytes) -> str:
    """Return a body with a line for each value; "" if it is no JSON, or too much of it."""
    try:
        return msgspec.json.format(raw, indent=2).decode() if len(raw) <= MAX_LAID_OUT else ""
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""


def _curl(request: SentRequest, data: str) -> str:
    lines = [f"curl -X {request.method} {shlex.quote(request.url)}"]
    lines += [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in request.headers.items()]
    lines.append(f"--data-binary {shlex.quote(data)}")
    return " \\\n  ".join(lines)


def _file_name(event_id: str) -> str:
    return f"{event_id[:_NAME]}.json"


# -- what it does ------------------------------------------------------------------------------------------------------


async def retry(visit: Visit) -> Response:
    """Let the delivery go once more now."""
    event_id = visit.params["event_id"]
    try:
        view = await retry_delivery(visit.pipeline, visit.principal, event_id)
    except InvalidError as error:
        return await _shown(visit, FieldErrors(error), 409)
    said = "Another attempt was asked for, under the same eventId."
    if view.hold_reason is not None:
        said = "It was made due, and goes out as soon as the event hook lets it."
    return visit.redirect(f"{PATH}/{view.event_id}", said)


async def ask_cancel(visit: Visit) -> Response:
    """Tell what cancelling does."""
    found = await inspect_delivery(visit.pipeline, visit.principal, visit.params["event_id"])
    event_id = found.view.event_id
    if found.ended is not None:
        return visit.redirect(f"{PATH}/{event_id}", "This delivery has ended: there is nothing to cancel.")
    return visit.render(
        "deliveries/cancel.html",
        heading="Cancel this delivery?",
        act="Cancel delivery",
        path=f"{PATH}/{event_id}/cancel",
        back=(f"{PATH}/{event_id}", "Delivery"),
        count=found.event_count,
        name=found.hook_name or found.view.hook_id,
    )


async def cancel(visit: Visit) -> Response:
    """End the delivery."""
    event_id = visit.params["event_id"]
    try:
        await cancel_delivery(visit.pipeline, visit.principal, event_id)
    except InvalidError as error:
        return await _shown(visit, FieldErrors(error), 409)
    return visit.redirect(f"{PATH}/{event_id}", "The delivery is cancelled.")


# -- bytes -------------------------------------------------------------------------------------------------------------


async def download_request(visit: Visit) -> Response:
    """Send the body of the request, for keeping and not for looking at."""
    if not visit.may(Permission.READ_LOG):
        raise HTTPException(404)
    event_id = visit.params["event_id"]
    raw = await read_request_body(visit.pipeline, visit.principal, event_id)
    return _download(raw, _file_name(event_id))


async def download_response(visit: Visit) -> Response:
    """Send the body that an attempt was answered with."""
    event_id, number = visit.params["event_id"], visit.params["number"]
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        raise HTTPException(404)
    raw = await read_response_body(visit.pipeline, visit.principal, event_id, int(number))
    return _download(raw, f"{event_id[:_NAME]}-answer-{number}.bin")


def _download(raw: bytes, name: str) -> Response:
    """Return bytes from outside so that no browser shows them as anything."""
    headers = {
        "content-disposition": f'attachment; filename="{name}"',
        "content-security-policy": "default-src 'none'; sandbox",
    }
    return Response(raw, media_type="application/octet-stream", headers=headers)


routes = [
    page(_ONE, show, Permission.READ_HOOKS),
    action(_ONE + "/retry", retry, Permission.MANAGE_HOOKS),
    page(_ONE + "/cancel", ask_cancel, Permission.MANAGE_HOOKS),
    action(_ONE + "/cancel", cancel, Permission.MANAGE_HOOKS),
    page(_ONE + "/request-body", download_request, Permission.READ_HOOKS, Kind.PART),
    page(_ONE + "/attempts/{number}/response-body", download_response, Permission.READ_HOOKS, Kind.PART),
]
