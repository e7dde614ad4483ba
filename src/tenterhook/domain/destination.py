"""Where a hook goes: one strict reading of a URI, which refuses whatever two parsers could read differently."""

from __future__ import annotations

import re
import unicodedata
from ipaddress import AddressValueError, IPv4Address, IPv6Address

import idna
import msgspec

from tenterhook.domain.address import (
    BAD_PORTS,
    CLOSED_PORT,
    Access,
    Address,
    AllowedNetwork,
    DestinationRules,
    Verdict,
    judge,
    parse_allowed_network,
)

__all__ = [
    "Access",
    "AllowedNetwork",
    "Destination",
    "DestinationError",
    "DestinationRules",
    "Verdict",
    "judge",
    "parse_allowed_network",
    "parse_destination",
]

MAX_URI = 1024
DEFAULT_PORTS = {"https": 443, "http": 80}

_BLANK_OR_CONTROL = re.compile(r"[\x00-\x20\x7f]")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*)://", re.ASCII)
_AUTHORITY_END = re.compile(r"[/?]")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_\-]{0,61}[a-z0-9_])?", re.ASCII)
_NUMERIC = re.compile(r"(?:[0-9]+|0x[0-9a-f]*)", re.ASCII)  # the WHATWG "ends in a number" check
_PORT = re.compile(r"[1-9][0-9]{0,4}", re.ASCII)
_NOT_IN_TARGET = re.compile(r"[^\x21-\x7e]|[\"<>^`{|}]|%(?![0-9A-Fa-f]{2})")

# Names that mean something only inside a machine or a network (RFC 6761, 6762, 7686, 8375 and common use).
_LOCAL_SUFFIXES = (
    *("localhost", "localdomain", "local", "internal", "intranet", "private", "corp", "home", "lan", "home.arpa"),
    *("cluster.local", "onion", "test", "invalid", "alt"),
)


class DestinationError(ValueError):
    """The URI is no place a hook may go; the text says what is wrong and what would be right."""


class Destination(msgspec.Struct, frozen=True):
    """A place a hook may go, read once; two with equal fields are the same place."""

    scheme: str  #: "https", or "http" in development
    host: str  #: A-labels in lower case, or an IP literal without brackets
    port: int
    target: str  #: path and query, verbatim; begins with "/"
    address: IPv4Address | IPv6Address | None = None  #: set if the host is an IP literal

    @property
    def authority(self) -> str:
        """The host, in brackets if it is IPv6, always with the port."""
        return f"{self._bracketed}:{self.port}"

    @property
    def host_header(self) -> str:
        """The Host field: the port only if it is not the scheme's own."""
        return self._bracketed if self.port == DEFAULT_PORTS[self.scheme] else self.authority

    @property
    def url(self) -> str:
        """The canonical URL."""
        return f"{self.scheme}://{self.host_header}{self.target}"

    @property
    def display_host(self) -> str:
        """The host for people: the A-label form first, then what it looks like, if that differs."""
        if "xn--" not in self.host:
            return self.host
        labels = (idna.ulabel(label) if label.startswith("xn--") else label for label in self.host.split("."))
        return f"{self.host} ({'.'.join(labels)})"

    @property
    def _bracketed(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host


def parse_destination(uri: object, rules: DestinationRules) -> Destination:
    """Read a hook's URI as the operator's *rules* allow it.

    At most 1,024 characters. An IP literal is judged here; a name is judged by what it resolves to, at each attempt.
    Raises: DestinationError, whose text is one sentence for the tenant. Source: security checks A, B and C.
    """
    if not isinstance(uri, str):
        raise DestinationError("must be a text such as https://example.com/hook")
    if not uri:
        raise DestinationError("must not be empty; a URL such as https://example.com/hook is needed")
    if len(uri) > MAX_URI:
        raise DestinationError(f"must be at most {MAX_URI} characters long, it has {len(uri)}")
    _refuse_ambiguity(uri)
    scheme, rest = _split_scheme(uri, rules)
    end = _AUTHORITY_END.search(rest)
    authority, tail = (rest, "") if end is None else (rest[: end.start()], rest[end.start() :])
    host_text, port = _split_authority(authority, scheme)
    target = _read_target(tail)
    host, address = _read_host(host_text)
    _check_port(port, rules)
    if (host, port) in rules.own_names:
        raise DestinationError("must not point at this server itself: its own events would come back without end")
    if address is not None:
        _check_address(address, port, rules)
    elif not (rules.dev or rules.allow):
        _refuse_local_name(host)
    return Destination(scheme, host, port, target, address)


def _refuse_ambiguity(uri: str) -> None:
    found = _BLANK_OR_CONTROL.search(uri)
    if found is not None:
        raise DestinationError(
            f"must not hold spaces or control characters; character {found.start() + 1} is U+{ord(found[0]):04X} "
            "(percent-encode it if it belongs to the path)"
        )
    if "\\" in uri:
        raise DestinationError("must not hold a backslash; use / or %5C")
    if "#" in uri:
        raise DestinationError("must not hold a fragment (#...): it would never be sent; write %23 for a literal #")


def _split_scheme(uri: str, rules: DestinationRules) -> tuple[str, str]:
    match = _SCHEME.match(uri)
    begin = "https:// or http://" if rules.dev else "https://"
    if match is None:
        raise DestinationError(f"must begin with {begin}, such as https://example.com/hook")
    scheme = match[1].lower()
    if scheme == "http" and not rules.dev:
        raise DestinationError(
            "must begin with https://; plain http:// is possible in development only (start the server with --dev, or "
            "open it in a program with dev=True)"
        )
    if scheme not in DEFAULT_PORTS:
        raise DestinationError(f"must begin with {begin}, not with {scheme}://")
    return scheme, uri[match.end() :]


def _split_authority(authority: str, scheme: str) -> tuple[str, int]:
    if not authority:
        raise DestinationError("has no host; a URL such as https://example.com/hook is needed")
    if "@" in authority:
        raise DestinationError("must not hold a user name or password (…@); use an authentication header")
    if "%" in authority:
        raise DestinationError("must not hold a % in its host: neither percent-encoding nor an IPv6 zone is possible")
    if authority.startswith("["):
        end = authority.find("]")
        if end < 0:
            raise DestinationError("has a '[' without its ']'")
        host, rest = authority[: end + 1], authority[end + 1 :]
        if rest and not rest.startswith(":"):
            raise DestinationError("must hold nothing but a port after the ']'")
    else:
        host, colon, after = authority.partition(":")
        rest = colon + after
        if ":" in after:
            raise DestinationError("must hold at most one port; an IPv6 address is written in brackets: https://[…]/")
    if not rest:
        return host, DEFAULT_PORTS[scheme]
    if _PORT.fullmatch(rest[1:]) is None or int(rest[1:]) > 65535:
        raise DestinationError("must have a port from 1 to 65535 in plain digits after the ':', or no ':'")
    return host, int(rest[1:])


def _read_target(tail: str) -> str:
    if tail.startswith("?"):
        raise DestinationError("must have a path before the '?', such as https://example.com/?…")
    found = _NOT_IN_TARGET.search(tail)
    if found is not None and found[0] == "%":
        raise DestinationError("must have two hexadecimal digits after each % of its path and query")
    if found is not None:
        raise DestinationError(f"must have U+{ord(found[0]):04X} in its path or query percent-encoded")
    return tail or "/"


def _read_host(text: str) -> tuple[str, Address | None]:
    if text.startswith("["):
        return _read_ipv6(text[1:-1])
    host = _to_ascii(text)
    if len(host) > 253:
        raise DestinationError("has a host of more than 253 characters")
    labels = host.split(".")
    if _NUMERIC.fullmatch(labels[-1]) is not None:
        return _read_ipv4(host, text)
    for label in labels:
        _check_label(label, host)
    return host, None


def _read_ipv6(text: str) -> tuple[str, Address]:
    try:
        address = IPv6Address(text)
    except AddressValueError as error:
        raise DestinationError("has something in brackets that is no IPv6 address") from error
    if address.ipv4_mapped is not None:
        raise DestinationError("must not wrap an IPv4 address in an IPv6 one; write the IPv4 address itself")
    if str(address) != text.lower():
        raise DestinationError(f"must write its IPv6 address in the canonical form, [{address}]")
    return str(address), address


def _read_ipv4(host: str, text: str) -> tuple[str, Address]:
    try:
        address = IPv4Address(host)
    except AddressValueError as error:
        raise DestinationError(
            "has a host that ends in a number but is no IPv4 address of four plain decimal numbers, such as 203.0.113.7"
        ) from error
    if host != text:
        raise DestinationError("must write its IPv4 address in plain ASCII digits and dots")
    return host, address


def _to_ascii(text: str) -> str:
    """Return the lower-case A-label form of *text*; only letter case may differ from what was written."""
    if text.isascii():
        return text.lower()
    try:
        mapped = idna.uts46_remap(text, std3_rules=True, transitional=False)
        encoded = idna.encode(text, uts46=True, std3_rules=True).decode("ascii")
    except (idna.IDNAError, UnicodeError) as error:
        raise DestinationError("has a host that is no valid internationalised domain name (IDNA 2008)") from error
    if mapped != unicodedata.normalize("NFC", text.lower()):
        raise DestinationError(
            f"has characters in its host that only look like others; if you mean it, write {encoded}"
        )
    return encoded


def _check_label(label: str, host: str) -> None:
    if not label:
        raise DestinationError("has an empty label in its host: two dots in a row, or one at its beginning or end")
    if len(label) > 63:
        raise DestinationError("has a label of more than 63 characters in its host")
    if _LABEL.fullmatch(label) is None:
        raise DestinationError(
            "has a host that is no domain name: letters, digits, '-' inside a label and '_' are possible"
        )
    if not label.startswith("xn--"):
        return
    try:
        idna.ulabel(label)
    except (idna.IDNAError, UnicodeError) as error:
        raise DestinationError(f"has the label {label!r} in its host, which is no valid A-label (IDNA 2008)") from error


def _refuse_local_name(host: str) -> None:
    if "." not in host:
        raise DestinationError("must have a full domain name as its host, such as example.com, not a single word")
    if host.endswith(tuple("." + suffix for suffix in _LOCAL_SUFFIXES)):
        raise DestinationError(
            "must have a public host; this name is for private networks, which the operator can open with "
            "TENTERHOOK_EGRESS_ALLOW, and this machine with --dev (in a program: dev=True)"
        )


def _check_port(port: int, rules: DestinationRules) -> None:
    if rules.opens_port(port):
        return
    if port in BAD_PORTS:
        raise DestinationError(f"must not use port {port}, which belongs to another protocol; use 443")
    raise DestinationError(
        f"must not use port {port}; 443, 8443 and most ports from 1024 up are open, others by TENTERHOOK_EGRESS_ALLOW"
    )


def _check_address(address: Address, port: int, rules: DestinationRules) -> None:
    verdict = judge(address, port, rules)
    if verdict is CLOSED_PORT:
        raise DestinationError(f"must not use port {port} at this address; 443, 8443 and ports from 1024 up are open")
    if verdict.blocked:
        # With --dev this machine is open already: what is closed then is something else.
        opening = "private networks" if rules.dev else "this machine with --dev, private networks"
        raise DestinationError(
            "must have a public address as its host; loopback, private and special addresses may not be called (the "
            f"operator can open {opening} with TENTERHOOK_EGRESS_ALLOW)"
        )
