"""What filters may cost: many hooks' filters on one event, turns for everybody else meanwhile, and matching again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from engine_rig import NOW, ORG, OTHER, Rig, appended, entry, run

from tenterhook.domain.act import Act
from tenterhook.domain.log_event import Tree
from tenterhook.domain.verdict import (
    MATCHED,
    MAX_EVENT_STEPS,
    NOT_MATCHED,
    OWN_STEPS,
    STEP_CHARACTERS,
    HookFilter,
    Verdict,
    Verdicts,
)
from tenterhook.engine.draft_act import MAX_REASON, draft_act
from tenterhook.engine.publish import MAX_EVENTS, SLICE_BYTES, split
from tenterhook.engine.subscriptions import Snapshot, Subscription

TYPE = "a.b"


def walking(name: int) -> str:
    """Return an expression that takes two steps for each target, and is false."""
    return f"event.target.?[id eq 'y{name}'].size() > 0"


def wide(targets: int) -> dict[str, Any]:
    return {"eventType": TYPE, "target": [{"id": "x"}] * targets, "outcome": {"result": "FAILURE"}}


class Counting(HookFilter):
    """A filter that notes by a count of turns when it was asked."""

    __slots__ = ("asked", "turns")

    def __init__(self, expression: str, turns: Callable[[], int] = lambda: 0) -> None:
        super().__init__(expression)
        self.turns = turns
        self.asked: list[int] = []

    def judge_within(self, limit: int, event: Tree) -> tuple[Verdict, int]:
        self.asked.append(self.turns())
        return super().judge_within(limit, event)


def snapshot(number: int, wanting: dict[str, Sequence[HookFilter]]) -> Snapshot:
    """Return a snapshot in which hooks with these filters want the type, by org."""
    found = {
        (org, TYPE): tuple(Subscription(f"{org}-{at}", 1, 1, one) for at, one in enumerate(filters))
        for org, filters in wanting.items()
    }
    return Snapshot(number, found, {})


@contextmanager
def counted_turns() -> Iterator[Callable[[], int]]:
    """Count the turns that the event loop gives to others."""
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(count())
    try:
        yield lambda: turns
    finally:
        task.cancel()


# ---- one budget for an event ----------------------------------------------------------------------------------------


def test_the_filters_of_all_hooks_share_the_steps_of_an_event() -> None:
    event, verdicts = wide(2400), Verdicts()
    walks = [HookFilter(walking(name)) for name in range(6)]
    assert [verdicts.of(one, event) for one in walks[:4]] == [NOT_MATCHED] * 4
    *_, late = [verdicts.of(one, event) for one in walks]
    assert not late.matched
    assert late.error is not None
    assert late.error.startswith(f"it takes more than the {OWN_STEPS} steps that were left for it")
    assert late.error.endswith(f"the filters of all hooks share {MAX_EVENT_STEPS:,} on one event")
    assert walks[5].judge(event) == NOT_MATCHED


@pytest.mark.parametrize("hooks", [25, 100])
def test_what_an_event_costs_hardly_grows_with_the_hooks_that_filter_it(hooks: int) -> None:
    event, verdicts = wide(4500), Verdicts()
    for name in range(hooks):
        one = HookFilter(walking(name))
        assert one.judge({}) == NOT_MATCHED  # it is read
        verdicts.of(one, event)
    assert MAX_EVENT_STEPS < verdicts.work <= MAX_EVENT_STEPS + OWN_STEPS * hooks


def test_a_filter_that_walks_through_no_list_never_fails_for_what_others_took() -> None:
    event, verdicts = wide(4500), Verdicts()
    assert any(verdicts.of(HookFilter(walking(name)), event).error for name in range(5))
    longest = "||".join(["event.actor.id==1"] * 213 + ["event.outcome.result=='FAILURE'"])
    assert len(longest) < 4096 < len(longest) + 100
    assert verdicts.of(HookFilter(longest), event) == MATCHED


def test_one_expression_of_many_hooks_is_judged_once_for_an_event() -> None:
    verdicts = Verdicts()
    same = [Counting(walking(0)) for _ in range(25)]
    assert {verdicts.of(one, wide(4500)) for one in same} == {NOT_MATCHED}
    assert [len(one.asked) for one in same] == [1] + [0] * 24


def test_searching_a_long_text_takes_the_steps_of_its_length() -> None:
    clauses = " || ".join(["event.actor.displayName.contains('b')"] * 50)
    event = {"actor": {"displayName": "a" * (200 * STEP_CHARACTERS)}}
    assert HookFilter(clauses).judge(event).error == "it takes more than 10,000 steps on this event"
    assert HookFilter("event.actor.displayName.contains('b')").judge(event) == NOT_MATCHED


# ---- turns for everybody else ---------------------------------------------------------------------------------------


def test_publishing_gives_the_event_loop_a_turn_after_each_long_filter(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        with counted_turns() as turns:
            walks = [Counting(walking(name), turns) for name in range(4)]
            rig.subscriptions.snapshot = snapshot(1, {ORG: walks})
            body = json.dumps(wide(2400)).encode()
            assert len(body) < SLICE_BYTES
            assert (await rig.publish(body)).accepted == 1
        asked = [at for one in walks for at in one.asked]
        assert len(asked) == 4
        assert asked == sorted(set(asked))

    run(tmp_path, story)


def test_reading_long_expressions_for_the_first_time_is_work_as_well(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        with counted_turns() as turns:
            names = (" || ".join(f"event.actor.id eq '{name}.{at}'" for at in range(100)) for name in range(4))
            unread = [Counting(name, turns) for name in names]
            rig.subscriptions.snapshot = snapshot(1, {ORG: unread})
            assert (await rig.publish(json.dumps(wide(1)).encode())).accepted == 1
        asked = [at for one in unread for at in one.asked]
        assert asked == sorted(set(asked))

    run(tmp_path, story)


def test_counting_the_events_of_a_long_body_gives_turns_as_well() -> None:
    async def story() -> int:
        event = b'{"eventType":"a","x":[' + b"1," * 200 + b"1]}"
        with counted_turns() as turns:
            await split(b"[" + b",".join([event] * MAX_EVENTS) + b"]", ndjson=False)
            return turns()

    assert asyncio.run(story()) >= 100


# ---- matching again in the transaction ------------------------------------------------------------------------------


def test_a_change_of_another_orgs_hook_matches_nothing_again(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        ours, theirs = Counting(walking(0)), Counting(walking(1))
        rig.subscriptions.snapshot = snapshot(1, {ORG: [ours], OTHER: [theirs]})
        waiting = [entry(rig, wide(3)), entry(rig, wide(3), OTHER)]
        rig.subscriptions.snapshot = snapshot(2, {ORG: [ours], OTHER: [Counting(walking(2))]})
        await appended(rig, waiting)
        assert [one.snapshot for one in waiting] == [1, 2]
        assert len(ours.asked) == 1

    run(tmp_path, story)


def test_matching_again_asks_only_the_filters_that_were_not_asked(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        kept, new = Counting(walking(0)), Counting("event.nonsense eq 'x'")
        rig.subscriptions.snapshot = snapshot(1, {ORG: [kept]})
        waiting = entry(rig, wide(3))
        rig.subscriptions.snapshot = snapshot(2, {ORG: [kept, new]})
        await appended(rig, [waiting])
        assert (waiting.snapshot, len(waiting.errors)) == (2, 1)
        assert (len(kept.asked), len(new.asked)) == (1, 1)

    run(tmp_path, story)


def test_matching_again_goes_on_with_the_steps_that_were_left(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        first = [HookFilter(walking(name)) for name in range(3)]
        rig.subscriptions.snapshot = snapshot(1, {ORG: first})
        waiting = entry(rig, wide(4500))
        second = [HookFilter(walking(name)) for name in range(3, 6)]
        rig.subscriptions.snapshot = snapshot(2, {ORG: second})
        await appended(rig, [waiting])
        assert len(waiting.errors) == 3

    run(tmp_path, story)


# ---- what the log is told -------------------------------------------------------------------------------------------


def test_a_reason_that_is_too_long_is_cut_and_says_so() -> None:
    told = draft_act(Act(org_id=ORG, event_type="event_hook.delivery", failure="x" * 300), NOW).tree
    assert told["outcome"] == {"result": "FAILURE", "reason": "x" * (MAX_REASON - 1) + "…"}
    assert told["severity"] == "WARN"


@pytest.mark.parametrize(("refused", "result"), [(True, "DENY"), (False, "ALLOW")])
def test_what_is_told_of_a_limit_says_whether_it_refused(refused: bool, result: str) -> None:
    told = draft_act(Act(org_id=ORG, event_type="x.y", message="Said", refused=refused), NOW).tree
    assert told["outcome"] == {"result": result, "reason": None}
    assert (told["severity"], told["displayMessage"]) == ("WARN", "Said")
