"""`tenterhook logs`: search the System Log, or follow it."""

from __future__ import annotations

import contextlib
import difflib
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from tenterhook.cli import options
from tenterhook.cli.failure import UsageError
from tenterhook.cli.output import dim, event_line, event_words, moment_cell, note, part, print_json, print_table, say

if TYPE_CHECKING:
    from tenterhook.cli.client import Client

commands = typer.Typer()

_AGO = re.compile(r"(\d{1,6})\s*(s|m|h|d)")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_PAGE = 1000
_DEFAULT = 100


@commands.command()
def logs(
    expression: Annotated[
        str | None, typer.Option("--filter", help="""Such as: eventType eq "user.session.start" and actor.id eq "…".""")
    ] = None,
    q: Annotated[
        str | None,
        typer.Option("--q", help='Up to ten whole words, of which every event found has each: "wrangler denied".'),
    ] = None,
    since: Annotated[str | None, typer.Option(help="A time (ISO 8601), or how long ago: 30s, 15m, 2h, 7d.")] = None,
    until: Annotated[str | None, typer.Option(help="Likewise; events before it.")] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, max=100_000, help="At most so many events, the newest. [default: 100]")
    ] = None,
    live: Annotated[
        bool,
        typer.Option("--follow", "-f", help="Print events as they are logged (--since: from there), until Ctrl-C."),
    ] = False,
    url: options.Url = None,
    token: options.Token = None,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """Search the System Log, or follow it.

    Prints the newest events that match, the oldest of them first. With --follow --json: one event a line.
    """
    from tenterhook.cli.client import connect, options_judged_by_server

    now = datetime.now(UTC)
    params: dict[str, str | int] = {name: text for name, text in (("filter", expression), ("q", q)) if text}
    params |= {name: moment(text, now) for name, text in (("since", since), ("until", until)) if text}
    if live and (until or limit):
        raise UsageError("--follow has no end: it goes with --filter, --q and --since, not with --until or --limit.")
    with options_judged_by_server(), _hinting(), connect(url, token, data) as client:
        if live:
            _follow(client, params, as_json)
            return
        most = limit or _DEFAULT
        # One more tells whether there are more.
        params |= {"sortOrder": "DESCENDING", "limit": min(most + 1, _PAGE)}
        found = list(client.pages("/api/v1/logs", params, most + 1))
    events = found[:most][::-1]
    if as_json:
        print_json(events)
        return
    print_table((), [_row(event) for event in events])
    if not events:
        note("No event matches." + ("" if since else " Without --since, the last 7 days were searched."))
    elif len(found) > most:
        note(f"There are more: these are the newest {most:,}. --limit and --until show others.")


@contextlib.contextmanager
def _hinting() -> Iterator[None]:
    """Add to the API's words on a filter, which are Okta's, what they leave out."""
    from tenterhook.cli.client import ApiError

    try:
        yield
    except ApiError as error:
        if hint := _hint(str(part(error.body, "errorSummary"))):
            error.add(hint)
        raise


def _hint(summary: str) -> str | None:
    from tenterhook.domain.log_field import names

    if "Unrecognized attribute operator" in summary:
        return "ne and ew work as well."
    if summary.endswith("Field: published"):
        return "published is searched with --since and --until."
    _, is_field, typed = summary.partition("field is not valid: ")
    close = difflib.get_close_matches(typed[:100], names(), 1, 0.7) if is_field else []
    return f"Did you mean {close[0]}?" if close else None


def _follow(client: Client, params: dict[str, str | int], as_json: bool) -> None:
    """Print each event as it comes, until Ctrl-C, which is how this ends well."""
    from tenterhook.cli.follow import follow

    if not as_json:
        note("Following the log; Ctrl-C ends.")
    try:
        for event in follow(client, params):
            if as_json:
                print(json.dumps(event, ensure_ascii=True), flush=True)
            else:
                say(dim(part(event, "published")), "  ", dim(part(event, "uuid")), "  ", event_line(event))
    except KeyboardInterrupt:
        return


def _row(event: object) -> list[object]:
    """Tell an event in columns. The uuid, which `explain` asks for, is whole."""
    when, uuid = moment_cell(part(event, "published")), dim(part(event, "uuid"))
    return [when, uuid, part(event, "eventType"), "  ".join(event_words(event))]


def moment(text: str, now: datetime, *, ahead: bool = False) -> str:
    """Return *text* as a time that the API reads.

    "2h" is two hours before *now* (*ahead*: after it). Anything else must be ISO 8601; a date, or a time without a
    zone, is UTC.
    Raises: UsageError.
    """
    distance = _AGO.fullmatch(text.strip())
    try:
        if distance:
            span = timedelta(**{_UNITS[distance[2]]: int(distance[1])})
            return _written(now + span if ahead else now - span)
        read = datetime.fromisoformat(text.strip())
    except (ValueError, OverflowError):
        far = "how long from now, such as 30d" if ahead else "how long ago, such as 2h"
        raise UsageError(f"{text!r} is not a time: write 2026-01-31T12:00:00Z, or {far}.") from None
    return text.strip() if read.tzinfo else _written(read)


def _written(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.") + f"{time.microsecond // 1000:03d}Z"
