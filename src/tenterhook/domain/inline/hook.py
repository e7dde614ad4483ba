"""Inline hooks: what one is. Source: okta/inline-hooks.md §2."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from tenterhook.domain.channel import AuthScheme, Header
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
