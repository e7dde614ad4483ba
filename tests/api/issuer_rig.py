"""An OAuth issuer on loopback that does as it is told: metadata, keys, and tokens good and bad."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

AUDIENCE = "http://127.0.0.1:8080"
NOW_S = 1_767_323_045

#: Made once: an RSA key takes a tenth of a second.
RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
OTHER_RSA = RSAKey.generate_key(2048, {"kid": "other"})
EC = ECKey.generate_key("P-256", {"kid": "ec"})
EC_384 = ECKey.generate_key("P-384", {"kid": "ec384"})
ED = OKPKey.generate_key("Ed25519", {"kid": "ed"})

Key = RSAKey | ECKey | OKPKey


@dataclass
class Issuer:
    """The issuer. What it serves can be changed while it runs."""

    keys: list[Key] = field(default_factory=lambda: [RSA, EC, ED])
    url: str = ""
    requests: list[str] = field(default_factory=list)
    status: int = 200
    cache_control: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)  #: instead of what is true
    body: bytes | None = None  #: of the key set, instead of the keys
    location: str = ""
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    well_known: tuple[str, ...] = ("/.well-known/oauth-authorization-server",)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                path = head.split(b" ")[1].decode()
                self.requests.append(path)
                await self.gate.wait()
                status, body = self._answer(path)
                lines = [f"HTTP/1.1 {status} Said", f"content-length: {len(body)}"]
                lines += [f"cache-control: {self.cache_control}"] if self.cache_control else []
                lines += [f"location: {self.location}"] if self.location else []
                writer.write("\r\n".join([*lines, "", ""]).encode() + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _answer(self, path: str) -> tuple[int, bytes]:
        if self.status != 200:
            return self.status, b""
        if path in self.well_known:
            return 200, json.dumps({"issuer": self.url, "jwks_uri": self.url + "/keys", **self.metadata}).encode()
        if path != "/keys":
            return 404, b"{}"
        if self.body is not None:
            return 200, self.body
        return 200, json.dumps({"keys": [{**key.as_dict(private=False), "use": "sig"} for key in self.keys]}).encode()

    def claims(self, **changes: Any) -> dict[str, Any]:
        """The claims of a good token as Okta makes them; a None takes one out."""
        good = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "0oa1client",
            "cid": "0oa1client",
            "scp": ["okta.eventHooks.read"],
            "iat": NOW_S,
            "exp": NOW_S + 3600,
        }
        return {name: value for name, value in {**good, **changes}.items() if value is not None}

    def token(
        self, key: Key = RSA, algorithm: str = "RS256", header: dict[str, Any] | None = None, **changes: Any
    ) -> str:
        """Sign a token; *header* changes its header, *changes* its claims."""
        fields = {"alg": algorithm, "kid": key.kid, **(header or {})}
        return sign({name: one for name, one in fields.items() if one is not None}, self.claims(**changes), key)


def sign(header: dict[str, Any], claims: dict[str, Any], key: Key | bytes) -> str:
    """Return a JWT, however odd its header. A key that is bytes makes a MAC, or nothing for `none`."""
    signing = f"{encode(header)}.{encode(claims)}"
    if isinstance(key, bytes):
        made = b"" if header["alg"] == "none" else hmac.digest(key, signing.encode(), "sha" + header["alg"][2:])
    else:
        made = JWSRegistry.algorithms[header["alg"]].sign(signing.encode(), key)
    return f"{signing}.{base64.urlsafe_b64encode(made).rstrip(b'=').decode()}"


def encode(value: object) -> str:
    """Return the base64url of a value's JSON."""
    return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).rstrip(b"=").decode()


@asynccontextmanager
async def issuing(**facts: Any) -> AsyncIterator[Issuer]:
    """An issuer at work."""
    issuer = Issuer(**facts)
    issuer.gate.set()
    server = await asyncio.start_server(issuer.serve, "127.0.0.1", 0)
    issuer.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield issuer
    finally:
        issuer.gate.set()
        server.close()
