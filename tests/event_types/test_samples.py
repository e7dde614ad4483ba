"""Every type of the catalogue has a sample that is a valid log event, and tells of nobody."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

import msgspec
import pytest

from tenterhook.domain.display_name import display_name
from tenterhook.domain.envelope import render_element
from tenterhook.domain.event_type import catalogue
from tenterhook.domain.log_event import encode, read_event
from tenterhook.domain.sample_event import sample_event

NOW = 1_790_000_000_000
OURS = ("event_hook.", "inline_hook.", "tenterhook.", "system.api_token.create", "system.api_token.revoke")
DOCUMENTATION = [ipaddress.ip_network(one) for one in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")]


def sample(name: str) -> dict[str, Any]:
    return sample_event(name, bytes(range(16)), NOW)


def targets(name: str) -> list[str]:
    return [target["type"] for target in sample(name)["target"]]


def test_every_sample_can_be_published_as_it_is_but_those_of_our_own_acts() -> None:
    for name in catalogue():
        tree = sample(name)
        reserved = name.startswith(OURS)
        read = read_event(encode(tree), NOW, bytes(16), "x", ours=reserved)
        assert not isinstance(read, list), (name, read)
        assert read.tree == tree
        assert tree["displayMessage"] == display_name(name)
        element = msgspec.json.decode(render_element(tree))
        assert element["eventType"] == name
        assert element["target"]


def test_a_sample_is_the_same_each_time_and_shares_nothing_with_the_next() -> None:
    one, other = sample("user.session.start"), sample("user.session.start")
    assert one == other
    one["actor"]["displayName"] = "changed"
    one["debugContext"]["debugData"]["more"] = "x"
    assert sample("user.session.start") == other


@pytest.mark.parametrize(
    ("name", "actor", "types"),
    [
        ("user.lifecycle.create", "User", ["User"]),
        ("user.session.start", "User", ["AuthenticatorEnrollment", "AppInstance"]),
        ("user.authentication.sso", "User", ["AppInstance", "AppUser"]),
        ("user.mfa.factor.activate", "User", ["User", "AuthenticatorEnrollment"]),
        ("group.user_membership.add", "User", ["User", "UserGroup"]),
        ("application.user_membership.add", "User", ["AppUser", "AppInstance", "User"]),
        ("application.lifecycle.update", "User", ["AppInstance"]),
        ("policy.rule.update", "User", ["PolicyEntity", "PolicyRule"]),
        ("user.account.privilege.grant", "User", ["User", "ROLE"]),
        ("system.api_token.create", "User", ["Token"]),
        ("device.lifecycle.activate", "User", ["Device", "User"]),
        ("system.import.user.create", "SystemPrincipal", ["AppInstance", "User"]),
        ("app.oauth2.token.grant.access_token", "PublicClientApp", ["access_token", "User"]),
        ("zone.update", "User", ["NetworkZone"]),
    ],
)
def test_actor_and_targets_fit_the_family(name: str, actor: str, types: list[str]) -> None:
    assert sample(name)["actor"]["type"] == actor
    assert targets(name) == types


def test_the_words_of_a_type_decide_how_its_sample_ended() -> None:
    assert sample("user.session.start")["outcome"] == {"result": "SUCCESS", "reason": None}
    assert sample("app.ldap.password.change.failed")["outcome"]["result"] == "FAILURE"
    assert sample("system.org.rate_limit.violation")["outcome"]["result"] == "DENY"
    assert sample("system.org.rate_limit.warning")["severity"] == "WARN"
    assert sample("application.policy.sign_on.deny_access")["outcome"]["result"] == "DENY"


def test_jobs_have_no_browser_and_people_have_one() -> None:
    job, person = sample("system.import.start"), sample("user.session.start")
    assert (job["transaction"]["type"], job["client"]["ipAddress"], job["request"]["ipChain"]) == ("JOB", None, [])
    assert person["transaction"]["type"] == "WEB"
    assert person["client"]["userAgent"]["rawUserAgent"]
    assert person["client"]["geographicalContext"]["country"]


def test_samples_tell_of_documentation_addresses_and_example_names_only() -> None:
    for name in catalogue():
        text = encode(sample(name)).decode()
        for address in re.findall(r"\b\d{1,3}(?:\.\d{1,3}){3}\b", text):
            assert any(ipaddress.ip_address(address) in network for network in DOCUMENTATION), (name, address)
        hosts = re.findall(r"[\w.+-]+@([\w.-]+)|https?://([\w.-]+)", text)
        assert all((mail or host).endswith("example.com") for mail, host in hosts), (name, hosts)


def test_ids_look_like_oktas() -> None:
    for name in catalogue():
        tree = sample(name)
        for one in [tree["actor"], *tree["target"]]:
            assert re.fullmatch(r"[A-Za-z0-9]{20}", one["id"]), (name, one)
