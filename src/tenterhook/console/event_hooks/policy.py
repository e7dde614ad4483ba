"""A hook's delivery policy in plain words."""

from __future__ import annotations

from itertools import accumulate
from typing import NamedTuple

from markupsafe import Markup

from tenterhook.console.drawing import schedule
from tenterhook.console.event_hooks.fields import wait_text
from tenterhook.console.words import count_of, duration
from tenterhook.domain.delivery_policy import DeliveryPolicy
from tenterhook.domain.retry import RETRY_WORDS, RetryPolicy, named_policy

#: What each word of `retryOn` means.
FAILURES = {
    "CONNECT": "no connection",
    "TLS": "no TLS handshake, or a bad certificate",
    "DNS": "a host name that is not found",
    "TIMEOUT": "no answer in time",
    "RESET": "a connection cut before the answer",
    "PROTOCOL": "an answer that is no HTTP",
    "TOO_LARGE": "an answer that is too large",
    "BLOCKED": "an address that may not be called",
    "3XX": "redirects (3xx)",
    "4XX": "refusals (4xx)",
    "5XX": "failures of the receiver (5xx)",
}
#: Its name, and what it is for.
POLICIES = {
    "durable": ("Durable", "Holds on through days of outage, whatever the failure."),
    "okta": ("Okta", "As Okta does today: one more try, but none after a refusal (4xx)."),
    "okta-2021": ("Okta 2021", "As Okta did in 2021: one more try, only if there was no connection."),
}


class RetryWords(NamedTuple):
    """When a failed delivery is tried again."""

    title: str
    times: str
    causes: str
    notes: list[str]
    drawing: Markup


def retry_words(retry: RetryPolicy, title: str) -> RetryWords:
    """Return a retry policy in words, and drawn."""
    waits = [wait_text(wait) for wait in retry.waits_s]
    if waits:
        span = duration(round(sum(retry.waits_s) * 1000))
        times = f"Up to {count_of(len(waits) + 1, 'try')} within {span}. Waits vary by 20 %, so that retries spread."
    else:
        times = "One try."
    notes = []
    if retry.heeds_receiver:
        notes = [
            "A Retry-After in the answer lengthens a wait, to at most twice itself.",
            "An answer 410 Gone ends the delivery and pauses the hook.",
        ]
    return RetryWords(title, times, _causes(retry), notes, _drawn(retry, waits))


def _causes(retry: RetryPolicy) -> str:
    if not retry.waits_s or not retry.retry_on:
        return "What fails is not tried again."
    if set(RETRY_WORDS) <= retry.retry_on:
        return "Tried again whatever the failure."
    words = [FAILURES[word] for word in RETRY_WORDS if word in retry.retry_on]
    return f"Tried again after {', '.join(words)}."


def _drawn(retry: RetryPolicy, waits: list[str]) -> Markup:
    after = [wait_text(at) if at < 60 else duration(round(at * 1000)) for at in accumulate(retry.waits_s)]
    label = "Try 1 at once" + "".join(f", try {number} after {at}" for number, at in enumerate(after, 2))
    return schedule(retry.waits_s if retry.retry_on else (), waits, label=label)


def named_words(name: str) -> RetryWords:
    """Return one of the named policies in words."""
    return retry_words(named_policy(name), POLICIES[name][0])


def policy_words(policy: DeliveryPolicy) -> RetryWords:
    """Return the retry part of a hook's policy in words."""
    title = POLICIES[policy.retry][0] if isinstance(policy.retry, str) else "Own waits"
    return retry_words(policy.retry_policy, title)
