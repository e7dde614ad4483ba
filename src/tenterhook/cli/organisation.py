"""A believable organisation: the same people, devices, groups and applications from event to event.

Pure: chance comes from the `Random` that is passed in, so that one seed gives one history. Addresses are from the
ranges for documentation (RFC 5737, RFC 3849), names of hosts and mail from those reserved for examples (RFC 2606).
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from random import Random
from typing import Any

Event = dict[str, Any]

#: Wrong passwords in a row that lock a user out.
MAX_FAILURES = 5

_FIRST = (
    "Ada Amir Bao Beatriz Chidi Clara Dmitri Elif Fatima Goran Hana Imani Jonas Kenji Lucía Mira Noor Olga Priya Sven"
)
_LAST = (
    "Abe Berg Castro Demir Eze Fischer García Haddad Ito Jensen Kaya Lindqvist Mensah Novak Okafor Petrov Rossi Sato"
)
_CITIES = (
    ("Lisbon", "Lisboa", "Portugal", "1100-148", 38.72, -9.14),
    ("Nairobi", "Nairobi County", "Kenya", "00100", -1.29, 36.82),
    ("Osaka", "Osaka", "Japan", "530-0001", 34.69, 135.5),
    ("Toronto", "Ontario", "Canada", "M5H 2N2", 43.65, -79.38),
    ("Zürich", "Zürich", "Switzerland", "8001", 47.37, 8.54),
)
_AGENTS = (
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 Chrome/141.0 Safari/537.36",
        "Mac OS X",
        "CHROME",
    ),
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0", "Windows 10", "FIREFOX"),
    ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 Version/18.6", "iOS", "SAFARI"),
    ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/141.0 Safari/537.36", "Linux", "CHROME"),
)
_GROUPS = ("Everyone", "Engineering", "Finance", "People", "Sales", "Support", "VPN users")
_APPS = ("Payroll", "Wiki", "Issue tracker", "Travel", "Video calls", "Source code")
_FACTORS = ("Okta Verify", "Google Authenticator", "Security key", "SMS")
_PROFILE = ("department", "mobilePhone", "title", "manager")
#: The least of it: an organisation that never loses everyone.
_MIN_PEOPLE = 8
_MAX_PEOPLE = 500


@dataclass
class Person:
    """One user, with the device and the place that the person mostly works from."""

    id: str
    name: str
    login: str
    address: str
    agent: tuple[str, str, str]
    city: tuple[str, str, str, str, float, float]
    session: str = ""  #: empty: signed out
    groups: set[str] = field(default_factory=set)
    failures: int = 0
    locked: bool = False

    def entity(self) -> Event:
        """Return the person as actor or target of a log event."""
        return {
            "id": self.id,
            "type": "User",
            "alternateId": self.login,
            "displayName": self.name,
            "detailEntry": None,
        }


class Organisation:
    """People who sign in, fail to, join groups, enrol factors, come and go."""

    def __init__(self, random: Random, people: int = 24) -> None:
        self.random = random
        self._born = 0
        self.people = [self._new_person() for _ in range(people)]
        self.groups = {name: self._id("00g") for name in _GROUPS}
        self.apps = {name: self._id("0oa") for name in _APPS}
        self.admin = self.people[0]
        self._acts = (
            (self._sign_in, 30),
            (self._open_app, 26),
            (self._fail_sign_in, 10),
            (self._prove_factor, 10),
            (self._sign_out, 8),
            (self._change_profile, 4),
            (self._join_group, 4),
            (self._leave_group, 2),
            (self._enrol_factor, 2),
            (self._create_user, 2),
            (self._unlock, 1),
            (self._deactivate_user, 1),
        )

    def live(self) -> list[Event]:
        """Return what happens next: one event, or a few that belong together, in order."""
        acts, weights = zip(*self._acts, strict=True)
        events: list[Event] = self.random.choices(acts, weights)[0]()
        return events or self._open_app()

    # -- what can happen ----------------------------------------------------------------------------------------------

    def _sign_in(self) -> list[Event]:
        person = self._someone()
        if person.locked:
            return self._fail_sign_in(person)
        person.session, person.failures = self._id("102"), 0
        passed = self._event("user.session.start", "User login to Okta", person)
        proved = self._event("user.authentication.auth_via_mfa", "Authentication of user via MFA", person)
        return [passed, proved] if self.random.random() < 0.5 else [passed]

    def _fail_sign_in(self, person: Person | None = None) -> list[Event]:
        person = person or self._someone()
        # Whoever mistypes once often does so again, and somebody has always forgotten it.
        tries = self.random.choices((1, 2, 3, MAX_FAILURES), (60, 20, 14, 6))[0]
        return [event for _ in range(tries) for event in self._fail_once(person)]

    def _fail_once(self, person: Person) -> list[Event]:
        person.failures += 1
        reason = "LOCKED_OUT" if person.locked else "INVALID_CREDENTIALS"
        failed = self._event("user.session.start", "User login to Okta", person, result="FAILURE", reason=reason)
        if person.failures < MAX_FAILURES or person.locked:
            return [failed]
        person.locked, person.session = True, ""
        return [failed, self._event("user.account.lock", "Max sign in attempts exceeded", person, [person.entity()])]

    def _open_app(self) -> list[Event]:
        person = self._someone()
        name = self.random.choice(_APPS)
        target = self._target("AppInstance", self.apps[name], name)
        return [self._event("user.authentication.sso", "User single sign on to app", person, [target])]

    def _prove_factor(self) -> list[Event]:
        person = self._someone()
        ok = self.random.random() < 0.9
        result, reason = ("SUCCESS", None) if ok else ("FAILURE", "FACTOR_REJECTED")
        name = "Authentication of user via MFA"
        return [self._event("user.authentication.auth_via_mfa", name, person, result=result, reason=reason)]

    def _sign_out(self) -> list[Event]:
        person = self._someone()
        event = self._event("user.session.end", "User logout from Okta", person)
        person.session = ""
        return [event]

    def _change_profile(self) -> list[Event]:
        person = self._someone()
        changed = self.random.choice(_PROFILE)
        event = self._event("user.account.update_profile", "Update user profile", person, [person.entity()])
        event["debugContext"]["debugData"]["changedAttributes"] = changed
        return [event]

    def _join_group(self) -> list[Event]:
        person = self._someone()
        name = self.random.choice([name for name in _GROUPS if name not in person.groups] or list(_GROUPS))
        person.groups.add(name)
        return [self._group_event("user_membership.add", "Add user to group membership", person, name)]

    def _leave_group(self) -> list[Event]:
        person = self._someone()
        if not person.groups:
            return []
        name = self.random.choice(sorted(person.groups))
        person.groups.discard(name)
        return [self._group_event("user_membership.remove", "Remove user from group membership", person, name)]

    def _enrol_factor(self) -> list[Event]:
        person = self._someone()
        event = self._event("user.mfa.factor.activate", "Activate factor for user", person, [person.entity()])
        event["debugContext"]["debugData"]["factor"] = self.random.choice(_FACTORS)
        return [event]

    def _create_user(self) -> list[Event]:
        if len(self.people) >= _MAX_PEOPLE:
            return self._deactivate_user()
        person = self._new_person()
        self.people.append(person)
        person.groups.add("Everyone")
        target = [person.entity()]
        return [
            self._event("user.lifecycle.create", "Create Okta user", self.admin, target),
            self._event("user.lifecycle.activate", "Activate Okta user", self.admin, target),
            self._group_event("user_membership.add", "Add user to group membership", person, "Everyone"),
        ]

    def _unlock(self) -> list[Event]:
        locked = [person for person in self.people if person.locked]
        if not locked:
            return []
        person = self.random.choice(locked)
        person.locked, person.failures = False, 0
        return [self._event("user.account.unlock_by_admin", "Unlock user account", self.admin, [person.entity()])]

    def _deactivate_user(self) -> list[Event]:
        if len(self.people) <= _MIN_PEOPLE:
            return []
        person = self.people.pop(self.random.randrange(1, len(self.people)))
        return [self._event("user.lifecycle.deactivate", "Deactivate Okta user", self.admin, [person.entity()])]

    # -- what it is made of -------------------------------------------------------------------------------------------

    def _group_event(self, what: str, words: str, person: Person, group: str) -> Event:
        targets = [person.entity(), self._target("UserGroup", self.groups[group], group)]
        return self._event(f"group.{what}", words, self.admin, targets)

    def _event(
        self,
        event_type: str,
        words: str,
        actor: Person,
        targets: list[Event] | None = None,
        result: str = "SUCCESS",
        reason: str | None = None,
    ) -> Event:
        request = self._id("req")
        return {
            "eventType": event_type,
            "displayMessage": words,
            "severity": "INFO" if result == "SUCCESS" else "WARN",
            "actor": actor.entity(),
            "client": _client(actor),
            "authenticationContext": {"authenticationStep": 0, "externalSessionId": actor.session or "unknown"},
            "outcome": {"result": result, "reason": reason},
            "target": targets,
            "transaction": {"type": "WEB", "id": request, "detail": {}},
            "debugContext": {"debugData": {"requestId": request}},
        }

    def _target(self, kind: str, identity: str, name: str) -> Event:
        return {"id": identity, "type": kind, "alternateId": name, "displayName": name, "detailEntry": None}

    def _someone(self) -> Person:
        # The few who work most make most of the noise.
        return self.people[min(self.random.randrange(len(self.people)), self.random.randrange(len(self.people)))]

    def _new_person(self) -> Person:
        first, last = self.random.choice(_FIRST.split()), self.random.choice(_LAST.split())
        self._born += 1
        return Person(
            id=self._id("00u"),
            name=f"{first} {last}",
            login=f"{_plain(first)}.{_plain(last)}{self._born}@example.com",
            address=self._address(),
            agent=self.random.choice(_AGENTS),
            city=self.random.choice(_CITIES),
            groups={"Everyone"},
        )

    def _address(self) -> str:
        if self.random.random() < 0.1:
            return f"2001:db8::{self.random.randrange(1, 0xFFFF):x}"
        return f"{self.random.choice(('192.0.2', '198.51.100', '203.0.113'))}.{self.random.randrange(1, 255)}"

    def _id(self, prefix: str) -> str:
        letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
        return prefix + "".join(self.random.choices(letters, k=17))


def _plain(name: str) -> str:
    """Return *name* as it stands in an address: small letters without accents."""
    return unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()


def _client(person: Person) -> Event:
    city, state, country, code, latitude, longitude = person.city
    raw, system, browser = person.agent
    return {
        "userAgent": {"rawUserAgent": raw, "os": system, "browser": browser},
        "zone": "null",
        "device": "Mobile" if system == "iOS" else "Computer",
        "id": None,
        "ipAddress": person.address,
        "geographicalContext": {
            "city": city,
            "state": state,
            "country": country,
            "postalCode": code,
            "geolocation": {"lat": latitude, "lon": longitude},
        },
    }
