"""The six types of inline hooks, and what the contract says of each as a whole.

Source: okta/inline-hooks.md §3 and §4.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec


class InlineOutcome(StrEnum):
    """How an inline call ended, from the side of the process that waits for it (DESIGN §2.4)."""

    SUCCESS = "SUCCESS"  #: answered; its commands, if any, are applied
    UNCHANGED = "UNCHANGED"  #: no active hook, or a failure that this type survives: go on as if there were none
    DENIED = "DENIED"  #: the answer said no
    FAILED = "FAILED"  #: a failure that stops this type
    FALLBACK = "FALLBACK"  #: telephony: send through the platform's own provider


class InlineKind(msgspec.Struct, frozen=True, kw_only=True):
    """One type of inline hook."""

    type: str  #: as on the wire
    label: str  #: for people
    on_failure: InlineOutcome  #: no usable answer: a time-out, another status, a reply against the contract
    on_error: InlineOutcome  #: the reply holds an ``error``
    retried: bool  #: whether a call may be repeated once, in what is left of its time
    allows_204: bool = True  #: whether 204 is an answer: no commands
    request_types: tuple[str, ...] = ()  #: what ``requestType`` may be; empty: the type has none
    only_one: bool = False  #: whether an org has at most one active hook of it (§2)
    inactive_counts: bool = False  #: whether an inactive hook, too, is that one
    needs_auth_scheme: bool = False  #: whether its HTTP channel must have an authScheme


TOKEN = InlineKind(
    type="com.okta.oauth2.tokens.transform",
    label="Token",
    on_failure=InlineOutcome.UNCHANGED,
    on_error=InlineOutcome.DENIED,
    retried=False,
)
SAML = InlineKind(
    type="com.okta.saml.tokens.transform",
    label="SAML assertion",
    on_failure=InlineOutcome.UNCHANGED,
    on_error=InlineOutcome.UNCHANGED,
    retried=True,
)
REGISTRATION = InlineKind(
    type="com.okta.user.pre-registration",
    label="Registration",
    on_failure=InlineOutcome.FAILED,
    on_error=InlineOutcome.DENIED,
    retried=True,
    request_types=("self.service.registration", "progressive.profile"),
)
IMPORT = InlineKind(
    type="com.okta.import.transform",
    label="User import",
    on_failure=InlineOutcome.UNCHANGED,
    on_error=InlineOutcome.UNCHANGED,
    retried=True,
)
PASSWORD_IMPORT = InlineKind(
    type="com.okta.user.credential.password.import",
    label="Password import",
    on_failure=InlineOutcome.FAILED,
    on_error=InlineOutcome.DENIED,
    retried=True,
    only_one=True,
    inactive_counts=True,
)
TELEPHONY = InlineKind(
    type="com.okta.telephony.provider",
    label="Telephony",
    on_failure=InlineOutcome.FALLBACK,
    on_error=InlineOutcome.FALLBACK,
    retried=False,
    allows_204=False,
    request_types=(
        "com.okta.user.telephony.pre-enrollment",
        "com.okta.user.telephony.mfa-verification",
        "com.okta.user.telephony.account-unlock",
        "com.okta.user.telephony.password-reset",
    ),
    only_one=True,
    needs_auth_scheme=True,
)

#: By type, in the order of the contract.
KINDS: dict[str, InlineKind] = {
    kind.type: kind for kind in (TOKEN, SAML, REGISTRATION, IMPORT, PASSWORD_IMPORT, TELEPHONY)
}
