"""Okta's own SDK for Python, unmodified, as a client.

It runs in a process of its own: it reads its switch for plain http from the environment, and what it warns of is not
ours to mend.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.api import Api

SCRIPT = Path(__file__).parent / "support" / "sdk_session.py"


def session(server, *what, token=None):
    """Run one conversation with the server through the SDK, and return what it saw."""
    environ = {**os.environ, "OKTA_TESTING_TESTINGDISABLEHTTPSCHECK": "true"}
    command = [sys.executable, str(SCRIPT), server.url, token or server.token, *what]
    done = subprocess.run(command, env=environ, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def seen(server, receiver):
    return session(server, "life", receiver.url("/first"), receiver.url("/second"))


def test_the_sdk_takes_a_hook_through_its_whole_life(seen, receiver):
    assert seen["created"] == ["ACTIVE", "UNVERIFIED", "SDK hook"]
    assert seen["verified"] == ["ACTIVE", "VERIFIED", "SDK hook"]
    assert seen["listed"] == [seen["id"]]
    assert seen["read"] == ["ACTIVE", "VERIFIED", "SDK hook"]
    assert seen["replaced"] == ["ACTIVE", "UNVERIFIED", "SDK hook, renamed"]
    assert seen["replaced_uri"] == receiver.url("/second")
    assert seen["verified_again"] == ["ACTIVE", "VERIFIED", "SDK hook, renamed"]
    assert seen["deactivated"] == ["INACTIVE", "VERIFIED", "SDK hook, renamed"]
    assert seen["activated"] == ["ACTIVE", "VERIFIED", "SDK hook, renamed"]
    assert seen["deleted_error"] is None
    assert seen["listed_after"] == []
    assert [one.path for one in receiver.requests] == ["/first", "/second"]
    assert [one.header("Authorization") for one in receiver.requests] == ["s3cret value", "s3cret value"]


def test_the_sdk_reads_what_became_of_the_hook_from_the_system_log(seen):
    types = [one["eventType"] for one in seen["log"]]
    assert types == [
        "event_hook.created",
        "event_hook.verified",
        "event_hook.updated",
        "event_hook.verified",
        "event_hook.deactivated",
        "event_hook.activated",
        "event_hook.deactivated",
        "event_hook.deleted",
    ]
    assert {one["target"] for one in seen["log"]} == {seen["id"]}
    assert {one["result"] for one in seen["log"]} == {"SUCCESS"}


def test_the_sdk_pages_through_published_events(server):
    with Api(server) as api:
        uuids = api.publish(*[None] * 25)
    seen = session(server, "pages")
    assert seen["uuids"] == uuids
    assert len(seen["pages"]) == 3


@pytest.mark.parametrize("order", ["ASCENDING", "DESCENDING"])
def test_the_sdk_pages_through_what_a_filter_and_keywords_let_through(server, order):
    failed = {"eventType": "user.session.start", "outcome": {"result": "FAILURE"}, "displayMessage": "sign-in by Ann"}
    with Api(server) as api:
        uuids = api.publish(*[{**failed, "outcome": {"result": ("FAILURE", "SUCCESS")[n % 2]}} for n in range(24)])
    seen = session(server, "pages", 'outcome.result eq "FAILURE"', order)
    assert sorted(seen["uuids"]) == sorted(uuids[::2])
    assert seen["pages"] == [10, 2]
    seen = session(server, "pages", "", order, "ann success")
    assert sorted(seen["uuids"]) == sorted(uuids[1::2])


def test_the_sdk_polls_from_a_time_on_to_the_tail(server):
    with Api(server) as api:
        uuids = api.publish(*[None] * 25)
        since = api.ok("GET", "/logs?limit=1")[0]["published"]
    assert session(server, "polled", since)["uuids"] == uuids


def test_the_sdk_gives_a_hook_a_filter(server, receiver):
    seen = session(server, "filtered", receiver.url())
    assert seen["type"] == "EXPRESSION_LANGUAGE"
    assert seen["event"] == "user.lifecycle.create"
    assert seen["expression"] == "event.outcome.result eq 'FAILURE'"
    with Api(server) as api:
        _, uuid, _ = api.publish(None, {"eventType": "user.lifecycle.create", "outcome": {"result": "FAILURE"}}, None)
        receiver.wait_for_deliveries(1)
    assert [one.uuids for one in receiver.deliveries] == [[uuid]]


def test_the_sdk_takes_an_inline_hook_through_its_whole_life(server):
    first, second = "http://127.0.0.1:9009/first", "http://127.0.0.1:9009/second"
    seen = session(server, "inline", first, second)
    kind = "com.okta.oauth2.tokens.transform"
    assert seen["created"] == seen["read"] == ["ACTIVE", "SDK", kind, first]
    assert (seen["listed"], seen["others"]) == ([seen["id"]], [])
    assert seen["replaced"] == ["ACTIVE", "SDK, renamed", kind, second]
    assert seen["updated"] == ["ACTIVE", "SDK, changed", kind, first]
    assert seen["active"] == [400, "E0000001", "Api validation failed: inlineHook"]
    assert seen["deactivated"][0] == "INACTIVE"
    assert seen["activated"][0] == "ACTIVE"
    assert seen["gone"] == [404, "E0000007", f"Not found: Resource not found: {seen['id']} (InlineHook)"]


def test_the_sdk_takes_a_hook_key_through_its_whole_life(server):
    seen = session(server, "keys", "http://127.0.0.1:9009/token")
    assert seen["made"] == ["SDK key", False, seen["key_id"]]
    assert seen["listed"] == [seen["id"]]
    assert seen["public"] == seen["key_id"]
    assert seen["renamed"] == "SDK key, renamed"
    assert seen["channel"] == "OAUTH"
    assert seen["used"] == [400, "E0000001", "Api validation failed: hookKey"]
    assert seen["gone"] == [404, "E0000007", f"Not found: Resource not found: {seen['id']} (HookKey)"]


def test_the_sdk_understands_our_errors(server, receiver):
    seen = session(server, "errors", receiver.url(), receiver.url().replace("http:", "https:"))
    assert seen["unknown"] == [404, "E0000007", "Not found: Resource not found: who00000000000000000 (Webhook)"]
    assert seen["active"][:2] == [400, "E0000001"]
    assert seen["unverified"] == [400, "E0000001", "Api validation failed: eventHook"]


def test_the_sdk_understands_that_its_token_is_wrong(server):
    seen = session(server, "token", token="00wrongwrongwrongwrongwrongwrong")
    assert seen["error"] == [401, "E0000011", "Invalid token provided"]
