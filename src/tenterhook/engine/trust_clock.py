"""Judge whether the wall clock may be believed: one that jumps ahead would have retention delete the whole log.

It is compared with the steady clock, which nobody sets, and with the log, which a stopped server left behind. What is
doubted is believed an hour later, if the clock has run steadily until then: it may be that the server was off, or the
machine asleep, and the hour is a person's time to set the clock right.
"""

from __future__ import annotations

import msgspec
import structlog

from tenterhook.domain.timestamp import DAY_MS, format_ms

log = structlog.get_logger(__name__)

#: How far the wall clock may run ahead of the steady one between two looks.
MAX_JUMP_MS = DAY_MS
#: How long a doubted clock has to run steadily, and what steadily is.
PROBATION_S = 3600.0
STEADY_MS = 60_000


class Trust(msgspec.Struct):
    """What was believed last, and what is doubted now. Times are those of the wall clock, minus the steady one's."""

    believed_ms: int
    doubted_ms: int | None = None
    doubted_at_s: float = 0.0  #: by the steady clock: since when the doubted clock has run steadily

    def holds(self, now_ms: int, steady_s: float) -> bool:
        """Return whether *now_ms* may be believed; the log says so when a doubt begins and when it ends."""
        offset = now_ms - int(steady_s * 1000)
        if offset - self.believed_ms > MAX_JUMP_MS and not self._has_passed(offset, steady_s):
            return False
        if self.doubted_ms is not None:
            log.warning("the wall clock is believed: retention goes on", now=format_ms(now_ms))
        self.believed_ms, self.doubted_ms = offset, None
        return True

    def _has_passed(self, offset: int, steady_s: float) -> bool:
        if self.doubted_ms is not None and abs(offset - self.doubted_ms) <= STEADY_MS:
            return steady_s - self.doubted_at_s >= PROBATION_S
        self.doubted_ms, self.doubted_at_s = offset, steady_s
        log.error(
            "the wall clock has jumped ahead: nothing is deleted until it has run steadily or is set right",
            now=format_ms(offset + int(steady_s * 1000)),
            ahead_days=(offset - self.believed_ms) // DAY_MS,
            for_s=PROBATION_S,
        )
        return False


def begin_trust(now_ms: int, steady_s: float, last_ms: int) -> Trust:
    """Return what a process that begins believes: its clock, unless that is far ahead of the log.

    last_ms: when anything was recorded last; 0 if nothing ever was.
    """
    steady_ms = int(steady_s * 1000)
    if not last_ms or now_ms - last_ms <= MAX_JUMP_MS:
        return Trust(now_ms - steady_ms)
    log.info("nothing was logged for long: retention waits", days=(now_ms - last_ms) // DAY_MS, for_s=PROBATION_S)
    return Trust(last_ms - steady_ms, now_ms - steady_ms, steady_s)
