"""Which numeric addresses a hook may call: deny by default, decided by numbers alone.

The standard library's ``is_private`` and ``is_global`` are not asked: they call 168.63.129.16 (a cloud's
metadata), 192.0.0.192, ::127.0.0.1 and the NAT64, 6to4 and SIIT prefixes global. Unknown means no.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

#: the ports that no fetch may use (WHATWG Fetch, "port blocking", read 2025): never opened by anything
BAD_PORTS = frozenset(
    {
        *(1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109),
        *(110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530),
        *(531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045),
        *(4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080),
    }
)
#: where databases, brokers and orchestrators listen: closed unless an allowed network names the port
SERVICE_PORTS = frozenset([2375, 2376, 2379, 2380, 4222, 5432, 6379, 10250, 11211])


Spans = tuple[tuple[int, ...], tuple[int, ...]]  # the first and the last numbers of networks that do not overlap


def _networks(*texts: str) -> Spans:
    networks = sorted((ip_network(text) for text in texts), key=lambda network: int(network.network_address))
    return tuple(int(n.network_address) for n in networks), tuple(int(n.broadcast_address) for n in networks)


def _inside(number: int, spans: Spans) -> bool:
    at = bisect_right(spans[0], number) - 1
    return at >= 0 and number <= spans[1][at]


# What no setting opens: "this network", link-local with the metadata services, multicast, reserved.
_V4_NEVER = _networks(
    *("0.0.0.0/8", "169.254.0.0/16", "168.63.129.16/32", "192.0.0.192/32", "100.100.100.200/32"),
    *("224.0.0.0/4", "240.0.0.0/4"),
)
_V4_SPECIAL = _networks(
    *("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24"),
    *("192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24"),
    *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
)
_V6_GLOBAL = _networks("2000::/3")
_V6_SPECIAL = _networks("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "2620:4f:8000::/48")
_V6_METADATA = _networks("fd00:ec2::254/128", "fd20:ce::254/128")
# What an allowed network may open outside the public space; everything else of IPv6 stays closed.
_V6_OPENABLE = _networks("::1/128", "fc00::/7", "2620:4f:8000::/48", "2001:db8::/32", "3fff::/20")
_V6_NAT64 = _networks("64:ff9b::/96")
_LOOPBACK = {4: _networks("127.0.0.0/8"), 6: _networks("::1/128")}


class Access(StrEnum):
    """What the classifier says of one address and port."""

    ALLOWED = "ALLOWED"  #: public
    PRIVATE_ALLOWED = "PRIVATE_ALLOWED"  #: closed to the public, opened by the operator (or loopback in dev)
    BLOCKED = "BLOCKED"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The classifier's answer."""

    access: Access
    why: str  #: for the operator's log only, never for tenants

    @property
    def blocked(self) -> bool:
        """Whether no connection may be opened."""
        return self.access is Access.BLOCKED


_PUBLIC = Verdict(Access.ALLOWED, "public")
_PRIVATE = Verdict(Access.PRIVATE_ALLOWED, "inside an allowed network")
_DEV_LOOPBACK = Verdict(Access.PRIVATE_ALLOWED, "loopback in development")
_OWN = Verdict(Access.BLOCKED, "one of our own listen sockets")
_NEVER = Verdict(Access.BLOCKED, "an address that no setting opens")
_SPECIAL = Verdict(Access.BLOCKED, "not a public address")
_SCOPED = Verdict(Access.BLOCKED, "an address with a zone")
CLOSED_PORT = Verdict(Access.BLOCKED, "a port that is not open")


@dataclass(frozen=True, slots=True)
class AllowedNetwork:
    """A network that the operator opened."""

    network: Network
    port: int | None = None  #: None: the ports that are open on public addresses

    def covers(self, address: Address, port: int) -> bool:
        """Tell whether this entry opens *port* at *address*."""
        if self.network.version != address.version or address not in self.network:
            return False
        return port == self.port if self.port is not None else is_public_port(port)


_ALLOWED_TEXT = re.compile(r"(?:\[(?P<six>[^\]]*)\]|(?P<net>.*?))(?::(?P<port>[0-9]{1,5}))?", re.ASCII)


def parse_allowed_network(text: str) -> AllowedNetwork:
    """Read one entry of EGRESS_ALLOW: ``10.0.0.0/8``, ``10.1.2.3:9000``, ``fd00::/8``, ``[fd00::1]:9000``.

    Raises: ValueError, with a sentence, if it is none, or opens what stays closed whatever is set.
    """
    text = text.strip()
    match = _ALLOWED_TEXT.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a network such as 10.0.0.0/8, 10.1.2.3:9000 or [fd00::1]:9000.")
    plain, port_text = match["six"] or match["net"] or "", match["port"]
    if match["six"] is None and plain.count(":") >= 1 and "/" not in plain:
        plain, port_text = text, None  # a bare IPv6 address: its last group is no port
    try:
        network = ip_network(plain)
    except ValueError as error:
        raise ValueError(f"{text!r} is not a network: {error}.") from error
    port = None if port_text is None else int(port_text)
    if port is not None and not 1 <= port <= 65535:
        raise ValueError(f"{text!r}: the port must be 1 to 65535.")
    if port in BAD_PORTS:
        raise ValueError(f"{text!r}: port {port} belongs to another protocol and stays closed.")
    if _stays_closed(network):
        raise ValueError(f"{text!r}: link-local, metadata, multicast and reserved addresses stay closed.")
    return AllowedNetwork(network, port)


@dataclass(frozen=True)
class DestinationRules:
    """What the operator opened. Only settings make one, never a tenant."""

    dev: bool = False  #: plain http, loopback and single-label names are open, loudly
    allow: tuple[AllowedNetwork, ...] = ()
    #: (IP literal, port) of our listen sockets: closed always; 0.0.0.0 and :: stand for every address of ours
    own_addresses: tuple[tuple[str, int], ...] = ()
    #: (host, port) of our public URL: refused at registration, because a hook to ourselves is a loop
    own_names: tuple[tuple[str, int], ...] = ()
    _own: frozenset[tuple[Address, int]] = field(init=False, repr=False, compare=False)
    own_ports: frozenset[int] = field(init=False, repr=False, compare=False)
    #: the ports on which every address of this machine is ours
    own_anywhere: frozenset[int] = field(init=False, repr=False, compare=False)
    #: the ports that an entry of *allow* names
    opened_ports: frozenset[int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Read the addresses once, because judging is on the hot path."""
        own = frozenset((_unmapped(ip_address(text)), port) for text, port in self.own_addresses)
        object.__setattr__(self, "_own", own)
        object.__setattr__(self, "own_ports", frozenset(port for _, port in own))
        object.__setattr__(self, "own_anywhere", frozenset(port for ip, port in own if int(ip) == 0))
        object.__setattr__(self, "opened_ports", frozenset(e.port for e in self.allow if e.port is not None))

    def is_own(self, address: Address, port: int) -> bool:
        """Tell whether *address* and *port* are one of our listen sockets, as far as numbers can tell."""
        return (address, port) in self._own or (port in self.own_anywhere and is_loopback(address))

    def opens_port(self, port: int) -> bool:
        """Tell whether *port* can be open at any address; which one, `judge` decides."""
        if port in BAD_PORTS or not 1 <= port <= 65535:
            return False
        return self.dev or is_public_port(port) or port in self.opened_ports


def is_public_port(port: int) -> bool:
    """Tell whether *port* is open at public addresses: 443, 8443 and 1024 up, less those of other protocols."""
    return port == 443 or (1024 <= port <= 65535 and port not in BAD_PORTS and port not in SERVICE_PORTS)


def is_loopback(address: Address) -> bool:
    """Tell whether *address* is this machine's loopback."""
    return _inside(int(address), _LOOPBACK[address.version])


def _unmapped(address: Address) -> Address:
    return (address.version == 6 and address.ipv4_mapped) or address


def _never(address: Address) -> bool:
    number = int(address)
    if address.version == 4:
        return _inside(number, _V4_NEVER)
    if _inside(number, _V6_NAT64) or (_inside(number, _V6_GLOBAL) and not _inside(number, _V6_SPECIAL)):
        return False
    return _inside(number, _V6_METADATA) or not _inside(number, _V6_OPENABLE)


def _stays_closed(network: Network) -> bool:
    """Tell whether no address of *network* could be opened, so that an entry for it is a mistake."""
    low, high = int(network.network_address), int(network.broadcast_address)
    if network.version == 4:
        return _one_span(low, high, _V4_NEVER)
    openable = (_V6_GLOBAL, _V6_OPENABLE, _V6_NAT64)
    overlaps = any(low <= last and first <= high for spans in openable for first, last in zip(*spans, strict=True))
    return not overlaps or _one_span(low, high, _V6_METADATA)


def _one_span(low: int, high: int, spans: Spans) -> bool:
    at = bisect_right(spans[0], low) - 1
    return at >= 0 and high <= spans[1][at]


def _is_public(address: Address) -> bool:
    number = int(address)
    if address.version == 4:
        return not _inside(number, _V4_SPECIAL) and not _inside(number, _V4_NEVER)
    return _inside(number, _V6_GLOBAL) and not _inside(number, _V6_SPECIAL)


def judge(address: Address, port: int, rules: DestinationRules) -> Verdict:
    """Decide whether *port* at *address* may be called.

    An IPv4-mapped address is judged as the IPv4 address inside it; one inside NAT64's well-known prefix is closed
    unless the operator opened that prefix, and then is judged as the address inside it. Our own listen sockets and
    what `_never` names stay closed whatever is opened. Source: security checks A; IANA special-purpose registries.
    """
    if address.version == 6:
        if address.scope_id is not None:
            return _SCOPED
        address = _unmapped(address)
    if port in rules.own_ports and rules.is_own(address, port):
        return _OWN
    if _is_public(address):
        return _judge_public(address, port, rules)
    if _never(address):
        return _NEVER
    if rules.dev and is_loopback(address):
        return _DEV_LOOPBACK if port not in BAD_PORTS else CLOSED_PORT
    if not any(entry.covers(address, port) for entry in rules.allow):
        return _SPECIAL
    if _inside(int(address), _V6_NAT64) and address.version == 6:
        return judge(IPv4Address(int(address) & 0xFFFF_FFFF), port, rules)
    return _PRIVATE


def _judge_public(address: Address, port: int, rules: DestinationRules) -> Verdict:
    if is_public_port(port) or (rules.dev and port == 80):
        return _PUBLIC
    return _PUBLIC if any(entry.covers(address, port) for entry in rules.allow) else CLOSED_PORT
