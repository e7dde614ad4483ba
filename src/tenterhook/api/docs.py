"""/openapi.json and /docs: the API described, for programs and for people. No token is asked for."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tenterhook.api.openapi.document import document
from tenterhook.api.openapi.page import CONTENT_SECURITY_POLICY, render_page


class _Kept(msgspec.Struct):
    """Both forms, made once: routes do not change while a process runs."""

    json: bytes
    page: bytes


async def read_openapi(request: Request) -> Response:
    """Read this document: OpenAPI 3.1."""
    return Response(_kept(request).json, media_type="application/json")


async def read_reference(request: Request) -> Response:
    """Read this document as a page, which needs neither scripts nor anything from elsewhere."""
    headers = {"content-security-policy": CONTENT_SECURITY_POLICY, "referrer-policy": "no-referrer"}
    return Response(_kept(request).page, headers=headers, media_type="text/html")


def _kept(request: Request) -> _Kept:
    state = request.app.state
    kept: _Kept | None = getattr(state, "reference", None)
    if kept is None:
        said = document(state.resource_routes, state.pipeline.public_url)
        kept = state.reference = _Kept(msgspec.json.encode(said), render_page(said))
    return kept


routes = [Route("/openapi.json", read_openapi), Route("/docs", read_reference)]
