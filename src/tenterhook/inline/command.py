"""The commands that an endpoint can answer with, each built so that it can only be a valid one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Literal

from tenterhook.domain.document import Problems
from tenterhook.domain.inline.commands import password_import, registration, saml, telephony, user_import
from tenterhook.domain.inline.commands import token as token_commands
from tenterhook.domain.inline.commands.profile import attributes as read_attributes
from tenterhook.domain.inline.data import MAX_LIFETIME
from tenterhook.domain.inline.decision import Command
from tenterhook.domain.inline.patch import read_step, write_pointer
from tenterhook.errors import InvalidError
from tenterhook.inline.fitness import invalid, plain, text

Token = Literal["access", "identity"]
#: A claim's name, or the way to something inside a claim: names, places in arrays, and ``"-"`` for an array's end.
Path = str | Sequence[str | int]

ACCESS: Token = "access"
_PATCHES = {"access": token_commands.ACCESS_PATCH, "identity": token_commands.IDENTITY_PATCH}
_UNSPECIFIED = "urn:oasis:names:tc:SAML:2.0:attrname-format:unspecified"


# -- token -------------------------------------------------------------------------------------------------------------


def add_claim(name: Path, value: Any, *, token: Token = ACCESS) -> Command:
    """Return the command that sets a claim, whether it was there or not."""
    return _patch(token, "add", name, value)


def replace_claim(name: Path, value: Any, *, token: Token = ACCESS) -> Command:
    """Return the command that changes a claim; if it is not there, the sender skips the whole reply."""
    return _patch(token, "replace", name, value)


def remove_claim(name: Path, *, token: Token = ACCESS) -> Command:
    """Return the command that takes a claim away; if it is not there, the sender skips the whole reply."""
    return _patch(token, "remove", name, None)


def set_lifetime(lifetime: int | timedelta, *, token: Token = ACCESS) -> Command:
    """Return the command that sets how long a token is valid: *lifetime* in seconds, from 5 minutes to 24 hours."""
    seconds = _seconds(lifetime, token_commands.MIN_LIFETIME, token_commands.MAX_LIFETIME)
    operation = {"op": "replace", "path": write_pointer(token_commands.LIFETIME), "value": seconds}
    return Command(_command_of(token), [operation])


# -- SAML --------------------------------------------------------------------------------------------------------------


def add_saml_claim(
    name: str, values: str | Sequence[str], *, xsi_type: str = "xs:string", name_format: str = _UNSPECIFIED
) -> Command:
    """Return the command that sets an attribute of the assertion to one or more *values*; *name* may be a URI."""
    texts = [values] if isinstance(values, str) else list(values)
    claim = {
        "attributes": {"NameFormat": name_format},
        "attributeValues": [{"attributes": {"xsi:type": xsi_type}, "value": text} for text in texts],
    }
    return _assert("add", ["claims", name], claim)


def replace_in_assertion(path: Sequence[str | int], value: Any) -> Command:
    """Return the command that changes what is at *path*, such as ``["subject", "nameId"]``."""
    return _assert("replace", path, value)


def set_session_lifetime(lifetime: int | timedelta) -> Command:
    """Return the command that gives the assertion a SessionNotOnOrAfter, *lifetime* seconds from now."""
    return _assert("add", saml.SESSION_LIFETIME, _seconds(lifetime, 1, MAX_LIFETIME))


# -- registration, import, password, telephony -------------------------------------------------------------------------


def allow() -> Command:
    """Return the command that lets a registration, or a change of a profile, go on; so does a reply without any."""
    return Command(registration.ACTION_UPDATE, {"registration": "ALLOW"})


def deny() -> Command:
    """Return the command that denies a registration, or a change of a profile; `error` can say why."""
    return Command(registration.ACTION_UPDATE, {"registration": "DENY"})


def update_profile(attributes: Mapping[str, Any]) -> Command:
    """Return the command that sets *attributes* of the user who registers, or is imported."""
    return _profile(registration.PROFILE_UPDATE, attributes)


def update_progressive_profile(attributes: Mapping[str, Any]) -> Command:
    """Return the command that sets *attributes* where a user completes a profile."""
    return _profile(registration.PROGRESSIVE_UPDATE, attributes)


def update_app_profile(attributes: Mapping[str, Any]) -> Command:
    """Return the command that sets *attributes* of the user as the app has it that is imported from."""
    return _profile(user_import.APP_PROFILE_UPDATE, attributes)


def create_user() -> Command:
    """Return the command that imports as a new user."""
    return Command(user_import.ACTION_UPDATE, {"result": "CREATE_USER"})


def link_user(user_id: str) -> tuple[Command, Command]:
    """Return the two commands that import as the user who is there with *user_id*; `reply` takes them together."""
    link = Command(user_import.ACTION_UPDATE, {"result": "LINK_USER"})
    return link, Command(user_import.USER_UPDATE, {"id": text("id", user_id, user_import.MAX_USER_ID)})


def verified() -> Command:
    """Return the command that says that the password is right, so that it is imported."""
    return Command(password_import.ACTION_UPDATE, {"credential": "VERIFIED"})


def not_verified() -> Command:
    """Return the command that says that the password is wrong; so does a reply without any."""
    return Command(password_import.ACTION_UPDATE, {"credential": "UNVERIFIED"})


def sent(
    provider: str, transaction_id: str | None = None, *, metadata: str | None = None, pending: bool = False
) -> Command:
    """Return the command that says that *provider* sent the message, or has it on its way."""
    return _telephony("PENDING" if pending else "SUCCESSFUL", provider, transaction_id, metadata)


def not_sent(provider: str, transaction_id: str | None = None, *, metadata: str | None = None) -> Command:
    """Return the command that says that *provider* could not send it; the sender then does it itself."""
    return _telephony("FAILED", provider, transaction_id, metadata)


# -- what the above share ----------------------------------------------------------------------------------------------


def _seconds(lifetime: int | timedelta, least: int, most: int) -> int:
    seconds = lifetime.total_seconds() if isinstance(lifetime, timedelta) else lifetime
    if isinstance(seconds, bool) or not least <= seconds <= most or seconds != int(seconds):
        raise invalid("lifetime", f"must be whole seconds from {least:,} to {most:,}")
    return int(seconds)


def _command_of(which: Token) -> str:
    if which not in _PATCHES:
        raise invalid("token", f"must be {' or '.join(_PATCHES)}, not {which!r}")
    return _PATCHES[which]


def _operation(op: str, path: Sequence[str | int], value: Any, ops: Sequence[str]) -> dict[str, Any]:
    """Return the operation, its path in JSON Pointer's spelling; refused if no reader would read it."""
    operation = {"op": op, "path": write_pointer([str(token) for token in path])}
    if op != "remove":
        operation["value"] = plain("value", value)
    step = read_step(operation, ops)
    if isinstance(step, str):
        raise invalid("path" if operation.get("value") is not None or op == "remove" else "value", step)
    return operation


def _patch(which: Token, op: str, name: Path, value: Any) -> Command:
    command = _command_of(which)
    tokens = [name] if isinstance(name, str) else list(name)
    if not tokens or tokens[0] == "" or tokens[-1] == "":
        raise invalid("name", "must be the name of a claim, or the way from one to what is inside it")
    if tokens[0] in token_commands.system_claims(command):
        raise invalid("name", f"the system claim {tokens[0]!r} of this token cannot be changed")
    return Command(command, [_operation(op, ["claims", *tokens], value, token_commands.OPS)])


def _assert(op: str, path: Sequence[str | int], value: Any) -> Command:
    if len(path) < 2 or path[0] not in saml.PARTS or path[-1] == "":
        raise invalid("path", f"must begin with one of {', '.join(saml.PARTS)}, and lead to something inside it")
    return Command(saml.ASSERTION_PATCH, [_operation(op, path, value, saml.OPS)])


def _profile(command: str, attributes: Mapping[str, Any]) -> Command:
    made = plain("attributes", dict(attributes))
    problems = Problems()
    read_attributes(made, "attributes", problems)
    if command != user_import.APP_PROFILE_UPDATE and any(name.lower() == registration.PASSWORD for name in made):
        problems.add("attributes", "a password cannot be set")
    if problems:
        raise InvalidError("inlineReply", problems.texts)
    return Command(command, made)


def _telephony(status: str, provider: str, transaction_id: str | None, metadata: str | None) -> Command:
    made = {
        "status": status,
        "provider": provider,
        "transactionId": transaction_id,
        "transactionMetadata": metadata,
    }
    action = {key: value for key, value in made.items() if value is not None}
    problems = Problems()
    telephony.shapes(None)[telephony.TELEPHONY_ACTION]([action], "action", problems)
    if problems:
        raise InvalidError("inlineReply", problems.texts)
    return Command(telephony.TELEPHONY_ACTION, [action])
