"""Who calls: from the Authorization header to a principal."""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from hashlib import sha256
from typing import TYPE_CHECKING

from tenterhook.domain.principal import Principal, Role, permissions_of
from tenterhook.errors import NotAuthenticatedError
from tenterhook.store import admins, api_tokens, orgs
from tenterhook.store.api_tokens import Holder
from tenterhook.store.database import Database
from tenterhook.store.transaction import Tx

if TYPE_CHECKING:
    from tenterhook.engine.pipeline import Pipeline

#: The token id of a caller who holds the operator's bootstrap token: it is in no table.
BOOTSTRAP_ID = "bootstrap"

# Real clients send `SSWS <token>` and `SSWS<token>`. A token is visible ASCII; anything longer is none of ours and
# is not worth a look-up.
_SSWS = re.compile(r"[Ss][Ss][Ww][Ss][ \t]*([\x21-\x7e]{1,256})")
# RFC 6750 §2.1; three parts, as only a signed JWT has: a token of ours under this scheme is none.
_BEARER = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr][ \t]+([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)")
_WRITE = "write `Authorization: SSWS <token>`"
_MAX_KNOWN = 10_000
_MAX_UNKNOWN = 10_000


class Tokens:
    """The tokens seen lately, so that authenticating costs a hash and a dictionary look-up, not a query.

    bootstrap_hash: SHA-256 of the operator's bootstrap token, or None. It acts as the default org's first super admin.
    """

    def __init__(self, database: Database, bootstrap_hash: bytes | None = None) -> None:
        self._database = database
        self._bootstrap_hash = bootstrap_hash
        self._known: dict[bytes, Holder] = {}
        self._revocations = 0
        #: Digests that were looked for in vain. A token made later has another: they are random.
        self._unknown: dict[bytes, None] = {}
        self.max_known = _MAX_KNOWN
        #: The operator's org, once there was a look-up: it is the first one, and none is ever deleted.
        self._operator_id: str | None = None
        #: Last uses, not written yet, of tokens that are not remembered any more: (org, token) -> ms.
        self._uses: dict[tuple[str, str], int] = {}

    def known(self, digest: bytes, now_ms: int) -> Principal | None:
        """Return whom a token seen lately stands for, if it is still good. Does not wait."""
        holder = self._known.get(digest)
        if holder is None:
            return None
        if holder.expires is not None and holder.expires <= now_ms:
            self._drop(digest)
            return None
        holder.used = now_ms
        return holder.principal

    async def find(self, digest: bytes, now_ms: int) -> Principal | None:
        """Return whom the token with this SHA-256 stands for, looking in the database if it was not seen lately."""
        principal = self.known(digest, now_ms)
        if principal is not None:
            return principal
        if digest in self._unknown:
            return None
        before = self._revocations
        holder = await self._database.read(lambda tx: self._holder_of(tx, digest, now_ms))
        if holder is None:
            self._unknown[digest] = None
            while len(self._unknown) > _MAX_UNKNOWN:
                del self._unknown[next(iter(self._unknown))]
            return None
        if before == self._revocations:  # otherwise what was read may be what was revoked meanwhile
            while len(self._known) >= self.max_known:
                self._drop(next(iter(self._known)))
            self._known[digest] = holder
        holder.used = now_ms
        return holder.principal

    def forget(self, digest: bytes) -> None:
        """Stop trusting a token that was revoked. Call it on the event loop after the commit."""
        self._revocations += 1
        self._drop(digest)

    def forget_admin(self, org_id: str, admin_id: str) -> None:
        """Look an admin's tokens up anew: what the admin may do has changed. Call it as `forget`."""
        self._revocations += 1
        theirs = [
            digest
            for digest, holder in self._known.items()
            if holder.principal.admin_id == admin_id and holder.principal.org_id == org_id
        ]
        for digest in theirs:
            self._drop(digest)

    def is_operator(self, tx: Tx, org_id: str) -> bool:
        """Return whether this org is the operator's own."""
        return org_id == self._operator(tx)

    def last_use(self, digest: bytes) -> int | None:
        """Return when a token seen lately was used last (ms), None if it was not seen."""
        holder = self._known.get(digest)
        return holder.used or None if holder is not None else None

    def take_uses(self) -> list[tuple[str, str, int]]:
        """Return the last uses that were not taken yet, for writing: (org id, token id, ms) each."""
        for holder in self._known.values():
            self._keep_use(holder)
        uses, self._uses = self._uses, {}
        return [(org_id, token_id, used) for (org_id, token_id), used in uses.items()]

    def _drop(self, digest: bytes) -> None:
        holder = self._known.pop(digest, None)
        if holder is not None:
            self._keep_use(holder)

    def _keep_use(self, holder: Holder) -> None:
        principal = holder.principal
        if holder.used <= holder.written or principal.token_id == BOOTSTRAP_ID:
            return
        holder.written = holder.used
        if len(self._uses) < 2 * _MAX_KNOWN:
            self._uses[principal.org_id, principal.token_id] = holder.used

    def _holder_of(self, tx: Tx, digest: bytes, now_ms: int) -> Holder | None:
        if self._bootstrap_hash is not None and hmac.compare_digest(digest, self._bootstrap_hash):
            return _bootstrap_holder(tx)
        return api_tokens.holder_of(tx, digest, now_ms, self._operator(tx))

    def _operator(self, tx: Tx) -> str | None:
        if self._operator_id is None:
            first = orgs.first(tx)
            self._operator_id = None if first is None else first.id
        return self._operator_id


def _bootstrap_holder(tx: Tx) -> Holder | None:
    org = orgs.first(tx)
    admin = None if org is None else admins.first_super_admin(tx, org.id)
    if admin is None:
        return None
    principal = Principal(
        org_id=admin.org_id,
        admin_id=admin.id,
        login=admin.login,
        name=admin.name,
        token_id=BOOTSTRAP_ID,
        permissions=permissions_of(Role.SUPER_ADMIN, operator=True),
        role=Role.SUPER_ADMIN,
    )
    return Holder(principal, None)


def token_digest(token: str) -> bytes:
    """Return the SHA-256 under which a token is kept."""
    return sha256(token.encode()).digest()


def presented_digest(header: str) -> bytes | None:
    """Return the SHA-256 of the token in an Authorization header, or None if there is none in it.

    header: ``SSWS <token>`` or ``SSWS<token>``, the scheme in any case.
    """
    match = _SSWS.fullmatch(header)
    return None if match is None else token_digest(match[1])


def advice_on(headers: Sequence[str]) -> str:
    """Return how to write the Authorization header, if the form of *headers* is wrong; "" if it is right.

    Nothing of them is repeated, and whether a token is good is not looked at.
    """
    if len(headers) > 1:
        return f"There is more than one Authorization header: {_WRITE}"
    header = headers[0].strip() if headers else ""
    if _SSWS.fullmatch(header) or _BEARER.fullmatch(header):
        return ""
    scheme, blank, _ = header.partition(" ")
    if not header:
        return f"There is no Authorization header: {_WRITE}"
    if scheme.lower() == "bearer":
        return f"Bearer is for OAuth access tokens, which are signed JWTs; for an API token {_WRITE}"
    if header[:4].lower() == "ssws":
        return f"What follows SSWS is no token: {_WRITE}"
    what = "This scheme is none of this API's" if blank else "The Authorization header names no scheme"
    return f"{what}: {_WRITE}"


def known_caller(pipeline: Pipeline, header: str) -> Principal | None:
    """Return the caller whose token the Authorization *header* carries, if it was seen lately. Does not wait."""
    digest, now_ms = presented_digest(header), pipeline.now_ms()
    if digest is not None:
        return pipeline.tokens.known(digest, now_ms)
    bearer = _BEARER.fullmatch(header)
    return None if bearer is None else pipeline.access_tokens.known(bearer[1], now_ms)


async def authenticate(pipeline: Pipeline, header: str | None) -> Principal:
    """Return the caller whose token the Authorization *header* carries: ``SSWS <token>`` or ``Bearer <jwt>``.

    Raises: NotAuthenticatedError: none, not readable, unknown, revoked or expired; the text never says which.
    """
    digest = presented_digest(header) if header else None
    if digest is not None:
        principal = await pipeline.tokens.find(digest, pipeline.now_ms())
    else:
        bearer = _BEARER.fullmatch(header) if header else None
        principal = None if bearer is None else await pipeline.access_tokens.find(bearer[1], pipeline.now_ms)
    if principal is None:
        raise NotAuthenticatedError("no valid token")
    return principal
