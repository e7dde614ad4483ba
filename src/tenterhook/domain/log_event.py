"""A log event: what a publisher may send, what the System Log keeps, and what a hook's body shows of it.

One tree of plain dicts goes through all three; the structs below only say which types the contract's fields have.
Free-form maps (debugData, detailEntry, transaction.detail, data, unknown keys) are kept as they came.
Source: okta/system-log.md §7, okta/event-hooks.md §6; DESIGN §2.3, §3.4.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Any, Literal

import msgspec

from tenterhook.domain.strict_json import StrictJsonError, loads
from tenterhook.domain.timestamp import format_ms, parse_timestamp
from tenterhook.ids import parse_uuid, uuid_text

Tree = dict[str, Any]

MAX_EVENT_BYTES = 256 * 1024
MAX_DATA_BYTES = 64 * 1024
MAX_AGE_MS = 90 * 86_400_000
MAX_AHEAD_MS = 300_000
_TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,254}", re.ASCII)
#: Types that only this system itself writes.
_OURS = ("event_hook.", "inline_hook.")

_Text255 = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
_Map = dict[str, Any]


class _Actor(msgspec.Struct, rename="camel"):
    id: str
    type: str
    alternate_id: str | None = None
    display_name: str | None = None
    detail_entry: _Map | None = None


class _Geo(msgspec.Struct, rename="camel"):
    city: str | None = None
    state: str | None = None
    country: str | None = None
    postal_code: str | int | None = None
    geolocation: _Map | None = None


class _UserAgent(msgspec.Struct, rename="camel"):
    raw_user_agent: str | None = None
    os: str | None = None
    browser: str | None = None


class _Client(msgspec.Struct, rename="camel"):
    user_agent: _UserAgent | None = None
    zone: str | None = None
    device: str | None = None
    id: str | None = None
    ip_address: str | None = None
    geographical_context: _Geo | None = None


class _Outcome(msgspec.Struct, rename="camel"):
    result: Literal[
        "SUCCESS",
        "FAILURE",
        "SKIPPED",
        "ALLOW",
        "DENY",
        "CHALLENGE",
        "UNKNOWN",
        "RATE_LIMIT",
        "DEFERRED",
        "SCHEDULED",
        "ABANDONED",
        "UNANSWERED",
    ]
    reason: _Text255 | None = None


class _Target(msgspec.Struct, rename="camel"):
    id: str | None = None
    type: str | None = None
    alternate_id: str | None = None
    display_name: str | None = None
    detail_entry: _Map | None = None
    change_details: _Map | None = None


class _Transaction(msgspec.Struct, rename="camel"):
    type: Literal["WEB", "JOB"] | None = None
    id: str | None = None
    detail: _Map | None = None


class _DebugContext(msgspec.Struct, rename="camel"):
    debug_data: _Map | None = None


class _Security(msgspec.Struct, rename="camel"):
    as_number: int | None = None
    as_org: str | None = None
    isp: str | None = None
    domain: str | None = None
    is_proxy: bool | None = None
    risk: _Map | None = None
    user_behaviors: list[_Map] | None = None
    bot_protection: _Map | None = None
    ip_details: _Map | None = None


class _Hop(msgspec.Struct, rename="camel"):
    ip: str | None = None
    geographical_context: _Geo | None = None
    version: str | None = None
    source: str | None = None
    ip_details: _Map | None = None


class _Request(msgspec.Struct, rename="camel"):
    ip_chain: list[_Hop] | None = None


class _LogEvent(msgspec.Struct, rename="camel"):
    event_type: _Text255
    uuid: str | None = None
    published: str | None = None
    version: str | None = None
    severity: Literal["DEBUG", "INFO", "WARN", "ERROR"] | None = None
    legacy_event_type: str | None = None
    display_message: str | None = None
    actor: _Actor | None = None
    client: _Client | None = None
    device: _Map | None = None
    authentication_context: _Map | None = None
    outcome: _Outcome | None = None
    target: list[_Target] | None = None
    transaction: _Transaction | None = None
    debug_context: _DebugContext | None = None
    security_context: _Security | None = None
    request: _Request | None = None
    data: _Map | None = None


class Draft(msgspec.Struct):
    """A valid event on its way into the log."""

    uuid: bytes
    published: int  #: ms since the epoch
    event_type: str
    tree: Tree  #: in the log's key order, filled in
    asserted: Tree  #: what the publisher sent, for telling a conflict from a duplicate
    fresh: bool = False  #: whether we made the uuid, so that no other event can have it


def read_event(raw: bytes, now_ms: int, new_uuid: bytes, transaction_id: str) -> Draft | list[str]:
    """Return the event that *raw* spells, filled in; or all its problems, each ``<field>: <what is wrong>``.

    A problem without a field is about the event as a whole. new_uuid, transaction_id: used where the event has none.
    """
    if len(raw) > MAX_EVENT_BYTES:
        return [f": The event has {len(raw):,} bytes; at most {MAX_EVENT_BYTES:,} are accepted."]
    try:
        tree = loads(raw)
    except StrictJsonError as error:
        return [f": {error}"]
    if not isinstance(tree, dict):
        return [": An event must be a JSON object."]
    try:
        msgspec.convert(tree, _LogEvent)
        problems = []
    except msgspec.ValidationError:
        problems = list(_shape_problems(tree))
    uuid, published = _identity(tree, now_ms, new_uuid, problems)
    event_type = tree.get("eventType")
    if isinstance(event_type, str):
        problems += _type_problems(event_type)
    if b"\\u0000" in raw and _has_nul(tree):
        problems.append(": A text holds the character U+0000, which cannot be stored.")
    if isinstance(tree.get("data"), dict) and len(msgspec.json.encode(tree["data"])) > MAX_DATA_BYTES:
        problems.append(f"data: At most {MAX_DATA_BYTES:,} bytes are accepted.")
    if problems:
        return problems
    full = filled(tree, uuid, published, transaction_id)
    return Draft(uuid, published, tree["eventType"], full, tree, fresh=uuid is new_uuid)


def _shape_problems(tree: Tree) -> Iterable[str]:
    if tree.get("eventType") is None:
        yield "eventType: The field cannot be left blank"
    for field in msgspec.structs.fields(_LogEvent):
        value = tree.get(field.encode_name)
        if value is None:
            continue
        try:
            msgspec.convert(value, field.type)
        except msgspec.ValidationError as error:
            text, _, path = str(error).partition(" - at `$")
            yield f"{field.encode_name}{path.rstrip('`')}: {text}"


def _identity(tree: Tree, now_ms: int, new_uuid: bytes, problems: list[str]) -> tuple[bytes, int]:
    uuid, published = new_uuid, now_ms
    text = tree.get("uuid")
    if isinstance(text, str):
        parsed = parse_uuid(text)
        if parsed is None:
            problems.append("uuid: Must be a UUID, such as 0b5e86a1-5d2c-4bd0-9e0e-6d0d0f3c7a10")
        else:
            uuid = parsed
    text = tree.get("published")
    if isinstance(text, str):
        moment = parse_timestamp(text)
        if moment is None:
            problems.append("published: Must be an ISO 8601 date and time with a zone, such as 2026-01-02T03:04:05.678Z")
        elif moment < now_ms - MAX_AGE_MS:
            problems.append("published: Is more than 90 days ago; the log keeps 90 days")
        elif moment > now_ms + MAX_AHEAD_MS:
            problems.append("published: Is more than 5 minutes ahead of this server's clock")
        else:
            published = moment
    return uuid, published


def _type_problems(event_type: str) -> list[str]:
    if not _TYPE.fullmatch(event_type):
        return ["eventType: May hold letters, digits, dots, underscores, hyphens and colons; at most 255 characters"]
    if event_type.startswith(_OURS):
        return [f"eventType: Types that begin with {' or '.join(_OURS)} are written by this server alone"]
    return []


_FREE = {"debugData", "detailEntry", "detail", "data", "changeDetails"}


def _has_nul(value: Any) -> bool:
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            if "\0" in item:
                return True
        elif isinstance(item, dict):
            stack.extend(item)
            stack.extend(part for key, part in item.items() if key not in _FREE)
        elif isinstance(item, list):
            stack.extend(item)
    return False


# -- the log's form ----------------------------------------------------------------------------------------------------


def _unknown_actor() -> Tree:
    return {"id": "unknown", "type": "SystemPrincipal", "alternateId": "unknown", "displayName": None, "detailEntry": None}


def _no_client() -> Tree:
    return dict.fromkeys(("userAgent", "zone", "device", "id", "ipAddress", "geographicalContext"))


def _no_authentication() -> Tree:
    names = ("authenticationProvider", "credentialProvider", "credentialType", "issuer", "interface")
    return {**dict.fromkeys(names), "authenticationStep": 0, "externalSessionId": None}


def _no_security() -> Tree:
    return dict.fromkeys(("asNumber", "asOrg", "isp", "domain", "isProxy"))


def filled(tree: Tree, uuid: bytes, published: int, transaction_id: str) -> Tree:
    """Return *tree* in the log's key order, with every key of the contract there; unknown keys follow as they came."""
    get = tree.get
    made = {
        "actor": get("actor") or _unknown_actor(),
        "client": get("client") or _no_client(),
        "authenticationContext": get("authenticationContext") or _no_authentication(),
        "displayMessage": get("displayMessage"),
        "eventType": tree["eventType"],
        "outcome": get("outcome"),
        "published": format_ms(published),
        "securityContext": get("securityContext") or _no_security(),
        "severity": get("severity") or "INFO",
        "debugContext": get("debugContext") or {"debugData": {}},
        "legacyEventType": get("legacyEventType"),
        "transaction": get("transaction") or {"type": "WEB", "id": transaction_id, "detail": {}},
        "uuid": uuid_text(uuid),
        "version": get("version") or "0",
        "request": get("request") or {"ipChain": []},
        "target": get("target"),
    }
    if not tree.keys() <= made.keys():
        made.update((key, value) for key, value in tree.items() if key not in made)
    data = _debug_data(made)
    if data is not None and "targetEventHookIds" in data:
        renamed = {("sourceTargetEventHookIds" if key == "targetEventHookIds" else key): data[key] for key in data}
        made["debugContext"] = {**made["debugContext"], "debugData": renamed}
    return made


def _debug_data(tree: Tree) -> Tree | None:
    context = tree.get("debugContext")
    data = context.get("debugData") if isinstance(context, dict) else None
    return data if isinstance(data, dict) else None


def name_targets(tree: Tree, hook_ids: Iterable[str]) -> Tree:
    """Return the event with the matched hooks' ids in ``debugContext.debugData.targetEventHookIds``, ascending.

    The key is in the log and in the hooks' bodies alike, one text joined by commas (okta/event-hooks.md §6).
    """
    ids = ",".join(sorted(hook_ids))
    if not ids:
        return tree
    context = tree["debugContext"]
    data = {**(context.get("debugData") or {}), "targetEventHookIds": ids}
    return {**tree, "debugContext": {**context, "debugData": data}}


def encode(tree: Tree) -> bytes:
    """Return the event as the log stores and answers it."""
    return msgspec.json.encode(tree)


def same_content(stored: bytes, asserted: Tree) -> bool:
    """Return whether the event in the log says what a publisher says again, whatever the server had filled in."""
    kept = loads(stored)
    for key, value in asserted.items():
        if value is None or key in ("uuid", "published", "debugContext"):
            continue
        if msgspec.json.encode(kept.get(key)) != msgspec.json.encode(value):
            return False
    published = asserted.get("published")
    if isinstance(published, str) and parse_timestamp(published) != parse_timestamp(kept["published"]):
        return False
    return asserted.get("debugContext") is None or _comparable(kept) == _comparable(asserted)


def _comparable(tree: Tree) -> bytes:
    data = {**(_debug_data(tree) or {})}
    data.pop("targetEventHookIds", None)
    data.pop("sourceTargetEventHookIds", None)
    context = tree.get("debugContext")
    return msgspec.json.encode([data, {key: part for key, part in (context or {}).items() if key != "debugData"}])


# -- the hook body's form ----------------------------------------------------------------------------------------------

_ELEMENT_ORDER = (
    "uuid",
    "published",
    "eventType",
    "version",
    "displayMessage",
    "severity",
    "client",
    "device",
    "actor",
    "outcome",
    "target",
    "transaction",
    "debugContext",
    "legacyEventType",
    "authenticationContext",
    "securityContext",
    "insertionTimestamp",
)
_ELEMENT_KEYS = frozenset((*_ELEMENT_ORDER, "request"))


def render_element(tree: Tree) -> bytes:
    """Return one entry of ``data.events``: contract keys that are null left out, ``ipChain`` inside ``client``.

    Pure: the same log event gives the same bytes at every attempt.
    Source: okta/event-hooks.md §6 (live bodies).
    """
    parts = {
        "client": _client_part(tree.get("client"), tree.get("request")),
        "actor": _full(tree.get("actor")),
        "outcome": _full(tree.get("outcome")),
        "device": _full(tree.get("device")),
        "target": [_target_part(item) for item in tree.get("target") or ()] or None,
        "transaction": _full(tree.get("transaction")),
        "debugContext": _full(tree.get("debugContext")),
        "authenticationContext": _authentication_part(tree.get("authenticationContext")),
        "securityContext": _full(tree.get("securityContext")),
    }
    element = {}
    for key in _ELEMENT_ORDER:
        value = parts[key] if key in parts else tree.get(key)
        if value is not None:
            element[key] = value
    if not tree.keys() <= _ELEMENT_KEYS:
        element.update((key, value) for key, value in tree.items() if key not in _ELEMENT_KEYS)
    return msgspec.json.encode(element)


def _full(part: Tree | None) -> Tree | None:
    return None if part is None else {key: value for key, value in part.items() if value is not None}


def _target_part(target: Tree) -> Tree:
    return {key: value for key, value in target.items() if value is not None}


def _authentication_part(part: Tree | None) -> Tree | None:
    full = _full(part)
    if full and isinstance(full.get("issuer"), dict):
        full["issuer"] = _full(full["issuer"])
    return full


def _place_part(part: Tree) -> Tree:
    """Drop the nulls of anything that holds a geographicalContext or a userAgent."""
    full = {key: value for key, value in part.items() if value is not None}
    for key in ("geographicalContext", "userAgent"):
        if isinstance(full.get(key), dict):
            full[key] = {name: value for name, value in full[key].items() if value is not None}
    return full


def _client_part(client: Tree | None, request: Tree | None) -> Tree:
    part = _place_part(client or {})
    chain = (request or {}).get("ipChain")
    if chain is not None:
        part["ipChain"] = [_place_part(hop) for hop in chain]
    return part
