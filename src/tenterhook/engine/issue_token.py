"""Issue, list, read and revoke API tokens. A token's text exists once: in the answer to its issue."""

from __future__ import annotations

import secrets

import msgspec

from tenterhook import ids
from tenterhook.domain.act import Act
from tenterhook.domain.document import BLANK, Form, Problems, kind_of
from tenterhook.domain.principal import OPERATOR, Permission, Principal, Role, permissions_in, permissions_of
from tenterhook.domain.timestamp import parse_timestamp
from tenterhook.engine.authenticate import token_digest
from tenterhook.engine.pipeline import Pipeline
from tenterhook.engine.record import record_act
from tenterhook.errors import ForbiddenError, InvalidError, NotFoundError
from tenterhook.store import admins, api_tokens, orgs
from tenterhook.store.admins import Admin
from tenterhook.store.api_tokens import ApiToken
from tenterhook.store.transaction import Tx

#: What the answers call these things.
ENTITY, KIND, ORG_KIND = "apiToken", "ApiToken", "Org"
#: The name of the tokens that signing in makes.
SESSION = "sign-in"

_READ_ONLY = ("id", "adminId", "created", "hint", "token", "lastUsed")
_KNOWN = ("name", "role", "scopes", "expires")
_SCOPES = tuple(str(one) for one in Permission)
_MORE = "This token would do more than you may: leave out what you may not do yourself."


class TokenDraft(msgspec.Struct, frozen=True):
    """What a caller may say of a token: it has a role or scopes, not both."""

    name: str
    role: Role | None
    expires: int | None = None  #: ms
    scopes: tuple[str, ...] = ()

    def permissions(self, *, operator: bool) -> frozenset[Permission]:
        """Return what the token grants. operator: whether its org is the operator's own."""
        if self.role is not None:
            return permissions_of(self.role, operator=operator)
        return permissions_in(self.scopes, operator=operator)


def create_token(
    tx: Tx, admin: Admin, draft: TokenDraft, now_ms: int, issuer: Principal | None = None
) -> tuple[str, ApiToken]:
    """Store a new token of *admin* and return its text, which is kept nowhere, and its row.

    issuer: the caller whose token it is issued with, if it is with one.
    """
    text = "00" + secrets.token_urlsafe(32)  # 256 bits
    row = ApiToken(
        org_id=admin.org_id,
        id=ids.new_id(ids.API_TOKEN),
        admin_id=admin.id,
        name=draft.name,
        role=draft.role,
        hash=token_digest(text),
        hint=text[:6],
        created=now_ms,
        expires=draft.expires,
        scopes=draft.scopes,
        issued_by=None if issuer is None else issuer.token_id,
    )
    api_tokens.insert(tx, row)
    return text, row


async def issue_token(pipeline: Pipeline, principal: Principal, body: object) -> tuple[str, ApiToken]:
    """Make a token for the calling admin from *body* (``name``, ``role`` or ``scopes``, ``expires``) and log it.

    Raises: InvalidError, one cause per problem; ForbiddenError, if the token would do more than the caller may, or if
    the caller is an OAuth client.
    """
    now_ms = pipeline.now_ms()
    draft = read_token_draft(body, now_ms)
    refuse_client(principal)

    def store(tx: Tx) -> tuple[str, ApiToken]:
        admin = admins.get(tx, principal.org_id, principal.admin_id)
        if admin is None:
            raise ForbiddenError("You act for no admin of this org any more.")
        operator = pipeline.tokens.is_operator(tx, admin.org_id)
        refuse_operator_scopes(draft, operator=operator)
        if not draft.permissions(operator=operator) <= principal.permissions:
            raise ForbiddenError(_MORE)
        text, row = create_token(tx, admin, draft, now_ms, principal)
        record_act(pipeline, tx, token_act(principal, "system.api_token.create", row))
        return text, row

    return await pipeline.database.write(store)


async def issue_token_in(pipeline: Pipeline, principal: Principal, org_id: str, body: object) -> tuple[str, ApiToken]:
    """Make a token in another org, for its first super admin, as its operator may; log it there and at home.

    In the caller's own org it is what `issue_token` makes, for those who may manage admins.
    Raises: NotFoundError, if there is no such org; what `issue_token` raises.
    """
    if org_id == principal.org_id:
        if not principal.may(Permission.MANAGE_ADMINS):
            raise ForbiddenError(_MORE)
        return await issue_token(pipeline, principal, body)
    now_ms = pipeline.now_ms()

    def store(tx: Tx) -> tuple[str, ApiToken]:
        admin = None if orgs.get(tx, org_id) is None else admins.first_super_admin(tx, org_id)
        if admin is None:
            raise NotFoundError(org_id, ORG_KIND)
        draft = read_token_draft(body, now_ms)
        refuse_operator_scopes(draft, operator=pipeline.tokens.is_operator(tx, org_id))
        refuse_client(principal)
        text, row = create_token(tx, admin, draft, now_ms, principal)
        act = token_act(principal, "system.api_token.create", row)
        record_act(pipeline, tx, act)
        record_act(pipeline, tx, msgspec.structs.replace(act, org_id=principal.org_id, debug={"org": org_id}))
        return text, row

    return await pipeline.database.write(store)


async def read_token(pipeline: Pipeline, principal: Principal, token_id: str) -> ApiToken:
    """Return one of the org's tokens that was not revoked. Raises: NotFoundError."""
    row = await pipeline.database.read(lambda tx: api_tokens.get(tx, principal.org_id, token_id))
    if row is None:
        raise NotFoundError(token_id, KIND)
    return with_use(pipeline, row)


async def list_tokens(
    pipeline: Pipeline, principal: Principal, after: str | None, limit: int, *, sign_ins: bool = True
) -> list[ApiToken]:
    """Return the org's tokens that were not revoked, by id. sign_ins: whether those that signing in made, too."""
    but = None if sign_ins else SESSION
    found = await pipeline.database.read(lambda tx: api_tokens.list_of(tx, principal.org_id, after, limit, but=but))
    return [with_use(pipeline, row) for row in found]


async def revoke_token(pipeline: Pipeline, principal: Principal, token_id: str) -> None:
    """End a token at once and log it. It may be the caller's own.

    With a session that somebody else ends, what was issued with it ends too: it may have been stolen. Who ends their
    own has signed out, and keeps what they made.
    Raises: NotFoundError; ForbiddenError, if the token may do more than the caller.
    """

    def store(tx: Tx) -> None:
        row, now_ms = api_tokens.get(tx, principal.org_id, token_id), pipeline.now_ms()
        if row is None:
            raise NotFoundError(token_id, KIND)
        debug: dict[str, str] = {}
        if row.id == principal.token_id:
            api_tokens.revoke(tx, row.org_id, row.id, now_ms)
        elif not _may_do(pipeline, tx, row) <= principal.permissions:
            raise ForbiddenError("Only somebody who may do as much as this token can revoke it.")
        elif row.name == SESSION:
            ended = api_tokens.revoke_issued(tx, row.org_id, row.admin_id, now_ms, name=SESSION, token_id=row.id)
            debug["revokedTokens"] = str(ended)
        else:
            api_tokens.revoke(tx, row.org_id, row.id, now_ms)
        act = token_act(principal, "system.api_token.revoke", row)
        record_act(pipeline, tx, msgspec.structs.replace(act, debug=debug))
        tx.after_commit_on_loop(lambda: _forget(pipeline, row))

    await pipeline.database.write(store)


def _may_do(pipeline: Pipeline, tx: Tx, row: ApiToken) -> frozenset[Permission]:
    """Return what a token may do now: what it grants, as far as its admin may do it."""
    admin = admins.get(tx, row.org_id, row.admin_id)
    if admin is None:
        return frozenset()
    operator = pipeline.tokens.is_operator(tx, row.org_id)
    granted = TokenDraft(row.name, row.role, row.expires, row.scopes).permissions(operator=operator)
    return granted & permissions_of(admin.role, operator=operator)


def _forget(pipeline: Pipeline, row: ApiToken) -> None:
    pipeline.tokens.forget(row.hash)
    if row.name == SESSION:
        pipeline.tokens.forget_admin(row.org_id, row.admin_id)


def token_act(principal: Principal, event_type: str, row: ApiToken) -> Act:
    """Return what the log of the token's org tells of what *principal* did to it."""
    target = {"id": row.id, "type": "Token", "alternateId": "unknown", "displayName": row.name}
    return Act(org_id=row.org_id, event_type=event_type, principal=principal, targets=[target])


def refuse_client(principal: Principal) -> None:
    """Raise ForbiddenError for an OAuth client: its access token ends soon, and what it issued would not."""
    if principal.client_id is not None:
        raise ForbiddenError("An OAuth client cannot issue API tokens: an admin can, signed in or with an API token.")


def refuse_operator_scopes(draft: TokenDraft, *, operator: bool) -> None:
    """Raise InvalidError for each scope that only tokens of the operator's org can have, unless it is one."""
    problems = [
        f"scopes[{at}]: {scope} is for tokens of the operator's org only"
        for at, scope in enumerate(draft.scopes)
        if scope in OPERATOR and not operator
    ]
    if problems:
        raise InvalidError(ENTITY, problems)


def read_token_draft(body: object, now_ms: int) -> TokenDraft:
    """Return the token that *body* asks for. Raises: InvalidError with one cause per problem."""
    if not isinstance(body, dict):
        raise InvalidError(ENTITY, ["The body must be a JSON object."])
    problems = Problems()
    form = Form({key: value for key, value in body.items() if key not in _READ_ONLY}, "", problems)
    form.refuse_unknown(_KNOWN)
    name = form.text("name", required=True, longest=100)
    if name is not None and name.strip() == SESSION:
        form.problem("name", f"'{SESSION}' is what the tokens of sign-ins are called; choose another")
    scopes = _read_scopes(form)
    role = form.choice("role", tuple(Role), required=scopes is None)
    if role is not None and scopes is not None:
        form.problem("scopes", "a token has a role or scopes, not both")
    expires = _read_expiry(form, now_ms)
    if problems or name is None:
        raise InvalidError(ENTITY, problems.texts)
    return TokenDraft(name.strip(), Role(role) if role else None, expires, scopes or ())


def _read_scopes(form: Form) -> tuple[str, ...] | None:
    """Return the scopes, None if none are given; those that are wrong are noted."""
    values = form.array("scopes")
    if values is None:
        return None
    if not values:
        form.problem("scopes", BLANK)
    for at, value in enumerate(values[: len(_SCOPES) + 1]):
        if value not in _SCOPES if isinstance(value, str) else True:
            shown = repr(value[:64]) if isinstance(value, str) else kind_of(value)
            form.problem(f"scopes[{at}]", f"{shown} is no scope; there are {', '.join(_SCOPES)}")
        elif value in values[:at]:
            form.problem(f"scopes[{at}]", f"{value} is there twice")
    if len(values) > len(_SCOPES):
        form.problem("scopes", f"there are {len(_SCOPES)} scopes, and {len(values):,} are asked for")
    return tuple(value for value in values if isinstance(value, str))


def _read_expiry(form: Form, now_ms: int) -> int | None:
    text = form.text("expires", longest=64)
    if text is None:
        return None
    expires = parse_timestamp(text)
    if expires is None:
        form.problem("expires", "must be a point in time such as 2030-01-31T12:00:00.000Z")
    elif expires <= now_ms:
        form.problem("expires", "must be in the future")
    return expires


def with_use(pipeline: Pipeline, row: ApiToken) -> ApiToken:
    """Return *row* with its last use as memory knows it: the database hears of it a minute later."""
    seen = pipeline.tokens.last_use(row.hash)
    return row if seen is None or seen <= (row.last_used or 0) else msgspec.structs.replace(row, last_used=seen)
