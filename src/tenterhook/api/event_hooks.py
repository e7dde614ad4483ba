"""/api/v1/eventHooks: register endpoints, verify them, switch them on and off."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from starlette.responses import Response

from tenterhook.api.access import needs
from tenterhook.api.answers import add_hints, no_content
from tenterhook.api.body import read_json
from tenterhook.api.resource import if_match, list_answer, pipeline_of, tagged
from tenterhook.domain.channel import hints
from tenterhook.domain.event_hook import EventHook, etag, wire
from tenterhook.domain.principal import Permission, Principal
from tenterhook.door.rate_limit import Bucket
from tenterhook.engine import register
from tenterhook.engine.verify import verify_event_hook

router = APIRouter(prefix="/api/v1/eventHooks", tags=["Event hooks"])

ReadsHooks = Annotated[Principal, needs(Permission.READ_HOOKS)]
ManagesHooks = Annotated[Principal, needs(Permission.MANAGE_HOOKS)]
Verifies = Annotated[Principal, needs(Permission.MANAGE_HOOKS, Bucket.VERIFICATION)]


@router.get("")
async def list_event_hooks(request: Request, principal: ReadsHooks) -> Response:
    """List the org's event hooks, oldest first: all of them, unless `limit` asks for a page."""
    pipeline = pipeline_of(request)
    return await list_answer(
        request,
        router.prefix,
        "eventHook",
        lambda after, limit: register.list_event_hooks(pipeline, principal, after=after, limit=limit),
        lambda hook: wire(hook, pipeline.public_url),
        lambda hook: hook.id,
    )


@router.post("")
async def create_event_hook(request: Request, principal: ManagesHooks) -> Response:
    """Register an endpoint for events of some types. It gets none until it was verified."""
    hook = await register.create_event_hook(pipeline_of(request), principal, await read_json(request))
    return _hinted(request, hook)


@router.get("/{hook_id}")
async def read_event_hook(request: Request, principal: ReadsHooks, hook_id: str) -> Response:
    """Read one event hook; the value of its authScheme is never shown."""
    return _shown(request, await register.read_event_hook(pipeline_of(request), principal, hook_id))


@router.put("/{hook_id}")
async def replace_event_hook(request: Request, principal: ManagesHooks, hook_id: str) -> Response:
    """Replace an event hook. Another uri, header or authScheme has to be verified anew."""
    body = await read_json(request)
    seen = if_match(request)
    before, hook = await register.replace_event_hook(pipeline_of(request), principal, hook_id, body, expected=seen)
    return _hinted(request, hook, before)


@router.delete("/{hook_id}")
async def delete_event_hook(request: Request, principal: ManagesHooks, hook_id: str) -> Response:
    """Delete an inactive event hook; what waits for it is not delivered any more."""
    await register.delete_event_hook(pipeline_of(request), principal, hook_id, expected=if_match(request))
    return no_content()


@router.post("/{hook_id}/lifecycle/activate")
async def activate_event_hook(request: Request, principal: ManagesHooks, hook_id: str) -> Response:
    """Switch an event hook on."""
    seen = if_match(request)
    hook = await register.switch_event_hook(pipeline_of(request), principal, hook_id, "ACTIVE", expected=seen)
    return _shown(request, hook)


@router.post("/{hook_id}/lifecycle/deactivate")
async def deactivate_event_hook(request: Request, principal: ManagesHooks, hook_id: str) -> Response:
    """Switch an event hook off: events that occur meanwhile are not delivered to it."""
    seen = if_match(request)
    hook = await register.switch_event_hook(pipeline_of(request), principal, hook_id, "INACTIVE", expected=seen)
    return _shown(request, hook)


@router.post("/{hook_id}/lifecycle/verify")
async def verify(request: Request, principal: Verifies, hook_id: str) -> Response:
    """Send the endpoint its one-time challenge and wait for the echo."""
    hook = await verify_event_hook(pipeline_of(request), principal, hook_id, expected=if_match(request))
    return _shown(request, hook)


def _shown(request: Request, hook: EventHook) -> Response:
    return tagged(wire(hook, pipeline_of(request).public_url), etag(hook))


def _hinted(request: Request, hook: EventHook, before: EventHook | None = None) -> Response:
    former = None if before is None else (before.channel, before.secret)
    return add_hints(_shown(request, hook), hints(hook.channel, hook.secret, former))
