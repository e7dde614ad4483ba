"""An OAuth access token: what it says of its bearer, and whether its claims are good. Its signature is `issuer_key`'s.

Source: RFC 9068, RFC 7519 §4.1, RFC 8725; okta/errors-and-api.md, "Authentication".
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from tenterhook.domain.strict_json import StrictJsonError, loads

MAX_TOKEN = 8 * 1024  #: characters
LEEWAY_S = 60  #: by which an issuer's clock and ours may differ
MAX_NAME = 255  #: characters of a client id or subject: they go into log events
MAX_SCOPES = 200
#: Signatures by which an issuer can be known. None is a MAC: whoever can check one could make one, too.
ALGORITHMS = frozenset(
    {
        *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
        *("ES256", "ES384", "ES512", "EdDSA", "Ed25519"),
    }
)

_TYPES = frozenset({"", "jwt", "at+jwt", "application/jwt", "application/at+jwt"})
_LAST_SECOND = 253_402_300_799  # the year 9999: what comes later is a slip of units


class TokenError(ValueError):
    """The token is not accepted. The text says why, for the operator's log only: the bearer is never told."""


class TrustedIssuer(msgspec.Struct, frozen=True):
    """An issuer whose tokens are accepted, and for which org; made by `parse_issuer`."""

    url: str  #: to the letter, as its tokens name it in `iss`
    org_id: str | None = None  #: None: the default org


class AccessToken(msgspec.Struct, frozen=True):
    """A token taken apart, nothing in it believed yet."""

    algorithm: str
    key_id: str | None
    issuer: str
    claims: Mapping[str, Any]


class Bearer(msgspec.Struct, frozen=True):
    """Whom a good token stands for."""

    client_id: str  #: of the OAuth client; of the subject, where the token names no client
    subject: str
    scopes: tuple[str, ...]
    expires: int  #: ms; the leeway is in it


def parse_issuer(text: str) -> TrustedIssuer:
    """Read ``ISSUER`` or ``ISSUER ORG_ID``.

    Raises: ValueError, as a clause that tells what is wrong.
    """
    url, _, rest = text.strip().partition(" ")
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise ValueError(f"holds {url[:80]!r}, which is no https:// URL")
    if parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError(f"holds {parts.hostname!r} with a user name, query or fragment")
    org_id = rest.strip() or None
    if org_id is not None and not (org_id.isascii() and org_id.isalnum() and org_id.startswith("00o")):
        raise ValueError(f"holds {org_id[:40]!r}, which is no org's id (00o…)")
    return TrustedIssuer(url, org_id)


def read_token(text: str) -> AccessToken:
    """Take a token apart: header and claims, whose signature and truth are still to be judged.

    Raises: TokenError.
    """
    if len(text) > MAX_TOKEN:
        raise TokenError(f"longer than {MAX_TOKEN} characters")
    parts = text.split(".")
    if len(parts) != 3:
        raise TokenError("not three parts: no signed JWT")
    header, claims = _object(parts[0]), _object(parts[1])
    algorithm, key_id, kind = header.get("alg"), header.get("kid"), header.get("typ", "")
    if algorithm not in ALGORITHMS:
        raise TokenError("signed by an algorithm that is not accepted")
    if not isinstance(kind, str) or kind.lower() not in _TYPES:
        raise TokenError("typ is neither at+jwt nor JWT")
    if "crit" in header:
        raise TokenError("demands extensions that are not known here")
    if key_id is not None and not isinstance(key_id, str):
        raise TokenError("kid is no text")
    if not isinstance(claims.get("iss"), str):
        raise TokenError("iss is missing")
    return AccessToken(algorithm, key_id, claims["iss"], claims)


def judge(token: AccessToken, audience: str, now_ms: int) -> Bearer:
    """Return whom *token*, whose signature is proven, stands for at *now_ms*.

    audience: what `aud` must name, to the letter.
    Raises: TokenError.
    """
    claims = token.claims
    expires = _moment(claims, "exp")
    if expires is None:
        raise TokenError("exp is missing")
    if expires + LEEWAY_S <= now_ms / 1000:
        raise TokenError("expired")
    for name in ("nbf", "iat"):
        begins = _moment(claims, name)
        if begins is not None and begins - LEEWAY_S > now_ms / 1000:
            raise TokenError(f"{name} is in the future")
    if audience not in _texts(claims.get("aud"), "aud"):
        raise TokenError("made for another audience")
    subject = _name(claims, "sub")
    client_id = _name(claims, "cid") or _name(claims, "azp") or _name(claims, "client_id") or subject
    if client_id is None:
        raise TokenError("names neither client nor subject")
    return Bearer(client_id, subject or client_id, _scopes(claims), int((expires + LEEWAY_S) * 1000))


def _scopes(claims: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the scopes: an array in `scp` as Okta has it, else one text of words, as RFC 9068 has it."""
    name = "scp" if claims.get("scp") is not None else "scope"
    value = claims.get(name)
    scopes = value.split() if isinstance(value, str) else list(_texts(value, name))
    if len(scopes) > MAX_SCOPES:
        raise TokenError(f"{name} has more than {MAX_SCOPES} entries")
    return tuple(scopes)


def _object(part: str) -> dict[str, Any]:
    try:
        value = loads(base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, StrictJsonError) as error:
        raise TokenError("a part is not base64url of JSON") from error
    if not isinstance(value, dict):
        raise TokenError("a part is no JSON object")
    return value


def _moment(claims: Mapping[str, Any], name: str) -> float | None:
    """Return a claim that is a point in time, in seconds since the epoch."""
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LAST_SECOND:
        raise TokenError(f"{name} is no point in time")
    return value


def _texts(value: object, name: str) -> Iterable[str]:
    """Return what may be one text or an array of them."""
    found = [value] if isinstance(value, str) else [] if value is None else value
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise TokenError(f"{name} is neither a text nor an array of texts")
    return found


def _name(claims: Mapping[str, Any], claim: str) -> str | None:
    value = claims.get(claim)
    if value is None:
        return None
    if not isinstance(value, str) or not 0 < len(value) <= MAX_NAME or not value.isprintable():
        raise TokenError(f"{claim} is no text of 1 to {MAX_NAME} printable characters")
    return value
