"""Open the console to a browser: a session from signing in until it ends.

A session stands on an API token whose text nobody knows. So it is listed and revoked like any token, and whatever ends
an admin's tokens (another password, dismissal, time) ends it; what is issued in it remembers by whom. Source: decision
record 9; security checks 190-192.
"""

from __future__ import annotations

import secrets

import msgspec

from tenterhook.domain.principal import Principal, permissions_of
from tenterhook.domain.timestamp import MINUTE_MS
from tenterhook.engine.authenticate import token_digest
from tenterhook.engine.issue_token import SESSION, TokenDraft, create_token, revoke_token
from tenterhook.engine.pipeline import Pipeline
from tenterhook.engine.sign_in import SESSION_MS, Visitor
from tenterhook.errors import SignInError
from tenterhook.store import admins, api_tokens, console_sessions
from tenterhook.store.admins import Admin
from tenterhook.store.api_tokens import ApiToken
from tenterhook.store.console_sessions import ConsoleSession
from tenterhook.store.transaction import Tx

#: How long a session lives without being seen, and how often it is written that it was.
IDLE_MS, SEEN_EVERY_MS = 30 * MINUTE_MS, MINUTE_MS


class Inside(msgspec.Struct, frozen=True):
    """Somebody whose browser is signed in."""

    principal: Principal
    cookie: str  #: what the browser must show next time: another text than now if the admin's role has changed


class _Found(msgspec.Struct, frozen=True):
    session: ConsoleSession
    token: ApiToken
    admin: Admin
    operator: bool


async def open_console(pipeline: Pipeline, admin: Admin, former: str | None = None) -> str:
    """Open a session of a signed-in *admin* and return the text of its cookie, which is kept nowhere.

    former: the cookie that the browser has shown; a session that it names ends, so that none outlives a new sign-in.
    Raises: SignInError, if the admin is gone by now.
    """
    now_ms = pipeline.now_ms()

    def store(tx: Tx) -> str | None:
        present = admins.get(tx, admin.org_id, admin.id)
        if present is None:
            return None
        api_tokens.remove_expired(tx, present.org_id, present.id, SESSION, now_ms)
        if former is not None:
            _end(tx, console_sessions.get(tx, token_digest(former)), now_ms)
        return _begin(tx, present, now_ms, now_ms + SESSION_MS)

    cookie = await pipeline.database.write(store)
    if cookie is None:
        raise SignInError("")
    return cookie


async def enter_console(pipeline: Pipeline, cookie: str, visitor: Visitor, *, seen: bool = True) -> Inside | None:
    """Return who is inside by this cookie; None if it opens nothing (any more).

    Who is inside may do what their role allows today. seen: whether this keeps the session from ending when idle.
    """
    digest, now_ms = token_digest(cookie), pipeline.now_ms()
    found = await pipeline.database.read(lambda tx: _find(pipeline, tx, digest, now_ms))
    if found is None:
        return None
    if found.token.role is not found.admin.role:
        return await _renew(pipeline, digest, visitor)
    if seen and not 0 <= now_ms - found.session.last_seen < SEEN_EVERY_MS:
        await pipeline.database.write(lambda tx: _note_seen(tx, found, now_ms))
    return Inside(_principal(found, visitor), cookie)


async def still_inside(pipeline: Pipeline, cookie: str, visitor: Visitor) -> Principal | None:
    """Return who is inside by this cookie, for an answer that goes on and on; it keeps no session from ending.

    None: nobody any more, or somebody whose role has changed: the next request gets them a new cookie, this cannot.
    """
    digest, now_ms = token_digest(cookie), pipeline.now_ms()
    found = await pipeline.database.read(lambda tx: _find(pipeline, tx, digest, now_ms))
    if found is None or found.token.role is not found.admin.role:
        return None
    return _principal(found, visitor)


async def leave_console(pipeline: Pipeline, principal: Principal, cookie: str) -> None:
    """End the session of *cookie*, which is the caller's, for good, and log it."""
    await revoke_token(pipeline, principal, principal.token_id)
    await pipeline.database.write(lambda tx: console_sessions.delete(tx, token_digest(cookie)))


async def _renew(pipeline: Pipeline, digest: bytes, visitor: Visitor) -> Inside | None:
    """Give a session whose admin has another role by now another cookie and token; it ends when it would have."""
    now_ms = pipeline.now_ms()

    def store(tx: Tx) -> tuple[str, _Found] | None:
        found = _find(pipeline, tx, digest, now_ms)
        if found is None:
            return None
        _end(tx, found.session, now_ms)
        cookie = _begin(tx, found.admin, now_ms, found.token.expires or now_ms)
        renewed = _find(pipeline, tx, token_digest(cookie), now_ms)
        return None if renewed is None else (cookie, renewed)

    made = await pipeline.database.write(store)
    return None if made is None else Inside(_principal(made[1], visitor), made[0])


def _begin(tx: Tx, admin: Admin, now_ms: int, expires_ms: int) -> str:
    cookie = secrets.token_urlsafe(32)  # 256 bits
    _, token = create_token(tx, admin, TokenDraft(SESSION, admin.role, expires_ms), now_ms)
    session = ConsoleSession(token_digest(cookie), admin.org_id, token.id, now_ms, now_ms)
    console_sessions.insert(tx, session, unseen_since=now_ms - SESSION_MS)
    return cookie


def _end(tx: Tx, session: ConsoleSession | None, now_ms: int) -> None:
    if session is not None:
        api_tokens.revoke(tx, session.org_id, session.token_id, now_ms)
        console_sessions.delete(tx, session.hash)


def _find(pipeline: Pipeline, tx: Tx, digest: bytes, now_ms: int) -> _Found | None:
    session = console_sessions.get(tx, digest)
    # A clock that was set back must not make a session last longer.
    if session is None or abs(now_ms - session.last_seen) >= IDLE_MS:
        return None
    token = api_tokens.get(tx, session.org_id, session.token_id)
    if token is None or token.expires is None or token.expires <= now_ms:
        return None
    admin = admins.get(tx, token.org_id, token.admin_id)
    return None if admin is None else _Found(session, token, admin, pipeline.tokens.is_operator(tx, admin.org_id))


def _note_seen(tx: Tx, found: _Found, now_ms: int) -> None:
    console_sessions.touch(tx, found.session.hash, now_ms)
    api_tokens.write_uses(tx, [(found.token.org_id, found.token.id, now_ms)])


def _principal(found: _Found, visitor: Visitor) -> Principal:
    admin = found.admin
    return Principal(
        org_id=admin.org_id,
        admin_id=admin.id,
        login=admin.login,
        name=admin.name,
        token_id=found.token.id,
        permissions=permissions_of(admin.role, operator=found.operator),
        role=admin.role,
        request_id=visitor.request_id,
        ip=visitor.ip,
        user_agent=visitor.user_agent,
    )
