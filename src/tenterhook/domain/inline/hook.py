"""Inline hooks: what one is, how it is shown, and how it changes. Source: okta/inline-hooks.md §2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from tenterhook.domain.channel import AuthScheme, Header
from tenterhook.domain.event_hook import whole_seconds
from tenterhook.domain.secret import Secret

Status = Literal["ACTIVE", "INACTIVE"]
ChannelType = Literal["HTTP", "OAUTH"]
AuthType = Literal["client_secret_post", "private_key_jwt"]


class _Document(BaseModel):
    model_config = ConfigDict(
        frozen=True, alias_generator=to_camel, populate_by_name=True, arbitrary_types_allowed=True, extra="forbid"
    )


class InlineConfig(_Document):
    """Where and how an inline hook is called; the last five are of OAUTH channels alone."""

    uri: str
    headers: tuple[Header, ...] = ()
    method: str = "POST"
    auth_scheme: AuthScheme | None = None
    client_id: str | None = None
    token_url: str | None = None
    auth_type: AuthType | None = None
    scope: str | None = None
    hook_key_id: str | None = None  #: the ``HKY…`` id, for private_key_jwt


class InlineChannel(_Document):
    """The channel as the API shows it: without its secret."""

    type: ChannelType = "HTTP"
    version: str = "1.0.0"
    config: InlineConfig


class InlineDraft(_Document):
    """What a client may write, valid and complete: what it left out is filled in."""

    name: str
    type: str
    version: str
    channel: InlineChannel
    secret: Secret | None


class InlineHook(_Document):
    """An inline hook at one moment. A change is a new copy with the next revision."""

    id: str
    status: Status
    name: str
    type: str  #: one of `KINDS`, for life
    version: str  #: of the payload, as the client wrote it
    channel: InlineChannel
    created: int  #: milliseconds since the epoch, UTC
    last_updated: int  #: milliseconds since the epoch, UTC

    org_id: str
    revision: int = 1  #: rises with every change
    secret: Secret | None = Field(default=None, repr=False)  #: authScheme.value, or clientSecret

    def changed(self, now_ms: int, **fields: object) -> Self:
        """Return the next revision with *fields* changed, as of *now_ms* (never before the last change)."""
        stamp = max(now_ms, self.last_updated)
        return self.model_copy(update={"revision": self.revision + 1, "last_updated": stamp, **fields})


def created(draft: InlineDraft, identity: Mapping[str, str], now_ms: int) -> InlineHook:
    """Return the hook that *draft* becomes: ACTIVE, revision 1.

    identity: ``id`` and ``org_id``.
    """
    return InlineHook(**dict(draft), **identity, status="ACTIVE", created=now_ms, last_updated=now_ms)


def replaced(hook: InlineHook, draft: InlineDraft, now_ms: int) -> InlineHook:
    """Return *hook* as *draft* has it; its status is a matter of `switched` alone."""
    return hook.changed(now_ms, **dict(draft))


def switched(hook: InlineHook, status: Status, now_ms: int) -> InlineHook:
    """Return *hook* with *status*; the very same one if it has it already."""
    return hook if hook.status == status else hook.changed(now_ms, status=status)


def etag(hook: InlineHook) -> str:
    """Return the strong ETag of *hook* in this revision, quotes and all."""
    return f'"{hook.id}.{hook.revision}"'


def wire(hook: InlineHook, public_url: str) -> dict[str, Any]:
    """Return the JSON object that the API answers for *hook*, its keys in Okta's order and without its secret.

    public_url: the base of the links, without a slash at its end.
    Source: okta/inline-hooks.md §2.
    """
    return {
        "id": hook.id,
        "status": hook.status,
        "name": hook.name,
        "type": hook.type,
        "version": hook.version,
        "channel": channel_wire(hook.channel),
        "created": whole_seconds(hook.created),
        "lastUpdated": whole_seconds(hook.last_updated),
        "_links": _links(hook, f"{public_url}/api/v1/inlineHooks/{hook.id}"),
    }


def channel_wire(channel: InlineChannel) -> dict[str, Any]:
    """Return a channel as the API shows it."""
    config = channel.config
    scheme = config.auth_scheme
    shown: dict[str, Any] = {
        "uri": config.uri,
        "headers": [{"key": header.key, "value": header.value} for header in config.headers],
        "method": config.method,
        "authScheme": None if scheme is None else {"type": scheme.type, "key": scheme.key},
    }
    if channel.type == "OAUTH":
        shown |= {"clientId": config.client_id, "tokenUrl": config.token_url}
        shown |= {"authType": config.auth_type, "scope": config.scope}
    if config.hook_key_id is not None:
        shown["hookKeyId"] = config.hook_key_id
    return {"type": channel.type, "version": channel.version, "config": shown}


def _links(hook: InlineHook, self_url: str) -> dict[str, Any]:
    def act(path: str) -> dict[str, Any]:
        return {"href": f"{self_url}/{path}", "hints": {"allow": ["POST"]}}

    if hook.status == "ACTIVE":
        return {"self": {"href": self_url}, "execute": act("execute"), "deactivate": act("lifecycle/deactivate")}
    return {
        "activate": act("lifecycle/activate"),
        "self": {"href": self_url},
        "delete": {"href": self_url, "hints": {"allow": ["DELETE"]}},
    }
