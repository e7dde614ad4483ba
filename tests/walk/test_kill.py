"""Ten times `kill -9` at random moments while 10,000 events are published."""

from __future__ import annotations

import random
import time

from support.api import Api
from support.publisher import (
    Publisher,
    assert_one_delivery_each,
    assert_one_outcome_each,
    assert_repeats_are_equal,
    batches_of,
)
from support.receiver import Receiver
from support.server import Server

EVENTS, KILLS, SEED = 10_000, 10, 20261122


def sizes(chance):
    """Return sizes of batches, from single events to a hundred, that add up to all events."""
    left = EVENTS
    while left:
        size = min(left, chance.choice((1, 1, 1, 5, 20, 50, 100)))
        left -= size
        yield size


class Moody:
    """Answers 500 to the first try of every thirtieth delivery."""

    def __init__(self):
        self.seen = set()

    def __call__(self, received):
        event_id = received.event_id
        first = event_id not in self.seen
        self.seen.add(event_id)
        return 500 if first and len(self.seen) % 30 == 0 else 204


def test_ten_thousand_events_survive_ten_kills(data):
    chance = random.Random(SEED)
    publisher = Publisher(batches_of(chance, list(sizes(chance))))
    with Receiver(answer=Moody()) as receiver, Server(data, TENTERHOOK_DEV="1") as server:
        with Api(server.start()) as api:
            policy = {"retry": {"waitsSeconds": [0.2] * 10, "retryOn": ["5XX", "CONNECT", "RESET", "TIMEOUT"]}}
            singly = api.verified_hook(receiver.url("/singly"), name="singly", maxEventsPerRequest=1, **policy)
            many = api.verified_hook(receiver.url("/many"), name="many", maxEventsPerRequest=100, **policy)
        for life in range(KILLS):
            threads = publisher.publish_all(server, EVENTS * (life + 1) // (KILLS + 1), connections=4)
            time.sleep(chance.uniform(0.02, 0.6))
            server.kill()
            for thread in threads:
                thread.join(30)
            server.start()
        assert publisher.waiting, "all was published before the last kill"
        for thread in publisher.publish_all(server, connections=4):
            thread.join(60)
        assert not publisher.waiting
        assert len(publisher.acknowledged) == EVENTS
        for path in ("/singly", "/many"):
            receiver.wait(lambda path=path: receiver.uuids(path) >= publisher.acknowledged, 60)
        with Api(server) as api:
            for hook_id in (singly, many):
                api.until(lambda hook_id=hook_id: not api.deliveries(hook_id, status="PENDING"))
                api.until(lambda hook_id=hook_id: not api.deliveries(hook_id, status="RETRYING"))
                assert_one_outcome_each(api.deliveries(hook_id), publisher.acknowledged)
        assert publisher.conflicts == 0
        assert_one_delivery_each(receiver.deliveries)
        assert assert_repeats_are_equal(receiver.deliveries), "no kill came between an answer and its record"
        assert server.stop() == 0
