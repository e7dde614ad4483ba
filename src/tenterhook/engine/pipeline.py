"""What every verb of the engine works with: the parts of one running pipeline, built by the platform."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from tenterhook.domain.delivery_policy import DeliveryPolicy
from tenterhook.domain.destination import DestinationRules
from tenterhook.egress.client import Client
from tenterhook.engine.aside import Aside
from tenterhook.engine.authenticate import Tokens
from tenterhook.engine.followers import Followers
from tenterhook.engine.freed_places import FreedPlaces
from tenterhook.engine.hash_password import Passwords
from tenterhook.engine.inline.active import ActiveHooks
from tenterhook.engine.inline.switchboard import Switchboard
from tenterhook.engine.lanes import Lanes
from tenterhook.engine.long_searches import LongSearches
from tenterhook.engine.read_access_token import AccessTokens
from tenterhook.engine.subscriptions import Subscriptions
from tenterhook.store.database import Database
from tenterhook.store.vault import Vault


class Limits(msgspec.Struct, frozen=True):
    """How many of what an org may have; None: no limit."""

    event_hooks: int | None = None  #: active and verified ones
    event_types: int | None = None  #: per hook
    events_per_24h: int | None = None  #: that trigger hooks; what exceeds it is held
    inline_hooks: int | None = None  #: active or not
    hook_keys: int | None = None


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
    log_retention_ms: int  #: how long log events are kept after they were recorded
    attempt_retention_ms: int  #: how long attempts are kept
    access_tokens: AccessTokens  #: of OAuth issuers that the operator trusts
    trusted_proxies: tuple[str, ...] = ()  #: CIDRs of peers whose X-Forwarded-For is believed
    active_inline_hooks: ActiveHooks = field(default_factory=ActiveHooks)
    switchboard: Switchboard = field(default_factory=Switchboard)
    passwords: Passwords = field(default_factory=Passwords)
    long_searches: LongSearches = field(default_factory=LongSearches)
    aside: Aside = field(default_factory=Aside)  #: what would hold the event loop up
    freed: FreedPlaces = field(default_factory=FreedPlaces)  #: orgs where something held has ended

    def oldest_event(self) -> int:
        """Return the time (ms) of recording from which on log events are kept, and shown."""
        return self.now_ms() - self.log_retention_ms

    def oldest_attempt(self) -> int:
        """Return the time (ms) of beginning from which on attempts are kept, and shown."""
        return self.now_ms() - self.attempt_retention_ms

    @property
    def followers(self) -> Followers:
        """The live tails of the log, which every append wakes."""
        return self.subscriptions.followers
