"""Issue, list and revoke API tokens. A token's text exists once: in the answer to its issue."""

from __future__ import annotations

import secrets

import msgspec

from tenterhook import ids
from tenterhook.domain.act import Act
from tenterhook.domain.document import Form, Problems
from tenterhook.domain.principal import Principal, Role
from tenterhook.domain.timestamp import parse_timestamp
from tenterhook.engine.authenticate import token_digest
from tenterhook.engine.pipeline import Pipeline
from tenterhook.engine.record import record_act
from tenterhook.errors import InvalidError, NotFoundError
from tenterhook.store import api_tokens
from tenterhook.store.admins import Admin
from tenterhook.store.api_tokens import ApiToken
from tenterhook.store.transaction import Tx

#: What the answers call these things.
ENTITY, KIND = "apiToken", "ApiToken"

_READ_ONLY = ("id", "adminId", "created", "hint", "token")
_KNOWN = ("name", "role", "expires")
_LATER = ("scopes",)
#: Roles that a token can have today; those between come with admins.
_ROLES = (Role.SUPER_ADMIN, Role.PUBLISHER)


class TokenDraft(msgspec.Struct, frozen=True):
    """What a caller may say of a token."""

    name: str
    role: Role
    expires: int | None = None  #: ms


def create_token(tx: Tx, admin: Admin, draft: TokenDraft, now_ms: int) -> tuple[str, ApiToken]:
    """Store a new token of *admin* and return its text, which is kept nowhere, and its row."""
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
    )
    api_tokens.insert(tx, row)
    return text, row


async def issue_token(pipeline: Pipeline, principal: Principal, body: object) -> tuple[str, ApiToken]:
    """Make a token for the calling admin from *body* (``name``, ``role``, ``expires``) and log it.

    Raises: InvalidError.
    """
    now_ms = pipeline.now_ms()
    draft = _read_draft(body, now_ms)
    admin = Admin(principal.org_id, principal.admin_id, principal.login, principal.name, principal.role or Role.PUBLISHER, 0)

    def store(tx: Tx) -> tuple[str, ApiToken]:
        text, row = create_token(tx, admin, draft, now_ms)
        record_act(pipeline, tx, _act(principal, "system.api_token.create", row))
        return text, row

    return await pipeline.database.write(store)


async def revoke_token(pipeline: Pipeline, principal: Principal, token_id: str) -> None:
    """End a token at once and log it. It may be the caller's own.

    Raises: NotFoundError.
    """

    def store(tx: Tx) -> None:
        row = api_tokens.get(tx, principal.org_id, token_id)
        if row is None:
            raise NotFoundError(token_id, KIND)
        api_tokens.revoke(tx, principal.org_id, token_id, pipeline.now_ms())
        record_act(pipeline, tx, _act(principal, "system.api_token.revoke", row))
        tx.after_commit_on_loop(lambda: pipeline.tokens.forget(row.hash))

    await pipeline.database.write(store)


async def list_tokens(pipeline: Pipeline, principal: Principal, after: str | None, limit: int) -> list[ApiToken]:
    """Return the org's tokens that were not revoked, by id."""
    return await pipeline.database.read(lambda tx: api_tokens.list_of(tx, principal.org_id, after, limit))


def _act(principal: Principal, event_type: str, row: ApiToken) -> Act:
    target = {"id": row.id, "type": "Token", "alternateId": "unknown", "displayName": row.name}
    return Act(org_id=principal.org_id, event_type=event_type, principal=principal, targets=[target])


def _read_draft(body: object, now_ms: int) -> TokenDraft:
    if not isinstance(body, dict):
        raise InvalidError(ENTITY, ["The body must be a JSON object."])
    problems = Problems()
    fields = {key: value for key, value in body.items() if key not in _READ_ONLY}
    form = Form(fields, "", problems)
    form.refuse_unknown(_KNOWN, _LATER)
    name = form.text("name", required=True, longest=100)
    role = form.choice("role", _ROLES, required=True)
    expires = _read_expiry(form, now_ms)
    if problems or name is None or role is None:
        raise InvalidError(ENTITY, problems.texts)
    return TokenDraft(name.strip(), Role(role), expires)


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
