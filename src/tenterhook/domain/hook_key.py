"""Hook keys: RSA keys that sign for inline hooks whose channel proves itself with ``private_key_jwt``.

Source: okta/inline-hooks.md §8.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tenterhook.domain.document import Form, Problems, kind_of
from tenterhook.domain.event_hook import whole_seconds
from tenterhook.errors import InvalidError

ENTITY = "hookKey"
MAX_NAME = 255
#: Of the modulus.
KEY_BITS = 2048
#: The public exponent of every key, 65537, in base64url.
EXPONENT = "AQAB"


class HookKey(msgspec.Struct, frozen=True, kw_only=True):
    """One key of an org: what may be known of it. Its private half never leaves the vault but to sign."""

    org_id: str
    id: str  #: ``HKY…``, what a channel's hookKeyId names
    key_id: str  #: a uuid, the ``kid`` of what it signs
    name: str
    modulus: str  #: ``n`` of its JWK: base64url without padding
    created: int  #: ms
    last_updated: int  #: ms


def read_name(body: object) -> str:
    """Return the name that *body* (decoded JSON) gives a key. Other keys of it are ignored.

    Raises: InvalidError.
    """
    problems = Problems()
    if not isinstance(body, dict):
        raise InvalidError(ENTITY, [f"body: must be a JSON object, not {kind_of(body)}"])
    name = Form(body, "", problems).text("name", required=True, longest=MAX_NAME)
    if name is None:
        raise InvalidError(ENTITY, problems.texts)
    return name


def renamed(key: HookKey, name: str, now_ms: int) -> HookKey:
    """Return *key* with another name."""
    return msgspec.structs.replace(key, name=name, last_updated=max(now_ms, key.last_updated))


def public_jwk(key: HookKey) -> dict[str, Any]:
    """Return the public half as a JWK, its members as Okta serves them."""
    return {"kty": "RSA", "alg": "RSA", "kid": key.key_id, "use": None, "e": EXPONENT, "n": key.modulus}


def wire(key: HookKey, *, used: bool, embedded: bool) -> dict[str, Any]:
    """Return the JSON object that the API answers for *key*, its keys in Okta's order.

    used: whether an inline hook's channel names it. embedded: whether its public half is shown, too.
    """
    shown = {
        "id": key.id,
        "keyId": key.key_id,
        "name": key.name,
        "created": whole_seconds(key.created),
        "lastUpdated": whole_seconds(key.last_updated),
        "isUsed": used,
    }
    return shown | {"_embedded": public_jwk(key)} if embedded else shown
