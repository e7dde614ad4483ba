"""For those who answer inline hooks: read the call, and build the reply, in any framework.

    from tenterhook import inline

    call = inline.read_call(request_body)
    if call.data["userProfile"]["email"].endswith("@example.com"):
        return inline.reply(inline.update_profile({"department": "Sales"}), inline.allow())
    return inline.reply(error=inline.error("Only people of example.com may register."))

What `reply` returns is a dict that every framework can answer as JSON; `InlineReply.to_json` gives the bytes. Whatever
the contract would refuse is refused here already, as `tenterhook.errors.InvalidError` (a claim that belongs to the
authorization server, commands of two types of hooks, a lifetime out of bounds); what only the caller can know, such as
whether a claim is there to be replaced, is not.
Source: okta/inline-hooks.md §3, §4.
"""

from __future__ import annotations

from tenterhook.domain.inline import kind as kinds
from tenterhook.domain.inline.decision import Command
from tenterhook.inline.answer import InlineReply, cause, error, reply
from tenterhook.inline.call import InlineCall, read_call, sample_call
from tenterhook.inline.command import (
    add_claim,
    add_saml_claim,
    allow,
    create_user,
    deny,
    link_user,
    not_sent,
    not_verified,
    remove_claim,
    replace_claim,
    replace_in_assertion,
    sent,
    set_lifetime,
    set_session_lifetime,
    update_app_profile,
    update_profile,
    update_progressive_profile,
    verified,
)

__all__ = [
    "IMPORT",
    "PASSWORD_IMPORT",
    "REGISTRATION",
    "SAML",
    "TELEPHONY",
    "TOKEN",
    "Command",
    "InlineCall",
    "InlineReply",
    "add_claim",
    "add_saml_claim",
    "allow",
    "cause",
    "create_user",
    "deny",
    "error",
    "link_user",
    "not_sent",
    "not_verified",
    "read_call",
    "remove_claim",
    "replace_claim",
    "replace_in_assertion",
    "reply",
    "sample_call",
    "sent",
    "set_lifetime",
    "set_session_lifetime",
    "update_app_profile",
    "update_profile",
    "update_progressive_profile",
    "verified",
]

TOKEN = kinds.TOKEN.type
SAML = kinds.SAML.type
REGISTRATION = kinds.REGISTRATION.type
IMPORT = kinds.IMPORT.type
PASSWORD_IMPORT = kinds.PASSWORD_IMPORT.type
TELEPHONY = kinds.TELEPHONY.type
