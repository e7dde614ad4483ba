"""A log event: what a publisher may send, and what the System Log keeps.

One tree of plain dicts goes through both, and on to `envelope.render_element`; the structs below only say which types
the contract's fields have. Free-form maps (debugData, detailEntry, transaction.detail, data, unknown keys) are kept as
they came.
Source: okta/system-log.md §7, okta/event-hooks.md §6; DESIGN §2.3, §3.4.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Any, Literal, get_args

import msgspec

from tenterhook.domain import provenance
from tenterhook.domain.display_name import display_name
from tenterhook.domain.event_type import OURS
from tenterhook.domain.provenance import debug_data
from tenterhook.domain.strict_json import StrictJsonError, loads, reload
from tenterhook.domain.timestamp import format_ms, parse_timestamp
from tenterhook.ids import parse_uuid, uuid_text

Tree = dict[str, Any]

MAX_EVENT_BYTES = 256 * 1024
MAX_DATA_BYTES = 64 * 1024
#: Characters of one problem: an answer must not give a publisher's 256 KiB back.
MAX_PROBLEM = 300
MAX_AGE_MS = 90 * 86_400_000
MAX_AHEAD_MS = 300_000
_TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,254}", re.ASCII)
_OURS_NAMED = ", ".join(OURS[:-1]) + " or " + OURS[-1]
_OUR_ACTS = frozenset({"system.api_token.create", "system.api_token.revoke"})

_Text255 = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
_Map = dict[str, Any]
_Severity = Literal["DEBUG", "INFO", "WARN", "ERROR"]
_Result = Literal[
    "SUCCESS", "FAILURE", "SKIPPED", "ALLOW", "DENY", "CHALLENGE", "UNKNOWN",
    "RATE_LIMIT", "DEFERRED", "SCHEDULED", "ABANDONED", "UNANSWERED",
]  # fmt: skip
_Kind = Literal["WEB", "JOB"]
_VALUES = {"severity": _Severity, "outcome.result": _Result, "transaction.type": _Kind}


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
    result: _Result
    reason: _Text255 | None = None


class _Target(msgspec.Struct, rename="camel"):
    id: str | None = None
    type: str | None = None
    alternate_id: str | None = None
    display_name: str | None = None
    detail_entry: _Map | None = None
    change_details: _Map | None = None


class _Transaction(msgspec.Struct, rename="camel"):
    type: _Kind | None = None
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
    severity: _Severity | None = None
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


def read_event(
    raw: bytes,
    now_ms: int,
    new_uuid: bytes,
    transaction_id: str,
    published_by: str | None = None,
    *,
    ours: bool = False,
) -> Draft | list[str]:
    """Return the event that *raw* spells, filled in; or all its problems, each ``<field>: <what is wrong>``.

    A problem without a field is about the event as a whole. new_uuid, transaction_id: used where the event has none.
    published_by: the id of the publisher's token; the log names it, whatever the event says.
    ours: whether it may be of a type that this server alone writes: for showing it, not for storing it.
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
        problems += _type_problems(event_type, ours)
    if b"\\u0000" in raw and _has_nul(tree):
        problems.append(": A text holds the character U+0000, which cannot be stored.")
    if isinstance(tree.get("data"), dict) and len(msgspec.json.encode(tree["data"])) > MAX_DATA_BYTES:
        problems.append(f"data: At most {MAX_DATA_BYTES:,} bytes are accepted.")
    if problems:
        return problems
    full = filled(tree, uuid, published, transaction_id)
    if published_by is not None:
        provenance.stamp(full, published_by)
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
            text, marked, path = str(error).rpartition(" - at `$")
            text, path = (text, path.rstrip("`")) if marked else (path, "")
            where = field.encode_name + path
            known = get_args(_VALUES.get(where)) if text.startswith("Invalid enum value") else ()
            most = 120 if known else MAX_PROBLEM
            yield f"{where}: {_in_words(text, most)}" + (f"; it must be one of {', '.join(known)}" if known else "")


def _in_words(text: str, most: int) -> str:
    """Return msgspec's *text* in JSON's words, without more of the publisher's own text than helps."""
    text = text.replace("got `raw`", "got `float`")
    return text if len(text) <= most else text[:most] + "…"


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
            problems.append(
                "published: Must be an ISO 8601 date and time with a zone, such as 2026-01-02T03:04:05.678Z"
            )
        elif moment < now_ms - MAX_AGE_MS:
            problems.append("published: Is more than 90 days ago; the log keeps 90 days")
        elif moment > now_ms + MAX_AHEAD_MS:
            problems.append("published: Is more than 5 minutes ahead of this server's clock")
        else:
            published = moment
    return uuid, published


def _type_problems(event_type: str, ours: bool) -> list[str]:
    if not _TYPE.fullmatch(event_type):
        return ["eventType: May hold letters, digits, dots, underscores, hyphens and colons; at most 255 characters"]
    if ours:
        return []
    folded = event_type.lower()  # whoever reads the log sees little difference
    if folded.startswith(OURS):
        return [f"eventType: Types that begin with {_OURS_NAMED} are written by this server alone"]
    if folded in _OUR_ACTS:
        return [f"eventType: {event_type} is written by this server alone"]
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
    return {
        "id": "unknown",
        "type": "SystemPrincipal",
        "alternateId": "unknown",
        "displayName": None,
        "detailEntry": None,
    }


def _no_client() -> Tree:
    return dict.fromkeys(("userAgent", "zone", "device", "id", "ipAddress", "geographicalContext"))


def _no_authentication() -> Tree:
    names = ("authenticationProvider", "credentialProvider", "credentialType", "issuer", "interface")
    return {**dict.fromkeys(names), "authenticationStep": 0, "externalSessionId": None}


def _no_security() -> Tree:
    return dict.fromkeys(("asNumber", "asOrg", "isp", "domain", "isProxy"))


def filled(tree: Tree, uuid: bytes, published: int, transaction_id: str) -> Tree:
    """Return *tree* in the log's key order, with every key of the contract there; unknown keys follow as they came.

    What is null or missing is filled in; what is there and empty stays.
    """
    get = tree.get
    made = {
        "actor": _unknown_actor() if get("actor") is None else tree["actor"],
        "client": _no_client() if get("client") is None else tree["client"],
        "authenticationContext": _no_authentication()
        if get("authenticationContext") is None
        else tree["authenticationContext"],
        "displayMessage": display_name(tree["eventType"]) if get("displayMessage") is None else tree["displayMessage"],
        "eventType": tree["eventType"],
        "outcome": get("outcome"),
        "published": format_ms(published),
        "securityContext": _no_security() if get("securityContext") is None else tree["securityContext"],
        "severity": "INFO" if get("severity") is None else tree["severity"],
        "debugContext": {"debugData": {}} if get("debugContext") is None else tree["debugContext"],
        "legacyEventType": get("legacyEventType"),
        "transaction": {"type": "WEB", "id": transaction_id, "detail": {}}
        if get("transaction") is None
        else tree["transaction"],
        "uuid": uuid_text(uuid),
        "version": "0" if get("version") is None else tree["version"],
        "request": {"ipChain": []} if get("request") is None else tree["request"],
        "target": get("target"),
    }
    if not tree.keys() <= made.keys():
        made.update((key, value) for key, value in tree.items() if key not in made)
    provenance.count_hop(made)
    return made


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


def without_targets(tree: Tree) -> Tree:
    """Return a stored event as it was before `name_targets`."""
    data = debug_data(tree)
    if data is None or "targetEventHookIds" not in data:
        return tree
    kept = {key: value for key, value in data.items() if key != "targetEventHookIds"}
    return {**tree, "debugContext": {**tree["debugContext"], "debugData": kept}}


def encode(tree: Tree) -> bytes:
    """Return the event as the log stores and answers it."""
    return msgspec.json.encode(tree)


def same_content(stored: bytes, asserted: Tree) -> bool:
    """Return whether the event in the log says what a publisher says again, whatever the server had filled in.

    The order of keys does not matter, the spelling of numbers does.
    """
    kept = reload(stored)
    said = asserted.get("published")
    moment = parse_timestamp(said if isinstance(said, str) else kept["published"])
    again = filled(asserted, parse_uuid(kept["uuid"]) or b"", moment or 0, "")
    if asserted.get("transaction") is None:
        again["transaction"] = kept["transaction"]
    if asserted.get("displayMessage") is None:
        again["displayMessage"] = kept["displayMessage"]  # filled in when it was stored, in the words of that day
    return _comparable(kept) == _comparable(again)


def _comparable(tree: Tree) -> bytes:
    data = {key: part for key, part in (debug_data(tree) or {}).items() if key not in provenance.OURS}
    context = {key: part for key, part in (tree.get("debugContext") or {}).items() if key != "debugData"}
    told = {key: part for key, part in tree.items() if part is not None}
    return msgspec.json.encode({**told, "debugContext": {**context, "debugData": data}}, order="sorted")
