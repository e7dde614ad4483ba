"""What can be set, what each setting accepts, and what the profiles say.

Each field's metadata carries, beside its type, the words that finish the sentence "X must be …": an error tells what
would be right in the same terms as config.default.toml.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, SecretStr

from tenterhook.domain.delivery_policy import MAX_CONCURRENCY, MAX_EVENTS_PER_REQUEST, MAX_TIMEOUT_S
from tenterhook.settings.values import (
    Expect,
    check_audience,
    check_ca_file,
    check_host,
    check_issuer,
    check_network,
    check_proxies,
    check_public_url,
    check_secret_key,
    check_token,
    check_user_agent,
    no_bool,
    split_issuers,
    split_list,
    unlimited_as_none,
)


class Profile(StrEnum):
    """One switch between fidelity to a contract and the better product; each part can be set by itself."""

    OPEN = "open"  #: no quota, no limits on numbers of hooks, retry `durable`
    OKTA = "okta"  #: today's contract
    OKTA_2021 = "okta-2021"  #: the contract of 2021


#: A count, or None for no limit.
Limit = Annotated[
    int | None,
    Field(ge=1, le=1_000_000_000),
    BeforeValidator(unlimited_as_none),
    Expect("a whole number from 1, or unlimited"),
]
Days = Annotated[int, Field(ge=1, le=3650), BeforeValidator(no_bool), Expect("a whole number of days, 1 to 3650")]
RetryName = Annotated[Literal["okta", "okta-2021", "durable"], Expect("okta, okta-2021 or durable")]


class Settings(BaseModel):
    """Everything that an operator decides. Made by `load_settings`; never changes while the process runs.

    The fields stand in the order of config.default.toml, which describes each for operators.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, validate_default=False)

    profile: Annotated[Profile, Expect("open, okta or okta-2021")] = Profile.OPEN

    #: Where it listens; port 0 takes any free one.
    host: Annotated[str, BeforeValidator(check_host), Expect("an IP address or host name to listen on")] = "127.0.0.1"
    port: Annotated[
        int, Field(ge=0, le=65535), BeforeValidator(no_bool), Expect("a port number, 0 (any free one) to 65535")
    ] = 8080
    #: Base of absolute links and of `source`, without a trailing slash; None: the bound address.
    public_url: Annotated[
        str | None, BeforeValidator(check_public_url), Expect("a URL such as https://hooks.example.com, without a path")
    ] = None
    log_level: Annotated[Literal["debug", "info", "warning", "error"], Expect("debug, info, warning or error")] = "info"
    #: Development: http:// and loopback destinations are allowed, loudly.
    dev: Annotated[bool, Expect("1 (on) or 0 (off)")] = False

    #: SQLite, keys and the lock file live here.
    data_dir: Annotated[Path, Expect("a directory")] = Path("tenterhook-data")
    #: Keys that encrypt secrets at rest, newest first; empty: generated in the data directory.
    secret_keys: Annotated[
        tuple[Annotated[SecretStr, BeforeValidator(check_secret_key)], ...],
        BeforeValidator(split_list),
        Expect("keys of 32 bytes in URL-safe base64 (44 characters), newest first, parted by commas"),
    ] = ()
    #: An API token that acts as the default org's first super admin while it is set.
    bootstrap_token: Annotated[
        SecretStr | None,
        BeforeValidator(check_token),
        Expect("a secret of 20 to 200 characters: letters, digits and - . _ ~ + / ="),
    ] = None

    #: OAuth issuers whose bearer tokens are accepted: "ISSUER" for the default org, "ISSUER ORG_ID" for another.
    oauth_issuers: Annotated[
        tuple[Annotated[str, BeforeValidator(check_issuer)], ...],
        BeforeValidator(split_issuers),
        Expect('issuers such as "https://id.example.com" or "https://id.example.com/a 00o…", parted by commas'),
    ] = ()
    #: What their tokens must name in `aud`; None: the public URL.
    oauth_audience: Annotated[
        str | None, BeforeValidator(check_audience), Expect("a text such as https://hooks.example.com")
    ] = None
    #: Peers whose X-Forwarded-For is believed.
    trusted_proxies: Annotated[
        tuple[Annotated[str, BeforeValidator(check_proxies)], ...],
        BeforeValidator(split_list),
        Expect("networks such as 10.1.2.3/32 or fd00::/8, parted by commas"),
    ] = ()

    #: Networks that hooks may reach although they are private: "CIDR", "CIDR:port", "[IPv6 CIDR]:port".
    egress_allow: Annotated[
        tuple[Annotated[str, BeforeValidator(check_network)], ...],
        BeforeValidator(split_list),
        Expect("networks such as 10.1.0.0/16, 10.1.2.3/32:9000 or [fd00::/8]:9000, parted by commas"),
    ] = ()
    #: PEM certificates trusted beside the system's.
    egress_ca_file: Annotated[
        Path | None, BeforeValidator(check_ca_file), Expect("a readable file of PEM certificates")
    ] = None
    #: User-Agent of deliveries in Okta's format: receivers in the wild insist on Okta's own.
    user_agent: Annotated[str, BeforeValidator(check_user_agent), Expect("1 to 200 printable ASCII characters")] = (
        "Okta-Integrations"
    )

    #: What a hook gets whose deliveryPolicy does not say otherwise.
    delivery_retry: RetryName = "durable"
    delivery_timeout_seconds: Annotated[
        float,
        Field(ge=1, le=MAX_TIMEOUT_S),
        BeforeValidator(no_bool),
        Expect(f"a number of seconds, 1 to {MAX_TIMEOUT_S}"),
    ] = 3.0
    delivery_max_events_per_request: Annotated[
        int,
        Field(ge=1, le=MAX_EVENTS_PER_REQUEST),
        BeforeValidator(no_bool),
        Expect(f"a whole number, 1 to {MAX_EVENTS_PER_REQUEST}"),
    ] = 100
    delivery_max_concurrency: Annotated[
        int,
        Field(ge=1, le=MAX_CONCURRENCY),
        BeforeValidator(no_bool),
        Expect(f"a whole number, 1 to {MAX_CONCURRENCY}"),
    ] = 16

    #: What a whole inline call may take, the fetch of its token and a second try included.
    inline_timeout_seconds: Annotated[
        float,
        Field(ge=1, le=MAX_TIMEOUT_S),
        BeforeValidator(no_bool),
        Expect(f"a number of seconds, 1 to {MAX_TIMEOUT_S}"),
    ] = 3.0
    #: Inline calls of one org and type at the same time.
    inline_concurrency: Annotated[
        int, Field(ge=1, le=10_000), BeforeValidator(no_bool), Expect("a whole number, 1 to 10000")
    ] = 75

    limit_events_per_24h: Limit = None
    limit_event_hooks: Limit = None
    limit_event_types: Limit = None
    limit_inline_hooks: Limit = None
    limit_hook_keys: Limit = None

    retention_log_days: Days = 90
    retention_attempt_days: Days = 30

    _origins: dict[str, str] = PrivateAttr(default_factory=dict)

    def origin(self, name: str) -> str:
        """Tell where the value of *name* came from, in an operator's words: `--port`, `TENTERHOOK_PORT`, `default`."""
        return self._origins.get(name, "default")


#: What a profile sets in place of the defaults. `okta-2021` is that year's table, and today's where that is silent.
PROFILES: dict[Profile, dict[str, object]] = {
    Profile.OPEN: {},
    Profile.OKTA: {
        "delivery_retry": "okta",
        "limit_events_per_24h": 400_000,
        "limit_event_hooks": 25,
        "limit_event_types": 300,
        "limit_inline_hooks": 100,
        "limit_hook_keys": 50,
    },
    Profile.OKTA_2021: {
        "delivery_retry": "okta-2021",
        "limit_events_per_24h": 100_000,
        "limit_event_hooks": 10,
        "limit_event_types": 300,
        "limit_inline_hooks": 100,
        "limit_hook_keys": 50,
    },
}
