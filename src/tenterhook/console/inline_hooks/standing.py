"""How inline hooks fare: whether their endpoints are asked at all, and which calls of late failed."""

from __future__ import annotations

from time import monotonic
from typing import Any, NamedTuple

import msgspec

from tenterhook.console.log_question import Asked
from tenterhook.console.system_log import PATH as LOG
from tenterhook.console.visit import Visit
from tenterhook.domain.inline.hook import InlineHook
from tenterhook.domain.log_filter import parse_log_filter
from tenterhook.domain.log_query import LogQuery
from tenterhook.domain.principal import Permission
from tenterhook.domain.timestamp import DAY_MS
from tenterhook.engine.figures.log_figures import read_log_figures
from tenterhook.engine.search_logs import search_logs

#: Failures that the list counts, of all hooks together, and that the page of one hook shows.
MOST_COUNTED, MOST_SHOWN = 200, 20
_FAILED = 'eventType eq "inline_hook.executed"'
_ANSWERED = 'eventType eq "inline_hook.response.processed"'


class Standing(NamedTuple):
    """Whether a hook's endpoint is asked."""

    kind: str  #: of its badge
    word: str
    text: str  #: what follows, in a sentence; "" if there is nothing to say
    probe_at: int | None = None  #: ms; when an endpoint that is not asked is tried again


class Failure(NamedTuple):
    """One call that failed, as the log tells of it."""

    published: str
    uuid: str
    hook_id: str
    outcome: str
    reason: str
    attempts: str


class Failures(NamedTuple):
    """Calls that failed, youngest first."""

    found: list[Failure]
    more: bool  #: whether there were more

    def of(self, hook_id: str) -> list[Failure]:
        """Return those of one hook."""
        return [one for one in self.found if one.hook_id == hook_id]


class Answers(NamedTuple):
    """How often a hook's endpoint answered something that could be read, in seven days."""

    calls: int
    exact: bool  #: no: there are more, which there was no time to count
    log: str  #: the address of the System Log's page that has them


def standing_of(visit: Visit, hook: InlineHook) -> Standing:
    """Return whether the hook's endpoint is asked, by its status and its breaker."""
    if hook.status != "ACTIVE":
        return Standing("off", "Inactive", "Nobody asks it until it is activated.")
    breaker = visit.pipeline.switchboard.breakers.of(hook)
    if breaker.is_open:
        left_ms = int((breaker.probe_at - monotonic()) * 1000)
        text = f"Its last {breaker.failures} calls got no answer, so calls are answered without asking it."
        if left_ms <= 0:
            return Standing("bad", "Suspended", f"{text} The next one tries it again.")
        return Standing("bad", "Suspended", text, visit.pipeline.now_ms() + left_ms)
    if breaker.failures:
        calls = "call" if breaker.failures == 1 else f"{breaker.failures} calls"
        return Standing("warn", "Failing", f"Its last {calls} got no answer.")
    return Standing("good", "Active", "")


def failures_in_log(hook_id: str) -> str:
    """Return the address of the System Log's page that has all failures of a hook which `read_failures` looks at."""
    return Asked(text=_of(hook_id, _FAILED), span="7d").address(LOG)


async def read_answers(visit: Visit, hook_id: str) -> Answers | None:
    """Return how often a hook answered; None if that may not be seen. A call that failed may have been answered too."""
    if not visit.may(Permission.READ_LOG):
        return None
    asked = _of(hook_id, _ANSWERED)
    query = LogQuery(since=visit.pipeline.now_ms() - 7 * DAY_MS, filter=parse_log_filter(asked))
    figures = await read_log_figures(visit.pipeline, visit.principal, query)
    return Answers(figures.histogram.counted, figures.histogram.complete, Asked(text=asked, span="7d").address(LOG))


async def read_failures(visit: Visit, hook_id: str | None = None) -> Failures | None:
    """Return the calls that failed: of all hooks in 24 hours, or of one in seven days; None if they may not be seen."""
    if not visit.may(Permission.READ_LOG):
        return None
    most = MOST_COUNTED if hook_id is None else MOST_SHOWN
    days = 1 if hook_id is None else 7
    asked = _FAILED if hook_id is None else _of(hook_id, _FAILED)
    query = LogQuery(
        since=visit.pipeline.now_ms() - days * DAY_MS,
        limit=most + 1,
        descending=True,
        filter=parse_log_filter(asked),
    )
    page = await search_logs(visit.pipeline, visit.principal, query)
    found = [_failure(msgspec.json.decode(body)) for body in page.bodies]
    return Failures(found[:most], len(found) > most or page.has_next)


def _of(hook_id: str, what: str) -> str:
    return f'{what} and target.id eq "{hook_id}"'


def _failure(event: dict[str, Any]) -> Failure:
    debug = (event.get("debugContext") or {}).get("debugData") or {}
    targets = event.get("target") or [{}]
    outcome = event.get("outcome") or {}
    return Failure(
        published=str(event["published"]),
        uuid=str(event["uuid"]),
        hook_id=str(targets[0].get("id")),
        outcome=str(debug.get("outcome", "")),
        reason=str(outcome.get("reason") or debug.get("errorMessage") or ""),
        attempts=str(debug.get("attempts", "")),
    )
