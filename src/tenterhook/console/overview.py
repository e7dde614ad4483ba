"""Overview: how it is, in one line, and what happened last."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
from starlette.responses import Response

from tenterhook.console.limits import limit_row
from tenterhook.console.routes import page
from tenterhook.console.visit import Visit
from tenterhook.domain.log_query import LogQuery
from tenterhook.domain.principal import Permission
from tenterhook.engine.check_health import check_health
from tenterhook.engine.search_logs import search_logs
from tenterhook.engine.show_limits import show_limits

PATH = "/console"
#: Log events shown.
RECENT = 8


class Happened(NamedTuple):
    """One log event as a row."""

    published: str
    event_type: str
    message: str
    actor: str
    outcome: str


async def show(visit: Visit) -> Response:
    """Show the overview; what the reader may not see is left out."""
    principal = visit.principal
    quota, recent = None, None
    if principal.may(Permission.READ_LOG):
        limits = await show_limits(visit.pipeline, principal)
        quota = next(limit_row(one) for one in limits if one.name == "eventsTriggeringHooks")
        recent = await _recent(visit)
    return visit.render(
        "overview.html",
        health=await check_health(visit.pipeline),
        hooks=_count_hooks(visit) if principal.may(Permission.READ_HOOKS) else None,
        quota=quota,
        recent=recent,
    )


async def _recent(visit: Visit) -> list[Happened]:
    query = LogQuery(limit=RECENT, descending=True)
    found = await search_logs(visit.pipeline, visit.principal, query)
    return [_happened(msgspec.json.decode(body)) for body in found.bodies]


def _happened(event: dict[str, Any]) -> Happened:
    actor, outcome = event.get("actor") or {}, event.get("outcome") or {}
    names = (actor.get(key) for key in ("displayName", "alternateId", "id"))
    return Happened(
        published=event["published"],
        event_type=event["eventType"],
        message=event.get("displayMessage") or event["eventType"],
        actor=next((name for name in names if name), "–"),
        outcome=outcome.get("result") or "–",
    )


def _count_hooks(visit: Visit) -> dict[str, int]:
    org_id = visit.principal.org_id
    mine = [one for one in visit.pipeline.subscriptions.committed.values() if one.org_id == org_id]
    active = [one for one in mine if one.status == "ACTIVE"]
    verified = [one for one in active if one.verification_status == "VERIFIED"]
    return {"all": len(mine), "delivering": len(verified), "unverified": len(active) - len(verified)}


routes = [page(PATH, show, None)]
