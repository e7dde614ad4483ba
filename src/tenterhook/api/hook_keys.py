"""/api/v1/hook-keys: the keys that sign for inline hooks; their private halves are never shown."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from starlette.responses import Response

from tenterhook.api.access import needs
from tenterhook.api.answers import json_answer, no_content
from tenterhook.api.body import read_json
from tenterhook.api.resource import list_answer, pipeline_of
from tenterhook.domain.hook_key import ENTITY, public_jwk, wire
from tenterhook.domain.principal import Permission, Principal
from tenterhook.engine.inline import hook_keys
from tenterhook.errors import InvalidError

router = APIRouter(prefix="/api/v1/hook-keys", tags=["Hook keys"])

ReadsInlineHooks = Annotated[Principal, needs(Permission.READ_INLINE_HOOKS)]
ManagesInlineHooks = Annotated[Principal, needs(Permission.MANAGE_INLINE_HOOKS)]


@router.get("")
async def list_hook_keys(request: Request, principal: ReadsInlineHooks) -> Response:
    """List the org's hook keys, oldest first: all of them, unless `limit` asks for a page."""
    pipeline = pipeline_of(request)
    return await list_answer(
        request,
        router.prefix,
        ENTITY,
        lambda after, limit: hook_keys.list_hook_keys(pipeline, principal, after=after, limit=limit),
        lambda one: wire(one.key, used=one.used, embedded=False),
        lambda one: one.key.id,
    )


@router.post("")
async def create_hook_key(request: Request, principal: ManagesInlineHooks) -> Response:
    """Make a key pair. Its private half stays here, encrypted."""
    key = await hook_keys.create_hook_key(pipeline_of(request), principal, await read_json(request))
    return json_answer(wire(key, used=False, embedded=True))


@router.get("/{hook_key_id}")
async def read_hook_key(request: Request, principal: ReadsInlineHooks, hook_key_id: str) -> Response:
    """Read one hook key; `expand=publickey` adds its public half."""
    expand = request.query_params.get("expand")
    if expand not in (None, "", "publickey"):
        raise InvalidError(ENTITY, ["expand: must be publickey"])
    found = await hook_keys.read_hook_key(pipeline_of(request), principal, hook_key_id)
    return json_answer(wire(found.key, used=found.used, embedded=expand == "publickey"))


@router.put("/{hook_key_id}")
async def replace_hook_key(request: Request, principal: ManagesInlineHooks, hook_key_id: str) -> Response:
    """Rename a hook key; nothing else of it ever changes."""
    body = await read_json(request)
    found = await hook_keys.rename_hook_key(pipeline_of(request), principal, hook_key_id, body)
    return json_answer(wire(found.key, used=found.used, embedded=True))


@router.delete("/{hook_key_id}")
async def delete_hook_key(request: Request, principal: ManagesInlineHooks, hook_key_id: str) -> Response:
    """Delete a hook key that no inline hook uses."""
    await hook_keys.delete_hook_key(pipeline_of(request), principal, hook_key_id)
    return no_content()


@router.get("/public/{key_id}")
async def read_public_key(request: Request, principal: ReadsInlineHooks, key_id: str) -> Response:
    """Read the public half of a key as a JWK, by its `keyId`."""
    return json_answer(public_jwk(await hook_keys.read_public_key(pipeline_of(request), principal, key_id)))
