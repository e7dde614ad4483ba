"""The walk of one event: published over HTTP, received over HTTPS, byte for byte as the contract says.

Nothing here is computed by the product: the expected bytes are written out by hand from Okta's public contract.
"""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

import pytest
from support.api import Api
from support.receiver import Receiver
from support.server import Server

SECRET = "correct horse battery staple"
REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{20,40}")
UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
MOMENT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"

NOW = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + "123Z"

#: What an application publishes: every key of the contract, many of them null.
PUBLISHED = {
    "actor": {
        "id": "00u1a2b3c4d5e6f7g8h9",
        "type": "User",
        "alternateId": "ada@example.com",
        "displayName": "Ada L\u00f6velace",
        "detailEntry": None,
    },
    "client": {
        "userAgent": {"rawUserAgent": "Mozilla/5.0 (X11)", "os": "Linux", "browser": None},
        "zone": "null",
        "device": "Computer",
        "id": None,
        "ipAddress": "192.0.2.7",
        "geographicalContext": {
            "city": "Bonn",
            "state": None,
            "country": "Germany",
            "postalCode": "53111",
            "geolocation": {"lat": 50.73, "lon": 7.1},
        },
    },
    "authenticationContext": {
        "authenticationProvider": None,
        "credentialProvider": None,
        "credentialType": None,
        "issuer": None,
        "interface": None,
        "authenticationStep": 0,
        "externalSessionId": "102abc",
    },
    "displayMessage": "Create okta user",
    "eventType": "user.lifecycle.create",
    "outcome": {"result": "SUCCESS", "reason": None},
    "published": NOW,
    "securityContext": {"asNumber": None, "asOrg": None, "isp": None, "domain": None, "isProxy": None},
    "severity": "INFO",
    "debugContext": {"debugData": {"requestUri": "/api/v1/users", "nothing": None}},
    "legacyEventType": "core.user.config.user_creation.success",
    "transaction": {"type": "WEB", "id": "X0f4OtUfr-wS2HbInFKHZQAAB0M", "detail": {}},
    "uuid": "8d3c6c2e-52f0-4b0e-9a39-0c7d4c3f1a5b",
    "version": "0",
    "request": {
        "ipChain": [
            {
                "ip": "192.0.2.7",
                "geographicalContext": {"city": "Bonn", "state": None, "country": "Germany"},
                "version": "V4",
                "source": None,
            }
        ]
    },
    "target": [
        {
            "id": "00u9h8g7f6e5d4c3b2a1",
            "type": "User",
            "alternateId": "grace@example.com",
            "displayName": "Grace",
            "detailEntry": None,
        }
    ],
}

#: What the receiver must get of it: keys in the wire's order, nulls left out, empty objects kept, ipChain in client.
ELEMENT = (
    '{"uuid":"8d3c6c2e-52f0-4b0e-9a39-0c7d4c3f1a5b","published":"%(published)s","eventType":"user.lifecycle.create",'
    '"version":"0","displayMessage":"Create okta user","severity":"INFO",'
    '"client":{"userAgent":{"rawUserAgent":"Mozilla/5.0 (X11)","os":"Linux"},"zone":"null","device":"Computer",'
    '"ipAddress":"192.0.2.7","geographicalContext":{"city":"Bonn","country":"Germany","postalCode":"53111",'
    '"geolocation":{"lat":50.73,"lon":7.1}},'
    '"ipChain":[{"ip":"192.0.2.7","geographicalContext":{"city":"Bonn","country":"Germany"},"version":"V4"}]},'
    '"actor":{"id":"00u1a2b3c4d5e6f7g8h9","type":"User","alternateId":"ada@example.com",'
    '"displayName":"Ada L\u00f6velace"},"outcome":{"result":"SUCCESS"},'
    '"target":[{"id":"00u9h8g7f6e5d4c3b2a1","type":"User","alternateId":"grace@example.com","displayName":"Grace"}],'
    '"transaction":{"type":"WEB","id":"X0f4OtUfr-wS2HbInFKHZQAAB0M","detail":{}},'
    '"debugContext":{"debugData":{"requestUri":"/api/v1/users","nothing":null,"publishedBy":"%(token)s",'
    '"targetEventHookIds":"%(targets)s"}},'
    '"legacyEventType":"core.user.config.user_creation.success",'
    '"authenticationContext":{"authenticationStep":0,"externalSessionId":"102abc"},"securityContext":{}}'
)

#: What becomes of an event that says nothing but its type.
BARE_ELEMENT = (
    '{"uuid":"%(uuid)s","published":"%(published)s","eventType":"user.lifecycle.create","version":"0",'
    '"displayMessage":"Create user","severity":"INFO","client":{"ipChain":[]},'
    '"actor":{"id":"unknown","type":"SystemPrincipal","alternateId":"unknown"},'
    '"transaction":{"type":"WEB","id":"%(transaction)s","detail":{}},'
    '"debugContext":{"debugData":{"publishedBy":"%(token)s","targetEventHookIds":"%(targets)s"}},'
    '"authenticationContext":{"authenticationStep":0},"securityContext":{}}'
)

ENVELOPE = (
    '{"eventType":"com.okta.event_hook","eventTypeVersion":"1.0","cloudEventsVersion":"0.1",'
    '"source":"%(org)s/api/v1/eventHooks/%(hook)s","eventId":"%(event_id)s","data":{"events":[%(elements)s]},'
    '"eventTime":"%(event_time)s","contentType":"application/json"}'
)


@pytest.fixture
def secure_server(data, ca_file):
    """A server as in production: HTTPS alone, a private authority, one allowed network."""
    settings = {"TENTERHOOK_EGRESS_CA_FILE": str(ca_file), "TENTERHOOK_EGRESS_ALLOW": "127.0.0.0/8"}
    with Server(data, **settings) as server:
        yield server.start()


@pytest.fixture
def secure_receiver(tls):
    with Receiver(tls=tls) as receiver:
        yield receiver


@pytest.fixture
def api(secure_server):
    with Api(secure_server) as api:
        yield api


def register(api, receiver, **options):
    uri = receiver.url("/hook?tenant=a%20b")
    headers = [("X-Tenant", "acme"), ("x-lower", "Kept As It Is")]
    return api.verified_hook(uri, headers=headers, secret=SECRET, **options)


def token_id(api):
    """Return the id of the one token: that of the first start, by which everything here is published."""
    (token,) = api.ok("GET", "/api-tokens")
    return token["id"]


def expected_body(api, hook_id, received, elements):
    """Write out the body that the contract asks for; only the two generated values are taken from what came."""
    event_id = re.search(f'"eventId":"({UUID})"', received.body.decode())
    event_time = re.search(f'"eventTime":"({MOMENT})"', received.body.decode())
    assert event_id
    assert event_time
    return ENVELOPE % {
        "org": api.url,
        "hook": hook_id,
        "event_id": event_id[1],
        "event_time": event_time[1],
        "elements": ",".join(elements),
    }


def test_the_challenge_is_one_get_with_exactly_the_documented_headers_and_no_body(api, secure_receiver):
    register(api, secure_receiver)
    (got,) = secure_receiver.requests
    assert got.request_line == "GET /hook?tenant=a%20b HTTP/1.1"
    assert got.body == b""
    headers = dict(got.headers)
    assert len(headers) == len(got.headers)
    assert re.fullmatch(r"[A-Za-z0-9_-]{40}", headers.pop("X-Okta-Verification-Challenge"))
    assert REQUEST_ID.fullmatch(headers.pop("X-Okta-Request-Id"))
    assert headers == {
        "Host": f"127.0.0.1:{secure_receiver.port}",
        "User-Agent": "Okta-Integrations",
        "Accept": "application/json",
        "X-Tenant": "acme",
        "x-lower": "Kept As It Is",
        "Authorization": SECRET,
    }


def test_a_delivery_is_one_post_with_exactly_the_documented_headers(api, secure_receiver):
    register(api, secure_receiver)
    api.publish(PUBLISHED)
    (got,) = secure_receiver.wait_for_deliveries(1)
    assert got.request_line == "POST /hook?tenant=a%20b HTTP/1.1"
    headers = dict(got.headers)
    assert len(headers) == len(got.headers)
    assert REQUEST_ID.fullmatch(headers.pop("X-Okta-Request-Id"))
    assert headers == {
        "Host": f"127.0.0.1:{secure_receiver.port}",
        "User-Agent": "Okta-Integrations",
        "Accept": "application/json",
        "Content-Type": "application/json",
        "X-Tenant": "acme",
        "x-lower": "Kept As It Is",
        "Authorization": SECRET,
        "Content-Length": str(len(got.body)),
    }


def test_the_body_of_a_full_event_is_byte_for_byte_the_contract(api, secure_receiver):
    hook_id = register(api, secure_receiver)
    api.publish(PUBLISHED)
    (got,) = secure_receiver.wait_for_deliveries(1)
    element = ELEMENT % {"published": NOW, "token": token_id(api), "targets": hook_id}
    assert got.body.decode() == expected_body(api, hook_id, got, [element])


def test_the_body_of_a_bare_event_is_byte_for_byte_the_contract(api, secure_receiver):
    hook_id = register(api, secure_receiver)
    answer = api.call("POST", "/events", {"eventType": "user.lifecycle.create"})
    (uuid,) = [one["uuid"] for one in answer.json["events"]]
    (got,) = secure_receiver.wait_for_deliveries(1)
    (event,) = got.json["data"]["events"]
    assert re.fullmatch(MOMENT, event["published"])
    element = BARE_ELEMENT % {
        "uuid": uuid,
        "published": event["published"],
        "transaction": answer.headers["X-Okta-Request-Id"],
        "token": token_id(api),
        "targets": hook_id,
    }
    assert got.body.decode() == expected_body(api, hook_id, got, [element])


def test_event_time_is_when_the_delivery_was_made_and_not_when_the_event_happened(api, secure_receiver):
    register(api, secure_receiver)
    before = time.time()
    api.publish({"eventType": "user.lifecycle.create", "published": _ago(3600)})
    (got,) = secure_receiver.wait_for_deliveries(1)
    made = datetime.fromisoformat(got.json["eventTime"]).timestamp()
    assert before - 0.002 <= made <= time.time() + 0.002


def test_events_of_one_call_come_together_in_log_order(api, secure_receiver):
    hook_id = register(api, secure_receiver)
    uuids = api.publish(*[None] * 7)
    (got,) = secure_receiver.wait_for_deliveries(1)
    assert got.uuids == uuids
    api.only_delivery(hook_id, "DELIVERED")


def test_two_hooks_get_a_post_each_with_their_own_source_and_event_id_and_both_are_named(api, secure_receiver):
    first = api.verified_hook(secure_receiver.url("/a"), name="a")
    second = api.verified_hook(secure_receiver.url("/b"), name="b")
    api.publish()
    by_path = {one.path: one.json for one in secure_receiver.wait_for_deliveries(2)}
    assert by_path["/a"]["source"] == f"{api.url}/api/v1/eventHooks/{first}"
    assert by_path["/b"]["source"] == f"{api.url}/api/v1/eventHooks/{second}"
    assert by_path["/a"]["eventId"] != by_path["/b"]["eventId"]
    named = ",".join(sorted([first, second]))
    for body in by_path.values():
        assert body["data"]["events"][0]["debugContext"]["debugData"]["targetEventHookIds"] == named
    (logged,) = api.log("user.lifecycle.create")
    assert logged["debugContext"]["debugData"]["targetEventHookIds"] == named


def test_a_type_that_the_hook_did_not_ask_for_is_not_sent(api, secure_receiver):
    register(api, secure_receiver)
    api.publish({"eventType": "user.lifecycle.delete.initiated"})
    (wanted,) = api.publish()
    (got,) = secure_receiver.wait_for_deliveries(1)
    assert got.uuids == [wanted]


def test_an_event_published_twice_under_one_uuid_is_sent_once(api, secure_receiver):
    register(api, secure_receiver)
    api.publish(PUBLISHED)
    again = api.ok("POST", "/events", PUBLISHED)
    assert again["duplicates"] == 1
    (last,) = api.publish()
    secure_receiver.wait(lambda: last in secure_receiver.uuids())
    assert [one.uuids for one in secure_receiver.deliveries] == [[PUBLISHED["uuid"]], [last]]


def test_a_connection_is_kept_from_one_delivery_to_the_next(api, secure_receiver):
    hook_id = register(api, secure_receiver)
    for count in range(1, 11):
        api.publish()
        api.until(lambda: len(api.deliveries(hook_id, status="DELIVERED")) == count)  # noqa: B023 - used at once
    # One for the challenge, which is never shared with deliveries, and one for the ten.
    assert secure_receiver.connections == 2


def test_a_receiver_whose_authority_is_not_trusted_is_not_verified_and_gets_nothing(data, tls):
    with (
        Receiver(tls=tls) as receiver,
        Server(data, TENTERHOOK_DEV="1") as server,
        Api(server.start()) as api,
    ):
        hook = api.create_hook(receiver.url())
        answer = api.call("POST", f"/eventHooks/{hook['id']}/lifecycle/verify")
        assert answer.status == 400
        assert answer.json["errorCauses"][0] == {
            "errorSummary": "Unable to verify event hook. Hook hook execution failed"
        }
        assert "certificate" in answer.json["errorCauses"][1]["errorSummary"]
        api.publish()
        assert api.deliveries(hook["id"]) == []
        assert receiver.requests == []


def _ago(seconds):
    return datetime.fromtimestamp(time.time() - seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
