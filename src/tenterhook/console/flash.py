"""A word of what was done, for the next page: in a cookie that only this server can write, and that is shown once."""

from __future__ import annotations

import base64
import hmac
from hashlib import sha256

MAX_TEXT = 500


def seal_flash(text: str, secret: str) -> str:
    """Return the cookie that says *text* to the browser whose session's cookie is *secret*."""
    said = base64.urlsafe_b64encode(text[:MAX_TEXT].encode()).decode()
    return f"{said}.{_seal(said, secret)}"


def open_flash(cookie: str | None, secret: str) -> str | None:
    """Return what a cookie says; None if it is none that was made for this session."""
    said, _, seal = (cookie or "").partition(".")
    if not said or not hmac.compare_digest(seal.encode("latin-1", "replace"), _seal(said, secret).encode()):
        return None
    return base64.urlsafe_b64decode(said).decode()


def _seal(said: str, secret: str) -> str:
    return hmac.digest(secret.encode(), b"tenterhook console flash " + said.encode("utf-8", "replace"), sha256).hex()
