"""Tell the System Log that an org came near a limit or met it: log events of Okta's types (okta/event-hooks.md §11)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tenterhook.domain import log_event
from tenterhook.domain.act import SYSTEM
from tenterhook.ids import uuid7, uuid_text


class Notice(msgspec.Struct, frozen=True):
    """What is told of a limit."""

    event_type: str
    message: str
    refuses: bool  #: whether something was refused or held; False: it is only near
    debug: Mapping[str, str]


def draft_notice(notice: Notice, now_ms: int) -> log_event.Draft:
    """Return the log event that tells of a limit."""
    uuid = uuid7()
    tree: dict[str, Any] = {
        "actor": {**SYSTEM, "detailEntry": None},
        "displayMessage": notice.message,
        "eventType": notice.event_type,
        "outcome": {"result": "DENY" if notice.refuses else "ALLOW", "reason": None},
        "severity": "WARN",
        "debugContext": {"debugData": dict(notice.debug)},
        "transaction": {"type": "JOB", "id": uuid_text(uuid), "detail": {}},
    }
    filled = log_event.filled(tree, uuid, now_ms, uuid_text(uuid))
    return log_event.Draft(uuid, now_ms, notice.event_type, filled, tree, fresh=True)
