"""What the address of a page of the System Log asks: a text, how it is read, and of which time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import NamedTuple
from urllib.parse import urlencode

import msgspec
from starlette.datastructures import QueryParams

from tenterhook.console.form import FieldErrors
from tenterhook.domain.filter_ast import Node
from tenterhook.domain.keyword import keyword_problem, parse_keywords
from tenterhook.domain.log_clause import join_clause
from tenterhook.domain.log_field import kind_of, names
from tenterhook.domain.log_filter import parse_log_filter
from tenterhook.domain.log_query import DEFAULT_WINDOW_MS, LogQuery, read_log_query
from tenterhook.domain.timestamp import DAY_MS, HOUR_MS, MAX_MS, MINUTE_MS, format_ms, parse_timestamp
from tenterhook.errors import InvalidError, QueryError

PAGE_EVENTS = 50
FILTER, KEYWORDS = "filter", "keywords"
CUSTOM, DEFAULT = "custom", "24h"
#: How far back one may look with one click: key → (ms, as the button has it, as a sentence has it).
LENGTHS: Mapping[str, tuple[int, str, str]] = {
    "15m": (15 * MINUTE_MS, "15 min", "the last 15 minutes"),
    "1h": (HOUR_MS, "Hour", "the last hour"),
    "24h": (DAY_MS, "Day", "the last day"),
    "7d": (7 * DAY_MS, "Week", "the last week"),
}
#: Characters around a mistake that are shown.
_AROUND = 40

#: What begins like a filter is meant as one, even if it is none yet.
_FILTER_LIKE = re.compile(
    r"[\s(]*(?:not[\s(]+)?[a-z_$][\w$.:-]*\s+(?:eq|ne|co|sw|ew|gt|ge|lt|le|pr)(?![\w.:$-])", re.ASCII | re.IGNORECASE
)
_FIRST_WORD = re.compile(r"[\s(]*(?:not[\s(]+)?([\w$-]+(?:\.[\w$-]+)+)\s+\S", re.ASCII | re.IGNORECASE)
#: An attribute and what other languages compare with.
_FOREIGN = re.compile(r"[\s(]*(?:not[\s(]+)?([a-z_$][\w$.-]*)\s*(=[=~]?|[!<>]=?|<>|:|~)\s*\S", re.ASCII | re.IGNORECASE)
_OPERATORS = "eq, ne, co, sw, ew, gt, ge, lt, le and pr"
_EXAMPLE = "eventType, severity, actor.alternateId, target.id, client.ipAddress or outcome.result"
_BREAK = re.compile(r"[\r\n\t]")
#: What a browser's field for a time gives: it names no zone, and the page says that it means UTC.
_ZONELESS = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)", re.ASCII)
_MOMENT = re.compile(r"\d{1,15}", re.ASCII)


class Asked(NamedTuple):
    """The parameters of an address, cleaned."""

    text: str = ""
    chosen: str = ""  #: how the reader wants the text to be read; "": as it looks
    words: str = ""  #: keywords beside a filter
    span: str = DEFAULT  #: a key of LENGTHS, or CUSTOM
    since: str = ""
    until: str = ""
    after: str = ""
    at: str = ""  #: when (ms) the first page was shown, so that later ones end where it did

    def address(self, path: str, **changes: str) -> str:
        """Return the address of a page that asks this, but for *changes*. What turns pages is left out unless given."""
        new = self._replace(**{"after": "", "at": "", **changes})
        custom = new.span == CUSTOM
        pairs = {
            "q": new.text,
            "as": new.chosen,
            "words": new.words,
            "range": "" if custom or new.span == DEFAULT else new.span,
            "since": new.since if custom else "",
            "until": new.until if custom else "",
            "after": new.after,
            "at": new.at,
        }
        query = urlencode({name: value for name, value in pairs.items() if value})
        return f"{path}?{query}" if query else path

    def field(self, name: str) -> tuple[str, str]:
        """Return the type and the value of the field of a time (since, until): what is none keeps its text."""
        text = getattr(self, name) if self.span == CUSTOM else ""
        at = parse_timestamp(_zoned(text))
        return ("text", text) if text and at is None else ("datetime-local", "" if at is None else format_ms(at)[:-1])


class Mistake(NamedTuple):
    """Where a filter is wrong, and how."""

    text: str  #: what is wrong
    column: int | None  #: from 1; None: nowhere in particular
    before: str = ""  #: what stands on both sides of it
    after: str = ""


class Question(msgspec.Struct, frozen=True):
    """What is asked, understood as far as it can be."""

    asked: Asked
    taken: str  #: what the text was taken as: FILTER or KEYWORDS; "": there is none
    query: LogQuery  #: without an order; its cursor is the address's
    since: int  #: ms
    until: int  #: ms, exclusive
    mistake: Mistake | None
    errors: FieldErrors

    @property
    def filter(self) -> Node | None:
        """The filter, if the text is one."""
        return self.query.filter

    def narrowed(self, clause: str) -> Asked:
        """Return what asks for *clause* as well. Keywords stay beside the filter that the box holds then."""
        if self.taken == KEYWORDS:
            words = f"{self.asked.words} {self.asked.text}".strip()
            return self.asked._replace(text=clause, chosen="", words=words)
        return self.asked._replace(text=join_clause(self.asked.text, self.filter, clause), chosen="")


def read_asked(given: QueryParams) -> tuple[Asked, str, bool]:
    """Return what an address asks, a clause that is to be added to it ("": none), and whether it is as we write them.

    A form sends all of its fields, and of its buttons the one that was pressed: ``last`` (a length) or ``add`` (a
    clause).
    """

    def text(name: str) -> str:
        return _BREAK.sub(" ", given.get(name, "")).strip()

    q, chosen = text("q"), text("as")
    if chosen not in (FILTER, KEYWORDS) or given.get("of", q) != q:
        chosen = ""  # it was chosen for another text
    span = text("last") or (CUSTOM if text("since") or text("until") else text("range"))
    span = span if span in LENGTHS or (span == CUSTOM and (text("since") or text("until"))) else DEFAULT
    at = text("at") if _MOMENT.fullmatch(text("at")) and int(text("at")) <= MAX_MS else ""
    asked = Asked(q, chosen if q else "", text("words"), span, text("since"), text("until"), text("after"), at)
    whole = not any(name in given for name in ("last", "add", "of")) and all(given.values())
    return asked, text("add"), whole


def read_question(asked: Asked, now_ms: int) -> Question:
    """Return what *asked* means now; what is wrong with it is in its errors, by field: q, words, since, until."""
    errors = FieldErrors()
    since, until = _window(asked, now_ms, errors)
    taken = _taken(asked)
    found, mistake = _filter(asked.text) if taken == FILTER else (None, None)
    words = asked.words if taken == FILTER else f"{asked.words} {asked.text}"
    problem = keyword_problem(words)
    if problem is not None:
        errors.add("q" if taken == KEYWORDS else "words", problem)
    if mistake is not None:
        errors.add("q", mistake.text)
    query = LogQuery(
        since=since,
        until=until,
        limit=PAGE_EVENTS,
        after=asked.after or None,
        filter=found,
        keywords=() if problem else parse_keywords(words),
    )
    return Question(asked, taken, query, since, until, mistake, errors)


def _taken(asked: Asked) -> str:
    if not asked.text or asked.chosen:
        return asked.chosen
    first = _FIRST_WORD.match(asked.text)
    if _foreign(asked.text) is not None:
        return FILTER
    if _FILTER_LIKE.match(asked.text) or (first is not None and kind_of(first[1]) is not None):
        return FILTER
    try:
        parse_log_filter(asked.text)
    except QueryError:
        return KEYWORDS
    return FILTER


def _foreign(text: str) -> re.Match[str] | None:
    """Return where *text* begins with an attribute and an operator that filters do not have, None if it does not."""
    found = _FOREIGN.match(text)
    return found if found is not None and kind_of(found[1]) is not None else None


def _filter(text: str) -> tuple[Node | None, Mistake | None]:
    try:
        return parse_log_filter(text), None
    except QueryError as error:
        said = error.summary.removeprefix(f"Invalid filter '{text}': ").removeprefix("Invalid filter: ")
        at = error.position
        foreign = _foreign(text)
        if foreign is not None:
            said = f'“{foreign[2]}” is no operator of filters: there are {_OPERATORS}, as in {foreign[1]} eq "…"'
            at = foreign.start(2)
        elif said.startswith("field is not valid: "):
            said = _unknown_attribute(said)
        if at is None:
            return None, Mistake(said, None)
        said = said.replace(f" at position {at}", "", 1)  # the page shows it, and counts columns from 1
        return None, Mistake(said, at + 1, _cut(text[:at], end=False), _cut(text[at:], end=True))


def _unknown_attribute(said: str) -> str:
    typed = said.partition(": ")[2]
    close = get_close_matches(typed[:100], names(), 1, 0.7)
    better = f"did you mean {close[0]}?" if close else f"a log event has such as {_EXAMPLE}; /docs lists them all"
    return f"“{typed}” is no attribute of a log event that filters know; {better}"


def _cut(text: str, *, end: bool) -> str:
    if len(text) <= _AROUND:
        return text
    return text[:_AROUND] + "…" if end else "…" + text[-_AROUND:]


def _window(asked: Asked, now_ms: int, errors: FieldErrors) -> tuple[int, int]:
    """Return since and until (ms); the end is what the first page's was."""
    end = int(asked.at) if asked.at else now_ms + 1
    if asked.span != CUSTOM:
        return end - LENGTHS[asked.span][0], end
    times = [(name, _zoned(text)) for name, text in (("since", asked.since), ("until", asked.until))]
    try:
        read = read_log_query(times, now_ms)
    except InvalidError as error:
        for name, said in dict(problem.partition(": ")[::2] for problem in error.problems).items():
            errors.add(name, "must be a date and a time." if "date" in said else said)
        return end - DEFAULT_WINDOW_MS, end
    except QueryError:
        errors.add("since", "is more than 180 days ago. The log does not reach back so far.")
        return end - DEFAULT_WINDOW_MS, end
    until = end if read.until is None else read.until
    return (until - DEFAULT_WINDOW_MS if read.since is None else read.since), until


def _zoned(text: str) -> str:
    match = _ZONELESS.fullmatch(text)
    return f"{match[1]}T{match[2]}Z" if match else text
