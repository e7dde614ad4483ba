"""Trust OAuth issuers: find their keys, keep them for a while, and judge the tokens that they signed.

An issuer is slow or down at times. Then its last keys serve on, few calls wait for it, and callers with API tokens
never do.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable
from time import monotonic
from typing import Any

import msgspec
import structlog

from tenterhook.domain.access_token import AccessToken, Bearer, TokenError, TrustedIssuer, judge, read_token
from tenterhook.domain.attempt import Attempt, Outcome
from tenterhook.domain.destination import DestinationError, DestinationRules, parse_destination
from tenterhook.domain.issuer_key import IssuerKey, check_signature, read_keys
from tenterhook.domain.strict_json import StrictJsonError, loads
from tenterhook.egress.client import Client, Request, render_head
from tenterhook.ids import new_request_id

log = structlog.get_logger(__name__)

FETCH_S = 3.0  #: for finding and fetching an issuer's keys, all in all
KEEP_MS = 600_000  #: how long keys serve, where their issuer does not say
MIN_KEEP_MS, MAX_KEEP_MS = 60_000, 86_400_000  #: the bounds of what it may say
STALE_MS = 86_400_000  #: how long keys serve beyond that, while their issuer gives no others
AGAIN_MS = 30_000  #: between two fetches that a token with an unknown key or a failure asks for
MAX_WAITING = 100  #: calls that wait for one issuer

_WELL_KNOWN = ("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration")
_MAX_AGE = re.compile(r"(?:^|[,\s])max-age\s*=\s*\"?(\d{1,9})", re.IGNORECASE)


class _FetchError(Exception):
    """The issuer's keys could not be had; the text says why, for the operator's log."""


class _Keys(msgspec.Struct, frozen=True):
    """An issuer's keys as last fetched."""

    keys: tuple[IssuerKey, ...] = ()
    until: int = 0  #: ms: fresh before it
    usable_until: int = 0  #: ms: better than none before it


class Issuer:
    """One trusted issuer and its keys.

    entry: as the operator named it. client, rules: the way out, and what of it is open.
    Raises: DestinationError, if the issuer's address may not be called.
    """

    def __init__(self, entry: TrustedIssuer, client: Client, rules: DestinationRules, user_agent: str) -> None:
        self.entry = entry
        self._client, self._rules = client, rules
        self._headers = (("User-Agent", user_agent), ("Accept", "application/json"))
        self._base = entry.url.rstrip("/")
        parse_destination(self._base + _WELL_KNOWN[0], rules)
        self._keys_url: str | None = None  #: once its metadata named it
        self._keys = _Keys()
        self._tried = -AGAIN_MS  #: ms: when a fetch began last
        self._fetching: asyncio.Task[None] | None = None
        self._waiting = 0

    async def prove(self, text: str, token: AccessToken, now_ms: Callable[[], int]) -> int:
        """Check the signature of *token*; return until when (ms) that may be relied on without asking again.

        Raises: TokenError.
        """
        keys = self._keys
        if now_ms() >= keys.until:
            await self._refresh(now_ms)
        fitting = self._fitting(token, now_ms())
        if not fitting and now_ms() < self._keys.until:
            await self._refresh(now_ms)  # signed with a key that is newer than what is known here
            fitting = self._fitting(token, now_ms())
        if not fitting:
            raise TokenError("none of the issuer's keys, as far as they are known, fits")
        for key in fitting[:-1]:
            try:
                check_signature(text, token, key)
            except TokenError:
                continue
            return self._relied_until(now_ms())
        check_signature(text, token, fitting[-1])
        return self._relied_until(now_ms())

    def _fitting(self, token: AccessToken, now_ms: int) -> list[IssuerKey]:
        if now_ms >= self._keys.usable_until:
            return []
        return [key for key in self._keys.keys if key.fits(token)]

    def _relied_until(self, now_ms: int) -> int:
        """Keys that are past their time are asked for again soon, so that one that was withdrawn ends."""
        return max(self._keys.until, now_ms + AGAIN_MS)

    async def _refresh(self, now_ms: Callable[[], int]) -> None:
        """Fetch the keys, or wait for whoever does; give up after `FETCH_S`. Never more often than `AGAIN_MS`."""
        if self._fetching is None:
            if abs(now_ms() - self._tried) < AGAIN_MS:
                return
            self._tried = now_ms()
            self._fetching = asyncio.create_task(self._fetch(now_ms))
        if self._waiting >= MAX_WAITING:
            return
        self._waiting += 1
        try:
            await asyncio.wait([self._fetching], timeout=2 * FETCH_S)  # the task keeps its own deadline
        finally:
            self._waiting -= 1

    async def _fetch(self, now_ms: Callable[[], int]) -> None:
        try:
            async with asyncio.timeout(2 * FETCH_S):
                self._keys = await self._ask(now_ms)
        except (_FetchError, DestinationError, TimeoutError) as error:
            self._keys_url = None
            log.warning("an OAuth issuer's keys could not be fetched", issuer=self.entry.url, why=str(error))
        finally:
            self._fetching = None

    async def _ask(self, now_ms: Callable[[], int]) -> _Keys:
        deadline = monotonic() + FETCH_S
        url = self._keys_url or await self._find_keys_url(deadline)
        attempt = await self._get(url, deadline)
        try:
            keys = read_keys(attempt.response_body)
        except ValueError as error:
            raise _FetchError(str(error)) from error
        if not keys:
            raise _FetchError("the key set holds no key that can prove a signature")
        self._keys_url = url
        until = now_ms() + _keep_ms(attempt)
        return _Keys(keys, until, until + STALE_MS)

    async def _find_keys_url(self, deadline: float) -> str:
        """Return the `jwks_uri` of the issuer's metadata (RFC 8414 §3, OpenID Connect Discovery §4)."""
        problem = ""
        for path in _WELL_KNOWN:
            try:
                attempt = await self._get(self._base + path, deadline)
                return self._keys_url_of(attempt.response_body)
            except _FetchError as error:
                problem = str(error)
        raise _FetchError(f"no metadata: {problem}")

    def _keys_url_of(self, body: bytes) -> str:
        try:
            metadata: Any = loads(body)
        except StrictJsonError as error:
            raise _FetchError(f"the metadata is not JSON: {error}") from error
        if not isinstance(metadata, dict) or metadata.get("issuer") != self.entry.url:
            raise _FetchError("the metadata is another issuer's: `issuer` is not to the letter the one that is set")
        url = metadata.get("jwks_uri")
        if not isinstance(url, str):
            raise _FetchError("the metadata names no jwks_uri")
        if self._base.startswith("https:") and not url.startswith("https:"):
            raise _FetchError("the jwks_uri is not https")
        return url

    async def _get(self, url: str, deadline: float) -> Attempt:
        head = render_head("GET", parse_destination(url, self._rules), self._headers)
        request = Request(
            head=head, request_id=new_request_id(), body=b"", pool=("issuer", self.entry.url), need_body=True
        )
        attempt = await self._client.send(request, max(0.0, deadline - monotonic()))
        if attempt.outcome is not Outcome.DELIVERED or attempt.status != 200 or not attempt.body_complete:
            raise _FetchError(f"{url}: {attempt.message}")
        return attempt

    async def close(self) -> None:
        """End a fetch that is under way."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.wait([self._fetching])


class Issuers:
    """All trusted issuers. audience: what their tokens must be made for."""

    def __init__(self, issuers: Iterable[Issuer] = (), audience: str = "") -> None:
        self._issuers = {one.entry.url: one for one in issuers}
        self._audience = audience

    async def judge(self, text: str, now_ms: Callable[[], int]) -> tuple[TrustedIssuer, Bearer, int]:
        """Return who made the token *text*, whom it stands for, and until when (ms) that may be relied on.

        Raises: TokenError, whose text is for the operator's log only.
        """
        token = read_token(text)
        issuer = self._issuers.get(token.issuer)
        if issuer is None:
            raise TokenError("made by an issuer that is not trusted")
        judge(token, self._audience, now_ms())  # before the signature: a token that is no good anyway asks nobody
        until = await issuer.prove(text, token, now_ms)
        bearer = judge(token, self._audience, now_ms())
        return issuer.entry, bearer, min(until, bearer.expires)

    async def close(self) -> None:
        """End what is under way."""
        for issuer in self._issuers.values():
            await issuer.close()


def _keep_ms(attempt: Attempt) -> int:
    for name, value in attempt.response_headers:
        found = _MAX_AGE.search(value) if name.lower() == "cache-control" else None
        if found:
            return min(max(int(found[1]) * 1000, MIN_KEEP_MS), MAX_KEEP_MS)
    return KEEP_MS
