"""Deliveries across hooks: found by hook, status, reason, type and time, page by page, both ways."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from api_rig import EVENT, Api, receiving, until, with_api
from test_frame import assert_error

from tenterhook.domain.attempt import Reason
from tenterhook.domain.delivery_policy import CustomRetry, DeliveryPolicy
from tenterhook.domain.event_hook import Events
from tenterhook.domain.principal import Principal
from tenterhook.domain.timestamp import parse_timestamp
from tenterhook.engine import find_deliveries as module
from tenterhook.engine.find_deliveries import DeliveryPage, DeliveryQuery, find_deliveries
from tenterhook.errors import QueryTimeoutError
from tenterhook.ids import uuid_text
from tenterhook.store import delivery_search
from tenterhook.store.delivery_search import Slice, Sought
from tenterhook.store.transaction import Tx

ONCE = DeliveryPolicy(retry=CustomRetry(waits_seconds=(), retry_on=()), max_events_per_request=1)
LATER = DeliveryPolicy(retry=CustomRetry(waits_seconds=(3600,), retry_on=("5XX",)), max_events_per_request=1)
PAUSED = DeliveryPolicy(retry="durable", paused=True, max_events_per_request=1)
OTHER_TYPE = "user.lifecycle.activate"
BOTH = Events(items=(EVENT["eventType"], OTHER_TYPE))


def me(api: Api) -> Principal:
    principal = api.hooks._principal
    assert principal is not None
    return principal


async def find(api: Api, **query: Any) -> DeliveryPage:
    return await find_deliveries(api.pipeline, me(api), DeliveryQuery(**query))


async def settled(api: Api, **least: int) -> None:
    """Wait until there are as many deliveries of each status."""

    async def there() -> bool:
        found = await find(api, limit=200)
        counts = [one.status for one in found.deliveries]
        return all(counts.count(status) >= many for status, many in least.items())

    await until(there)


async def varied(api: Api, good: str, bad: str) -> dict[str, str]:
    """Make 2 deliveries of each kind, at four hooks; return the hooks' ids by what becomes of their deliveries."""
    hooks = {
        "DELIVERED": await api.add_hook(good, name="arrives", delivery_policy=ONCE, events=BOTH),
        "FAILED": await api.add_hook(bad, name="fails", delivery_policy=ONCE),
        "RETRYING": await api.add_hook(bad, name="waits", delivery_policy=LATER),
        "HELD": await api.add_hook(good, name="holds", delivery_policy=PAUSED),
    }
    await api.publish(EVENT)
    await api.publish({**EVENT, "eventType": OTHER_TYPE})
    await api.publish(EVENT)
    await settled(api, DELIVERED=3, FAILED=2, RETRYING=2, HELD=2)
    return {status: hook.id for status, hook in hooks.items()}


@with_api()
async def test_deliveries_are_found_by_what_is_asked_of_them(api: Api) -> None:
    async with receiving(204) as good, receiving(500) as bad:
        hooks = await varied(api, good.url, bad.url)
        whole = await find(api)
        assert (len(whole.deliveries), whole.complete, whole.older, whole.newer) == (9, True, None, None)
        ids = [one.id for one in whole.deliveries]
        assert ids == sorted(ids, reverse=True), "newest first"
        for status, hook_id in hooks.items():
            many = 3 if status == "DELIVERED" else 2
            for query in ({"statuses": {status}}, {"hook_id": hook_id}, {"statuses": {status}, "hook_id": hook_id}):
                found = await find(api, **query)
                assert [(one.hook_id, one.status) for one in found.deliveries] == [(hook_id, status)] * many, query
        assert (await find(api, statuses={"FAILED"}, hook_id=hooks["HELD"])).deliveries == []
        both = await find(api, statuses={"FAILED", "HELD"})
        assert {one.status for one in both.deliveries} == {"FAILED", "HELD"}
        assert {one.status for one in (await find(api, reason=Reason.STATUS)).deliveries} == {"FAILED", "RETRYING"}
        [typed] = (await find(api, event_type=OTHER_TYPE)).deliveries
        assert typed.event_types == [OTHER_TYPE]
        assert (await find(api, event_type="no.such.type")).deliveries == []
        assert (await find(api, statuses={"SPLIT"})).deliveries == []
        assert (await find(api, statuses={"PENDING"})).deliveries == []


@with_api()
async def test_a_row_says_what_it_carries_and_how_the_last_attempt_ended(api: Api) -> None:
    async with receiving(204) as good, receiving(500) as bad:
        hooks = await varied(api, good.url, bad.url)
        found = {one.status: one for one in (await find(api)).deliveries}
    failed, held, waiting = found["FAILED"], found["HELD"], found["RETRYING"]
    assert (failed.hook_id, failed.hook_name, failed.end_reason) == (hooks["FAILED"], "fails", "REFUSED")
    assert (failed.event_count, failed.event_types, failed.attempt_count) == (1, [EVENT["eventType"]], 1)
    assert failed.last_attempt is not None
    assert (failed.last_attempt.reason, failed.last_attempt.status) == ("STATUS", 500)
    assert failed.last_attempt.phases_ms.total > 0
    assert failed.ended is not None
    assert failed.next_attempt is None
    assert (held.hold_reason, held.last_attempt, held.next_attempt, held.ended) == ("PAUSED", None, None, None)
    assert waiting.next_attempt is not None


@pytest.mark.parametrize("query", [{}, {"statuses": {"DELIVERED"}}, {"hook": True}, {"statuses": {"HELD", "PENDING"}}])
def test_pages_lead_both_ways_and_miss_nothing(query: dict[str, Any], tmp_path: Any) -> None:
    @with_api()
    async def walk(api: Api) -> None:
        async with receiving(204) as good:
            first = await api.add_hook(good.url, delivery_policy=ONCE)
            await api.add_hook(good.url, delivery_policy=PAUSED)
            for _ in range(4):
                await api.publish(*[EVENT] * 3)
            await settled(api, DELIVERED=12, HELD=12)
            asked = {**query, "hook_id": first.id} if query.get("hook") else dict(query)
            asked.pop("hook", None)
            whole = [one.id for one in (await find(api, **asked, limit=100)).deliveries]
            assert len(whole) in (12, 24)
            pages, page = [], await find(api, **asked, limit=5)
            assert page.newer is None
            while True:
                pages.append(page)
                if page.older is None:
                    break
                page = await find(api, **asked, limit=5, after=page.older)
            assert [one.id for page in pages for one in page.deliveries] == whole
            back = [pages[-1]]
            while back[-1].newer is not None and len(back) < 20:
                back.append(await find(api, **asked, limit=5, before=back[-1].newer))
            newest_last = [one.id for page in back for one in reversed(page.deliveries)]
            assert newest_last == whole[::-1], "no row twice, none missing"

    walk(tmp_path)


@with_api()
async def test_since_and_until_bound_when_it_was_made(api: Api) -> None:
    start = api.pipeline.now_ms()
    async with receiving(204) as good:
        await api.add_hook(good.url, delivery_policy=ONCE)
        for at in range(4):
            api.pipeline.now_ms = lambda at=at: start + at * 1000
            await api.publish(EVENT)
        await settled(api, DELIVERED=4)
        for since, until_ms, many in ((0, 4000, 4), (1000, 3000, 2), (1001, 3000, 1), (0, 0, 0), (3001, None, 0)):
            upto = None if until_ms is None else start + until_ms
            found = await find(api, since=start + since, until=upto)
            assert len(found.deliveries) == many, (since, until_ms)


async def made_before(api: Api, ms: int) -> None:
    """Let all deliveries have been made that much earlier."""
    await api.pipeline.database.write(
        lambda tx: tx.driver.execute("UPDATE delivery SET created = created - ?", (ms,)).fetchall()
    )


@with_api()
async def test_what_ended_in_a_span_is_found_whenever_it_was_made(api: Api) -> None:
    async with receiving(204) as good, receiving(500) as bad:
        await varied(api, good.url, bad.url)
        await made_before(api, 3 * 3_600_000)
        ended = {one.id: parse_timestamp(one.ended) for one in (await find(api)).deliveries if one.ended}
        assert len(ended) == 5
        first, last = min(ended.values()), max(ended.values())
        assert {one.id for one in (await find(api, ended_since=first)).deliveries} == set(ended)
        assert {one.id for one in (await find(api, ended_until=last + 1)).deliveries} == set(ended)
        failed = await find(api, statuses={"FAILED"}, ended_since=first, ended_until=last + 1)
        assert [one.status for one in failed.deliveries] == ["FAILED"] * 2
        late = {identity for identity, at in ended.items() if at >= last}
        assert {one.id for one in (await find(api, ended_since=last, limit=1)).deliveries} <= late
        for none in ({"ended_since": last + 1}, {"ended_until": first}, {"ended_since": first, "since": first}):
            found = await find(api, **none)
            assert (found.deliveries, found.complete) == ([], True), none
        assert (await find(api, statuses={"HELD", "RETRYING"}, ended_since=0)).deliveries == []


@with_api()
async def test_what_seems_to_have_ended_before_it_was_made_is_found(api: Api) -> None:
    async with receiving(204) as good:
        await api.add_hook(good.url, delivery_policy=ONCE)
        await api.publish(EVENT)
        await settled(api, DELIVERED=1)
        await made_before(api, -30_000)  # and the clock was set back then
        [one] = (await find(api)).deliveries
        assert one.ended is not None
        assert one.ended < one.created
        end = parse_timestamp(one.ended)
        assert end is not None
        assert len((await find(api, ended_since=end, ended_until=end + 1)).deliveries) == 1


@with_api()
async def test_a_look_for_what_ended_passes_over_so_many_rows_and_no_more(api: Api) -> None:
    async with receiving(204) as good:
        await api.add_hook(good.url, delivery_policy=ONCE)
        await api.publish(*[EVENT] * 7)
        await settled(api, DELIVERED=7)
    sought = Sought(org_id=me(api).org_id, ended_since=api.pipeline.now_ms() + 1)
    part = await api.pipeline.database.read(
        lambda tx: delivery_search.look(tx, sought, None, newer=False, want=5, rows=3)
    )
    assert (part.rows, part.ended) == ([], False)


@with_api()
async def test_a_look_for_what_was_made_long_ago_passes_over_so_many_rows_and_no_more(api: Api) -> None:
    async with receiving(204) as good:
        await api.add_hook(good.url, delivery_policy=PAUSED)
        await api.publish(*[EVENT] * 7)
        oldest = (await find(api)).deliveries[-1].id

    def walk(tx: Tx) -> tuple[int, list[Slice]]:
        [[first]] = tx.driver.execute("SELECT min(id) FROM delivery").fetchall()
        sought = Sought(org_id=me(api).org_id, ids=(0, int(first)))  # type: ignore[call-overload]
        place, found = None, []
        while not (found and found[-1].ended):
            found.append(delivery_search.look(tx, sought, place, newer=False, want=5, rows=3))
            place = found[-1].place
        return first, found

    first, looks = await api.pipeline.database.read(walk)
    assert [[row.id for row in one.rows] for one in looks] == [[], [], [first]]
    assert uuid_text(looks[-1].rows[0].event_id) == oldest


@with_api()
async def test_what_there_was_no_time_for_is_said_and_the_walk_goes_on_from_there(api: Api) -> None:
    async with receiving(204) as good:
        hook = await api.add_hook(good.url, delivery_policy=ONCE)
        other = await api.add_hook(good.url, delivery_policy=ONCE, events=Events(items=(OTHER_TYPE,)))
        await api.publish({**EVENT, "eventType": OTHER_TYPE})
        for _ in range(12):
            await api.publish(*[EVENT] * 100)
        await settled(api, DELIVERED=200)
        query = DeliveryQuery(event_type=OTHER_TYPE)
        page = await find_deliveries(api.pipeline, me(api), query, budget_s=0)
        assert (page.deliveries, page.complete) == ([], False)
        assert page.reaches_back_to is not None
        assert page.older is not None
        rest = await find_deliveries(api.pipeline, me(api), DeliveryQuery(event_type=OTHER_TYPE, after=page.older))
        assert [one.hook_id for one in rest.deliveries] == [other.id]
        assert rest.complete
        ready = await find(api, statuses={"PENDING", "RETRYING"}, hook_id=hook.id)
        assert ready.complete


@with_api()
async def test_many_that_wait_are_found_row_by_row(api: Api) -> None:
    before = delivery_search.FEW_WAITING
    delivery_search.FEW_WAITING = 3
    try:
        async with receiving(204) as good:
            await api.add_hook(good.url, delivery_policy=PAUSED)
            await api.publish(*[EVENT] * 7)
            assert [one.status for one in (await find(api, statuses={"HELD"})).deliveries] == ["HELD"] * 7
    finally:
        delivery_search.FEW_WAITING = before


@with_api(limit_events_per_24h=2)
async def test_what_the_quota_holds_is_found_as_held(api: Api) -> None:
    async with receiving(204) as good:
        await api.add_hook(good.url, delivery_policy=ONCE)
        await api.publish(*[EVENT] * 5)
        await settled(api, DELIVERED=2, HELD=3)
        found = await find(api, statuses={"HELD"})
    assert [one.hold_reason for one in found.deliveries] == ["QUOTA"] * 3
    assert all(one.next_attempt for one in found.deliveries)


@with_api()
async def test_another_orgs_deliveries_are_neither_found_nor_a_cursor(api: Api) -> None:
    async with receiving(204) as good:
        hook = await api.add_hook(good.url, delivery_policy=ONCE)
        await api.publish(EVENT)
        await settled(api, DELIVERED=1)
        [ours] = (await find(api)).deliveries
        stranger = msgspec.structs.replace(me(api), org_id="00o" + "z" * 17)
        for statuses in ((), ("FAILED",), ("DELIVERED",), ("HELD",)):
            page = await find_deliveries(api.pipeline, stranger, DeliveryQuery(statuses=frozenset(statuses)))
            assert page.deliveries == []
        for query in (DeliveryQuery(after=ours.id), DeliveryQuery(hook_id=hook.id)):
            with pytest.raises(module.InvalidError):
                await find_deliveries(api.pipeline, stranger, query)


# ---- over the API ----------------------------------------------------------------------------------------------------


@with_api()
async def test_the_api_lists_them_with_links_that_lead_through_all(api: Api) -> None:
    async with receiving(204) as good, receiving(500) as bad:
        hooks = await varied(api, good.url, bad.url)
        path, ids = "/api/v1/deliveries?limit=4", []
        while path:
            answer = await api.call("GET", path)
            assert answer.status_code == 200, answer.text
            ids += [one["id"] for one in answer.json()]
            path = answer.links.get("next", {}).get("url", "")
        assert len(set(ids)) == len(ids) == 9
        query = f"hookId={hooks['FAILED']}&status=FAILED,RETRYING&reason=STATUS&eventType={EVENT['eventType']}"
        answer = await api.call("GET", f"/api/v1/deliveries?{query}&since=2020-01-01T00:00:00Z")
        assert [one["hookName"] for one in answer.json()] == ["fails", "fails"]
        for span, many in (("endedSince=2020-01-01T00:00Z", 5), ("endedUntil=2020-01-01T00:00Z", 0)):
            assert len((await api.call("GET", f"/api/v1/deliveries?{span}")).json()) == many, span
        assert list(answer.json()[0]) == [
            *("id", "eventId", "hookId", "hookName", "origin", "status", "endReason", "holdReason", "eventCount"),
            *("eventTypes", "created", "ended", "attemptCount", "lastAttempt", "nextAttempt"),
        ]


@with_api()
async def test_every_problem_of_a_query_is_named(api: Api) -> None:
    query = "status=GONE&reason=WHIM&eventType=" + "x" * 256 + "&since=yesterday&until=soon&endedSince=x&endedUntil=y"
    told = assert_error(await api.call("GET", f"/api/v1/deliveries?{query}"), 400, "E0000001")
    fields = [cause["errorSummary"].partition(":")[0] for cause in told["errorCauses"]]
    assert fields == ["status", "reason", "eventType", "since", "until", "endedSince", "endedUntil"]
    for query, field in (
        ("hookId=whoNOBODY", "hookId"),
        ("after=nonsense", "after"),
        ("after=019ab1c2-3d4e-7f50-8a6b-7c8d9e0f1a2b", "after"),
        ("limit=0", "limit"),
        ("since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z", "since"),
        ("endedSince=2026-01-02T00:00:00Z&endedUntil=2026-01-01T00:00:00Z", "endedSince"),
    ):
        told = assert_error(await api.call("GET", f"/api/v1/deliveries?{query}"), 400, "E0000001")
        assert [cause["errorSummary"].partition(":")[0] for cause in told["errorCauses"]] == [field]


@with_api()
async def test_the_api_answers_504_and_never_a_short_page(api: Api) -> None:
    async with receiving(204) as good:
        await api.add_hook(good.url, delivery_policy=ONCE)
        for _ in range(12):
            await api.publish(*[EVENT] * 100)
        with pytest.raises(QueryTimeoutError):
            await module.list_all_deliveries(
                api.pipeline, me(api), DeliveryQuery(event_type="no.such.type"), budget_s=0
            )
