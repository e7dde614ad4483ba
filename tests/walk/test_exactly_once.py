"""Everybody who reads the log while it is written to at full speed has exactly what was published: all, each once.

TENTERHOOK_SOAK_S: for how many seconds is published (6).
"""

from __future__ import annotations

import os
import random
import threading
import time
from datetime import UTC, datetime, timedelta

from support.api import Api
from support.log_readers import Poller, Tail, bounded

SOAK_S = float(os.environ.get("TENTERHOOK_SOAK_S", "6"))
PUBLISHERS = 4
CUTS = 5
KINDS = ("user.lifecycle.create", "user.session.start", "group.user_membership.add")
FILTER = 'eventType eq "user.session.start" and outcome.result eq "FAILURE"'


def moment(ago_s=0.0):
    return (datetime.now(UTC) - timedelta(seconds=ago_s)).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


class Publisher(threading.Thread):
    """Publishes as fast as it is answered: singles and batches, a tenth of them long after they happened."""

    def __init__(self, server, seed, until):
        super().__init__()
        self.server, self.chance, self.until = server, random.Random(seed), until
        self.uuids: list[str] = []
        self.failing: set[str] = set()

    def run(self):
        with Api(self.server) as api:
            while time.monotonic() < self.until:
                events = [self.event() for _ in range(self.chance.choice((1, 1, 5, 40)))]
                uuids = api.publish(*events)
                self.uuids += uuids
                chosen = zip(uuids, events, strict=True)
                self.failing |= {uuid for uuid, event in chosen if event["outcome"]["result"] == "FAILURE"}
                time.sleep(0.005)  # the readers are in this process too, and must keep up

    def event(self):
        kind = self.chance.choice(KINDS)
        failed = kind == "user.session.start" and self.chance.random() < 0.2
        event = {"eventType": kind, "outcome": {"result": "FAILURE" if failed else "SUCCESS"}}
        if self.chance.random() < 0.1:
            event["published"] = moment(self.chance.uniform(0, 80 * 86_400))
        return event


def new_tokens(server, count):
    """Return tokens, one a reader: each may ask the log 1,200 times a minute."""
    with Api(server) as api:
        made = [api.ok("POST", "/api-tokens", {"name": f"reader {n}", "role": "SUPER_ADMIN"}) for n in range(count)]
    return [one["token"] for one in made]


def published_by(server, tails):
    """Publish with several publishers for SOAK_S while the *tails* are cut now and then."""
    until = time.monotonic() + SOAK_S
    publishers = [Publisher(server, seed, until) for seed in range(PUBLISHERS)]
    for one in publishers:
        one.start()
    for _ in range(CUTS):
        time.sleep(SOAK_S / (CUTS + 1))
        for tail in tails:
            tail.cut()
    for one in publishers:
        one.join()
    return publishers


def assert_exactly(name, found, wanted):
    missing, strange = wanted - set(found), set(found) - wanted
    print(f"{name}: {len(found)} events, {len(missing)} missing, {len(found) - len(set(found))} twice")
    assert not missing, f"{name} misses {len(missing)} of {len(wanted)}, such as {sorted(missing)[:3]}"
    assert not strange, f"{name} has {len(strange)} that nobody published, such as {sorted(strange)[:3]}"
    assert len(found) == len(wanted), f"{name} has {len(found) - len(wanted)} twice"


def test_pollers_tails_and_bounded_readers_have_exactly_what_was_published(server):
    tokens = new_tokens(server, 6)
    time.sleep(0.01)
    begin, here = moment(), {"since": moment()}
    poller = Poller(server, tokens[0], limit=1000, **here)
    filtered = Poller(server, tokens[1], limit=1000, filter=FILTER, **here)
    tails = [Tail(server, tokens[2]), Tail(server, tokens[3], filter=FILTER)]
    for reader in (poller, filtered, *tails):
        reader.start()
    for tail in tails:
        assert tail.connected.wait(10)

    publishers = published_by(server, tails)
    with Api(server) as api:
        (last,) = api.publish({"eventType": "user.session.start", "outcome": {"result": "FAILURE"}})
    for reader in (poller, filtered, *tails):
        reader.until(last)

    wanted = {uuid for one in publishers for uuid in one.uuids} | {last}
    failing = {uuid for one in publishers for uuid in one.failing} | {last}
    print(f"\npublished in {SOAK_S:g} s by {PUBLISHERS}: {len(wanted)} events, of them {len(failing)} for the filter")
    assert_exactly("poller", poller.uuids, wanted)
    assert_exactly("poller with a filter", filtered.uuids, failing)
    assert_exactly(f"tail over {tails[0].connections} connections", tails[0].uuids, wanted)
    assert_exactly(f"tail with a filter over {tails[1].connections} connections", tails[1].uuids, failing)
    assert poller.uuids == tails[0].uuids, "two readers in the order of commits differ in it"
    assert min(tail.connections for tail in tails) > CUTS // 2, "the tails were hardly cut"

    window = {"since": moment(81 * 86_400), "until": moment(-60), "limit": 1000}
    for token, order in zip(tokens[4:], ("ASCENDING", "DESCENDING"), strict=True):
        found = [
            one for one in bounded(server, token, sortOrder=order, **window) if one[0] in wanted or one[1] >= begin
        ]
        assert_exactly(f"bounded, {order.lower()}", [uuid for uuid, _ in found], wanted)
        times = [published for _, published in found]
        assert times == sorted(times, reverse=order == "DESCENDING")
