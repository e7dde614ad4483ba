"""Which names this server answers to: a page of another site that rebinds its name to our address gets 421."""

from __future__ import annotations

from urllib.parse import urlsplit

from tenterhook.door.protocol_error import ProtocolError
from tenterhook.errors import BadRequestError

_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
_DEFAULT_PORTS = {"http": 80, "https": 443}


class Hosts:
    """The Host names that are ours: those of the public URL, and loopback names with the bound port."""

    def __init__(self, public_url: str) -> None:
        parts = urlsplit(public_url)
        name = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
        default = _DEFAULT_PORTS.get(parts.scheme)
        port = parts.port or default
        self._public = {f"{name}:{port}".encode()}
        if port == default:
            self._public.add(name.encode())
        self._loopback: dict[int, frozenset[bytes]] = {}

    def check(self, hosts: list[bytes], port: int | None) -> None:
        """Raise unless the request names a host that is ours.

        hosts: the values of all Host headers. port: the one that the request came in by.
        Raises: BadRequestError, ProtocolError 421.
        """
        if len(hosts) != 1:
            raise BadRequestError("exactly one Host header is needed")
        host = hosts[0]
        if host in self._public or host in self._local(port):
            return
        host = host.lower()
        if host in self._public or host in self._local(port):
            return
        raise ProtocolError(
            421, "this server does not answer to that Host; the setting TENTERHOOK_PUBLIC_URL says which one it has"
        )

    def _local(self, port: int | None) -> frozenset[bytes]:
        if port is None:
            return frozenset()
        names = self._loopback.get(port)
        if names is None:
            bare = _LOOPBACK if port == 80 else ()
            names = frozenset(name.encode() for name in (*(f"{one}:{port}" for one in _LOOPBACK), *bare))
            self._loopback[port] = names
        return names
