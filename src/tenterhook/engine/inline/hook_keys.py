"""Make, list, read, rename and delete hook keys."""

from __future__ import annotations

import base64
import re
import uuid
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tenterhook.domain.act import Act, hook_key_target
from tenterhook.domain.hook_key import ENTITY, KEY_BITS, HookKey, read_name, renamed
from tenterhook.domain.principal import Principal
from tenterhook.engine.pipeline import Pipeline
from tenterhook.engine.record import record_act
from tenterhook.errors import InvalidError, NotFoundError
from tenterhook.ids import HOOK_KEY, new_id, parse_uuid, uuid_text
from tenterhook.store import hook_keys
from tenterhook.store.transaction import Tx

_ID = re.compile(rf"{HOOK_KEY}[A-Za-z0-9]{{17}}", re.ASCII)
_EXPONENT = 65537
#: Hooks that are named when they keep a key from being deleted.
_MOST_NAMED = 3


class KeyView(NamedTuple):
    """A key, and whether an inline hook uses it."""

    key: HookKey
    used: bool


async def create_hook_key(pipeline: Pipeline, principal: Principal, body: object) -> HookKey:
    """Make a key pair with the name that *body* (decoded JSON) gives it. It takes a few hundred milliseconds.

    Raises: InvalidError; OverloadedError, if too many are being made.
    """
    name = read_name(body)
    await pipeline.database.read(lambda tx: _judge_new(pipeline, tx, principal, name))  # before the costly part
    modulus, private_pem = await pipeline.aside.run(principal.org_id, _make_pair)
    now = pipeline.now_ms()
    key = HookKey(
        org_id=principal.org_id,
        id=new_id(HOOK_KEY),
        key_id=str(uuid.uuid4()),
        name=name,
        modulus=modulus,
        created=now,
        last_updated=now,
    )

    def insert(tx: Tx) -> HookKey:
        _judge_new(pipeline, tx, principal, name)
        hook_keys.insert(tx, pipeline.vault, key, private_pem)
        _tell(pipeline, tx, principal, key, "tenterhook.hook_key.created")
        return key

    return await pipeline.database.write(insert)


async def list_hook_keys(
    pipeline: Pipeline, principal: Principal, *, after: str | None = None, limit: int | None = None
) -> list[KeyView]:
    """Return the org's keys, oldest first, after the key with the id *after*; all of them without a *limit*."""

    def read(tx: Tx) -> list[KeyView]:
        used = hook_keys.used_ids(tx, principal.org_id)
        return [KeyView(key, key.id in used) for key in hook_keys.list_of(tx, principal.org_id, after, limit)]

    return await pipeline.database.read(read)


async def read_hook_key(pipeline: Pipeline, principal: Principal, key_id: str) -> KeyView:
    """Return one of the org's keys. Raises: NotFoundError."""
    return await pipeline.database.read(lambda tx: _view(tx, _find(tx, principal, key_id)))


async def read_public_key(pipeline: Pipeline, principal: Principal, kid: str) -> HookKey:
    """Return the org's key whose ``keyId`` is *kid*. Raises: NotFoundError."""
    raw = parse_uuid(kid)
    found = None
    if raw is not None:
        found = await pipeline.database.read(lambda tx: hook_keys.get_by_key_id(tx, principal.org_id, uuid_text(raw)))
    if found is None:
        raise NotFoundError(kid, "HookKey")
    return found


async def rename_hook_key(pipeline: Pipeline, principal: Principal, key_id: str, body: object) -> KeyView:
    """Give a key the name that *body* (decoded JSON) spells; nothing else of a key ever changes.

    Raises: NotFoundError; InvalidError.
    """

    def rename(tx: Tx) -> KeyView:
        current = _find(tx, principal, key_id)
        name = read_name(body)
        _refuse_taken_name(tx, principal.org_id, name, key_id)
        key = renamed(current, name, pipeline.now_ms())
        hook_keys.rename(tx, key)
        _tell(pipeline, tx, principal, key, "tenterhook.hook_key.updated")
        return _view(tx, key)

    return await pipeline.database.write(rename)


async def delete_hook_key(pipeline: Pipeline, principal: Principal, key_id: str) -> None:
    """Delete a key for good, its private half with it.

    Raises: NotFoundError; InvalidError, while an inline hook uses it.
    """

    def delete(tx: Tx) -> None:
        key = _find(tx, principal, key_id)
        users = hook_keys.used_by(tx, principal.org_id, key_id)
        if users:
            named = ", ".join(f"'{name}' ({hook_id})" for hook_id, name in users[:_MOST_NAMED])
            more = f" and {len(users) - _MOST_NAMED} more" if len(users) > _MOST_NAMED else ""
            told = f"isUsed: Inline hooks sign with this key: {named}{more}. Give them another one, or delete them."
            raise InvalidError(ENTITY, [told])
        hook_keys.remove(tx, principal.org_id, key_id, pipeline.now_ms())
        _tell(pipeline, tx, principal, key, "tenterhook.hook_key.deleted")

    await pipeline.database.write(delete)


def _make_pair() -> tuple[str, str]:
    """Return the modulus in base64url and the private half as PEM. The library lets go of the GIL meanwhile."""
    pair = rsa.generate_private_key(_EXPONENT, KEY_BITS)
    modulus = pair.public_key().public_numbers().n.to_bytes(KEY_BITS // 8)
    pem = pair.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return base64.urlsafe_b64encode(modulus).rstrip(b"=").decode(), pem.decode()


def _find(tx: Tx, principal: Principal, key_id: str) -> HookKey:
    key = hook_keys.get(tx, principal.org_id, key_id) if _ID.fullmatch(key_id) else None
    if key is None:
        raise NotFoundError(key_id, "HookKey")
    return key


def _view(tx: Tx, key: HookKey) -> KeyView:
    return KeyView(key, bool(hook_keys.used_by(tx, key.org_id, key.id)))


def _judge_new(pipeline: Pipeline, tx: Tx, principal: Principal, name: str) -> None:
    _refuse_taken_name(tx, principal.org_id, name, None)
    most = pipeline.limits.hook_keys
    if most is not None and hook_keys.count(tx, principal.org_id) >= most:
        told = (
            f"hookKeys: This org has {most} hook keys, as many as the setting TENTERHOOK_LIMIT_HOOK_KEYS allows. "
            "Delete another one first."
        )
        raise InvalidError(ENTITY, [told])


def _refuse_taken_name(tx: Tx, org_id: str, name: str, but: str | None) -> None:
    if hook_keys.name_taken(tx, org_id, name, but=but):
        raise InvalidError(ENTITY, ["name: A hook key with this name already exists."])


def _tell(pipeline: Pipeline, tx: Tx, principal: Principal, key: HookKey, event_type: str) -> None:
    act = Act(
        org_id=key.org_id,
        event_type=event_type,
        principal=principal,
        targets=[hook_key_target(key.id, key.name)],
        debug={"keyId": key.key_id},
    )
    record_act(pipeline, tx, act)
