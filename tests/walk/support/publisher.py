"""A client as the contract asks for one: it numbers its events itself and repeats what was not acknowledged."""

from __future__ import annotations

import http.client
import json
import threading
import uuid

from support.api import TYPE, Api

#: What a client sees of a server that dies: no connection, a cut one, half an answer.
LOST = (OSError, http.client.HTTPException, json.JSONDecodeError)


def batches_of(random, sizes):
    """Return one batch of fresh uuids for each size; the uuids are as reproducible as *random*."""
    return [[str(uuid.UUID(int=random.getrandbits(128), version=4)) for _ in range(size)] for size in sizes]


class Publisher:
    """Publishes batches of uuids; keeps what was acknowledged apart from what must be repeated."""

    def __init__(self, batches):
        self.waiting = list(batches)
        self.acknowledged: set[str] = set()
        self.conflicts = 0
        self._lock = threading.Lock()

    def publish_all(self, server, allowance=None, connections=1):
        """Publish until all is acknowledged, the server is lost or *allowance* events are acknowledged."""
        threads = [threading.Thread(target=self._run, args=(server, allowance)) for _ in range(connections)]
        for thread in threads:
            thread.start()
        return threads

    def _run(self, server, allowance):
        try:
            with Api(server) as api:
                while (batch := self._next(allowance)) is not None:
                    self._send(api, batch)
        except LOST:
            return

    def _next(self, allowance):
        with self._lock:
            if not self.waiting or (allowance is not None and len(self.acknowledged) >= allowance):
                return None
            return self.waiting.pop(0)

    def _send(self, api, batch):
        acknowledged = False
        try:
            answer = api.call("POST", "/events", [{"uuid": one, "eventType": TYPE} for one in batch])
            acknowledged = answer.status == 200
            told = answer.json["events"] if acknowledged else []
        finally:
            with self._lock:
                if acknowledged:
                    self.acknowledged.update(batch)
                    self.conflicts += sum(one.get("conflict", False) for one in told)
                else:
                    self.waiting.insert(0, batch)  # under the same uuids, as soon as there is a server again


def assert_repeats_are_equal(deliveries):
    """Check that every repeat of a delivery has the same bytes; return how many repeats there were."""
    bodies: dict[str, bytes] = {}
    repeats = 0
    for one in deliveries:
        known = bodies.setdefault(one.event_id, one.body)
        assert known == one.body, f"{known!r} then {one.body!r}"
        repeats += known is not one.body
    return repeats


def assert_one_delivery_each(deliveries):
    """Check that no event came to one path under two eventIds."""
    homes: dict[tuple[str, str], str] = {}
    for one in deliveries:
        event_id = one.event_id
        for event in one.uuids:
            home = homes.setdefault((one.path, event), event_id)
            assert home == event_id, f"{event} came to {one.path} in {home} and in {event_id}"


def assert_one_outcome_each(deliveries, wanted):
    """Check that the API shows each of *wanted* in exactly one delivery of the hook, and that one DELIVERED."""
    homes: dict[str, list[str]] = {}
    for one in deliveries:
        for event in one["events"]:
            homes.setdefault(event, []).append(one["status"])
    wrong = {event: homes.get(event) for event in wanted if homes.get(event) != ["DELIVERED"]}
    assert not wrong
