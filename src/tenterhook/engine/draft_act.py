"""Draft the log events of Tenterhook's own acts, of Okta's types where Okta has one."""

from __future__ import annotations

from typing import Any

from tenterhook.domain import log_event
from tenterhook.domain.act import SYSTEM, Act
from tenterhook.domain.principal import Principal
from tenterhook.ids import uuid7, uuid_text

#: Characters of a reason that are told.
MAX_REASON = 255

_MESSAGES = {
    "event_hook.created": "Event hook created",
    "event_hook.updated": "Event hook updated",
    "event_hook.deleted": "Event hook deleted",
    "event_hook.activated": "Event hook activated",
    "event_hook.deactivated": "Event hook deactivated",
    "event_hook.verified": "Verify an event hook's endpoint",
    "event_hook.previewed": "Deliver a preview to an event hook",
    "event_hook.filter_error": "Evaluate an event hook's filter",
    "event_hook.delivery": "Deliver events to an event hook",
    "inline_hook.executed": "Call inline hook",
    "inline_hook.previewed": "Deliver a preview to an inline hook",
    "inline_hook.response.processed": "Process inline hook's answer",
    "inline_hook.created": "Inline hook created",
    "inline_hook.updated": "Inline hook updated",
    "inline_hook.deleted": "Inline hook deleted",
    "inline_hook.activated": "Inline hook activated",
    "inline_hook.deactivated": "Inline hook deactivated",
    "system.api_token.create": "Create API token",
    "system.api_token.revoke": "Revoke API token",
    "tenterhook.admin.created": "Admin created",
    "tenterhook.admin.updated": "Admin updated",
    "tenterhook.admin.deleted": "Admin deleted",
    "tenterhook.event_type.created": "Event type created",
    "tenterhook.event_type.deleted": "Event type deleted",
    "tenterhook.hook_key.created": "Hook key created",
    "tenterhook.hook_key.updated": "Hook key renamed",
    "tenterhook.hook_key.deleted": "Hook key deleted",
    "tenterhook.inline_call.untold": "Inline calls not logged",
    "tenterhook.inline_hook.breaker_closed": "Inline hook's endpoint answers again",
    "tenterhook.inline_hook.breaker_opened": "Inline hook's endpoint is not asked for a while",
    "tenterhook.org.created": "Org created",
    "tenterhook.sign_in_link.created": "One-time sign-in link created",
    "user.session.start": "User login to Tenterhook",
}


def draft_act(act: Act, now_ms: int) -> log_event.Draft:
    """Return the log event that tells of *act*; whose log it goes to is its caller's matter."""
    uuid = uuid7()
    principal = act.principal
    request_id = principal.request_id if principal and principal.request_id else uuid_text(uuid)
    tree: dict[str, Any] = {
        "actor": {**(_actor(principal) if principal else SYSTEM), "detailEntry": None},
        "client": _client(principal),
        "displayMessage": act.message or _MESSAGES.get(act.event_type, act.event_type),
        "eventType": act.event_type,
        "outcome": _outcome(act),
        "severity": "INFO" if act.failure is None and act.refused is None else "WARN",
        "debugContext": {"debugData": dict(act.debug)},
        "transaction": {"type": "WEB" if principal else "JOB", "id": request_id, "detail": _detail(principal)},
        "target": [{"detailEntry": None, **target} for target in act.targets] or None,
    }
    filled = log_event.filled(tree, uuid, now_ms, request_id)
    return log_event.Draft(uuid, now_ms, act.event_type, filled, tree, fresh=True)


def _outcome(act: Act) -> dict[str, str | None]:
    if act.refused is not None:
        return {"result": "DENY" if act.refused else "ALLOW", "reason": None}
    if act.failure is None:
        return {"result": "SUCCESS", "reason": None}
    reason = act.failure if len(act.failure) <= MAX_REASON else act.failure[: MAX_REASON - 1] + "…"
    return {"result": "FAILURE", "reason": reason}


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
