"""Deliveries as people see and steer them, and where one event went."""

from __future__ import annotations

import asyncio

import msgspec
from api_rig import EVENT, Api, receiving, until, with_api
from test_frame import assert_error

from tenterhook.domain.attempt import Attempt
from tenterhook.domain.channel import AuthScheme, Channel, Config, Header
from tenterhook.domain.delivery_policy import CustomRetry, DeliveryPolicy
from tenterhook.domain.event_hook import Events
from tenterhook.domain.secret import Secret
from tenterhook.store.transaction import Tx

ONCE = DeliveryPolicy(retry=CustomRetry(waits_seconds=(), retry_on=()))
LATER = DeliveryPolicy(retry=CustomRetry(waits_seconds=(3600,), retry_on=("5XX",)))
PAUSED = DeliveryPolicy(retry="durable", paused=True)


async def steer(api: Api, delivery: dict, verb: str) -> dict:
    answer = await api.call("POST", f"/api/v1/deliveries/{delivery['id']}/{verb}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def refused(api: Api, delivery: dict, verb: str) -> str:
    told = assert_error(await api.call("POST", f"/api/v1/deliveries/{delivery['id']}/{verb}"), 400, "E0000001")
    assert told["errorSummary"] == "Api validation failed: delivery"
    assert len(told["errorCauses"]) == 1
    return told["errorCauses"][0]["errorSummary"]


@with_api()
async def test_a_delivery_is_shown_with_what_was_sent_and_what_came_back(api: Api) -> None:
    async with receiving(200, b"thank you") as receiver:
        config = Config(
            uri=receiver.url,
            headers=(Header(key="X-Own", value="v"),),
            auth_scheme=AuthScheme(key="Authorization"),
        )
        hook = await api.add_hook(receiver.url, channel=Channel(config=config), secret=Secret("a-secret-text"))
        [uuid] = await api.publish()
        listed = await api.wait_for(hook, "DELIVERED")
        answer = await api.call("GET", f"/api/v1/deliveries/{listed['id']}")
    assert answer.status_code == 200
    shown = answer.json()
    assert list(shown) == [
        *("id", "eventId", "hookId", "origin", "parentId", "status", "endReason", "holdReason", "events", "created"),
        *("nextAttempt", "attempts"),
    ]
    assert shown["id"] == shown["eventId"]
    assert shown["eventId"].encode() in receiver.requests[0]
    assert (shown["hookId"], shown["origin"], shown["parentId"]) == (hook.id, "PUBLISH", None)
    assert (shown["endReason"], shown["holdReason"], shown["nextAttempt"]) == (None, None, None)
    assert shown["events"] == [uuid]
    [attempt] = shown["attempts"]
    assert list(attempt) == [
        *("number", "started", "outcome", "reason", "status", "message", "phasesMs", "request", "response"),
    ]
    assert (attempt["number"], attempt["outcome"], attempt["reason"]) == (1, "DELIVERED", None)
    assert list(attempt["phasesMs"]) == ["queue", "dns", "connect", "tls", "firstByte", "total"]
    assert attempt["response"]["body"] == "thank you"
    assert attempt["response"]["headers"]["set-cookie"] == "a=1, b=2"
    sent = attempt["request"]["headers"]
    assert sent["Authorization"] == "********"
    assert sent["X-Own"] == "v"
    assert b"authorization: a-secret-text" in receiver.requests[0].lower()
    assert f"x-okta-request-id: {sent['X-Okta-Request-Id']}".lower().encode() in receiver.requests[0].lower()
    assert "a-secret-text" not in answer.text
    assert "request" not in listed["attempts"][0]


@with_api()
async def test_at_most_four_kilobytes_of_an_answer_are_shown_and_only_text(api: Api) -> None:
    for body, shown in (("é" * 3000).encode(), "é" * 2048), (b"\xff\xfe\x00", None):
        async with receiving(200, body) as receiver:
            hook = await api.add_hook(receiver.url)
            await api.publish()
            listed = await api.wait_for(hook, "DELIVERED")
            told = (await api.call("GET", f"/api/v1/deliveries/{listed['id']}")).json()
            assert told["attempts"][0]["response"]["body"] == shown
            await api.change_hook(hook, status="INACTIVE")


@with_api()
async def test_what_a_private_receiver_answered_is_not_shown(api: Api) -> None:
    async with receiving(200, b"internal") as receiver:
        hook = await api.add_hook(receiver.url)
        await api.publish()
        listed = await api.wait_for(hook, "DELIVERED")
        path = f"/api/v1/deliveries/{listed['id']}"
        [before] = (await api.call("GET", path)).json()["attempts"]

        def inside_a_private_network(tx: Tx) -> None:
            [[detail]] = tx.driver.execute("SELECT detail FROM attempt").fetchall()
            changed = msgspec.structs.replace(msgspec.json.decode(detail, type=Attempt), private=True)
            tx.driver.execute("UPDATE attempt SET detail = ?", (msgspec.json.encode(changed),))

        await api.pipeline.database.write(inside_a_private_network)
        [after] = (await api.call("GET", path)).json()["attempts"]
    assert before["response"]["body"] == "internal"
    assert after["response"] is None
    assert after["status"] == 200


@with_api()
async def test_a_failed_delivery_is_retried_under_its_own_event_id(api: Api) -> None:
    async with receiving(500) as receiver:
        hook = await api.add_hook(receiver.url, delivery_policy=ONCE)
        await api.publish()
        failed = await api.wait_for(hook, "FAILED")
        assert (failed["endReason"], failed["attempts"][0]["reason"]) == ("REFUSED", "STATUS")
        receiver.status = 204
        again = await steer(api, failed, "retry")
        assert (again["id"], again["endReason"]) == (failed["id"], None)
        delivered = await api.wait_for(hook, "DELIVERED")
    assert [attempt["number"] for attempt in delivered["attempts"]] == [1, 2]
    bodies = [request.partition(b"\r\n\r\n")[2] for request in receiver.requests]
    assert bodies[0] == bodies[1]
    assert "DELIVERED" in await refused(api, delivered, "retry")
    assert "DELIVERED" in await refused(api, delivered, "cancel")


@with_api()
async def test_a_waiting_delivery_is_retried_now(api: Api) -> None:
    async with receiving(500) as receiver:
        hook = await api.add_hook(receiver.url, delivery_policy=LATER)
        await api.publish()
        waiting = await api.wait_for(hook, "RETRYING")
        assert waiting["nextAttempt"] > waiting["created"]
        receiver.status = 200
        await steer(api, waiting, "retry")
        await api.wait_for(hook, "DELIVERED")


@with_api()
async def test_a_cancelled_delivery_ends_is_logged_and_may_be_retried(api: Api) -> None:
    async with receiving(500) as receiver:
        hook = await api.add_hook(receiver.url, delivery_policy=LATER)
        await api.publish()
        waiting = await api.wait_for(hook, "RETRYING")
        ended = await steer(api, waiting, "cancel")
        assert (ended["status"], ended["endReason"], ended["nextAttempt"]) == ("FAILED", "CANCELLED", None)
        assert "FAILED" in await refused(api, ended, "cancel")
        logged = (await api.call("GET", "/api/v1/logs?sortOrder=DESCENDING&limit=5")).json()
        [event] = [
            one for one in logged if (one["outcome"] or {}).get("reason") == "The delivery was cancelled by an admin."
        ]
        assert event["eventType"] == "event_hook.delivery"
        assert event["debugContext"]["debugData"]["finalOutcome"] == "CANCELLED"
        receiver.status = 200
        await steer(api, ended, "retry")
        await api.wait_for(hook, "DELIVERED")


@with_api()
async def test_what_is_under_way_is_cancelled_at_once_and_its_attempt_still_recorded(api: Api) -> None:
    async with receiving(200, hangs=True) as receiver:
        hook = await api.add_hook(receiver.url, delivery_policy=DeliveryPolicy(retry="durable", timeout_seconds=20))
        await api.publish()
        await receiver.arrived.wait()
        [running] = await api.deliveries(hook)
        assert running["status"] == "PENDING"
        assert "under way" in await refused(api, running, "retry")
        ended = await steer(api, running, "cancel")
        assert (ended["status"], ended["attempts"]) == ("FAILED", [])
        receiver.gate.set()

        async def recorded() -> bool:
            return bool((await api.deliveries(hook))[0]["attempts"])

        await until(recorded)
        [shown] = await api.deliveries(hook)
        assert (shown["status"], shown["endReason"]) == ("FAILED", "CANCELLED")
        assert shown["attempts"][0]["outcome"] == "DELIVERED"
        await steer(api, ended, "retry")
        again = await api.wait_for(hook, "DELIVERED")
    assert [attempt["number"] for attempt in again["attempts"]] == [1, 2]


@with_api()
async def test_the_late_outcome_of_a_cancelled_attempt_does_not_settle_the_retry(api: Api) -> None:
    async with receiving(200, hangs=True) as receiver:
        receiver.later = asyncio.Event()
        hook = await api.add_hook(receiver.url, delivery_policy=DeliveryPolicy(retry="durable", timeout_seconds=20))
        await api.publish()
        await receiver.arrived.wait()
        [running] = await api.deliveries(hook)
        await steer(api, running, "cancel")
        await steer(api, running, "retry")
        await until(lambda: len(receiver.requests) == 2)
        receiver.gate.set()

        async def recorded() -> bool:
            return bool((await api.deliveries(hook))[0]["attempts"])

        await until(recorded)
        [shown] = await api.deliveries(hook)
        assert shown["status"] == "RETRYING"
        receiver.later.set()
        done = await api.wait_for(hook, "DELIVERED")
    assert [attempt["number"] for attempt in done["attempts"]] == [1, 2]


@with_api()
async def test_what_is_queued_in_a_lane_and_cancelled_is_never_sent(api: Api) -> None:
    async with receiving(200, hangs=True) as receiver:
        narrow = DeliveryPolicy(retry="durable", timeout_seconds=20, max_concurrency=1, max_events_per_request=1)
        hook = await api.add_hook(receiver.url, delivery_policy=narrow)
        await api.publish(EVENT, EVENT, EVENT)
        await receiver.arrived.wait()
        last, middle, first = await api.deliveries(hook)
        await steer(api, middle, "cancel")
        receiver.gate.set()

        async def done() -> bool:
            return [one["status"] for one in await api.deliveries(hook)] == ["DELIVERED", "FAILED", "DELIVERED"]

        await until(done)
    assert len(receiver.requests) == 2
    assert not any(middle["id"].encode() in request for request in receiver.requests)
    assert first["id"].encode() in receiver.requests[0]
    assert last["id"].encode() in receiver.requests[1]


@with_api()
async def test_a_held_delivery_says_why_and_stays_held_when_retried(api: Api) -> None:
    async with receiving(200) as receiver:
        hook = await api.add_hook(receiver.url, delivery_policy=PAUSED)
        await api.publish()
        [held] = await api.deliveries(hook)
        assert (held["status"], held["holdReason"], held["nextAttempt"]) == ("HELD", "PAUSED", None)
        again = await steer(api, held, "retry")
        assert (again["status"], again["holdReason"]) == ("HELD", "PAUSED")
        hook = await api.change_hook(hook, verification_status="UNVERIFIED")
        assert (await api.deliveries(hook))[0]["holdReason"] == "UNVERIFIED"
        hook = await api.change_hook(hook, status="INACTIVE")
        assert (await api.deliveries(hook))[0]["holdReason"] == "INACTIVE"
        assert receiver.requests == []
        running = DeliveryPolicy(retry="durable")
        await api.change_hook(hook, status="ACTIVE", verification_status="VERIFIED", delivery_policy=running)
        await api.wait_for(hook, "DELIVERED")


@with_api()
async def test_the_deliveries_of_a_hook_are_narrowed_by_status(api: Api) -> None:
    async with receiving(500) as receiver:
        hook = await api.add_hook(receiver.url, delivery_policy=LATER)
        await api.publish()
        waiting = await api.wait_for(hook, "RETRYING")

        async def statuses() -> dict[str, int]:
            names = ("PENDING", "RETRYING", "HELD", "DELIVERED", "FAILED", "SPLIT")
            return {name: len(found) for name in names if (found := await api.deliveries(hook, f"?status={name}"))}

        assert await statuses() == {"RETRYING": 1}
        hook = await api.change_hook(hook, delivery_policy=PAUSED)
        assert await statuses() == {"HELD": 1}
        await steer(api, waiting, "cancel")
        assert await statuses() == {"FAILED": 1}
        for wrong in ("failed", "READY", "", "FAILED,HELD"):
            answer = await api.call("GET", f"/api/v1/eventHooks/{hook.id}/deliveries?status={wrong}")
            assert_error(answer, 400, "E0000001")


@with_api()
async def test_the_deliveries_of_a_hook_come_in_pages_youngest_first(api: Api) -> None:
    one_each = DeliveryPolicy(retry="durable", paused=True, max_events_per_request=1)
    hook = await api.add_hook("http://127.0.0.1:9/", delivery_policy=one_each)
    uuids = await api.publish(*[EVENT] * 5)
    seen: list[str] = []
    path = f"/api/v1/eventHooks/{hook.id}/deliveries?limit=2&status=HELD"
    pages = 0
    while path:
        answer = await api.call("GET", path)
        seen += [event for one in answer.json() for event in one["events"]]
        pages += 1
        lines = answer.headers.get_list("link")
        assert lines[0].endswith('; rel="self"')
        path = ""
        if len(lines) == 2:
            assert lines[1].endswith('; rel="next"')
            assert "status=HELD" in lines[1]
            path = lines[1].partition(">")[0].removeprefix("<" + api.pipeline.public_url)
    assert (pages, seen) == (3, uuids[::-1])
    for query in ("after=x", "after=0199b8a4-0000-7000-8000-000000000000", "limit=201", "limit=0", "after="):
        answer = await api.call("GET", f"/api/v1/eventHooks/{hook.id}/deliveries?{query}")
        assert_error(answer, 400, "E0000001")


@with_api()
async def test_an_unknown_delivery_or_hook_is_not_found(api: Api) -> None:
    unknown = "0199b8a4-0000-7000-8000-000000000000"
    for method, path, kind in (
        ("GET", f"/api/v1/deliveries/{unknown}", "Delivery"),
        ("POST", f"/api/v1/deliveries/{unknown}/retry", "Delivery"),
        ("POST", f"/api/v1/deliveries/{unknown}/cancel", "Delivery"),
        ("GET", "/api/v1/eventHooks/whoNobody/deliveries", "Webhook"),
        ("GET", f"/api/v1/logs/{unknown}/deliveries", "LogEvent"),
    ):
        told = assert_error(await api.call(method, path), 404, "E0000007")
        assert told["errorSummary"] == f"Not found: Resource not found: {path.split('/')[4]} ({kind})"


@with_api()
async def test_a_deleted_hooks_deliveries_are_shown_and_cannot_be_retried(api: Api) -> None:
    hook = await api.add_hook("http://127.0.0.1:9/", delivery_policy=PAUSED, status="ACTIVE")
    await api.publish()
    [held] = await api.deliveries(hook)
    for verb in ("deactivate",):
        assert (await api.call("POST", f"/api/v1/eventHooks/{hook.id}/lifecycle/{verb}")).status_code == 200
    assert (await api.call("DELETE", f"/api/v1/eventHooks/{hook.id}")).status_code == 204

    async def released() -> bool:
        return (await api.deliveries(hook))[0]["status"] != "HELD"

    await until(released)
    assert "deleted" in await refused(api, held, "retry")


@with_api()
async def test_an_event_is_explained_for_every_hook_by_what_it_was_then(api: Api) -> None:
    async with receiving(200) as receiver:
        wants = await api.add_hook(receiver.url, name="wants")
        hooks = {
            "other": await api.add_hook(receiver.url, events=Events(items=("user.session.start",))),
            "off": await api.add_hook(receiver.url, status="INACTIVE"),
            "unproved": await api.add_hook(receiver.url, verification_status="UNVERIFIED", ever_verified=False),
            "held": await api.add_hook(receiver.url, verification_status="UNVERIFIED"),
        }
        [uuid] = await api.publish()
        hooks["late"] = await api.add_hook(receiver.url)
        await api.wait_for(wants, "DELIVERED")
        await api.change_hook(wants, status="INACTIVE")
        await api.change_hook(hooks["off"], status="ACTIVE")
        answer = await api.call("GET", f"/api/v1/logs/{uuid}/deliveries")
    assert answer.status_code == 200
    told = {one["hookId"]: one for one in answer.json()}
    assert len(told) == 6
    assert list(told[wants.id]) == [
        *("hookId", "name", "matched", "reason", "hookVersion", "status", "verificationStatus", "deliveries"),
    ]
    assert told[wants.id]["matched"] is True
    assert (told[wants.id]["name"], told[wants.id]["status"]) == ("wants", "ACTIVE")
    [delivery] = told[wants.id]["deliveries"]
    assert (delivery["status"], delivery["attempts"][0]["status"]) == ("DELIVERED", 200)
    for name, word in (
        ("other", "subscribe"),
        ("off", "INACTIVE"),
        ("unproved", "never been verified"),
        ("late", "did not exist"),
    ):
        found = told[hooks[name].id]
        assert (found["matched"], found["deliveries"]) == (False, []), name
        assert word in found["reason"]
    held = told[hooks["held"].id]
    assert held["matched"] is True
    assert "held" in held["reason"]
    assert held["deliveries"][0]["holdReason"] == "UNVERIFIED"


@with_api()
async def test_the_explanation_of_an_event_hints_at_a_slip_in_its_type(api: Api) -> None:
    [slip] = await api.publish({"eventType": "user.lifecycle.creat"})
    [known] = await api.publish()
    hint = (await api.call("GET", f"/api/v1/logs/{slip}/deliveries")).headers["x-tenterhook-hint"]
    assert hint == "'user.lifecycle.creat' is no known event type; did you mean 'user.lifecycle.create'?"
    assert "x-tenterhook-hint" not in (await api.call("GET", f"/api/v1/logs/{known}/deliveries")).headers


@with_api()
async def test_the_explanation_of_an_event_comes_in_pages(api: Api) -> None:
    hooks = {(await api.add_hook("http://127.0.0.1:9/", delivery_policy=PAUSED)).id for _ in range(3)}
    [uuid] = await api.publish()
    first = await api.call("GET", f"/api/v1/logs/{uuid}/deliveries?limit=2")
    line = first.headers.get_list("link")[-1]
    second = await api.call("GET", line.partition(">")[0].removeprefix("<" + api.pipeline.public_url))
    assert {one["hookId"] for one in first.json() + second.json()} == hooks
    assert (len(first.json()), len(second.headers.get_list("link"))) == (2, 1)
