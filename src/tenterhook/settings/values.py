"""How single values are read: from text as an environment gives it, or typed as TOML does.

Each function takes what was written and returns it ready for the field's type, or raises ValueError with what is wrong
in it, as a clause without a subject ("has a path"). None may put a secret in its words.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from tenterhook.domain.access_token import parse_issuer
from tenterhook.domain.address import parse_allowed_network

_HOST_NAME = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*\.?")
_TOKEN = re.compile(r"[A-Za-z0-9\-._~+/=]{20,200}")


class Expect(NamedTuple):
    """Field metadata: what would be right, to finish the sentence "X must be …"."""

    what: str


def no_bool(value: object) -> object:
    """Refuse true and false where a number is meant: Python would read them as 1 and 0."""
    if isinstance(value, bool):
        raise ValueError("is true or false, not a number")
    return value


def unlimited_as_none(value: object) -> object:
    """Read the word *unlimited*."""
    if isinstance(value, str) and value.strip().lower() == "unlimited":
        return None
    return no_bool(value)


def split_list(value: object) -> object:
    """Read a list from comma-separated text; empty parts are left out. Other values pass."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return tuple(value) if isinstance(value, list) else value


def split_issuers(value: object) -> object:
    """Like `split_list`; an issuer may stand in the list once, for a token of it can be for one org only."""
    parts = split_list(value)
    if isinstance(parts, tuple):
        names = [part.split()[0] for part in parts if isinstance(part, str) and part.strip()]
        if len(names) != len(set(names)):
            raise ValueError("names an issuer twice")
    return parts


def check_issuer(value: object) -> object:
    """Accept what the domain reads as a trusted issuer; the text itself is kept, for showing."""
    if isinstance(value, str):
        parse_issuer(value)
    return value


def check_audience(value: object) -> object:
    """Accept what can stand in a token's `aud`."""
    if isinstance(value, str) and not (0 < len(value) <= 1000 and value.isprintable()):
        raise ValueError("is too long or not printable")
    return value


def check_proxies(value: object) -> object:
    """Accept a CIDR or a single address, and return it as a CIDR."""
    if not isinstance(value, str):
        return value
    try:
        return str(ipaddress.ip_network(value))
    except ValueError as error:
        raise ValueError(f"is not accepted: {error}") from error


def check_host(value: object) -> object:
    """Accept an IP literal (without brackets) or a host name."""
    if not isinstance(value, str):
        return value
    try:
        ipaddress.ip_address(value)
    except ValueError:
        if not _HOST_NAME.fullmatch(value) or value.replace(".", "").isdigit():
            raise ValueError("is neither an IP address nor a host name") from None
    return value


def check_public_url(value: object) -> object:
    """Accept scheme, host and port, and return them without a trailing slash."""
    if not isinstance(value, str):
        return value
    url = value.rstrip("/")
    try:
        parts = urlsplit(url)
        problem = _public_url_problem(parts, parts.port)
    except ValueError as error:
        raise ValueError(f"is not a URL ({error})") from error
    if problem:
        raise ValueError(problem)
    return url


def _public_url_problem(parts: SplitResult, port: int | None) -> str | None:
    if parts.scheme not in ("http", "https"):
        return "does not begin with https:// or http://"
    if "@" in parts.netloc:
        return "holds a user name"
    if parts.path or parts.query or parts.fragment or "?" in parts.geturl():
        return "has more than scheme, host and port"
    host = parts.hostname or ""
    if not (":" in host or _HOST_NAME.fullmatch(host)) or port == 0:
        return "has no proper host and port"
    return None


def check_secret_key(value: object) -> object:
    """Accept 32 bytes in URL-safe base64, the form of a Fernet key."""
    if not isinstance(value, str):
        return value
    try:
        raw = base64.b64decode(value, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("has a key that is not URL-safe base64") from None
    if len(raw) != 32:
        raise ValueError(f"has a key of {len(raw)} bytes")
    return value


def check_token(value: object) -> object:
    """Accept a token that fits into an Authorization header and cannot be guessed by chance."""
    if isinstance(value, str) and not _TOKEN.fullmatch(value):
        raise ValueError("is too short" if len(value) < 20 else "is too long, or has other characters")
    return value


def check_network(value: object) -> object:
    """Accept what the domain reads as an allowed network; the text itself is kept, for showing."""
    if isinstance(value, str):
        try:
            parse_allowed_network(value)
        except ValueError as error:
            raise ValueError(f"is not accepted: {str(error).rstrip('.')}") from error
    return value


def check_ca_file(value: object) -> object:
    """Accept a file that can be read and holds at least one PEM certificate."""
    if not isinstance(value, str | Path):
        return value
    try:
        text = Path(value).read_bytes()
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror})") from error
    if b"-----BEGIN CERTIFICATE-----" not in text:
        raise ValueError("holds no certificate")
    return value


def check_user_agent(value: object) -> object:
    """Accept what may stand in a header."""
    if isinstance(value, str) and not (0 < len(value) <= 200 and value.isascii() and value.isprintable()):
        raise ValueError("is empty, too long or not printable ASCII")
    return value
