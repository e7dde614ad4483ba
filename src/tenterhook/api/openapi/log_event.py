"""The log event in the OpenAPI document: as the System Log answers it, and as publishers write it.

Source: okta/system-log.md §7; `domain/log_event`.
"""

from __future__ import annotations

from typing import Any

from tenterhook.api.openapi.schema import (
    Schema,
    array,
    choice,
    flag,
    free,
    maybe,
    moment,
    record,
    ref,
    text,
    uuid,
    whole,
)

RESULTS = (
    *("SUCCESS", "FAILURE", "SKIPPED", "ALLOW", "DENY", "CHALLENGE", "UNKNOWN", "RATE_LIMIT", "DEFERRED"),
    *("SCHEDULED", "ABANDONED", "UNANSWERED"),
)
SEVERITIES = ("DEBUG", "INFO", "WARN", "ERROR")

LOG_EVENT_EXAMPLE: dict[str, Any] = {
    "actor": {
        "id": "00u1a2b3c4d5e6f7g8h9",
        "type": "User",
        "alternateId": "ada@example.com",
        "displayName": "Ada Example",
        "detailEntry": None,
    },
    "client": {
        "userAgent": {"rawUserAgent": "Mozilla/5.0", "os": "Linux", "browser": "FIREFOX"},
        "zone": "null",
        "device": "Computer",
        "id": None,
        "ipAddress": "192.0.2.1",
        "geographicalContext": None,
    },
    "authenticationContext": {
        "authenticationProvider": None,
        "credentialProvider": None,
        "credentialType": None,
        "issuer": None,
        "interface": None,
        "authenticationStep": 0,
        "externalSessionId": "102abc",
    },
    "displayMessage": "Sign-in",
    "eventType": "user.session.start",
    "outcome": {"result": "SUCCESS", "reason": None},
    "published": "2026-01-02T03:04:05.678Z",
    "securityContext": {"asNumber": None, "asOrg": None, "isp": None, "domain": None, "isProxy": None},
    "severity": "INFO",
    "debugContext": {"debugData": {"requestUri": "/api/v1/authn"}},
    "legacyEventType": None,
    "transaction": {"type": "WEB", "id": "Zr8x", "detail": {}},
    "uuid": "019ab1c2-0000-7f50-8a6b-7c8d9e0f1a2b",
    "version": "0",
    "request": {"ipChain": [{"ip": "192.0.2.1", "geographicalContext": None, "version": "V4", "source": None}]},
    "target": None,
}
DRAFT_EXAMPLE: dict[str, Any] = {
    "eventType": "user.session.start",
    "actor": {"id": "00u1a2b3c4d5e6f7g8h9", "type": "User", "alternateId": "ada@example.com"},
    "outcome": {"result": "SUCCESS"},
}


def _optional(about: str, **properties: Schema) -> Schema:
    """Return an object that may be null and of which nothing has to be there: publishers fill in what they know."""
    return maybe(record({key: maybe(part) for key, part in properties.items()}, about, required=()))


def _any(about: str) -> Schema:
    """Return the schema of a value that is kept as it came, whatever it is."""
    return {"description": about}


_TEXT = text()
_PARTS: dict[str, Schema] = {
    "actor": record(
        {
            "id": text(),
            "type": text("Such as User, SystemPrincipal, PublicClientApp."),
            "alternateId": maybe(text("Such as a login.")),
            "displayName": maybe(text()),
            "detailEntry": maybe(free()),
        },
        "Who did it.",
        required=("id", "type"),
    ),
    "client": _optional(
        "Where it was done from.",
        userAgent=record({key: maybe(_TEXT) for key in ("rawUserAgent", "os", "browser")}, required=()),
        zone=_TEXT,
        device=_TEXT,
        id=_TEXT,
        ipAddress=_TEXT,
        geographicalContext=ref("GeographicalContext"),
    ),
    "device": maybe(
        record(
            {
                "id": _any("The device's id."),
                "name": _any("Its name."),
                "os_platform": _any("Its operating system."),
                "os_version": _any("The version of that."),
                "managed": _any("Whether it is managed."),
                "registered": _any("Whether it is registered."),
                "device_integrator": _any("What else is known of it."),
                "disk_encryption_type": _any("ALL_INTERNAL_VOLUMES, FULL, NONE, SYSTEM_VOLUME or USER."),
                "screen_lock_type": _any("BIOMETRIC, NONE or PASSCODE."),
                "jailbreak": _any("Whether its protections were removed."),
                "secure_hardware_present": _any("Whether it has secure hardware."),
            },
            "The device, as the publisher describes it.",
            required=(),
        )
    ),
    "authenticationContext": maybe(
        record(
            {
                "authenticationProvider": _any(
                    "ACTIVE_DIRECTORY, FACTOR_PROVIDER, FEDERATION, LDAP, OKTA_AUTHENTICATION_PROVIDER or SOCIAL."
                ),
                "credentialProvider": _any(
                    "DUO, GOOGLE, OKTA_AUTHENTICATION_PROVIDER, OKTA_CREDENTIAL_PROVIDER, RSA, SYMANTEC or YUBIKEY."
                ),
                "credentialType": _any(
                    "ASSERTION, CERTIFICATE, DEVICE_UDID, EMAIL, IWA, JWT, OAuth 2.0, OKTA_CLIENT_SESSION, OTP, "
                    "PASSWORD, PRE_SHARED_SYMMETRIC_KEY or SMS."
                ),
                "issuer": _any("Who issued the credential: id and type."),
                "interface": _any("How it was presented."),
                "authenticationStep": _any("Always 0."),
                "externalSessionId": _any("The session, as the log knows it."),
                "rootSessionId": _any("The session that this one grew from."),
            },
            "How the actor proved who it is, as the publisher says it.",
            required=(),
        )
    ),
    "outcome": maybe(
        record(
            {"result": choice(RESULTS), "reason": maybe(text(minLength=1, maxLength=255))},
            "How it ended.",
            required=("result",),
        )
    ),
    "target": maybe(array(ref("LogTarget"), "What it was done to. Look for a type, not for a place in the list.")),
    "transaction": _optional(
        "What it was part of.", type=choice(("WEB", "JOB")), id=_TEXT, detail=free("May name the API token.")
    ),
    "debugContext": _optional("Details without a fixed form.", debugData=free()),
    "securityContext": _optional(
        "The network that it came from, and what is thought of it.",
        asNumber=whole(),
        asOrg=_TEXT,
        isp=_TEXT,
        domain=_TEXT,
        isProxy=flag(),
        risk=free("detectionName, issuer, level (LOW, MEDIUM, HIGH), previousLevel, reasons."),
        userBehaviors=array(free("id, name, result (UNKNOWN, POSITIVE, NEGATIVE, BAD_REQUEST).")),
        botProtection=free("level: NONE, LOW, MEDIUM or HIGH."),
        ipDetails=free("asNumber, asOrg, domain, isp, ipServiceCategories."),
    ),
    "request": _optional(
        "The way it took.",
        ipChain=array(
            record(
                {
                    "ip": maybe(_TEXT),
                    "geographicalContext": maybe(ref("GeographicalContext")),
                    "version": maybe(text("V4 or V6.")),
                    "source": maybe(_TEXT),
                    "ipDetails": maybe(free()),
                },
                required=(),
            )
        ),
    ),
}

_CLIENT = _PARTS["client"]
_CHAIN = _PARTS["request"]["properties"]["ipChain"]

SCHEMAS: dict[str, Schema] = {
    "GeographicalContext": record(
        {
            "city": maybe(_TEXT),
            "state": maybe(_TEXT),
            "country": maybe(_TEXT),
            "postalCode": {"type": ["string", "integer", "null"]},
            "geolocation": maybe(free("lat and lon, in degrees.")),
        },
        "Where on earth.",
        required=(),
    ),
    "LogTarget": record(
        {
            "id": maybe(_TEXT),
            "type": maybe(text("Such as User, UserGroup, AppInstance.")),
            "alternateId": maybe(_TEXT),
            "displayName": maybe(_TEXT),
            "detailEntry": maybe(free()),
            "changeDetails": maybe(free("from and to.")),
        },
        "Something that the event was about.",
        required=(),
    ),
    "LogEvent": record(
        {
            **_PARTS,
            "displayMessage": maybe(text("What happened, in words.")),
            "eventType": text("Such as `user.session.start`.", minLength=1, maxLength=255),
            "published": moment("When it happened."),
            "severity": choice(SEVERITIES),
            "legacyEventType": maybe(_TEXT),
            "uuid": uuid("Once in an org's log."),
            "version": text(),
            "data": maybe(free("What a custom event type brings along; at most 64 KiB.")),
        },
        "One entry of the System Log. What its publisher sent beside the contract follows as it came.",
        required=LOG_EVENT_EXAMPLE,
        example=LOG_EVENT_EXAMPLE,
    ),
    "LogEventDraft": record(
        {
            "eventType": text(
                "A known type, or one of your own such as `acme.order.paid`. Types that begin with `event_hook.` or "
                "`inline_hook.` are the server's own.",
                pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,254}$",
            ),
            "displayMessage": maybe(_TEXT),
            "published": maybe(text("When it happened: at most 90 days ago, at most 5 minutes ahead. Left out: now.")),
            "severity": maybe(choice(SEVERITIES, "Left out: INFO.")),
            "legacyEventType": maybe(_TEXT),
            "uuid": maybe(text("What repeats are known by. Left out: made here.")),
            "version": maybe(_TEXT),
            **_PARTS,
            "actor": maybe(_PARTS["actor"]),
            "data": maybe(free("At most 64 KiB.")),
        },
        "A log event to publish. Only `eventType` is required; the server fills in the rest and keeps unknown keys.",
        required=("eventType",),
        example=DRAFT_EXAMPLE,
    ),
    "DeliveredLogEvent": {
        **record(
            {
                "uuid": uuid("The event's own: what repeats are known by across deliveries."),
                "published": moment(),
                "eventType": text(),
                "version": text(),
                "displayMessage": text(),
                "severity": choice(SEVERITIES),
                **{key: part for key, part in _PARTS.items() if key != "request"},
                "client": {**_CLIENT, "properties": {**_CLIENT["properties"], "ipChain": _CHAIN}},
                "legacyEventType": _TEXT,
                "data": free(),
            },
            "A log event as endpoints get it: without what is null, and with `ipChain` inside `client`.",
            required=("uuid", "published", "eventType", "version", "severity", "client", "actor"),
        ),
        "additionalProperties": True,
    },
}
