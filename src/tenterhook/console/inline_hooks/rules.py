"""What each type of inline hook is for, and what follows if its endpoint fails, in sentences for people."""

from __future__ import annotations

from typing import NamedTuple

from tenterhook.domain.inline.kind import (
    IMPORT,
    KINDS,
    PASSWORD_IMPORT,
    REGISTRATION,
    SAML,
    TELEPHONY,
    TOKEN,
    InlineKind,
)


class Rule(NamedTuple):
    """One type in words."""

    asked: str  #: when it is asked, and what its answer can change
    silent: str  #: no usable answer in time
    error: str  #: the answer holds an error


_RULES: dict[InlineKind, Rule] = {
    TOKEN: Rule(
        "Asked before an ID token or access token is minted; it can change claims and lifetimes.",
        "the token is minted as if there were no hook",
        "no token is minted",
    ),
    SAML: Rule(
        "Asked before a SAML assertion goes out; it can change what the assertion says.",
        "the assertion goes out as if there were no hook",
        "the assertion goes out unchanged",
    ),
    REGISTRATION: Rule(
        "Asked before somebody is registered or adds to their profile; it can change the profile, or refuse.",
        "the registration or update is refused",
        "the registration or update is refused, with what the error says",
    ),
    IMPORT: Rule(
        "Asked for each user of an import; it can change profiles and decide whether to create or to link.",
        "the import goes on as if there were no hook",
        "the import goes on as if there were no hook",
    ),
    PASSWORD_IMPORT: Rule(
        "Asked at somebody’s first sign-in whether their old password is right, so that it can be taken over.",
        "the sign-in fails, and the endpoint is asked again at the next one",
        "the sign-in fails",
    ),
    TELEPHONY: Rule(
        "Asked to send a one-time code by text message or voice call.",
        "the code is sent by the platform’s own provider",
        "the code is sent by the platform’s own provider",
    ),
}


def rule_of(type: str) -> Rule:
    """Return the words for a type of inline hook."""
    return _RULES[KINDS[type]]


def on_failure(type: str, timeout_s: float) -> str:
    """Return what follows if the endpoint fails, in whole sentences. timeout_s: that a call may take."""
    rule, kind = rule_of(type), KINDS[type]
    again = "It may be asked once more in that time." if kind.retried else "It is asked once only."
    silent = f"Without a usable answer within {timeout_s:g} s {rule.silent}. {again}"
    return silent if rule.silent == rule.error else f"{silent} If the answer holds an error, {rule.error}."


def type_choices() -> list[tuple[str, str, str]]:
    """Return the types as a choice: value, label and what it is for."""
    return [(kind.type, kind.label, rule_of(kind.type).asked) for kind in KINDS.values()]
