"""Preview a delivery: the very request that a hook would get for an event, and, if wanted, what it answers."""

from __future__ import annotations

import secrets
from typing import Any

import msgspec

from tenterhook.domain import log_event
from tenterhook.domain.act import Act, hook_target
from tenterhook.domain.attempt import Attempt, Outcome, without_secret
from tenterhook.domain.destination import DestinationError
from tenterhook.domain.document import Form, Problems, kind_of
from tenterhook.domain.envelope import render_body, render_element, source_of
from tenterhook.domain.event_hook import EventHook
from tenterhook.domain.event_hook_draft import unknown_type
from tenterhook.domain.log_event import Tree
from tenterhook.domain.principal import Permission, Principal
from tenterhook.domain.provenance import debug_data
from tenterhook.domain.secret import MASK, Secret
from tenterhook.domain.timestamp import parse_timestamp
from tenterhook.domain.verdict import HookFilter
from tenterhook.egress.client import Request
from tenterhook.egress.request import render
from tenterhook.engine.compose import delivery_head
from tenterhook.engine.explain import find_event
from tenterhook.engine.list_event_types import known_types, sample_of
from tenterhook.engine.pipeline import Pipeline
from tenterhook.engine.record import record_act
from tenterhook.engine.register import find
from tenterhook.engine.show_deliveries import AttemptView, shown_attempt
from tenterhook.errors import ForbiddenError, InvalidError
from tenterhook.ids import new_request_id, uuid7, uuid_text
from tenterhook.store.transaction import Tx

#: What answers call this thing.
ENTITY = "preview"
_SOURCES = ("eventType", "event", "uuid")
_ONE_SOURCE = (
    "give one source: eventType (a sample of it), event (a log event as an object), or uuid (an event of the log)"
)


class HeaderView(msgspec.Struct, frozen=True):
    """One header field, as it goes over the wire."""

    key: str
    value: str


class RequestPreview(msgspec.Struct, frozen=True):
    """The request, its secret masked."""

    method: str
    url: str
    headers: list[HeaderView]  #: in wire order
    body: str  #: the very text that is sent
    json: Any  #: the same, decoded


class Preview(msgspec.Struct, frozen=True):
    """What a hook would get, and what came of it if it was sent."""

    request: RequestPreview
    subscribed: bool  #: whether the hook asks for events of this type at all
    matches: bool | None  #: whether its filter would let the event through; None: it has none on this type
    reason: str | None  #: in words
    delivered: AttemptView | None  #: None: it was not sent


class _Asked(msgspec.Struct, frozen=True):
    """What the caller wants to see."""

    event_type: str | None
    event: Tree | None
    uuid: str | None
    deliver: bool


async def preview_delivery(pipeline: Pipeline, principal: Principal, hook_id: str, body: object) -> Preview:
    """Return the request that the hook would get for the event that *body* names; send it once with ``deliver``.

    body: ``event`` (a log event, possibly edited; ``eventType`` may name its type), or ``uuid`` (an event of the log),
    or ``eventType`` alone (a sample); ``deliver``: whether to send it. Works in every state of the hook and ignores
    its filter. Sending makes no delivery, spends no quota and is not repeated; it is logged as event_hook.previewed.
    Raises: NotFoundError; ForbiddenError, if the event is in a log that the caller may not read; InvalidError, also if
    today's rules refuse the hook's address.
    Source: okta/event-hooks.md §12; DESIGN §2.2; guide statements G23 and G24.
    """
    asked = _read(body)
    _check_reading(principal, asked)
    event_id, now_ms = uuid_text(uuid7()), pipeline.now_ms()

    def gather(tx: Tx) -> tuple[EventHook, Tree]:
        hook = find(pipeline, tx, principal, hook_id)
        return hook, _event(pipeline, tx, principal, asked)

    hook, event = await pipeline.database.read(gather)
    element = render_element(_named(event, hook.id))
    raw = render_body(source_of(hook.public_url, hook.id), event_id, [element], now_ms)
    request = _request(pipeline, hook, raw)
    shown = _shown(pipeline, hook, request)
    delivered = None
    if asked.deliver:
        attempt = await _send(pipeline, hook, request)
        delivered = shown_attempt(attempt, {field.key: field.value for field in shown.headers})
        act = _act(principal, hook, attempt, {"eventId": event_id, "eventType": event["eventType"]})
        await pipeline.database.write(lambda tx: record_act(pipeline, tx, act))
    return Preview(shown, hook.wants(event["eventType"]), *_judged(hook, event), delivered)


async def event_to_preview(
    pipeline: Pipeline, principal: Principal, *, event_type: str | None = None, uuid: str | None = None
) -> Tree:
    """Return the event that a preview would be of: one of the log, or a sample, as the log has it.

    Raises: as `preview_delivery`.
    """
    asked = _read({"eventType": event_type} if uuid is None else {"uuid": uuid})
    _check_reading(principal, asked)
    return await pipeline.database.read(lambda tx: _event(pipeline, tx, principal, asked))


def _check_reading(principal: Principal, asked: _Asked) -> None:
    if asked.uuid is not None and not principal.may(Permission.READ_LOG):
        needed = f"uuid shows an event of the log, which needs {Permission.READ_LOG}"
        raise ForbiddenError(f"{needed}; give event or eventType instead.")


def _judged(hook: EventHook, event: Tree) -> tuple[bool | None, str | None]:
    """Return whether the hook's filter would let the event through, and why or why not; None without a filter on it."""
    chosen = hook.events.filter
    expression = None if chosen is None else chosen.expression_for(event["eventType"])
    if expression is None:
        return None, None
    judge, seen = HookFilter(expression), log_event.without_targets(event)
    return judge.judge(seen).matched, judge.explain(seen)


# -- which event -------------------------------------------------------------------------------------------------------


def _read(body: object) -> _Asked:
    if not isinstance(body, dict):
        raise InvalidError(ENTITY, [f"body: must be a JSON object, not {kind_of(body)}"])
    problems = Problems()
    form = Form(body, "", problems)
    form.refuse_unknown((*_SOURCES, "deliver"))
    event_type = form.text("eventType", longest=255)
    uuid = form.text("uuid", longest=64)
    event = form.raw("event")
    if event is not None and not isinstance(event, dict):
        form.problem("event", f"must be an object, not {kind_of(event)}")
    given = [key for key in _SOURCES if form.raw(key) is not None]
    if given not in (["eventType"], ["event"], ["uuid"], ["eventType", "event"]):
        problems.add("body", _ONE_SOURCE)
    elif isinstance(event, dict) and event_type and event.get("eventType") not in (None, event_type):
        form.problem("eventType", "is not the event's own eventType; leave one of them out")
    deliver = form.flag("deliver")
    if problems:
        raise InvalidError(ENTITY, problems.texts)
    if event is not None and event_type:
        event = {"eventType": event_type, **{key: part for key, part in event.items() if key != "eventType"}}
    return _Asked(event_type, event, uuid, bool(deliver))


def _event(pipeline: Pipeline, tx: Tx, principal: Principal, asked: _Asked) -> Tree:
    if asked.event is not None:
        return _edited(asked.event, principal, pipeline.now_ms())
    if asked.uuid is not None:
        return find_event(pipeline, tx, principal.org_id, asked.uuid)[1]
    name = asked.event_type or ""
    sample = sample_of(pipeline, tx, principal.org_id, name)
    if sample is None:
        raise InvalidError(ENTITY, [f"eventType: {unknown_type(name, known_types(tx, principal.org_id))}"])
    return sample


def _edited(event: Tree, principal: Principal, now_ms: int) -> Tree:
    """Return the caller's event as the log would hold it; it is shown, so its age and its type are its own affair."""
    said = event.get("published")
    moment = parse_timestamp(said) if isinstance(said, str) else None
    # An event copied out of the log names hooks that it went to; here it goes to this one, and came from none.
    named = debug_data(event) is not None
    raw = msgspec.json.encode(log_event.without_targets(event) if named else event)
    read = log_event.read_event(raw, now_ms if moment is None else moment, uuid7(), principal.request_id, ours=True)
    if isinstance(read, list):
        raise InvalidError(ENTITY, [f"event{'' if text.startswith(':') else '.'}{text}" for text in read])
    return read.tree


def _named(event: Tree, hook_id: str) -> Tree:
    """Return *event* with this hook among those that it names as its targets, as a delivery to it has it."""
    ids = str((debug_data(event) or {}).get("targetEventHookIds") or "").split(",")
    if not isinstance(event.get("debugContext"), dict):
        event = {**event, "debugContext": {"debugData": {}}}
    return log_event.name_targets(event, {hook_id, *filter(None, ids)})


# -- the request -------------------------------------------------------------------------------------------------------


def _request(pipeline: Pipeline, hook: EventHook, body: bytes) -> Request:
    try:
        head = delivery_head(pipeline, hook)
    except DestinationError as error:
        raise InvalidError(ENTITY, [f"channel.config.uri: {error}"]) from error
    pool = ("preview", hook.id, secrets.token_hex(8))
    return Request(head=head, request_id=new_request_id(), body=body, pool=pool, number=1)


def _shown(pipeline: Pipeline, hook: EventHook, request: Request) -> RequestPreview:
    masked = hook.model_copy(update={"secret": Secret(MASK)})
    head = render(msgspec.structs.replace(request, head=delivery_head(pipeline, masked))).partition(b"\r\n\r\n")[0]
    lines = head.decode("ascii").split("\r\n")[1:]
    fields = [HeaderView(*line.split(": ", 1)) for line in lines]
    return RequestPreview(
        method=request.head.method,
        url=hook.channel.config.uri,
        headers=fields,
        body=request.body.decode(),
        json=msgspec.Raw(request.body),
    )


async def _send(pipeline: Pipeline, hook: EventHook, request: Request) -> Attempt:
    try:
        attempt = await pipeline.client.send(request, hook.delivery_policy.timeout_seconds)
        return without_secret(attempt, hook.secret)
    finally:
        pipeline.client.forget(request.pool)


def _act(principal: Principal, hook: EventHook, attempt: Attempt, debug: dict[str, str]) -> Act:
    failed = attempt.outcome is not Outcome.DELIVERED
    return Act(
        org_id=hook.org_id,
        event_type="event_hook.previewed",
        principal=principal,
        targets=[hook_target(hook.id, hook.name)],
        failure=attempt.message if failed else None,
        debug=debug | ({"errorMessage": attempt.message} if failed else {}),
    )
