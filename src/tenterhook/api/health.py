"""/healthz and /readyz: for probes; no token is asked for."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tenterhook.api.answers import json_answer
from tenterhook.engine.check_health import Health, check_health, check_ready
from tenterhook.engine.pipeline import Pipeline

#: An answer is kept this long: nobody should be able to make the database work by asking without a token.
KEPT_MS = 1000


class _Last(msgspec.Struct):
    health: Health
    asked_ms: int


async def healthz(request: Request) -> Response:
    """Say how this process is."""
    state = request.app.state
    pipeline: Pipeline = state.pipeline
    now_ms = pipeline.now_ms()
    last: _Last | None = getattr(state, "last_health", None)
    if last is None or not 0 <= now_ms - last.asked_ms < KEPT_MS:
        last = state.last_health = _Last(await check_health(pipeline), now_ms)
    return json_answer(last.health)


async def readyz(request: Request) -> Response:
    """Say whether this process can take work: 200 or 503."""
    await check_ready(request.app.state.pipeline)
    return json_answer({"status": "ready"})


routes = [Route("/healthz", healthz), Route("/readyz", readyz)]
