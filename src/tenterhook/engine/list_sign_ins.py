"""List who is signed in, and end a sign-in of one's own."""

from __future__ import annotations

import msgspec

from tenterhook.domain.principal import Principal
from tenterhook.engine.issue_token import KIND, SESSION, read_token, revoke_token, with_use
from tenterhook.engine.open_console import IDLE_MS
from tenterhook.engine.pipeline import Pipeline
from tenterhook.errors import NotFoundError
from tenterhook.store import admins, api_tokens, console_sessions
from tenterhook.store.api_tokens import ApiToken
from tenterhook.store.console_sessions import ConsoleSession
from tenterhook.store.transaction import Tx

#: The newest that are listed.
MOST = 200


class SignIn(msgspec.Struct, frozen=True):
    """One sign-in that has not ended. Times are ms."""

    token_id: str
    admin_id: str
    login: str
    in_console: bool  #: no: at the API, whose token somebody holds
    created: int
    last_seen: int | None  #: None: not since
    ends: int  #: when it ends at the latest, if nobody is seen with it before


async def list_sign_ins(pipeline: Pipeline, principal: Principal, admin_id: str | None = None) -> list[SignIn]:
    """Return the newest `MOST` sign-ins of the org that still open something, newest first. admin_id: of whom."""
    now_ms, org_id = pipeline.now_ms(), principal.org_id

    def read(tx: Tx) -> list[tuple[ApiToken, ConsoleSession | None, str]]:
        tokens = api_tokens.living(tx, org_id, SESSION, now_ms, admin_id, MOST)
        sessions = console_sessions.of_tokens(tx, org_id, [one.id for one in tokens])
        logins: dict[str, str] = {}
        for owner in {one.admin_id for one in tokens}:
            admin = admins.get(tx, org_id, owner)
            if admin is not None:
                logins[owner] = admin.login
        return [(one, sessions.get(one.id), logins[one.admin_id]) for one in tokens if one.admin_id in logins]

    read_rows = await pipeline.database.read(read)
    found = [_shown(with_use(pipeline, token), session, login) for token, session, login in read_rows]
    return [one for one in found if one.ends > now_ms]


async def end_sign_in(pipeline: Pipeline, principal: Principal, token_id: str) -> None:
    """End a sign-in of the caller's own, and with it what was issued in it, unless it is the one they call with.

    Raises: NotFoundError, also for a token that is no sign-in, or somebody else's.
    """
    token = await read_token(pipeline, principal, token_id)
    if token.admin_id != principal.admin_id or token.name != SESSION:
        raise NotFoundError(token_id, KIND)
    await revoke_token(pipeline, principal, token_id)


def _shown(token: ApiToken, session: ConsoleSession | None, login: str) -> SignIn:
    expires = token.expires or 0  # those of sign-ins always expire
    return SignIn(
        token_id=token.id,
        admin_id=token.admin_id,
        login=login,
        in_console=session is not None,
        created=token.created,
        last_seen=token.last_used if session is None else session.last_seen,
        ends=expires if session is None else min(expires, session.last_seen + IDLE_MS),
    )
