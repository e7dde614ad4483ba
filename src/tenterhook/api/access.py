"""Who may: the one question that every route asks first."""

from __future__ import annotations

from typing import Any

from fastapi import Depends
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.types import Scope

from tenterhook.api.exchange import Exchange, exchange_of
from tenterhook.api.rate_limit import Bucket, Limiter, address_key
from tenterhook.domain.principal import Permission, Principal
from tenterhook.engine.tell_excess import Excess
from tenterhook.errors import ForbiddenError, NotAuthenticatedError, RateLimitedError

#: What a call counts as, where its route does not say; publishing is bounded by admission, not by count.
_BUCKETS = {Permission.READ_LOG: Bucket.LOGS, Permission.PUBLISH: None}


class Guard:
    """What a route asks of its caller. Declared in the route's signature, so that nobody can forget to ask."""

    def __init__(self, permission: Permission, bucket: Bucket | None = None) -> None:
        self.permission = permission
        self.bucket = bucket

    async def __call__(self, request: Request) -> Principal:
        """Return the caller, or raise what `allow` raises."""
        return allow(request, self.permission, self.bucket)


def needs(permission: Permission, bucket: Bucket | None = None) -> Any:
    """Return the marker of a route's parameter that is its caller: ``Annotated[Principal, needs(...)]``.

    bucket: as in `allow`.
    """
    return Depends(Guard(permission, bucket))


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
        raise ForbiddenError("")
    return principal


def _refused(exchange: Exchange, limiter: Limiter) -> Exception:
    """Count a call without a valid token under its address, so that guessing and flooding end in 429."""
    standing = exchange.count = limiter.count(Bucket.FAILURES, address_key(exchange.ip))
    return NotAuthenticatedError("no valid token") if standing.allowed else RateLimitedError("")
