"""What ``GET /api/v1/logs`` may ask: its parameters read, every problem of them named, and which pages they mean.

Source: okta/system-log.md §1, §2 and §5; DESIGN §2.2; security check 166.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from tenterhook.domain.cursor import Cursor, Order, Position
from tenterhook.domain.filter_ast import Node
from tenterhook.domain.keyword import keyword_problem, parse_keywords
from tenterhook.domain.log_filter import parse_log_filter
from tenterhook.domain.timestamp import DAY_MS, parse_timestamp
from tenterhook.errors import InvalidError, QueryError

MAX_LIMIT = 1000
DEFAULT_LIMIT = 100
DEFAULT_WINDOW_MS = 7 * DAY_MS
MAX_SINCE_AGE_MS = 180 * DAY_MS

_NAMES = ("since", "until", "limit", "after", "sortOrder", "filter", "q")
_LIMIT = re.compile(r"\d{1,9}", re.ASCII)
_UNENCODED_PLUS = re.compile(r"(.*\d) (\d\d:?\d\d)", re.ASCII)
_BAD_DATE = (
    "The date format in your query is not recognized. Please enter dates using ISO8601 string format.",
    "must be a valid date-time or empty.",
)
_BAD_CURSOR = "is not a cursor that this org was given. Follow the next link, or begin again without it."


class LogQuery(msgspec.Struct, frozen=True):
    """The parameters as they were given; None where one was not."""

    since: int | None = None  #: ms since the epoch
    until: int | None = None  #: ms since the epoch
    limit: int = DEFAULT_LIMIT
    after: str | None = None
    descending: bool | None = None
    filter: Node | None = None
    keywords: tuple[str, ...] = ()


class LogSearch(msgspec.Struct, frozen=True):
    """A page to read, every default filled in."""

    order: Order
    #: ms since the epoch; the lower bound: of recorded_at in the order of commits, of published in the others.
    since: int
    until: int | None  #: ms since the epoch, exclusive; None in the order of commits
    after: Position | None
    limit: int
    filter: Node | None
    keywords: tuple[str, ...] = ()

    def cursor(self, position: Position) -> Cursor:
        """Return the cursor of the page that begins after *position*."""
        return Cursor(self.order, self.since, self.until, position)

    def oldest(self, kept_since_ms: int) -> int:
        """Return the lower bound (ms since the epoch) with what is past its retention left out.

        What is older than *kept_since_ms* is never answered, whether it has been deleted already or not.
        """
        return max(self.since, kept_since_ms)


def read_log_query(parameters: Sequence[tuple[str, str]], now_ms: int) -> LogQuery:
    """Return what *parameters* (name and value, decoded) ask for.

    Names that are not ours are ignored; an empty value counts as absent.
    Raises: InvalidError, with every problem of the plain parameters; QueryError, for a `since` too long ago, a filter
    that is not one, or a parameter that is not supported.
    """
    problems: list[tuple[str, str]] = []
    given = _single_values(parameters, problems)
    since, until = _moment("since", given, problems), _moment("until", given, problems)
    limit = _limit(given.get("limit"), problems)
    order = given.get("sortOrder")
    if order not in (None, "ASCENDING", "DESCENDING"):
        problems.append(("sortOrder", "must be ASCENDING or DESCENDING."))
    if since is not None and until is not None and since > until:
        problems.append(("since", "must not be after 'until'."))
    words = given.get("q", "")
    if (problem := keyword_problem(words)) is not None:
        problems.append(("q", problem))
    if problems:
        raise _invalid(problems)
    # A poller that follows its link for half a year carries the since that it began with.
    if since is not None and since < now_ms - MAX_SINCE_AGE_MS and "after" not in given:
        text = "Invalid parameter: The since parameter is over 180 days prior to the current day."
        raise QueryError("E0000053", text)
    filter_text = given.get("filter", "").strip()
    return LogQuery(
        since=since,
        until=until,
        limit=limit,
        after=given.get("after"),
        descending=None if order is None else order == "DESCENDING",
        filter=parse_log_filter(filter_text) if filter_text else None,
        keywords=parse_keywords(words),
    )


def plan_search(query: LogQuery, cursor: Cursor | None, now_ms: int) -> LogSearch:
    """Return the page that *query* means, going on where *cursor* (its opened ``after``) ended.

    Without `until` and descending order it polls: in the order of commits, without an end. Everything else is bounded:
    by `published`, with an end. A cursor brings its query's order and bounds along; only the limit, the filter and the
    keywords are the request's own.
    Raises: InvalidError, if ``after`` holds no cursor, or one of another query.
    """
    if query.after is not None:
        if cursor is None:
            raise _invalid([("after", _BAD_CURSOR)])
        _check_same_query(query, cursor)
        return LogSearch(cursor.order, cursor.since, cursor.until, cursor.position, *_own(query))
    if query.until is None and not query.descending:
        since = now_ms - DEFAULT_WINDOW_MS if query.since is None else query.since
        return LogSearch(Order.COMMITTED, since, None, None, *_own(query))
    end = now_ms if query.until is None else query.until
    since = end - DEFAULT_WINDOW_MS if query.since is None else query.since
    # Until is exclusive; the default takes in what this very millisecond has brought.
    until = now_ms + 1 if query.until is None else query.until
    order = Order.NEWEST if query.descending else Order.OLDEST
    return LogSearch(order, since, until, None, *_own(query))


def _own(query: LogQuery) -> tuple[int, Node | None, tuple[str, ...]]:
    return query.limit, query.filter, query.keywords


def _check_same_query(query: LogQuery, cursor: Cursor) -> None:
    same = (
        query.since in (None, cursor.since)
        and query.until in (None, cursor.until)
        and query.descending in (None, cursor.order is Order.NEWEST)
    )
    if not same:
        text = "belongs to a query with another since, until or sortOrder. Follow the next link as it is."
        raise _invalid([("after", text)])


def _single_values(parameters: Sequence[tuple[str, str]], problems: list[tuple[str, str]]) -> dict[str, str]:
    given: dict[str, str] = {}
    seen: set[str] = set()
    for name, value in parameters:
        if name not in _NAMES:
            continue
        if name in seen:
            problems.append((name, "was given more than once."))
        seen.add(name)
        if value:
            given[name] = value
    return given


def _moment(name: str, given: dict[str, str], problems: list[tuple[str, str]]) -> int | None:
    text = given.get(name)
    if text is None:
        return None
    moment = parse_timestamp(text)
    if moment is None and (match := _UNENCODED_PLUS.fullmatch(text)):
        # A client that did not encode the plus sign of its offset: a query string reads it as a space.
        moment = parse_timestamp(f"{match[1]}+{match[2]}")
    if moment is None:
        problems += [(name, problem) for problem in _BAD_DATE]
    return moment


def _limit(text: str | None, problems: list[tuple[str, str]]) -> int:
    if text is None:
        return DEFAULT_LIMIT
    if _LIMIT.fullmatch(text) and int(text) <= MAX_LIMIT:
        return int(text)
    problems.append(("limit", f"must be a whole number from 0 to {MAX_LIMIT}."))
    return DEFAULT_LIMIT


def _invalid(problems: Sequence[tuple[str, str]]) -> InvalidError:
    summary = " ".join(f"'{name}': {text}" for name, text in problems)
    return InvalidError(summary, [f"{name}: {text}" for name, text in problems])
