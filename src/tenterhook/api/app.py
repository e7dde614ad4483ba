"""The API as one ASGI application."""

from __future__ import annotations

from importlib.metadata import version

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Route

from tenterhook.api import deliveries, event_hooks, events, health, logs, tokens
from tenterhook.api.errors import error_answer
from tenterhook.api.exchange import exchange_of
from tenterhook.api.frame import Frame
from tenterhook.api.rate_limit import Limiter, RateLimits
from tenterhook.engine.pipeline import Pipeline
from tenterhook.engine.publish import Publishing
from tenterhook.errors import TenterhookError

_DEFAULT_LIMITS = RateLimits()


def create_app(
    pipeline: Pipeline, *, publishing: Publishing | None = None, limits: RateLimits = _DEFAULT_LIMITS
) -> Frame:
    """Return the ASGI application that answers the API for *pipeline*, which it finds at ``app.state.pipeline``.

    publishing: the way in for events; one of its own if not given. limits: calls a minute.
    """
    app = FastAPI(
        title="Tenterhook",
        version=version("tenterhook"),
        docs_url=None,  # the page that FastAPI brings loads its scripts from elsewhere
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
    app.router.routes.extend(health.routes)
    app.state.resource_routes = [*health.routes]
    for resource in (event_hooks, deliveries, logs, tokens):
        app.include_router(resource.router)
        app.state.resource_routes += resource.router.routes
    return Frame(app, pipeline, app.state.limiter, {events.PATH: events.publish_events})


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
