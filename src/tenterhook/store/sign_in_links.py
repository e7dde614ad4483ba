"""One-time sign-in links: only the SHA-256 of each is kept, and at most one for an admin."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from tenterhook.store import schema
from tenterhook.store.transaction import Tx


class SignInLink(msgspec.Struct, frozen=True):
    """One link, without what it opens."""

    hash: bytes  #: SHA-256 of the link's text
    org_id: str
    admin_id: str
    created: int  #: ms
    expires: int  #: ms


_TABLE = schema.sign_in_link.c


def put(tx: Tx, link: SignInLink) -> None:
    """Store a link; those that the admin had before are void, and all that have expired are gone."""
    remove(tx, link.org_id, link.admin_id)
    tx.connection.execute(sa.delete(schema.sign_in_link).where(_TABLE.expires <= link.created))
    tx.connection.execute(sa.insert(schema.sign_in_link).values(msgspec.structs.asdict(link)))


def take(tx: Tx, digest: bytes, now_ms: int) -> SignInLink | None:
    """Use the link with this SHA-256 up and return it; None if there is none, or if it has expired."""
    used = sa.delete(schema.sign_in_link).where(_TABLE.hash == digest).returning(*schema.sign_in_link.c)
    row = tx.connection.execute(used).one_or_none()
    return SignInLink(*row) if row is not None and row.expires > now_ms else None


def remove(tx: Tx, org_id: str, admin_id: str) -> None:
    """Make the admin's links void."""
    tx.connection.execute(sa.delete(schema.sign_in_link).where(_TABLE.org_id == org_id, _TABLE.admin_id == admin_id))
