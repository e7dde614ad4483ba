"""A hung receiver beside a healthy one: it costs itself its pace, and nobody else anything."""

from __future__ import annotations

import json
import time

import pytest
from support.api import TYPE, Api
from support.receiver import HANG, Receiver
from support.server import Server

BACKLOG = 100_000
#: Only time-outs are tried again, and that so late that no retry disturbs a test.
ONCE = {"retry": {"waitsSeconds": [3600], "retryOn": ["TIMEOUT"]}, "maxEventsPerRequest": 1}


@pytest.fixture
def hung():
    with Receiver(answer=lambda received: HANG) as hung:
        yield hung


@pytest.fixture
def api(server):
    with Api(server) as api:
        yield api


def test_a_healthy_receiver_gets_everything_while_a_hung_one_gets_nothing_done(api, hung, receiver):
    sick = api.verified_hook(hung.url(), name="hung", timeoutSeconds=30, **ONCE)
    api.verified_hook(receiver.url(), name="healthy", maxEventsPerRequest=1)
    uuids = api.publish(*[None] * 1000)
    receiver.wait(lambda: receiver.uuids() >= set(uuids))
    pending = api.deliveries(sick)
    assert len(pending) == 1000
    assert {one["status"] for one in pending} == {"PENDING"}


def test_a_hung_receiver_on_the_same_host_and_port_does_not_hold_up_another_hook(api):
    def answer(received):
        return HANG if received.path == "/hung" else 204

    with Receiver(answer=answer) as both:
        api.verified_hook(both.url("/hung"), name="hung", timeoutSeconds=30, **ONCE)
        api.verified_hook(both.url("/healthy"), name="healthy", maxEventsPerRequest=1)
        uuids = api.publish(*[None] * 500)
        both.wait(lambda: both.uuids("/healthy") >= set(uuids))


def test_the_window_of_a_hung_receiver_shrinks_to_one_connection(api, hung):
    api.verified_hook(hung.url(), timeoutSeconds=1, maxConcurrency=16, **ONCE)
    api.publish(*[None] * 100)
    arrived = hung.wait_for_deliveries(16 + 3)
    assert max(one.in_flight for one in arrived) == 16
    # The sender may open the next connection a moment before this receiver has seen the last one close.
    assert all(one.in_flight <= 2 for one in arrived[17:])


def test_the_window_grows_back_when_the_receiver_answers_again(api, hung):
    api.verified_hook(hung.url(), timeoutSeconds=1, maxConcurrency=4, **ONCE)
    api.publish(*[None] * 200)
    hung.wait_for_deliveries(6)
    hung.answer = lambda received: 204
    hung.wait_for_deliveries(150)
    hung.answer = lambda received: HANG
    began = len(hung.deliveries)
    hung.wait_for_deliveries(began + 4)
    assert max(one.in_flight for one in hung.deliveries[began:]) >= 3


def fill(api, count):
    """Publish *count* events a thousand at a time."""
    body = json.dumps([{"eventType": TYPE}] * 1000).encode()
    for _ in range(count // 1000):
        assert api.call("POST", "/events", body).status == 200


def pace(api, calls=300):
    """Return how long the median single publish takes, in seconds."""
    times = []
    for _ in range(calls):
        began = time.perf_counter()
        api.ok("POST", "/events", {"eventType": TYPE})
        times.append(time.perf_counter() - began)
    return sorted(times)[calls // 2]


def test_a_hundred_thousand_waiting_deliveries_slow_neither_publishing_nor_start_nor_fill_memory(data, hung, receiver):
    with Server(data, TENTERHOOK_DEV="1") as server:
        with Api(server.start()) as api:
            sick = api.verified_hook(hung.url(), name="hung", timeoutSeconds=30, **ONCE)
            before = pace(api)
            fill(api, BACKLOG)
            assert server.rss_mb("VmHWM") < 160
        server.kill()
        server.start()
        assert server.ready_s < 5
        with Api(server) as api:
            healthy = api.verified_hook(receiver.url(), name="healthy", maxEventsPerRequest=1)
            # Both hooks match now: twice the rows an event, and a hundred thousand more behind the sick one's lane.
            after = pace(api)
            (last,) = api.publish()
            receiver.wait(lambda: last in receiver.uuids())
            assert len(receiver.deliveries) == 301
            assert after < 5 * before + 0.005
            assert server.rss_mb("VmHWM") < 160
            receiver.wait(lambda: api.deliveries(healthy, status="PENDING") == [])
            assert api.ok("GET", f"/eventHooks/{sick}/deliveries?limit=1&status=PENDING")
        # The sick receiver recovers: the backlog goes out, oldest first, past what a lane holds in memory.
        hung.answer = lambda received: 204
        server.kill()
        server.start()
        hung.wait(lambda: len({one.event_id for one in hung.deliveries}) >= 2000)
        assert server.rss_mb("VmHWM") < 160
