"""Appoint, list, change and dismiss the admins of an org.

Nobody hands out what they may not do themselves: whoever makes or changes an admin may do all that the admin may,
before and after. What tokens may do follows their admin at once.
"""

from __future__ import annotations

import msgspec

from tenterhook import ids
from tenterhook.domain.act import Act
from tenterhook.domain.document import Form, Problems
from tenterhook.domain.principal import Principal, Role, permissions_of
from tenterhook.engine.issue_token import SESSION
from tenterhook.engine.pipeline import Pipeline
from tenterhook.engine.record import record_act
from tenterhook.errors import ForbiddenError, InvalidError, NotFoundError
from tenterhook.store import admins, api_tokens, sign_in_links
from tenterhook.store.admins import Admin
from tenterhook.store.transaction import Tx

#: What the answers call these things.
ENTITY, KIND = "admin", "Admin"

MAX_LOGIN, MAX_NAME = 100, 100
MIN_PASSWORD, MAX_PASSWORD = 12, 200

_READ_ONLY = ("id", "created", "passwordSet", "lastSignIn", "_links")
_KNOWN = ("login", "name", "password", "role")
_MORE = "An admin who may do more than you can only be made, changed or dismissed by somebody who may do as much."


class AdminDraft(msgspec.Struct, frozen=True):
    """What a caller may say of an admin, but for the password."""

    login: str
    name: str
    role: Role
    keeps_password: bool  #: whether the body is silent on it


async def create_admin(pipeline: Pipeline, principal: Principal, body: object) -> Admin:
    """Make an admin of *body*: ``login``, ``name``, ``role``, and a ``password`` if there shall be one; log it.

    Raises: InvalidError, one cause per problem; ForbiddenError, if the role may do more than the caller;
    OverloadedError.
    """
    draft, password = _read(body)
    admin = Admin(
        org_id=principal.org_id,
        id=ids.new_id(ids.ADMIN),
        login=draft.login,
        name=draft.name,
        role=draft.role,
        created=pipeline.now_ms(),
        password=None if password is None else await pipeline.passwords.hash(password),
    )

    def store(tx: Tx) -> Admin:
        refuse_more(pipeline, tx, principal, admin.role)
        _refuse_taken(tx, admin)
        admins.insert(tx, admin)
        record_act(pipeline, tx, _act(principal, "tenterhook.admin.created", admin, {"role": str(admin.role)}))
        return admin

    return await pipeline.database.write(store)


async def list_admins(pipeline: Pipeline, principal: Principal, after: str | None, limit: int) -> list[Admin]:
    """Return the org's admins, by id."""
    return await pipeline.database.read(lambda tx: admins.list_of(tx, principal.org_id, after, limit))


async def read_admin(pipeline: Pipeline, principal: Principal, admin_id: str) -> Admin:
    """Return one of the org's admins. Raises: NotFoundError."""
    return await pipeline.database.read(lambda tx: find(tx, principal, admin_id))


async def replace_admin(pipeline: Pipeline, principal: Principal, admin_id: str, body: object) -> Admin:
    """Make the admin what *body* says and log it.

    Without ``password`` the one that is stays; null takes it away. Another password signs the admin out everywhere and
    ends the tokens that were issued while signed in. Another role makes sign-in links void: they were made for less.
    Raises: what `create_admin` raises; NotFoundError; InvalidError, if no super admin would be left.
    """
    draft, password = _read(body)
    await read_admin(pipeline, principal, admin_id)
    hashed = None if password is None else await pipeline.passwords.hash(password)

    def store(tx: Tx) -> Admin:
        before = find(tx, principal, admin_id)
        refuse_more(pipeline, tx, principal, before.role, draft.role)
        if draft.role is not Role.SUPER_ADMIN:
            _refuse_last(tx, before, "demoted")
        after = msgspec.structs.replace(
            before,
            login=draft.login,
            name=draft.name,
            role=draft.role,
            password=before.password if draft.keeps_password else hashed,
        )
        _refuse_taken(tx, after)
        admins.update(tx, after)
        debug = {"changed": ", ".join(key for key in _KNOWN if getattr(before, key) != getattr(after, key))}
        if after.password != before.password:
            debug["revokedTokens"] = str(sign_out(tx, after, pipeline.now_ms()))
        if after.role is not before.role:
            sign_in_links.remove(tx, after.org_id, after.id)
        record_act(pipeline, tx, _act(principal, "tenterhook.admin.updated", after, debug))
        _forget(pipeline, tx, after)
        return after

    return await pipeline.database.write(store)


async def delete_admin(pipeline: Pipeline, principal: Principal, admin_id: str) -> None:
    """Remove an admin for good, end all their tokens at once, and log it.

    Raises: NotFoundError; ForbiddenError; InvalidError, if it is the org's last super admin.
    """

    def store(tx: Tx) -> None:
        admin = find(tx, principal, admin_id)
        refuse_more(pipeline, tx, principal, admin.role)
        _refuse_last(tx, admin, "deleted")
        ended = api_tokens.revoke_of(tx, admin.org_id, admin.id, pipeline.now_ms())
        sign_in_links.remove(tx, admin.org_id, admin.id)
        admins.delete(tx, admin.org_id, admin.id)
        record_act(pipeline, tx, _act(principal, "tenterhook.admin.deleted", admin, {"revokedTokens": str(ended)}))
        _forget(pipeline, tx, admin)

    await pipeline.database.write(store)


def find(tx: Tx, principal: Principal, admin_id: str) -> Admin:
    """Return one of the caller's org's admins. Raises: NotFoundError."""
    admin = admins.get(tx, principal.org_id, admin_id)
    if admin is None:
        raise NotFoundError(admin_id, KIND)
    return admin


async def change_password(pipeline: Pipeline, principal: Principal, password: str, *, end_tokens: bool) -> Admin:
    """Give the calling admin another password, sign them out everywhere, and log it.

    end_tokens: whether what they issued while signed in ends as well, because somebody else may have been.
    That they know the one they have, their caller has seen to.
    Raises: InvalidError; NotFoundError, if they are gone; OverloadedError.
    """
    admin = await read_admin(pipeline, principal, principal.admin_id)
    check_password(password, admin.login)
    hashed = await pipeline.passwords.hash(password)

    def store(tx: Tx) -> Admin:
        after = msgspec.structs.replace(find(tx, principal, principal.admin_id), password=hashed)
        admins.update(tx, after)
        ended = sign_out(tx, after, pipeline.now_ms(), tokens_too=end_tokens)
        debug = {"changed": "password", "revokedTokens": str(ended)}
        record_act(pipeline, tx, _act(principal, "tenterhook.admin.updated", after, debug))
        _forget(pipeline, tx, after)
        return after

    return await pipeline.database.write(store)


def check_password(password: str, login: str) -> None:
    """Raise InvalidError unless *password* can be one. login: whose it would be."""
    form = Form({"password": password}, "", Problems())
    _read_password(form, login)
    if form.problems:
        raise InvalidError(ENTITY, form.problems.texts)


def sign_out(tx: Tx, admin: Admin, now_ms: int, *, tokens_too: bool = True) -> int:
    """End what signing in gave the admin: sessions, links, tokens that were issued with them; return how many tokens.

    Whoever had stolen a session may have issued themselves a token that outlives it. tokens_too: no: they stay.
    """
    sign_in_links.remove(tx, admin.org_id, admin.id)
    if not tokens_too:
        return api_tokens.revoke_named(tx, admin.org_id, admin.id, SESSION, now_ms)
    return api_tokens.revoke_issued(tx, admin.org_id, admin.id, now_ms, name=SESSION)


def refuse_more(pipeline: Pipeline, tx: Tx, principal: Principal, *roles: Role) -> None:
    """Raise ForbiddenError if one of *roles*, in the caller's org, may do what the caller may not."""
    operator = pipeline.tokens.is_operator(tx, principal.org_id)
    if any(not permissions_of(role, operator=operator) <= principal.permissions for role in roles):
        raise ForbiddenError(_MORE)


def admin_target(admin: Admin) -> dict[str, str]:
    """Return the log event's target that stands for an admin."""
    return {"id": admin.id, "type": "User", "alternateId": admin.login, "displayName": admin.name}


def _forget(pipeline: Pipeline, tx: Tx, admin: Admin) -> None:
    tx.after_commit_on_loop(lambda: pipeline.tokens.forget_admin(admin.org_id, admin.id))


def _refuse_taken(tx: Tx, admin: Admin) -> None:
    other = admins.by_login(tx, admin.org_id, admin.login)
    if other is not None and other.id != admin.id:
        raise InvalidError(ENTITY, ["login: An admin with this login already exists."])


def _refuse_last(tx: Tx, admin: Admin, what: str) -> None:
    if admin.role is Role.SUPER_ADMIN and admins.count_super_admins(tx, admin.org_id) == 1:
        text = f"role: The last super admin of an org cannot be {what}. Make somebody else a super admin first."
        raise InvalidError(ENTITY, [text])


def _act(principal: Principal, event_type: str, admin: Admin, debug: dict[str, str]) -> Act:
    targets = [admin_target(admin)]
    return Act(org_id=principal.org_id, event_type=event_type, principal=principal, targets=targets, debug=debug)


def _read(body: object) -> tuple[AdminDraft, str | None]:
    if not isinstance(body, dict):
        raise InvalidError(ENTITY, ["The body must be a JSON object."])
    problems = Problems()
    form = Form({key: value for key, value in body.items() if key not in _READ_ONLY}, "", problems)
    form.refuse_unknown(_KNOWN)
    login = form.text("login", required=True, longest=MAX_LOGIN)
    if login is not None and (not login.isprintable() or login != login.strip()):
        form.problem("login", "must hold printable characters only, and no space at its ends")
    name = form.text("name", required=True, longest=MAX_NAME)
    role = form.choice("role", tuple(Role), required=True)
    password = _read_password(form, login)
    if problems or login is None or name is None or role is None:
        raise InvalidError(ENTITY, problems.texts)
    return AdminDraft(login, name.strip(), Role(role), not form.has("password")), password


def _read_password(form: Form, login: str | None) -> str | None:
    password = form.text("password", longest=MAX_PASSWORD)
    if password is None:
        return None
    if len(password) < MIN_PASSWORD:
        form.problem("password", f"must have at least {MIN_PASSWORD} characters")
    elif login is not None and password.casefold() == login.casefold():
        form.problem("password", "must not be the login")
    return password
