"""The simulated organisation is believable."""

from __future__ import annotations

import ipaddress
import itertools
from collections import Counter
from random import Random
from typing import Any

from tenterhook.cli.organisation import Organisation
from tenterhook.domain.event_type import catalogue, eligible

DOCUMENTATION = [ipaddress.ip_network(text) for text in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")]


def history(seed: int, count: int) -> list[dict[str, Any]]:
    organisation = Organisation(Random(seed))
    endless = itertools.chain.from_iterable(iter(organisation.live, None))
    return list(itertools.islice(endless, count))


def test_every_event_type_is_in_the_catalogue_and_most_can_be_asked_for_by_hooks() -> None:
    types = Counter(event["eventType"] for event in history(1, 3000))
    assert types.keys() <= catalogue().keys()
    assert sum(count for name, count in types.items() if eligible(name)) == 3000
    assert len(types) >= 10


def test_one_seed_gives_one_history_and_another_seed_another() -> None:
    assert history(7, 200) == history(7, 200)
    assert history(7, 200) != history(8, 200)


def test_a_person_keeps_name_login_and_address() -> None:
    seen: dict[str, set[tuple[str, str, str]]] = {}
    for event in history(3, 2000):
        actor = event["actor"]
        known = seen.setdefault(actor["id"], set())
        known.add((actor["displayName"], actor["alternateId"], event["client"]["ipAddress"]))
    assert len(seen) > 10
    assert all(len(facts) == 1 for facts in seen.values())


def test_logins_are_unique() -> None:
    actors = {(event["actor"]["id"], event["actor"]["alternateId"]) for event in history(4, 3000)}
    assert len({login for _, login in actors}) == len(actors)


def test_addresses_are_from_the_ranges_for_documentation() -> None:
    for event in history(5, 500):
        address = ipaddress.ip_address(event["client"]["ipAddress"])
        inside = any(address in network for network in DOCUMENTATION if address.version == 4)
        assert inside or address in ipaddress.ip_network("2001:db8::/32")


def test_failures_happen_and_lock_people_out() -> None:
    events = history(6, 5000)
    assert any(event["outcome"]["reason"] == "INVALID_CREDENTIALS" for event in events)
    assert any(event["eventType"] == "user.account.lock" for event in events)


def test_the_organisation_neither_dies_out_nor_grows_without_bound() -> None:
    organisation = Organisation(Random(9))
    for _ in range(20_000):
        organisation.live()
    assert 8 <= len(organisation.people) <= 500
