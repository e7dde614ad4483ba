"""The console as one ASGI application, which the API's frame hands all requests below ``/console``."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from types import ModuleType

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import Message, Receive, Scope, Send

from tenterhook.console import (
    account,
    admins,
    assets,
    cookies,
    deliveries,
    delivery,
    event_types,
    explain,
    hook_keys,
    limits,
    orgs,
    overview,
    sign_in,
    system_log,
    theme,
    tokens,
)
from tenterhook.console.cookies import Cookies
from tenterhook.console.error_pages import error_page
from tenterhook.console.event_hooks import routes as event_hooks
from tenterhook.console.form import AT_ONCE_BYTES, read_form, read_form_body, token_of
from tenterhook.console.inline_hooks import routes as inline_hooks
from tenterhook.console.press import Press
from tenterhook.console.routes import PageRoute, Routes
from tenterhook.console.same_origin import ROOT, check_origin, check_token
from tenterhook.console.visit import Visit
from tenterhook.domain.principal import Permission, Principal
from tenterhook.door.rate_limit import Bucket, Standing
from tenterhook.engine.open_console import enter_console, still_inside
from tenterhook.engine.pipeline import Pipeline
from tenterhook.errors import ForbiddenError, NotAuthenticatedError

#: Each of these has a table `routes`.
PAGES: Sequence[ModuleType] = (
    overview,
    sign_in,
    theme,
    event_hooks,
    inline_hooks,
    hook_keys,
    deliveries,
    delivery,
    system_log,
    explain,
    event_types,
    tokens,
    admins,
    orgs,
    limits,
    account,
)

#: What `Referrer-Policy` has to say is decided in record 9: with no-referrer browsers call our own forms' origin null.
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
_HTTPS_ONLY = "max-age=31536000"
#: A live region asks with this header: looking at a page that renews itself must not keep a session from ending.
LIVE = "x-console-live"
_VISIT = "tenterhook.visit"


class Console:
    """The pages of one running pipeline. It relies on the frame for what is checked of every request."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.routes = Routes(route for module in PAGES for route in module.routes)
        self._pipeline = pipeline
        self._cookies = Cookies(pipeline.public_url)
        self._press = Press()

    def serves(self, path: str) -> bool:
        """Return whether what is at this path is the console's."""
        return path in ("/", ROOT) or path.startswith(f"{ROOT}/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or raise what went wrong, for `tell`."""
        visit = scope[_VISIT] = self._visit(scope, receive)
        response = visit.settle(await self._answer(visit))
        await response(scope, receive, self._guarded(send))

    async def tell(self, error: Exception, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that ended with *error*."""
        visit = scope.pop(_VISIT, None) or self._visit(scope, receive)
        response = visit.settle(error_page(error, visit))
        await response(scope, receive, self._guarded(send))

    def _visit(self, scope: Scope, receive: Receive) -> Visit:
        return Visit(Request(scope, receive), self._pipeline, self.routes, self._cookies, self._press)

    async def _answer(self, visit: Visit) -> Response:
        if visit.path in ("/", f"{ROOT}/"):
            return RedirectResponse(ROOT, 303)
        if visit.path.startswith(assets.PREFIX):
            return assets.answer_asset(visit.request)
        await self._recognise(visit)
        if visit.inside is None and not (standing := visit.count_visitor()).allowed:
            return _too_many(standing)
        route, visit.params = self.routes.find(visit.request.method, visit.path)
        if not route.public:
            _allow(visit, route)
        if route.method == "POST":
            await _take_form(visit, route)
            if not route.public:
                await _ask_again(visit)
        return await route.endpoint(visit)

    async def _recognise(self, visit: Visit) -> None:
        """Find out who this browser is signed in as; one that is not gets a secret for its forms to be held by."""
        shown = self._cookies.read_secret(visit.request, cookies.SESSION)
        if shown is not None:
            seen = LIVE not in visit.request.headers and visit.path not in self.routes.unseen
            visit.inside = await enter_console(self._pipeline, shown, visit.person, seen=seen)
        if visit.inside is not None:
            visit.exchange.principal = visit.inside.principal
            if visit.inside.cookie != shown:
                visit.keep(cookies.SESSION, visit.inside.cookie)
            return
        visit.visitor_secret = self._cookies.read_secret(visit.request, cookies.VISITOR)
        if visit.visitor_secret is None:
            visit.visitor_secret = secrets.token_urlsafe(32)
            if visit.request.method in ("GET", "HEAD"):
                visit.keep(cookies.VISITOR, visit.visitor_secret)

    def _guarded(self, send: Send) -> Send:
        """Return *send* with the headers that every answer of the console has."""

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)  # a download's policy is stricter
                if self._cookies.secure:
                    headers["strict-transport-security"] = _HTTPS_ONLY
                headers.setdefault("cache-control", "no-store")
            await send(message)

        return guarded


def _too_many(standing: Standing) -> Response:
    """Return what an address is told from which too many ask; it costs less than a page."""
    text = f"Too many requests from your address. Wait {standing.wait_s} s, then try again.\n"
    return PlainTextResponse(text, 429, {"retry-after": str(standing.wait_s)})


def _allow(visit: Visit, route: PageRoute) -> None:
    """Raise unless who is signed in may go on. Raises: NotAuthenticatedError, RateLimitedError, ForbiddenError."""
    principal: Principal = visit.principal
    visit.count(Bucket.LOGS if route.permission is Permission.READ_LOG else Bucket.MANAGEMENT)
    if route.permission is not None and not principal.may(route.permission):
        raise ForbiddenError(f"This needs the permission {route.permission}. Your role, {principal.role}, lacks it.")


async def _ask_again(visit: Visit) -> None:
    """Ask once more who is inside: a form may come half a minute after its head.

    Raises: NotAuthenticatedError, if the session ended meanwhile; ForbiddenError, if its admin may do less.
    """
    inside = visit.inside
    now = None if inside is None else await still_inside(visit.pipeline, inside.cookie, visit.person)
    if now is None:
        raise NotAuthenticatedError("the session ended while the form was on its way")
    if not visit.principal.permissions <= now.permissions:
        raise ForbiddenError("What you may do was reduced while the form was on its way.")


async def _take_form(visit: Visit, route: PageRoute) -> None:
    check_origin(visit.request, visit.pipeline.public_url)
    body = await read_form_body(visit.request, route.cap_bytes)
    if len(body) <= AT_ONCE_BYTES or not visit.signed_in:
        visit.form = read_form(body)
    else:
        visit.form = await visit.pipeline.aside.run(visit.principal.org_id, lambda: read_form(body))
    secret = visit.inside.cookie if visit.inside is not None else visit.visitor_secret
    check_token(secret, token_of(visit.form))
