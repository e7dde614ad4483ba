"""A real token endpoint on loopback: authlib's authorization server behind a few lines of HTTP."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from authlib.oauth2.rfc6749 import AuthorizationServer, ClientMixin, OAuth2Request
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion
from call_rig import endpoint
from joserfc.jwk import RSAKey

JWT_METHOD = JWTBearerClientAssertion.CLIENT_AUTH_METHOD
LIFETIME_S = 3600


@dataclass
class OAuthClient(ClientMixin):  # type: ignore[misc]
    """The client as the authorization server knows it."""

    client_id: str
    secret: str | None = None
    key: RSAKey | None = None  #: the public half
    scope: str = "hooks.answer"

    def get_client_id(self) -> str:
        return self.client_id

    def get_allowed_scope(self, scope: str | None) -> str:
        return " ".join(one for one in (scope or "").split() if one in self.scope.split())

    def check_client_secret(self, client_secret: str) -> bool:
        return self.secret is not None and secrets.compare_digest(self.secret, client_secret)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == ("client_secret_post" if self.secret is not None else JWT_METHOD)

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "client_credentials"


class _Grant(ClientCredentialsGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_post", JWT_METHOD)


class _FormRequest(OAuth2Request):  # type: ignore[misc]
    def __init__(self, form: dict[str, str], headers: dict[str, str]) -> None:
        super().__init__("POST", "https://id.example.com/token", headers=headers)
        self._fields = form
        self.payload = BasicOAuth2Payload(form)

    @property
    def form(self) -> dict[str, str]:
        return self._fields


class _Assertions(JWTBearerClientAssertion):  # type: ignore[misc]
    def __init__(self, issuer: Issuer) -> None:
        super().__init__()
        self._issuer = issuer

    def get_audiences(self) -> list[str]:
        return [self._issuer.url]

    def validate_jti(self, claims: dict[str, Any], jti: str) -> bool:
        fresh = jti not in self._issuer.jtis
        self._issuer.jtis.add(jti)
        return fresh

    def resolve_client_public_key(self, client: OAuthClient) -> RSAKey | None:
        return client.key


class _Server(AuthorizationServer):  # type: ignore[misc]
    def __init__(self, issuer: Issuer) -> None:
        super().__init__(scopes_supported=None)
        self._issuer = issuer
        self.register_grant(_Grant)
        self.register_client_auth_method(JWT_METHOD, _Assertions(issuer))
        generator = BearerTokenGenerator(lambda *_, **__: secrets.token_urlsafe(24), expires_generator=self._expires)
        self.register_token_generator("default", generator)

    def _expires(self, client: OAuthClient, grant_type: str) -> int:
        return self._issuer.lifetime_s

    def query_client(self, client_id: str) -> OAuthClient | None:
        return self._issuer.clients.get(client_id)

    def save_token(self, token: dict[str, Any], request: OAuth2Request) -> None:
        self._issuer.granted.append(token["access_token"])

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        pass

    def create_oauth2_request(self, request: OAuth2Request) -> OAuth2Request:
        return request

    def handle_response(self, status: int, body: dict[str, Any], headers: object) -> tuple[int, dict[str, Any]]:
        return status, body


@dataclass
class Issuer:
    """The token endpoint, and what came and went."""

    clients: dict[str, OAuthClient] = field(default_factory=dict)
    forms: list[dict[str, str]] = field(default_factory=list)
    granted: list[str] = field(default_factory=list)
    jtis: set[str] = field(default_factory=set)
    lifetime_s: int = LIFETIME_S
    url: str = ""

    def know(self, client: OAuthClient) -> None:
        self.clients[client.client_id] = client

    def answer(self, head: str, body: bytes) -> bytes:
        """Answer one request of the token endpoint."""
        form = dict(parse_qsl(body.decode()))
        self.forms.append(form)
        headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:])
        assert headers["Content-Type"] == "application/x-www-form-urlencoded"
        status, said = _Server(self).create_token_response(_FormRequest(form, headers))
        raw = json.dumps(said).encode()
        return f"HTTP/1.1 {status} Said\r\nContent-Length: {len(raw)}\r\n\r\n".encode() + raw


@asynccontextmanager
async def issuing(before: Callable[[], Any] | None = None) -> AsyncIterator[Issuer]:
    """A token endpoint. before: awaited before each answer."""
    issuer = Issuer()

    async def turn(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if before is not None:
            await before()
        writer.write(issuer.answer(*served.requests[-1]))
        await writer.drain()

    async with endpoint(turn) as served:
        issuer.url = served.url.replace("/ask", "/token")
        yield issuer
