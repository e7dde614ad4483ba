"""One request of a browser on its way through the console: who it is, what was sent, and how to answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tenterhook.console import cookies, flash
from tenterhook.console.cookies import Cookies
from tenterhook.console.form import NO_ERRORS, NOTHING, Form
from tenterhook.console.navigation import navigation
from tenterhook.console.press import Page, Press
from tenterhook.console.same_origin import TOKEN_FIELD, form_token
from tenterhook.domain.principal import Permission, Principal
from tenterhook.door.exchange import Exchange, exchange_of
from tenterhook.door.rate_limit import Bucket, Limiter, Standing, address_key
from tenterhook.engine.open_console import Inside
from tenterhook.engine.pipeline import Pipeline
from tenterhook.engine.sign_in import Visitor
from tenterhook.engine.tell_excess import Excess
from tenterhook.errors import NotAuthenticatedError, RateLimitedError

if TYPE_CHECKING:
    from tenterhook.console.routes import Routes

THEMES = ("light", "dark")


class Visit:
    """What an endpoint gets: the request, its sender, its form; and what makes an answer of them."""

    def __init__(self, request: Request, pipeline: Pipeline, routes: Routes, kept: Cookies, press: Press) -> None:
        self.request = request
        self.pipeline = pipeline
        self.cookies = kept
        self.press = press
        self.exchange: Exchange = exchange_of(request.scope)
        #: What the path says of its parameters.
        self.params: Mapping[str, str] = {}
        #: What was sent; nothing, unless it is a POST.
        self.form: Form = NOTHING
        self.inside: Inside | None = None
        #: What ties a form to a browser that is not signed in.
        self.visitor_secret: str | None = None
        self._routes = routes
        self._settings: list[Callable[[Response], None]] = []

    @property
    def principal(self) -> Principal:
        """Who is signed in, with what they may do today: engine functions are called with it, as from the API."""
        if self.inside is None:
            raise NotAuthenticatedError("nobody is signed in")
        return self.inside.principal

    @property
    def signed_in(self) -> bool:
        """Whether anybody is."""
        return self.inside is not None

    @property
    def path(self) -> str:
        """The path of this page."""
        path: str = self.request.scope["path"]
        return path

    @property
    def address(self) -> str:
        """The path of this page, with its query: where a form may come back to."""
        query = self.request.scope["query_string"].decode("latin-1")
        return f"{self.path}?{query}" if query else self.path

    @property
    def theme(self) -> str | None:
        """What the reader has chosen: light or dark; None: as their system is."""
        chosen = self.cookies.read(self.request, cookies.THEME)
        return chosen if chosen in THEMES else None

    @property
    def person(self) -> Visitor:
        """Who is at the door, as far as one can see."""
        agent = self.exchange.facts.user_agent
        return Visitor(self.exchange.request_id, self.exchange.ip, None if agent is None else agent.decode("latin-1"))

    def query(self, name: str, default: str = "") -> str:
        """Return the last value of a parameter of the address."""
        return self.request.query_params.get(name, default)

    def may(self, permission: Permission) -> bool:
        """Return whether the reader may do this: what they may not do is not offered to them."""
        return self.signed_in and self.principal.may(permission)

    def count(self, bucket: Bucket) -> None:
        """Count this request against a rate limit. Raises: RateLimitedError."""
        principal, state = self.principal, self.request.app.state
        key = principal.org_id if bucket is Bucket.VERIFICATION else principal.counted_as
        standing = self.exchange.count = state.limiter.count(bucket, key)
        if not standing.allowed:
            state.excesses.note(Excess(principal.org_id, principal.token_id, bucket, standing.limit, standing.wait_s))
            raise RateLimitedError("")

    def count_visitor(self) -> Standing:
        """Count this request of somebody who is not signed in, and return where their address stands."""
        limiter: Limiter = self.request.app.state.limiter
        standing = self.exchange.count = limiter.count(Bucket.VISITORS, address_key(self.exchange.ip))
        return standing

    def reaches(self, path: str) -> bool:
        """Return whether there is a page at this path, and the reader may see it: links to others are not offered."""
        if not self.signed_in:
            return False
        try:
            route, _ = self._routes.find("GET", path)
        except HTTPException:
            return False
        return route.permission is None or self.may(route.permission)

    def render(self, template: str, *, status: int = 200, **context: Any) -> Response:
        """Return a page, made when it is answered.

        Templates find the visit as ``visit``, and a form's hidden token as ``csrf``.
        """
        secret = self.inside.cookie if self.inside is not None else self.visitor_secret
        token = "" if secret is None else form_token(secret)
        shown = {
            "visit": self,
            "csrf": Markup('<input type="hidden" name="{}" value="{}">').format(TOKEN_FIELD, token),
            "now_ms": self.pipeline.now_ms(),
            "sections": navigation(self._routes.all, self.principal, self.path) if self.signed_in else [],
            "flash": self._take_flash(),
            "errors": NO_ERRORS,
            "form": self.form,
        }
        return Page(self.press, template, shown | context, status)

    def redirect(self, path: str, said: str | None = None) -> Response:
        """Send the browser to another page of the console, by GET; *said* is shown there, once."""
        response = RedirectResponse(path, 303)
        if said is not None and self.inside is not None:
            self.cookies.put(response, cookies.FLASH, flash.seal_flash(said, self.inside.cookie))
        return response

    def keep(self, kind: str, value: str) -> None:
        """Set a cookie with whatever will be the answer."""
        self._settings.append(lambda response: self.cookies.put(response, kind, value))

    def settle(self, response: Response) -> Response:
        """Return the answer with the cookies that go with it."""
        for setting in self._settings:
            setting(response)
        return response

    def _take_flash(self) -> str | None:
        cookie = self.cookies.read(self.request, cookies.FLASH)
        if cookie is None or self.inside is None:
            return None
        self._settings.append(lambda response: self.cookies.drop(response, cookies.FLASH))
        return flash.open_flash(cookie, self.inside.cookie)
