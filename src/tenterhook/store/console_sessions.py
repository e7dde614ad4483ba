"""Console sessions: which browser holds which sign-in. Only the SHA-256 of each cookie is kept."""

from __future__ import annotations

from collections.abc import Collection

import msgspec
import sqlalchemy as sa

from tenterhook.store import schema
from tenterhook.store.transaction import Tx


class ConsoleSession(msgspec.Struct, frozen=True):
    """One browser's session, without what its cookie says.

    It lives no longer than its token: whatever ends that (sign-out, another password, dismissal, revocation, time)
    ends it.
    """

    hash: bytes  #: SHA-256 of the cookie's text
    org_id: str
    token_id: str  #: the API token that signing in made; nobody knows its text
    created: int  #: ms
    last_seen: int  #: ms, written at most once a minute


_TABLE = schema.console_session.c


def insert(tx: Tx, session: ConsoleSession, *, unseen_since: int) -> None:
    """Store a new session; those of all orgs that were last seen before *unseen_since* (ms) are gone."""
    tx.connection.execute(sa.delete(schema.console_session).where(_TABLE.last_seen < unseen_since))
    tx.connection.execute(sa.insert(schema.console_session).values(msgspec.structs.asdict(session)))


def get(tx: Tx, digest: bytes) -> ConsoleSession | None:
    """Return the session with this SHA-256, or None."""
    row = tx.connection.execute(sa.select(schema.console_session).where(_TABLE.hash == digest)).one_or_none()
    return None if row is None else ConsoleSession(*row)


def of_tokens(tx: Tx, org_id: str, token_ids: Collection[str]) -> dict[str, ConsoleSession]:
    """Return the sessions that stand on these tokens, by token id; a token of the API has none."""
    statement = sa.select(schema.console_session).where(_TABLE.org_id == org_id, _TABLE.token_id.in_(token_ids))
    return {row.token_id: ConsoleSession(*row) for row in tx.connection.execute(statement)}


def touch(tx: Tx, digest: bytes, now_ms: int) -> None:
    """Write that a session was seen."""
    tx.connection.execute(sa.update(schema.console_session).where(_TABLE.hash == digest).values(last_seen=now_ms))


def delete(tx: Tx, digest: bytes) -> None:
    """Remove a session."""
    tx.connection.execute(sa.delete(schema.console_session).where(_TABLE.hash == digest))
