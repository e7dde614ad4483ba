"""The first page: whether anything fails, since when and why; how much went out; and, at first, what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any, NamedTuple
from urllib.parse import urlencode

from starlette.responses import Response

from tenterhook.console.charts import most_of, outcome_chart
from tenterhook.console.delivery_words import BADGES, advice_for, result_of
from tenterhook.console.drawing import meter
from tenterhook.console.log_row import row_of
from tenterhook.console.routes import page
from tenterhook.console.visit import Visit
from tenterhook.console.words import count_of, duration
from tenterhook.domain.event_hook import EventHook
from tenterhook.domain.log_query import LogQuery
from tenterhook.domain.principal import Permission
from tenterhook.domain.timestamp import DAY_MS, format_ms
from tenterhook.engine.figures.overview import FailingHook, Overview, read_overview
from tenterhook.engine.figures.spans import Span
from tenterhook.engine.find_deliveries import DeliveryQuery, DeliverySummary, find_deliveries
from tenterhook.engine.register import known_event_hooks
from tenterhook.engine.search_logs import search_logs

PATH = "/console"
DELIVERIES, SYSTEM_LOG = "/console/deliveries", "/console/system-log"
#: Log events, failures and failing hooks shown.
RECENT, FAILURES, FAILING = 8, 8, 10
#: How far back failures are shown that have ended.
FAILURES_SINCE_MS = 7 * DAY_MS
#: Seconds that a look for deliveries may take: this page is fetched again and again.
LOOK_S = 0.02
#: From when on what is due is late.
LATE_MS = 60_000

SPANS = {Span.HOUR: ("Last hour", "hour"), Span.DAY: ("Last day", "day"), Span.WEEK: ("Last week", "week")}
_TICKS = {
    Span.HOUR: ("60 min ago", "30 min ago", "now"),
    Span.DAY: ("24 h ago", "12 h ago", "now"),
    Span.WEEK: ("7 days ago", "3½ days ago", "now"),
}
_BUCKETS = {Span.HOUR: "a minute", Span.DAY: "15 minutes", Span.WEEK: "two hours"}


class Verdict(NamedTuple):
    """How things are, in one sentence, and where to look on."""

    kind: str  #: as of a badge
    badge: str
    text: str
    link: str = ""  #: the words of the link; "" if there is none
    path: str = ""


class Step(NamedTuple):
    """One thing that a newcomer does."""

    done: bool
    title: str
    text: str
    command: str = ""
    link: str = ""
    path: str = ""


async def show(visit: Visit) -> Response:
    """Show the overview; what the reader may not see is left out."""
    context: dict[str, Any] = {"overview": None, "recent": None, "version": version("tenterhook")}
    if visit.may(Permission.READ_HOOKS):
        context |= await _of_hooks(visit)
    elif visit.may(Permission.READ_LOG):
        context["recent"] = await _recent(visit)
    return visit.render("overview/show.html", **context)


async def _of_hooks(visit: Visit) -> dict[str, Any]:
    name = visit.query("span").upper()
    span = Span(name) if name in set(Span) else Span.HOUR
    found = await read_overview(visit.pipeline, visit.principal, span)
    since = format_ms(found.since)
    steps, failures = await first_steps(visit, found), await _failures(visit)
    return {
        "overview": found,
        "span": span,
        "tabs": [(label, f"{PATH}?span={one.lower()}", one is span) for one, (label, _) in SPANS.items()],
        "within": SPANS[span][1],
        "verdict": verdict_on(found, sum(one.status == "RETRYING" for one in failures)),
        "chart": _chart(found),
        "ticks": _TICKS[span],
        "most": most_of(found.buckets),
        "per": _BUCKETS[span],
        "quota": _quota_meter(found),
        "link": _Links(since),
        "failing": [(one, advice_for(one.reason, one.status)) for one in found.failing[:FAILING]],
        "failures": sorted(failures, key=lambda one: one.created, reverse=True)[:FAILURES],
        "badges": BADGES,
        "result_of": result_of,
        "steps": steps,
        "newcomer": bool(steps) and not steps[2].done,
    }


class _Links:
    """Where the numbers of the page lead: to the deliveries that they count.

    A tally counts a delivery when it ends, whenever it was made: so do the lists of what ended in the span.
    """

    def __init__(self, since: str) -> None:
        self._since = since

    def of(self, status: str) -> str:
        """Return the list of those that ended with a status in the span."""
        return f"{DELIVERIES}?{urlencode({'status': status, 'endedSince': self._since})}"

    def events(self) -> str:
        """Return the log of the span."""
        return f"{SYSTEM_LOG}?{urlencode({'since': self._since})}"

    def ever(self, status: str) -> str:
        """Return the list of all that have a status."""
        return f"{DELIVERIES}?{urlencode({'status': status})}"

    def failing(self, hook: FailingHook) -> str:
        """Return the list of what does not arrive at a hook."""
        return f"{DELIVERIES}?{urlencode({'hookId': hook.hook_id, 'status': 'RETRYING,FAILED'})}"


def verdict_on(found: Overview, retrying: int) -> Verdict:
    """Return how an org's hooks fare: what is worst comes first.

    retrying: deliveries that failed and are tried again, counted up to `FAILURES`.
    """
    within = SPANS[found.span][1]
    if found.failing:
        return _failing(found)
    if found.quota_limit is not None and found.quota_used >= found.quota_limit:
        text = f"The quota of {found.quota_limit:,} events in 24 hours is used up; {found.held:,} deliveries wait."
        return Verdict("warn", "Quota used up", text, "See the limits", "/console/limits")
    if (found.oldest_pending_ms or 0) >= LATE_MS:
        text = f"The oldest delivery that could go out has been due for {duration(found.oldest_pending_ms or 0)}."
        return Verdict("warn", "Behind", text, "See what waits", f"{DELIVERIES}?status=PENDING,RETRYING")
    if found.unverified:
        first, rest = found.unverified[0], found.unverified_count - 1
        text = f"{first.name} holds its deliveries: its endpoint is not verified."
        if rest:
            text = f"{first.name} and {count_of(rest, 'other hook')} hold deliveries: their endpoints are not verified."
        return Verdict("warn", "Held", text, "See what is held", f"{DELIVERIES}?status=HELD")
    if found.ended_failed:
        failed = count_of(found.ended_failed, "delivery")
        text = f"No hook fails now, but {failed} of the last {within} failed for good."
        return Verdict("warn", "Some failed", text, "See them", _Links(format_ms(found.since)).of("FAILED"))
    if retrying:
        many = f"{FAILURES} or more deliveries" if retrying >= FAILURES else count_of(retrying, "delivery")
        text = f"No hook fails now, but {many} failed and will be tried again."
        return Verdict("warn", "Retrying", text, "See what is tried again", f"{DELIVERIES}?status=RETRYING")
    if not found.hooks:
        return Verdict("info", "No hooks yet", "Nothing is delivered, because there is no event hook.")
    if found.delivered:
        text = f"All {found.delivered:,} deliveries of the last {within} arrived."
        if found.delivered == 1:
            text = f"The one delivery of the last {within} arrived."
        return Verdict("good", "Healthy", text)
    return Verdict("good", "Quiet", f"Nothing was delivered in the last {within}, and nothing failed.")


def _failing(found: Overview) -> Verdict:
    first, count = found.failing[0], found.failing_count
    since = duration(max(1000, found.now - first.since))
    if count == 1:
        text = f"{first.name} has failed for {since}: {first.message or 'its last delivery did not arrive.'}"
    else:
        text = f"{count:,} event hooks are failing; {first.name} for the longest, {since}."
    return Verdict("bad", "Failing", text, "See what does not arrive", f"{DELIVERIES}?status=RETRYING,FAILED")


def _chart(found: Overview) -> Any:
    label = f"Deliveries of the last {SPANS[found.span][1]}: {found.delivered:,} delivered, "
    label += f"{count_of(found.failed_attempts, 'failed attempt')}, {found.ended_failed:,} given up"
    return outcome_chart(found.buckets, found.bucket_ms, label, f"{DELIVERIES}?")


def _quota_meter(found: Overview) -> Any:
    if found.quota_limit is None:
        return None
    return meter(found.quota_used, found.quota_limit, label="Events that triggered hooks")


async def _failures(visit: Visit) -> list[DeliverySummary]:
    """Return the newest deliveries that are tried again, and the newest that failed."""
    since = visit.pipeline.now_ms() - FAILURES_SINCE_MS
    found: list[DeliverySummary] = []
    for status, earliest in (("RETRYING", None), ("FAILED", since)):
        query = DeliveryQuery(statuses=frozenset({status}), since=earliest, limit=FAILURES)
        found += (await find_deliveries(visit.pipeline, visit.principal, query, budget_s=LOOK_S)).deliveries
    return found


async def _recent(visit: Visit) -> list[Any]:
    found = await search_logs(visit.pipeline, visit.principal, LogQuery(limit=RECENT, descending=True))
    return [row_of(body) for body in found.bodies]


# -- the first steps ---------------------------------------------------------------------------------------------------


async def first_steps(visit: Visit, found: Overview) -> Sequence[Step]:
    """Return what a newcomer has done and has to do; nothing once a delivery has arrived."""
    if found.delivered:
        return []
    arrived = await find_deliveries(
        visit.pipeline, visit.principal, DeliveryQuery(statuses=frozenset({"DELIVERED"}), limit=1), budget_s=LOOK_S
    )
    if arrived.deliveries or not arrived.complete:
        return []
    made = await find_deliveries(visit.pipeline, visit.principal, DeliveryQuery(limit=1), budget_s=LOOK_S)
    hooks = known_event_hooks(visit.pipeline, visit.principal)
    return _steps(visit, hooks, made.deliveries[0] if made.deliveries else None)


def _steps(visit: Visit, hooks: list[EventHook], delivery: DeliverySummary | None) -> list[Step]:
    hook = min(hooks, key=lambda one: (one.verification_status != "VERIFIED", one.created), default=None)
    event_type = "user.lifecycle.create" if hook is None else hook.events.items[0]
    base = visit.pipeline.public_url
    own = "/console/event-hooks" if hook is None else f"/console/event-hooks/{hook.id}"
    create = "/console/event-hooks/new"
    body = f'{{"eventType":"{event_type}"}}'
    return [
        Step(
            hook is not None,
            "Create an event hook",
            "It says which events go to which URL of yours."
            " Nothing to send them to yet? tenterhook listen is a receiver to try with.",
            "tenterhook listen --port 9000" if hook is None else "",
            "Create Event Hook",
            create,
        ),
        Step(
            hook is not None and hook.verification_status == "VERIFIED",
            "Verify it",
            "The endpoint is asked once to repeat a challenge: so nobody gets events who did not ask for them.",
            f"tenterhook hooks verify {hook.id}" if hook is not None else "",
            "Verify it on its page" if hook is not None else "",
            own,
        ),
        Step(
            delivery is not None,
            "Publish a first event",
            f"Of a type that the hook asks for, such as {event_type}. TENTERHOOK_TOKEN holds an API token;"
            " the file admin-token in the server’s data directory is one.",
            f'curl {base}/api/v1/events \\\n  -H "Authorization: SSWS $TENTERHOOK_TOKEN" \\\n'
            f"  -H 'Content-Type: application/json' \\\n  -d '{body}'",
        ),
        Step(
            False,
            "See it delivered",
            "Its delivery shows each attempt, what was sent and what your endpoint answered.",
            "",
            "See the delivery" if delivery is not None else "",
            "" if delivery is None else f"{DELIVERIES}/{delivery.event_id}",
        ),
    ]


routes = [page(PATH, show, None)]
