"""The API as one ASGI application."""

from __future__ import annotations

from importlib.metadata import version

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from tenterhook.api import (
    admins,
    deliveries,
    docs,
    event_hook_filters,
    event_hooks,
    event_types,
    events,
    health,
    hook_keys,
    inline_calls,
    inline_hook_calls,
    inline_hooks,
    limits,
    log_stream,
    logs,
    orgs,
    previews,
    sign_in,
    tokens,
)
from tenterhook.api.errors import error_answer
from tenterhook.api.frame import Frame, Pages
from tenterhook.door.exchange import exchange_of
from tenterhook.door.rate_limit import Limiter, RateLimits
from tenterhook.engine.budget import Budget
from tenterhook.engine.found_org import KnownOrgs
from tenterhook.engine.pipeline import Pipeline
from tenterhook.engine.publish import Publishing
from tenterhook.engine.tell_excess import Excesses
from tenterhook.errors import TenterhookError

_DEFAULT_LIMITS = RateLimits()
#: Each of these has a `router`; what it answers is described in api/openapi, or a test fails.
_RESOURCES = (
    event_hooks,
    event_hook_filters,
    event_types,
    previews,
    inline_hooks,
    inline_hook_calls,
    inline_calls,
    hook_keys,
    deliveries,
    logs,
    log_stream,
    tokens,
    admins,
    orgs,
    sign_in,
    limits,
)
_PLAIN = [*health.routes, *docs.routes]


def create_app(
    pipeline: Pipeline,
    *,
    publishing: Publishing | None = None,
    limits: RateLimits = _DEFAULT_LIMITS,
    console: Pages | None = None,
) -> Frame:
    """Return the ASGI application that answers the API for *pipeline*, which it finds at ``app.state.pipeline``.

    publishing: the way in for events; one of its own if not given. limits: calls a minute. console: what answers below
    ``/console``; without it nothing does.
    """
    app = FastAPI(
        title="Tenterhook",
        version=version("tenterhook"),
        openapi_url=None,  # `docs` answers a fuller one, and a page that loads nothing from elsewhere
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        exception_handlers={
            TenterhookError: _tell,
            HTTPException: _tell,
            RequestValidationError: _tell,
            ClientDisconnect: _tell,
            Exception: _tell,  # and raised again, for the frame to log and count
        },
    )
    app.state.pipeline = pipeline
    app.state.publishing = publishing or Publishing(pipeline)
    app.state.limiter = Limiter(limits, pipeline.now_ms)
    app.state.excesses = Excesses(pipeline)
    app.state.known_orgs = KnownOrgs()
    app.state.receiving = Budget("unfinished requests")
    app.state.answering = Budget("unread answers")
    app.router.routes.extend(_PLAIN)
    app.state.resource_routes = resource_routes()
    for resource in _RESOURCES:
        app.include_router(resource.router)
    return Frame(app, pipeline, app.state.limiter, {events.PATH: events.publish_events}, console)


def resource_routes() -> list[BaseRoute]:
    """Return every route but the hot ones."""
    return [*_PLAIN, *(route for resource in _RESOURCES for route in resource.router.routes)]


async def _tell(request: Request, error: Exception) -> Response:
    answer = error_answer(error, exchange_of(request.scope).standing)
    if answer.status_code == 405:
        answer.headers["allow"] = ", ".join(sorted(_methods_at(request)))
    return answer


def _methods_at(request: Request) -> set[str]:
    """Return the methods that some route at the request's path answers: the framework names those of the first only."""
    methods: set[str] = set()
    for route in request.app.state.resource_routes:
        if isinstance(route, Route) and route.path_regex.match(request.scope["path"]):
            methods |= route.methods or set()
    return methods
