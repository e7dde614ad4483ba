"""The console's cookies: their names, and how they are set."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import Response

#: Who is signed in · what ties a form to a browser that is not · what to say on the next page · light or dark.
SESSION, VISITOR, FLASH, THEME = "sid", "visitor", "flash", "theme"

_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")


class Cookies:
    """Reads and sets cookies as the address that we are known by allows.

    On https each is ``__Host-`` and Secure: no other host, path or plain connection can set or see it. Browsers take
    such a cookie from no http page, and Safari from no loopback one either, so on plain http, which is for development
    on one machine, the names are bare.
    """

    def __init__(self, public_url: str) -> None:
        self.secure = public_url.startswith("https://")

    def name(self, kind: str) -> str:
        """Return the name under which a cookie is kept."""
        return f"__Host-{kind}" if self.secure else kind

    def read(self, request: Request, kind: str) -> str | None:
        """Return a cookie as it was sent, None if it was not."""
        return request.cookies.get(self.name(kind))

    def read_secret(self, request: Request, kind: str) -> str | None:
        """Return a cookie that is as long and plain as the secrets that we make; None: there is none such."""
        text = self.read(request, kind)
        return text if text is not None and _SECRET.fullmatch(text) else None

    def put(self, response: Response, kind: str, value: str, *, max_age_s: int | None = None) -> None:
        """Set a cookie. max_age_s: None: until the browser is closed."""
        response.set_cookie(
            self.name(kind),
            value,
            max_age=max_age_s,
            path="/",
            secure=self.secure,
            httponly=True,
            samesite="lax",
        )

    def drop(self, response: Response, kind: str) -> None:
        """Make the browser forget a cookie."""
        response.delete_cookie(self.name(kind), path="/", secure=self.secure, httponly=True, samesite="lax")
