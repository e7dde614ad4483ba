"""The process dies at every named place of one event's walk; nothing that it acknowledged may be missing afterwards."""

from __future__ import annotations

import random
import shutil
import time

import pytest
from support.api import Api
from support.publisher import (
    Publisher,
    assert_one_delivery_each,
    assert_one_outcome_each,
    assert_repeats_are_equal,
    batches_of,
)
from support.receiver import HANG, Receiver
from support.server import Server

from tenterhook.failpoints import NAMES

KILLED = 137
#: Single events, one commit each, then more at once than a lane holds in memory: claims from the database too.
SIZES = (*[1] * 8, 300, 300)
#: Passed once, while a process starts.
AT_START = ("recover.before_commit", "recover.after_commit")
#: At which passages to die, where it is not the first and the fifth. The first commits are the start's own: the link
#: that opens the console.
PASSAGES = {
    "claim.before_commit": (1, 2),
    "commit.after": (5, 8),
    "deliver.before_send": (1, 200),
    "deliver.after_send": (1, 200),
}

SWEEP = [(name, nth) for name in NAMES if name not in AT_START for nth in PASSAGES.get(name, (1, 5))]


@pytest.fixture(scope="module")
def receiver():
    with Receiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def prepared(receiver, tmp_path_factory):
    """A data directory with a verified hook, to be copied; and the hook's id."""
    data = tmp_path_factory.mktemp("prepared") / "data"
    with Server(data, TENTERHOOK_DEV="1") as server, Api(server.start()) as api:
        hook_id = api.verified_hook(receiver.url(), maxEventsPerRequest=1)
        assert server.stop() == 0
    return data, hook_id


@pytest.fixture
def server(prepared, data, receiver):
    shutil.copytree(prepared[0], data)
    receiver.requests.clear()
    receiver.answer = lambda received: 204
    with Server(data, TENTERHOOK_DEV="1") as server:
        yield server


def settle_down(server, receiver, publisher, hook_id):
    """Publish the rest to a fresh process, wait until all is delivered, and check every promise."""
    with Api(server) as api:
        for thread in publisher.publish_all(server):
            thread.join(30)
        assert not publisher.waiting
        receiver.wait(lambda: receiver.uuids() >= publisher.acknowledged, 30)
        api.until(lambda: not api.deliveries(hook_id, status="PENDING"))
        assert_one_outcome_each(api.deliveries(hook_id), publisher.acknowledged)
        assert publisher.conflicts == 0
    assert_one_delivery_each(receiver.deliveries)
    assert_repeats_are_equal(receiver.deliveries)


@pytest.mark.parametrize(("name", "nth"), SWEEP)
def test_nothing_acknowledged_is_lost_when_the_process_dies_at(name, nth, server, receiver, prepared):
    publisher = Publisher(batches_of(random.Random(f"{name}:{nth}"), SIZES))
    server.start(FAILPOINT=f"{name}:{nth}")
    for thread in publisher.publish_all(server):
        thread.join(30)
    assert server.wait() == KILLED, "the failpoint was not reached"
    before = receiver.uuids()
    server.start()
    settle_down(server, receiver, publisher, prepared[1])
    assert before <= receiver.uuids()
    assert server.stop() == 0


@pytest.mark.parametrize("name", AT_START)
def test_nothing_acknowledged_is_lost_when_a_recovering_process_dies_at(name, server, receiver, prepared):
    receiver.answer = lambda received: HANG
    publisher = Publisher(batches_of(random.Random(name), (20, 280)))
    server.start()
    for thread in publisher.publish_all(server):
        thread.join(30)
    receiver.wait_for_deliveries(3)
    server.kill()
    server.launch(FAILPOINT=f"{name}:1")
    assert server.wait() == KILLED, "the failpoint was not reached"
    receiver.answer = lambda received: 204
    server.start()
    settle_down(server, receiver, publisher, prepared[1])
    assert assert_repeats_are_equal(receiver.deliveries) >= 3


def test_an_event_whose_answer_was_lost_is_a_duplicate_when_it_is_published_again(server, receiver, prepared):
    (batch,) = batches_of(random.Random(4), (3,))
    publisher = Publisher([batch])
    server.start(FAILPOINT="publish.before_answer:1")
    for thread in publisher.publish_all(server):
        thread.join(30)
    assert server.wait() == KILLED
    assert publisher.waiting == [batch]
    with Api(server.start()) as api:
        answer = api.ok("POST", "/events", [{"uuid": one, "eventType": "user.lifecycle.create"} for one in batch])
        assert [answer["accepted"], answer["duplicates"]] == [0, 3]


def test_an_attempt_whose_outcome_was_not_recorded_is_made_again_under_the_same_event_id(server, receiver, prepared):
    server.start(FAILPOINT="settle.before_commit:1")
    with Api(server) as api:
        api.publish()
    assert server.wait() == KILLED
    (first,) = receiver.deliveries
    with Api(server.start()) as api:
        again = receiver.wait_for_deliveries(2)[1]
        assert again.body == first.body
        assert again.event_id == first.event_id
        delivery = api.only_delivery(prepared[1], "DELIVERED")
        assert delivery["id"] == first.event_id


def test_a_retry_that_was_booked_survives_the_process_that_booked_it(server, receiver, prepared):
    receiver.answer = lambda received: 500
    with Api(server.start()) as api:
        api.publish()
        api.only_delivery(prepared[1], "RETRYING")
    server.kill()
    receiver.answer = lambda received: 204
    seen = len(receiver.deliveries)
    time.sleep(1.3)  # the second try became due while nothing ran
    with Api(server.start()) as api:
        receiver.wait_for_deliveries(seen + 1)
        delivery = api.only_delivery(prepared[1], "DELIVERED")
    assert len({one.body for one in receiver.deliveries}) == 1
    assert [one["outcome"] for one in delivery["attempts"]] == ["FAILED"] * seen + ["DELIVERED"]
