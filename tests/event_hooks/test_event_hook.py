from __future__ import annotations

import json
import pickle

import pytest
from hook_samples import BIRTH_MS, RULES, body, hook
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tenterhook.domain.event_hook import replaced, switched, verified, wire
from tenterhook.domain.event_hook_draft import parse_draft

BASE = "https://hooks.example.com"
SELF = f"{BASE}/api/v1/eventHooks/who1a2b3c4d5e6f7g8h9"
PUBLIC = "https://hooks.example.com"


def test_a_hook_is_shown_in_oktas_shape_key_by_key() -> None:
    shown = json.dumps(wire(hook(description="To the HR system"), BASE), separators=(",", ":"))
    assert shown == (
        '{"id":"who1a2b3c4d5e6f7g8h9","status":"ACTIVE","verificationStatus":"UNVERIFIED","name":"Event Hook Test",'
        '"description":"To the HR system","created":"2026-01-02T03:04:05.000Z","createdBy":"00u1a2b3c4d5e6f7g8h9",'
        '"lastUpdated":"2026-01-02T03:04:05.000Z",'
        '"events":{"type":"EVENT_TYPE","items":["user.lifecycle.create","user.lifecycle.activate"],"filter":null},'
        '"channel":{"type":"HTTP","version":"1.0.0","config":{"uri":"https://svc.example.com/hook",'
        '"headers":[{"key":"X-Other-Header","value":"some-other-value"}],"method":"POST",'
        '"authScheme":{"type":"HEADER","key":"Authorization"}}},'
        '"deliveryPolicy":{"retry":"durable","timeoutSeconds":3,"maxEventsPerRequest":100,"maxConcurrency":16,'
        '"paused":false},'
        f'"_links":{{"self":{{"href":"{SELF}"}},'
        f'"verify":{{"href":"{SELF}/lifecycle/verify","hints":{{"allow":["POST"]}}}},'
        f'"deactivate":{{"href":"{SELF}/lifecycle/deactivate","hints":{{"allow":["POST"]}}}}}}}}'
    )


def test_what_is_absent_is_null_or_an_empty_list() -> None:
    shown = wire(hook(channel__config__headers=..., channel__config__authScheme=...), BASE)
    assert shown["description"] is None
    assert shown["channel"]["config"]["headers"] == []
    assert shown["channel"]["config"]["authScheme"] is None


def test_an_inactive_hook_links_to_activate_self_and_delete() -> None:
    assert json.dumps(wire(hook(status="INACTIVE"), BASE)["_links"]) == json.dumps(
        {
            "activate": {"href": f"{SELF}/lifecycle/activate", "hints": {"allow": ["POST"]}},
            "self": {"href": SELF},
            "delete": {"href": SELF, "hints": {"allow": ["DELETE"]}},
        }
    )


def test_a_hook_never_shows_its_secret() -> None:
    made = hook()
    assert made.secret is not None
    for text in (repr(made), str(made), json.dumps(wire(made, BASE))):
        assert "s3cret" not in text
    with pytest.raises(TypeError):
        pickle.dumps(made)


def test_a_custom_header_takes_the_place_of_ours_with_the_same_name() -> None:
    made = hook(channel__config__headers=[{"key": "user-agent", "value": "Mine"}])
    assert made.request_headers([("User-Agent", "Ours"), ("Accept", "application/json")]) == [
        ("Accept", "application/json"),
        ("user-agent", "Mine"),
        ("Authorization", "s3cret-value"),
    ]


URIS = ["https://a.example.com/", "https://b.example.com/"]
HEADERS = [
    [],
    [{"key": "A", "value": "1"}, {"key": "B", "value": "2"}],
    [{"key": "B", "value": "2"}, {"key": "A", "value": "1"}],
]
SECRETS = ["one", "two"]


class Life(RuleBasedStateMachine):
    """A hook's life: whatever happens in whatever order, the promises hold."""

    def __init__(self) -> None:
        super().__init__()
        self.now = BIRTH_MS
        self.hook = hook()
        self.proven: object = None  # the channel that was last verified
        self.was_verified = False

    def channel(self) -> object:
        config = self.hook.channel.config
        headers = frozenset((one.key, one.value) for one in config.headers)
        return config.uri, headers, config.auth_scheme, self.hook.secret

    @rule(
        uri=st.sampled_from(URIS),
        headers=st.sampled_from(HEADERS),
        secret=st.sampled_from(SECRETS),
        back=st.integers(-5000, 5000),
    )
    def replace(self, uri: str, headers: list[dict[str, str]], secret: str, back: int) -> None:
        before, self.now = self.hook, self.now + back
        changes = {"uri": uri, "headers": headers, "authScheme__value": secret}
        document = body(**{f"channel__config__{path}": value for path, value in changes.items()})
        former = self.channel()
        draft = parse_draft(document, before, RULES)
        self.hook = replaced(before, draft, public_url=PUBLIC, now_ms=self.now)
        same = self.channel() == former
        assert (self.hook.channel_version == before.channel_version) is same
        assert self.hook.verification_status == (before.verification_status if same else "UNVERIFIED")
        assert self.hook.version == before.version + 1
        assert self.hook.last_updated >= before.last_updated

    @rule()
    def verify(self) -> None:
        self.hook = verified(self.hook, self.now)
        self.proven, self.was_verified = self.channel(), True

    @precondition(lambda self: self.hook.status == "ACTIVE")
    @rule()
    def deactivate(self) -> None:
        kept = self.hook.verification_status
        self.hook = switched(self.hook, "INACTIVE", self.now)
        assert self.hook.verification_status == kept

    @precondition(lambda self: self.hook.status == "INACTIVE")
    @rule()
    def activate(self) -> None:
        kept = self.hook.verification_status
        self.hook = switched(self.hook, "ACTIVE", self.now)
        assert self.hook.verification_status == kept

    @rule()
    def switch_to_what_it_is(self) -> None:
        assert switched(self.hook, self.hook.status, self.now + 1) is self.hook

    @invariant()
    def only_a_proven_channel_is_verified(self) -> None:
        if self.hook.verification_status == "VERIFIED":
            assert self.proven == self.channel()

    @invariant()
    def nothing_runs_unless_active_and_verified(self) -> None:
        assert self.hook.runnable == (self.hook.status == "ACTIVE" and self.hook.verification_status == "VERIFIED")

    @invariant()
    def what_was_ever_verified_keeps_matching_while_active(self) -> None:
        assert self.hook.subscribed == (self.hook.status == "ACTIVE" and self.was_verified)

    @invariant()
    def the_links_follow_the_status(self) -> None:
        links = ["self", "verify", "deactivate"] if self.hook.status == "ACTIVE" else ["activate", "self", "delete"]
        assert list(wire(self.hook, BASE)["_links"]) == links


Life.TestCase.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)
TestTheLifeOfAHook = Life.TestCase
