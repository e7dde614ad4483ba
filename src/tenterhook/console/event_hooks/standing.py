"""How a hook stands, in a word for its badge and a sentence about what follows from it."""

from __future__ import annotations

from typing import NamedTuple

from tenterhook.domain.event_hook import EventHook
from tenterhook.engine.figures.hooks import HookFigures


class Badge(NamedTuple):
    """One word, and what kind of news it is (components/badge.html)."""

    text: str
    kind: str


class Standing(NamedTuple):
    """How a hook stands."""

    state: Badge
    verification: Badge
    #: What keeps its deliveries from going out; None: nothing does.
    obstacle: str | None


def standing_of(hook: EventHook, figures: HookFigures | None = None) -> Standing:
    """Return how *hook* stands."""
    verified = hook.verification_status == "VERIFIED"
    verification = Badge("Verified", "good") if verified else Badge("Unverified", "warn")
    return Standing(_state(hook, figures), verification, _obstacle(hook))


def _state(hook: EventHook, figures: HookFigures | None) -> Badge:
    if hook.status == "INACTIVE":
        return Badge("Inactive", "off")
    if hook.delivery_policy.paused:
        return Badge("Paused", "wait")
    if figures is not None and figures.failing_since is not None:
        return Badge("Failing", "bad")
    return Badge("Active", "good" if hook.verification_status == "VERIFIED" else "off")


def _obstacle(hook: EventHook) -> str | None:
    if hook.status == "INACTIVE":
        return "It is inactive: events that occur now are not matched for it."
    if hook.verification_status == "UNVERIFIED":
        if hook.ever_verified:
            return "Its channel has changed since it was verified: deliveries are held until it is verified again."
        return "Nothing is delivered until its endpoint has proved that it wants the events."
    return "It is paused: deliveries are held until you resume it." if hook.delivery_policy.paused else None
