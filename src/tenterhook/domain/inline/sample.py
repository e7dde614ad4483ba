"""A believable question of each type of inline hook, complete: to try an endpoint with, and to show.

Nobody has these names, numbers, ids or addresses. Source: okta/inline-hooks.md §4; RFC 5737, RFC 2606.
"""

from __future__ import annotations

from tenterhook.domain.inline.data import PROGRESSIVE, SELF_SERVICE
from tenterhook.domain.inline.kind import IMPORT, KINDS, PASSWORD_IMPORT, REGISTRATION, SAML, TELEPHONY, TOKEN
from tenterhook.domain.inline.patch import copied_tree
from tenterhook.domain.log_event import Tree
from tenterhook.domain.sample_thing import APP, USER

_ORG = "https://id.example.com"
_LOGIN = "ann@example.com"
_CLIENT = "0oc1sample0samplecli"
_UNSPECIFIED = "urn:oasis:names:tc:SAML:2.0:attrname-format:unspecified"


def _request(method: str, path: str) -> Tree:
    return {"id": "req-1sample0inlinehook", "method": method, "url": {"value": path}, "ipAddress": "192.0.2.17"}


_USER = {
    "id": USER["id"],
    "passwordChanged": "2026-01-02T03:04:05.000Z",
    "profile": {
        "login": _LOGIN,
        "firstName": "Ann",
        "lastName": "Example",
        "locale": "en_GB",
        "timeZone": "Europe/London",
    },
    "_links": {
        "groups": {"href": f"{_ORG}/api/v1/users/{USER['id']}/groups"},
        "factors": {"href": f"{_ORG}/api/v1/users/{USER['id']}/factors"},
    },
}
_SESSION = {
    "id": "1021sample0session01",
    "userId": USER["id"],
    "login": _LOGIN,
    "createdAt": "2026-03-04T08:00:00.000Z",
    "expiresAt": "2026-03-04T10:00:00.000Z",
    "status": "ACTIVE",
    "lastPasswordVerification": "2026-03-04T08:00:00.000Z",
    "amr": ["PASSWORD"],
    "idp": {"id": "0oi1sample0000000idp", "type": "OKTA"},
    "mfaActive": False,
}
_AUTHORIZE = f"{_ORG}/oauth2/default/v1/authorize"


def _claim(kind: str, *values: str) -> Tree:
    return {
        "attributes": {"NameFormat": _UNSPECIFIED},
        "attributeValues": [{"attributes": {"xsi:type": kind}, "value": value} for value in values],
    }


_TOKEN: Tree = {
    "context": {
        "request": _request("GET", f"{_AUTHORIZE}?scope=openid+profile&response_type=code&client_id={_CLIENT}"),
        "protocol": {
            "type": "OAUTH2.0",
            "request": {
                "scope": "openid profile",
                "state": "sample-state",
                "redirect_uri": "https://app.example.com/signed-in",
                "response_mode": "query",
                "response_type": "code",
                "client_id": _CLIENT,
                "grant_type": "authorization_code",
            },
            "issuer": {"uri": f"{_ORG}/oauth2/default"},
            "client": {"id": _CLIENT, "name": "Example mobile app", "type": "PUBLIC"},
            "originalGrant": {
                "authorization": {"scope": "openid profile", "grant_type": "authorization_code"},
                "refresh_token": {"jti": "oar1sample0refresh01"},
            },
        },
        "session": _SESSION,
        "user": _USER,
        "policy": {"id": "00p1sample0tokens001", "rule": {"id": "0pr1sample0tokens001"}},
    },
    "identity": {
        "claims": {
            "sub": USER["id"],
            "name": "Ann Example",
            "preferred_username": _LOGIN,
            "ver": 1,
            "iss": f"{_ORG}/oauth2/default",
            "aud": _CLIENT,
            "jti": "ID.sample-0000000001",
            "amr": ["pwd"],
            "groups": ["Sales", "Everyone"],
        },
        "token": {"lifetime": {"expiration": 3_600}},
    },
    "access": {
        "claims": {
            "ver": 1,
            "jti": "AT.sample-0000000001",
            "iss": f"{_ORG}/oauth2/default",
            "aud": "api://default",
            "cid": _CLIENT,
            "uid": USER["id"],
            "sub": _LOGIN,
            "department": "Sales",
        },
        "token": {"lifetime": {"expiration": 3_600}},
        "scopes": {
            "openid": {"id": "scp1sample0000openid", "action": "GRANT"},
            "profile": {"id": "scp1sample000profile", "action": "GRANT"},
        },
    },
    "refresh_token": {"jti": "oar1sample0refresh01"},
}
_SAML: Tree = {
    "context": {
        "request": _request("GET", f"{_ORG}/app/example_crm/{APP['id']}/sso/saml"),
        "protocol": {
            "type": "SAML2.0",
            "issuer": {"id": APP["id"], "name": "Example CRM", "uri": f"{_ORG}/saml/{APP['id']}"},
        },
        "session": _SESSION,
        "user": _USER,
    },
    "assertion": {
        "subject": {
            "nameId": _LOGIN,
            "nameFormat": "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
            "confirmation": {
                "method": "urn:oasis:names:tc:SAML:2.0:cm:bearer",
                "data": {"recipient": "https://crm.example.com/saml/acs"},
            },
        },
        "authentication": {
            "sessionIndex": "id1sample0session01",
            "authnContext": {
                "authnContextClassRef": "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
            },
        },
        "conditions": {"audienceRestriction": ["https://crm.example.com/saml"]},
        "claims": {
            "department": _claim("xs:string", "Sales"),
            "groups": _claim("xs:string", "Sales", "Everyone"),
            "https://crm.example.com/claims/seat": _claim("xs:integer", "12"),
        },
        "lifetime": {"expiration": 300},
    },
}
_IMPORT: Tree = {
    "context": {
        "conflicts": ["login"],
        "application": {"name": "example_crm", "id": APP["id"], "label": "Example CRM", "status": "ACTIVE"},
        "job": {"id": "ij11sample0000import", "type": "import:users"},
        "matches": [{"id": USER["id"], "login": _LOGIN}],
        "policy": ["EMAIL", "FIRST_AND_LAST_NAME"],
    },
    "action": {"result": "CREATE_USER"},
    "appUser": {
        "profile": {
            "userName": _LOGIN,
            "email": _LOGIN,
            "firstName": "Ann",
            "lastName": "Example",
            "mobilePhone": None,
            "groups": ["Sales"],
        }
    },
    "user": {
        "id": USER["id"],
        "profile": {
            "login": _LOGIN,
            "email": _LOGIN,
            "firstName": "Ann",
            "lastName": "Example",
            "mobilePhone": None,
        },
    },
}

_SAMPLES: dict[tuple[str, str | None], Tree] = {
    (TOKEN.type, None): _TOKEN,
    (SAML.type, None): _SAML,
    (REGISTRATION.type, SELF_SERVICE): {
        "context": {"request": _request("POST", "/idp/idx/enroll/new")},
        "userProfile": {"firstName": "Ann", "lastName": "Example", "login": _LOGIN, "email": _LOGIN, "seats": 3},
        "action": "ALLOW",
    },
    (REGISTRATION.type, PROGRESSIVE): {
        "context": {"request": _request("POST", "/idp/idx/enroll/update"), "user": _USER},
        "userProfileUpdate": {"department": "Sales", "employeeNumber": "1042"},
        "action": "ALLOW",
    },
    (IMPORT.type, None): _IMPORT,
    (PASSWORD_IMPORT.type, None): {
        "context": {
            "request": _request("POST", "/api/v1/authn"),
            "credential": {"username": _LOGIN, "password": "correct-sample-battery"},
        },
        "action": {"credential": "UNVERIFIED"},
    },
    **{
        (TELEPHONY.type, request_type): {
            "context": {"request": _request("POST", "/idp/idx/challenge")},
            "userProfile": {"firstName": "Ann", "lastName": "Example", "login": _LOGIN, "userId": USER["id"]},
            "messageProfile": {
                "msgTemplate": "Your code for example.com is 048151",
                "phoneNumber": "+15550100",
                "otpExpires": "2026-03-04T08:05:00.000Z",
                "deliveryChannel": "SMS",
                "otpCode": "048151",
                "locale": "EN-GB",
            },
        }
        for request_type in TELEPHONY.request_types
    },
}


def sample_data(type: str, request_type: str | None = None) -> Tree:
    """Return the ``data`` of a question of *type*, with every field of the contract; the caller's own to change.

    type: one of `KINDS`. request_type: one that the type has; None: its first, if it has any.
    Raises: KeyError, if there is no such type or request type.
    """
    if request_type is None and KINDS[type].request_types:
        request_type = KINDS[type].request_types[0]
    return copied_tree(_SAMPLES[type, request_type])
