"""The public keys by which an issuer signs its tokens: read from its JWK set, and used to check a signature.

Source: RFC 7517, RFC 7515 §5.2, RFC 8725 §3.1; joserfc does the arithmetic.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, OKPKey, RSAKey

from tenterhook.domain.access_token import ALGORITHMS, AccessToken, TokenError
from tenterhook.domain.strict_json import StrictJsonError, loads

MAX_KEYS = 100
#: Base64url characters of an RSA modulus: 2,048 to 8,192 bits. Weaker keys prove nothing, larger ones cost too much.
_MODULUS = range(341, 1367)
_MAX_EXPONENT = 6
#: Which keys each kind of algorithm goes with: a key is used for nothing else, whatever a token's header says.
_CURVES = {
    "ES256": "P-256",
    "ES384": "P-384",
    "ES512": "P-521",
    "EdDSA": "Ed25519",
    "Ed25519": "Ed25519",
}


class _Algorithms(jws.JWSRegistry):
    """The algorithms that we accept: joserfc warns of EdDSA's older name, by which issuers sign all the same."""

    max_header_length = 4096
    max_signature_length = 2048

    def get_alg(self, name: str) -> Any:
        if name not in ALGORITHMS:
            raise TokenError("signed by an algorithm that is not accepted")
        return self.algorithms[name]


_ALGORITHMS = _Algorithms(strict_check_header=False)


class IssuerKey(msgspec.Struct, frozen=True):
    """One public key of an issuer."""

    key_id: str | None
    algorithm: str | None  #: the only one it is for, if its issuer says so
    kind: str  #: RSA, EC or OKP
    curve: str | None
    key: RSAKey | ECKey | OKPKey

    def fits(self, token: AccessToken) -> bool:
        """Return whether *token* may have been signed by this key."""
        if token.key_id is not None and token.key_id != self.key_id:
            return False
        if self.algorithm not in (None, token.algorithm):
            return False
        curve = _CURVES.get(token.algorithm)
        return self.kind == "RSA" if curve is None else self.curve == curve


def read_keys(body: bytes) -> tuple[IssuerKey, ...]:
    """Return the keys of a JWK set that can prove a signature; others, such as those for encrypting, are passed over.

    Raises: ValueError, if it is no JWK set at all.
    """
    try:
        document = loads(body)
    except StrictJsonError as error:
        raise ValueError(f"the key set is not JSON: {error}") from error
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise ValueError("the key set has no array `keys`")
    found = (_key(one) for one in listed[:MAX_KEYS] if isinstance(one, dict))
    return tuple(one for one in found if one is not None)


def _key(fields: Mapping[str, Any]) -> IssuerKey | None:
    key_id, algorithm, kind, curve = (fields.get(name) for name in ("kid", "alg", "kty", "crv"))
    if any(not isinstance(one, str | None) for one in (key_id, algorithm, kind, curve)):
        return None
    if fields.get("use") not in (None, "sig") or algorithm not in (None, *ALGORITHMS):
        return None
    if kind == "RSA":
        modulus, exponent = fields.get("n"), fields.get("e")
        if not isinstance(modulus, str) or not isinstance(exponent, str):
            return None
        if len(modulus) not in _MODULUS or len(exponent) > _MAX_EXPONENT:
            return None
    elif curve not in _CURVES.values():
        return None
    try:
        key = JWKRegistry.import_key({name: value for name, value in fields.items() if name in _PUBLIC})
    except (JoseError, ValueError, TypeError):
        return None
    if not isinstance(key, RSAKey | ECKey | OKPKey):
        return None
    return IssuerKey(key_id, algorithm, str(kind), curve, key)


#: What is read of a key: nothing private, should an issuer be so careless as to publish that.
_PUBLIC = frozenset({"kty", "n", "e", "crv", "x", "y"})


def check_signature(text: str, token: AccessToken, key: IssuerKey) -> None:
    """Raise TokenError unless *key* signed *text*, which was read as *token*."""
    try:
        jws.deserialize_compact(text, key.key, algorithms=[token.algorithm], registry=_ALGORITHMS)
    except (JoseError, ValueError, TypeError) as error:
        raise TokenError(f"the signature is wrong or has unknown demands ({type(error).__name__})") from error
