"""Who calls from behind a reverse proxy: X-Forwarded-For, believed from the operator's proxies and from nobody else."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence

#: Addresses read of one request's chain, from its end.
MAX_HOPS = 50

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Proxies:
    """The operator's reverse proxies. networks: CIDRs."""

    def __init__(self, networks: Iterable[str] = ()) -> None:
        self._networks = tuple(ipaddress.ip_network(text) for text in networks)

    def client_of(self, peer: str | None, forwarded: Sequence[bytes]) -> str | None:
        """Return the caller's address: the peer's, or the last in its chain that is no proxy of the operator's.

        forwarded: the values of all X-Forwarded-For headers. What is behind an entry that is no address is not
        believed: whoever wrote that entry could have written anything.
        """
        if not self._networks or not forwarded or peer is None:
            return peer
        found = _address(peer)
        if found is None or not self._trusts(found):
            return peer
        chain = b",".join(forwarded).decode("latin-1").split(",")
        for text in chain[: -MAX_HOPS - 1 : -1]:
            address = _address(text.strip())
            if address is None:
                break
            found = address
            if not self._trusts(found):
                break
        return str(found)

    def _trusts(self, address: _Address) -> bool:
        return any(address in network for network in self._networks)


def _address(text: str) -> _Address | None:
    """Read an address, which some proxies write with a port: ``192.0.2.1:80``, ``[2001:db8::1]:80``."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
