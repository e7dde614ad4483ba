"""The catalogue of event types: which names exist, which of them hooks can ask for, and what family each belongs to.

Source: Okta's published catalogue 2026.08.1 (names, eligibility and releases are facts of the contract); the families'
names are ours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import TypeVar

T = TypeVar("T")

#: The family of an org's own types.
CUSTOM = "Custom"
MAX_NAME = 255
_CUSTOM_NAME = re.compile(r"[a-z][a-z0-9_-]*(?:\.[a-z0-9][a-z0-9_-]*)+", re.ASCII)
#: Types that only this system itself writes, nobody else may tell its story; not all of them are in the catalogue.
OURS = ("event_hook.", "inline_hook.", "tenterhook.")
#: What an org's own types may not begin with: Okta's and this server's own ground.
_RESERVED = tuple(sorted((*OURS, "system.")))

#: The longest beginning of a type's name decides.
_FAMILIES = {
    "access": "Access governance",
    "account": "Org administration",
    "analytics": "Reports",
    "app": "Applications",
    "app.ad": "Directories",
    "app.ai_agent_provider": "AI agents",
    "app.ldap": "Directories",
    "app.oauth2": "OAuth",
    "app.radius": "Agents",
    "application": "Applications",
    "certification": "Access governance",
    "core": "System",
    "credential": "MFA",
    "device": "Devices",
    "directory": "Directories",
    "event_hook": "Hooks",
    "group": "Groups",
    "group.privilege": "Admin roles",
    "iam": "Admin roles",
    "inline_hook": "Hooks",
    "integration": "Applications",
    "master_application": "Applications",
    "mim": "Devices",
    "network_zone": "Networks",
    "oauth2": "OAuth",
    "org": "Org administration",
    "pam": "Privileged access",
    "personal": "Users",
    "pki": "Certificates",
    "plugin": "Applications",
    "policy": "Policies",
    "resource_servers": "OAuth",
    "scheduled_action": "Users",
    "security": "Security",
    "security.zone": "Networks",
    "security.authenticator": "MFA",
    "self_service": "Users",
    "support": "Org administration",
    "system": "System",
    "system.agent": "Agents",
    "system.agent_pools": "Agents",
    "system.api_token": "API tokens",
    "system.client": "Rate limits",
    "system.csv": "Imports",
    "system.email": "Messages",
    "system.hook": "Hooks",
    "system.identity_sources": "Imports",
    "system.idp": "Identity providers",
    "system.import": "Imports",
    "system.iwa": "Agents",
    "system.iwa_agentless": "Agents",
    "system.iwa_agentless_kerberos": "Agents",
    "system.ldapi": "Directories",
    "system.mfa": "MFA",
    "system.operation": "Rate limits",
    "system.org.rate_limit": "Rate limits",
    "system.push": "Messages",
    "system.rate_limit": "Rate limits",
    "system.sms": "Messages",
    "system.voice": "Messages",
    "task": "System",
    "user": "Users",
    "user.account.privilege": "Admin roles",
    "user.authentication": "Sign-in",
    "user.credential": "MFA",
    "user.device_session": "Sign-in",
    "user.mfa": "MFA",
    "user.risk": "Security",
    "user.session": "Sign-in",
    "workflows": "Workflows",
    "workload_principal": "AI agents",
    "zone": "Networks",
}


@cache
def _rows() -> Mapping[str, tuple[bool, str | None]]:
    text = resources.files("tenterhook").joinpath("data/event-types.tsv").read_text("utf-8")
    rows = (line.split("\t") for line in text.splitlines()[1:])
    return {row[0]: (row[1] == "yes", row[2] or None) for row in rows}


@cache
def catalogue() -> Mapping[str, bool]:
    """Return every known event type and whether event hooks may subscribe to it."""
    return MappingProxyType({name: eligible for name, (eligible, _) in _rows().items()})


def eligible(name: str) -> bool:
    """Return whether an event hook may subscribe to *name*."""
    return catalogue().get(name, False)


def release_of(name: str) -> str | None:
    """Return the release that brought a type of the catalogue, such as ``2023.06.0``; None if that is not known."""
    return _rows()[name][1]


def family_of(name: str) -> str:
    """Return the family of a type of the catalogue, in words: ``Users``, ``Sign-in``, …"""
    return longest_match(name, _FAMILIES) or "Other"


def looks_made_up(name: str) -> bool:
    """Return whether *name* is neither in the catalogue nor this server's own: an org's own type, or a slip."""
    return name not in catalogue() and not name.startswith(OURS)


def longest_match(name: str, table: Mapping[str, T]) -> T | None:
    """Return what *table* has for the longest run of whole segments that *name* begins with."""
    while name:
        if name in table:
            return table[name]
        name = name.rpartition(".")[0]
    return None


def custom_name_problem(name: str) -> str | None:
    """Say why an org may not call a type of its own *name*, or return None."""
    if len(name) > MAX_NAME:
        return f"must be at most {MAX_NAME} characters long, it has {len(name):,}"
    if not _CUSTOM_NAME.fullmatch(name):
        return "must be parts joined by dots, of lower-case letters, digits, _ and -, such as acme.order.paid"
    if name in catalogue():
        return f"'{name}' is a type of the catalogue already; choose another name"
    if name.startswith(_RESERVED):
        return f"must not begin with {', '.join(_RESERVED[:-1])} or {_RESERVED[-1]}; begin with a name of your own"
    return None
