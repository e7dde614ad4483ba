"""How many calls a caller may make, and what is told when there were too many."""

from __future__ import annotations

from api_rig import EVENT, Api, receiving, with_api
from test_frame import assert_error

from tenterhook.door.rate_limit import MAX_WINDOWS, Bucket, Limiter, RateLimits, address_key

TOKENS = "/api/v1/api-tokens"
START = 1_767_323_045_678


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> int:
        return self.now


def limiter(clock: Clock, **limits: int) -> Limiter:
    return Limiter(RateLimits(**limits), clock)


def test_a_window_of_a_minute_begins_with_its_first_call() -> None:
    clock = Clock()
    limits = limiter(clock, management=2)
    assert [limits.count(Bucket.MANAGEMENT, "a").remaining for _ in range(2)] == [1, 0]
    refused = limits.count(Bucket.MANAGEMENT, "a")
    assert (refused.allowed, refused.remaining, refused.wait_s) == (False, 0, 60)
    assert refused.reset_s == (START + 60_000) // 1000 + 1
    clock.now += 59_999
    assert not limits.count(Bucket.MANAGEMENT, "a").allowed
    clock.now += 1
    assert limits.count(Bucket.MANAGEMENT, "a").allowed


def test_each_caller_and_each_bucket_is_counted_apart() -> None:
    limits = limiter(Clock(), management=1, logs=1)
    assert limits.count(Bucket.MANAGEMENT, "a").allowed
    assert limits.count(Bucket.MANAGEMENT, "b").allowed
    assert limits.count(Bucket.LOGS, "a").allowed
    assert not limits.count(Bucket.MANAGEMENT, "a").allowed


def test_looking_counts_nothing() -> None:
    limits = limiter(Clock(), management=1)
    assert limits.look(Bucket.MANAGEMENT, "a").remaining == 1
    assert limits.count(Bucket.MANAGEMENT, "a").allowed
    assert limits.look(Bucket.MANAGEMENT, "a").remaining == 0


def test_a_clock_set_back_does_not_close_a_window_for_ever() -> None:
    clock = Clock()
    limits = limiter(clock, management=1)
    limits.count(Bucket.MANAGEMENT, "a")
    clock.now -= 3_600_000
    assert limits.count(Bucket.MANAGEMENT, "a").allowed


def test_the_memory_of_the_limiter_is_bounded() -> None:
    limits = limiter(Clock())
    for n in range(MAX_WINDOWS + 100):
        limits.count(Bucket.FAILURES, f"10.0.0.{n}")
    assert limits.look(Bucket.FAILURES, "10.0.0.0").remaining == RateLimits().failures, "the first is forgotten"
    assert limits.look(Bucket.FAILURES, f"10.0.0.{MAX_WINDOWS + 99}").remaining == RateLimits().failures - 1


def test_an_ipv6_caller_is_counted_by_its_network() -> None:
    assert address_key("2001:db8::1") == address_key("2001:db8::ffff") != address_key("2001:db8:0:1::1")
    assert address_key("::ffff:192.0.2.1") == address_key("192.0.2.1") == "192.0.2.1"
    assert address_key(None) == ""


@with_api(limits=RateLimits(management=3))
async def test_too_many_calls_are_told_when_to_come_back(api: Api) -> None:
    remaining = [(await api.call("GET", TOKENS)).headers["x-rate-limit-remaining"] for _ in range(3)]
    assert remaining == ["2", "1", "0"]
    answer = await api.call("GET", TOKENS)
    told = assert_error(answer, 429, "E0000047")
    assert told["errorSummary"] == "API call exceeded rate limit due to too many requests."
    assert answer.headers["x-rate-limit-limit"] == "3"
    assert answer.headers["x-rate-limit-remaining"] == "0"
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert int(answer.headers["x-rate-limit-reset"]) * 1000 > api.pipeline.now_ms()
    logs = await api.call("GET", "/api/v1/logs?limit=1")
    assert logs.status_code == 200, "log queries have a bucket of their own"
    assert logs.headers["x-rate-limit-limit"] == "1200"


@with_api(limits=RateLimits(management=1))
async def test_publishing_is_not_counted(api: Api) -> None:
    for _ in range(5):
        answer = await api.call("POST", "/api/v1/events", json=EVENT)
        assert answer.status_code == 200
        assert answer.headers["x-rate-limit-remaining"] == "1"


@with_api(limits=RateLimits(failures=3))
async def test_guessing_tokens_ends_in_429_and_a_good_token_still_works(api: Api) -> None:
    statuses = []
    for n in range(6):
        headers = {
            "Authorization": f"SSWS 00{'x' * 42}{n}",
            "X-Forwarded-For": f"203.0.113.{n}",
            "Forwarded": f"for=1.2.3.{n}",
        }
        statuses.append((await api.client.get(TOKENS, headers=headers)).status_code)
    assert statuses == [401, 401, 401, 429, 429, 429]
    assert (await api.client.post("/api/v1/events", json=EVENT)).status_code == 429
    assert (await api.call("GET", TOKENS)).status_code == 200


@with_api(limits=RateLimits(verification=2))
async def test_verifications_are_counted_for_the_org_whichever_hook_and_token(api: Api) -> None:
    other = await api.call("POST", TOKENS, json={"name": "second", "role": "SUPER_ADMIN"})
    second = {"Authorization": f"SSWS {other.json()['token']}"}
    async with receiving(204) as receiver:
        paths = []
        for _ in range(3):
            hook = await api.add_hook(receiver.url)
            paths.append(f"/api/v1/eventHooks/{hook.id}/lifecycle/verify")
        statuses = [(await api.call("POST", path)).status_code for path in paths[:2]]
        asked = len(receiver.requests)
        for headers in ({}, second):
            assert_error(await api.call("POST", paths[2], headers=headers), 429, "E0000047")
    assert statuses == [400, 400], "this receiver echoes nothing"
    assert len(receiver.requests) == asked > 0, "who may not verify connects to nobody"
