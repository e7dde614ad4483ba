"""Identifiers: how each kind is born and what it looks like.

Okta's kinds are three letters and 17 alphanumerics (20 characters); ours follow the same form with
prefixes of their own. Event uuids and delivery eventIds are UUIDv7, so that they sort by birth and a
random-key index never has to be walked on insert (DESIGN §5).
"""

from __future__ import annotations

import base64
import os
import secrets
import string
import threading
import time
import uuid

_ALPHABET = string.ascii_letters + string.digits

EVENT_HOOK = "who"
INLINE_HOOK = "cal"
HOOK_KEY = "HKY"
ADMIN = "00u"
ORG = "00o"
API_TOKEN = "00T"  # noqa: S105 - an id prefix, not a secret


def new_id(prefix: str) -> str:
    """Return a fresh id: *prefix* (three characters) and 17 random alphanumerics."""
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(17))


def new_error_id() -> str:
    """Return an errorId in Okta's form: ``oae`` and 22 URL-safe characters."""
    return "oae" + secrets.token_urlsafe(17)[:22]


class _Randomness:
    """Random bytes from the system, fetched a block at a time: a call costs 10 µs on some machines, whatever its size.

    For ids only; what must not be guessed (tokens, challenges) asks the system itself.
    """

    _BLOCK = 4096

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.forget()
        os.register_at_fork(after_in_child=self.forget)

    def forget(self) -> None:
        self._block = b""
        self._at = self._BLOCK

    def take(self, count: int) -> bytes:
        with self._lock:
            start = self._at
            if start + count > len(self._block):
                self._block, start = os.urandom(self._BLOCK), 0
            self._at = start + count
            return self._block[start : start + count]


_randomness = _Randomness()


class _Clock7:
    """State behind `uuid7`: the last stamp given, so that ids of one process never run backwards."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.last = 0


_clock7 = _Clock7()


def uuid7() -> bytes:
    """Return 16 bytes of a UUIDv7 (RFC 9562 §5.7), strictly increasing within this process.

    The 12 bits after the version hold the sub-millisecond part (RFC 9562 §6.2, method 3); 62 bits are random.
    """
    with _clock7.lock:
        stamp = max(time.time_ns() >> 8, _clock7.last + 1)
        _clock7.last = stamp
    nanos = stamp << 8
    millis, rest = divmod(nanos, 1_000_000)
    fraction = (rest << 12) // 1_000_000
    head = (millis << 16) | 0x7000 | fraction
    tail = int.from_bytes(_randomness.take(8)) & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
    return head.to_bytes(8) + tail.to_bytes(8)


def uuid_text(raw: bytes) -> str:
    """Return the canonical lower-case text of a 16-byte uuid."""
    text = raw.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def parse_uuid(text: str) -> bytes | None:
    """Return the 16 bytes of a canonical uuid (any case, dashes in place), or None if *text* is none."""
    if len(text) != 36 or text[8] != "-" or text[13] != "-" or text[18] != "-" or text[23] != "-":
        return None
    try:
        value = uuid.UUID(text)
    except ValueError:
        return None
    return value.bytes if value.hex == text.replace("-", "").lower() else None


def new_request_id() -> str:
    """Return a request id in the form of Okta's: 27 URL-safe characters."""
    return base64.urlsafe_b64encode(_randomness.take(20))[:27].decode()


def new_call_id() -> str:
    """Return the eventId of an inline call in the form of Okta's: 22 URL-safe characters, 128 random bits."""
    return base64.urlsafe_b64encode(_randomness.take(16))[:22].decode()
