"""Nothing is discarded silently: what a hook holds, for how long, and what becomes of it."""

from __future__ import annotations

import pytest
from support.api import Api
from support.receiver import HANG, Receiver


@pytest.fixture
def api(server):
    with Api(server) as api:
        yield api


def held(api, hook_id, count):
    """Wait until the hook holds *count* deliveries, and return them oldest first."""
    found = api.until(lambda: _exactly(api.deliveries(hook_id, status="HELD"), count))
    return found[::-1]


def _exactly(found, count):
    return found if len(found) == count else None


def test_an_event_for_a_hook_that_was_never_verified_is_not_matched(api, receiver):
    hook = api.create_hook(receiver.url())
    (before,) = api.publish()
    assert api.deliveries(hook["id"]) == []
    api.verify(hook["id"])
    (after,) = api.publish()
    (got,) = receiver.wait_for_deliveries(1)
    assert got.uuids == [after]
    (why,) = api.ok("GET", f"/logs/{before}/deliveries")
    assert why["hookId"] == hook["id"]
    assert why["deliveries"] == []


def test_a_hook_whose_url_changed_holds_and_delivers_to_the_new_one_when_verified(api, receiver):
    hook_id = api.verified_hook(receiver.url("/old"), maxEventsPerRequest=1)
    with Receiver() as new:
        assert api.change_hook(hook_id, uri=new.url("/new"))["verificationStatus"] == "UNVERIFIED"
        uuids = api.publish(*[None] * 3)
        waiting = held(api, hook_id, 3)
        assert [one["holdReason"] for one in waiting] == ["UNVERIFIED"] * 3
        api.verify(hook_id)
        got = new.wait_for_deliveries(3)
        assert sorted(one.event_id for one in got) == sorted(one["id"] for one in waiting)
        assert new.uuids() == set(uuids)
        assert {one.json["source"] for one in got} == {f"{api.url}/api/v1/eventHooks/{hook_id}"}
        assert {one.path for one in got} == {"/new"}
        assert receiver.deliveries == []


def test_what_was_held_keeps_source_and_bytes_under_another_public_url(server, receiver):
    with Api(server) as api:
        hook_id = api.verified_hook(receiver.url(), paused=True)
        first_url = api.url
        api.publish()
        (waiting,) = held(api, hook_id, 1)
    assert server.stop() == 0
    with Api(server.start()) as api:
        assert api.url != first_url
        api.change_hook(hook_id, policy={"paused": False})
        (got,) = receiver.wait_for_deliveries(1)
        assert got.event_id == waiting["id"]
        assert got.json["source"] == f"{first_url}/api/v1/eventHooks/{hook_id}"
        assert got.json["eventTime"] == waiting["created"]


def test_a_paused_hook_holds_and_delivers_when_it_goes_on(api, receiver):
    hook_id = api.verified_hook(receiver.url(), maxEventsPerRequest=1)
    api.change_hook(hook_id, policy={"paused": True})
    uuids = api.publish(*[None] * 5)
    assert [one["holdReason"] for one in held(api, hook_id, 5)] == ["PAUSED"] * 5
    assert receiver.deliveries == []
    api.change_hook(hook_id, policy={"paused": False})
    receiver.wait(lambda: receiver.uuids() == set(uuids))
    api.until(lambda: len(api.deliveries(hook_id, status="DELIVERED")) == 5)


def test_an_inactive_hook_holds_what_it_had_and_matches_nothing_new(api, receiver):
    hook_id = api.verified_hook(receiver.url(), maxEventsPerRequest=1)
    api.change_hook(hook_id, policy={"paused": True})
    (before,) = api.publish()
    held(api, hook_id, 1)
    api.ok("POST", f"/eventHooks/{hook_id}/lifecycle/deactivate")
    api.change_hook(hook_id, policy={"paused": False})
    assert [one["holdReason"] for one in held(api, hook_id, 1)] == ["INACTIVE"]
    (meanwhile,) = api.publish()
    api.ok("POST", f"/eventHooks/{hook_id}/lifecycle/activate")
    (after,) = api.publish()
    receiver.wait(lambda: receiver.uuids() >= {before, after})
    api.until(lambda: len(api.deliveries(hook_id, status="DELIVERED")) == 2)
    assert meanwhile not in receiver.uuids()


def test_a_manual_retry_of_a_held_delivery_does_not_break_the_hold(api, receiver):
    hook_id = api.verified_hook(receiver.url(), paused=True)
    api.publish()
    (waiting,) = held(api, hook_id, 1)
    again = api.ok("POST", f"/deliveries/{waiting['id']}/retry")
    assert [again["status"], again["holdReason"]] == ["HELD", "PAUSED"]
    api.change_hook(hook_id, policy={"paused": False})
    (got,) = receiver.wait_for_deliveries(1)
    assert got.event_id == waiting["id"]
    api.only_delivery(hook_id, "DELIVERED")
    assert len(receiver.deliveries) == 1


def test_a_held_delivery_can_be_cancelled(api, receiver):
    hook_id = api.verified_hook(receiver.url(), paused=True, maxEventsPerRequest=1)
    api.publish(None, None)
    first, second = held(api, hook_id, 2)
    api.ok("POST", f"/deliveries/{first['id']}/cancel")
    api.change_hook(hook_id, policy={"paused": False})
    receiver.wait_for_deliveries(1)
    api.until(lambda: api.delivery(second["id"])["status"] == "DELIVERED")
    assert [one.event_id for one in receiver.deliveries] == [second["id"]]


def test_the_queue_of_a_deleted_hook_ends_failed_and_the_log_says_so(api, receiver):
    hook_id = api.verified_hook(receiver.url(), maxEventsPerRequest=1)
    api.change_hook(hook_id, policy={"paused": True})
    (uuid, *_) = api.publish(*[None] * 3)
    held(api, hook_id, 3)
    api.ok("POST", f"/eventHooks/{hook_id}/lifecycle/deactivate")
    assert api.call("DELETE", f"/eventHooks/{hook_id}").status == 204
    ended = api.until(lambda: _exactly(api.deliveries(hook_id, status="FAILED"), 3))
    assert {one["endReason"] for one in ended} == {"HOOK_DELETED"}
    (told,) = api.until(lambda: api.log("event_hook.delivery"))
    assert [told["target"][0]["id"], told["outcome"]["result"]] == [hook_id, "FAILURE"]
    assert told["debugContext"]["debugData"]["finalOutcome"] == "HOOK_DELETED"
    assert receiver.deliveries == []
    (why,) = api.ok("GET", f"/logs/{uuid}/deliveries")
    assert [one["endReason"] for one in why["deliveries"]] == ["HOOK_DELETED"]


def test_what_is_in_flight_when_its_hook_is_deleted_still_ends(api):
    retry = {"waitsSeconds": [1], "retryOn": ["TIMEOUT"]}
    with Receiver(answer=lambda received: HANG) as hung:
        hook_id = api.verified_hook(hung.url(), retry=retry, timeoutSeconds=1, maxEventsPerRequest=1)
        api.publish(*[None] * 20)
        hung.wait_for_deliveries(1)
        api.ok("POST", f"/eventHooks/{hook_id}/lifecycle/deactivate")
        assert api.call("DELETE", f"/eventHooks/{hook_id}").status == 204
        # What was in flight is settled when its time is over; the rest of the queue is looked after now and then.
        api.until(lambda: _exactly(api.deliveries(hook_id, status="FAILED"), 20), 60, every_s=0.5)


def test_what_was_held_survives_a_kill(server, receiver):
    with Api(server) as api:
        hook_id = api.verified_hook(receiver.url(), paused=True)
        uuids = api.publish(None, None)
    server.kill()
    with Api(server.start()) as api:
        held(api, hook_id, 1)
        assert receiver.deliveries == []
        api.change_hook(hook_id, policy={"paused": False})
        receiver.wait(lambda: receiver.uuids() == set(uuids))
