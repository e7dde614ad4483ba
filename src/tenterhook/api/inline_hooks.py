"""/api/v1/inlineHooks: register endpoints that processes ask, change them, switch them on and off."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from starlette.responses import Response

from tenterhook.api.access import needs
from tenterhook.api.answers import add_hints, add_links, json_answer, no_content
from tenterhook.api.body import read_json
from tenterhook.api.paging import page_of
from tenterhook.domain.inline.channel import inline_hints
from tenterhook.domain.inline.draft import ENTITY
from tenterhook.domain.inline.hook import InlineHook, etag, wire
from tenterhook.domain.precondition import Precondition, read_if_match
from tenterhook.domain.principal import Permission, Principal
from tenterhook.engine.inline import register
from tenterhook.engine.pipeline import Pipeline

router = APIRouter(prefix="/api/v1/inlineHooks", tags=["Inline hooks"])

ReadsInlineHooks = Annotated[Principal, needs(Permission.READ_INLINE_HOOKS)]
ManagesInlineHooks = Annotated[Principal, needs(Permission.MANAGE_INLINE_HOOKS)]


@router.get("")
async def list_inline_hooks(request: Request, principal: ReadsInlineHooks) -> Response:
    """List the org's inline hooks, oldest first: all of them, unless `limit` asks for a page."""
    pipeline = _pipeline(request)
    page = page_of(request, ENTITY)
    limit = page.limit if "limit" in page.query else None
    found = await register.list_inline_hooks(
        pipeline,
        principal,
        type=page.query.get("type"),
        after=page.after,
        limit=None if limit is None else limit + 1,
    )
    shown = found[:limit]
    answer = json_answer([wire(hook, pipeline.public_url) for hook in shown])
    more = shown[-1].id if len(found) > len(shown) else None
    return add_links(answer, pipeline.public_url + router.prefix, page.query, more)


@router.post("")
async def create_inline_hook(request: Request, principal: ManagesInlineHooks) -> Response:
    """Register an endpoint that is asked during processes of one type. It is active at once."""
    hook = await register.create_inline_hook(_pipeline(request), principal, await read_json(request))
    return add_hints(_shown(request, hook), inline_hints(hook))


@router.get("/{inline_hook_id}")
async def read_inline_hook(request: Request, principal: ReadsInlineHooks, inline_hook_id: str) -> Response:
    """Read one inline hook; its secret is never shown."""
    return _shown(request, await register.read_inline_hook(_pipeline(request), principal, inline_hook_id))


@router.post("/{inline_hook_id}")
async def update_inline_hook(request: Request, principal: ManagesInlineHooks, inline_hook_id: str) -> Response:
    """Change some of an inline hook: what is left out stays as it is."""
    body = await read_json(request)
    seen = _seen(request)
    before, hook = await register.update_inline_hook(_pipeline(request), principal, inline_hook_id, body, expected=seen)
    return add_hints(_shown(request, hook), inline_hints(hook, before))


@router.put("/{inline_hook_id}")
async def replace_inline_hook(request: Request, principal: ManagesInlineHooks, inline_hook_id: str) -> Response:
    """Replace an inline hook; its type and its status stay."""
    body = await read_json(request)
    seen = _seen(request)
    before, hook = await register.replace_inline_hook(
        _pipeline(request), principal, inline_hook_id, body, expected=seen
    )
    return add_hints(_shown(request, hook), inline_hints(hook, before))


@router.delete("/{inline_hook_id}")
async def delete_inline_hook(request: Request, principal: ManagesInlineHooks, inline_hook_id: str) -> Response:
    """Delete an inactive inline hook."""
    await register.delete_inline_hook(_pipeline(request), principal, inline_hook_id, expected=_seen(request))
    return no_content()


@router.post("/{inline_hook_id}/lifecycle/activate")
async def activate_inline_hook(request: Request, principal: ManagesInlineHooks, inline_hook_id: str) -> Response:
    """Switch an inline hook on."""
    seen = _seen(request)
    hook = await register.switch_inline_hook(_pipeline(request), principal, inline_hook_id, "ACTIVE", expected=seen)
    return _shown(request, hook)


@router.post("/{inline_hook_id}/lifecycle/deactivate")
async def deactivate_inline_hook(request: Request, principal: ManagesInlineHooks, inline_hook_id: str) -> Response:
    """Switch an inline hook off: processes of its type go on without asking it."""
    seen = _seen(request)
    hook = await register.switch_inline_hook(_pipeline(request), principal, inline_hook_id, "INACTIVE", expected=seen)
    return _shown(request, hook)


def _pipeline(request: Request) -> Pipeline:
    pipeline: Pipeline = request.app.state.pipeline
    return pipeline


def _seen(request: Request) -> Precondition | None:
    return read_if_match(request.headers.getlist("if-match"))


def _shown(request: Request, hook: InlineHook) -> Response:
    answer = json_answer(wire(hook, _pipeline(request).public_url))
    answer.headers["etag"] = etag(hook)
    return answer
