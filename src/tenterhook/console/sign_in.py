"""Signing in and out: with login and password, or with a link that works once."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from tenterhook.console import cookies
from tenterhook.console.form import FieldErrors
from tenterhook.console.routes import PageRoute, action
from tenterhook.console.same_origin import inside
from tenterhook.console.visit import Visit
from tenterhook.door.sign_in import Knock, read_given
from tenterhook.engine.open_console import leave_console, open_console
from tenterhook.errors import InvalidError, SignInError
from tenterhook.store.admins import Admin

#: Of the form: anybody may send it.
MAX_BYTES = 8 * 1024

PATH = "/console/sign-in"

_WRONG = "Login or password is wrong, or this admin has no password."
_USED = "This link is not good: it was used, is more than 15 minutes old, or a newer one was made."


async def show_sign_in(visit: Visit) -> Response:
    """Show the form; with a link in the address, a button that uses it: what only fetches the page must not."""
    target = inside(visit.query("next"))
    link = visit.query("link")
    if visit.signed_in and not link:
        return visit.redirect(target)
    return _page(visit, link, target)


async def sign_in(visit: Visit) -> Response:
    """Sign in and go on to where the visitor wanted to; the browser gets a new session whatever it had."""
    form = visit.form
    link, target = form.text("link"), inside(form.text("next"))
    knock = Knock(visit.pipeline, visit.request.app.state.limiter, visit.exchange)
    former = visit.inside.cookie if visit.inside is not None else None

    async def opened(admin: Admin) -> str:
        return await open_console(visit.pipeline, admin, former)

    try:
        cookie = await knock.enter(read_given(_document(visit, link)), opened)
    except InvalidError as error:
        return _page(visit, link, target, 400, errors=FieldErrors(error))
    except SignInError:
        return _page(visit, link, target, 401, refusal=_USED if link else _WRONG)
    visit.keep(cookies.SESSION, cookie)
    return visit.redirect(target)


async def sign_out(visit: Visit) -> Response:
    """End the session, here and on the server."""
    if visit.inside is not None:
        await leave_console(visit.pipeline, visit.principal, visit.inside.cookie)
    response = visit.redirect(PATH)
    visit.cookies.drop(response, cookies.SESSION)
    return response


def _document(visit: Visit, link: str) -> dict[str, str]:
    if link:
        return {"link": link}
    org = visit.form.text("org").strip()
    given = {"login": visit.form.text("login"), "password": visit.form.text("password")}
    return given | ({"org": org} if org else {})


def _page(visit: Visit, link: str, target: str, status: int = 200, **context: Any) -> Response:
    shown = {"link": link, "target": target, "refusal": None, **context}
    return visit.render("sign_in.html", status=status, **shown)


routes = [
    PageRoute("GET", PATH, show_sign_in, None, public=True),
    PageRoute("POST", PATH, sign_in, None, public=True, cap_bytes=MAX_BYTES),
    action("/console/sign-out", sign_out, None),
]
