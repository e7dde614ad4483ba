"""Sign in: with a password, or with a link that works once.

Whatever was wrong, the answer is the same, and takes about as long. Console and API call the same functions.
"""

from __future__ import annotations

import secrets

import msgspec

from tenterhook.domain.act import Act
from tenterhook.domain.principal import Principal
from tenterhook.engine.appoint_admin import admin_target, find, refuse_more
from tenterhook.engine.authenticate import token_digest
from tenterhook.engine.issue_token import ORG_KIND, SESSION, TokenDraft, create_token
from tenterhook.engine.pipeline import Pipeline
from tenterhook.engine.record import record_act
from tenterhook.errors import NotFoundError, SignInError
from tenterhook.store import admins, api_tokens, orgs, sign_in_links, unknown_logins
from tenterhook.store.admins import Admin
from tenterhook.store.api_tokens import ApiToken
from tenterhook.store.sign_in_links import SignInLink
from tenterhook.store.transaction import Tx

#: How long what signing in gives is good for.
SESSION_MS = 12 * 3_600_000
LINK_MS = 15 * 60_000


class Visitor(msgspec.Struct, frozen=True):
    """Who is at the door, as far as one can see."""

    request_id: str
    ip: str | None = None
    user_agent: str | None = None


async def create_link(
    pipeline: Pipeline, principal: Principal, admin_id: str, *, logged: bool = True
) -> tuple[str, int]:
    """Make a one-time link for an admin and log it; return its text, which is kept nowhere, and its end (ms).

    The admin's links of before are void. logged: not that of a start, else no log would ever begin empty; that somebody
    signs in by it is logged all the same.
    Raises: NotFoundError; ForbiddenError, if the admin may do more than the caller.
    """
    text, now_ms = secrets.token_urlsafe(32), pipeline.now_ms()  # 256 bits

    def store(tx: Tx) -> None:
        admin = find(tx, principal, admin_id)
        refuse_more(pipeline, tx, principal, admin.role)
        link = SignInLink(token_digest(text), admin.org_id, admin.id, now_ms, now_ms + LINK_MS)
        sign_in_links.put(tx, link)
        if logged:
            event_type, targets = "tenterhook.sign_in_link.created", [admin_target(admin)]
            act = Act(org_id=admin.org_id, event_type=event_type, principal=principal, targets=targets)
            record_act(pipeline, tx, act)

    await pipeline.database.write(store)
    return text, now_ms + LINK_MS


async def create_link_in(pipeline: Pipeline, principal: Principal, org_id: str) -> tuple[str, int]:
    """Make a one-time link for the first super admin of another org, as its operator may; log it there and at home.

    Raises: NotFoundError, if there is no such org; otherwise as `create_link`, whose answer it has.
    """
    text, now_ms = secrets.token_urlsafe(32), pipeline.now_ms()  # 256 bits

    def store(tx: Tx) -> None:
        admin = None if orgs.get(tx, org_id) is None else admins.first_super_admin(tx, org_id)
        if admin is None:
            raise NotFoundError(org_id, ORG_KIND)
        if org_id == principal.org_id:
            refuse_more(pipeline, tx, principal, admin.role)
        sign_in_links.put(tx, SignInLink(token_digest(text), org_id, admin.id, now_ms, now_ms + LINK_MS))
        told = {org_id: dict[str, str](), principal.org_id: {} if org_id == principal.org_id else {"org": org_id}}
        for where, debug in told.items():
            event_type, targets = "tenterhook.sign_in_link.created", [admin_target(admin)]
            act = Act(org_id=where, event_type=event_type, principal=principal, targets=targets, debug=debug)
            record_act(pipeline, tx, act)

    await pipeline.database.write(store)
    return text, now_ms + LINK_MS


def sign_in_url(public_url: str, text: str) -> str:
    """Return the address of the console's page that a one-time link is used on. public_url: no slash at its end."""
    return f"{public_url}/console/sign-in?link={text}"


async def redeem_link(pipeline: Pipeline, text: str, visitor: Visitor) -> Admin:
    """Use a one-time link up and return the admin whom it signs in. Raises: SignInError."""

    def store(tx: Tx) -> Admin | None:
        link = sign_in_links.take(tx, token_digest(text), pipeline.now_ms())
        admin = None if link is None else admins.get(tx, link.org_id, link.admin_id)
        return None if admin is None else _enter(pipeline, tx, admin, visitor, "LINK")

    return _somebody(await pipeline.database.write(store))


async def org_of(pipeline: Pipeline, org_id: str | None) -> str:
    """Return the id of the org that somebody signs in to: the one they name, else the default org."""
    if org_id is not None:
        return org_id
    first = await pipeline.database.read(orgs.first)
    return "" if first is None else first.id


async def sign_in_with_password(pipeline: Pipeline, org_id: str, login: str, password: str, visitor: Visitor) -> Admin:
    """Return the org's admin with this login and password.

    Raises: SignInError: no such org, login or password, or the admin has none; OverloadedError.
    """
    known = await pipeline.database.read(lambda tx: admins.by_login(tx, org_id, login))
    stored = None if known is None else known.password
    matched = await pipeline.passwords.matches(stored, password)
    renewed = None
    if matched and stored is not None and pipeline.passwords.is_outdated(stored):
        renewed = await pipeline.passwords.hash(password)

    def store(tx: Tx) -> Admin | None:
        admin = None if known is None else admins.get(tx, org_id, known.id)
        if not matched or admin is None or admin.password != stored:
            _refuse(pipeline, tx, org_id, admin, visitor)
            return None
        return _enter(pipeline, tx, msgspec.structs.replace(admin, password=renewed or stored), visitor, "PASSWORD")

    return _somebody(await pipeline.database.write(store))


async def open_session(pipeline: Pipeline, admin: Admin) -> tuple[str, ApiToken]:
    """Make a token that acts as a signed-in *admin* for 12 hours; return its text and its row.

    Raises: SignInError, if the admin is gone by now.
    """
    now_ms = pipeline.now_ms()

    def store(tx: Tx) -> tuple[str, ApiToken] | None:
        present = admins.get(tx, admin.org_id, admin.id)
        if present is None:
            return None
        api_tokens.remove_expired(tx, present.org_id, present.id, SESSION, now_ms)
        return create_token(tx, present, TokenDraft(SESSION, present.role, now_ms + SESSION_MS), now_ms)

    made = await pipeline.database.write(store)
    if made is None:
        raise SignInError("")
    return made


def _enter(pipeline: Pipeline, tx: Tx, admin: Admin, visitor: Visitor, how: str) -> Admin:
    present = msgspec.structs.replace(admin, last_sign_in=pipeline.now_ms())
    admins.update(tx, present)
    record_act(pipeline, tx, _start(present.org_id, present, visitor, {"authentication": how}))
    return present


def _refuse(pipeline: Pipeline, tx: Tx, org_id: str, admin: Admin | None, visitor: Visitor) -> None:
    """Log a failure. A login that nobody has is not written down: it may be a password in the wrong field.

    Failures of a known login are logged one by one, which its limit of tries bounds. There is no end of logins that
    nobody has, so theirs are logged at most once a minute and org, with how many there were since; each is still a
    write, so that it takes as long.
    """
    if orgs.get(tx, org_id) is None:
        return
    debug = {"authentication": "PASSWORD"}
    if admin is None:
        failures = unknown_logins.count(tx, org_id, pipeline.now_ms())
        if failures is None:
            return
        debug["failures"] = str(failures)
    act = _start(org_id, admin, visitor, debug)
    record_act(pipeline, tx, msgspec.structs.replace(act, failure="INVALID_CREDENTIALS"))


def _start(org_id: str, admin: Admin | None, visitor: Visitor, debug: dict[str, str]) -> Act:
    principal = Principal(
        org_id=org_id,
        admin_id="unknown" if admin is None else admin.id,
        login="unknown" if admin is None else admin.login,
        name="unknown" if admin is None else admin.name,
        token_id="",
        permissions=frozenset(),
        request_id=visitor.request_id,
        ip=visitor.ip,
        user_agent=visitor.user_agent,
    )
    return Act(org_id=org_id, event_type="user.session.start", principal=principal, debug=debug)


def _somebody(admin: Admin | None) -> Admin:
    if admin is None:
        raise SignInError("")
    return admin
