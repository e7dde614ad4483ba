"""Log events of a believable organisation by the million: made from a few templates, so that making one costs little.

The spread is what decides how a search fares: few types are most of the log, most people do something every day, an
address belongs to somebody, a transaction has one to three events, and some events come late.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random
from uuid import UUID

from tenterhook.domain import log_event
from tenterhook.domain.timestamp import format_ms
from tenterhook.store.log_events import Row

#: How often each type occurs, per 10,000 events: a few are nearly all.
TYPES = {
    "user.session.start": 2400,
    "user.authentication.sso": 2900,
    "user.authentication.auth_via_mfa": 1500,
    "policy.evaluate_sign_on": 2200,
    "user.session.end": 500,
    "user.authentication.verify": 250,
    "group.user_membership.add": 80,
    "application.user_membership.add": 70,
    "user.account.update_profile": 50,
    "user.account.update_password": 25,
    "user.mfa.factor.activate": 12,
    "user.lifecycle.create": 6,
    "user.account.lock": 4,
    "user.lifecycle.deactivate": 2,
    "system.api_token.create": 1,
}
_RESULTS = ("SUCCESS",) * 93 + ("FAILURE",) * 5 + ("CHALLENGE", "DENY")
_FIRST = [
    "Ada",
    "Amir",
    "Bao",
    "Clara",
    "Dmitri",
    "Elif",
    "Fatima",
    "Goran",
    "Hana",
    "Imani",
    "Jonas",
    "Kenji",
    "Mira",
    "Noor",
    "Olga",
    "Priya",
    "Sven",
    "Tove",
]
_LAST = "Abe Berg Castro Demir Eze Fischer Haddad Ito Jensen Kaya Mensah Novak Okafor Petrov Rossi Sato".split()  # noqa: SIM905
_CITIES = ("Bonn", "Lisbon", "Nairobi", "Osaka", "Toronto", "Zürich", "San Francisco", "Porto Alegre", "Accra", "Hanoi")
_AGENTS = (
    ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 Chrome/141.0 Safari/537.36", "Mac OS X"),
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0", "Windows 10"),
    ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 Version/18.6", "iOS"),
)
#: What varies from event to event, in the order of the text.
_FIELDS = ("actor_id", "actor_login", "actor_name", "agent", "os", "ip", "city", "session", "type", "result")
_FIELDS += ("published", "request", "transaction", "uuid", "chain_ip", "target_id", "target_login", "target_name")
DAY_MS = 86_400_000


def _template() -> str:
    """Return a whole event as the log writes it, with a place for each field."""
    mark = {name: f"<{name}>" for name in _FIELDS}
    raw = {
        "eventType": "user.session.start",
        "displayMessage": "User signs in",
        "actor": {"id": mark["actor_id"], "type": "User", "alternateId": mark["actor_login"],
                  "displayName": mark["actor_name"], "detailEntry": None},
        "client": {
            "userAgent": {"rawUserAgent": mark["agent"], "os": mark["os"], "browser": "CHROME"},
            "zone": "null", "device": "Computer", "id": None, "ipAddress": mark["ip"],
            "geographicalContext": {"city": mark["city"], "state": None, "country": "Somewhere", "postalCode": "53111",
                                    "geolocation": {"lat": 50.73, "lon": 7.1}},
        },
        "authenticationContext": {
            "authenticationProvider": None, "credentialProvider": None, "credentialType": None, "issuer": None,
            "interface": None, "authenticationStep": 0, "externalSessionId": mark["session"],
        },
        "outcome": {"result": "SUCCESS", "reason": None},
        "securityContext": {"asNumber": 64496, "asOrg": "example", "isp": "example", "domain": "example.net",
                            "isProxy": False},
        "debugContext": {"debugData": {"requestId": mark["request"], "requestUri": "/api/v1/authn",
                                       "url": "/api/v1/authn?", "threatSuspected": "false"}},
        "transaction": {"type": "WEB", "id": mark["transaction"], "detail": {}},
        "request": {"ipChain": [{"ip": mark["chain_ip"], "geographicalContext": None, "version": "V4",
                                 "source": None}]},
        "target": [{"id": mark["target_id"], "type": "User", "alternateId": mark["target_login"],
                    "displayName": mark["target_name"], "detailEntry": None}],
    }  # fmt: skip
    draft = log_event.read_event(json.dumps(raw).encode(), 0, bytes(16), "-")
    assert not isinstance(draft, list), draft
    text = log_event.encode(draft.tree).decode().replace("%", "%%")
    text = text.replace('"user.session.start"', '"<type>"').replace('"SUCCESS"', '"<result>"')
    text = text.replace('"1970-01-01T00:00:00.000Z"', '"<published>"')
    text = text.replace('"00000000-0000-0000-0000-000000000000"', '"<uuid>"')
    for name in _FIELDS:
        assert text.count(f"<{name}>") == 1, name
        text = text.replace(f"<{name}>", f"%({name})s")
    return text


class History:
    """An organisation's past, from *began_ms* on: the same seed gives the same one."""

    def __init__(self, org_id: str, seed: int, began_ms: int, ended_ms: int, events: int, people: int = 20_000) -> None:
        self._org_id, self._random = org_id, Random(seed)
        self._began_ms, self._length_ms, self.events = began_ms, ended_ms - began_ms, events
        self.people = [self._person(number) for number in range(people)]

    def _person(self, number: int) -> dict[str, str]:
        random = self._random
        first, last = random.choice(_FIRST), random.choice(_LAST)
        agent, system = random.choice(_AGENTS)
        return {
            "actor_id": f"00u{random.getrandbits(80):020x}"[:20],
            "actor_login": f"{first}.{last}{number}@example.com".lower(),
            "actor_name": f"{first} {last}{number % 97}",
            "agent": agent,
            "os": system,
            "ip": f"198.{18 + number % 2}.{number // 250 % 250}.{number % 250}",
            "city": random.choice(_CITIES),
        }

    def rows(self) -> Iterator[tuple[int, Row]]:
        """Yield (recorded at, row) in the order of recording; times are milliseconds since the epoch."""
        random, people, template = self._random, self.people, _template()
        types = [name for name, weight in TYPES.items() for _ in range(weight)]
        transaction = ""
        for at in range(self.events):
            recorded = self._began_ms + self._length_ms * at // self.events
            late = random.random()
            published = recorded - int(late * 3000 if late < 0.99 else random.random() * DAY_MS)
            # Whoever is early in the list does more: a tenth of the people make half of the log.
            actor = people[int(random.random() ** 3 * len(people))]
            target = people[int(random.random() * len(people))]
            if not transaction or random.random() < 0.5:
                transaction = f"{random.getrandbits(108):027x}"
            # Ours are UUIDv7: they rise with time (DESIGN §2.2).
            uuid = (recorded << 80) | (7 << 76) | (random.getrandbits(12) << 64) | (2 << 62) | random.getrandbits(62)
            kind = random.choice(types)
            body = template % {
                **actor,
                "chain_ip": actor["ip"],
                "session": f"102{random.getrandbits(88):022x}",
                "type": kind,
                "result": random.choice(_RESULTS),
                "published": format_ms(published),
                "request": transaction,
                "transaction": transaction,
                "uuid": str(UUID(int=uuid)),
                "target_id": target["actor_id"],
                "target_login": target["actor_login"],
                "target_name": target["actor_name"],
            }
            yield recorded, Row(self._org_id, uuid.to_bytes(16, "big"), published, kind, body.encode())
