"""What pages there are: a path, a method, who may, and the function that answers."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import compile_path

from tenterhook.console.form import MAX_FORM_BYTES
from tenterhook.domain.principal import Permission

if TYPE_CHECKING:
    from tenterhook.console.visit import Visit

Endpoint = Callable[["Visit"], Awaitable[Response]]


class Kind(Enum):
    """What comes back from a GET."""

    PAGE = "a page"
    LIVE = "a page that asks for itself again, even without script"
    PART = "what a page fetches, or a file to keep"
    STREAM = "what a page fetches, without an end"


#: Answers that nobody need be looking at: they keep no session from ending.
UNSEEN = frozenset({Kind.LIVE, Kind.STREAM})


class PageRoute(NamedTuple):
    """One thing that the console answers."""

    method: str  #: GET, which HEAD is answered like, or POST
    path: str  #: as Starlette has it: ``/console/hooks/{hook_id}``
    endpoint: Endpoint
    permission: Permission | None  #: None: anybody who is signed in
    public: bool = False  #: whether one need not even be that
    cap_bytes: int = MAX_FORM_BYTES  #: of the form
    kind: Kind = Kind.PAGE


def page(path: str, endpoint: Endpoint, permission: Permission | None, kind: Kind = Kind.PAGE) -> PageRoute:
    """Return the route of a page, or of what belongs to one: it shows something and changes nothing."""
    return PageRoute("GET", path, endpoint, permission, kind=kind)


def action(
    path: str, endpoint: Endpoint, permission: Permission | None, *, cap_bytes: int = MAX_FORM_BYTES
) -> PageRoute:
    """Return the route that a form is sent to."""
    return PageRoute("POST", path, endpoint, permission, cap_bytes=cap_bytes)


class Routes:
    """Every route, to be found by path and method."""

    def __init__(self, routes: Iterable[PageRoute]) -> None:
        self.all = list(routes)
        #: Paths without parameters: see `UNSEEN`.
        self.unseen = frozenset(route.path for route in self.all if route.kind in UNSEEN)
        self._paths: dict[str, tuple[re.Pattern[str], dict[str, PageRoute]]] = {}
        for route in self.all:
            if route.path not in self._paths:
                self._paths[route.path] = (compile_path(route.path)[0], {})
            self._paths[route.path][1][route.method] = route

    def find(self, method: str, path: str) -> tuple[PageRoute, dict[str, str]]:
        """Return the route and what the path says of its parameters; of two that fit, the one that came first.

        Raises: HTTPException 404 or 405.
        """
        allowed: set[str] = set()
        for pattern, by_method in self._paths.values():
            match = pattern.match(path)
            if match is None:
                continue
            route = by_method.get("GET" if method == "HEAD" else method)
            if route is not None:
                return route, match.groupdict()
            allowed |= set(by_method)
        if not allowed:
            raise HTTPException(404)
        more: set[str] = {"HEAD"} if "GET" in allowed else set()
        headers: dict[str, Any] = {"Allow": ", ".join(sorted(allowed | more))}
        raise HTTPException(405, headers=headers)
