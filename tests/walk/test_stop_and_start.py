"""A graceful stop, and every reason for which a start is refused."""

from __future__ import annotations

import os
import re
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.api import Api
from support.receiver import HANG

REFUSED = 2


def refusal(server, **extra):
    """Start a process that must refuse to run; return what it said."""
    port = extra.pop("port", 0)
    server.launch(port=port, **extra)
    code = server.wait()
    said = server.errors()
    assert code == REFUSED, said
    assert "Traceback" not in said
    return said


def test_a_stop_with_a_hung_receiver_ends_in_time_and_the_delivery_goes_out_afterwards(server, receiver):
    receiver.answer = lambda received: HANG
    with Api(server) as api:
        hook_id = api.verified_hook(receiver.url(), timeoutSeconds=30)
        api.publish()
        (first,) = receiver.wait_for_deliveries(1)
    began = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - began < 10
    receiver.answer = lambda received: 204
    with Api(server.start()) as api:
        again = receiver.wait_for_deliveries(2)[1]
        assert again.body == first.body
        delivery = api.only_delivery(hook_id, "DELIVERED")
    assert [(one["outcome"], one["reason"]) for one in delivery["attempts"]] == [
        ("FAILED", "INTERRUPTED"),
        ("DELIVERED", None),
    ]


def test_a_stop_lets_what_is_in_flight_finish_and_so_causes_no_repeat(server, receiver):
    answers = iter([HANG])
    receiver.answer = lambda received: next(answers, 204)
    with Api(server) as api:
        hook_id = api.verified_hook(receiver.url(), timeoutSeconds=2, maxEventsPerRequest=1, retry="okta-2021")
        api.publish(*[None] * 200)
        receiver.wait_for_deliveries(1)
    assert server.stop() == 0
    with Api(server.start()) as api:
        api.until(lambda: len(api.deliveries(hook_id, status="DELIVERED")) == 199)
        api.until(lambda: len(api.deliveries(hook_id, status="FAILED")) == 1)
    ids = [one.event_id for one in receiver.deliveries]
    assert len(ids) == len(set(ids)) == 200


def test_an_idle_server_stops_at_once_with_exit_code_zero(server):
    assert server.stop(5) == 0


def test_a_publisher_whose_call_is_under_way_when_the_server_stops_gets_its_answer(server, receiver):
    with Api(server) as api:
        api.verified_hook(receiver.url())
        uuids = api.publish(*[None] * 1000)
    assert server.stop() == 0
    with Api(server.start()):
        receiver.wait(lambda: receiver.uuids() >= set(uuids))


def test_a_second_process_on_the_same_data_directory_is_refused(server, server_on):
    said = refusal(server_on(TENTERHOOK_DEV="1"))
    assert str(server.pid) in said
    assert str(server.data) in said
    with Api(server) as api:
        assert api.publish()


def test_a_taken_port_is_refused_and_named(server_on):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert str(port) in refusal(server_on(), port=port)


def test_a_database_of_a_newer_version_is_refused_and_left_alone(server, data):
    assert server.stop() == 0
    with sqlite3.connect(data / "tenterhook.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    assert "newer" in refusal(server)
    with sqlite3.connect(data / "tenterhook.db") as database:
        assert database.execute("SELECT version_num FROM alembic_version").fetchall() == [("9999",)]
    database.close()


@pytest.mark.parametrize("name", ["secret-key", "admin-token"])
def test_an_unreadable_secret_file_is_refused_and_named(name, server, data):
    assert server.stop() == 0
    (data / name).unlink()
    (data / name).mkdir()  # root may read every file, but nobody a directory
    assert name in refusal(server)


def test_a_key_file_that_holds_no_key_is_refused_in_words(server, data):
    assert server.stop() == 0
    (data / "secret-key").write_text("not a key\n")
    assert "key" in refusal(server).replace("DEVELOPMENT", "")


def test_another_key_than_the_one_that_sealed_the_secrets_is_refused_in_words(server, receiver, data):
    with Api(server) as api:
        api.create_hook(receiver.url(), secret="a secret")
    assert server.stop() == 0
    said = refusal(server, TENTERHOOK_SECRET_KEYS="A" * 43 + "=")
    assert "key" in said


def test_a_data_directory_that_is_a_file_is_refused(data, server_on):
    data.write_text("")
    assert str(data) in refusal(server_on())


def test_a_file_that_is_no_database_is_refused(server, data):
    assert server.stop() == 0
    for name in ("tenterhook.db", "tenterhook.db-wal"):
        (data / name).write_bytes(os.urandom(16384))
    assert "tenterhook.db" in refusal(server)


def test_the_files_of_secrets_are_for_their_owner_alone(server, data):
    for name in ("secret-key", "admin-token"):
        assert (data / name).stat().st_mode & 0o777 == 0o600
    assert data.stat().st_mode & 0o777 == 0o700


def test_every_life_after_the_first_keeps_the_admin_token(server):
    token = server.token
    server.kill()
    server.start()
    assert server.token == token
    with Api(server) as api:
        assert api.ok("GET", "/eventHooks") == []


def test_the_readme_s_program_delivers_to_a_hook_that_a_server_in_development_made(server, receiver, data):
    with Api(server) as api:
        hook_id = api.verified_hook(receiver.url())
    assert server.stop() == 0
    text = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    (program,) = re.findall(r"```python\n(.*?)```", text, re.S)
    assert '"tenterhook-data"' in program
    subprocess.run(
        [sys.executable, "-c", program.replace('"tenterhook-data"', repr(str(data)))], check=True, timeout=30
    )
    # Whether it went out before the block closed or waits for the next start: it is on its way.
    with Api(server.start()) as api:
        attempts = api.only_delivery(hook_id, "DELIVERED")["attempts"]
    assert {one["reason"] for one in attempts} <= {None, "INTERRUPTED"}, attempts
