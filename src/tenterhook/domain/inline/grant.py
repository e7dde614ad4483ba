"""An OAUTH channel's access token: what is asked of the token endpoint, and what it answers.

Source: okta/inline-hooks.md §2 and §3; RFC 6749 §4.4 and §5, RFC 6750 §2.1, RFC 7523 §2.2 and §3.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from tenterhook.domain.document import as_number, kind_of
from tenterhook.domain.inline.hook import InlineConfig
from tenterhook.domain.inline.masking import Secrets, masked
from tenterhook.domain.secret import Secret
from tenterhook.domain.strict_json import StrictJsonError, loads

#: How long an assertion is valid: the endpoint needs it within the call's few seconds, whatever its clock says.
ASSERTION_S = 300
#: A token is not used in the last seconds of its life, in which clocks and the way to the endpoint may disagree.
MARGIN_S = 30.0
#: How long a token serves whose endpoint does not say how long it is valid, and the most that one serves.
UNSAID_S, LONGEST_S = 60.0, 86_400.0
MAX_TOKEN = 8192
#: Characters that are repeated of what a token endpoint says.
MAX_QUOTED = 200

_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*", re.ASCII)  # RFC 6750 §2.1
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]")


class Grant(msgspec.Struct, frozen=True):
    """An access token."""

    token: Secret
    keep_s: float  #: how long it may be used again from now on; 0: for this call only


def render_request(config: InlineConfig, proof: tuple[str, str]) -> bytes:
    """Return the form that asks for a token.

    proof: ``("client_secret", the secret)`` or ``("client_assertion", the signed assertion)``.
    """
    fields = [("grant_type", "client_credentials")]
    if config.scope:
        fields.append(("scope", config.scope))
    fields.append(("client_id", config.client_id or ""))
    if proof[0] == "client_assertion":
        fields.append(("client_assertion_type", _BEARER))
    return urlencode([*fields, proof]).encode()


def sign_assertion(config: InlineConfig, key: tuple[str, str], jti: str, now_s: int) -> str:
    """Return the JWT (RS256) by which the client proves itself to its token endpoint.

    key: its ``kid`` and the private half as PEM. Costs about a millisecond: not for the event loop.
    Raises: ValueError, if the key cannot sign.
    """
    kid, pem = key
    claims = {
        "iss": config.client_id,
        "sub": config.client_id,
        "aud": config.token_url,
        "iat": now_s,
        "exp": now_s + ASSERTION_S,
        "jti": jti,
    }
    try:
        return jwt.encode({"alg": "RS256", "kid": kid, "typ": "JWT"}, claims, RSAKey.import_key(pem))
    except JoseError as error:
        raise ValueError("the key cannot sign") from error


def read_grant(status: int, body: bytes, secrets: Secrets = ()) -> Grant | str:
    """Return the token that a token endpoint granted, or in words why there is none.

    secrets: masked in the words, which may quote what the endpoint says; the token is as it was granted.
    """
    try:
        said = loads(body)
    except StrictJsonError as error:
        said = error
    if status != 200:
        return f"The token endpoint answered {status}{_reasons(said, secrets)}."
    if isinstance(said, StrictJsonError):
        return f"The token endpoint's answer is not JSON: {masked(str(said), secrets)}"
    if not isinstance(said, dict):
        return f"The token endpoint's answer must be a JSON object, not {kind_of(said)}."
    problem = _problem(said)
    if problem is not None:
        return f"The token endpoint's answer is not as RFC 6749 §5.1 wants it: {problem}."
    lifetime = _lifetime(said.get("expires_in"))
    keep_s = UNSAID_S if lifetime is None else min(lifetime - MARGIN_S, LONGEST_S)
    return Grant(Secret(said["access_token"]), max(0.0, keep_s))


def _problem(said: dict[str, Any]) -> str | None:
    token, kind, lifetime = (said.get(key) for key in ("access_token", "token_type", "expires_in"))
    if not isinstance(token, str):
        return f"access_token must be a string, not {kind_of(token)}"
    if len(token) > MAX_TOKEN or not _TOKEN.fullmatch(token):
        return f"access_token must be 1 to {MAX_TOKEN:,} letters, digits and - . _ ~ + / ="
    if not isinstance(kind, str) or kind.lower() != "bearer":
        return "token_type must be Bearer"
    if lifetime is not None and _lifetime(lifetime) is None:
        return "expires_in must be a number of seconds"
    return None


def _lifetime(value: object) -> float | None:
    """Return seconds; some servers write them as a string."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 12:
        return float(value)
    found = as_number(value)
    return found if found is not None and found >= 0 else None


def _reasons(said: object, secrets: Secrets) -> str:
    """Return what an error answer (RFC 6749 §5.2) gives as its reasons, fit for a sentence."""
    if not isinstance(said, dict):
        return ""
    texts = [said.get(key) for key in ("error", "error_description")]
    told = [_quoted(masked(text, secrets)) for text in texts if isinstance(text, str) and text]
    return f": {', '.join(told)}" if told else ""


def _quoted(text: str) -> str:
    return _UNPRINTABLE.sub("?", text)[:MAX_QUOTED].rstrip(".")
