"""What is one's own: the password, and where one is signed in."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from tenterhook.console import cookies
from tenterhook.console.form import FieldErrors
from tenterhook.console.routes import action, page
from tenterhook.console.visit import Visit
from tenterhook.domain.document import BLANK
from tenterhook.door.sign_in import Given, Knock
from tenterhook.engine.appoint_admin import ENTITY, MAX_PASSWORD, change_password, check_password, read_admin
from tenterhook.engine.list_sign_ins import end_sign_in, list_sign_ins
from tenterhook.engine.open_console import Inside, open_console
from tenterhook.errors import InvalidError, SignInError
from tenterhook.store.admins import Admin

PATH = "/console/account"
_DIFFERENT = "again: is not the same as the new password"
_WRONG = "current: is not your password"


async def show(visit: Visit) -> Response:
    """Show the reader's own account."""
    return await _page(visit)


async def set_password(visit: Visit) -> Response:
    """Give the reader another password. Every sign-in of theirs ends but for this one, which gets another cookie."""
    admin = await read_admin(visit.pipeline, visit.principal, visit.principal.admin_id)
    try:
        _check(visit, admin)
        cookie = await _changed(visit, admin)
    except InvalidError as error:
        return await _page(visit, 400, errors=FieldErrors(error, {"password": "new"}))
    except SignInError:
        return await _page(visit, 400, errors=FieldErrors(InvalidError(ENTITY, [_WRONG])))
    visit.inside = Inside(visit.principal, cookie)
    visit.keep(cookies.SESSION, cookie)
    return visit.redirect(PATH, "Your password is changed. You are signed in here alone.")


async def end(visit: Visit) -> Response:
    """End one of the reader's own sign-ins."""
    await end_sign_in(visit.pipeline, visit.principal, visit.params["token_id"])
    return visit.redirect(PATH, "The sign-in has ended.")


def _check(visit: Visit, admin: Admin) -> None:
    form, problems = visit.form, []
    if not form.text("new"):
        problems.append(f"password: {BLANK}")
    elif form.text("again") != form.text("new"):
        problems.append(_DIFFERENT)
    if admin.password and not form.text("current"):
        problems.append(f"current: {BLANK}")
    if problems:
        raise InvalidError(ENTITY, problems)
    check_password(form.text("new"), admin.login)


async def _changed(visit: Visit, admin: Admin) -> str:
    """Change the password and return the cookie of a new session.

    The old password is asked for as at the door, with its limits, so that a browser left open gives nobody guesses.
    """

    async def opened(known: Admin) -> str:
        new, ends = visit.form.text("new"), visit.form.has("tokens")
        changed = await change_password(visit.pipeline, visit.principal, new, end_tokens=ends)
        return await open_console(visit.pipeline, changed)

    if not admin.password:
        return await opened(admin)
    knock = Knock(visit.pipeline, visit.request.app.state.limiter, visit.exchange)
    current = visit.form.text("current")[: MAX_PASSWORD + 1]
    return await knock.enter(Given(None, admin.login, current, admin.org_id), opened)


async def _page(visit: Visit, status: int = 200, **context: Any) -> Response:
    pipeline, principal = visit.pipeline, visit.principal
    shown = {
        "admin": await read_admin(pipeline, principal, principal.admin_id),
        "sign_ins": await list_sign_ins(pipeline, principal, principal.admin_id),
        **context,
    }
    return visit.render("account.html", status=status, **shown)


routes = [
    page(PATH, show, None),
    action("/console/account/password", set_password, None),
    action("/console/account/sign-ins/{token_id}/end", end, None),
]
