"""An act of this system, before it is a log event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tenterhook.domain.principal import Principal

#: The actor of what nobody asked for: a delivery, a limit that was met.
SYSTEM: Mapping[str, Any] = {
    "id": "tenterhook",
    "type": "SystemPrincipal",
    "alternateId": "system@tenterhook",
    "displayName": "Tenterhook",
}


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """Something that this system did, or tried to do, and will tell the System Log."""

    org_id: str
    event_type: str
    principal: Principal | None = None  #: who asked for it; None where nobody did (a delivery)
    targets: Sequence[Mapping[str, Any]] = ()  #: {"id", "type", "alternateId", "displayName"} each
    failure: str | None = None  #: why it came to nothing; None: it succeeded
    debug: Mapping[str, str] = {}  #: debugContext.debugData
    message: str | None = None  #: displayMessage; None: the usual one of its type
    refused: bool | None = None  #: of a limit: whether it refused or held something; None: this is about no limit


def hook_target(hook_id: str, name: str | None) -> dict[str, str | None]:
    """Return the log event's target that stands for an event hook."""
    return {"id": hook_id, "type": "EventHook", "alternateId": None, "displayName": name}


def inline_hook_target(hook_id: str, name: str | None) -> dict[str, str | None]:
    """Return the log event's target that stands for an inline hook."""
    return {"id": hook_id, "type": "InlineHook", "alternateId": None, "displayName": name}


def hook_key_target(key_id: str, name: str | None) -> dict[str, str | None]:
    """Return the log event's target that stands for a hook key."""
    return {"id": key_id, "type": "HookKey", "alternateId": None, "displayName": name}
