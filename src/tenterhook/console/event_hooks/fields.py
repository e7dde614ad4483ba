"""The form of an event hook: its fields, as a hook fills them and as a reader typed them, and the body that they make.

Everything is kept as it was typed: what is wrong with it is for the domain to say, and the form shows it again.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

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
from tenterhook.console.words import duration
from tenterhook.domain.delivery_policy import CustomRetry, DeliveryPolicy
from tenterhook.domain.event_filter import LANGUAGE
from tenterhook.domain.event_hook import EventHook, etag
from tenterhook.domain.retry import named_policy

CUSTOM = "custom"

_WAIT = re.compile(r"(\d{1,12}(?:\.\d{1,3})?) *(s|sec|m|min|h|d)?", re.ASCII)
#: Parts that are looked at: more than there may be.
MAX_WAITS = 100
_UNITS = {"": 1, "s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}


class FilterRow(NamedTuple):
    """The condition of one event type."""

    event: str
    expression: str = ""


class HookFields(msgspec.Struct, frozen=True, kw_only=True):
    """What the form shows."""

    name: str = ""
    description: str = ""
    url: str = ""
    types: list[str] = []
    filters: list[FilterRow] = []
    auth: str = SET
    auth_key: str = USUAL_HEADER
    headers: list[HeaderRow] = []
    retry: str  #: the name of a policy, or `CUSTOM`
    waits: str  #: of a custom policy, in words: ``1 s, 5 min, 2 h``
    retry_on: list[str]
    timeout: str  #: seconds
    max_events: str
    concurrency: str
    paused: bool = False
    version: str = ""  #: the ETag of the hook that the form was made of; "" if it is a new one

    @property
    def unfiltered(self) -> list[str]:
        """The chosen types that have no filter yet."""
        filtered = {row.event for row in self.filters}
        return [name for name in self.types if name not in filtered]


def new_fields(policy: DeliveryPolicy) -> HookFields:
    """Return the fields of a hook that is still to be made."""
    return HookFields(**_policy_fields(policy))


def fields_of(hook: EventHook) -> HookFields:
    """Return the fields that a hook fills."""
    config, chosen = hook.channel.config, hook.events.filter
    return HookFields(
        name=hook.name,
        description=hook.description or "",
        url=config.uri,
        types=list(hook.events.items),
        filters=[FilterRow(one.event, one.condition.expression) for one in chosen.event_filter_map] if chosen else [],
        headers=rows_of(config.headers),
        version=etag(hook),
        **fields_of_scheme(config.auth_scheme),
        **_policy_fields(hook.delivery_policy),
    )


def _policy_fields(policy: DeliveryPolicy) -> dict[str, Any]:
    shown = policy.wire()
    custom = isinstance(policy.retry, CustomRetry)
    # Whoever turns to waits of their own begins with what is easily changed.
    begins = policy.retry_policy if custom else named_policy("okta")
    return {
        "retry": CUSTOM if custom else policy.retry,
        "waits": waits_text(begins.waits_s),
        "retry_on": sorted(begins.retry_on),
        "timeout": str(shown["timeoutSeconds"]),
        "max_events": str(policy.max_events_per_request),
        "concurrency": str(policy.max_concurrency),
        "paused": policy.paused,
    }


def waits_text(waits_s: tuple[float, ...]) -> str:
    """Return waits as the form has them: ``1 s, 5 min, 2 h``; each is read again as the same number of seconds."""
    return ", ".join(wait_text(wait) for wait in waits_s)


def wait_text(wait_s: float) -> str:
    """Return one wait in a unit in which it is exact."""
    words = duration(round(wait_s * 1000))
    exact = wait_s == int(wait_s) >= 1 and words.count(" ") == 1
    return words if exact else f"{wait_s:.3f}".rstrip("0").rstrip(".") + " s"


def fields_in(form: Form) -> HookFields:
    """Return the fields as they were sent."""
    filters = zip(form.all("filter_event"), form.all("filter_expression"), strict=False)
    return HookFields(
        name=form.text("name"),
        description=form.text("description"),
        url=form.text("url").strip(),
        types=list(dict.fromkeys(form.all("types"))),
        filters=[FilterRow(*row) for row in filters],
        auth=form.text("auth", NONE),
        auth_key=form.text("auth_key").strip(),
        headers=rows_in(form),
        retry=form.text("retry"),
        waits=form.text("waits"),
        retry_on=form.all("retry_on"),
        timeout=form.text("timeout").strip(),
        max_events=form.text("max_events").strip(),
        concurrency=form.text("concurrency").strip(),
        paused=form.has("paused"),
        version=form.text("version"),
    )


def body_of(fields: HookFields, secret: str) -> dict[str, Any]:
    """Return the document that the API would be sent. secret: as it was typed; it is no part of what is shown."""
    config: dict[str, Any] = {
        "uri": fields.url,
        "headers": headers_of(fields.headers),
        **scheme_of(fields.auth, fields.auth_key, secret),
    }
    return {
        "name": fields.name,
        "description": fields.description or None,
        "events": {"type": "EVENT_TYPE", "items": fields.types, "filter": filter_of(fields.filters)},
        "channel": {"type": "HTTP", "version": "1.0.0", "config": config},
        "deliveryPolicy": _policy_of(fields),
    }


def filter_of(rows: list[FilterRow]) -> dict[str, Any] | None:
    """Return the filter that the rows make, as the API has it; None without any."""
    if not rows:
        return None
    entries = [{"event": row.event, "condition": {"expression": row.expression}} for row in rows]
    return {"type": LANGUAGE, "eventFilterMap": entries}


def _policy_of(fields: HookFields) -> dict[str, Any]:
    retry: object = fields.retry
    if fields.retry == CUSTOM:
        retry = {"waitsSeconds": read_waits(fields.waits), "retryOn": fields.retry_on}
    return {
        "retry": retry,
        "timeoutSeconds": _number(fields.timeout),
        "maxEventsPerRequest": _number(fields.max_events),
        "maxConcurrency": _number(fields.concurrency),
        "paused": fields.paused,
    }


def read_waits(text: str) -> list[float | str]:
    """Return the seconds of each wait; what is none stays as it is, for the domain to complain of."""
    parts = [part.strip() for part in text.split(",", MAX_WAITS)]
    matches = [(_WAIT.fullmatch(part), part) for part in parts if part]
    return [part if match is None else float(match[1]) * _UNITS[match[2] or ""] for match, part in matches]


def _number(text: str) -> object:
    if text.isascii() and text.isdigit() and len(text) < 10:
        return int(text)
    try:
        return float(text)
    except ValueError:
        return text


def paths_of(fields: HookFields) -> dict[str, str]:
    """Return which field each path of the document stands at, for `FieldErrors`."""
    paths = {
        "events.items": "types",
        "events.filter.eventFilterMap": "filters",
        "filter.eventFilterMap": "filters",
        "channel.config.uri": "url",
        "channel.config.authScheme.key": "auth_key",
        "channel.config.authScheme.value": "auth_value",
        "deliveryPolicy.retry": "retry",
        "deliveryPolicy.retry.waitsSeconds": "waits",
        "deliveryPolicy.retry.retryOn": "retry_on",
        "deliveryPolicy.timeoutSeconds": "timeout",
        "deliveryPolicy.maxEventsPerRequest": "max_events",
        "deliveryPolicy.maxConcurrency": "concurrency",
    }
    paths |= header_paths(fields.headers)
    for at in range(len(fields.filters)):
        paths[f"events.filter.eventFilterMap[{at}]"] = paths[f"filter.eventFilterMap[{at}]"] = f"filter_{at}"
    return paths


def names_of(fields: HookFields) -> dict[str, str]:
    """Return what the page calls each field."""
    names = {
        "name": "Name",
        "description": "Description",
        "url": "URL",
        "types": "Event types",
        "filters": "Filters",
        "auth_key": "Header of the secret",
        "auth_value": "Secret",
        "headers": "Headers",
        "retry": "Retry",
        "waits": "Waits",
        "retry_on": "Failures that are tried again",
        "timeout": "Time-out",
        "max_events": "Events in one request",
        "concurrency": "Requests at the same time",
    }
    names |= {f"header_{at}": f"Header {at + 1}" for at in range(len(fields.headers))}
    return names | {f"filter_{at}": f"Filter on {row.event}" for at, row in enumerate(fields.filters)}


def differences(typed: HookFields, stored: HookFields) -> list[tuple[str, str]]:
    """Return the fields in which what is stored is not what was typed: their names, and what is stored, in words."""
    names, found = names_of(stored), []
    for name in ("name", "description", "url", "auth_key", "retry", "timeout", "max_events", "concurrency"):
        if getattr(typed, name) != getattr(stored, name):
            found.append((names[name], getattr(stored, name) or "empty"))
    secret = stored_otherwise(typed.auth, stored.auth)
    if secret is not None:
        found.append((names["auth_value"], secret))
    if set(typed.types) != set(stored.types):
        found.append((names["types"], ", ".join(stored.types)))
    if sorted(typed.filters) != sorted(stored.filters):
        found.append(
            (names["filters"], "; ".join(f"{row.event}: {row.expression}" for row in stored.filters) or "none")
        )
    if sorted(row for row in typed.headers if not row.blank) != sorted(stored.headers):
        found.append((names["headers"], ", ".join(row.key for row in stored.headers) or "none"))
    if (typed.waits, set(typed.retry_on)) != (stored.waits, set(stored.retry_on)) and stored.retry == CUSTOM:
        found.append((names["waits"], stored.waits))
    if typed.paused != stored.paused:
        found.append(("Paused", "yes" if stored.paused else "no"))
    return found
