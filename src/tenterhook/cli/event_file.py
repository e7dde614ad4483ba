"""Events out of a file: JSON or NDJSON, each with its line, made ready to be published again without harm."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

from tenterhook.cli.failure import CommandError
from tenterhook.ids import uuid_text

#: Limits of the publish API (DESIGN §2.3).
MAX_EVENTS = 1000
MAX_BATCH_BYTES = 8 * 1024 * 1024
MAX_EVENT_BYTES = 256 * 1024
#: Room for an event's white space and the uuid that we put in.
_MAX_LINE = MAX_EVENT_BYTES * 2
_MAX_BLANK_LINES = 1000
#: A JSON array has to be read whole; NDJSON is the form without such a limit.
MAX_ARRAY_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True)
class FileEvent:
    """One event of a file."""

    line: int  #: where it begins, from 1
    end: int  #: about how many bytes of the file end with it
    raw: bytes  #: its JSON, with a uuid
    derived: bool  #: the uuid was derived here
    number: int = 0  #: which one of an array it is, from 1; 0: there is no array
    type: object = None  #: its eventType, as it is there

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return _place(self.line, self.number)


class LineError(CommandError):
    """A line of the file, or an element of its array, is no event."""

    def __init__(self, line: int, problem: str, number: int = 0) -> None:
        super().__init__(f"{_place(line, number)}: {problem}")


def _place(line: int, number: int) -> str:
    return f"line {line}, event {number} of the array" if number else f"line {line}"


def read_events(file: BinaryIO, *, fresh: bool = False) -> Iterator[FileEvent]:
    """Yield the events of *file*: one JSON object, an array of them, or NDJSON (which is read a line at a time).

    An event without a uuid gets one that its content and position give, so that the same file means the same events;
    with *fresh* it gets none, and the server makes a new one each time.
    Raises: LineError.
    """
    blank, first = _read_first(file)
    if first.lstrip()[:1] == b"{" and _is_json(first):
        lines = iter(lambda: file.readline(_MAX_LINE), b"")
        yield from _read_lines(itertools.chain(blank, [first], lines), fresh)
        return
    whole = b"".join(blank) + first + file.read(MAX_ARRAY_BYTES)
    if len(whole) >= MAX_ARRAY_BYTES:
        raise CommandError("The file is too large for one JSON value: write one event a line (NDJSON) instead.")
    if whole.strip():
        yield from _read_array(whole, fresh)


def _read_first(file: BinaryIO) -> tuple[list[bytes], bytes]:
    """Read up to the first line that says something; a byte order mark is dropped."""
    blank: list[bytes] = []
    line = file.readline(_MAX_LINE).removeprefix(b"\xef\xbb\xbf")
    while line and not line.strip() and len(blank) < _MAX_BLANK_LINES:
        blank.append(line)
        line = file.readline(_MAX_LINE)
    return blank, line


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _read_lines(lines: Iterable[bytes], fresh: bool) -> Iterator[FileEvent]:
    end = 0
    for number, line in enumerate(lines, 1):
        end += len(line)
        if line.strip():
            yield _event(number, end, line.strip(), fresh)


def _read_array(whole: bytes, fresh: bool) -> Iterator[FileEvent]:
    try:
        text = whole.decode("utf-8")
    except UnicodeDecodeError as error:
        line = whole[: error.start].count(b"\n") + 1
        raise LineError(line, "is not UTF-8 text") from None
    decoder = json.JSONDecoder()
    at, line, counted, number = _skip(text, 0), 1, 0, 0
    in_array = text[at] == "["
    at = _skip(text, at + 1) if in_array else at
    while at < len(text) and text[at] != "]":
        line, counted = line + text.count("\n", counted, at), at
        try:
            _, after = decoder.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            place = error.lineno if isinstance(error, json.JSONDecodeError) else line
            what = error.msg if isinstance(error, json.JSONDecodeError) else "is nested too deeply"
            raise LineError(place, f"is not JSON: {what}") from None
        number += in_array
        yield _event(line, after, text[at:after].encode(), fresh, number)
        at = _skip(text, after)
        if in_array and text[at : at + 1] == ",":
            at = _skip(text, at + 1)
        elif not in_array or text[at : at + 1] != "]":
            break
    _check_end(text, at, in_array)


def _check_end(text: str, at: int, in_array: bool) -> None:
    """Refuse an array that is not closed and anything after the value."""
    line = text.count("\n", 0, at) + 1
    if in_array and text[at : at + 1] != "]":
        raise LineError(line, "the array is not closed: the file seems to be cut off")
    if text[at + in_array :].strip():
        raise LineError(line, "something follows the JSON value. Several events are an array, or one event a line")


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at


def _event(line: int, end: int, raw: bytes, fresh: bool, number: int = 0) -> FileEvent:
    if len(raw) > MAX_EVENT_BYTES:
        raise LineError(line, f"the event exceeds {MAX_EVENT_BYTES} bytes", number)
    try:
        event = json.loads(raw)
    except UnicodeDecodeError:
        raise LineError(line, "is not UTF-8 text") from None
    except (ValueError, RecursionError) as error:
        what = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
        raise LineError(line, f"is not JSON: {what}") from None
    if not isinstance(event, dict):
        raise LineError(line, "is not an event: a JSON object with at least an eventType is one", number)
    if event.get("uuid") is not None or fresh:
        return FileEvent(line, end, raw, derived=False, number=number, type=event.get("eventType"))
    raw = _with_uuid(event, raw, line)
    return FileEvent(line, end, raw, derived=True, number=number, type=event.get("eventType"))


def _with_uuid(event: dict[str, object], raw: bytes, line: int) -> bytes:
    """Put a derived uuid in front, leaving every other byte as it is."""
    uuid = derive_uuid(raw, line, event.get("published"))
    if "uuid" in event:
        return json.dumps(event | {"uuid": uuid}, ensure_ascii=False).encode("utf-8", "surrogatepass")
    rest = raw[1:]
    return b'{"uuid":"%s"%s%s' % (uuid.encode(), b"," if event else b"", rest)


def derive_uuid(raw: bytes, position: int, published: object) -> str:
    """Return the UUIDv8 (RFC 9562 §5.8) of an event: 48 bits of time, then a hash of content and position.

    The time is *published* where it can be read, else 0: so the uuids of a log that is read in order ascend, as the
    database likes them.
    """
    digest = hashlib.sha256(b"%d\n" % position + raw).digest()
    value = bytearray(_millis(published).to_bytes(6) + digest[:10])
    value[6] = value[6] & 0x0F | 0x80
    value[8] = value[8] & 0x3F | 0x80
    return uuid_text(bytes(value))


def _millis(published: object) -> int:
    try:
        return max(0, int(datetime.fromisoformat(str(published)).timestamp() * 1000)) & 0xFFFF_FFFF_FFFF
    except (ValueError, OverflowError):
        return 0


def batches(events: Iterable[FileEvent]) -> Iterator[list[FileEvent]]:
    """Part *events* into batches that one call of the publish API takes."""
    batch: list[FileEvent] = []
    size = 0
    for event in events:
        if batch and (len(batch) == MAX_EVENTS or size + len(event.raw) + 1 > MAX_BATCH_BYTES - 2):
            yield batch
            batch, size = [], 0
        batch.append(event)
        size += len(event.raw) + 1
    if batch:
        yield batch
