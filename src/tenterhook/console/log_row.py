"""One event of the log: in a line, who did what to whom; and all its values, each with the clause that asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from tenterhook.domain.log_clause import clause_text
from tenterhook.domain.timestamp import MINUTE_MS, format_ms, parse_timestamp

#: Values of one event that are listed; all of them are in its JSON.
MAX_PAIRS = 200
#: Characters of one value.
MAX_VALUE = 500
#: How deep lists and objects are followed.
MAX_DEPTH = 16

_MARKS = {"DEBUG": "off", "INFO": "off", "WARN": "warn", "ERROR": "bad"}
_OUTCOMES = {
    **dict.fromkeys(("SUCCESS", "ALLOW"), "good"),
    **dict.fromkeys(("FAILURE", "DENY", "RATE_LIMIT", "ABANDONED"), "bad"),
    **dict.fromkeys(("CHALLENGE", "DEFERRED", "SCHEDULED", "UNANSWERED"), "wait"),
}
#: The parts of an event that are told of by themselves, in their order; whatever else it has is told before them.
_PARTS = {
    "actor": "Actor",
    "target": "Target",
    "client": "Client",
    "outcome": "Outcome",
    "authenticationContext": "Authentication",
    "securityContext": "Security",
    "debugContext": "Debug",
    "transaction": "Transaction",
    "device": "Device",
    "request": "Request",
    "data": "Data",
}


class Pair(NamedTuple):
    """One value of an event."""

    name: str  #: below its part
    value: str
    clause: str | None  #: the filter that asks for it; None: there is none


class Part(NamedTuple):
    """What an event says of one thing."""

    title: str
    pairs: list[Pair]


class Row(NamedTuple):
    """One event in a line."""

    uuid: str
    published: str
    severity: str
    mark: str  #: the icon of its severity
    actor: str  #: "": nobody is named
    action: str
    target: str  #: the first one; "": there is none
    more: int  #: how many other targets there are
    event_type: str
    outcome: str
    kind: str  #: of the outcome's badge
    reason: str
    ip: str


class Whole(NamedTuple):
    """All that one event holds."""

    parts: list[Part]
    left_out: int  #: values that are in the JSON only
    json: str
    around: tuple[str, str]  #: since and until of the minute around it


def row_of(body: bytes) -> Row:
    """Return the row of one event. Its values are a publisher's: any of them may be missing, or be of another kind."""
    event: dict[str, Any] = msgspec.json.decode(body)
    targets = [one for one in _list(event.get("target")) if isinstance(one, dict)]
    outcome, severity = _dict(event.get("outcome")), _text(event.get("severity"))
    result = _text(outcome.get("result"))
    return Row(
        uuid=_text(event.get("uuid")),
        published=_text(event.get("published")),
        severity=severity,
        mark=_MARKS.get(severity, "off"),
        actor=_name(_dict(event.get("actor"))),
        action=_text(event.get("displayMessage")) or _text(event.get("eventType")),
        target=_name(targets[0]) if targets else "",
        more=max(0, len(targets) - 1),
        event_type=_text(event.get("eventType")),
        outcome=result,
        kind=_OUTCOMES.get(result, "off"),
        reason=_text(outcome.get("reason")),
        ip=_text(_dict(event.get("client")).get("ipAddress")),
    )


def whole_of(body: bytes) -> Whole:
    """Return every value of one event."""
    event: dict[str, Any] = msgspec.json.decode(body)
    parts, left_out = _parts(event)
    at = parse_timestamp(_text(event.get("published"))) or 0
    around = (format_ms(at - MINUTE_MS // 2), format_ms(at + MINUTE_MS // 2))
    return Whole(parts, left_out, msgspec.json.format(body, indent=2).decode(), around)


def _parts(event: dict[str, Any]) -> tuple[list[Part], int]:
    """Return the event's values by part, and how many were left out. Nulls and what is empty are no values."""
    found: dict[str, list[Pair]] = {"Event": []}
    found |= {title: [] for title in _PARTS.values()}
    count = 0
    for path, label, value in _leaves(event, (), ""):
        count += 1
        if count > MAX_PAIRS:
            continue
        title = _PARTS.get(path[0])
        name = label if title is None else label[len(path[0]) :].lstrip(".")
        found[title or "Event"].append(Pair(name or path[0], _shown(value), clause_text(path, value)))
    return [Part(title, pairs) for title, pairs in found.items() if pairs], max(0, count - MAX_PAIRS)


def _leaves(value: Any, path: tuple[str, ...], label: str) -> Iterator[tuple[tuple[str, ...], str, Any]]:
    """Yield what is no object and no list: its path for a filter, the same with its places in lists, and its value."""
    if len(path) > MAX_DEPTH:
        return
    if isinstance(value, dict):
        for key, below in value.items():
            yield from _leaves(below, (*path, key), f"{label}.{key}" if label else key)
    elif isinstance(value, list):
        for at, one in enumerate(value):
            yield from _leaves(one, path, label if len(value) == 1 else f"{label}[{at}]")
    elif value not in (None, "") and path:
        yield path, label, value


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= MAX_VALUE else text[:MAX_VALUE] + "…"


def _name(one: dict[str, Any]) -> str:
    return next((text for key in ("displayName", "alternateId", "id") if (text := _text(one.get(key)))), "")


def _text(value: Any) -> str:
    return value[:MAX_VALUE] if isinstance(value, str) else ""


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
