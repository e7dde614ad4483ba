"""What every verb of the engine works with: the parts of one running pipeline, built by the platform."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from tenterhook.domain.delivery_policy import DeliveryPolicy
from tenterhook.domain.destination import DestinationRules
from tenterhook.egress.client import Client
from tenterhook.engine.authenticate import Tokens
from tenterhook.engine.lanes import Lanes
from tenterhook.engine.subscriptions import Subscriptions
from tenterhook.store.database import Database
from tenterhook.store.vault import Vault


class Limits(msgspec.Struct, frozen=True):
    """How many of what an org may have; None: no limit."""

    event_hooks: int | None = None  #: active and verified ones
    event_types: int | None = None  #: per hook


@dataclass(eq=False, kw_only=True)
class Pipeline:
    """The parts of one running pipeline. Nothing here decides; the verbs do."""

    database: Database
    subscriptions: Subscriptions
    lanes: Lanes
    tokens: Tokens
    client: Client
    vault: Vault
    rules: DestinationRules
    limits: Limits
    default_policy: DeliveryPolicy  #: what a new hook gets that does not say otherwise
    user_agent: str
    public_url: str  #: base of absolute links and of `source`; no slash at its end
    profile: str
    dev: bool
    now_ms: Callable[[], int]
