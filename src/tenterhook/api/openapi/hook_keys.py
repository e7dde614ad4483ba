"""Hook keys in the OpenAPI document. Source: okta/inline-hooks.md §8."""

from __future__ import annotations

from typing import Any

from tenterhook.api.openapi.operation import AFTER, Answer, Body, Operation, Parameter, Section, limit
from tenterhook.api.openapi.schema import Schema, array, choice, flag, identity, line, moment, record, ref, text, uuid
from tenterhook.domain.hook_key import EXPONENT, MAX_NAME

_KEY = "/api/v1/hook-keys/{hookKeyId}"
_MODULUS = "zwsfMQdylp1vD9T8Hwg7nMdKPyQ9b2bD4m1GmJzWc0bq7Qp0uXvYk6xM5oPzB1uJ2a3oXbq2lWQm8s9Zc7fVtA"  # a specimen, cut
_JWK_EXAMPLE: dict[str, Any] = {
    "kty": "RSA",
    "alg": "RSA",
    "kid": "0f3c2a86-5d1e-4b7a-9c58-6e2d4f1b7a90",
    "use": None,
    "e": EXPONENT,
    "n": _MODULUS,
}
_EXAMPLE: dict[str, Any] = {
    "id": "HKY1a2b3c4d5e6f7g8h9",
    "keyId": "0f3c2a86-5d1e-4b7a-9c58-6e2d4f1b7a90",
    "name": "Signs for the CRM",
    "created": "2026-01-02T03:04:05.000Z",
    "lastUpdated": "2026-01-02T03:04:05.000Z",
    "isUsed": False,
}
_DRAFT_EXAMPLE = {"name": "Signs for the CRM"}
_PARTS: dict[str, Schema] = {
    "id": identity("HKY", "What a channel's `hookKeyId` names."),
    "keyId": uuid("The `kid` of what it signs."),
    "name": text("Once in an org."),
    "created": moment(),
    "lastUpdated": moment(),
    "isUsed": flag("Whether an inline hook uses it; then it cannot be deleted."),
}

_SCHEMAS: dict[str, Schema] = {
    "HookKey": record(
        {**_PARTS, "_embedded": ref("HookKeyJwk", "Its public half, where it was asked for.")},
        "An RSA key that signs for inline hooks whose channel has the authType private_key_jwt.",
        required=_PARTS,
        example=_EXAMPLE,
    ),
    "HookKeyWithJwk": record(
        {**_PARTS, "_embedded": ref("HookKeyJwk", "Its public half.")},
        "A hook key with its public half.",
        example={**_EXAMPLE, "_embedded": _JWK_EXAMPLE},
    ),
    "HookKeyJwk": record(
        {
            "kty": choice(["RSA"]),
            "alg": choice(["RSA"], "As Okta has it; what is signed is signed with RS256."),
            "kid": uuid("The key's `keyId`."),
            "use": {"type": "null"},
            "e": text("The public exponent in base64url."),
            "n": text("The modulus of 2,048 bits in base64url."),
        },
        "The public half of a hook key.",
        example=_JWK_EXAMPLE,
    ),
    "HookKeyDraft": record(
        {"name": line("Once in an org.", MAX_NAME)}, "What a client writes.", example=_DRAFT_EXAMPLE
    ),
}
_WRITTEN = Answer("The key with its public half.", ref("HookKeyWithJwk"))
_DRAFT = Body(ref("HookKeyDraft"), _DRAFT_EXAMPLE)

SECTION = Section(
    "Hook keys",
    "Keys with which inline hooks prove who calls. The private half is made here and never shown.",
    (
        Operation(
            *("listHookKeys", "GET /api/v1/hook-keys", "List hook keys"),
            Answer("The keys, oldest first.", array(ref("HookKey")), ("Link",)),
            (limit(None, 1000), AFTER),
        ),
        Operation("createHookKey", "POST /api/v1/hook-keys", "Create a hook key", _WRITTEN, body=_DRAFT),
        Operation(
            *("getHookKey", f"GET {_KEY}", "Read a hook key", Answer("The key.", ref("HookKey"))),
            (Parameter("expand", "`publickey`: with its public half.", choice(["publickey"])),),
        ),
        Operation("replaceHookKey", f"PUT {_KEY}", "Rename a hook key", _WRITTEN, body=_DRAFT),
        Operation("deleteHookKey", f"DELETE {_KEY}", "Delete a hook key", Answer("It is deleted.")),
        Operation(
            *("getPublicKey", "GET /api/v1/hook-keys/public/{keyId}", "Read a public key"),
            Answer("A JWK.", ref("HookKeyJwk")),
        ),
    ),
    _SCHEMAS,
)
