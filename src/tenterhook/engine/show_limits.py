"""Show an org's limits, and what it has used of each."""

from __future__ import annotations

import msgspec

from tenterhook.domain.log_event import MAX_EVENT_BYTES
from tenterhook.domain.principal import Principal
from tenterhook.domain.quota import WINDOW_MS, Quota
from tenterhook.domain.timestamp import DAY_MS, format_ms
from tenterhook.engine.pipeline import Pipeline
from tenterhook.engine.publish import MAX_BODY_BYTES, MAX_EVENTS
from tenterhook.engine.register import known_event_hooks
from tenterhook.store import event_hooks, hook_keys, inline_hooks, quotas
from tenterhook.store.transaction import Tx


class LimitView(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """One limit (DESIGN §2.4)."""

    name: str
    description: str
    scope: str  #: what it is counted for: ORG, HOOK, TOKEN or REQUEST
    unit: str
    used: int | None = None  #: None: nothing is counted
    limit: int | None  #: None: there is none
    window_seconds: int | None = None  #: over how long it is counted; None: it is no rate
    reset: str | None = None  #: when the window ends; None: it begins with the next one that counts
    setting: str | None = None  #: of the operator, that decides it


async def show_limits(pipeline: Pipeline, principal: Principal) -> list[LimitView]:
    """Return the limits of the caller's org that the engine keeps: its quota, its hooks, its log, what it publishes."""
    now_ms, limits = pipeline.now_ms(), pipeline.limits

    def read(tx: Tx) -> tuple[Quota, int, list[LimitView]]:
        quota = quotas.get(tx, principal.org_id, limits.events_per_24h, now_ms)
        bound = event_hooks.count_bound(tx, principal.org_id)
        return quota or Quota(now_ms, 0), bound, _inline(pipeline, tx, principal.org_id)

    quota, bound, inline = await pipeline.database.read(read)
    hooks = known_event_hooks(pipeline, principal)
    return [
        LimitView(
            name="eventsTriggeringHooks",
            description="Events that trigger hooks in 24 hours. What exceeds it waits for a later window with room.",
            scope="ORG",
            unit="events",
            used=quota.used,
            limit=limits.events_per_24h,
            window_seconds=WINDOW_MS // 1000,
            reset=format_ms(quota.window_start + WINDOW_MS) if quota.used else None,
            setting="TENTERHOOK_LIMIT_EVENTS_PER_24H",
        ),
        LimitView(
            name="eventHooks",
            description="Event hooks that are active and verified.",
            scope="ORG",
            unit="hooks",
            used=bound,
            limit=limits.event_hooks,
            setting="TENTERHOOK_LIMIT_EVENT_HOOKS",
        ),
        LimitView(
            name="eventTypesPerHook",
            description="Event types of one event hook. Used: by the hook that has the most.",
            scope="HOOK",
            unit="types",
            used=max((len(one.events.items) for one in hooks), default=0),
            limit=limits.event_types,
            setting="TENTERHOOK_LIMIT_EVENT_TYPES",
        ),
        *inline,
        *_kept(pipeline),
        *_published(),
    ]


def _inline(pipeline: Pipeline, tx: Tx, org_id: str) -> list[LimitView]:
    return [
        LimitView(
            name="inlineHooks",
            description="Inline hooks, active or not.",
            scope="ORG",
            unit="hooks",
            used=inline_hooks.count(tx, org_id),
            limit=pipeline.limits.inline_hooks,
            setting="TENTERHOOK_LIMIT_INLINE_HOOKS",
        ),
        LimitView(
            name="hookKeys",
            description="Keys that sign for inline hooks.",
            scope="ORG",
            unit="keys",
            used=hook_keys.count(tx, org_id),
            limit=pipeline.limits.hook_keys,
            setting="TENTERHOOK_LIMIT_HOOK_KEYS",
        ),
    ]


def _kept(pipeline: Pipeline) -> list[LimitView]:
    return [
        LimitView(
            name="logRetention",
            description="How long log events are kept.",
            scope="ORG",
            unit="days",
            limit=pipeline.log_retention_ms // DAY_MS,
            setting="TENTERHOOK_RETENTION_LOG_DAYS",
        ),
        LimitView(
            name="attemptRetention",
            description="How long attempts are kept.",
            scope="ORG",
            unit="days",
            limit=pipeline.attempt_retention_ms // DAY_MS,
            setting="TENTERHOOK_RETENTION_ATTEMPT_DAYS",
        ),
    ]


def _published() -> list[LimitView]:
    sizes = {
        "publishBody": ("The body of one publish call.", "bytes", MAX_BODY_BYTES),
        "eventsPerPublish": ("Events in one publish call.", "events", MAX_EVENTS),
        "event": ("One event.", "bytes", MAX_EVENT_BYTES),
    }
    return [
        LimitView(name=name, description=description, scope="REQUEST", unit=unit, limit=most)
        for name, (description, unit, most) in sizes.items()
    ]
