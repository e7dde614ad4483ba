"""API tokens in the OpenAPI document. Source: DESIGN §2.4; `engine/issue_token`."""

from __future__ import annotations

from typing import Any

from tenterhook.api.openapi.operation import AFTER, Answer, Body, Operation, Section, limit
from tenterhook.api.openapi.schema import Schema, array, choice, identity, line, maybe, moment, record, ref, text
from tenterhook.domain.principal import Permission, Role

_TOKEN: dict[str, Schema] = {
    "id": identity("00T"),
    "name": text("What it is for."),
    "role": maybe(choice(Role, "Null if it has scopes.")),
    "scopes": maybe(array(choice(Permission), "Null if it has a role.")),
    "adminId": identity("00u", "For whom it acts."),
    "hint": text("Its first characters."),
    "created": moment(),
    "expires": maybe(moment()),
    "lastUsed": maybe(moment()),
}
_EXAMPLE: dict[str, Any] = {
    "id": "00T1a2b3c4d5e6f7g8h9",
    "name": "publisher of the shop",
    "role": "PUBLISHER",
    "scopes": None,
    "adminId": "00u1a2b3c4d5e6f7g8h9",
    "hint": "00aB3d",
    "created": "2026-01-02T03:04:05.678Z",
    "expires": None,
    "lastUsed": None,
}
_DRAFT: dict[str, Any] = {"name": "publisher of the shop", "role": "PUBLISHER"}


def _draft() -> Schema:
    said = record(
        {
            "name": line("What it is for.", 100),
            "role": maybe(choice(Role)),
            "scopes": maybe(
                array(choice(Permission), "Instead of a role.", minItems=1, uniqueItems=True),
            ),
            "expires": maybe(text("A time in the future, ISO 8601. Left out: never.", maxLength=64)),
        },
        "It has a role or scopes, not both.",
        required=("name",),
        closed=True,
        example=_DRAFT,
    )
    given = {key: {"type": ["string", "array"]} for key in ("role", "scopes")}
    one_of = [{"required": [key], "properties": {key: schema}} for key, schema in given.items()]
    return {**said, "oneOf": one_of}


_SCHEMAS: dict[str, Schema] = {
    "ApiToken": record(_TOKEN, "A token, without what it opens.", example=_EXAMPLE),
    "NewApiToken": record(
        {**_TOKEN, "token": text("The token itself: shown here and never again.")},
        "A token, this once with its text.",
        example={**_EXAMPLE, "token": "00aB3d…"},
    ),
    "ApiTokenDraft": _draft(),
}
TOKEN_BODY = Body(ref("ApiTokenDraft"), _DRAFT)
NEW_TOKEN = Answer("The token, with its text.", ref("NewApiToken"))

_TOKEN_PATH = "/api/v1/api-tokens/{tokenId}"  # noqa: S105 - a path

SECTION = Section(
    "API tokens",
    "What programs call the API with. A token is shown once, when it is made.",
    (
        Operation(
            *("listApiTokens", "GET /api/v1/api-tokens", "List API tokens"),
            Answer("The tokens, by id.", array(ref("ApiToken")), ("Link",)),
            (limit(100, 1000), AFTER),
        ),
        Operation("createApiToken", "POST /api/v1/api-tokens", "Create an API token", NEW_TOKEN, body=TOKEN_BODY),
        Operation("getApiToken", f"GET {_TOKEN_PATH}", "Read an API token", Answer("The token.", ref("ApiToken"))),
        Operation("revokeApiToken", f"DELETE {_TOKEN_PATH}", "Revoke an API token", Answer("It is void.")),
    ),
    _SCHEMAS,
)
