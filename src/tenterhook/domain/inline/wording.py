"""What an endpoint said, made fit to be shown and logged, and the contract's own words where it has some.

Source: okta/inline-hooks.md §4.1, §4.3, §6.
"""

from __future__ import annotations

import re

from tenterhook.domain.inline.kind import REGISTRATION
from tenterhook.domain.log_event import Tree

#: Control characters, and those that turn the direction of a line or end it: none of them belongs into a page or log.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")

#: What the requester of a token reads when the endpoint's error says nothing.
CALLBACK_ERROR = "The callback service returned an error"
NO_ACTIVE_HOOK = "There is no active inline hook of this type."

#: By `requestType`: what a person who registers, or completes a profile, reads.
_DENIED = ("Registration denied.", "Profile update denied.")
_ERROR = (
    "Registration cannot be completed at this time.",
    "We found some errors. Please review the form and make corrections.",
)
_FAILURE = (
    "There was an error creating your account. Please try registering again",
    "There was an error updating your profile. Please try again later.",
)


def plain(text: str, longest: int) -> str:
    """Return *text* on one line without control characters, cut to *longest* characters."""
    shown = _UNSEEN.sub(" ", text[: longest + 1])
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def as_error(summary: str) -> Tree:
    """Return the error object that says *summary* and no more."""
    return {"errorSummary": summary, "errorCauses": []}


def default_summary(kind_type: str, request_type: str | None) -> str:
    """Return what an ``error`` without an ``errorSummary`` says to the user of the process."""
    return _worded(_ERROR, request_type) if kind_type == REGISTRATION.type else CALLBACK_ERROR


def denial(request_type: str | None) -> str:
    """Return what a person reads whose registration, or change of profile, was denied by a command."""
    return _worded(_DENIED, request_type)


def failure(request_type: str | None) -> str:
    """Return what a person reads whose registration, or change of profile, failed for want of an answer."""
    return _worded(_FAILURE, request_type)


def _worded(texts: tuple[str, str], request_type: str | None) -> str:
    return texts[REGISTRATION.request_types.index(request_type) if request_type in REGISTRATION.request_types else 0]
