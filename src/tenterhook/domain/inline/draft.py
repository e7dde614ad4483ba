"""Reading what a client wrote as an inline hook: all its problems at once, as causes in Okta's form.

Source: okta/inline-hooks.md §1 and §2.
"""

from __future__ import annotations

import re
from typing import Any

from tenterhook.domain.document import BLANK, Form, Problems, kind_of
from tenterhook.domain.inline.channel import Former, InlineRules, read_inline_channel
from tenterhook.domain.inline.hook import InlineChannel, InlineDraft, InlineHook, channel_wire
from tenterhook.domain.inline.kind import KINDS
from tenterhook.domain.secret import Secret
from tenterhook.errors import InvalidError

ENTITY = "inlineHook"
MAX_NAME = 255
#: 1.0.0, and the 1.0.1 and 1.0.2 that Okta echoes for some types.
VERSION = re.compile(r"1\.0\.[0-9]{1,4}", re.ASCII)
_COMMON_CONFIG = ("uri", "headers", "method")


def parse_create(body: object, rules: InlineRules) -> InlineDraft:
    """Return the valid draft that *body* (decoded JSON) spells. Read-only and unknown keys are ignored.

    A status is read-only, too: a new hook is ACTIVE. Whether the name is taken is not looked at here.
    Raises: InvalidError with one cause per problem.
    """
    return _parse(_fields(body), None, rules)


def parse_replace(body: object, current: InlineHook, rules: InlineRules) -> InlineDraft:
    """Return the valid draft that *body* spells in place of *current*.

    What is left out is as for a new hook, but for the type, which is for life, and for a secret that may be kept (see
    `read_inline_channel`).
    Raises: InvalidError with one cause per problem.
    """
    return _parse(_fields(body), current, rules)


def parse_update(body: object, current: InlineHook, rules: InlineRules) -> InlineDraft:
    """Return the valid draft that *current* becomes with what *body* spells; what is left out stays as it is.

    That holds for the fields of channel and of channel.config, too; a list, or an authScheme, is given as a whole. A
    channel that is left out is not judged again.
    Raises: InvalidError with one cause per problem.
    """
    given = _fields(body)
    merged: dict[str, Any] = {"name": current.name, "version": current.version, **given}
    if "channel" not in given:
        return _parse(merged, current, rules, channel_stays=True)
    merged["channel"] = _merged_channel(given["channel"], current.channel)
    return _parse(merged, current, rules)


def _fields(body: object) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise InvalidError(ENTITY, [f"body: must be a JSON object, not {kind_of(body)}"])
    return body


def _merged_channel(given: object, current: InlineChannel) -> object:
    """Return what the client would have written, had it written the whole channel."""
    if not isinstance(given, dict):
        return given
    before = channel_wire(current)
    merged = {**before, **given}
    if "config" in given and not isinstance(given["config"], dict):
        return merged
    config = given.get("config", {})
    kept = before["config"]
    if merged["type"] != current.type:
        kept = {key: kept[key] for key in _COMMON_CONFIG}
    elif config.get("authType", current.config.auth_type) != current.config.auth_type:
        kept = {key: value for key, value in kept.items() if key != "hookKeyId"}
    return {**merged, "config": {**kept, **config}}


def _parse(
    fields: dict[str, Any], current: InlineHook | None, rules: InlineRules, *, channel_stays: bool = False
) -> InlineDraft:
    form = Form(fields, "", Problems())
    name = form.text("name", required=True, longest=MAX_NAME)
    type_ = _read_type(form, current)
    version = _read_version(form)
    channel: InlineChannel | None
    secret: Secret | None
    if channel_stays and current is not None:
        channel, secret = current.channel, current.secret
    else:
        former = None if current is None else Former(current.channel, current.secret)
        channel, secret = _read_channel(form, former, rules, type_)
    if form.problems or name is None or type_ is None or version is None or channel is None:
        raise InvalidError(ENTITY, form.problems.texts)
    return InlineDraft(name=name, type=type_, version=version, channel=channel, secret=secret)


def _read_channel(
    form: Form, former: Former | None, rules: InlineRules, type_: str | None
) -> tuple[InlineChannel | None, Secret | None]:
    channel = form.form("channel", required=True)
    return (None, None) if channel is None else read_inline_channel(channel, former, rules, type_)


def _read_type(form: Form, current: InlineHook | None) -> str | None:
    if current is None:
        return form.choice("type", KINDS, required=True)
    given = form.raw("type")
    if given is not None and given != current.type:
        form.problem("type", f"cannot be changed; this hook is of the type {current.type} for life")
    return current.type


def _read_version(form: Form) -> str | None:
    given = form.raw("version")
    if given is None or given == "":
        form.problem("version", f"{BLANK}; it must be 1.0.0")
        return None
    if isinstance(given, str) and VERSION.fullmatch(given):
        return given
    shown = repr(given) if isinstance(given, str) and len(given) <= 64 else kind_of(given)
    form.problem("version", f"must be 1.0.0, or another number after 1.0., not {shown}")
    return None
