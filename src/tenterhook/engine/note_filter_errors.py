"""Note that hooks' filters could not be evaluated: counted for good, and told to the System Log now and then."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tenterhook.domain.act import Act, hook_target
from tenterhook.engine.subscriptions import Snapshot
from tenterhook.ids import uuid_text
from tenterhook.store import filter_errors
from tenterhook.store.transaction import Tx

EVENT_TYPE = "event_hook.filter_error"


class FilterError(msgspec.Struct, frozen=True):
    """One event that one hook's filter could not be evaluated on, so that it did not match."""

    org_id: str
    hook_id: str
    uuid: bytes  #: the event's
    text: str  #: why, in words


def note_filter_errors(tx: Tx, snapshot: Snapshot, errors: Sequence[FilterError], now_ms: int) -> list[Act]:
    """Count *errors*, in the transaction that logs their events; return what the log is to be told.

    That is at most one event a hook and ten minutes, about the last error, with the total.
    """
    by_hook: dict[tuple[str, str], list[FilterError]] = {}
    for error in errors:
        by_hook.setdefault((error.org_id, error.hook_id), []).append(error)
    acts = []
    for hook, found in by_hook.items():
        total = filter_errors.count(tx, hook, len(found), found[-1].text, now_ms)
        if total is not None:
            acts.append(_act(snapshot, found[-1], total))
    return acts


def _act(snapshot: Snapshot, error: FilterError, total: int) -> Act:
    hook = snapshot.hooks.get(error.hook_id)
    return Act(
        org_id=error.org_id,
        event_type=EVENT_TYPE,
        targets=(hook_target(error.hook_id, None if hook is None else hook.name),),
        failure=f"The filter could not be evaluated: {error.text}.",
        debug={"uuid": uuid_text(error.uuid), "total": str(total)},
    )
