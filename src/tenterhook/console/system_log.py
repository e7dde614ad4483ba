"""Reports › System Log: search it, see when and what, follow it live, take it along."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
from starlette.responses import JSONResponse, Response

from tenterhook.console.drawing import Column
from tenterhook.console.log_completion import attributes, options_at, place_of
from tenterhook.console.log_file import MAX_EVENTS, log_file
from tenterhook.console.log_links import links_of
from tenterhook.console.log_question import CUSTOM, LENGTHS, Asked, Question, read_asked, read_question
from tenterhook.console.log_row import Row, row_of, whole_of
from tenterhook.console.log_tail import LogTail
from tenterhook.console.render import ENVIRONMENT
from tenterhook.console.routes import Kind, page
from tenterhook.console.visit import Visit
from tenterhook.console.words import count_of
from tenterhook.domain.event_type import catalogue
from tenterhook.domain.filter_ast import Operator
from tenterhook.domain.log_clause import clause_text, clauses_of
from tenterhook.domain.log_filter import parse_log_filter
from tenterhook.domain.log_query import LogQuery
from tenterhook.domain.principal import Permission
from tenterhook.domain.timestamp import DAY_MS, format_ms
from tenterhook.engine.browse_log import LogView, browse_log
from tenterhook.engine.figures.log_figures import ATTRIBUTES, Facet, Histogram, LogFigures, read_log_figures
from tenterhook.engine.figures.triggered import read_triggered
from tenterhook.engine.follow_log import begin_tail
from tenterhook.errors import BadRequestError, InvalidError, NotFoundError, QueryTimeoutError
from tenterhook.ids import parse_uuid, uuid_text

PATH, LIVE = "/console/system-log", "/console/system-log/live"
STREAM, FILE, COMPLETE = f"{PATH}/stream", f"{PATH}/download", f"{PATH}/complete"
EXPLAIN = "/console/explain"
#: Bytes of the events of one page: where they are large there are fewer of them.
PAGE_BYTES = 1024 * 1024
#: Rows that a browser keeps of the live tail.
KEPT = 200

_FACETS = dict(zip(ATTRIBUTES, ("Event type", "Actor", "Outcome", "Severity", "Client IP"), strict=True))


class FacetValue(NamedTuple):
    """One value of a facet."""

    value: str
    events: int
    only: str | None  #: the address that asks for it as well; None: it is asked for already, or cannot be
    without: str | None


async def show(visit: Visit) -> Response:
    """Show what was found, when it was published, and which values it has most."""
    asked, clause, whole = read_asked(visit.request.query_params)
    question = read_question(asked, visit.pipeline.now_ms())
    if clause:
        return visit.redirect(_with(question, clause).address(PATH))
    if not whole:
        return visit.redirect(asked.address(PATH, after=asked.after, at=asked.at))
    if question.errors:
        return _page(visit, question, status=400)
    try:
        view = await browse_log(visit.pipeline, visit.principal, question.query, max_bytes=PAGE_BYTES)
        figures = await read_log_figures(visit.pipeline, visit.principal, question.query)
    except InvalidError:
        return visit.redirect(asked.address(PATH))  # a page of another search, or of none: begin again
    except QueryTimeoutError:
        return _page(visit, question, status=504)
    rows = [row_of(body) for body in view.bodies]
    return _page(
        visit, question, rows=rows, turns=_turns(question, view), counts=await _counts(visit, rows), figures=figures
    )


async def event(visit: Visit) -> Response:
    """Show all that one event holds."""
    body = await _body(visit, visit.params["uuid"])
    leads = [one for one in links_of(msgspec.json.decode(body)) if visit.reaches(one.address)]
    paths = {"explain": EXPLAIN}
    return visit.render(
        "system_log/event.html", path=PATH, paths=paths, row=row_of(body), whole=whole_of(body), leads=leads
    )


async def live(visit: Visit) -> Response:
    """Show what was logged last; with script, what is logged from now on comes by itself."""
    asked, clause, whole = read_asked(visit.request.query_params)
    question = read_question(asked, visit.pipeline.now_ms())
    if clause:
        return visit.redirect(_with(question, clause).address(LIVE))
    if not whole:
        return visit.redirect(asked.address(LIVE))
    if question.errors:
        return _page(visit, question, status=400, is_live=True)
    query = msgspec.structs.replace(question.query, since=None, until=None, after=None)
    # Asked before the search: whatever is logged in between is told by both, and shown once.
    cursor = (await begin_tail(visit.pipeline, visit.principal, _following(query))).cursor()
    try:
        view = await browse_log(visit.pipeline, visit.principal, query, max_bytes=PAGE_BYTES)
    except QueryTimeoutError:
        return _page(visit, question, status=504, is_live=True)
    rows = [row_of(body) for body in view.bodies]
    return _page(visit, question, rows=rows, is_live=True, source=asked.address(STREAM, after=cursor))


async def stream(visit: Visit) -> Response:
    """Answer with the rows of what is logged, without an end."""
    asked, _, _ = read_asked(visit.request.query_params)
    question = read_question(asked, visit.pipeline.now_ms())
    if question.errors:
        raise BadRequestError(" ".join(text for _, text in question.errors.all))
    after = visit.request.headers.get("last-event-id") or question.query.after
    query = msgspec.structs.replace(_following(question.query), after=after)
    tail = await begin_tail(visit.pipeline, visit.principal, query)
    return LogTail(visit, tail, lambda bodies: "".join(_made(row_of(body)) for body in bodies))


@lru_cache(512)
def _made(row: Row) -> str:
    """Return a row as HTML. Whoever else follows the log gets the same one."""
    made: str = ENVIRONMENT.get_template("system_log/row.html").module.log_row(row)  # type: ignore[attr-defined]
    return made


async def download(visit: Visit) -> Response:
    """Answer with all that is found, as a file."""
    asked, _, _ = read_asked(visit.request.query_params)
    question = read_question(asked._replace(after="", at=""), visit.pipeline.now_ms())
    if question.errors:
        return visit.redirect(asked.address(PATH))
    return await log_file(visit, question.query)


async def complete(visit: Visit) -> Response:
    """Answer with what may come next where the reader types: ``{"begin": 10, "options": [["eq ", "is"], …]}``."""
    text, caret = visit.query("text")[:4096], visit.query("caret")
    place = place_of(text, int(caret) if caret.isdecimal() and len(caret) < 6 else len(text))
    values: Sequence[str] = ()
    if place.expects == "value" and place.attribute in ATTRIBUTES:
        figures = await read_log_figures(visit.pipeline, visit.principal, LogQuery())
        values = [value for one in figures.facets if one.attribute == place.attribute for value, _ in one.values]
        values = [*values, *sorted(catalogue())] if place.attribute == "eventType" else values
    return JSONResponse({"begin": place.begin, "options": options_at(place, values)})


def _page(visit: Visit, question: Question, *, status: int = 200, is_live: bool = False, **found: Any) -> Response:
    figures: LogFigures | None = found.get("figures")
    shown: dict[str, Any] = {"rows": [], "turns": (None, None), "counts": {}, "source": ""}
    return visit.render(
        "system_log/live.html" if is_live else "system_log/search.html",
        status=status,
        question=question,
        asked=question.asked,
        errors=question.errors,
        path=LIVE if is_live else PATH,
        paths={"search": PATH, "live": LIVE, "file": FILE, "complete": COMPLETE, "explain": EXPLAIN},
        lengths=LENGTHS,
        attributes=attributes(),
        kept=KEPT,
        most_in_file=MAX_EVENTS,
        columns_of=None if figures is None else _columns(question.asked, figures.histogram),
        facets=[] if figures is None else [_facet(question, one) for one in figures.facets if one.values],
        wider=_wider(question.asked),
        **shown | {"figures": None} | found,
    )


async def _body(visit: Visit, uuid: str) -> bytes:
    """Return the JSON of one event. Raises: NotFoundError."""
    raw, pipeline = parse_uuid(uuid), visit.pipeline
    if raw is not None:
        asked = parse_log_filter(f'uuid eq "{uuid_text(raw)}"')
        # Published may lie ahead of the clock.
        query = LogQuery(pipeline.oldest_event(), pipeline.now_ms() + DAY_MS, limit=1, filter=asked)
        view = await browse_log(pipeline, visit.principal, query)
        if view.bodies:
            return view.bodies[0]
    raise NotFoundError(uuid, "LogEvent")


def _following(query: LogQuery) -> LogQuery:
    """Return the part of a query that a live tail can ask."""
    return LogQuery(filter=query.filter, keywords=query.keywords)


def _with(question: Question, clause: str) -> Asked:
    """Return what asks for a clause as well; what is wrong already stays as it is, to be told."""
    return question.asked if question.mistake is not None else question.narrowed(clause)


def _turns(question: Question, view: LogView) -> tuple[str | None, str | None]:
    """Return the addresses of the newer and the older page; both end where this one does."""
    at = question.asked.at or str(question.until)

    def turn(after: str | None) -> str | None:
        return None if after is None else question.asked.address(PATH, after=after, at=at)

    return turn(view.newer), turn(view.older)


async def _counts(visit: Visit, rows: Sequence[Row]) -> dict[str, int]:
    """Return how many deliveries each event has caused, for who may see deliveries and can be led to them."""
    if not (visit.may(Permission.READ_HOOKS) and visit.reaches(EXPLAIN)):
        return {}
    return await read_triggered(visit.pipeline, visit.principal, [row.uuid for row in rows])


def _columns(asked: Asked, histogram: Histogram) -> list[Column]:
    """Return the bars of the histogram, each with the address of its span."""
    found = []
    for start, events in histogram.buckets:
        since, until = format_ms(start), format_ms(start + histogram.bucket_ms)
        label = f"{since[:16].replace('T', ' ')} UTC: {count_of(events, 'event')}"
        address = asked.address(PATH, span=CUSTOM, since=since, until=until) if events else None
        found.append(Column(events, label, address))
    return found


def _facet(question: Question, facet: Facet) -> tuple[str, list[FacetValue], int]:
    """Return a facet's title, its values, and how many more there are."""
    path = tuple(facet.attribute.split("."))
    present = clauses_of(question.filter)
    values = []
    for value, events in facet.values:
        addresses: list[str | None] = []
        for operator in (Operator.EQ, Operator.NE):
            clause = clause_text(path, value, operator)
            is_new = clause is not None and clause not in present
            addresses.append(question.narrowed(clause).address(PATH) if clause is not None and is_new else None)
        values.append(FacetValue(value, events, addresses[0], addresses[1] if addresses[0] else None))
    return _FACETS[facet.attribute], values, facet.distinct - len(facet.values)


def _wider(asked: Asked) -> tuple[str, str] | None:
    """Return the next longer time to look at, as an address and in words; None: there is none."""
    keys = list(LENGTHS)
    if asked.span == CUSTOM:
        return asked.address(PATH, span="7d"), LENGTHS["7d"][2]
    at = keys.index(asked.span) + 1
    return None if at == len(keys) else (asked.address(PATH, span=keys[at]), LENGTHS[keys[at]][2])


routes = [
    page(PATH, show, Permission.READ_LOG),
    page(LIVE, live, Permission.READ_LOG, Kind.LIVE),
    page(f"{PATH}/events/{{uuid}}", event, Permission.READ_LOG),
    page(STREAM, stream, Permission.READ_LOG, Kind.STREAM),
    page(FILE, download, Permission.READ_LOG, Kind.PART),
    page(COMPLETE, complete, Permission.READ_LOG, Kind.PART),
]
