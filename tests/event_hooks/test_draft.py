from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hook_samples import GUIDE_BODY, RULES, body, hook
from hypothesis import given, settings
from hypothesis import strategies as st

from tenterhook.domain.channel import hints
from tenterhook.domain.delivery_policy import DeliveryPolicy
from tenterhook.domain.event_hook import Draft, EventHook
from tenterhook.domain.event_hook_draft import parse_draft
from tenterhook.errors import InvalidError

CONFIG = "channel__config__"
LONG = "x" * 256


def causes(document: object, current: EventHook | None = None) -> list[str]:
    """Return the causes for which *document* is refused; [] if it is not."""
    try:
        parse_draft(document, current, RULES)
    except InvalidError as error:
        return list(error.problems) if error.entity == "eventHook" else ["another entity"]
    return []


def drafted(current: EventHook | None = None, **changes: Any) -> Draft:
    return parse_draft(body(**changes), current, RULES)


def test_the_guides_own_body_is_accepted_to_the_letter() -> None:
    draft = parse_draft(GUIDE_BODY, None, RULES)
    assert draft.name == "Event Hook Test"
    assert draft.events.items == ("user.lifecycle.create", "user.lifecycle.activate")
    assert draft.channel.config.uri == "https://www.YOURSSLSECUREURLENDPOINT"
    assert [(one.key, one.value) for one in draft.channel.config.headers] == [("X-Other-Header", "some-other-value")]
    assert draft.secret is not None
    assert draft.secret.reveal() == "${api-key}"


def test_what_looks_like_an_unexpanded_variable_earns_a_hint_that_does_not_repeat_it() -> None:
    draft = drafted(channel__config__headers=[{"key": "X-A", "value": "${MINE}"}])
    assert len(hints(draft.channel, draft.secret)) == 1
    both = parse_draft(GUIDE_BODY, None, RULES)
    (hint,) = hints(both.channel, both.secret)
    assert hint.startswith("channel.config.authScheme.value holds '${...}'")
    assert "api-key" not in hint
    plain = drafted()
    assert hints(plain.channel, plain.secret) == []


def test_a_new_hook_has_the_defaults_of_the_contract() -> None:
    draft = drafted(channel__config__headers=..., channel__config__authScheme=...)
    assert (draft.status, draft.description, draft.secret) == ("ACTIVE", None, None)
    assert draft.channel.config.headers == ()
    assert draft.channel.config.auth_scheme is None
    assert draft.delivery_policy == DeliveryPolicy(retry="durable")
    policy = {"timeoutSeconds": 3, "maxEventsPerRequest": 100, "maxConcurrency": 16, "paused": False}
    assert draft.delivery_policy.wire() == {"retry": "durable", **policy}


def test_all_problems_are_told_at_once() -> None:
    assert causes({}) == [f"{name}: The field cannot be left blank" for name in ("name", "events", "channel")]
    found = causes({"name": 1, "events": {"items": ["nope"]}, "channel": {"config": {"uri": "http://a"}}})
    assert [cause.split(":")[0] for cause in found] == [
        "name",
        "events.type",
        "events.items[0]",
        "channel.type",
        "channel.version",
        "channel.config.uri",
    ]


@pytest.mark.parametrize("document", [[], None, 1, 1.5, "x", True], ids=repr)
def test_a_body_that_is_no_object_is_refused(document: object) -> None:
    assert causes(document)[0].startswith("body: must be a JSON object")


# One row: a change of a valid body, and how its only cause begins.
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"name": ...}, "name: The field cannot be left blank"),
    ({"name": None}, "name: The field cannot be left blank"),
    ({"name": ""}, "name: The field cannot be left blank"),
    ({"name": "  "}, "name: The field cannot be left blank"),
    ({"name": 12}, "name: must be a string, not a number"),
    ({"name": LONG}, "name: must be at most 255 characters long, it has 256"),
    ({"name": "a\x00b"}, "name: must not hold control characters such as U+0000"),
    ({"name": "a\nb"}, "name: must not hold control characters such as U+000A"),
    ({"description": []}, "description: must be a string, not an array"),
    ({"description": "a\x00"}, "description: must not hold control characters"),
    ({"description": LONG * 5}, "description: must be at most 1,024 characters"),
    ({"status": "DELETED"}, "status: must be ACTIVE or INACTIVE, not 'DELETED'"),
    ({"status": 1}, "status: must be ACTIVE or INACTIVE, not a number"),
    ({"status": ""}, "status: The field cannot be left blank"),
    ({"events": []}, "events: must be an object, not an array"),
    ({"events__type": "FLOW_EVENT"}, "events.type: must be EVENT_TYPE, not 'FLOW_EVENT'"),
    ({"events__items": ...}, "events.items: The field cannot be left blank"),
    ({"events__items": []}, "events.items: The field cannot be left blank"),
    ({"events__items": "user.lifecycle.create"}, "events.items: must be an array, not a string"),
    ({"events__items": [7]}, "events.items[0]: must be a string, not a number"),
    ({"events__items": [""]}, "events.items[0]: The field cannot be left blank"),
    ({"events__filter": "x"}, "events.filter: must be an object, not a string"),
    ({"channel": "x"}, "channel: must be an object, not a string"),
    ({"channel__type": "OAUTH"}, "channel.type: must be HTTP, not 'OAUTH'"),
    ({"channel__version": "2.0.0"}, "channel.version: must be 1.0.0, not '2.0.0'"),
    ({"channel__version": 1.0}, "channel.version: must be 1.0.0, not a number"),
    ({"channel__config": ...}, "channel.config: The field cannot be left blank"),
    ({"channel__config": []}, "channel.config: must be an object, not an array"),
    ({CONFIG + "verify": False}, "channel.config.verify: is no field of channel.config; it has uri, headers, method,"),
    ({CONFIG + "uri": ...}, "channel.config.uri: The field cannot be left blank"),
    ({CONFIG + "uri": ""}, "channel.config.uri: The field cannot be left blank"),
    ({CONFIG + "uri": {}}, "channel.config.uri: must be a string, not an object"),
    ({CONFIG + "uri": "http://svc.example.com/"}, "channel.config.uri: must begin with https://"),
    ({CONFIG + "uri": "https://127.0.0.1/"}, "channel.config.uri: must have a public address"),
    ({CONFIG + "headers": {}}, "channel.config.headers: must be an array, not an object"),
    ({CONFIG + "headers": ["X"]}, "channel.config.headers[0]: must be an object, not a string"),
    ({CONFIG + "headers": [{"value": "1"}]}, "channel.config.headers[0].key: The field cannot be left blank"),
    ({CONFIG + "headers": [{"key": "X"}]}, "channel.config.headers[0].value: The field cannot be left blank"),
    ({CONFIG + "headers": [{"key": "X", "value": 1}]}, "channel.config.headers[0].value: must be a string, not a"),
    ({CONFIG + "headers": [{"key": "authorization", "value": "1"}]}, "channel.config.authScheme.key: is also the name"),
    ({CONFIG + "authScheme": "s3cret"}, "channel.config.authScheme: must be an object, not a string"),
    ({CONFIG + "authScheme__type": "OAUTH"}, "channel.config.authScheme.type: must be HEADER, not 'OAUTH'"),
    ({CONFIG + "authScheme__key": ...}, "channel.config.authScheme.key: The field cannot be left blank"),
    ({CONFIG + "authScheme__key": "Host"}, "channel.config.authScheme.key: 'Host' is reserved"),
    ({CONFIG + "authScheme__key": "X Y"}, "channel.config.authScheme.key: must be an HTTP header name"),
    ({CONFIG + "authScheme__value": ...}, "channel.config.authScheme.value: The field cannot be left blank"),
    ({CONFIG + "authScheme__value": ""}, "channel.config.authScheme.value: The field cannot be left blank"),
    ({CONFIG + "authScheme__value": 5}, "channel.config.authScheme.value: must be a string, not a number"),
    ({CONFIG + "authScheme__value": "a\r\nb"}, "channel.config.authScheme.value: must hold visible ASCII"),
    ({"deliveryPolicy": []}, "deliveryPolicy: must be an object, not an array"),
    ({"deliveryPolicy": {"sign": True}}, "deliveryPolicy.sign: is not supported yet; leave it out"),
    ({"deliveryPolicy": {"format": "okta"}}, "deliveryPolicy.format: is not supported yet"),
    ({"deliveryPolicy": {"ordered": False}}, "deliveryPolicy.ordered: is not supported yet"),
    ({"deliveryPolicy": {"maxPerSecond": None}}, "deliveryPolicy.maxPerSecond: is not supported yet"),
    ({"deliveryPolicy": {"rety": "okta"}}, "deliveryPolicy.rety: is no field of deliveryPolicy; it has retry,"),
    ({"deliveryPolicy": {"retry": "often"}}, "deliveryPolicy.retry: must be one of durable, okta, okta-2021 or"),
    ({"deliveryPolicy": {"retry": None}}, "deliveryPolicy.retry: must be one of"),
    ({"deliveryPolicy": {"timeoutSeconds": 0.5}}, "deliveryPolicy.timeoutSeconds: must be a number from 1 to 30"),
    ({"deliveryPolicy": {"timeoutSeconds": "3"}}, "deliveryPolicy.timeoutSeconds: must be a number from 1 to 30"),
    ({"deliveryPolicy": {"timeoutSeconds": True}}, "deliveryPolicy.timeoutSeconds: must be a number from 1 to 30"),
    ({"deliveryPolicy": {"maxEventsPerRequest": 1001}}, "deliveryPolicy.maxEventsPerRequest: must be a whole number"),
    ({"deliveryPolicy": {"maxEventsPerRequest": 1.5}}, "deliveryPolicy.maxEventsPerRequest: must be a whole number"),
    ({"deliveryPolicy": {"maxConcurrency": 0}}, "deliveryPolicy.maxConcurrency: must be a whole number from 1 to 256"),
    ({"deliveryPolicy": {"maxConcurrency": 10**300}}, "deliveryPolicy.maxConcurrency: must be a whole number"),
    ({"deliveryPolicy": {"paused": None}}, "deliveryPolicy.paused: must be true or false, not null"),
    ({"deliveryPolicy": {"paused": 0}}, "deliveryPolicy.paused: must be true or false, not a number"),
    ({"deliveryPolicy": {"retry": {"waitsSeconds": []}}}, "deliveryPolicy.retry.retryOn: The field cannot be left"),
    ({"deliveryPolicy": {"retry": {"waitsSeconds": [1] * 21, "retryOn": []}}}, "deliveryPolicy.retry.waitsSeconds: mu"),
    ({"deliveryPolicy": {"retry": {"waitsSeconds": [604801], "retryOn": []}}}, "deliveryPolicy.retry.waitsSeconds[0]:"),
    ({"deliveryPolicy": {"retry": {"waitsSeconds": [], "retryOn": ["6XX"]}}}, "deliveryPolicy.retry.retryOn[0]: must"),
    ({"deliveryPolicy": {"retry": {"waitsSeconds": [], "retryOn": [], "x": 1}}}, "deliveryPolicy.retry.x: is no field"),
]


@pytest.mark.parametrize(
    ("changes", "cause"), REFUSED, ids=[f"{at}-{cause[:40]}" for at, (_, cause) in enumerate(REFUSED)]
)
def test_a_wrong_field_is_refused_with_one_cause_that_names_it(changes: dict[str, Any], cause: str) -> None:
    (found,) = causes(body(**changes))
    assert found.startswith(cause)
    assert "s3cret" not in found


# security-checks.md §F, rows 106-111: what a custom header and the authentication header may not be.
BAD_VALUES = ["a\r\nX-Evil: 1", "a\nb", "a\rb", "a\x00b", "a\u2028b", "é", "\N{GRINNING FACE}", "v" * 8192]
BAD_NAMES = ["X Y", "X:Y", "", "X\r\nY", "x" * 257, "Ü"]
RESERVED_NAMES = [
    *("Host", "Content-Length", "Transfer-Encoding", "Connection", "Upgrade", "TE", "Trailer", "Expect", "Cookie"),
    *("Proxy-Authorization", "Forwarded", "X-Forwarded-For", "Metadata-Flavor", "X-aws-ec2-metadata-token", "Metadata"),
    *("webhook-id", "x-okta-request-id", "Content-Type", "Accept"),
]


@pytest.mark.parametrize("value", BAD_VALUES, ids=ascii)
def test_a_header_value_that_could_break_out_is_refused_at_registration(value: str) -> None:
    (found,) = causes(body(channel__config__headers=[{"key": "X-A", "value": value}]))
    assert found.startswith("channel.config.headers[0].value: ")
    (found,) = causes(body(channel__config__authScheme__value=value))
    assert found.startswith("channel.config.authScheme.value: ")


@pytest.mark.parametrize("name", BAD_NAMES + RESERVED_NAMES, ids=ascii)
def test_a_header_name_that_is_none_or_reserved_is_refused_at_registration(name: str) -> None:
    (found,) = causes(body(channel__config__headers=[{"key": name, "value": "1"}]))
    assert found.startswith("channel.config.headers[0].key: ")
    (found,) = causes(body(channel__config__authScheme__key=name))
    assert found.startswith("channel.config.authScheme.key: ")


def test_headers_that_are_too_many_or_twice_the_same_are_refused() -> None:
    (found,) = causes(body(channel__config__headers=[{"key": f"X-{n}", "value": "1"} for n in range(26)]))
    assert found.startswith("channel.config.headers: must be at most 25")
    (found,) = causes(body(channel__config__headers=[{"key": "X-A", "value": "1"}, {"key": "x-a", "value": "2"}]))
    assert found.startswith("channel.config.headers[1].key: is the same header name")


def test_each_bad_event_type_has_its_own_cause_and_the_closest_name() -> None:
    items = ["user.lifecycle.creat", "event_hook.created", "x.y", "user.lifecycle.create", "x.y"]
    assert causes(body(events__items=items)) == [
        "events.items[0]: 'user.lifecycle.creat' is no known event type; did you mean 'user.lifecycle.create'?",
        "events.items[1]: 'event_hook.created' is a known event type, but not one that event hooks can ask for",
        "events.items[2]: 'x.y' is no known event type",
    ]


def test_thousands_of_bad_event_types_get_a_hundred_causes_and_a_count() -> None:
    found = causes(body(events__items=[f"no.such.type.{n}" for n in range(5000)]))
    assert len(found) == 101
    assert found[-1] == "There are 4900 more problems."


def test_event_types_are_kept_once_each_and_counted_that_way() -> None:
    eligible = [name for name, can in RULES.event_types.items() if can]
    limited = msgspec.structs.replace(RULES, max_event_types=3)
    twice = parse_draft(body(events__items=eligible[:3] * 2), None, limited)
    assert twice.events.items == tuple(eligible[:3])
    with pytest.raises(InvalidError) as refused:
        parse_draft(body(events__items=eligible[:4]), None, limited)
    (found,) = refused.value.problems
    assert found.startswith("events.items: must be at most 3 event types, there are 4; ")
    assert found.endswith("TENTERHOOK_LIMIT_EVENT_TYPES")


def test_read_only_and_unknown_keys_elsewhere_are_ignored() -> None:
    document = body(
        id="who", verificationStatus="VERIFIED", created=7, createdBy=[], _links=1, whatever={}, lastUpdated=0
    )
    document["channel"]["config"]["method"] = "GET"
    document["channel"]["x"] = document["events"]["x"] = document["channel"]["config"]["authScheme"]["x"] = 1
    draft = parse_draft(document, None, RULES)
    assert draft.channel.config.method == "POST"
    assert draft == drafted()


def test_a_custom_retry_policy_is_read_and_shown_as_it_was_written() -> None:
    retry = {"waitsSeconds": [0, 1.5, msgspec.Raw(b"6e1")], "retryOn": ["5XX", "TIMEOUT", "5XX"]}
    policy = drafted(deliveryPolicy={"retry": retry, "timeoutSeconds": msgspec.Raw(b"2.50")}).delivery_policy
    assert policy.retry_policy.waits_s == (0.0, 1.5, 60.0)
    assert policy.wire()["retry"] == {"waitsSeconds": [0, 1.5, 60], "retryOn": ["5XX", "TIMEOUT"]}
    assert policy.wire()["timeoutSeconds"] == 2.5


def test_a_replacement_keeps_the_secret_if_the_header_stays_the_same() -> None:
    kept = drafted(hook(), channel__config__authScheme={"type": "HEADER", "key": "Authorization"})
    assert kept.secret == hook().secret
    other = body(channel__config__authScheme={"type": "HEADER", "key": "X-Key"})
    assert causes(other, hook()) == ["channel.config.authScheme.value: The field cannot be left blank"]
    assert causes(body(channel__config__authScheme={"type": "HEADER", "key": "Authorization"})) != []


def test_a_replacement_keeps_status_and_delivery_policy_and_clears_what_else_it_leaves_out() -> None:
    before = hook(status="INACTIVE", description="old", deliveryPolicy={"retry": "okta", "maxConcurrency": 3})
    after = drafted(before, channel__config__headers=..., deliveryPolicy={"paused": True})
    assert after.status == "INACTIVE"
    assert after.description is None
    assert after.channel.config.headers == ()
    assert after.delivery_policy == DeliveryPolicy(retry="okta", max_concurrency=3, paused=True)
    assert drafted(before).delivery_policy == before.delivery_policy
    assert drafted(before, deliveryPolicy=None, status="ACTIVE").status == "ACTIVE"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
PATHS = [
    *("name", "description", "status", "events", "events__type", "events__items", "events__filter", "channel"),
    *("channel__type", "channel__version", "channel__config", CONFIG + "uri", CONFIG + "headers", CONFIG + "method"),
    *(CONFIG + "authScheme", CONFIG + "authScheme__type", CONFIG + "authScheme__key", CONFIG + "authScheme__value"),
    "deliveryPolicy",
]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(PATHS), JSON)
def test_whatever_json_stands_anywhere_is_accepted_or_refused_in_words(path: str, value: object) -> None:
    found = causes(body(**{path: value}))
    assert all(": " in cause and "s3cret" not in cause for cause in found)


KEYS = ["retry", "timeoutSeconds", "maxEventsPerRequest", "maxConcurrency", "paused"]


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(KEYS), JSON | st.fixed_dictionaries({"waitsSeconds": st.lists(JSON), "retryOn": st.lists(JSON)}))
def test_whatever_json_stands_in_the_delivery_policy_is_accepted_or_refused_in_words(key: str, value: object) -> None:
    found = causes(body(deliveryPolicy={key: value}))
    assert all(cause.startswith(f"deliveryPolicy.{key}") for cause in found)
