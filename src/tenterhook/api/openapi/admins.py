"""Admins, signing in, and orgs in the OpenAPI document.

Source: DESIGN §2.4; `engine/appoint_admin`, `engine/sign_in`, `engine/found_org`.
"""

from __future__ import annotations

from typing import Any

from tenterhook.api.openapi.operation import AFTER, Answer, Body, Operation, Section, limit
from tenterhook.api.openapi.schema import Schema, array, choice, flag, identity, line, maybe, moment, record, ref, text
from tenterhook.api.openapi.tokens import NEW_TOKEN, TOKEN_BODY
from tenterhook.domain.principal import Role
from tenterhook.engine.appoint_admin import MAX_LOGIN, MAX_NAME, MAX_PASSWORD, MIN_PASSWORD
from tenterhook.engine.found_org import MAX_NAME as MAX_ORG_NAME

_ADMIN = "/api/v1/admins/{adminId}"
_ORG = "/api/v1/orgs/{orgId}"

_ADMIN_EXAMPLE: dict[str, Any] = {
    "id": "00u1a2b3c4d5e6f7g8h9",
    "login": "ada@example.com",
    "name": "Ada Example",
    "role": "HOOKS_ADMIN",
    "created": "2026-01-02T03:04:05.678Z",
    "passwordSet": True,
    "lastSignIn": None,
}
_DRAFT_EXAMPLE = {"login": "ada@example.com", "name": "Ada Example", "role": "HOOKS_ADMIN"}
_ORG_EXAMPLE: dict[str, Any] = {
    "id": "00o1a2b3c4d5e6f7g8h9",
    "name": "Example Ltd",
    "created": "2026-01-02T03:04:05.678Z",
}
_SIGN_IN_EXAMPLE = {"login": "ada@example.com", "password": "correct horse battery"}
_ORG_PARTS = {"id": identity("00o"), "name": text("Once on this server."), "created": moment()}

_ADMIN_SCHEMAS: dict[str, Schema] = {
    "Admin": record(
        {
            "id": identity("00u"),
            "login": text("Once in an org."),
            "name": text(),
            "role": choice(Role),
            "created": moment(),
            "passwordSet": flag("Whether there is a password; without one only a link signs in."),
            "lastSignIn": maybe(moment()),
        },
        "Somebody who looks after an org.",
        example=_ADMIN_EXAMPLE,
    ),
    "AdminDraft": record(
        {
            "login": line("Once in an org.", MAX_LOGIN),
            "name": line("", MAX_NAME),
            "role": choice(Role),
            "password": maybe(
                line(
                    "Never shown. Left out of a change it stays, null takes it away.",
                    MAX_PASSWORD,
                    minLength=MIN_PASSWORD,
                    writeOnly=True,
                )
            ),
        },
        required=("login", "name", "role"),
        closed=True,
        example=_DRAFT_EXAMPLE,
    ),
    "SignInLink": record(
        {"link": text("Works once."), "url": text("The page of the Admin Console that uses it."), "expires": moment()},
        "A link that signs an admin in.",
        example={
            "link": "k3y…",
            "url": "https://hooks.example.com/console/sign-in?link=k3y…",
            "expires": "2026-01-02T03:19:05.678Z",
        },
    ),
    "SignIn": record(
        {
            "login": maybe(text(maxLength=MAX_LOGIN)),
            "password": maybe(text(maxLength=MAX_PASSWORD, writeOnly=True)),
            "org": maybe(text("The org's id. Left out: the first one.", maxLength=20)),
            "link": maybe(text("Instead of all the others.", maxLength=MAX_PASSWORD)),
        },
        "Login and password, or a link.",
        required=(),
        closed=True,
        example=_SIGN_IN_EXAMPLE,
    ),
    "Session": record(
        {
            "token": text("For `Authorization: SSWS …`."),
            "id": identity("00T", "The token's id."),
            "role": choice(Role),
            "expires": moment(),
            "org": record({"id": identity("00o")}),
            "admin": ref("Admin"),
        },
        "What signing in gives: a token for 12 hours.",
        example={
            "token": "00aB3d…",
            "id": "00T1a2b3c4d5e6f7g8h9",
            "role": "HOOKS_ADMIN",
            "expires": "2026-01-02T15:04:05.678Z",
            "org": {"id": "00o1a2b3c4d5e6f7g8h9"},
            "admin": _ADMIN_EXAMPLE,
        },
    ),
}
_ORG_SCHEMAS: dict[str, Schema] = {
    "Org": record(_ORG_PARTS, "A tenant: hooks, log, tokens and limits of its own.", example=_ORG_EXAMPLE),
    "OrgWithAdmin": record(
        {**_ORG_PARTS, "admin": maybe(ref("Admin"))},
        "An org and its first super admin.",
        example={**_ORG_EXAMPLE, "admin": {**_ADMIN_EXAMPLE, "role": "SUPER_ADMIN"}},
    ),
    "OrgDraft": record(
        {"name": line("Once on this server.", MAX_ORG_NAME)},
        closed=True,
        example={"name": "Example Ltd"},
    ),
}
_SHOWN = Answer("The admin.", ref("Admin"))
_DRAFT = Body(ref("AdminDraft"), _DRAFT_EXAMPLE)

ADMINS = Section(
    "Admins",
    "Who looks after an org. SUPER_ADMIN may do everything, HOOKS_ADMIN manages hooks, READ_ONLY_ADMIN reads the log, "
    "PUBLISHER publishes, and runs inline calls.",
    (
        Operation(
            *("listAdmins", "GET /api/v1/admins", "List admins"),
            Answer("The admins, by id.", array(ref("Admin")), ("Link",)),
            (limit(100, 1000), AFTER),
        ),
        Operation("createAdmin", "POST /api/v1/admins", "Appoint an admin", _SHOWN, body=_DRAFT),
        Operation("getAdmin", f"GET {_ADMIN}", "Read an admin", _SHOWN),
        Operation("replaceAdmin", f"PUT {_ADMIN}", "Change an admin", _SHOWN, body=_DRAFT),
        Operation("deleteAdmin", f"DELETE {_ADMIN}", "Dismiss an admin", Answer("It is done.")),
        Operation(
            *("createSignInLink", f"POST {_ADMIN}/sign-in-link", "Make a sign-in link"),
            Answer("The link.", ref("SignInLink")),
        ),
        Operation(
            *("signIn", "POST /api/v1/sign-in", "Sign in"),
            Answer("A token.", ref("Session")),
            body=Body(ref("SignIn"), _SIGN_IN_EXAMPLE),
            errors=(401, 429, 503),
        ),
    ),
    _ADMIN_SCHEMAS,
)
ORGS = Section(
    "Orgs",
    "The tenants of this server, for its operator: tokens of the first org.",
    (
        Operation(
            *("listOrgs", "GET /api/v1/orgs", "List orgs"),
            Answer("The orgs, by id.", array(ref("Org")), ("Link",)),
            (limit(100, 1000), AFTER),
        ),
        Operation(
            *("createOrg", "POST /api/v1/orgs", "Found an org"),
            Answer("The org.", ref("OrgWithAdmin")),
            body=Body(ref("OrgDraft"), {"name": "Example Ltd"}),
        ),
        Operation("getOrg", f"GET {_ORG}", "Read an org", Answer("The org.", ref("OrgWithAdmin"))),
        Operation(
            *("createOrgApiToken", f"POST {_ORG}/api-tokens", "Create a token in an org"), NEW_TOKEN, body=TOKEN_BODY
        ),
    ),
    _ORG_SCHEMAS,
)
