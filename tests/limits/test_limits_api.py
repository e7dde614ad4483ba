"""GET /api/v1/limits, the quota as the API shows it, and what the log is told of too many calls."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from api_rig import EVENT, Api, api_at, receiving, until, with_api

from tenterhook.domain.quota import WINDOW_MS
from tenterhook.domain.timestamp import format_ms
from tenterhook.door.rate_limit import RateLimits

LIMITS = "/api/v1/limits"
START = 1_767_323_045_678


async def limits(api: Api) -> dict[str, dict[str, Any]]:
    answer = await api.call("GET", LIMITS)
    assert answer.status_code == 200, answer.text
    return {one["name"]: one for one in answer.json()}


async def logged(api: Api, event_type: str) -> list[dict[str, Any]]:
    answer = await api.call("GET", "/api/v1/logs", params={"filter": f'eventType eq "{event_type}"', "limit": "100"})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()
    return found


def shown(one: dict[str, Any]) -> tuple[Any, ...]:
    return one["used"], one["limit"], one["unit"], one["windowSeconds"]


@pytest.mark.parametrize(
    ("profile", "wanted"),
    [
        ("open", (None, None, None, None, None)),
        ("okta", (400_000, 25, 300, 100, 50)),
        ("okta-2021", (100_000, 10, 300, 100, 50)),
    ],
)
def test_each_profile_carries_its_contracts_limits(
    tmp_path: Path, profile: str, wanted: tuple[int | None, ...]
) -> None:
    events, hooks, types, inline_hooks, hook_keys = wanted

    @with_api(profile=profile)
    async def story(api: Api) -> None:
        found = await limits(api)
        assert shown(found["eventsTriggeringHooks"]) == (0, events, "events", 86_400)
        assert shown(found["eventHooks"]) == (0, hooks, "hooks", None)
        assert shown(found["eventTypesPerHook"]) == (0, types, "types", None)
        assert shown(found["inlineHooks"]) == (0, inline_hooks, "hooks", None)
        assert shown(found["hookKeys"]) == (0, hook_keys, "keys", None)
        assert found["eventsTriggeringHooks"]["reset"] is None

    story(tmp_path)


@with_api(limit_events_per_24h=10, retention_log_days=7)
async def test_limits_show_what_is_used_and_which_setting_decides(api: Api) -> None:
    async with receiving(204) as receiver:
        await api.add_hook(receiver.url)
        await api.add_hook(receiver.url, verification_status="UNVERIFIED", ever_verified=False)
        before = api.pipeline.now_ms()
        await api.publish(*[EVENT] * 4)
        await api.publish({"eventType": "nobody.wants.this"})
        found = await limits(api)
    assert shown(found["eventsTriggeringHooks"]) == (4, 10, "events", 86_400)
    assert found["eventsTriggeringHooks"]["reset"] >= format_ms(before + WINDOW_MS)
    assert shown(found["eventHooks"]) == (1, None, "hooks", None)
    assert shown(found["eventTypesPerHook"]) == (1, None, "types", None)
    assert shown(found["logRetention"]) == (None, 7, "days", None)
    assert shown(found["attemptRetention"]) == (None, 30, "days", None)
    sizes = {name: one["limit"] for name, one in found.items() if one["scope"] == "REQUEST"}
    assert sizes == {
        "publishBody": 8 * 1024 * 1024,
        "eventsPerPublish": 1000,
        "event": 256 * 1024,
        "jsonBody": 1024 * 1024,
    }
    settings = {one["setting"] for one in found.values()} - {None}
    assert all(name.removeprefix("TENTERHOOK_").lower() in type(api.hooks.settings).model_fields for name in settings)


@with_api(limits=RateLimits(management=5, logs=7, verification=9))
async def test_limits_show_the_calls_of_the_calling_token(api: Api) -> None:
    await logged(api, "a.b")
    other = (await api.call("POST", "/api/v1/api-tokens", json={"name": "other", "role": "SUPER_ADMIN"})).json()
    found = await limits(api)
    assert shown(found["managementCalls"]) == (2, 5, "calls", 60)
    assert shown(found["logQueries"]) == (1, 7, "calls", 60)
    assert shown(found["verifications"]) == (0, 9, "calls", 60)
    assert found["managementCalls"]["reset"] is not None
    assert found["verifications"]["reset"] is None
    headers = {"Authorization": f"SSWS {other['token']}"}
    theirs = {one["name"]: one for one in (await api.client.get(LIMITS, headers=headers)).json()}
    assert theirs["managementCalls"]["used"] == 1


@with_api()
async def test_who_reads_the_log_reads_the_limits_and_a_publisher_does_not(api: Api) -> None:
    statuses = {}
    for role in ("READ_ONLY_ADMIN", "HOOKS_ADMIN", "PUBLISHER"):
        made = (await api.call("POST", "/api/v1/api-tokens", json={"name": role, "role": role})).json()
        answer = await api.client.get(LIMITS, headers={"Authorization": f"SSWS {made['token']}"})
        statuses[role] = answer.status_code
    assert statuses == {"READ_ONLY_ADMIN": 200, "HOOKS_ADMIN": 200, "PUBLISHER": 403}
    assert (await api.client.get(LIMITS)).status_code == 401


# ---- the quota -------------------------------------------------------------------------------------------------------


@with_api(limit_events_per_24h=2)
async def test_what_the_quota_holds_is_shown_as_held_with_the_time_when_it_goes(api: Api) -> None:
    async with receiving(204) as receiver:
        hook = await api.add_hook(receiver.url)
        for _ in range(4):
            await api.publish()

        async def two_delivered() -> bool:
            return len(await api.deliveries(hook, "?status=DELIVERED")) == 2

        await until(two_delivered)
        held = await api.deliveries(hook, "?status=HELD")
        assert [one["holdReason"] for one in held] == ["QUOTA"] * 2
        assert await api.deliveries(hook, "?status=PENDING") == []
        reset = (await limits(api))["eventsTriggeringHooks"]["reset"]
        assert {one["nextAttempt"] for one in held} == {reset}
        assert len(receiver.requests) == 2
        assert len(await logged(api, "system.operation.rate_limit.violation")) == 1
        paused = hook.delivery_policy.model_copy(update={"paused": True})
        hook = await api.change_hook(hook, delivery_policy=paused)
        assert [one["holdReason"] for one in await api.deliveries(hook, "?status=HELD")] == ["PAUSED"] * 2


@with_api(limit_events_per_24h=1)
async def test_what_the_quota_holds_is_not_let_out_by_a_retry(api: Api) -> None:
    async with receiving(204) as receiver:
        hook = await api.add_hook(receiver.url)
        for _ in range(3):
            await api.publish()
        held = await api.deliveries(hook, "?status=HELD")
        answer = await api.call("POST", f"/api/v1/deliveries/{held[0]['id']}/retry")
        assert answer.status_code == 400
        (cause,) = answer.json()["errorCauses"]
        assert "TENTERHOOK_LIMIT_EVENTS_PER_24H" in cause["errorSummary"]
        assert held[0]["nextAttempt"] in cause["errorSummary"]
        assert len(await api.deliveries(hook, "?status=HELD")) == 2


@with_api(limit_events_per_24h=1)
async def test_what_was_cancelled_while_the_quota_held_it_is_not_let_out_by_a_retry(api: Api) -> None:
    async with receiving(204) as receiver:
        hook = await api.add_hook(receiver.url)
        for _ in range(3):
            await api.publish()
        held = await api.deliveries(hook, "?status=HELD")
        path = f"/api/v1/deliveries/{held[0]['id']}"
        assert (await api.call("POST", f"{path}/cancel")).status_code == 200
        answer = await api.call("POST", f"{path}/retry")
        assert answer.status_code == 400
        assert "cancelled" in answer.text
        late = api.pipeline.now_ms() + 5 * 86_400_000
        api.pipeline.now_ms = lambda: late
        assert (await api.call("POST", f"{path}/retry")).status_code == 400, "later, its place is another's"


@with_api(limit_events_per_24h=1)
async def test_a_retry_is_no_event_and_spends_nothing(api: Api) -> None:
    async with receiving(400) as receiver:
        hook = await api.add_hook(receiver.url)
        await api.publish()
        await api.wait_for(hook, "RETRYING")
        (one,) = await api.deliveries(hook)
        for count in (2, 3):
            await api.call("POST", f"/api/v1/deliveries/{one['id']}/retry")
            await until(lambda count=count: len(receiver.requests) >= count)
        assert (await limits(api))["eventsTriggeringHooks"]["used"] == 1


def test_what_was_held_is_sent_after_a_start_without_the_limit(tmp_path: Path) -> None:
    async def walk() -> None:
        async with receiving(204) as receiver:
            async with api_at(tmp_path / "data", limit_events_per_24h=1) as api:
                hook = await api.add_hook(receiver.url)
                uuids = [*await api.publish(), *await api.publish(), *await api.publish()]
                await until(lambda: len(receiver.requests) == 1)
                assert len(await api.deliveries(hook, "?status=HELD")) == 2
            async with api_at(tmp_path / "data", limit_events_per_24h=1) as api:
                assert len(await api.deliveries(hook, "?status=HELD")) == 2, "the same limit changes nothing"
            async with api_at(tmp_path / "data") as api:
                await until(lambda: len(receiver.requests) == 3)
                assert all(any(uuid.encode() in raw for raw in receiver.requests) for uuid in uuids)

    asyncio.run(asyncio.wait_for(walk(), 60))


# ---- too many calls --------------------------------------------------------------------------------------------------


@with_api(limits=RateLimits(logs=2))
async def test_log_queries_beyond_their_limit_get_429_with_oktas_headers(api: Api) -> None:
    answers = [await api.call("GET", "/api/v1/logs?limit=1") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.headers["x-rate-limit-remaining"] for answer in answers] == ["1", "0", "0"]
    refused = answers[-1]
    assert refused.json()["errorCode"] == "E0000047"
    assert refused.headers["x-rate-limit-limit"] == "2"
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert int(refused.headers["x-rate-limit-reset"]) > api.pipeline.now_ms() // 1000
    assert (await api.call("GET", LIMITS)).status_code == 200, "other calls are counted apart"


@with_api(limits=RateLimits(management=2))
async def test_the_log_is_told_once_a_minute_that_an_org_calls_too_often(api: Api) -> None:
    now = START
    api.pipeline.now_ms = lambda: now
    api.frame.state.limiter._now_ms = lambda: now

    async def refusals(count: int) -> None:
        for _ in range(count + 2):
            status = (await api.call("GET", "/api/v1/api-tokens")).status_code
        assert status == 429

    async def told(count: int) -> bool:
        return len(await logged(api, "system.org.rate_limit.violation")) == count

    await refusals(20)
    await until(lambda: told(1))
    now += 60_000
    await refusals(20)
    await until(lambda: told(2))
    event = (await logged(api, "system.org.rate_limit.violation"))[-1]
    assert event["outcome"]["result"] == "DENY"
    data = event["debugContext"]["debugData"]
    assert (data["rateLimitBucket"], data["rateLimitThreshold"]) == ("management", "2")


@with_api(limits=RateLimits(failures=1))
async def test_who_has_no_valid_token_writes_nothing_to_the_log(api: Api) -> None:
    before = (await api.call("GET", "/api/v1/logs?limit=1000")).json()
    for n in range(10):
        await api.client.get(LIMITS, headers={"Authorization": f"SSWS 00{'x' * 40}{n}"})
    await api.publish({"eventType": "after.all"})
    after = (await api.call("GET", "/api/v1/logs?limit=1000")).json()
    assert [one["eventType"] for one in after if one not in before] == ["after.all"]
