"""POST /api/v1/events: publish. Below the framework, for every event passes through it (DESIGN §5)."""

from __future__ import annotations

import msgspec
from starlette.types import Receive, Scope, Send

from tenterhook.api.access import allow_scope
from tenterhook.api.body import media_type, receive_body
from tenterhook.api.exchange import exchange_of
from tenterhook.domain.principal import Permission
from tenterhook.engine.publish import MAX_BODY_BYTES, Publishing
from tenterhook.errors import MediaTypeError

PATH = "/api/v1/events"

#: Media type -> whether it is one event a line.
_TYPES = {"application/json": False, "application/x-ndjson": True, "application/ndjson": True}
_encode = msgspec.json.Encoder().encode


async def publish_events(scope: Scope, receive: Receive, send: Send) -> None:
    """Store the published events and answer after the commit: ``accepted``, ``duplicates``, ``events``."""
    principal = allow_scope(scope, Permission.PUBLISH)
    exchange = exchange_of(scope)
    ndjson = _TYPES.get(media_type(exchange.facts))
    if ndjson is None:
        raise MediaTypeError("Content-Type must be application/json or application/x-ndjson.")
    publishing: Publishing = scope["app"].state.publishing
    publishing.admit()
    body = await receive_body(scope, receive, MAX_BODY_BYTES)
    await exchange.answer_json(_encode(await publishing.publish(principal, body, ndjson=ndjson)))
