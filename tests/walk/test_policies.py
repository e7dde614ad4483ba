"""What becomes of deliveries whose receiver fails, by retry policy, on real receivers."""

from __future__ import annotations

import socket
import threading
from datetime import UTC, datetime

import pytest
from support.api import TYPE, Api
from support.receiver import CUT, HANG, Receiver, reply


@pytest.fixture
def api(server):
    with Api(server) as api:
        yield api


def failing(receiver, answer):
    """Make *receiver* answer so to every delivery (it still echoes challenges)."""
    receiver.answer = lambda received: answer
    return receiver


def outcomes(delivery):
    return [(one["outcome"], one["reason"], one["status"]) for one in delivery["attempts"]]


def waited_s(delivery):
    """Return how long after its last attempt had ended a delivery is to be tried again."""
    last = delivery["attempts"][-1]
    ended = datetime.fromisoformat(last["started"]).timestamp() + last["phasesMs"]["total"] / 1000
    return datetime.fromisoformat(delivery["nextAttempt"]).timestamp() - ended


def assert_all_equal(receiver):
    assert len(set(receiver.bodies())) == 1


ENDS = [
    # policy, what the receiver does, outcomes of all attempts, why it ended
    ("okta", 500, [("FAILED", "STATUS", 500)] * 2, "EXHAUSTED"),
    ("okta", 404, [("FAILED", "STATUS", 404)], "REFUSED"),
    ("okta", 410, [("FAILED", "STATUS", 410)], "REFUSED"),
    ("okta", 302, [("FAILED", "STATUS", 302)], "REFUSED"),
    ("okta", HANG, [("FAILED", "TIMEOUT", None)] * 2, "EXHAUSTED"),
    ("okta", CUT, [("FAILED", "RESET", None)] * 2, "EXHAUSTED"),
    ("okta", b"SSH-2.0-nonsense\r\n", [("FAILED", "PROTOCOL", None)] * 2, "EXHAUSTED"),
    ("okta-2021", 500, [("FAILED", "STATUS", 500)], "REFUSED"),
    ("okta-2021", 404, [("FAILED", "STATUS", 404)], "REFUSED"),
    ("okta-2021", HANG, [("FAILED", "TIMEOUT", None)], "REFUSED"),
]


@pytest.mark.parametrize(("policy", "answer", "expected", "reason"), ENDS)
def test_a_failed_delivery_ends_as_its_policy_says(policy, answer, expected, reason, api, receiver):
    hook_id = api.verified_hook(failing(receiver, answer).url(), retry=policy, timeoutSeconds=1)
    api.publish()
    delivery = api.only_delivery(hook_id, "FAILED")
    assert outcomes(delivery) == expected
    assert delivery["endReason"] == reason
    assert delivery["nextAttempt"] is None
    assert len(receiver.deliveries) == len(expected)
    assert_all_equal(receiver)


@pytest.mark.parametrize("answer", [500, 404, 302, HANG, CUT])
def test_a_durable_delivery_is_tried_again_after_any_failure_and_once_more_minutes_later(answer, api, receiver):
    hook_id = api.verified_hook(failing(receiver, answer).url(), retry="durable", timeoutSeconds=1)
    api.publish()
    api.until(lambda: len(api.deliveries(hook_id)[0]["attempts"]) == 2)
    delivery = api.only_delivery(hook_id, "RETRYING")
    assert 240 - 1 <= waited_s(delivery) <= 360 + 1
    assert len(receiver.deliveries) == 2
    assert_all_equal(receiver)


def test_the_first_retry_comes_after_about_a_second(api, receiver):
    hook_id = api.verified_hook(failing(receiver, 500).url(), retry="durable")
    api.publish()
    delivery = api.only_delivery(hook_id, "RETRYING")
    assert delivery["attempts"][0]["number"] == 1
    if len(delivery["attempts"]) == 1:
        assert 0.7 <= waited_s(delivery) <= 1.5
    first, second = (one["started"] for one in api.until(lambda: _tried(api, hook_id, 2))["attempts"])
    assert datetime.fromisoformat(second).timestamp() - datetime.fromisoformat(first).timestamp() >= 0.79


def _tried(api, hook_id, times):
    found = api.deliveries(hook_id)
    return found[0] if found and len(found[0]["attempts"]) >= times else None


def test_a_delivery_that_fails_once_and_then_succeeds_is_delivered(api, receiver):
    receiver.answer = lambda received: 204 if len(receiver.deliveries) else 503
    hook_id = api.verified_hook(receiver.url(), retry="okta")
    api.publish()
    delivery = api.only_delivery(hook_id, "DELIVERED")
    assert outcomes(delivery) == [("FAILED", "STATUS", 503), ("DELIVERED", None, 204)]
    assert delivery["endReason"] is None
    assert_all_equal(receiver)
    assert api.log("event_hook.delivery") == []


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_a_success(status, api, receiver):
    hook_id = api.verified_hook(failing(receiver, status).url(), retry="okta-2021")
    api.publish()
    assert outcomes(api.only_delivery(hook_id, "DELIVERED")) == [("DELIVERED", None, status)]


@pytest.mark.parametrize("policy", ["okta", "okta-2021"])
def test_a_refused_connection_is_tried_again_under_both_okta_policies(policy, api):
    with Receiver() as gone:
        hook_id = api.verified_hook(gone.url(), retry=policy)
    api.publish()
    delivery = api.only_delivery(hook_id, "FAILED")
    assert outcomes(delivery) == [("FAILED", "CONNECT", None)] * 2
    assert delivery["endReason"] == "EXHAUSTED"


def test_a_failed_tls_handshake_is_tried_again_under_the_policy_of_2021(data, tls, ca_file, server_on):
    with Receiver(tls=tls) as receiver:
        server = server_on(TENTERHOOK_DEV="1", TENTERHOOK_EGRESS_CA_FILE=str(ca_file))
        with Api(server.start()) as api:
            hook_id = api.verified_hook(receiver.url(), retry="okta-2021")
        server.stop()
        del server.settings["TENTERHOOK_EGRESS_CA_FILE"]  # the operator takes the trust away
        with Api(server.start()) as api:
            api.publish()
            delivery = api.only_delivery(hook_id, "FAILED")
        assert outcomes(delivery) == [("FAILED", "TLS", None)] * 2
        assert receiver.deliveries == []


def test_a_410_ends_the_delivery_and_pauses_the_hook_under_durable(api, receiver):
    hook_id = api.verified_hook(failing(receiver, 410).url(), retry="durable")
    api.publish()
    delivery = api.only_delivery(hook_id, "FAILED")
    assert [delivery["endReason"], outcomes(delivery)] == ["GONE", [("FAILED", "STATUS", 410)]]
    hook = api.ok("GET", f"/eventHooks/{hook_id}")
    assert hook["deliveryPolicy"]["paused"] is True
    assert [hook["status"], hook["verificationStatus"]] == ["ACTIVE", "VERIFIED"]
    api.publish()
    later = api.until(lambda: api.deliveries(hook_id, status="HELD"))
    assert [one["holdReason"] for one in later] == ["PAUSED"]
    failing(receiver, 204)
    api.change_hook(hook_id, policy={"paused": False})
    receiver.wait(lambda: set(later[0]["events"]) <= receiver.uuids())
    assert len(receiver.deliveries) == 2


def test_a_410_of_an_address_that_the_hook_has_left_does_not_pause_the_new_one(api, receiver):
    arrived, slow = threading.Event(), threading.Event()

    def gone(request):
        arrived.set()
        slow.wait(10)
        return 410

    with Receiver() as new:
        receiver.answer = gone
        hook_id = api.verified_hook(receiver.url("/old"), retry="durable", timeoutSeconds=20)
        api.publish()
        assert arrived.wait(10)  # the receiver itself can be asked nothing while it answers
        api.change_hook(hook_id, uri=new.url("/new"))
        api.verify(hook_id)
        slow.set()
        assert api.only_delivery(hook_id, "FAILED")["endReason"] == "GONE"
        assert api.ok("GET", f"/eventHooks/{hook_id}")["deliveryPolicy"]["paused"] is False
        api.publish()
        new.wait_for_deliveries(1)


def test_a_retry_after_lengthens_the_wait_and_at_most_doubles_it(api, receiver):
    answer = reply(503, [("Retry-After", "86400")])
    retry = {"waitsSeconds": [100, 100], "retryOn": ["5XX"]}
    durable = api.verified_hook(failing(receiver, answer).url(), name="durable", retry="durable")
    custom = api.verified_hook(receiver.url(), name="custom", retry=retry)
    api.publish()
    api.until(lambda: _tried(api, durable, 2))
    # 5 minutes ± 20 %, doubled; a policy that spells out its waits keeps to them.
    assert 480 - 1 <= waited_s(api.only_delivery(durable, "RETRYING")) <= 720 + 1
    assert 80 - 1 <= waited_s(api.only_delivery(custom, "RETRYING")) <= 120 + 1


def test_a_policy_of_ones_own_is_followed_to_its_end(api, receiver):
    retry = {"waitsSeconds": [0.05, 0.1, 0.05], "retryOn": ["4XX"]}
    hook_id = api.verified_hook(failing(receiver, 404).url(), retry=retry)
    api.publish()
    delivery = api.only_delivery(hook_id, "FAILED")
    assert [one["number"] for one in delivery["attempts"]] == [1, 2, 3, 4]
    assert delivery["endReason"] == "EXHAUSTED"
    assert_all_equal(receiver)


def test_a_failure_is_logged_when_the_quick_retry_has_failed_and_again_when_the_delivery_ends(api, receiver):
    retry = {"waitsSeconds": [0.05, 0.05, 0.05], "retryOn": ["5XX"]}
    hook_id = api.verified_hook(failing(receiver, 500).url(), name="told", retry=retry)
    (uuid,) = api.publish()
    delivery = api.only_delivery(hook_id, "FAILED")
    first, last = api.log("event_hook.delivery")
    for one, attempts, outcome in ((first, "2", "RETRYING"), (last, "4", "EXHAUSTED")):
        told = one["debugContext"]["debugData"]
        assert [told["eventId"], told["attempts"], told["finalOutcome"]] == [delivery["id"], attempts, outcome]
        assert one["outcome"]["result"] == "FAILURE"
        assert "500" in one["outcome"]["reason"]
        assert [one["target"][0]["id"], one["target"][0]["displayName"]] == [hook_id, "told"]
    assert delivery["events"] == [uuid]


def test_a_failure_that_ends_at_the_quick_retry_is_logged_once(api, receiver):
    hook_id = api.verified_hook(failing(receiver, 500).url(), retry="okta")
    api.publish()
    api.only_delivery(hook_id, "FAILED")
    assert len(api.log("event_hook.delivery")) == 1


def test_one_delivery_that_fails_does_not_hold_up_the_next(api, receiver):
    receiver.answer = lambda received: 500 if received.uuids == [bad] else 204
    hook_id = api.verified_hook(receiver.url(), retry="durable", maxEventsPerRequest=1, maxConcurrency=1)
    (bad,) = [None]
    bad = "11111111-1111-4111-8111-111111111111"
    api.publish(bad)
    good = api.publish(*[None] * 20)
    receiver.wait(lambda: receiver.uuids() >= set(good))
    assert len(api.deliveries(hook_id, status="RETRYING")) == 1


# -- a person's retry and cancel ---------------------------------------------------------------------------------------


def test_a_failed_delivery_that_is_retried_by_hand_has_the_same_event_id_and_bytes(api, receiver):
    hook_id = api.verified_hook(failing(receiver, 404).url(), retry="okta")
    api.publish()
    failed = api.only_delivery(hook_id, "FAILED")
    failing(receiver, 204)
    api.ok("POST", f"/deliveries/{failed['id']}/retry")
    delivered = api.only_delivery(hook_id, "DELIVERED")
    assert [one["number"] for one in delivered["attempts"]] == [1, 2]
    assert delivered["endReason"] is None
    assert_all_equal(receiver)
    assert len(receiver.deliveries) == 2


def test_a_waiting_retry_that_is_retried_by_hand_goes_now(api, receiver):
    retry = {"waitsSeconds": [3600], "retryOn": ["5XX"]}
    hook_id = api.verified_hook(failing(receiver, 500).url(), retry=retry)
    api.publish()
    waiting = api.only_delivery(hook_id, "RETRYING")
    failing(receiver, 204)
    api.ok("POST", f"/deliveries/{waiting['id']}/retry")
    api.only_delivery(hook_id, "DELIVERED")
    assert_all_equal(receiver)


def test_a_retry_by_hand_that_fails_does_not_use_up_the_schedule(api, receiver):
    retry = {"waitsSeconds": [3600, 7200], "retryOn": ["5XX"]}
    hook_id = api.verified_hook(failing(receiver, 500).url(), retry=retry)
    api.publish()
    delivery_id = api.only_delivery(hook_id, "RETRYING")["id"]
    for attempts in (2, 3, 4):
        api.ok("POST", f"/deliveries/{delivery_id}/retry")
        api.until(lambda wanted=attempts: len(api.delivery(delivery_id)["attempts"]) == wanted)
        (waiting,) = api.deliveries(hook_id, status="RETRYING")
        hours = (datetime.fromisoformat(waiting["nextAttempt"]) - datetime.now(UTC)).total_seconds() / 3600
        assert hours < 1.3, "the wait after the first try, and not the one after the second"


def test_a_failed_delivery_that_fails_again_by_hand_has_failed_again(api, receiver):
    hook_id = api.verified_hook(failing(receiver, 500).url(), retry="okta-2021")
    api.publish()
    failed = api.only_delivery(hook_id, "FAILED")
    api.ok("POST", f"/deliveries/{failed['id']}/retry")
    receiver.wait_for_deliveries(2)
    api.until(lambda: api.deliveries(hook_id)[0]["status"] == "FAILED")
    assert len(api.delivery(failed["id"])["attempts"]) == 2


def test_a_cancelled_delivery_is_not_sent_again(api, receiver):
    retry = {"waitsSeconds": [0.5], "retryOn": ["5XX"]}
    hook_id = api.verified_hook(failing(receiver, 500).url(), retry=retry, maxEventsPerRequest=1)
    api.publish()
    waiting = api.only_delivery(hook_id, "RETRYING")
    cancelled = api.ok("POST", f"/deliveries/{waiting['id']}/cancel")
    assert [cancelled["status"], cancelled["endReason"]] == ["FAILED", "CANCELLED"]
    # The next event fails and is retried after the same wait: by then the cancelled one had its turn, had it been due.
    api.publish()
    receiver.wait_for_deliveries(3)
    assert [one.event_id for one in receiver.deliveries].count(waiting["id"]) == 1
    assert api.call("POST", f"/deliveries/{waiting['id']}/cancel").status == 400


def test_a_delivery_cancelled_in_flight_can_be_retried_and_delivered(api, receiver):
    hook_id = api.verified_hook(failing(receiver, HANG).url(), retry="durable", timeoutSeconds=1)
    api.publish()
    (got,) = receiver.wait_for_deliveries(1)
    api.ok("POST", f"/deliveries/{got.event_id}/cancel")
    api.until(lambda: len(api.delivery(got.event_id)["attempts"]) == 1)  # the time-out was recorded all the same
    assert api.delivery(got.event_id)["endReason"] == "CANCELLED"
    failing(receiver, 204)
    api.ok("POST", f"/deliveries/{got.event_id}/retry")
    delivered = api.only_delivery(hook_id, "DELIVERED")
    assert [one["number"] for one in delivered["attempts"]] == [1, 2]
    assert_all_equal(receiver)


def test_a_delivery_cancelled_and_retried_while_its_attempt_is_under_way_does_not_stop_the_lane(api, receiver):
    hook_id = api.verified_hook(failing(receiver, HANG).url(), retry="durable", timeoutSeconds=2)
    api.publish()
    (got,) = receiver.wait_for_deliveries(1)
    api.ok("POST", f"/deliveries/{got.event_id}/cancel")
    failing(receiver, 204)
    api.call("POST", f"/deliveries/{got.event_id}/retry")
    (later,) = api.publish()
    receiver.wait(lambda: later in receiver.uuids())
    api.until(lambda: len(api.deliveries(hook_id, status="DELIVERED")) == 2)
    assert_one_row_each(api.deliveries(hook_id))


def assert_one_row_each(deliveries):
    ids = [one["id"] for one in deliveries]
    assert len(ids) == len(set(ids))


def test_the_types_of_our_own_failures_are_not_published_to_hooks(api, receiver):
    answer = api.call("POST", "/events", {"eventType": "event_hook.delivery"})
    assert answer.status == 400
    answer = api.call("POST", "/events", {"eventType": TYPE})
    assert answer.status == 200


# -- addresses ---------------------------------------------------------------------------------------------------------


def test_a_receiver_that_accepts_and_says_nothing_is_a_time_out(api, receiver):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        hook_id = api.verified_hook(receiver.url(), retry="okta-2021", timeoutSeconds=1)
        api.publish()
        api.only_delivery(hook_id, "DELIVERED")
        changed = api.change_hook(hook_id, uri=f"http://127.0.0.1:{silent.getsockname()[1]}/")
        assert changed["verificationStatus"] == "UNVERIFIED"
        answer = api.call("POST", f"/eventHooks/{hook_id}/lifecycle/verify")
        assert answer.status == 400
        assert api.log("event_hook.verified")[-1]["outcome"]["result"] == "FAILURE"
