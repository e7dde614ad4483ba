"""Where a published event came from, as ``debugContext.debugData`` tells it: by which token, how often round a loop.

A hook's receiver may publish again what it got. Whatever it changes meanwhile, the event still names the hooks that it
went to; that is renamed and counted when it comes in, and what came round too often goes to no hook any more.
Source: okta/event-hooks.md §6; security checks 182 and 183.
"""

from __future__ import annotations

from typing import Any

Tree = dict[str, Any]

#: An event that has come in so often by way of hooks is logged, and matched to none.
MAX_HOPS = 4

PUBLISHED_BY = "publishedBy"  #: the id of the token it was published by: what else it says, that token asserts
TARGETS = "targetEventHookIds"  #: the hooks it goes to
_FORMER_TARGETS = "sourceTargetEventHookIds"  #: those it went to before it came in again
_HOPS = "hops"
_LOOP = "hookLoop"

#: What this server writes into ``debugData``: no part of what a publisher says.
OURS = (TARGETS, _FORMER_TARGETS, PUBLISHED_BY, _HOPS, _LOOP)


def debug_data(tree: Tree) -> Tree | None:
    """Return ``debugContext.debugData`` of an event, or None if it has none."""
    context = tree.get("debugContext")
    data = context.get("debugData") if isinstance(context, dict) else None
    return data if isinstance(data, dict) else None


def stamp(tree: Tree, token_id: str) -> None:
    """Write into *tree*, a filled event that nobody else holds, by which token it was published."""
    context = tree["debugContext"]
    data = context.get("debugData") or {}
    tree["debugContext"] = {**context, "debugData": {**data, PUBLISHED_BY: token_id}}


def count_hop(tree: Tree) -> None:
    """If *tree*, a filled event that nobody else holds, was in a hook's delivery before, rename and count that."""
    data = debug_data(tree)
    if data is None or TARGETS not in data:
        return
    hops = min(_hops(data) + 1, MAX_HOPS)
    told = {(_FORMER_TARGETS if key == TARGETS else key): data[key] for key in data if key not in (_HOPS, _LOOP)}
    told[_HOPS] = str(hops)
    if hops >= MAX_HOPS:
        told[_LOOP] = f"This event came in by way of event hooks {MAX_HOPS} times. It goes to no hook any more."
    tree["debugContext"] = {**tree["debugContext"], "debugData": told}


def went_round(tree: Tree) -> bool:
    """Return whether an event has come in by way of hooks too often to go to one again."""
    data = debug_data(tree)
    return data is not None and _FORMER_TARGETS in data and _hops(data) >= MAX_HOPS


def _hops(data: Tree) -> int:
    """Return the count that an event brings; a publisher's own use of the key is none."""
    value = data.get(_HOPS)
    return int(value) if isinstance(value, str) and len(value) <= 3 and value.isascii() and value.isdigit() else 0
