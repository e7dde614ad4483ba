"""Tell the System Log of inline calls, after they are answered: no caller waits for it.

Source: okta/inline-hooks.md §6; what a breaker does is ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from tenterhook.domain.act import Act, inline_hook_target
from tenterhook.domain.inline.decision import Decision, Unusable
from tenterhook.domain.inline.hook import InlineHook
from tenterhook.domain.inline.masking import Secrets, masked, masked_tree
from tenterhook.domain.principal import Principal
from tenterhook.engine.append import append, make_entry
from tenterhook.engine.draft_act import draft_act
from tenterhook.engine.inline.breakers import Turn
from tenterhook.engine.pipeline import Pipeline
from tenterhook.errors import OverloadedError
from tenterhook.store.transaction import Tx
from tenterhook.store.write_queue import Batch, Class

#: Characters of a reply's debugContext that the log keeps.
MAX_DEBUG_CONTEXT = 8192

_TURNS = {
    Turn.OPENED: "tenterhook.inline_hook.breaker_opened",
    Turn.CLOSED: "tenterhook.inline_hook.breaker_closed",
}


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A call that has ended, as the log needs it."""

    hook: InlineHook
    principal: Principal
    event_id: str
    attempts: int | None = 0  #: how many times the endpoint was asked; None: nobody knows
    decision: Decision
    unusable: Unusable | None = None  #: there was no answer that could be used
    turn: Turn | None = None  #: what the call did to the hook's breaker
    secrets: Secrets = ()  #: the hook's and the question's: the endpoint may have repeated them


class _Item(msgspec.Struct):
    pipeline: Pipeline
    acts: list[Act]
    faults: int = 0  #: how often they failed for a reason that is not the disk's


def tell_call(pipeline: Pipeline, told: Told) -> None:
    """Have the log told of a call. Never waits; what the database refuses is offered again, also when we stop."""
    acts = acts_of(told)
    if acts and pipeline.switchboard.untold.admit(told.hook.org_id, len(acts)):
        _offer(_Item(pipeline, acts))


def acts_of(told: Told) -> list[Act]:
    """Return what the log is told of a call.

    inline_hook.executed if it failed; inline_hook.response.processed if the endpoint answered something that could be
    read, whatever came of it; and what became of the breaker.
    """
    decision, failure = told.decision, _failure(told)
    facts = _facts(told)
    if failure is not None:
        facts["errorMessage"] = masked(decision.error_message or failure, told.secrets)
    acts = []
    if told.unusable is None:
        context = masked_tree(decision.debug_context, told.secrets)
        shown = {} if context is None else {"debugContext": _text(context)}
        acts.append(_act(told, "inline_hook.response.processed", facts | shown, failure))
    if failure is not None:
        acts.append(_act(told, "inline_hook.executed", facts, failure))
    if told.turn is not None:
        why = told.unusable.why if told.turn is Turn.OPENED and told.unusable is not None else None
        acts.append(_act(told, _TURNS[told.turn], _facts(told), why))
    return acts


def _failure(told: Told) -> str | None:
    """Return in words what went wrong, None if nothing did."""
    if told.unusable is not None:
        return told.decision.reason or told.unusable.why
    error_message = told.decision.error_message
    return None if error_message is None else told.decision.reason or error_message


def _facts(told: Told) -> dict[str, str]:
    hook = told.hook
    return {
        "inlineHookType": hook.type,
        "inlineHook": f"{{id={hook.id}, name={masked(hook.name, told.secrets)}}}",
        "inlineHookEventId": told.event_id,
        **({} if told.attempts is None else {"attempts": str(told.attempts)}),
        "outcome": str(told.decision.outcome),
    }


def _act(told: Told, event_type: str, debug: dict[str, str], failure: str | None) -> Act:
    return Act(
        org_id=told.hook.org_id,
        event_type=event_type,
        principal=told.principal,
        targets=[inline_hook_target(told.hook.id, told.hook.name)],
        failure=None if failure is None else masked(failure, told.secrets),
        debug=debug,
    )


def _text(debug_context: dict[str, Any]) -> str:
    text = msgspec.json.encode(debug_context).decode()
    return text if len(text) <= MAX_DEBUG_CONTEXT else text[: MAX_DEBUG_CONTEXT - 1] + "…"


# -- into the log ------------------------------------------------------------------------------------------------------


def _offer(item: _Item) -> None:
    untold = item.pipeline.switchboard.untold
    count = len(item.acts)

    def written(_: None) -> None:
        dropped = untold.written(count)
        for org_id, number in dropped.items():
            act = Act(
                org_id=org_id,
                event_type="tenterhook.inline_call.untold",
                failure=f"{number:,} log events about inline calls found no room while the database could not be "
                "written fast enough; the calls themselves were answered.",
                debug={"dropped": str(number)},
            )
            untold.waiting += 1
            _offer(_Item(item.pipeline, [act]))

    def refused(error: BaseException) -> None:
        if not isinstance(error, OverloadedError):
            item.faults += 1
        untold.refused(count, lambda: _offer(item), error, item.faults)

    item.pipeline.database.submit(_TELL, item, written, refused, rows=count)


def _write(tx: Tx, items: Sequence[_Item]) -> list[None]:
    parts = items[0].pipeline  # a database has one
    now_ms, snapshot = parts.now_ms(), parts.subscriptions.snapshot
    acts = [act for item in items for act in item.acts]
    entries = [make_entry(snapshot, act.org_id, draft_act(act, now_ms), own=True) for act in acts]
    append(tx, parts.subscriptions, parts.lanes, entries, now_ms, parts.limits.events_per_24h)
    return [None for _ in items]


_TELL: Batch[_Item, None] = Batch("inline calls", Class.MAINTENANCE, _write)
