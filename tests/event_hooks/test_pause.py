"""Holding a hook's deliveries back, and letting them go again, as the console does it."""

from __future__ import annotations

import pytest
from hook_rig import Rig, with_rig

from tenterhook.domain.event_hook import etag
from tenterhook.domain.precondition import Precondition
from tenterhook.engine.register import known_event_hooks, pause_event_hook
from tenterhook.errors import NotFoundError, PreconditionError


@with_rig()
async def test_a_paused_hook_keeps_all_else_and_the_log_says_so(rig: Rig) -> None:
    made, principal = await rig.create(), await rig.principal()
    hook = await pause_event_hook(rig.pipeline, principal, made["id"], True)
    assert hook.delivery_policy.paused
    shown = await rig.read(made)
    assert shown["deliveryPolicy"] == {**made["deliveryPolicy"], "paused": True}
    assert (shown["events"], shown["channel"]) == (made["events"], made["channel"])
    assert len(await rig.log("event_hook.updated")) == 1
    assert (await pause_event_hook(rig.pipeline, principal, made["id"], True)).version == hook.version
    assert not (await pause_event_hook(rig.pipeline, principal, made["id"], False)).delivery_policy.paused
    assert len(await rig.log("event_hook.updated")) == 2


@with_rig()
async def test_a_hook_that_is_another_than_was_seen_is_not_paused(rig: Rig) -> None:
    made, principal = await rig.create(), await rig.principal()
    [hook] = known_event_hooks(rig.pipeline, principal)
    seen = Precondition(frozenset({etag(hook)}))
    await pause_event_hook(rig.pipeline, principal, made["id"], True, expected=seen)
    with pytest.raises(PreconditionError):
        await pause_event_hook(rig.pipeline, principal, made["id"], False, expected=seen)
    with pytest.raises(NotFoundError):
        await pause_event_hook(rig.pipeline, principal, "who00000000000000000", True)


@with_rig()
async def test_the_hooks_that_memory_knows_are_the_orgs_own_by_name(rig: Rig) -> None:
    for name in ("b", "A", "c"):
        await rig.create(name=name)
    other = await rig.other_org()
    assert (await rig.call("GET", "/api/v1/eventHooks", token=other)).json() == []
    assert [hook.name for hook in known_event_hooks(rig.pipeline, await rig.principal())] == ["A", "b", "c"]
