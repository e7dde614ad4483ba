"""/api/v1/limits: what there is of each limit, and what is used of it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from starlette.responses import Response

from tenterhook.api.access import needs
from tenterhook.api.answers import json_answer
from tenterhook.api.body import MAX_JSON_BYTES
from tenterhook.domain.principal import Permission, Principal
from tenterhook.domain.timestamp import format_ms
from tenterhook.door.rate_limit import WINDOW_MS, Bucket, Limiter
from tenterhook.engine.show_limits import LimitView, show_limits

router = APIRouter(prefix="/api/v1/limits", tags=["Limits"])

ReadsLimits = Annotated[Principal, needs(Permission.READ_LOG, Bucket.MANAGEMENT)]


@router.get("")
async def list_limits(request: Request, principal: ReadsLimits) -> Response:
    """List every limit: of the org, of its hooks, of the calling token, of one request; with what is used of it."""
    limiter: Limiter = request.app.state.limiter
    token = principal.counted_as
    return json_answer(
        [
            *await show_limits(request.app.state.pipeline, principal),
            _calls(
                limiter, Bucket.MANAGEMENT, token, ("managementCalls", "Calls of this token a minute, these included.")
            ),
            _calls(limiter, Bucket.LOGS, token, ("logQueries", "Log queries of this token a minute.")),
            _calls(
                limiter,
                Bucket.VERIFICATION,
                principal.org_id,
                ("verifications", "Verifications, previews and filter tests of the org a minute."),
            ),
            LimitView(
                name="jsonBody",
                description="The body of any other call.",
                scope="REQUEST",
                unit="bytes",
                limit=MAX_JSON_BYTES,
            ),
        ]
    )


def _calls(limiter: Limiter, bucket: Bucket, key: str, words: tuple[str, str]) -> LimitView:
    standing = limiter.look(bucket, key)
    used = standing.limit - standing.remaining
    return LimitView(
        name=words[0],
        description=words[1],
        scope="ORG" if bucket is Bucket.VERIFICATION else "TOKEN",
        unit="calls",
        used=used,
        limit=standing.limit,
        window_seconds=WINDOW_MS // 1000,
        reset=format_ms(standing.reset_s * 1000) if used else None,
    )
