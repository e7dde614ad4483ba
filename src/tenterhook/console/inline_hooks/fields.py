"""The form of an inline hook: its fields, as a hook fills them and as a reader typed them, and the body that they make.

Everything is kept as it was typed: what is wrong with it is for the domain to say, and the form shows it again.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tenterhook.console.form import Form
from tenterhook.console.header_rows import HeaderRow, header_paths, headers_of, rows_in, rows_of
from tenterhook.console.secret_header import (
    NONE,
    SET,
    USUAL_HEADER,
    fields_of_scheme,
    scheme_of,
    stored_otherwise,
)
from tenterhook.domain.inline.hook import InlineHook, etag

HTTP, OAUTH = "HTTP", "OAUTH"
BY_SECRET, BY_KEY = "client_secret_post", "private_key_jwt"


class InlineFields(msgspec.Struct, frozen=True, kw_only=True):
    """What the form shows. Of the two channel types both are kept: whoever turns back finds what they typed."""

    name: str = ""
    type: str = ""
    url: str = ""
    headers: list[HeaderRow] = []
    channel: str = HTTP
    auth: str = SET
    auth_key: str = USUAL_HEADER
    client_id: str = ""
    token_url: str = ""
    scope: str = ""
    auth_type: str = BY_SECRET
    hook_key_id: str = ""
    version: str = ""  #: the ETag of the hook that the form was made of; "" if it is a new one


def fields_of(hook: InlineHook) -> InlineFields:
    """Return the fields that a hook fills."""
    config = hook.channel.config
    return InlineFields(
        name=hook.name,
        type=hook.type,
        url=config.uri,
        headers=rows_of(config.headers),
        channel=hook.channel.type,
        client_id=config.client_id or "",
        token_url=config.token_url or "",
        scope=config.scope or "",
        auth_type=config.auth_type or BY_SECRET,
        hook_key_id=config.hook_key_id or "",
        version=etag(hook),
        **fields_of_scheme(config.auth_scheme),
    )


def fields_in(form: Form) -> InlineFields:
    """Return the fields as they were sent."""
    return InlineFields(
        name=form.text("name"),
        type=form.text("type"),
        url=form.text("url").strip(),
        headers=rows_in(form),
        channel=form.text("channel"),
        auth=form.text("auth", NONE),
        auth_key=form.text("auth_key").strip(),
        client_id=form.text("client_id").strip(),
        token_url=form.text("token_url").strip(),
        scope=form.text("scope").strip(),
        auth_type=form.text("auth_type"),
        hook_key_id=form.text("hook_key_id"),
        version=form.text("version"),
    )


def body_of(fields: InlineFields, form: Form, payload_version: str = "1.0.0") -> dict[str, Any]:
    """Return the document that the API would be sent; only what is of the chosen channel goes in.

    form: for the secrets, which are no part of what is shown. payload_version: what the hook says of it today.
    """
    config: dict[str, Any] = {
        "uri": fields.url,
        "headers": headers_of(fields.headers),
    }
    if fields.channel == OAUTH:
        config |= _oauth(fields, form.text("client_secret"))
    else:
        config |= scheme_of(fields.auth, fields.auth_key, form.text("auth_value"))
    channel = {"type": fields.channel, "version": "1.0.0", "config": config}
    return {"name": fields.name, "type": fields.type, "version": payload_version, "channel": channel}


def _oauth(fields: InlineFields, secret: str) -> dict[str, Any]:
    config = {
        "clientId": fields.client_id,
        "tokenUrl": fields.token_url,
        "authType": fields.auth_type,
        "scope": fields.scope or None,
    }
    if fields.auth_type == BY_KEY:
        return config | {"hookKeyId": fields.hook_key_id}
    return config | ({"clientSecret": secret} if secret else {})


def paths_of(fields: InlineFields) -> dict[str, str]:
    """Return which field each path of the document stands at, for `FieldErrors`."""
    at = {
        "channel.type": "channel",
        "channel.config.uri": "url",
        "channel.config.authScheme": "auth",
        "channel.config.authScheme.key": "auth_key",
        "channel.config.authScheme.value": "auth_value",
        "channel.config.clientId": "client_id",
        "channel.config.clientSecret": "client_secret",
        "channel.config.tokenUrl": "token_url",
        "channel.config.authType": "auth_type",
        "channel.config.scope": "scope",
        "channel.config.hookKeyId": "hook_key_id",
    }
    return at | header_paths(fields.headers)


def names_of(fields: InlineFields) -> dict[str, str]:
    """Return what the page calls each field."""
    names = {
        "name": "Name",
        "type": "Type",
        "url": "URL",
        "headers": "Other headers",
        "channel": "Authentication",
        "auth": "Secret header",
        "auth_key": "Header",
        "auth_value": "Secret",
        "client_id": "Client id",
        "client_secret": "Client secret",
        "token_url": "Token URL",
        "auth_type": "The client proves itself with",
        "scope": "Scope",
        "hook_key_id": "Hook key",
    }
    return names | {f"header_{at}": f"Header {at + 1}" for at in range(len(fields.headers))}


def differences(typed: InlineFields, stored: InlineFields) -> list[tuple[str, str]]:
    """Return what is stored otherwise than it was typed: the name of each field, and what is stored."""
    names = names_of(typed)
    plain = [name for name in names if name != "auth" and isinstance(getattr(typed, name, None), str)]
    changed = [(names[name], getattr(stored, name)) for name in plain if getattr(typed, name) != getattr(stored, name)]
    secret = stored_otherwise(typed.auth, stored.auth)
    if secret is not None:
        changed.append((names["auth"], secret))
    if [row for row in typed.headers if not row.blank] != stored.headers:
        changed.append((names["headers"], ", ".join(f"{row.key}: {row.value}" for row in stored.headers) or "none"))
    return changed
