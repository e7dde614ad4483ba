"""Who calls: from the Authorization header to a principal."""

from __future__ import annotations

import hmac
import re
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

    def known(self, digest: bytes, now_ms: int) -> Principal | None:
        """Return whom a token seen lately stands for, if it is still good. Does not wait."""
        holder = self._known.get(digest)
        if holder is None:
            return None
        if holder.expires is not None and holder.expires <= now_ms:
            del self._known[digest]
            return None
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
                del self._known[next(iter(self._known))]
            self._known[digest] = holder
        return holder.principal

    def forget(self, digest: bytes) -> None:
        """Stop trusting a token that was revoked. Call it on the event loop after the commit."""
        self._revocations += 1
        self._known.pop(digest, None)

    def _holder_of(self, tx: Tx, digest: bytes, now_ms: int) -> Holder | None:
        if self._bootstrap_hash is not None and hmac.compare_digest(digest, self._bootstrap_hash):
            return _bootstrap_holder(tx)
        return api_tokens.holder_of(tx, digest, now_ms)


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


async def authenticate(pipeline: Pipeline, header: str | None) -> Principal:
    """Return the caller whose token the Authorization *header* carries.

    Raises: NotAuthenticatedError: none, not readable, unknown, revoked or expired; the text never says which.
    """
    digest = presented_digest(header) if header else None
    principal = None if digest is None else await pipeline.tokens.find(digest, pipeline.now_ms())
    if principal is None:
        raise NotAuthenticatedError("no valid token")
    return principal
