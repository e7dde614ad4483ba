"""Preview: the very request that a hook would get for an event, edited at will, and what its endpoint answers to it."""

from __future__ import annotations

import shlex
from typing import Any, NamedTuple

import msgspec
from starlette.responses import Response

from tenterhook.console.event_hooks import PATH
from tenterhook.console.event_hooks.standing import standing_of
from tenterhook.console.form import FieldErrors
from tenterhook.console.plain import in_words
from tenterhook.console.routes import action, page
from tenterhook.console.visit import Visit
from tenterhook.console.words import visible
from tenterhook.domain.attempt import Phases
from tenterhook.domain.event_hook import EventHook
from tenterhook.domain.principal import Permission
from tenterhook.domain.strict_json import StrictJsonError, loads
from tenterhook.door.rate_limit import Bucket
from tenterhook.engine.preview import Preview, RequestPreview, event_to_preview, preview_delivery
from tenterhook.engine.register import read_event_hook
from tenterhook.engine.try_filter import FilterTest, Trial, try_filter
from tenterhook.errors import InvalidError, NotFoundError

#: An event of 256 KiB, as forms write it.
MAX_BYTES = 1024 * 1024
#: Newest events that are offered, and how long (seconds) they are looked for.
RECENT, BUDGET_S = 10, 2.0
#: What curl sends by itself.
_BY_ITSELF = ("host", "content-length", "connection")
_PHASES = (("dns", "DNS"), ("connect", "Connect"), ("tls", "TLS"), ("first_byte", "First byte"), ("total", "In all"))


class Source(NamedTuple):
    """What the page begins with."""

    text: str  #: the event, as it is shown and may be edited
    event_type: str = ""  #: of the sample; "" if it is none
    uuid: str = ""  #: of the log's event; "" if it is none
    errors: FieldErrors | None = None


async def show(visit: Visit) -> Response:
    """Show the request for a sample, or for an event of the log; nothing is sent."""
    hook = await _hook(visit)
    uuid, event_type = visit.query("uuid").strip(), visit.query("type") or hook.events.items[0]
    try:
        event = await event_to_preview(visit.pipeline, visit.principal, event_type=event_type, uuid=uuid or None)
    except (InvalidError, NotFoundError) as error:
        errors = FieldErrors()
        field = "uuid" if uuid else "type"
        told = "The log holds no event of this uuid." if uuid else error.problems[0].partition(": ")[2]  # type: ignore[union-attr]
        errors.add(field, told)
        return await _show(visit, hook, Source("", event_type, uuid, errors), None)
    text = _pretty(msgspec.json.encode(event))
    shown = await _preview(visit, hook, event, deliver=False)
    return await _show(visit, hook, Source(text, "" if uuid else event_type, uuid), shown)


async def act(visit: Visit) -> Response:
    """Show the request for the event as it was edited, or send it."""
    visit.count(Bucket.VERIFICATION)
    hook, text = await _hook(visit), visit.form.text("event")
    errors = FieldErrors()
    try:
        event = loads(text.encode("utf-8", "replace"))
        shown = await _preview(visit, hook, event, visit.form.text("act") == "deliver")
    except StrictJsonError as error:
        errors.add("event", str(error))
    except InvalidError as error:
        errors = FieldErrors(in_words(error), {"event": "event", "body": "event"})
    if errors:
        return await _show(visit, hook, Source(text, errors=errors), None)
    return await _show(visit, hook, Source(text, str(event.get("eventType"))), shown)


async def _hook(visit: Visit) -> EventHook:
    return await read_event_hook(visit.pipeline, visit.principal, visit.params["hook_id"])


async def _preview(visit: Visit, hook: EventHook, event: Any, deliver: bool) -> Preview:
    return await preview_delivery(visit.pipeline, visit.principal, hook.id, {"event": event, "deliver": deliver})


async def _show(visit: Visit, hook: EventHook, source: Source, shown: Preview | None) -> Response:
    wrong = source.errors is not None
    return visit.render(
        "event_hooks/preview.html",
        status=400 if wrong else 200,
        hook=hook,
        standing=standing_of(hook),
        source=source,
        errors=source.errors or FieldErrors(),
        reads_log=visit.may(Permission.READ_LOG),
        recent=await _recent(visit, hook),
        shown=shown,
        request=None if shown is None else RequestText(shown.request),
        phases=[] if shown is None or shown.delivered is None else phases_of(shown.delivered.phases_ms),
    )


async def _recent(visit: Visit, hook: EventHook) -> FilterTest | None:
    """Return the newest events of the hook's types, if they are asked for: rare ones take a while to find."""
    if not visit.query("recent") or not visit.may(Permission.READ_LOG):
        return None
    return await try_filter(visit.pipeline, visit.principal, hook.id, Trial(None, RECENT), budget_s=BUDGET_S)


class RequestText:
    """A request as texts, made when the page is: the body may be long."""

    def __init__(self, request: RequestPreview) -> None:
        self._request = request

    @property
    def head(self) -> str:
        """The address and the header fields."""
        return visible(as_head(self._request))

    @property
    def body(self) -> str:
        """The body, indented."""
        return visible(_pretty(self._request.body.encode()))

    @property
    def curl(self) -> str:
        """A command that sends the same."""
        return visible(as_curl(self._request))


def _pretty(raw: bytes) -> str:
    return msgspec.json.format(raw, indent=2).decode()


def phases_of(phases: Phases) -> list[tuple[str, str]]:
    """Return the phases that took place, each with its time in words."""
    took = [(label, getattr(phases, name)) for name, label in _PHASES]
    return [(label, f"{ms:,.1f} ms") for label, ms in took if ms is not None]


def as_head(request: RequestPreview) -> str:
    """Return the address and the header fields, a line each."""
    return "\n".join([f"{request.method} {request.url}", *(f"{field.key}: {field.value}" for field in request.headers)])


def as_curl(request: RequestPreview) -> str:
    """Return a command that sends the same request; its secret is masked, as everywhere."""
    fields = [field for field in request.headers if field.key.lower() not in _BY_ITSELF]
    parts = [f"curl -i -X {request.method} {shlex.quote(request.url)}"]
    parts += [f"-H {shlex.quote(f'{field.key}: {field.value}')}" for field in fields]
    parts.append(f"--data-raw {shlex.quote(request.body)}")
    return " \\\n  ".join(parts)


_ONE = f"{PATH}/{{hook_id}}/preview"
routes = [page(_ONE, show, Permission.MANAGE_HOOKS), action(_ONE, act, Permission.MANAGE_HOOKS, cap_bytes=MAX_BYTES)]
