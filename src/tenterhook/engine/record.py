"""Tenterhook's own acts, as log events of Okta's types where Okta has one."""

from __future__ import annotations

from typing import Any

from tenterhook.domain import log_event
from tenterhook.domain.act import SYSTEM, Act
from tenterhook.domain.principal import Principal
from tenterhook.engine.append import append, make_entry
from tenterhook.engine.pipeline import Pipeline
from tenterhook.ids import uuid7, uuid_text
from tenterhook.store.transaction import Tx

_MESSAGES = {
    "event_hook.created": "Event hook created",
    "event_hook.updated": "Event hook updated",
    "event_hook.deleted": "Event hook deleted",
    "event_hook.activated": "Event hook activated",
    "event_hook.deactivated": "Event hook deactivated",
    "event_hook.verified": "Verify an event hook's endpoint",
    "event_hook.previewed": "Deliver a preview to an event hook",
    "event_hook.delivery": "Deliver events to an event hook",
    "system.api_token.create": "Create API token",
    "system.api_token.revoke": "Revoke API token",
    "tenterhook.admin.created": "Admin created",
    "tenterhook.admin.updated": "Admin updated",
    "tenterhook.admin.deleted": "Admin deleted",
    "tenterhook.event_type.created": "Event type created",
    "tenterhook.event_type.deleted": "Event type deleted",
    "tenterhook.org.created": "Org created",
    "tenterhook.sign_in_link.created": "One-time sign-in link created",
    "user.session.start": "User login to Tenterhook",
}


def record_act(pipeline: Pipeline, tx: Tx, act: Act) -> None:
    """Append a log event about what this system did, in the transaction that did it."""
    now = pipeline.now_ms()
    uuid = uuid7()
    principal = act.principal
    request_id = principal.request_id if principal and principal.request_id else uuid_text(uuid)
    failed = act.failure is not None
    tree: dict[str, Any] = {
        "actor": {**(_actor(principal) if principal else SYSTEM), "detailEntry": None},
        "client": _client(principal),
        "displayMessage": _MESSAGES.get(act.event_type, act.event_type),
        "eventType": act.event_type,
        "outcome": {"result": "FAILURE" if failed else "SUCCESS", "reason": act.failure and act.failure[:255]},
        "severity": "WARN" if failed else "INFO",
        "debugContext": {"debugData": dict(act.debug)},
        "transaction": {"type": "WEB" if principal else "JOB", "id": request_id, "detail": _detail(principal)},
        "target": [{"detailEntry": None, **target} for target in act.targets] or None,
    }
    filled = log_event.filled(tree, uuid, now, request_id)
    draft = log_event.Draft(uuid, now, act.event_type, filled, tree, fresh=True)
    entry = make_entry(pipeline.subscriptions.snapshot, act.org_id, draft)
    append(tx, pipeline.subscriptions, pipeline.lanes, [entry], now, pipeline.limits.events_per_24h)


def _actor(principal: Principal) -> dict[str, Any]:
    if principal.client_id is not None:
        return {
            "id": principal.client_id,
            "type": "PublicClientApp",
            "alternateId": principal.login,
            "displayName": principal.name,
        }
    return {
        "id": principal.admin_id,
        "type": "User",
        "alternateId": principal.login,
        "displayName": principal.name,
    }


def _client(principal: Principal | None) -> dict[str, Any] | None:
    if principal is None:
        return None
    agent = {"rawUserAgent": principal.user_agent, "os": None, "browser": None} if principal.user_agent else None
    return {
        "userAgent": agent,
        "zone": None,
        "device": None,
        "id": None,
        "ipAddress": principal.ip,
        "geographicalContext": None,
    }


def _detail(principal: Principal | None) -> dict[str, str]:
    if principal is None or principal.client_id is not None or not principal.token_id:
        return {}
    return {"requestApiTokenId": principal.token_id}
