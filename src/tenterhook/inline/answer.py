"""The reply that an endpoint gives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from tenterhook.domain.document import Form, Problems
from tenterhook.domain.inline.decision import Command
from tenterhook.domain.inline.kind import KINDS, TELEPHONY
from tenterhook.domain.inline.patch import MAX_STEPS
from tenterhook.domain.inline.reply import MAX_DEBUG_BYTES, MAX_REPLY_BYTES, read_commands
from tenterhook.inline.fitness import invalid, plain, text

_LOCATION_TYPES = ("body", "header", "url", "query")
_encode = msgspec.json.Encoder().encode


class InlineReply(dict[str, Any]):
    """A reply as JSON has it. ``to_json`` gives the bytes; answer them with 200 and ``application/json``."""

    def to_json(self) -> bytes:
        """Return the reply as the bytes of a JSON text."""
        return _encode(self)


def reply(
    *commands: Command | Iterable[Command],
    error: Mapping[str, Any] | None = None,
    debug_context: Mapping[str, Any] | None = None,
) -> InlineReply:
    """Return the reply with *commands*, in their order, or with *error*.

    error: from `error`. With one, no command is executed: so there can be none. debug_context: a small object that the
    sender copies to its System Log; no secrets.
    Raises: InvalidError, if the whole is against the contract.
    """
    given = [one for item in commands for one in ([item] if isinstance(item, Command) else item)]
    made = InlineReply()
    if error is not None:
        if given:
            raise invalid("commands", "none of them is executed if there is an error: give one or the other")
        made["error"] = plain("error", dict(error))
    elif given:
        _check_together(given)
        made["commands"] = [{"type": command.type, "value": command.value} for command in given]
    if debug_context is not None:
        made["debugContext"] = plain("debugContext", dict(debug_context))
        if len(_encode(made["debugContext"])) > MAX_DEBUG_BYTES:
            raise invalid("debugContext", f"must be at most {MAX_DEBUG_BYTES:,} bytes as JSON")
    _check_whole(made)
    return made


def error(summary: str | None = None, causes: Iterable[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """Return the error object that stops the process, or for SAML, import and telephony is logged.

    summary: for whoever is told; the sender has a text of its own for None. causes: from `cause`; those of a
    registration show beside the field that they name.
    """
    made: dict[str, Any] = {"errorCauses": [dict(one) for one in causes]}
    return made if summary is None else {"errorSummary": text("errorSummary", summary), **made}


def cause(
    summary: str,
    *,
    location: str | None = None,
    reason: str | None = None,
    location_type: str = "body",
    domain: str | None = None,
) -> dict[str, Any]:
    """Return one cause of an error. location: such as ``data.userProfile.email``."""
    if location_type not in _LOCATION_TYPES:
        raise invalid("locationType", f"must be one of {', '.join(_LOCATION_TYPES)}, not {location_type!r}")
    made = {
        "errorSummary": summary,
        "reason": reason,
        "locationType": location_type if location is not None else None,
        "location": location,
        "domain": domain,
    }
    return {key: text(key, value) for key, value in made.items() if value is not None}


def _check_together(commands: Sequence[Command]) -> None:
    """Refuse commands that no single type of hook would take together."""
    steps = sum(len(command.value) if isinstance(command.value, list) else 1 for command in commands)
    if steps > MAX_STEPS:
        raise invalid("commands", f"may have at most {MAX_STEPS:,} operations, there are {steps:,}")
    written = {"commands": [{"type": command.type, "value": command.value} for command in commands]}
    for kind in KINDS.values():
        for request_type in kind.request_types or (None,):
            problems = Problems()
            read_commands(Form(written, "", problems), kind, request_type)
            if not problems and (kind is not TELEPHONY or len(commands) == 1):
                return
    names = ", ".join(dict.fromkeys(command.type for command in commands))
    raise invalid("commands", f"no type of inline hook takes all of these together: {names}")


def _check_whole(made: InlineReply) -> None:
    body = made.to_json()
    if len(body) > MAX_REPLY_BYTES:
        raise invalid("reply", f"must be at most {MAX_REPLY_BYTES // 1024} KiB, it has {len(body):,} bytes")
    plain("reply", made)
