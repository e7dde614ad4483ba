"""The outermost layer: what is the same for every request, done once and below the framework.

A request gets its id, is checked as HTTP (Host, Content-Encoding, path), is authenticated, and goes to a hot route or
to the framework; its answer gets the headers that every answer has, and every exception becomes Okta's error object.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

import structlog
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from tenterhook.api.access import identify
from tenterhook.api.errors import error_answer
from tenterhook.domain.principal import Principal
from tenterhook.door.exchange import KEY, Exchange
from tenterhook.door.hosts import Hosts
from tenterhook.door.proxies import Proxies
from tenterhook.door.rate_limit import Bucket, Limiter, Standing, address_key
from tenterhook.engine.authenticate import known_caller
from tenterhook.engine.pipeline import Pipeline
from tenterhook.errors import MediaTypeError, TenterhookError, stack_of

log = structlog.get_logger(__name__)

#: A route below the framework; it answers one method, POST.
HotRoute = Callable[[Scope, Receive, Send], Awaitable[None]]

_SLASHES = re.compile("/{2,}")
_CONTROL = re.compile("[\x00-\x1f\x7f]")
#: Below this path every route asks for a caller.
_GUARDED = "/api/"


class Pages(Protocol):
    """Another door behind the same frame, which answers in its own manner."""

    def serves(self, path: str) -> bool:
        """Return whether what is at this path is its."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or raise what went wrong."""

    async def tell(self, error: Exception, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that ended with *error*."""


class Frame:
    """The ASGI application: the outermost layer around *app*, the hot routes, and *pages*, if there are any."""

    def __init__(
        self,
        app: FastAPI,
        pipeline: Pipeline,
        limiter: Limiter,
        hot: Mapping[str, HotRoute],
        pages: Pages | None = None,
    ) -> None:
        self.app = app
        self.state = app.state
        #: Requests that ended in a 500: each one is a bug.
        self.failures = 0
        self._pipeline = pipeline
        self._limiter = limiter
        #: Addresses whose failures are used up and that have a token looked for: no more than there are connections.
        self._looking: set[str] = set()
        self._hot = dict(hot)
        self._pages = pages
        self._hosts = Hosts(pipeline.public_url)
        self._proxies = Proxies(pipeline.trusted_proxies)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (or pass the server's start and stop on)."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1000})
            return
        exchange = scope[KEY] = Exchange(scope, send, self._look)
        if exchange.facts.forwarded:
            exchange.ip = self._proxies.client_of(exchange.ip, exchange.facts.forwarded)
        scope["app"] = self.app
        try:
            await self._answer(scope, receive, exchange)
        except ClientDisconnect:
            # Nobody is left to be told. What had been committed by then stays.
            return
        except (TenterhookError, HTTPException) as error:
            await self._tell(error, scope, receive, exchange)
        except Exception as error:
            if exchange.started and _is_cut(error):
                await asyncio.sleep(0)  # the server is told in the loop's next round, and must know when this ends
                return
            # A server must outlive one request. `failures` counts them; the request id finds this line again.
            self.failures += 1
            path = scope["path"][:200]
            log.error("request failed", request_id=exchange.request_id, path=path, stack=stack_of(error))
            await self._tell(error, scope, receive, exchange)
        finally:
            # Scope, server and exchange know each other: parted here, they go at once and not when the collector comes.
            del scope[KEY]
            scope.pop("extensions", None)

    async def _answer(self, scope: Scope, receive: Receive, exchange: Exchange) -> None:
        self._check(scope, exchange)
        path = scope["path"]
        if self._pages is not None and self._pages.serves(path):
            await self._pages(scope, receive, exchange.pass_on)
            return
        if path.startswith(_GUARDED):
            await self._identify(exchange)
        route = self._hot.get(path)
        if route is None:
            await self.app(scope, receive, exchange.send)
        elif scope["method"] == "POST":
            await route(scope, receive, exchange.send)
        else:
            raise HTTPException(405, headers={"Allow": "POST"})

    def _check(self, scope: Scope, exchange: Exchange) -> None:
        facts = exchange.facts
        server = scope.get("server")
        self._hosts.check(facts.hosts, server[1] if server else None)
        if facts.content_encoding is not None and facts.content_encoding.strip().lower() != b"identity":
            raise MediaTypeError("Content-Encoding must be identity: bodies are accepted as they are, not compressed.")
        path: str = scope["path"]
        if "//" in path:
            scope["path"] = path = _SLASHES.sub("/", path)
        if _CONTROL.search(path):
            raise HTTPException(404)

    async def _identify(self, exchange: Exchange) -> None:
        """Find out who calls; whether that matters is the route's to say."""
        facts = exchange.facts
        known = await self._known(exchange)
        if known is None:
            return
        agent = None if facts.user_agent is None else facts.user_agent.decode("latin-1")
        exchange.principal = Principal(
            org_id=known.org_id,
            admin_id=known.admin_id,
            login=known.login,
            name=known.name,
            token_id=known.token_id,
            permissions=known.permissions,
            role=known.role,
            client_id=known.client_id,
            request_id=exchange.request_id,
            ip=exchange.ip,
            user_agent=agent,
        )

    async def _known(self, exchange: Exchange) -> Principal | None:
        """Return whom the token stands for. An address with too many failures has its tokens looked for one by one.

        So a flood of unknown tokens holds one reader of the database, and a good one that it comes with is found.
        """
        authorizations = exchange.facts.authorizations
        if len(authorizations) != 1:
            return None
        found = known_caller(self._pipeline, authorizations[0].decode("latin-1"))
        if found is not None:
            return found
        address = address_key(exchange.ip)
        if self._limiter.look(Bucket.FAILURES, address).remaining > 0:
            return await identify(self._pipeline, exchange)
        if address in self._looking:
            return None
        self._looking.add(address)
        try:
            return await identify(self._pipeline, exchange)
        finally:
            self._looking.remove(address)

    def _look(self, exchange: Exchange) -> Standing:
        """Return where the caller of an uncounted request stands."""
        if exchange.principal is not None:
            return self._limiter.look(Bucket.MANAGEMENT, exchange.principal.counted_as)
        return self._limiter.look(Bucket.FAILURES, address_key(exchange.ip))

    async def _tell(self, error: Exception, scope: Scope, receive: Receive, exchange: Exchange) -> None:
        if exchange.started:
            return
        if self._pages is not None and self._pages.serves(scope["path"]):
            await self._pages.tell(error, scope, receive, exchange.pass_on)
            return
        await error_answer(error, exchange.standing)(scope, receive, exchange.send)


def _is_cut(error: Exception) -> bool:
    """Whether *error* is what uvloop says to a write after the client was lost and before the server was told."""
    return isinstance(error, RuntimeError) and str(error).startswith("unable to perform operation on <")
