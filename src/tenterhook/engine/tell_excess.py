"""Tell the System Log when callers of an org are refused for calling too often: at most once a minute and org."""

from __future__ import annotations

from collections import OrderedDict

import msgspec
import structlog

from tenterhook.engine.append import append, make_entry
from tenterhook.engine.pipeline import Pipeline
from tenterhook.engine.tell_limit import Notice, draft_notice
from tenterhook.store.transaction import Tx
from tenterhook.store.write_queue import Batch, Class

log = structlog.get_logger(__name__)

EVERY_MS = 60_000
#: Orgs that are remembered; beyond it the one that was told longest ago is forgotten.
MAX_ORGS = 10_000


class Excess(msgspec.Struct, frozen=True):
    """A call that was one too many. Only callers with a valid token are told of here.

    What others can cause is that their sign-ins fail: see `tenterhook.engine.sign_in`.
    """

    org_id: str
    token_id: str
    bucket: str  #: what is counted together
    limit: int
    wait_s: int  #: until the window ends


class Excesses:
    """What was told, and when. Belongs to the event loop, but for what its batch runs."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._told: OrderedDict[str, int] = OrderedDict()
        self._batch: Batch[Excess, None] = Batch("excess", Class.MAINTENANCE, self._write)

    def note(self, excess: Excess) -> None:
        """Have the log told of *excess*, unless it was told of one of this org within the last minute. Never waits."""
        now_ms = self._pipeline.now_ms()
        last = self._told.pop(excess.org_id, None)
        told = last is not None and 0 <= now_ms - last < EVERY_MS
        self._told[excess.org_id] = last if told and last is not None else now_ms
        while len(self._told) > MAX_ORGS:
            self._told.popitem(last=False)
        if not told:
            self._pipeline.database.submit(self._batch, excess, lambda _: None, _lost)

    def _write(self, tx: Tx, excesses: list[Excess]) -> list[None]:
        parts, now_ms = self._pipeline, self._pipeline.now_ms()
        snapshot = parts.subscriptions.snapshot
        entries = [make_entry(snapshot, one.org_id, draft_notice(_notice(one), now_ms), own=True) for one in excesses]
        append(tx, parts.subscriptions, parts.lanes, entries, now_ms, parts.limits.events_per_24h)
        return [None for _ in excesses]


def _lost(error: BaseException) -> None:
    log.warning("the log could not be told of a rate limit", error=repr(error))


def _notice(excess: Excess) -> Notice:
    debug = {
        "rateLimitBucket": excess.bucket,
        "rateLimitThreshold": str(excess.limit),
        "rateLimitTimeSpan": str(EVERY_MS // 60_000),
        "rateLimitTimeUnit": "MINUTES",
        "rateLimitSecondsToReset": str(excess.wait_s),
        "requestApiTokenId": excess.token_id,
    }
    return Notice("system.org.rate_limit.violation", "Too many calls in a minute", True, debug)
