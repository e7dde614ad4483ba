"""Reading the channel of an inline hook: over HTTP with a secret of ours, or with an access token (OAUTH).

Source: okta/inline-hooks.md §2.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import cast

import msgspec

from tenterhook.domain.channel import (
    NEW_HOST,
    Header,
    moved,
    read_address,
    read_auth_scheme,
    read_headers,
    unexpanded,
)
from tenterhook.domain.destination import DestinationRules
from tenterhook.domain.document import BLANK, Form
from tenterhook.domain.inline.hook import AuthType, ChannelType, InlineChannel, InlineConfig, InlineHook
from tenterhook.domain.inline.kind import KINDS
from tenterhook.domain.secret import Secret

CHANNEL_TYPES: tuple[ChannelType, ...] = ("HTTP", "OAUTH")
AUTH_TYPES: tuple[AuthType, ...] = ("client_secret_post", "private_key_jwt")
MAX_CLIENT_ID = 255
MAX_CLIENT_SECRET = 4096
MAX_SCOPE = 1024

_OAUTH_KEYS = ("clientId", "clientSecret", "tokenUrl", "authType", "scope", "hookKeyId")
_CONFIG_KEYS = ("uri", "headers", "method", "authScheme", *_OAUTH_KEYS)
_SCOPES = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*", re.ASCII)  # RFC 6749 §3.3


class InlineRules(msgspec.Struct, frozen=True):
    """What an inline hook's document is judged by."""

    destinations: DestinationRules
    hook_keys: Collection[str]  #: ids of the org's hook keys


class Former(msgspec.Struct, frozen=True):
    """What a channel replaces: its secret is kept where that is safe."""

    channel: InlineChannel
    secret: Secret | None


def read_inline_channel(
    form: Form, former: Former | None, rules: InlineRules, hook_type: str | None
) -> tuple[InlineChannel | None, Secret | None]:
    """Return the channel that *form* spells and its secret; None for what could not be read.

    An authScheme without a value keeps the former secret of the same key; a client secret that is left out is kept if
    clientId, tokenUrl and authType are the same, so that it is never sent to another server than it was given for.
    hook_type: what the hook is for, as far as it could be read. Every problem is noted in the form.
    """
    type_ = cast("ChannelType | None", form.choice("type", CHANNEL_TYPES, required=True))
    form.choice("version", ["1.0.0"], required=True)
    config = form.form("config", required=True)
    if config is None:
        return None, None
    config.refuse_unknown(_CONFIG_KEYS)
    config.choice("method", ["POST"])
    uri = read_address(config, "uri", rules.destinations)
    headers = read_headers(config)
    if type_ is None:
        return None, None
    if former is not None and former.channel.type != type_:
        former = None
    if type_ == "OAUTH":
        return _read_oauth(config, InlineConfig(uri=uri, headers=headers), former, rules)
    kept = None if former is None else (former.channel.config.auth_scheme, former.secret)
    scheme, secret = read_auth_scheme(config, headers, kept)
    _refuse_keys(config, _OAUTH_KEYS, "is a field of OAUTH channels; leave it out, or make channel.type OAUTH")
    kind = KINDS.get(hook_type or "")
    if kind is not None and kind.needs_auth_scheme and config.raw("authScheme") is None:
        config.problem("authScheme", f"{BLANK}: hooks of the type {kind.type} must prove who calls")
    return InlineChannel(config=InlineConfig(uri=uri, headers=headers, auth_scheme=scheme)), secret


def inline_hints(hook: InlineHook, former: InlineHook | None = None) -> list[str]:
    """Return advice on what was accepted but looks like a slip, in ASCII, without any value; [] if nothing does.

    former: what *hook* was before; its secret, or access tokens that it is trusted with, may go to another server now.
    """
    config = hook.channel.config
    oauth = hook.channel.type == "OAUTH"
    where = "channel.config.clientSecret" if oauth else "channel.config.authScheme.value"
    found = unexpanded(config.headers, where, hook.secret)
    moving = None if former is None else proof_that_moves(hook, former)
    return found if moving is None else [*found, NEW_HOST.format(moving)]


def proof_that_moves(hook: InlineHook, former: InlineHook) -> str | None:
    """Return in words what proved who calls before and goes to another server now; None if nothing does."""
    channel, before = hook.channel, former.channel
    if channel.type != before.type or not moved(before.config.uri, channel.config.uri):
        return None
    if channel.type == "OAUTH":
        return "access tokens"
    return "the stored secret" if hook.secret is not None and hook.secret == former.secret else None


def _read_oauth(
    config: Form, common: InlineConfig, former: Former | None, rules: InlineRules
) -> tuple[InlineChannel, Secret | None]:
    _refuse_authorization(config, common.headers)
    _refuse_keys(config, ("authScheme",), "must be null in an OAUTH channel, whose access token proves who calls")
    auth_type = cast("AuthType | None", config.choice("authType", AUTH_TYPES, required=True))
    found = common.model_copy(
        update={
            "auth_type": auth_type,
            "client_id": config.text("clientId", required=True, longest=MAX_CLIENT_ID),
            "token_url": read_address(config, "tokenUrl", rules.destinations),
            "scope": _read_scope(config),
        }
    )
    secret = None
    if auth_type == "client_secret_post":
        secret = _read_client_secret(config, _kept(found, former))
        _refuse_keys(config, ("hookKeyId",), "goes with the authType private_key_jwt; leave it out")
    elif auth_type == "private_key_jwt":
        found = found.model_copy(update={"hook_key_id": _read_hook_key_id(config, rules)})
        _refuse_keys(config, ("clientSecret",), "goes with the authType client_secret_post; leave it out")
    return InlineChannel(type="OAUTH", config=found), secret


def _kept(config: InlineConfig, former: Former | None) -> Secret | None:
    if former is None:
        return None
    before = former.channel.config
    same = (before.client_id, before.token_url, before.auth_type) == (
        config.client_id,
        config.token_url,
        config.auth_type,
    )
    return former.secret if same else None


def _read_client_secret(config: Form, kept: Secret | None) -> Secret | None:
    if config.raw("clientSecret") is None and kept is not None:
        return kept
    value = config.text("clientSecret", required=True, longest=MAX_CLIENT_SECRET)
    return None if value is None else Secret(value)


def _read_scope(config: Form) -> str | None:
    scope = config.text("scope", longest=MAX_SCOPE) or None
    if scope is not None and _SCOPES.fullmatch(scope) is None:
        config.problem("scope", "must be names of scopes with one space between two, such as 'hooks.read hooks.answer'")
    return scope


def _read_hook_key_id(config: Form, rules: InlineRules) -> str | None:
    found = config.text("hookKeyId", required=True, longest=255)
    if found is not None and found not in rules.hook_keys:
        config.problem("hookKeyId", "names no hook key of this org; POST /api/v1/hook-keys makes one")
    return found


def _refuse_authorization(config: Form, headers: tuple[Header, ...]) -> None:
    for at, header in enumerate(headers):
        if header.key.lower() == "authorization":
            where = f"headers[{at}].key"
            config.problem(where, "'Authorization' carries the access token of an OAUTH channel; choose another name")


def _refuse_keys(config: Form, keys: Collection[str], why: str) -> None:
    """Note keys that are not of this kind of channel; null counts as absent, because clients send it."""
    for key in keys:
        if config.raw(key) is not None:
            config.problem(key, why)
