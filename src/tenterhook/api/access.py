"""Who may: the one question that every route asks first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fastapi import Depends
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.types import Scope

from tenterhook.domain.principal import Permission, Principal
from tenterhook.door.exchange import Exchange, exchange_of
from tenterhook.door.rate_limit import Bucket, Limiter, address_key
from tenterhook.engine.authenticate import advice_on, authenticate, known_caller
from tenterhook.engine.pipeline import Pipeline
from tenterhook.engine.tell_excess import Excess
from tenterhook.errors import ForbiddenError, NotAuthenticatedError, RateLimitedError

#: What a call counts as, where its route does not say; publishing is bounded by admission, inline calls by their
#: places, neither by count.
_BUCKETS = {Permission.READ_LOG: Bucket.LOGS, Permission.PUBLISH: None, Permission.RUN_INLINE_CALLS: None}


class Guard:
    """What a route asks of its caller. Declared in the route's signature, so that nobody can forget to ask."""

    def __init__(self, permission: Permission, bucket: Bucket | None = None, also: Iterable[Permission] = ()) -> None:
        self.permission = permission
        self.bucket = bucket
        self.also = tuple(also)

    async def __call__(self, request: Request) -> Principal:
        """Return the caller, or raise what `allow` raises."""
        principal = allow(request, self.permission, self.bucket)
        for one in self.also:
            if not principal.may(one):
                needed = f"{one} beside {self.permission}"
                raise ForbiddenError(f"This call needs {needed}; this caller has {_granted(principal)}.")
        return principal


def needs(permission: Permission, bucket: Bucket | None = None, *, also: Iterable[Permission] = ()) -> Any:
    """Return the marker of a route's parameter that is its caller: ``Annotated[Principal, needs(...)]``.

    bucket: as in `allow`. also: what the caller must have beside *permission*.
    """
    return Depends(Guard(permission, bucket, also))


def guard_of(route: APIRoute) -> Guard | None:
    """Return what *route* asks of its caller; None if it asks nothing."""
    found = [one.call for one in route.dependant.dependencies if isinstance(one.call, Guard)]
    return found[0] if found else None


def allow(request: Request, permission: Permission, bucket: Bucket | None = None) -> Principal:
    """Return the caller, if the request may go on.

    bucket: what the call counts as; without it a log query for READ_LOG, nothing for PUBLISH, else a management call.
    Raises: NotAuthenticatedError, RateLimitedError, ForbiddenError.
    """
    return allow_scope(request.scope, permission, bucket)


def allow_scope(scope: Scope, permission: Permission, bucket: Bucket | None = None) -> Principal:
    """Like `allow`, for a route below the framework."""
    exchange = exchange_of(scope)
    limiter: Limiter = scope["app"].state.limiter
    principal = exchange.principal
    if principal is None:
        raise _refused(exchange, limiter)
    counted = bucket or _BUCKETS.get(permission, Bucket.MANAGEMENT)
    if counted is not None:
        key = principal.org_id if counted is Bucket.VERIFICATION else principal.counted_as
        standing = exchange.count = limiter.count(counted, key)
        if not standing.allowed:
            excess = Excess(principal.org_id, principal.token_id, counted, standing.limit, standing.wait_s)
            scope["app"].state.excesses.note(excess)
            raise RateLimitedError("")
    if not principal.may(permission):
        raise ForbiddenError(f"This call needs {permission}; this caller has {_granted(principal)}.")
    exchange.allowed = True
    return principal


async def identify(pipeline: Pipeline, exchange: Exchange) -> Principal | None:
    """Return whom the request's credential stands for now, as the token knows them; None: it has no good one."""
    facts = exchange.facts
    if len(facts.authorizations) != 1:
        return None
    header = facts.authorizations[0].decode("latin-1")
    known = known_caller(pipeline, header)
    if known is None:
        try:
            known = await authenticate(pipeline, header)
        except NotAuthenticatedError:
            return None
    return known


async def ask_again(scope: Scope) -> None:
    """Ask once more for the caller who was allowed in: a body may come half a minute after its head.

    Call it when the body is there. A token seen lately costs a hash and a look-up.
    Raises: NotAuthenticatedError, if the token was revoked or has expired meanwhile; ForbiddenError, if it may do less.
    """
    exchange = exchange_of(scope)
    if not exchange.allowed or exchange.principal is None:
        return
    now = await identify(scope["app"].state.pipeline, exchange)
    if now is None:
        raise NotAuthenticatedError("the token ended while the body was on its way")
    if not exchange.principal.permissions <= now.permissions:
        raise ForbiddenError("What your token may do was reduced while the body was on its way.")


def _granted(principal: Principal) -> str:
    """Name what a caller may do: its role, else its scopes."""
    return principal.role or ", ".join(sorted(principal.permissions)) or "no scope that is known here"


def _refused(exchange: Exchange, limiter: Limiter) -> Exception:
    """Count a call without a valid token under its address, so that guessing and flooding end in 429."""
    standing = exchange.count = limiter.count(Bucket.FAILURES, address_key(exchange.ip))
    if not standing.allowed:
        return RateLimitedError("")
    headers = [value.decode("latin-1") for value in exchange.facts.authorizations]
    return NotAuthenticatedError("no valid token", advice_on(headers))
