"""The figures after `kill -9`: what they count is what the rows say."""

from __future__ import annotations

import random
import time

import apsw
from support.api import Api
from support.publisher import Publisher, batches_of
from support.receiver import Receiver
from support.server import Server

from tenterhook.store.database import Database
from tenterhook.store.migrate import migrate
from tenterhook.store.tallies import ALL, Grain, folded, has_notes, replace, series, starts_of

EVENTS, KILLS, SEED = 2_000, 5, 20261123


class Moody:
    """Answers 500 to every seventh request."""

    def __init__(self):
        self.count = 0

    def __call__(self, received):
        self.count += 1
        return 500 if self.count % 7 == 0 else 204


def in_rows(path):
    """Return (delivered, failed attempts, ended FAILED) by the rows themselves."""
    connection = apsw.Connection(str(path))
    try:
        [(delivered, ended)] = connection.execute("SELECT sum(state = 2), sum(state = 3) FROM delivery")
        [(failed,)] = connection.execute("SELECT count(*) FROM attempt WHERE outcome = 'FAILED'")
        return delivered, failed, ended
    finally:
        connection.close()


def counted(tx, org_id):
    now = time.time_ns() // 1_000_000
    found = series(tx, org_id, ALL, Grain.HOUR, starts_of(Grain.HOUR, now - 3 * Grain.HOUR, now + 1)).values()
    return (
        sum(one.delivered for one in found),
        sum(one.failed_attempts for one in found),
        sum(one.ended_failed for one in found),
    )


def test_no_end_is_lost_or_counted_twice_by_kills(data):
    chance = random.Random(SEED)
    publisher = Publisher(batches_of(chance, [20] * (EVENTS // 20)))
    with Receiver(answer=Moody()) as receiver, Server(data, TENTERHOOK_DEV="1") as server:
        with Api(server.start()) as api:
            policy = {"retry": {"waitsSeconds": [0.1], "retryOn": ["5XX", "CONNECT", "RESET", "TIMEOUT"]}}
            api.verified_hook(receiver.url("/in"), maxEventsPerRequest=1, **policy)
        for life in range(KILLS):
            threads = publisher.publish_all(server, EVENTS * (life + 1) // KILLS, connections=2)
            # The ends are added up at the start and every five seconds: some lives die during it, some between.
            time.sleep(chance.choice((0.1, 0.4, 2.0)))
            server.kill()
            for thread in threads:
                thread.join(30)
            server.start()
        for thread in publisher.publish_all(server, connections=2):
            thread.join(60)
        time.sleep(1.0)
        server.stop()
    rows = in_rows(data / "tenterhook.db")
    assert min(rows) > 0, "each kind of end happened"
    database = Database(data / "tenterhook.db")
    try:
        database.run_now(migrate)
        org_id = database.run_now(lambda tx: tx.driver.execute("SELECT id FROM org").fetchone()[0])
        assert database.run_now(lambda tx: counted(tx, org_id)) == rows
        while database.run_now(has_notes):
            database.run_now(lambda tx: replace(tx, folded(tx)))
        assert database.run_now(lambda tx: counted(tx, org_id)) == rows
    finally:
        database._connection.close()
