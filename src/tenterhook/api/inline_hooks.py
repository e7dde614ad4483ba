"""/api/v1/inlineHooks: register endpoints that processes ask, change them, switch them on and off."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from starlette.responses import Response

from tenterhook.api.access import needs
from tenterhook.api.answers import add_hints, no_content
from tenterhook.api.body import read_json
from tenterhook.api.resource import if_match, list_answer, pipeline_of, tagged
from tenterhook.domain.inline.channel import inline_hints
from tenterhook.domain.inline.draft import ENTITY
from tenterhook.domain.inline.hook import InlineHook, etag, wire
from tenterhook.domain.principal import Permission, Principal
from tenterhook.engine.inline import register

router = APIRouter(prefix="/api/v1/inlineHooks", tags=["Inline hooks"])

ReadsInlineHooks = Annotated[Principal, needs(Permission.READ_INLINE_HOOKS)]
ManagesInlineHooks = Annotated[Principal, needs(Permission.MANAGE_INLINE_HOOKS)]


@router.get("")
async def list_inline_hooks(request: Request, principal: ReadsInlineHooks) -> Response:
    """List the org's inline hooks, oldest first: all of them, unless `limit` asks for a page."""
    pipeline, type = pipeline_of(request), request.query_params.get("type")
    return await list_answer(
        request,
        router.prefix,
        ENTITY,
        lambda after, limit: register.list_inline_hooks(pipeline, principal, type=type, after=after, limit=limit),
        lambda hook: wire(hook, pipeline.public_url),
        lambda hook: hook.id,
    )


@router.post("")
async def create_inline_hook(request: Request, principal: ManagesInlineHooks) -> Response:
    """Register an endpoint that is asked during processes of one type. It is active at once."""
    hook = await register.create_inline_hook(pipeline_of(request), principal, await read_json(request))
    return add_hints(_shown(request, hook), inline_hints(hook))


@router.get("/{inline_hook_id}")
async def read_inline_hook(request: Request, principal: ReadsInlineHooks, inline_hook_id: str) -> Response:
    """Read one inline hook; its secret is never shown."""
    return _shown(request, await register.read_inline_hook(pipeline_of(request), principal, inline_hook_id))


@router.post("/{inline_hook_id}")
async def update_inline_hook(request: Request, principal: ManagesInlineHooks, inline_hook_id: str) -> Response:
    """Change some of an inline hook: what is left out stays as it is."""
    body = await read_json(request)
    seen = if_match(request)
    before, hook = await register.update_inline_hook(
        pipeline_of(request), principal, inline_hook_id, body, expected=seen
    )
    return add_hints(_shown(request, hook), inline_hints(hook, before))


@router.put("/{inline_hook_id}")
async def replace_inline_hook(request: Request, principal: ManagesInlineHooks, inline_hook_id: str) -> Response:
    """Replace an inline hook; its type and its status stay."""
    body = await read_json(request)
    seen = if_match(request)
    before, hook = await register.replace_inline_hook(
        pipeline_of(request), principal, inline_hook_id, body, expected=seen
    )
    return add_hints(_shown(request, hook), inline_hints(hook, before))


@router.delete("/{inline_hook_id}")
async def delete_inline_hook(request: Request, principal: ManagesInlineHooks, inline_hook_id: str) -> Response:
    """Delete an inactive inline hook."""
    await register.delete_inline_hook(pipeline_of(request), principal, inline_hook_id, expected=if_match(request))
    return no_content()


@router.post("/{inline_hook_id}/lifecycle/activate")
async def activate_inline_hook(request: Request, principal: ManagesInlineHooks, inline_hook_id: str) -> Response:
    """Switch an inline hook on."""
    seen = if_match(request)
    hook = await register.switch_inline_hook(pipeline_of(request), principal, inline_hook_id, "ACTIVE", expected=seen)
    return _shown(request, hook)


@router.post("/{inline_hook_id}/lifecycle/deactivate")
async def deactivate_inline_hook(request: Request, principal: ManagesInlineHooks, inline_hook_id: str) -> Response:
    """Switch an inline hook off: processes of its type go on without asking it."""
    seen = if_match(request)
    hook = await register.switch_inline_hook(pipeline_of(request), principal, inline_hook_id, "INACTIVE", expected=seen)
    return _shown(request, hook)


def _shown(request: Request, hook: InlineHook) -> Response:
    return tagged(wire(hook, pipeline_of(request).public_url), etag(hook))
