"""What is sent: the head of a request, rendered once per hook version, and the request that it begins."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import msgspec

from tenterhook.domain.address import Address
from tenterhook.domain.destination import Destination

_BODILESS = frozenset({"GET", "HEAD"})


class Head(msgspec.Struct, frozen=True):
    """The part of a request that stays the same for one hook version. Made by `render_head`."""

    method: str
    destination: Destination
    start: bytes  #: request line, Host and headers, each with its line end
    has_body: bool  #: whether Content-Length is sent
    addresses: tuple[Address, ...]  #: the literal address, or empty if the host is a name


class Request(msgspec.Struct, frozen=True):
    """One request to send."""

    head: Head
    request_id: str  #: sent as X-Okta-Request-Id
    body: bytes  #: b"" for GET
    pool: Hashable  #: hook id and channel version: connections are never shared between pools
    extra: tuple[tuple[str, str], ...] = ()  #: headers of this request alone, such as signatures
    need_body: bool = False  #: whether the answer's whole body is needed (cap 256 KiB)
    number: int = 0  #: copied to Attempt.number
    queue_ms: float | None = None  #: copied to Attempt.phases.queue


def render_head(method: str, destination: Destination, headers: Sequence[tuple[str, str]]) -> Head:
    """Render request line, Host and *headers*, whose order and case are kept.

    Raises: ValueError, for what `domain.http_header` should have refused: a line end or NUL in a name or value.
    """
    lines = [f"{method} {destination.target} HTTP/1.1", f"Host: {destination.host_header}"]
    start = "".join(line + "\r\n" for line in lines) + _render(headers)
    addresses = () if destination.address is None else (destination.address,)
    return Head(method, destination, start.encode("ascii"), method not in _BODILESS, addresses)


def render(request: Request) -> bytes:
    """Return the request's bytes."""
    head = request.head
    start = head.start + _render(request.extra).encode("ascii") if request.extra else head.start
    if not head.has_body:
        return start + f"X-Okta-Request-Id: {request.request_id}\r\n\r\n".encode("ascii")
    body = request.body
    end = f"X-Okta-Request-Id: {request.request_id}\r\nContent-Length: {len(body)}\r\n\r\n"
    return b"".join((start, end.encode("ascii"), body))


def _render(headers: Sequence[tuple[str, str]]) -> str:
    text = ""
    for name, value in headers:
        line = f"{name}: {value}"
        if "\r" in line or "\n" in line or "\0" in line:
            raise ValueError("a header holds a line end or NUL")  # the line is not shown: it may be a secret
        text += line + "\r\n"
    return text
