"""Which header fields a hook may carry besides ours: HTTP tokens, visible ASCII, none that frames or identifies."""

from __future__ import annotations

import re
from collections.abc import Sequence

MAX_HEADERS = 25
MAX_NAME = 256
MAX_VALUE = 4096

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+", re.ASCII)  # RFC 9110 §5.6.2
_NOT_A_VALUE = re.compile(r"[^\t\x20-\x7e]")  # RFC 9110 §5.5 without obs-text

# What frames the message, names the peer, or is set by us; and what opens a cloud's metadata service, which must
# not be sendable even though the address filter stands before it.
_RESERVED = frozenset(
    {
        *("accept", "connection", "content-length", "content-type", "cookie", "expect", "forwarded", "host"),
        *("keep-alive", "metadata", "metadata-flavor", "te", "trailer", "transfer-encoding", "upgrade"),
    }
)
_RESERVED_PREFIXES = ("proxy-", "webhook-", "x-aws-ec2-metadata-token", "x-forwarded-", "x-okta-")


def name_problem(name: str) -> str | None:
    """Say what is wrong with a custom header's name, or return None."""
    if not name:
        return "must not be empty"
    if len(name) > MAX_NAME:
        return f"must be at most {MAX_NAME} characters long"
    if _TOKEN.fullmatch(name) is None:
        return "must be an HTTP header name: letters, digits and !#$%&'*+-.^_`|~ only, no spaces or colons"
    lower = name.lower()
    if lower in _RESERVED or lower.startswith(_RESERVED_PREFIXES):
        return f"'{name}' is reserved; choose another header name"
    return None


def value_problem(value: str) -> str | None:
    """Say what is wrong with a custom header's value, or return None. The text never repeats the value: it may be a
    secret."""
    if len(value) > MAX_VALUE:
        return f"must be at most {MAX_VALUE} characters long"
    found = _NOT_A_VALUE.search(value)
    if found is not None:
        return (
            f"must hold visible ASCII characters, spaces and tabs only; character {found.start() + 1} is "
            f"U+{ord(found[0]):04X}"
        )
    if value != value.strip(" \t"):
        return "must not begin or end with a space or tab: HTTP would drop it"
    return None


def header_problems(headers: Sequence[tuple[str, str]], where: str) -> list[str]:
    """Say all that is wrong with a hook's custom headers, one text a problem; empty if nothing is.

    where: the list's field path; a problem begins with ``<where>[2].key: `` or ``<where>[2].value: ``.
    """
    if len(headers) > MAX_HEADERS:
        return [f"{where}: must be at most {MAX_HEADERS} headers, there are {len(headers)}"]
    problems: list[str] = []
    seen: dict[str, int] = {}
    for index, (name, value) in enumerate(headers):
        wrong = name_problem(name)
        if wrong is None and name.lower() in seen:
            wrong = f"is the same header name as that of {where}[{seen[name.lower()]}] (case does not matter)"
        if wrong is not None:
            problems.append(f"{where}[{index}].key: {wrong}")
        seen.setdefault(name.lower(), index)
        wrong = value_problem(value)
        if wrong is not None:
            problems.append(f"{where}[{index}].value: {wrong}")
    return problems
