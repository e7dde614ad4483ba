"""Read OAuth bearer tokens: from a token's text to a principal, at the price of a look-up for one seen lately."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

import structlog

from tenterhook.domain.access_token import MAX_TOKEN, Bearer, TokenError
from tenterhook.domain.principal import Principal, permissions_in
from tenterhook.engine.trust_issuer import Issuers
from tenterhook.store import admins, orgs
from tenterhook.store.admins import Admin
from tenterhook.store.database import Database
from tenterhook.store.transaction import Tx

log = structlog.get_logger(__name__)

MAX_KNOWN = 10_000


class AccessTokens:
    """The bearer tokens seen lately: bounded, each until it expires or its issuer's keys have to be asked for again."""

    def __init__(self, database: Database, issuers: Issuers) -> None:
        self._database = database
        self._issuers = issuers
        self._known: dict[bytes, tuple[Principal, int]] = {}

    def known(self, text: str, now_ms: int) -> Principal | None:
        """Return whom a token seen lately stands for, if it is still good. Does not wait."""
        if len(text) > MAX_TOKEN:
            return None
        digest = sha256(text.encode()).digest()
        known = self._known.get(digest)
        if known is None:
            return None
        if now_ms < known[1]:
            return known[0]
        del self._known[digest]
        return None

    async def find(self, text: str, now_ms: Callable[[], int]) -> Principal | None:
        """Return whom the token *text* stands for; None, if it is not good for whatever reason."""
        if len(text) > MAX_TOKEN:
            return None
        known = self.known(text, now_ms())
        if known is not None:
            return known
        try:
            issuer, bearer, until = await self._issuers.judge(text, now_ms)
            principal = await self._database.read(lambda tx: _principal(tx, issuer.org_id, bearer))
        except TokenError as error:
            log.debug("an OAuth token was refused", why=str(error))
            return None
        while len(self._known) >= MAX_KNOWN:
            del self._known[next(iter(self._known))]
        self._known[sha256(text.encode()).digest()] = (principal, until)
        return principal


def _principal(tx: Tx, org_id: str | None, bearer: Bearer) -> Principal:
    """Return the principal: what a client makes belongs to its org's first super admin, for `createdBy` is a person."""
    operator = orgs.first(tx)
    org_id = org_id or (operator.id if operator else "")
    admin: Admin | None = admins.first_super_admin(tx, org_id)
    if admin is None:
        raise TokenError(f"its issuer is for the org {org_id}, which is not there")
    return Principal(
        org_id=org_id,
        admin_id=admin.id,
        login=bearer.subject,
        name=bearer.client_id,
        token_id=f"oauth:{bearer.client_id}",
        permissions=permissions_in(bearer.scopes, operator=operator is not None and operator.id == org_id),
        role=None,
        client_id=bearer.client_id,
    )
