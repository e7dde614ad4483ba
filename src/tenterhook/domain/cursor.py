"""Cursors of the System Log: where a page ended, in a form that only we can make.

A cursor is signed with a key of the org's own, so one that was edited, or given to another org, is no cursor.
Source: okta/system-log.md §1 (``after``); security check 166; DESIGN §7.6.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import struct
from enum import IntEnum

import msgspec


class Order(IntEnum):
    """In which order a log query walks the log."""

    COMMITTED = 0  #: polling: as events became durable
    OLDEST = 1  #: by published, ascending
    NEWEST = 2  #: by published, descending


class Position(msgspec.Struct, frozen=True):
    """A place in the log: the last event that was passed."""

    seq: int
    published: int = 0  #: ms since the epoch; 0 in the order of commits, which does not need it


class Cursor(msgspec.Struct, frozen=True):
    """What a later page must know of the first one."""

    order: Order
    since: int  #: ms since the epoch, as the first page meant it
    until: int | None  #: ms since the epoch; None in the order of commits
    position: Position


_FORM = struct.Struct(">B?qqqq")
_MAC_BYTES = 16
_SIZE = _FORM.size + _MAC_BYTES
_TEXT_LENGTH = -(-_SIZE * 4 // 3)


def seal_cursor(key: bytes, org_id: str, cursor: Cursor) -> str:
    """Return *cursor* as the opaque text of an ``after`` parameter; the same cursor always gives the same text."""
    until = cursor.until
    place = cursor.position
    payload = _FORM.pack(cursor.order, until is not None, cursor.since, until or 0, place.published, place.seq)
    return base64.urlsafe_b64encode(payload + _mac(key, org_id, payload)).rstrip(b"=").decode()


def open_cursor(key: bytes, org_id: str, text: str) -> Cursor | None:
    """Return the cursor that *text* holds, or None if it is not one that we gave to this org."""
    if len(text) != _TEXT_LENGTH or not text.isascii():
        return None
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        return None
    payload, mac = data[: _FORM.size], data[_FORM.size :]
    if not hmac.compare_digest(mac, _mac(key, org_id, payload)):
        return None
    order, bounded, since, until, published, seq = _FORM.unpack(payload)
    return Cursor(Order(order), since, until if bounded else None, Position(seq, published))


def _mac(key: bytes, org_id: str, payload: bytes) -> bytes:
    return hmac.digest(key, b"log cursor 1\0" + org_id.encode() + b"\0" + payload, "sha256")[:_MAC_BYTES]
