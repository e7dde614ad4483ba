"""Note that hooks' filters could not be evaluated: counted for good, and told to the System Log now and then."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from tenterhook.domain import log_event
from tenterhook.domain.act import SYSTEM, hook_target
from tenterhook.engine.subscriptions import Snapshot
from tenterhook.ids import uuid7, uuid_text
from tenterhook.store import filter_errors
from tenterhook.store.transaction import Tx

EVENT_TYPE = "event_hook.filter_error"


class FilterError(msgspec.Struct, frozen=True):
    """One event that one hook's filter could not be evaluated on, so that it did not match."""

    org_id: str
    hook_id: str
    uuid: bytes  #: the event's
    text: str  #: why, in words


class Notice(msgspec.Struct, frozen=True):
    """A log event that is to be appended."""

    org_id: str
    draft: log_event.Draft


def note_filter_errors(tx: Tx, snapshot: Snapshot, errors: Sequence[FilterError], now_ms: int) -> list[Notice]:
    """Count *errors*, in the transaction that logs their events; return what the log is to be told.

    That is at most one event a hook and ten minutes, about the last error, with the total.
    """
    by_hook: dict[tuple[str, str], list[FilterError]] = {}
    for error in errors:
        by_hook.setdefault((error.org_id, error.hook_id), []).append(error)
    notices = []
    for hook, found in by_hook.items():
        total = filter_errors.count(tx, hook, len(found), found[-1].text, now_ms)
        if total is not None:
            notices.append(Notice(hook[0], _draft(snapshot, found[-1], total, now_ms)))
    return notices


def _draft(snapshot: Snapshot, error: FilterError, total: int, now_ms: int) -> log_event.Draft:
    uuid = uuid7()
    hook = snapshot.hooks.get(error.hook_id)
    target = hook_target(error.hook_id, None if hook is None else hook.name)
    reason = f"The filter could not be evaluated: {error.text}."
    tree: dict[str, Any] = {
        "actor": {**SYSTEM, "detailEntry": None},
        "displayMessage": "Evaluate an event hook's filter",
        "eventType": EVENT_TYPE,
        "outcome": {"result": "FAILURE", "reason": reason if len(reason) <= 255 else reason[:254] + "…"},
        "severity": "WARN",
        "debugContext": {"debugData": {"uuid": uuid_text(error.uuid), "total": str(total)}},
        "transaction": {"type": "JOB", "id": uuid_text(uuid), "detail": {}},
        "target": [{**target, "detailEntry": None}],
    }
    filled = log_event.filled(tree, uuid, now_ms, uuid_text(uuid))
    return log_event.Draft(uuid, now_ms, EVENT_TYPE, filled, tree, fresh=True)
