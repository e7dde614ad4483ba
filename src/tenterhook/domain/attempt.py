"""One HTTP exchange of a delivery, a verification or an inline call: what happened, as data."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from tenterhook.domain.secret import Secret


class Outcome(StrEnum):
    """How an attempt ended, from the sender's side."""

    DELIVERED = "DELIVERED"
    FAILED = "FAILED"


class Reason(StrEnum):
    """Why an attempt failed. Every one of them is data; none is ever raised."""

    STATUS = "STATUS"  #: the receiver answered with a status that is no success
    TIMEOUT = "TIMEOUT"  #: the total deadline passed
    DNS = "DNS"  #: the name did not resolve
    CONNECT = "CONNECT"  #: no TCP connection
    TLS = "TLS"  #: no TLS handshake, or a certificate that does not prove the host
    RESET = "RESET"  #: the connection was cut before an answer
    PROTOCOL = "PROTOCOL"  #: the answer was not HTTP/1.1 as we accept it
    TOO_LARGE = "TOO_LARGE"  #: a needed answer exceeded its cap
    BLOCKED = "BLOCKED"  #: the address may not be called
    INTERRUPTED = "INTERRUPTED"  #: we stopped before the answer came


class Phases(msgspec.Struct, frozen=True, rename="camel", array_like=False):
    """Where the time went, in milliseconds; None where a phase did not take place (a reused connection)."""

    queue: float | None = None  #: from due to being picked up by a lane
    dns: float | None = None
    connect: float | None = None
    tls: float | None = None
    first_byte: float | None = None  #: from the request's last byte to the first byte of the answer
    total: float = 0.0  #: from the start of the look-up to the last byte needed


class Attempt(msgspec.Struct, frozen=True):
    """What one exchange did."""

    outcome: Outcome
    reason: Reason | None  #: None when DELIVERED
    message: str  #: in words, for tenants: never an address that the name resolved to
    started: datetime  #: aware, UTC
    phases: Phases
    status: int | None = None  #: the answer's status, if one came
    number: int = 0  #: 1 for a delivery's first try
    request_id: str = ""  #: sent as X-Okta-Request-Id
    response_headers: tuple[tuple[str, str], ...] = ()  #: as received; at most 100 fields, 16 KiB
    response_body: bytes = b""  #: the part of the answer that was read: not more than the request's cap
    body_complete: bool = False  #: whether response_body is the whole answer
    retry_after: str | None = None  #: the raw Retry-After header, if any
    private: bool = False  #: the peer is inside an EGRESS_ALLOW network: its body is not shown to tenants
    reused: bool = False  #: whether a kept-alive connection carried it


def without_secret(attempt: Attempt, secret: Secret | None) -> Attempt:
    """Return *attempt* as it may be kept and shown: a secret that the endpoint repeated in its answer is masked."""
    if secret is None or attempt.status is None:
        return attempt
    fields = tuple((name, secret.masked_in(value)) for name, value in attempt.response_headers)
    # In Latin-1 every byte is a character, whatever the body is written in; a header's value is ASCII.
    body = secret.masked_in(attempt.response_body.decode("latin-1"), cut=True).encode("latin-1")
    return msgspec.structs.replace(attempt, response_headers=fields, response_body=body)


def without_secrets(attempt: Attempt, *secrets: Secret | None) -> Attempt:
    """Return *attempt* with each of *secrets* masked, as `without_secret` does."""
    for secret in secrets:
        attempt = without_secret(attempt, secret)
    return attempt
