"""Commands of token inline hooks: patches of the claims and lifetimes of the tokens about to be minted.

Source: okta/inline-hooks.md §4.1.
"""

from __future__ import annotations

from tenterhook.domain.document import as_number
from tenterhook.domain.inline.commands.conclusion import Conclusion
from tenterhook.domain.inline.decision import Command, Question
from tenterhook.domain.inline.patch import Step, read_step, take
from tenterhook.domain.inline.shape import Reader, listed, part, text
from tenterhook.domain.log_event import Tree

IDENTITY_PATCH = "com.okta.identity.patch"
ACCESS_PATCH = "com.okta.access.patch"
OPS = ("add", "replace", "remove")
LIFETIME = ("token", "lifetime", "expiration")
MIN_LIFETIME, MAX_LIFETIME = 300, 86_400

#: Claims that the authorization server itself answers for, in both tokens.
_SYSTEM = frozenset(
    (
        *("acr", "act", "amr", "at_hash", "auth_time", "c_hash", "cid", "client_id", "cnf", "exp", "iat", "idp", "iss"),
        *("jti", "nonce", "sid", "scope", "scp", "uid", "ver"),
    )
)
#: By command: the part of ``data`` that it changes, what the contract says if that is not there, its system claims.
_TOKENS = {
    IDENTITY_PATCH: ("identity", "ID Token not present", _SYSTEM | {"aud", "sub"}),
    ACCESS_PATCH: ("access", "Access Token not present", _SYSTEM),
}

#: One patch: what is wrong with an operation beyond this is said by `read_step`, in the contract's words.
OPERATIONS: Reader = listed(
    part(
        {"op": text(64), "path": text(64 * 1024), "value": lambda value, where, problems: value},
        required=("op", "path"),
    )
)


def shapes(request_type: str | None) -> dict[str, Reader]:
    """Return, by command type, what reads the command's value."""
    return {IDENTITY_PATCH: OPERATIONS, ACCESS_PATCH: OPERATIONS}


def apply(command: Command, data: Tree) -> str | None:
    """Patch the token in *data* that *command* is about; return in words why it cannot be."""
    part_name, absent, system = _TOKENS[command.type]
    token = data.get(part_name)
    if token is None:
        return absent
    for operation in command.value:
        step = read_step(operation, OPS)
        if isinstance(step, str):
            return step
        problem = _set_lifetime(step, token) if step.tokens[0] == "token" else _patch_claims(step, token, system)
        if problem is not None:
            return problem
    return None


def conclude(question: Question, data: Tree, commands: tuple[Command, ...]) -> Conclusion | str:
    """Return the outcome, once every command is applied."""
    return Conclusion()


def system_claims(command_type: str) -> frozenset[str]:
    """Return the claims that commands of *command_type* cannot touch."""
    return _TOKENS[command_type][2]


def _patch_claims(step: Step, token: Tree, system: frozenset[str]) -> str | None:
    if step.tokens[0] != "claims" or len(step.tokens) < 2:
        return step.not_found
    if step.tokens[1] in system:
        return step.said(f"The system claim '{step.tokens[1]}' cannot be changed")
    return take(step, token)


def _set_lifetime(step: Step, token: Tree) -> str | None:
    if step.tokens != LIFETIME:
        return step.not_found
    if step.op != "replace":
        return step.said("A lifetime can only be replaced")
    seconds = as_number(step.value)
    if seconds is None or seconds != seconds // 1 or not MIN_LIFETIME <= seconds <= MAX_LIFETIME:
        return step.said(f"A lifetime must be a whole number of seconds from {MIN_LIFETIME} to {MAX_LIFETIME}")
    token["token"]["lifetime"]["expiration"] = int(seconds)
    return None
