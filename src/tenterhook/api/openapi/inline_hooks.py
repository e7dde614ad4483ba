"""Inline hooks in the OpenAPI document. Source: okta/inline-hooks.md §1 and §2."""

from __future__ import annotations

from typing import Any

from tenterhook.api.openapi.operation import AFTER, Answer, Body, Operation, Parameter, Section, limit
from tenterhook.api.openapi.schema import Schema, array, choice, identity, line, maybe, moment, record, ref, text
from tenterhook.domain import http_header
from tenterhook.domain.inline.channel import (
    AUTH_TYPES,
    CHANNEL_TYPES,
    MAX_CLIENT_ID,
    MAX_CLIENT_SECRET,
    MAX_SCOPE,
)
from tenterhook.domain.inline.draft import MAX_NAME
from tenterhook.domain.inline.kind import KINDS

_HOOK = "/api/v1/inlineHooks/{inlineHookId}"
_URL = "https://hooks.example.com/api/v1/inlineHooks/cal1a2b3c4d5e6f7g8h9"
_LINK = record({"href": text("Absolute.")})
_ACT = record({"href": text("Absolute."), "hints": record({"allow": array(choice(["POST", "DELETE"]))})})
#: RFC 9110 §5.6.2 and §5.5; names that are reserved are told when they are refused.
_HEADER_NAME = {"pattern": r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$", "maxLength": http_header.MAX_NAME}
_HEADER_VALUE = {"pattern": r"^([!-~]([\t -~]*[!-~])?)?$", "maxLength": http_header.MAX_VALUE}
_VERSION = {"pattern": r"^1\.0\.[0-9]{1,4}$"}

INLINE_HOOK_EXAMPLE: dict[str, Any] = {
    "id": "cal1a2b3c4d5e6f7g8h9",
    "status": "ACTIVE",
    "name": "Claims from the CRM",
    "type": "com.okta.oauth2.tokens.transform",
    "version": "1.0.0",
    "channel": {
        "type": "HTTP",
        "version": "1.0.0",
        "config": {
            "uri": "https://crm.example.com/claims",
            "headers": [{"key": "X-Source", "value": "tenterhook"}],
            "method": "POST",
            "authScheme": {"type": "HEADER", "key": "Authorization"},
        },
    },
    "created": "2026-01-02T03:04:05.000Z",
    "lastUpdated": "2026-01-02T03:04:05.000Z",
    "_links": {
        "self": {"href": _URL},
        "execute": {"href": f"{_URL}/execute", "hints": {"allow": ["POST"]}},
        "deactivate": {"href": f"{_URL}/lifecycle/deactivate", "hints": {"allow": ["POST"]}},
    },
}
_DRAFT_EXAMPLE: dict[str, Any] = {
    "name": "Claims from the CRM",
    "type": "com.okta.oauth2.tokens.transform",
    "version": "1.0.0",
    "channel": {
        "type": "HTTP",
        "version": "1.0.0",
        "config": {
            "uri": "https://crm.example.com/claims",
            "method": "POST",
            "headers": [{"key": "X-Source", "value": "tenterhook"}],
            "authScheme": {"type": "HEADER", "key": "Authorization", "value": "a-long-random-secret"},
        },
    },
}
_CHANGE_EXAMPLE: dict[str, Any] = {
    "name": "Claims from the new CRM",
    "channel": {"config": {"uri": "https://crm.example.com/v2/claims"}},
}


def _auth_scheme(*, written: bool) -> Schema:
    scheme = {
        "type": choice(["HEADER"]),
        "key": text("The name of the header that carries the secret.", **_HEADER_NAME),
    }
    if written:
        about = "The secret. It is never shown; left out, an unchanged `key` keeps it."
        scheme["value"] = maybe(text(about, **_HEADER_VALUE, minLength=1, writeOnly=True))
    return record(scheme, "The header that proves to the endpoint who calls.", required=["type", "key"])


def _oauth(*, written: bool) -> dict[str, Schema]:
    """Return what only the configuration of an OAUTH channel has."""
    found: dict[str, Schema] = {
        "clientId": text("Known to the token endpoint.", maxLength=MAX_CLIENT_ID),
        "tokenUrl": text("Where access tokens come from: https.", maxLength=1024, format="uri"),
        "authType": choice(AUTH_TYPES, "How the client proves itself at the token endpoint."),
        "scope": maybe(text("What is asked for: names with one space between two.", maxLength=MAX_SCOPE)),
        "hookKeyId": text("With private_key_jwt: the id of the hook key that signs."),
    }
    if not written:
        return found
    about = (
        "With client_secret_post. It is never shown; left out, it is kept while `clientId`, `tokenUrl` and `authType` "
        "are the same."
    )
    found["clientSecret"] = text(about, maxLength=MAX_CLIENT_SECRET, writeOnly=True)
    return {key: maybe(part) for key, part in found.items()}


def _config(*, written: bool, required: list[str]) -> Schema:
    header = record({"key": text("The header's name.", **_HEADER_NAME), "value": text("Sent as is.", **_HEADER_VALUE)})
    headers = array(header, "Sent with every request.", maxItems=http_header.MAX_HEADERS)
    return record(
        {
            "uri": text("The endpoint: https, at most 1,024 characters.", maxLength=1024, format="uri"),
            "headers": maybe(headers) if written else headers,
            "method": maybe(choice(["POST"])) if written else choice(["POST"]),
            "authScheme": maybe(_auth_scheme(written=written)),
            **_oauth(written=written),
        },
        "An `HTTP` channel has the first four; telephony hooks must have an authScheme there. An `OAUTH` channel's "
        "authScheme is null: an access token, in `Authorization`, proves who calls.",
        required=required,
        closed=written,
    )


def _channel(config: Schema, required: list[str]) -> Schema:
    parts = {"type": choice(CHANNEL_TYPES), "version": choice(["1.0.0"]), "config": config}
    return record(parts, "Where requests go, and how they prove who calls.", required=required)


_WHOLE = ["type", "version", "config"]
_TYPE = choice(KINDS, "Which processes ask it; for life.")
_SCHEMAS: dict[str, Schema] = {
    "InlineHook": record(
        {
            "id": identity("cal"),
            "status": choice(["ACTIVE", "INACTIVE"], "Only an ACTIVE hook is asked."),
            "name": text("Once in an org."),
            "type": _TYPE,
            "version": text("Of the payload.", **_VERSION),
            "channel": _channel(_config(written=False, required=["uri", "headers", "method", "authScheme"]), _WHOLE),
            "created": moment(),
            "lastUpdated": moment(),
            "_links": record(
                {"self": _LINK, "execute": _ACT, "activate": _ACT, "deactivate": _ACT, "delete": _ACT},
                "What can be done with it as it is.",
                required=["self"],
            ),
        },
        "An endpoint that is asked during a process and whose answer changes it.",
        example=INLINE_HOOK_EXAMPLE,
    ),
    "InlineHookDraft": record(
        {
            "name": line("Once in an org.", MAX_NAME),
            "type": _TYPE,
            "version": text("1.0.0.", **_VERSION),
            "channel": _channel(_config(written=True, required=["uri"]), _WHOLE),
        },
        "What a client writes. Keys of an answer that are read-only, status among them, are ignored.",
        example=_DRAFT_EXAMPLE,
    ),
    "InlineHookReplacement": record(
        {
            "name": line("Once in an org.", MAX_NAME),
            "type": maybe(choice(KINDS, "Left out, or as it is.")),
            "version": text("1.0.0.", **_VERSION),
            "channel": _channel(_config(written=True, required=["uri"]), _WHOLE),
        },
        "What a client writes in place of a hook. Its status stays: the lifecycle calls change it.",
        required=["name", "version", "channel"],
        example=_DRAFT_EXAMPLE,
    ),
    "InlineHookChange": record(
        {
            "name": line("Once in an org.", MAX_NAME),
            "type": maybe(choice(KINDS, "Left out, or as it is.")),
            "version": text("1.0.0.", **_VERSION),
            "channel": _channel(_config(written=True, required=[]), []),
        },
        "What of a hook a client changes; what is left out stays, also inside channel and channel.config.",
        required=[],
        example=_CHANGE_EXAMPLE,
    ),
}

_SHOWN = Answer("The inline hook.", ref("InlineHook"), ("ETag",))
_WRITTEN = Answer("The inline hook as it is now.", ref("InlineHook"), ("ETag", "X-Tenterhook-Hint"))
_IF_MATCH = Parameter(
    *("If-Match", "Only if the hook is still as this `ETag` says; else 412.", text()), place="header", example='"3"'
)


def _act(name: str, call: str, title: str, answer: Answer = _SHOWN) -> Operation:
    return Operation(name, call, title, answer, (_IF_MATCH,), errors=(412,))


SECTION = Section(
    "Inline hooks",
    "Register endpoints that processes ask for what to do, change them, switch them on and off.",
    (
        Operation(
            *("listInlineHooks", "GET /api/v1/inlineHooks", "List inline hooks"),
            Answer("The inline hooks, oldest first.", array(ref("InlineHook")), ("Link",)),
            (Parameter("type", "Only those of this type.", choice(KINDS)), limit(None, 1000), AFTER),
        ),
        Operation(
            *("createInlineHook", "POST /api/v1/inlineHooks", "Create an inline hook", _WRITTEN),
            body=Body(ref("InlineHookDraft"), _DRAFT_EXAMPLE),
        ),
        Operation("getInlineHook", f"GET {_HOOK}", "Read an inline hook", _SHOWN),
        Operation(
            *("updateInlineHook", f"POST {_HOOK}", "Change an inline hook", _WRITTEN, (_IF_MATCH,)),
            Body(ref("InlineHookChange"), _CHANGE_EXAMPLE),
            (412,),
        ),
        Operation(
            *("replaceInlineHook", f"PUT {_HOOK}", "Replace an inline hook", _WRITTEN, (_IF_MATCH,)),
            Body(ref("InlineHookReplacement"), _DRAFT_EXAMPLE),
            (412,),
        ),
        _act("deleteInlineHook", f"DELETE {_HOOK}", "Delete an inline hook", Answer("It is deleted.")),
        _act("activateInlineHook", f"POST {_HOOK}/lifecycle/activate", "Activate an inline hook"),
        _act("deactivateInlineHook", f"POST {_HOOK}/lifecycle/deactivate", "Deactivate an inline hook"),
    ),
    _SCHEMAS,
)
