"""X-Forwarded-For: believed from the operator's proxies, and from nobody else."""

from __future__ import annotations

import pytest
from api_rig import Api, with_api
from test_frame import assert_error

from tenterhook.door.proxies import MAX_HOPS, Proxies
from tenterhook.door.rate_limit import RateLimits
from tenterhook.errors import SettingsError
from tenterhook.settings import load_settings

TOKENS = "/api/v1/api-tokens"
TRUSTED = ("10.0.0.0/8", "192.0.2.7/32", "fd00::/8")


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("10.0.0.1", [b"203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", [b"1.1.1.1, 203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", [b"1.1.1.1, 203.0.113.9, 10.2.3.4"], "203.0.113.9"),
        ("10.0.0.1", [b"1.1.1.1", b"203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", [b"10.9.9.9, 10.2.3.4"], "10.9.9.9"),
        ("10.0.0.1", [b"203.0.113.9:443"], "203.0.113.9"),
        ("10.0.0.1", [b"[2001:db8::1]:443"], "2001:db8::1"),
        ("10.0.0.1", [b"2001:db8::1"], "2001:db8::1"),
        ("::ffff:10.0.0.1", [b"203.0.113.9"], "203.0.113.9"),
        ("fd00::1", [b"::ffff:203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", [b""], "10.0.0.1"),
        ("10.0.0.1", [b"unknown"], "10.0.0.1"),
        ("10.0.0.1", [b"203.0.113.9, <script>"], "10.0.0.1"),
        ("10.0.0.1", [b"203.0.113.9, _hidden, 10.2.3.4"], "10.2.3.4"),
        ("10.0.0.1", [b"\xff\xfe"], "10.0.0.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("198.51.100.1", [b"203.0.113.9"], "198.51.100.1"),
        (None, [b"203.0.113.9"], None),
        ("10.0.0.1", [b"203.0.113.9" + b",10.2.3.4" * MAX_HOPS], "10.2.3.4"),
    ],
)
def test_the_caller_is_the_last_address_that_is_no_trusted_proxy(
    peer: str | None, forwarded: list[bytes], client: str | None
) -> None:
    assert Proxies(TRUSTED).client_of(peer, forwarded) == client


def test_without_trusted_proxies_nobody_is_believed() -> None:
    assert Proxies().client_of("10.0.0.1", [b"203.0.113.9"]) == "10.0.0.1"


async def address_logged(api: Api, forwarded: str) -> str:
    made = await api.call(
        "POST", TOKENS, json={"name": "a", "role": "PUBLISHER"}, headers={"X-Forwarded-For": forwarded}
    )
    assert made.status_code == 200, made.text
    (event,) = (await api.call("GET", f"/api/v1/logs?filter=target.id%20eq%20%22{made.json()['id']}%22")).json()
    found: str = event["client"]["ipAddress"]
    return found


@with_api()
async def test_a_forged_address_is_not_in_the_log(api: Api) -> None:
    assert await address_logged(api, "203.0.113.9") == "192.0.2.7"


@with_api(trusted_proxies=["192.0.2.7"])
async def test_the_address_that_a_trusted_proxy_tells_is_in_the_log(api: Api) -> None:
    assert await address_logged(api, "203.0.113.9") == "203.0.113.9"


@with_api(trusted_proxies=["192.0.2.7"], limits=RateLimits(failures=2))
async def test_refused_calls_are_counted_by_the_caller_behind_the_proxy(api: Api) -> None:
    async def status(forwarded: str) -> int:
        return (await api.client.get(TOKENS, headers={"X-Forwarded-For": forwarded})).status_code

    assert [await status(f"1.1.1.{n}, 203.0.113.9") for n in range(4)] == [401, 401, 429, 429]
    assert await status("203.0.113.10") == 401


@with_api(limits=RateLimits(failures=2))
async def test_forging_the_header_does_not_help_whoever_guesses(api: Api) -> None:
    answers = [await api.client.get(TOKENS, headers={"X-Forwarded-For": f"203.0.113.{n}"}) for n in range(4)]
    assert [answer.status_code for answer in answers] == [401, 401, 429, 429]
    told = answers[-1]
    assert_error(told, 429, "E0000047")
    assert {"retry-after", "x-rate-limit-limit", "x-rate-limit-remaining", "x-rate-limit-reset"} <= set(told.headers)


def test_the_setting_takes_networks_and_addresses() -> None:
    settings = load_settings({}, {"TENTERHOOK_TRUSTED_PROXIES": "10.0.0.1, fd00::/8"})
    assert settings.trusted_proxies == ("10.0.0.1/32", "fd00::/8")
    with pytest.raises(
        SettingsError, match=r"TENTERHOOK_TRUSTED_PROXIES: 'all' is not accepted: .* It must be networks"
    ):
        load_settings({}, {"TENTERHOOK_TRUSTED_PROXIES": "all"})
