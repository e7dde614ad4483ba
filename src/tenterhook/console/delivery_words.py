"""What is said of a delivery: where it stands, why, what comes next, and what its reader could do now."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple

from markupsafe import Markup

from tenterhook.console.words import ahead, count_of, duration, moment, visible
from tenterhook.domain.attempt import Reason
from tenterhook.domain.delivery_policy import DeliveryPolicy
from tenterhook.domain.timestamp import parse_timestamp
from tenterhook.engine.inspect_delivery import Inspection
from tenterhook.engine.show_deliveries import AttemptView

_PHRASES = {one.value: one.phrase for one in HTTPStatus}
#: How each status looks and is called.
BADGES: Mapping[str, tuple[str, str]] = {
    "DELIVERED": ("Delivered", "good"),
    "FAILED": ("Failed", "bad"),
    "RETRYING": ("Retrying", "warn"),
    "PENDING": ("Pending", "wait"),
    "HELD": ("Held", "off"),
    "SPLIT": ("Split", "info"),
}
_HELD = {
    "INACTIVE": "The event hook is inactive. It goes out when the hook is activated.",
    "UNVERIFIED": "The event hook is not verified. It goes out when the hook is verified.",
    "PAUSED": "The event hook is paused. It goes out when the hook is resumed.",
}
_ENDS = {
    "REFUSED": "The hook’s retry policy does not repeat such a failure.",
    "GONE": "410 means that the endpoint wants no more: the delivery ended, and the event hook was paused.",
    "BLOCKED": "The address is one that this server may not call, so it was not tried again.",
    "HOOK_DELETED": "The event hook was deleted while this delivery waited.",
    "EXPIRED": "Its events left the System Log before it could be delivered.",
    "CANCELLED": "An admin cancelled it.",
}
_BY_REASON: Mapping[str, str] = {
    Reason.DNS: "Check the host name in the event hook’s URL, and its DNS record.",
    Reason.CONNECT: "Check that the receiver is running, and that its firewall lets this server in.",
    Reason.TLS: "Check the certificate of the endpoint: its host name, its dates, and that the whole chain is sent.",
    Reason.TIMEOUT: "Let the receiver store the events and answer first, and work on them afterwards.",
    Reason.RESET: "Look into the log of the receiver, or of the proxy before it: the connection was cut there.",
    Reason.PROTOCOL: "Check that the URL is that of an HTTP/1.1 endpoint, and of the right port.",
    Reason.TOO_LARGE: "Let the receiver answer with a short body, or with none: 204 is enough.",
    Reason.BLOCKED: "Give the event hook another URL, or let the operator allow the network: TENTERHOOK_EGRESS_ALLOW.",
}
_BY_STATUS: Mapping[int, str] = {
    401: "The endpoint does not accept who calls: check the event hook’s authentication header and secret.",
    403: "The endpoint does not accept who calls: check the event hook’s authentication header and secret.",
    404: "Nothing is at this path: check the event hook’s URL.",
    405: "The endpoint takes no POST at this path: check the event hook’s URL.",
    410: "The endpoint wants no more events. If that is wrong, mend it and resume the event hook.",
    413: "The endpoint takes no body of this size: let the event hook send fewer events per request.",
    429: "The endpoint gets more than it takes: let the event hook send fewer requests at once.",
}
#: By the hundreds of a status.
_BY_CLASS: Mapping[int, str] = {
    3: "Redirects are not followed: put the address that it leads to into the event hook’s URL.",
    4: "The endpoint refuses the request: its answer may say why.",
    5: "The receiver failed: look into its log, around the time of the attempt.",
}


#: How a failure is called in a few words.
REASONS: Mapping[str, str] = {
    Reason.STATUS: "Error answered",
    Reason.TIMEOUT: "Time-out",
    Reason.DNS: "Name not found",
    Reason.CONNECT: "No connection",
    Reason.TLS: "No TLS connection",
    Reason.RESET: "Connection cut",
    Reason.PROTOCOL: "Not HTTP/1.1",
    Reason.TOO_LARGE: "Answer too large",
    Reason.BLOCKED: "Address not allowed",
    Reason.INTERRUPTED: "Interrupted by us",
}


class Standing(NamedTuple):
    """Where a delivery stands, in words."""

    badge: str
    kind: str  #: as of a badge
    text: Markup
    next: Markup  #: what happens by itself from here; "" if nothing does
    advice: str  #: what a person could do; "" if nothing is needed


def advice_for(reason: str | None, status: int | None) -> str:
    """Return what would mend failures of this kind; "" if nobody can say. reason: as of an attempt."""
    if status is not None and (reason is None or reason == Reason.STATUS):
        return _BY_STATUS.get(status) or _BY_CLASS.get(status // 100, "")
    return _BY_REASON.get(reason or "", "")


def result_of(attempt: AttemptView) -> str:
    """Return what came of an attempt in a few words: ``204``, ``500 Internal Server Error``, ``Time-out``."""
    if attempt.status is None:
        return REASONS.get(attempt.reason or "", "Failed")
    if attempt.outcome == "DELIVERED":
        return str(attempt.status)
    phrase = _PHRASES.get(attempt.status)
    return f"{attempt.status} {phrase}" if phrase else str(attempt.status)


def standing_of(found: Inspection, now_ms: int) -> Standing:
    """Return how a delivery stands."""
    view = found.view
    badge, kind = BADGES[view.status]
    last = view.attempts[-1] if view.attempts else None
    text, coming = _told(found, last, now_ms)
    failed = view.status in ("FAILED", "RETRYING", "HELD") and last is not None and last.outcome != "DELIVERED"
    helpless = view.end_reason in ("CANCELLED", "EXPIRED", "HOOK_DELETED")
    advice = advice_for(last.reason, last.status) if failed and last is not None and not helpless else ""
    return Standing(badge, kind, text, coming, advice)


def _told(found: Inspection, last: AttemptView | None, now_ms: int) -> tuple[Markup, Markup]:
    view = found.view
    nothing = Markup()
    if view.status == "DELIVERED":
        return _arrived(found, last), nothing
    if view.status == "FAILED":
        return _gave_up(found, last), nothing
    said = Markup("Attempt {} failed: {}").format(last.number, visible(last.message)) if last else Markup()
    if view.status == "HELD":
        if view.hold_reason == "QUOTA":
            return Markup("The org’s quota of events is used up."), Markup("It goes out by itself {}, {}.").format(
                ahead(view.next_attempt, now_ms), moment(view.next_attempt)
            )
        return Markup("{}").format(_HELD.get(view.hold_reason or "", "")), said
    if found.under_way:
        return said or Markup("It was made a moment ago."), Markup("An attempt is under way or about to begin.")
    if last is None:
        return Markup("It has not been tried yet."), Markup("Its first attempt is about to begin.")
    return said, _next_try(found, now_ms)


def _arrived(found: Inspection, last: AttemptView | None) -> Markup:
    if last is None:
        return Markup("It arrived; its attempts are beyond retention.")
    took = (parse_timestamp(found.ended) or 0 if found.ended else 0) - (parse_timestamp(found.view.created) or 0)
    after = Markup(", {} after it was made").format(duration(took)) if took >= 1000 else Markup()
    number = "the first attempt" if last.number == 1 else f"attempt {last.number}"
    return Markup("The endpoint answered {} to {}{}.").format(last.status, number, after)


def _gave_up(found: Inspection, last: AttemptView | None) -> Markup:
    said = Markup("{} ").format(visible(last.message)) if last is not None else Markup()
    reason = found.view.end_reason or ""
    if reason != "EXHAUSTED":
        end = Markup("{}").format(_ENDS.get(reason, ""))
        return end if reason in ("CANCELLED", "EXPIRED", "HOOK_DELETED") else said + end
    tries = count_of(last.number, "attempt") if last is not None else "every attempt"
    return said + Markup("Given up after {}: the retry policy has no further one.").format(tries)


def _next_try(found: Inspection, now_ms: int) -> Markup:
    due = parse_timestamp(found.view.next_attempt or "")
    if due is None or due <= now_ms:
        return Markup("The next attempt is due and about to begin.")
    return Markup("The next attempt is {}, at {}{}.").format(ahead(due, now_ms), moment(due), _step(found))


def _step(found: Inspection) -> str:
    """Return which wait of the policy this is: ``: retry 3 of 9 of the “durable” policy, 30 min ± 20 % after …``."""
    if found.policy is None:
        return ""
    waits = found.policy.retry_policy.waits_s
    if not 1 <= found.step <= len(waits):
        return ""
    wait = duration(int(waits[found.step - 1] * 1000))
    return f": retry {found.step} of {len(waits)} of {policy_name(found.policy)}, {wait} (± 20 %) after the last one"


def policy_name(policy: DeliveryPolicy) -> str:
    """Return how a retry policy is called in a sentence."""
    return f"the “{policy.retry}” policy" if isinstance(policy.retry, str) else "the hook’s own policy"
