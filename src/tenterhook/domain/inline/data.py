"""The ``data`` of each type of inline hook: every field of the contract, in its order, and what it is by default.

What commands may change is closed: a key that the contract does not have is a slip. ``context`` is open: whatever else
a process knows goes to the endpoint after the contract's fields.
Source: okta/inline-hooks.md §4.
"""

from __future__ import annotations

from collections.abc import Mapping

from tenterhook.domain.inline.kind import (
    IMPORT,
    PASSWORD_IMPORT,
    REGISTRATION,
    SAML,
    TELEPHONY,
    TOKEN,
)
from tenterhook.domain.inline.shape import (
    Reader,
    choice,
    code,
    flag,
    listed,
    mapped,
    moment,
    part,
    scalar,
    text,
    tree,
    whole,
)

#: Seconds that a token or an assertion lives if the process does not say.
DEFAULT_TOKEN_LIFETIME = 3_600
DEFAULT_ASSERTION_LIFETIME = 300
#: Whoever asks may mint for longer than an endpoint may set; a year bounds what is a slip.
MAX_LIFETIME = 31_536_000

SELF_SERVICE, PROGRESSIVE = REGISTRATION.request_types

_word = text()
_long = text(8_192)  # an address with all that an authorize request puts in its query


def _open(fields: Mapping[str, Reader]) -> Reader:
    return part(fields, more=True)


# -- context -----------------------------------------------------------------------------------------------------------

_REQUEST = _open({"id": _word, "method": _word, "url": _open({"value": _long}), "ipAddress": _word})
_SESSION = _open(
    {
        "id": _word,
        "userId": _word,
        "login": _word,
        "createdAt": moment,
        "expiresAt": moment,
        "status": _word,
        "lastPasswordVerification": moment,
        "amr": listed(_word),
        "idp": _open({"id": _word, "type": _word}),
        "mfaActive": flag,
    }
)
_LINK = _open({"href": _long})
_USER = _open(
    {
        "id": _word,
        "passwordChanged": moment,
        "profile": _open(
            {"login": _word, "firstName": _word, "lastName": _word, "locale": _word, "timeZone": _word},
        ),
        "_links": _open({"groups": _LINK, "factors": _LINK}),
    }
)
_GRANT = _open(
    {
        "scope": _long,
        "state": _long,
        "redirect_uri": _long,
        "response_mode": _word,
        "response_type": _word,
        "client_id": _word,
        "grant_type": _word,
    }
)
_OAUTH_PROTOCOL = part(
    {
        "type": _word,
        "request": _GRANT,
        "issuer": _open({"uri": _long}),
        "client": _open({"id": _word, "name": _word, "type": _word}),
        "originalGrant": _open({"authorization": tree, "refresh_token": _open({"jti": _word})}),
    },
    defaults={"type": "OAUTH2.0"},
    more=True,
)
_SAML_PROTOCOL = part(
    {"type": _word, "issuer": _open({"id": _word, "name": _word, "uri": _long})},
    defaults={"type": "SAML2.0"},
    more=True,
)
_JOB = part({"id": _word, "type": _word}, defaults={"type": "import:users"}, more=True)


# -- what commands may change ------------------------------------------------------------------------------------------

_TOKEN_FIELDS = {
    "claims": tree,
    "token": part(
        {"lifetime": part({"expiration": whole(1, MAX_LIFETIME)}, defaults={"expiration": DEFAULT_TOKEN_LIFETIME})},
        defaults={"lifetime": {}},
    ),
}
_SCOPES = mapped(_open({"id": _word, "action": _word}))
_CLAIM = part(
    {"attributes": tree, "attributeValues": listed(part({"attributes": tree, "value": scalar}))},
    required=("attributeValues",),
)
#: The SAML assertion; an assertion that commands have changed must be one still.
ASSERTION = part(
    {
        "subject": part(
            {
                "nameId": _word,
                "nameFormat": _word,
                "confirmation": part({"method": _word, "data": part({"recipient": _long})}),
            }
        ),
        "authentication": part(
            {
                "sessionIndex": _word,
                "authnContext": part({"authnContextClassRef": _word}),
                "sessionLifetime": whole(1, MAX_LIFETIME),
            }
        ),
        "conditions": part({"audienceRestriction": listed(_word)}),
        "claims": mapped(_CLAIM),
        "lifetime": part({"expiration": whole(1, MAX_LIFETIME)}, defaults={"expiration": DEFAULT_ASSERTION_LIFETIME}),
    },
    defaults={"subject": {}, "authentication": {}, "conditions": {}, "claims": {}, "lifetime": {}},
)
_CREDENTIAL = part({"username": text(blank=False), "password": text(4_096)}, required=("username", "password"))
_PROFILED = part({"profile": tree}, required=("profile",))


def _whole(context: Reader, fields: Mapping[str, Reader], required: str, **defaults: object) -> Reader:
    return part({"context": context, **fields}, required=(required,), defaults={"context": {}, **defaults})


#: By type and `requestType` (None: the type has none): what reads ``data``.
DATA: dict[tuple[str, str | None], Reader] = {
    (TOKEN.type, None): part(
        {
            "context": _open(
                {
                    "request": _REQUEST,
                    "protocol": _OAUTH_PROTOCOL,
                    "session": _SESSION,
                    "user": _USER,
                    "policy": _open({"id": _word, "rule": _open({"id": _word})}),
                }
            ),
            "identity": part(_TOKEN_FIELDS, defaults={"claims": {}, "token": {}}),
            "access": part({**_TOKEN_FIELDS, "scopes": _SCOPES}, defaults={"claims": {}, "token": {}, "scopes": {}}),
            "refresh_token": part({"jti": _word}),
        },
        defaults={"context": {}},
    ),
    (SAML.type, None): _whole(
        _open({"request": _REQUEST, "protocol": _SAML_PROTOCOL, "session": _SESSION, "user": _USER}),
        {"assertion": ASSERTION},
        "assertion",
    ),
    (REGISTRATION.type, SELF_SERVICE): _whole(
        _open({"request": _REQUEST}), {"userProfile": tree, "action": choice("ALLOW")}, "userProfile", action="ALLOW"
    ),
    (REGISTRATION.type, PROGRESSIVE): _whole(
        _open({"request": _REQUEST, "user": _USER}),
        {"userProfileUpdate": tree, "action": choice("ALLOW")},
        "userProfileUpdate",
        action="ALLOW",
    ),
    (IMPORT.type, None): _whole(
        part(
            {
                "conflicts": listed(_word),
                "application": _open({"name": _word, "id": _word, "label": _word, "status": _word}),
                "job": _JOB,
                "matches": listed(tree),
                "policy": listed(scalar),
            },
            defaults={"conflicts": [], "job": {}, "matches": [], "policy": []},
            more=True,
        ),
        {
            "action": part({"result": choice("CREATE_USER", "LINK_USER")}, defaults={"result": "CREATE_USER"}),
            "appUser": _PROFILED,
            "user": part({"id": text(blank=False), "profile": tree}, defaults={"profile": {}}),
        },
        "appUser",
        action={},
        user={},
    ),
    (PASSWORD_IMPORT.type, None): part(
        {
            "context": part({"request": _REQUEST, "credential": _CREDENTIAL}, required=("credential",), more=True),
            "action": part({"credential": choice("UNVERIFIED")}, defaults={"credential": "UNVERIFIED"}),
        },
        required=("context",),
        defaults={"action": {}},
    ),
    **{
        (TELEPHONY.type, request_type): _whole(
            _open({"request": _REQUEST}),
            {
                "userProfile": _open({"firstName": _word, "lastName": _word, "login": _word, "userId": _word}),
                "messageProfile": part(
                    {
                        "msgTemplate": _long,
                        "phoneNumber": code(64),
                        "otpExpires": moment,
                        "deliveryChannel": choice("SMS", "voice call"),
                        "otpCode": code(64),
                        "locale": _word,
                    },
                    required=("phoneNumber", "deliveryChannel", "otpCode"),
                ),
            },
            "messageProfile",
        )
        for request_type in TELEPHONY.request_types
    },
}
