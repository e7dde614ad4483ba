"""Take events in: decode strictly, fill in, match, and answer after the commit that holds them."""

from __future__ import annotations

import asyncio
import io
import os
import re
import time
from collections.abc import Callable, Sequence
from itertools import islice

import msgspec

from tenterhook.domain import log_event
from tenterhook.domain.log_event import Tree
from tenterhook.domain.principal import Principal
from tenterhook.domain.provenance import went_round
from tenterhook.domain.strict_json import loads
from tenterhook.domain.verdict import HookFilter, Verdicts
from tenterhook.engine.append import Entry, append, make_entry
from tenterhook.engine.pipeline import Pipeline
from tenterhook.errors import InvalidError, MalformedBodyError, OverloadedError, TooLargeError
from tenterhook.failpoints import passing
from tenterhook.ids import uuid7, uuid_text
from tenterhook.store import log_events
from tenterhook.store.transaction import Tx
from tenterhook.store.write_queue import Batch, Class

MAX_EVENTS = 1000
MAX_BODY_BYTES = 8 * 1024 * 1024
MAX_CAUSES = 100
#: More commas than a thousand usual events have: only then it is worth it to count the elements first.
MANY_COMMAS = 100_000
#: Bytes decoded before the event loop gets a turn.
SLICE_BYTES = 64 * 1024
#: Brackets, commas and texts counted before the event loop gets a turn.
SLICE_MARKS = 2048
#: How many bytes are read in the time that a filter's step takes, or in less: 4,096 steps are a slice.
STEP_BYTES = 16
#: How long the event loop rests after a slice of what no usual body brings: a turn alone does not help the reading and
#: the writing threads, each of which would wait its five milliseconds for the interpreter's lock, again and again.
REST_S = 0.001
#: Below this much free disk, publishing is refused, so that outcomes can still be written.
DISK_FLOOR_BYTES = 64 * 1024 * 1024


class Ack(msgspec.Struct, omit_defaults=True):
    """What became of one published event."""

    uuid: str
    duplicate: bool = msgspec.field(default=False)
    conflict: bool = False


class PublishResult(msgspec.Struct):
    """The answer to one publish call, in the order of its events."""

    accepted: int
    duplicates: int
    events: list[dict[str, str | bool]]


class _Call(msgspec.Struct):
    """One publish call on its way to the writing thread."""

    org_id: str
    entries: list[Entry]
    said: list[bytes | None]  #: what the publisher sent of events that may be known already; None: the uuid is ours


class Publishing:
    """The way of published events into the log: what waits while a commit is under way goes into the next together."""

    def __init__(self, pipeline: Pipeline, disk_floor_bytes: int = DISK_FLOOR_BYTES) -> None:
        self._pipeline = pipeline
        self._batch: Batch[_Call, list[Ack]] = Batch("publish", Class.PUBLISH, self._append)
        self._floor = _DiskFloor(str(pipeline.database.path.parent), disk_floor_bytes, time.monotonic)

    async def publish(self, principal: Principal, body: bytes, *, ndjson: bool = False) -> PublishResult:
        """Store the events that *body* spells (one object, an array, or NDJSON) and make their deliveries.

        All or nothing, and after the commit. A uuid that the log knows is a duplicate: nothing happens twice.
        Raises: MalformedBodyError, InvalidError (one cause per problem, ``events[3].published: …``), TooLargeError,
        OverloadedError (nothing was stored; trying again later may help).
        """
        if len(body) > MAX_BODY_BYTES:
            raise TooLargeError(f"The body has more than {MAX_BODY_BYTES:,} bytes; send the events in smaller batches.")
        self.admit()
        raws, single = await split(body, ndjson=ndjson)
        call = await self._read_all(raws, single, principal)
        size = sum(len(entry.body) + len(entry.element) for entry in call.entries) + len(body)
        acks = await self._pipeline.database.append(self._batch, call, rows=len(call.entries), size=size)
        passing("publish.before_answer")
        duplicates = sum(ack.duplicate for ack in acks)
        return PublishResult(len(acks) - duplicates, duplicates, [_shown(ack) for ack in acks])

    async def _read_all(self, raws: list[bytes], single: bool, principal: Principal) -> _Call:
        """Read, match and encode the events one after the other: only their bytes are kept, not their trees."""
        now_ms, snapshot = self._pipeline.now_ms(), self._pipeline.subscriptions.snapshot
        call = _Call(principal.org_id, [], [])
        problems: list[str] = []
        turn = _Turn()
        for at, raw in enumerate(raws):
            draft = log_event.read_event(raw, now_ms, uuid7(), principal.request_id, principal.publishes_as)
            if turn.due(len(raw)):
                await asyncio.sleep(0)
            if isinstance(draft, list):
                problems += _placed(draft, None if single else at)
            else:
                filters = snapshot.filters(principal.org_id, draft.event_type)
                verdicts = await _judge(filters, draft.tree, turn) if filters else None
                call.entries.append(make_entry(snapshot, principal.org_id, draft, verdicts))
                call.said.append(None if draft.fresh else raw)
        _refuse(problems, single)
        return call

    def admit(self) -> None:
        """Refuse early what could not be stored or sent in time: before a body is read (DESIGN §4, P6).

        Raises: OverloadedError.
        """
        self._floor.check()
        if self._pipeline.lanes.overdue():
            raise OverloadedError("deliveries that could be sent are waiting too long for a free connection", 2)

    def _append(self, tx: Tx, calls: list[_Call]) -> list[list[Ack]]:
        """Run on the writing thread: find the known uuids, append the rest of all calls at once."""
        fresh: list[Entry] = []
        seen: dict[tuple[str, bytes], bytes] = {}
        acks = [[self._judge(tx, call, at, seen, fresh) for at in range(len(call.entries))] for call in calls]
        passing("publish.before_insert")
        if fresh:
            parts = self._pipeline
            append(tx, parts.subscriptions, parts.lanes, fresh, parts.now_ms(), parts.limits.events_per_24h)
        passing("publish.before_commit")
        return acks

    @staticmethod
    def _judge(tx: Tx, call: _Call, at: int, seen: dict[tuple[str, bytes], bytes], fresh: list[Entry]) -> Ack:
        """Tell a known event from a new one, which goes to *fresh*. seen: those of this very commit."""
        entry, said = call.entries[at], call.said[at]
        ack = Ack(uuid_text(entry.uuid))
        if said is not None:
            key = (call.org_id, entry.uuid)
            stored = seen.get(key) or log_events.known(tx, call.org_id, (entry.uuid,)).get(entry.uuid)
            if stored is not None:
                ack.duplicate, ack.conflict = True, not log_event.same_content(stored, loads(said))
                return ack
            seen[key] = entry.body
        fresh.append(entry)
        return ack


class _Turn:
    """What was done since the event loop had its turn, in bytes."""

    def __init__(self) -> None:
        self._done = 0

    def due(self, work: int) -> bool:
        """Count *work*; return whether the event loop is to have a turn now."""
        self._done += work
        if self._done <= SLICE_BYTES:
            return False
        self._done = 0
        return True


async def _judge(filters: Sequence[HookFilter], event: Tree, turn: _Turn) -> Verdicts:
    """Return what *filters* make of *event*: many filters are long at work, whoever's they are."""
    verdicts = Verdicts()
    if went_round(event):
        return verdicts  # nobody will ask
    for chosen in filters:
        before = verdicts.work
        verdicts.of(chosen, event)
        if turn.due(STEP_BYTES * (verdicts.work - before)):
            await asyncio.sleep(REST_S)
    return verdicts


def _shown(ack: Ack) -> dict[str, str | bool]:
    shown: dict[str, str | bool] = {"uuid": ack.uuid, "duplicate": ack.duplicate}
    if ack.conflict:
        shown["conflict"] = True
    return shown


async def split(body: bytes, *, ndjson: bool) -> tuple[list[bytes], bool]:
    """Return the raw events of a body, and whether it was one object alone.

    Raises: MalformedBodyError, if it is no object, no array, or no lines; InvalidError, if there are too many events.
    """
    if ndjson:
        raws = list(islice((line for line in io.BytesIO(body) if line.strip()), MAX_EVENTS + 1))
    else:
        if _OBJECT.match(body):
            return [body], True
        if body.count(b",") > MANY_COMMAS:
            await _check_count(body)
        try:
            raws = [bytes(raw) for raw in _RAW_LIST.decode(body)]
        except (msgspec.DecodeError, RecursionError) as error:
            raise MalformedBodyError(
                "Expected one event (a JSON object), an array of events, or, as application/x-ndjson, one event a line."
            ) from error
    if len(raws) > MAX_EVENTS:
        raise _too_many()
    return raws, False


_OBJECT = re.compile(rb"[ \t\r\n]*+\{")
_RAW_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_MARKS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{},]', re.DOTALL)


def _too_many() -> InvalidError:
    return InvalidError(
        "events", [f"events: More than {MAX_EVENTS:,} events in one call; at most so many are accepted"]
    )


async def _check_count(body: bytes) -> None:
    """Count the array's elements before they are taken apart: four million of them would be 600 MB of objects."""
    depth = commas = 0
    for at, found in enumerate(_MARKS.finditer(body)):
        if at % SLICE_MARKS == 0:
            await asyncio.sleep(REST_S)
        mark = found[0]
        if mark == b",":
            commas += depth == 1
            if commas >= MAX_EVENTS:
                raise _too_many()
        elif mark in b"[{":
            depth += 1
        elif mark in b"]}":
            depth -= 1


def _refuse(problems: list[str], single: bool) -> None:
    """Raise what is wrong with the events, if anything is."""
    if problems and single and problems[0].startswith(": "):
        raise MalformedBodyError(problems[0][2:])
    if len(problems) > MAX_CAUSES:
        problems = [*problems[:MAX_CAUSES], f"events: {len(problems) - MAX_CAUSES:,} more problems are not listed"]
    if problems:
        raise InvalidError("events", problems)


def _placed(problems: list[str], at: int | None) -> list[str]:
    if at is None:
        return problems
    return [f"events[{at}]{'' if text.startswith(':') else '.'}{text}" for text in problems]


class _DiskFloor:
    """Whether there is disk left, asked at most once a second."""

    def __init__(self, path: str, floor: int, monotonic: Callable[[], float]) -> None:
        self._path, self._floor, self._monotonic = path, floor, monotonic
        self._asked = float("-inf")
        self._free = 0

    def check(self) -> None:
        now = self._monotonic()
        if now - self._asked > 1.0:
            self._asked = now
            stat = os.statvfs(self._path)
            self._free = stat.f_bavail * stat.f_frsize
        if self._free < self._floor:
            raise OverloadedError("the disk is nearly full; free some space or move the data directory", 30)
