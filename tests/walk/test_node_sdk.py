"""Okta's own SDK for Node.js, unmodified, as a client.

TENTERHOOK_NODE_MODULES names the `node_modules` folder that it is installed in, outside of this tree.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from support.api import Api
from support.receiver import reply

from tenterhook.inline import sample_call

SCRIPT = Path(__file__).parent / "support" / "sdk_session.js"
MODULES = os.environ.get("TENTERHOOK_NODE_MODULES", "")

pytestmark = pytest.mark.skipif(
    not MODULES or shutil.which("node") is None,
    reason="needs node, and TENTERHOOK_NODE_MODULES with @okta/okta-sdk-nodejs in it",
)


def session(server, *what, token=None):
    """Run one conversation with the server through the SDK, and return what it saw."""
    environ = {"PATH": os.environ["PATH"], "NODE_PATH": MODULES, "HOME": str(server.data)}
    command = ["node", str(SCRIPT), server.url, token or server.token, *what]
    done = subprocess.run(command, env=environ, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def published(server):
    """25 events, every fifth of which failed."""
    with Api(server) as api:
        outcomes = ["FAILURE" if n % 5 == 0 else "SUCCESS" for n in range(25)]
        events = [
            {"eventType": "user.session.start", "displayMessage": f"sign-in {name}", "outcome": {"result": name}}
            for name in outcomes
        ]
        return list(zip(api.publish(*events), outcomes, strict=True))


def test_the_sdk_takes_a_hook_through_its_whole_life(server, receiver):
    seen = session(server, "life", receiver.url("/first"), receiver.url("/second"))
    assert seen["created"] == ["ACTIVE", "UNVERIFIED", "SDK hook"]
    assert seen["verified"] == ["ACTIVE", "VERIFIED", "SDK hook"]
    assert seen["listed"] == [seen["id"]]
    assert seen["read"] == ["ACTIVE", "VERIFIED", "SDK hook"]
    assert seen["replaced"] == ["ACTIVE", "UNVERIFIED", "SDK hook, renamed"]
    assert seen["replacedUri"] == receiver.url("/second")
    assert seen["activeCannotGo"] == [400, "E0000001", "Api validation failed: eventHook"]
    assert seen["verifiedAgain"] == ["ACTIVE", "VERIFIED", "SDK hook, renamed"]
    assert seen["deactivated"] == ["INACTIVE", "VERIFIED", "SDK hook, renamed"]
    assert seen["activated"] == ["ACTIVE", "VERIFIED", "SDK hook, renamed"]
    assert seen["listedAfter"] == []
    assert seen["gone"][:2] == [404, "E0000007"]
    assert [one.path for one in receiver.requests] == ["/first", "/second"]
    assert [one.header("Authorization") for one in receiver.requests] == ["s3cret value", "s3cret value"]


def test_the_sdk_gives_a_hook_a_filter(server, receiver):
    seen = session(server, "filtered", receiver.url())
    assert seen["type"] == "EXPRESSION_LANGUAGE"
    assert seen["event"] == "user.lifecycle.create"
    assert seen["expression"] == "event.outcome.result eq 'FAILURE'"
    with Api(server) as api:
        failed = {"eventType": "user.lifecycle.create", "outcome": {"result": "FAILURE"}}
        _, uuid, _ = api.publish(None, failed, None)
        receiver.wait_for_deliveries(1)
    assert [one.uuids for one in receiver.deliveries] == [[uuid]]


def test_the_sdk_takes_an_inline_hook_through_its_whole_life(server):
    first, second = "http://127.0.0.1:9009/first", "http://127.0.0.1:9009/second"
    seen = session(server, "inline", first, second)
    kind = "com.okta.oauth2.tokens.transform"
    assert seen["read"] == ["ACTIVE", "SDK", kind, first]
    assert (seen["listed"], seen["others"]) == ([seen["id"]], [])
    assert seen["replaced"] == ["ACTIVE", "SDK, renamed", kind, second]
    assert seen["updated"] == ["ACTIVE", "SDK, changed", kind, first]
    assert seen["activeCannotGo"] == [400, "E0000001", "Api validation failed: inlineHook"]
    assert seen["deactivated"][0] == "INACTIVE"
    assert seen["activated"][0] == "ACTIVE"
    assert seen["gone"] == [404, "E0000007", f"Not found: Resource not found: {seen['id']} (InlineHook)"]


def test_the_sdk_executes_an_inline_hook(server, receiver):
    answers = [
        {"commands": [{"type": "com.okta.action.update", "value": {"result": "CREATE_USER"}}]},
        {"error": {"errorSummary": "Not this one.", "errorCauses": []}},
        {"commands": [{"type": "com.okta.nothing", "value": {}}]},
    ]
    turns = iter([json.dumps(answer).encode() for answer in answers])
    receiver.answer = lambda received: reply(200, body=next(turns))
    payload = sample_call("com.okta.import.transform").decode()
    seen = session(server, "execute", receiver.url(), payload)
    assert [one.json for one in receiver.requests] == [json.loads(payload)] * 3
    assert seen["answered"]["commands"] == answers[0]["commands"]
    assert seen["error"] == [400, "E0000135", "An inline hook responded with an error."]
    assert seen["other"] == [502, "E0000134", "Okta could not communicate correctly with an inline hook."]
    assert seen["inactive"] == [400, "E0000001", "Api validation failed: inlineHook"]


def test_the_sdk_takes_a_hook_key_through_its_whole_life(server):
    seen = session(server, "keys", "http://127.0.0.1:9009/token")
    assert seen["made"] == ["SDK key", False, seen["keyId"]]
    assert seen["listed"] == [seen["id"]]
    assert seen["public"] == seen["keyId"]
    assert seen["renamed"] == "SDK key, renamed"
    assert seen["used"] == [True, [400, "E0000001", "Api validation failed: hookKey"]]
    assert seen["gone"] == [404, "E0000007", f"Not found: Resource not found: {seen['id']} (HookKey)"]


@pytest.mark.parametrize("order", ["ASCENDING", "DESCENDING"])
def test_the_sdk_iterates_over_the_pages_of_the_log(server, published, order):
    seen = session(server, "pages", 'eventType eq "user.session.start"', order)
    uuids = [uuid for uuid, _ in published]
    assert sorted(seen["uuids"]) == sorted(uuids)
    assert len(seen["uuids"]) == 25


def test_the_sdk_iterates_over_what_a_filter_and_keywords_let_through(server, published):
    failed = {uuid for uuid, outcome in published if outcome == "FAILURE"}
    seen = session(server, "pages", 'outcome.result eq "FAILURE" and actor.id pr', "ASCENDING")
    assert (set(seen["uuids"]), set(seen["results"])) == (failed, {"FAILURE"})
    seen = session(server, "pages", "", "ASCENDING", "FAILURE sign-in")
    assert set(seen["uuids"]) == failed


def test_a_date_as_javascript_prints_it_is_refused_as_okta_refuses_it_and_its_iso_text_is_read(server, published):
    seen = session(server, "dates")
    status, code, summary = seen["asDate"]
    assert (status, code) == (400, "E0000001")
    assert summary.startswith("Api validation failed: 'since': The date format in your query is not recognized. ")
    assert seen["asText"] >= len(published)


def test_the_sdk_understands_that_its_token_is_wrong(server):
    seen = session(server, "badToken", token="00wrongwrongwrongwrongwrongwrong")
    assert seen["error"] == [401, "E0000011", "Invalid token provided"]
