"""Event hooks: what one is, how it is shown, and how it changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from tenterhook.domain.channel import Channel, joined_headers, own_headers, same_channel
from tenterhook.domain.delivery_policy import DeliveryPolicy
from tenterhook.domain.event_filter import EventFilter
from tenterhook.domain.secret import Secret

Status = Literal["ACTIVE", "INACTIVE"]
VerificationStatus = Literal["UNVERIFIED", "VERIFIED"]


class _Document(BaseModel):
    model_config = ConfigDict(
        frozen=True, alias_generator=to_camel, populate_by_name=True, arbitrary_types_allowed=True, extra="forbid"
    )


class Events(_Document):
    """What a hook asks for."""

    type: str = "EVENT_TYPE"
    items: tuple[str, ...]  #: names of event types, each once
    filter: EventFilter | None = None  #: None: every event of these types


class Draft(_Document):
    """What a client may write, valid and complete: what it left out is filled in."""

    name: str
    description: str | None
    status: Status
    events: Events
    channel: Channel
    secret: Secret | None
    delivery_policy: DeliveryPolicy


class EventHook(_Document):
    """An event hook at one moment. A change is a new copy with the next version."""

    id: str
    status: Status
    verification_status: VerificationStatus
    name: str
    description: str | None
    created: int  #: milliseconds since the epoch, UTC
    created_by: str  #: the id of the admin who made it
    last_updated: int  #: milliseconds since the epoch, UTC
    events: Events
    channel: Channel
    delivery_policy: DeliveryPolicy

    org_id: str
    version: int = 1  #: rises with every change
    channel_version: int = 1  #: rises with every change of uri, headers, authScheme or secret
    ever_verified: bool = False  #: whether any of its channels was ever verified: then it holds while UNVERIFIED
    public_url: str  #: the base of `source` and links in force when this version was made
    secret: Secret | None = Field(default=None, repr=False)  #: the value of authScheme's header
    deleted: bool = False

    def wants(self, event_type: str) -> bool:
        """Return whether this hook asks for events of *event_type*."""
        return event_type in self.events.items

    @property
    def bound(self) -> bool:
        """Whether it counts against the limit of active and verified hooks."""
        return self.status == "ACTIVE" and self.verification_status == "VERIFIED" and not self.deleted

    @property
    def runnable(self) -> bool:
        """Whether its deliveries may go out now."""
        return self.bound and not self.delivery_policy.paused

    @property
    def subscribed(self) -> bool:
        """Whether events are matched for it: its deliveries go out, or are held until it is verified again."""
        return (
            self.status == "ACTIVE"
            and not self.deleted
            and (self.verification_status == "VERIFIED" or self.ever_verified)
        )

    def request_headers(self, ours: Sequence[tuple[str, str]] = ()) -> list[tuple[str, str]]:
        """Return its requests' headers: *ours* but for those that it sets itself, its custom ones, its secret."""
        config = self.channel.config
        return joined_headers(ours, own_headers(config.headers, config.auth_scheme, self.secret))

    def changed(self, now_ms: int, **fields: object) -> Self:
        """Return the next version with *fields* changed, as of *now_ms* (never before the last change)."""
        stamp = max(now_ms, self.last_updated)
        return self.model_copy(update={"version": self.version + 1, "last_updated": stamp, **fields})


def created(draft: Draft, identity: Mapping[str, str], now_ms: int) -> EventHook:
    """Return the hook that *draft* becomes: UNVERIFIED, version 1.

    identity: ``id``, ``org_id``, ``created_by`` and ``public_url``.
    """
    return EventHook(
        **dict(draft),
        **identity,
        verification_status="UNVERIFIED",
        created=now_ms,
        last_updated=now_ms,
    )


def replaced(hook: EventHook, draft: Draft, *, public_url: str, now_ms: int) -> EventHook:
    """Return *hook* as *draft* has it. Another channel or secret is UNVERIFIED until its endpoint was asked."""
    fields = {**dict(draft), "public_url": public_url}
    if draft.secret != hook.secret or not same_channel(draft.channel, hook.channel):
        fields |= {"verification_status": "UNVERIFIED", "channel_version": hook.channel_version + 1}
    return hook.changed(now_ms, **fields)


def switched(hook: EventHook, status: Status, now_ms: int) -> EventHook:
    """Return *hook* with *status*; the very same one if it has it already."""
    return hook if hook.status == status else hook.changed(now_ms, status=status)


def verified(hook: EventHook, now_ms: int) -> EventHook:
    """Return *hook* after its endpoint proved that it wants the events."""
    return hook.changed(now_ms, verification_status="VERIFIED", ever_verified=True)


def removed(hook: EventHook, now_ms: int) -> EventHook:
    """Return *hook* deleted, without its secret."""
    return hook.changed(now_ms, deleted=True, secret=None)


def etag(hook: EventHook) -> str:
    """Return the strong ETag of *hook* in this version, quotes and all."""
    return f'"{hook.id}.{hook.version}"'


def wire(hook: EventHook, public_url: str) -> dict[str, Any]:
    """Return the JSON object that the API answers for *hook*, its keys in Okta's order.

    public_url: the base of the links, without a slash at its end.
    Source: okta/event-hooks.md §2 and §3; deliveryPolicy is ours.
    """
    config = hook.channel.config
    scheme = config.auth_scheme
    return {
        "id": hook.id,
        "status": hook.status,
        "verificationStatus": hook.verification_status,
        "name": hook.name,
        "description": hook.description,
        "created": whole_seconds(hook.created),
        "createdBy": hook.created_by,
        "lastUpdated": whole_seconds(hook.last_updated),
        "events": _events(hook.events),
        "channel": {
            "type": hook.channel.type,
            "version": hook.channel.version,
            "config": {
                "uri": config.uri,
                "headers": [{"key": header.key, "value": header.value} for header in config.headers],
                "method": config.method,
                "authScheme": None if scheme is None else {"type": scheme.type, "key": scheme.key},
            },
        },
        "deliveryPolicy": hook.delivery_policy.wire(),
        "_links": _links(hook, f"{public_url}/api/v1/eventHooks/{hook.id}"),
    }


def _events(events: Events) -> dict[str, Any]:
    chosen = events.filter
    return {"type": events.type, "items": list(events.items), "filter": None if chosen is None else chosen.wire()}


def whole_seconds(time_ms: int) -> str:
    """Return the ISO 8601 text of a time in milliseconds, its fraction cut to ``.000``, as Okta prints hooks' dates."""
    return datetime.fromtimestamp(time_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _links(hook: EventHook, self_url: str) -> dict[str, Any]:
    def lifecycle(verb: str) -> dict[str, Any]:
        return {"href": f"{self_url}/lifecycle/{verb}", "hints": {"allow": ["POST"]}}

    if hook.status == "ACTIVE":
        return {"self": {"href": self_url}, "verify": lifecycle("verify"), "deactivate": lifecycle("deactivate")}
    return {
        "activate": lifecycle("activate"),
        "self": {"href": self_url},
        "delete": {"href": self_url, "hints": {"allow": ["DELETE"]}},
    }
