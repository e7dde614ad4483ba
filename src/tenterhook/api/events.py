"""POST /api/v1/events: publish. Below the framework, for every event passes through it (DESIGN §5)."""

from __future__ import annotations

import msgspec
from starlette.types import Receive, Scope, Send

from tenterhook.api.access import allow_scope, ask_again
from tenterhook.domain.principal import Permission, Principal
from tenterhook.door.body import media_type, receive_body
from tenterhook.door.exchange import exchange_of
from tenterhook.engine.found_org import KnownOrgs
from tenterhook.engine.publish import MAX_BODY_BYTES, Publishing
from tenterhook.errors import ForbiddenError, MediaTypeError

PATH = "/api/v1/events"
#: Names the org whose log is published into: for the operator's tokens only.
ORG_HEADER = "X-Tenterhook-Org"

#: Media type -> whether it is one event a line.
_TYPES = {"application/json": False, "application/x-ndjson": True, "application/ndjson": True}
_encode = msgspec.json.Encoder().encode


async def publish_events(scope: Scope, receive: Receive, send: Send) -> None:
    """Store the published events and answer after the commit: ``accepted``, ``duplicates``, ``events``."""
    principal = allow_scope(scope, Permission.PUBLISH)
    exchange = exchange_of(scope)
    if exchange.facts.org is not None:
        principal = await _in_org(scope, principal, exchange.facts.org.decode("latin-1"))
    ndjson = _TYPES.get(media_type(exchange.facts))
    if ndjson is None:
        raise MediaTypeError("Content-Type must be application/json or application/x-ndjson.")
    publishing: Publishing = scope["app"].state.publishing
    publishing.admit()
    body = await receive_body(scope, receive, MAX_BODY_BYTES)
    await ask_again(scope)
    await exchange.answer_json(_encode(await publishing.publish(principal, body, ndjson=ndjson)))


async def _in_org(scope: Scope, principal: Principal, org_id: str) -> Principal:
    """Return the caller as one who publishes into another org: still the same admin and token.

    Raises: ForbiddenError, if the caller is not the operator's; NotFoundError, if there is no such org.
    """
    if not principal.may(Permission.PUBLISH_ANYWHERE):
        raise ForbiddenError(f"{ORG_HEADER} asks for the scope {Permission.PUBLISH_ANYWHERE} of the operator's org.")
    known: KnownOrgs = scope["app"].state.known_orgs
    await known.check(scope["app"].state.pipeline, org_id)
    return msgspec.structs.replace(principal, org_id=org_id)
