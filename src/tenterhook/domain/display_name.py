"""Readable names of event types: our own, made by rule from the type's name, or by hand where a rule is too dull.

A type's name is a place (`app.oauth2.client`) and what happened there (`lifecycle.create`). The longest place that
`_PLACES` knows gives the noun; a verb goes before it ("Create OAuth client"), a state behind it ("Import ended").
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from types import MappingProxyType

from tenterhook.domain.event_type import catalogue

#: What happens, as the last part of a type's name has it, and as people say it.
_VERBS = {
    **{
        verb: verb.replace("_", " ").capitalize()
        for verb in (
            *("create", "update", "delete", "activate", "deactivate", "add", "remove", "assign", "revoke", "grant"),
            *(
                "approve",
                "apply",
                "attempt",
                "authorize",
                "bind",
                "call",
                "cancel",
                "capture",
                "change",
                "clear",
                "clone",
            ),
            *(
                "close",
                "confirm",
                "decide",
                "deny",
                "deprovision",
                "detect",
                "disable",
                "discover",
                "download",
                "duplicate",
            ),
            *(
                "enable",
                "enforce",
                "enroll",
                "evaluate",
                "execute",
                "expire",
                "export",
                "extend",
                "finalize",
                "generate",
            ),
            *(
                "hold",
                "ignore",
                "import",
                "initiate",
                "invalidate",
                "issue",
                "launch",
                "link",
                "lock",
                "match",
                "migrate",
            ),
            *(
                "move",
                "notify",
                "open",
                "overwrite",
                "promote",
                "provide",
                "provision",
                "publish",
                "push",
                "reactivate",
            ),
            *(
                "read",
                "reassign",
                "receive",
                "reconnect",
                "register",
                "reject",
                "remediate",
                "rename",
                "renew",
                "request",
            ),
            *(
                "reset",
                "resolve",
                "restore",
                "reveal",
                "rotate",
                "run",
                "save",
                "schedule",
                "send",
                "set",
                "show",
                "skip",
            ),
            *("suspend", "sync", "transfer", "trigger", "unbind", "unlock", "unsuspend", "upgrade", "upload", "use"),
            *("validate", "verify", "view", "write", "connect", "disconnect", "invoke", "redirect", "refresh"),
        )
    },
    "sync": "Synchronize",
    "bootstrap": "Set up",
    "checkout": "Check out",
    "rollover": "Roll over",
    "unignore": "Stop ignoring",
    "conversion": "Convert",
    "reauthorize": "Authorize again",
    "reschedule": "Reschedule",
    "resume": "Resume",
    "realtimesync": "Synchronize at once",
    "initiated": "Start",
    "created": "Create",
    "updated": "Update",
    "deleted": "Delete",
    "activated": "Activate",
    "deactivated": "Deactivate",
    "verified": "Verify",
}
#: How something stands or ended.
_STATES = {
    "start": "started",
    "started": "started",
    "end": "ended",
    "complete": "finished",
    "completed": "finished",
    "success": "succeeded",
    "succeeded": "succeeded",
    "failed": "failed",
    "fail": "failed",
    "failure": "failed",
    "error": "failed",
    "errors": "failed",
    "cancelled": "cancelled",
    "canceled": "cancelled",
    "pending": "pending",
    "violation": "exceeded",
    "warning": "almost reached",
    "warn": "coming soon",
    "timeout": "timed out",
    "blocked": "blocked",
    "detected": "detected",
    "discovered": "discovered",
    "expired": "expired",
    "scheduled": "scheduled",
    "triggered": "triggered",
    "applied": "applied",
    "executed": "executed",
    "processed": "processed",
    "absent": "missing",
    "disabled": "disabled",
    "enabled": "enabled",
    "removed": "removed",
    "pushed": "pushed",
    "renamed": "renamed",
    "ignored": "ignored",
    "action": "led to an action",
}
#: Parts that say nothing to people.
_SILENT = {"lifecycle", "generic", "api"}
#: Abbreviations and other words that are not written as they come.
_WORDS = {
    "ad": "AD",
    "ldap": "LDAP",
    "ldapi": "LDAP interface",
    "mfa": "MFA",
    "api": "API",
    "oauth2": "OAuth",
    "csv": "CSV",
    "idp": "identity provider",
    "iwa": "IWA",
    "sso": "SSO",
    "okta": "Okta",
    "pki": "PKI",
    "ca": "certificate authority",
    "cert": "certificate",
    "crl": "CRL",
    "csr": "certificate signing request",
    "org": "org",
    "ou": "OU",
    "os": "OS",
    "url": "URL",
    "sms": "SMS",
    "saml": "SAML",
    "ssh": "SSH",
    "ai": "AI",
    "mcp": "MCP",
    "a2a": "A2A",
    "id": "ID",
    "appuser": "app user",
    "appgroup": "app group",
    "authn": "sign-in",
    "auth": "authentication",
    "jit": "JIT",
    "delauth": "delegated authentication",
    "dirsync": "DirSync",
    "ios": "iOS",
    "creds": "credentials",
    "config": "configuration",
    "app": "app",
    "pin": "PIN",
    "el": "expression",
    "apikey": "API key",
    "delegatedflow": "delegated flow",
    "resourceset": "resource set",
    "bindings": "bindings",
    "blacklist": "blocklist",
    "dr": "disaster recovery",
    "grouppush": "group push",
    "upsertGroup": "upsert of group",
    "truststore": "trust store",
    "admin": "admin",
    "fed": "federation",
    "info": "info",
    "rum": "RUM",
    "is": "is",
    "graph": "Graph",
    "as": "authorization server",
}
#: Which preposition leads from what a verb is done to, to the thing that has it: "Add group to project".
_LINKS = {"add": "to", "remove": "from", "push": "to", "assign": "to", "import": "from", "receive": "from"}

_PARTS = re.compile(r"[._-]+")


@cache
def display_names() -> Mapping[str, str]:
    """Return the display name of every type of the catalogue."""
    written = _table("data/display-names.tsv")
    return MappingProxyType({name: written.get(name) or _made(name) for name in catalogue()})


def display_name(name: str) -> str | None:
    """Return the display name of a type of the catalogue, None for others."""
    return display_names().get(name)


@cache
def _places() -> Mapping[str, str]:
    return _table("data/display-places.tsv")


def _table(path: str) -> dict[str, str]:
    text = resources.files("tenterhook").joinpath(path).read_text("utf-8")
    rows = (line.split("\t") for line in text.splitlines()[1:])
    return {row[0]: row[1] for row in rows}


def _made(name: str) -> str:
    place, noun = _place_of(name)
    noun, _, where = (part.strip() for part in noun.partition("@"))
    segments = [segment for segment in name.removeprefix(place).split(".") if segment and segment not in _SILENT]
    told = f"{noun} {_spoken(segments)}" if noun.endswith(":") else _sentence(noun, segments)
    return told[:1].upper() + told[1:] + (f" {where}" if where else "")


def _place_of(name: str) -> tuple[str, str]:
    """Return the longest known place that *name* lies in, and its noun."""
    place = name
    while place:
        place = place.rpartition(".")[0]
        if place in _places():
            return place, _places()[place]
    return "", ""


def _sentence(noun: str, segments: Sequence[str]) -> str:
    if not segments:
        return noun
    last = segments[-1]
    subject = " ".join(part for part in (noun, _spoken(segments[:-1])) if part)
    if last in _VERBS:
        return f"{_VERBS[last]} {subject}"
    if last in _STATES:
        return f"{subject} {_STATES[last]}"
    first, _, rest = last.partition("_")
    if rest and first in _VERBS:
        return f"{_VERBS[first]} {_spoken([rest])} {_LINKS.get(first, 'of')} {subject}"
    start, _, end = last.rpartition("_")
    if start and end in _VERBS:
        return f"{_VERBS[end]} {subject} {_spoken([start])}"
    if start and end in _STATES:
        return f"{subject} {_spoken([start])} {_STATES[end]}"
    return f"{subject} {_spoken([last])}"


def _spoken(segments: Sequence[str]) -> str:
    words = [word for segment in segments for word in _PARTS.split(segment) if word]
    return " ".join(_WORDS.get(word, _WORDS.get(word.lower(), word)) for word in words)
