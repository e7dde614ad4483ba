"""Show deliveries as people see them: where each stands, what it carries, and every attempt."""

from __future__ import annotations

import codecs
from collections.abc import Sequence

import msgspec

from tenterhook.domain.attempt import Attempt, Phases, Reason
from tenterhook.domain.envelope import fixed_headers
from tenterhook.domain.event_hook import EventHook
from tenterhook.domain.principal import Principal
from tenterhook.domain.secret import MASK, Secret
from tenterhook.domain.timestamp import format_ms
from tenterhook.engine.pipeline import Pipeline
from tenterhook.errors import InvalidError, NotFoundError
from tenterhook.ids import parse_uuid, uuid_text
from tenterhook.store import delivery_views, event_hooks
from tenterhook.store.delivery_views import Asked, Row
from tenterhook.store.quotas import HOLD
from tenterhook.store.schema import State
from tenterhook.store.transaction import Tx

#: What answers call these things.
ENTITY, KIND = "delivery", "Delivery"
#: Okta's internal name of an event hook, as its 404 shows it.
HOOK_KIND = "Webhook"

STATUSES = ("PENDING", "RETRYING", "HELD", "DELIVERED", "FAILED", "SPLIT")
MAX_BODY_BYTES = 4096

_PENDING = (State.READY, State.CLAIMED)


class RequestView(msgspec.Struct, frozen=True):
    """What was sent, its secret masked."""

    headers: dict[str, str]


class ResponseView(msgspec.Struct, frozen=True):
    """What came back."""

    headers: dict[str, str]
    body: str | None  #: at most `MAX_BODY_BYTES` of text; None if it is no text, or not to be shown


class AttemptView(msgspec.Struct, frozen=True, rename="camel"):
    """One attempt (DESIGN §2.4). In lists without what was sent and what came back."""

    number: int
    started: str
    outcome: str
    reason: str | None
    status: int | None
    message: str
    phases_ms: Phases
    request: RequestView | msgspec.UnsetType = msgspec.UNSET
    response: ResponseView | msgspec.UnsetType | None = msgspec.UNSET


class DeliveryView(msgspec.Struct, frozen=True, rename="camel"):
    """One delivery (DESIGN §2.4)."""

    id: str
    event_id: str
    hook_id: str
    origin: str
    parent_id: str | None
    status: str
    end_reason: str | None
    hold_reason: str | None
    events: list[str]
    created: str
    next_attempt: str | None
    attempts: list[AttemptView]


async def list_deliveries(
    pipeline: Pipeline, principal: Principal, hook_id: str, *, status: str | None, after: str | None, limit: int
) -> list[DeliveryView]:
    """Return deliveries of a hook, youngest first, with a summary of their attempts.

    status: one of `STATUSES`, None for all. after: the id of the delivery before the first.
    Raises: NotFoundError, if the hook never was; InvalidError, if *after* is no delivery of it.
    """

    def read(tx: Tx) -> list[DeliveryView]:
        hook = event_hooks.get(tx, pipeline.vault, principal.org_id, hook_id)
        if hook is None and not event_hooks.ever_lived(tx, principal.org_id, hook_id):
            raise NotFoundError(hook_id, HOOK_KIND)
        asked = asked_for(status, hook, pipeline.now_ms())
        if asked is None:
            return []
        before = None if after is None else _row_id(tx, principal.org_id, hook_id, after)
        asked = msgspec.structs.replace(asked, before=before, limit=limit)
        rows = delivery_views.list_of(tx, principal.org_id, hook_id, asked)
        return views_of(pipeline, tx, {hook_id: hook}, rows)

    return await pipeline.database.read(read)


async def show_delivery(pipeline: Pipeline, principal: Principal, event_id: str) -> DeliveryView:
    """Return one delivery with every attempt, what was sent and what came back.

    Raises: NotFoundError.
    """

    def read(tx: Tx) -> DeliveryView:
        row = find_delivery(tx, principal.org_id, event_id)
        return whole_view(pipeline, tx, row)

    return await pipeline.database.read(read)


def find_delivery(tx: Tx, org_id: str, event_id: str) -> Row:
    """Return the org's delivery whose eventId this text is.

    Raises: NotFoundError.
    """
    raw = parse_uuid(event_id)
    row = None if raw is None else delivery_views.get(tx, org_id, raw)
    if row is None:
        raise NotFoundError(event_id, KIND)
    return row


def whole_view(pipeline: Pipeline, tx: Tx, row: Row) -> DeliveryView:
    """Return a delivery with the whole of its attempts."""
    hook = event_hooks.get(tx, pipeline.vault, row.org_id, row.hook_id)
    attempts = delivery_views.attempts_of(tx, row.org_id, [row.id], pipeline.oldest_attempt())[row.id]
    uuids = delivery_views.uuids_of(tx, [row.id], pipeline.oldest_event())[row.id]
    shown = [_whole_attempt(pipeline, tx, row, attempt) for attempt in attempts]
    return _view(row, hold_reason(row, hook, pipeline.now_ms()), uuids, shown)


def views_of(pipeline: Pipeline, tx: Tx, hooks: dict[str, EventHook | None], rows: Sequence[Row]) -> list[DeliveryView]:
    """Return deliveries with a summary of their attempts. hooks: those of the rows, by id; None for deleted ones."""
    ids = [row.id for row in rows]
    uuids = delivery_views.uuids_of(tx, ids, pipeline.oldest_event())
    attempts = delivery_views.attempts_of(tx, rows[0].org_id, ids, pipeline.oldest_attempt()) if rows else {}
    held = {row.id: hold_reason(row, hooks.get(row.hook_id), pipeline.now_ms()) for row in rows}
    return [_view(row, held[row.id], uuids[row.id], [attempt_view(one) for one in attempts[row.id]]) for row in rows]


def hold_reason(row: Row, hook: EventHook | None, now_ms: int) -> str | None:
    """Return why a delivery that has not ended may not go out now; None if it may (or if there is no hook any more)."""
    if hook is None or row.state not in _PENDING:
        return None
    return _hook_holds(hook) or (HOLD if row.awaits_window(now_ms) else None)


def _hook_holds(hook: EventHook) -> str | None:
    if hook.runnable:
        return None
    if hook.status == "INACTIVE":
        return "INACTIVE"
    return "UNVERIFIED" if hook.verification_status == "UNVERIFIED" else "PAUSED"


def asked_for(status: str | None, hook: EventHook | None, now_ms: int) -> Asked | None:
    """Return which rows have *status* while *hook* is as it is; None if none can have it."""
    if status is None:
        return Asked()
    if status in ("DELIVERED", "FAILED"):
        return Asked(states=(State[status],))
    if status == "SPLIT":
        return None
    if hook is None:
        return None if status == "HELD" else Asked(states=_PENDING, tried=status == "RETRYING")
    if _hook_holds(hook) is not None:
        return Asked(states=_PENDING) if status == "HELD" else None
    tried = None if status == "HELD" else status == "RETRYING"
    return Asked(states=_PENDING, tried=tried, held=status == "HELD", now_ms=now_ms)


def _row_id(tx: Tx, org_id: str, hook_id: str, event_id: str) -> int:
    raw = parse_uuid(event_id)
    row = None if raw is None else delivery_views.get(tx, org_id, raw)
    if row is None or row.hook_id != hook_id:
        raise InvalidError(ENTITY, ["after: must be taken from the Link header of the page before"])
    return row.id


def status_of(row: Row, held: str | None) -> str:
    """Return a delivery's status; HELD comes from what holds it, RETRYING from its attempts."""
    if row.state not in _PENDING:
        return row.state.name
    if held is not None:
        return "HELD"
    return "RETRYING" if row.attempt_no else "PENDING"


def next_attempt(row: Row, held: str | None) -> str | None:
    """Return when a delivery is tried next; None if it has ended, or nobody knows."""
    return format_ms(row.due_at) if row.state in _PENDING and held in (None, HOLD) else None


def _view(row: Row, held: str | None, uuids: list[bytes], attempts: list[AttemptView]) -> DeliveryView:
    identity = uuid_text(row.event_id)
    return DeliveryView(
        id=identity,
        event_id=identity,
        hook_id=row.hook_id,
        origin=row.origin,
        parent_id=None,
        status=status_of(row, held),
        end_reason=row.end_reason,
        hold_reason=held,
        events=[uuid_text(uuid) for uuid in uuids],
        created=format_ms(row.created),
        next_attempt=next_attempt(row, held),
        attempts=attempts,
    )


def attempt_view(attempt: Attempt) -> AttemptView:
    """Return an attempt as lists show it."""
    return AttemptView(
        number=attempt.number,
        started=format_ms(_ms(attempt)),
        outcome=attempt.outcome,
        reason=attempt.reason,
        status=attempt.status,
        message=attempt.message,
        phases_ms=_rounded(attempt.phases),
    )


def _rounded(phases: Phases) -> Phases:
    """Return *phases* in whole microseconds: what is beyond them is noise."""
    whole = {name: took and round(took, 3) for name, took in msgspec.structs.asdict(phases).items()}
    return msgspec.structs.replace(phases, **whole)


def _whole_attempt(pipeline: Pipeline, tx: Tx, row: Row, attempt: Attempt) -> AttemptView:
    hook = hook_at(tx, row, _ms(attempt))
    return shown_attempt(attempt, {} if hook is None else sent_headers(pipeline, hook, attempt))


def shown_attempt(attempt: Attempt, headers: dict[str, str]) -> AttemptView:
    """Return an attempt as it is shown. headers: what was sent, its secret masked."""
    return msgspec.structs.replace(attempt_view(attempt), request=RequestView(headers), response=_response(attempt))


def _ms(attempt: Attempt) -> int:
    return int(attempt.started.timestamp() * 1000)


def hook_at(tx: Tx, row: Row, time_ms: int) -> EventHook | None:
    """Return the hook as it was at a time: an attempt is sent by the hook of that moment."""
    then = event_hooks.version_at(tx, row.org_id, row.hook_id, time_ms)
    return then or event_hooks.get_version(tx, row.org_id, row.hook_id, row.hook_version)


def sent_headers(pipeline: Pipeline, hook: EventHook, attempt: Attempt | None = None) -> dict[str, str]:
    """Return the headers that an attempt carried, from the hook as it was; the secret itself is kept nowhere here.

    attempt: None: those that any attempt would carry.
    """
    masked = hook.model_copy(update={"secret": Secret(MASK)})
    headers = dict(masked.request_headers(fixed_headers(pipeline.user_agent)))
    if attempt is not None and attempt.request_id:
        headers["X-Okta-Request-Id"] = attempt.request_id
    return headers


def _response(attempt: Attempt) -> ResponseView | None:
    """Return what came back, if it may be shown."""
    if not answer_is_shown(attempt):
        return None
    headers: dict[str, str] = {}
    for name, value in attempt.response_headers:
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return ResponseView(headers, _text(attempt.response_body[:MAX_BODY_BYTES]))


def answer_is_shown(attempt: Attempt) -> bool:
    """Return whether an answer came, and showing it lets no tenant read what is inside the operator's networks."""
    return attempt.status is not None and not attempt.private and attempt.reason is not Reason.BLOCKED


def _text(raw: bytes) -> str | None:
    try:
        # Not final: the cut may have gone through a character.
        return codecs.getincrementaldecoder("utf-8")().decode(raw)
    except UnicodeDecodeError:
        return None
