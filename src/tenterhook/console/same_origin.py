"""Whether a form comes from a page of ours: where the browser says it does, and by a token that only our pages hold.

Source: security checks 189, 191 and 196; decision record 9.
"""

from __future__ import annotations

import hmac
import re
from hashlib import sha256
from urllib.parse import urlsplit

from starlette.requests import Request

from tenterhook.errors import ForbiddenError

#: Of a form, the field that holds the token.
TOKEN_FIELD = "csrf"  # noqa: S105 - its name
#: Where everything of the console lives; nobody is sent anywhere else.
ROOT = "/console"

_INSIDE = re.compile(r"/console(?:[/?][!-\[\]-~]*)?", re.ASCII)
_MAX_NEXT = 2000


def form_token(secret: str) -> str:
    """Return the token of forms that are made for the browser whose cookie holds *secret*."""
    return hmac.digest(secret.encode(), b"tenterhook console form", sha256).hex()


def check_origin(request: Request, public_url: str) -> None:
    """Raise unless the browser says that a page of ours sends this form, or says nothing.

    A page of ours is one at the Host that was asked for, which the frame has checked; by the scheme that we are known
    by, where it is that host. A browser that says nothing is held by the token alone.
    Raises: ForbiddenError.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None and site != "same-origin":
        raise ForbiddenError("The form was sent by a page of another site.")
    origin = request.headers.get("origin")
    if origin is None:
        return
    host, known = request.headers.get("host", "").lower(), urlsplit(public_url)
    schemes = (known.scheme,) if host == known.netloc.lower() else ("http", "https")
    if origin.lower() not in [f"{scheme}://{host}" for scheme in schemes]:
        raise ForbiddenError("The form was sent by a page of another site.")


def check_token(secret: str | None, token: str) -> None:
    """Raise unless *token* is the one of forms for the browser whose cookie holds *secret*. Raises: ForbiddenError."""
    if secret is None or not hmac.compare_digest(form_token(secret).encode(), token.encode("utf-8", "replace")):
        raise ForbiddenError("The form is not one that this console made for you, or you have signed in since.")


def inside(target: str | None) -> str:
    """Return *target* if it is a path of the console, else the console's first page."""
    if target is None or len(target) > _MAX_NEXT or not _INSIDE.fullmatch(target):
        return ROOT
    return ROOT if "//" in target.partition("?")[0] else target
