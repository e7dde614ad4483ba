"""Settings › Tokens: API tokens, issued and revoked; and who is signed in."""

from __future__ import annotations

from typing import Any, NamedTuple

from starlette.responses import Response

from tenterhook.console.form import FieldErrors, Form
from tenterhook.console.role_words import granted, role_choices, role_label, scopes_of
from tenterhook.console.routes import action, page
from tenterhook.console.visit import Visit
from tenterhook.domain.principal import Permission, Role, permissions_of
from tenterhook.domain.timestamp import DAY_MS, format_ms
from tenterhook.engine import issue_token as engine
from tenterhook.engine.appoint_admin import list_admins
from tenterhook.engine.list_sign_ins import list_sign_ins
from tenterhook.errors import InvalidError
from tenterhook.store.api_tokens import ApiToken

PATH, SIGN_INS = "/console/tokens", "/console/tokens/sign-ins"
PAGE = 100
#: Admins whose logins are looked up for the list; tokens of others show the id.
_LOGINS = 1_000
#: Chosen in place of a role.
BY_SCOPES = "SCOPES"
#: Days until a token ends, as offered; 0: never.
EXPIRIES = (("7", "In 7 days"), ("30", "In 30 days"), ("90", "In 90 days"), ("365", "In a year"), ("0", "Never"))
FIELDS = {"role": "grant"}
#: Of tokens that end within so many days the list warns.
_SOON_DAYS = 7
#: What a new token may be tried with, the first that it may do.
_TRIALS = (
    (Permission.READ_LOG, "'{url}/api/v1/logs?limit=1'"),
    (Permission.READ_HOOKS, "{url}/api/v1/eventHooks"),
    (Permission.READ_INLINE_HOOKS, "{url}/api/v1/inlineHooks"),
    (Permission.PUBLISH, '-d \'{{"eventType":"user.lifecycle.create"}}\' {url}/api/v1/events'),
    (Permission.MANAGE_ADMINS, "{url}/api/v1/api-tokens"),
    (Permission.MANAGE_ORGS, "{url}/api/v1/orgs"),
)


class TokenRow(NamedTuple):
    """One token as a row of the list."""

    token: ApiToken
    owner: str
    may: str  #: its role; "" if it has scopes
    state: str  #: VALID, SOON or EXPIRED


async def list_tokens(visit: Visit) -> Response:
    """Show the org's tokens but for those of sign-ins."""
    after = visit.query("after") or None
    found = await engine.list_tokens(visit.pipeline, visit.principal, after, PAGE + 1, sign_ins=False)
    shown = found[:PAGE]
    logins = {one.id: one.login for one in await list_admins(visit.pipeline, visit.principal, None, _LOGINS)}
    now_ms = visit.pipeline.now_ms()
    rows = [_row(one, logins.get(one.admin_id, one.admin_id), now_ms) for one in shown]
    older = f"{PATH}?after={shown[-1].id}" if len(found) > PAGE else None
    return visit.render("tokens/list.html", rows=rows, newer=PATH if after else None, older=older)


async def show_sign_ins(visit: Visit) -> Response:
    """Show who is signed in."""
    return visit.render("tokens/sign_ins.html", sign_ins=await list_sign_ins(visit.pipeline, visit.principal))


async def show_form(visit: Visit) -> Response:
    """Show the form of a new token."""
    return _form(visit)


async def issue(visit: Visit) -> Response:
    """Issue a token and show it, in the answer to the form itself: it is kept nowhere that a next page could ask."""
    try:
        body = token_body(visit.form, visit.pipeline.now_ms())
        text, row = await engine.issue_token(visit.pipeline, visit.principal, body)
    except InvalidError as error:
        return _form(visit, 400, errors=FieldErrors(error, FIELDS))
    return show_once(visit, text, row, back=(PATH, "Tokens"))


async def confirm_revoke(visit: Visit) -> Response:
    """Ask whether a token shall end."""
    row = await engine.read_token(visit.pipeline, visit.principal, visit.params["token_id"])
    return visit.render("tokens/revoke.html", row=row, **revoking(row, PATH))


async def revoke(visit: Visit) -> Response:
    """End a token at once."""
    token_id = visit.params["token_id"]
    row = await engine.read_token(visit.pipeline, visit.principal, token_id)
    await engine.revoke_token(visit.pipeline, visit.principal, token_id)
    if row.name == engine.SESSION:
        return visit.redirect(SIGN_INS, "The sign-in has ended.")
    return visit.redirect(PATH, f"The token “{row.name}” is revoked.")


def revoking(row: ApiToken, path: str) -> dict[str, Any]:
    """Return what the page that asks before a token ends is made of. path: of the list."""
    is_sign_in = row.name == engine.SESSION
    return {
        "heading": "End this sign-in?" if is_sign_in else "Revoke this token?",
        "act": "End the sign-in" if is_sign_in else "Revoke the token",
        "path": f"{path}/{row.id}/revoke",
        "back": (SIGN_INS, "Sign-ins") if is_sign_in else (PATH, "Tokens"),
        "is_sign_in": is_sign_in,
    }


def token_body(form: Form, now_ms: int) -> dict[str, Any]:
    """Return what the form of a token asks the engine for. Raises: InvalidError."""
    days = form.text("expires")
    if days not in dict(EXPIRIES):
        raise InvalidError(engine.ENTITY, ["expires: choose one of those that are offered"])
    grant = form.text("grant")
    body: dict[str, Any] = {"name": form.text("name")}
    body |= {"scopes": form.all("scopes")} if grant == BY_SCOPES else {"role": grant}
    return body | ({"expires": format_ms(now_ms + int(days) * DAY_MS)} if days != "0" else {})


def show_once(
    visit: Visit, text: str, row: ApiToken, *, back: tuple[str, str], operator: bool | None = None
) -> Response:
    """Show a new token, with a command that tries it. operator: whether its org is the operator's; None: as here."""
    if operator is None:
        operator = visit.may(Permission.MANAGE_ORGS)
    held = granted(row.role, row.scopes, operator=operator)
    ask = next((ask for permission, ask in _TRIALS if permission in held), "{url}/api/v1/limits")
    trial = f"curl -H 'Authorization: SSWS {text}' " + ask.format(url=visit.pipeline.public_url)
    if "-d '" in ask:
        trial = trial.replace("curl ", "curl -H 'Content-Type: application/json' ", 1)
    return visit.render("tokens/issued.html", row=row, text=text, trial=trial, back=back, scopes=held)


def _row(token: ApiToken, owner: str, now_ms: int) -> TokenRow:
    left = None if token.expires is None else token.expires - now_ms
    state = "VALID" if left is None or left > _SOON_DAYS * DAY_MS else "SOON" if left > 0 else "EXPIRED"
    return TokenRow(token, owner, role_label(token.role) if token.role else "", state)


def _form(visit: Visit, status: int = 200, **context: Any) -> Response:
    operator = visit.may(Permission.MANAGE_ORGS)
    held = visit.principal.permissions
    grants = [one for one in role_choices() if permissions_of(Role(one[0]), operator=operator) <= held]
    shown = {
        "grants": [*grants, (BY_SCOPES, "Chosen scopes", "May do only what you tick below.")],
        "scopes": scopes_of(held),
        "expiries": EXPIRIES,
        **context,
    }
    return visit.render("tokens/new.html", status=status, **shown)


routes = [
    page(PATH, list_tokens, Permission.MANAGE_ADMINS),
    page(SIGN_INS, show_sign_ins, Permission.MANAGE_ADMINS),
    page("/console/tokens/new", show_form, Permission.MANAGE_ADMINS),
    action("/console/tokens", issue, Permission.MANAGE_ADMINS),
    page("/console/tokens/{token_id}/revoke", confirm_revoke, Permission.MANAGE_ADMINS),
    action("/console/tokens/{token_id}/revoke", revoke, Permission.MANAGE_ADMINS),
]
