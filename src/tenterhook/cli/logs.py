"""`tenterhook logs`: search the System Log."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from tenterhook.cli import options
from tenterhook.cli.failure import UsageError
from tenterhook.cli.output import event_line, inert, part, print_json

commands = typer.Typer()

_AGO = re.compile(r"(\d{1,6})\s*(s|m|h|d)")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_PAGE = 1000


@commands.command()
def logs(
    expression: Annotated[
        str | None, typer.Option("--filter", help="""Such as: eventType eq "user.session.start" and actor.id eq "…".""")
    ] = None,
    since: Annotated[str | None, typer.Option(help="A time (ISO 8601), or how long ago: 30s, 15m, 2h, 7d.")] = None,
    until: Annotated[str | None, typer.Option(help="Likewise; events before it.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many events, the newest.")] = 100,
    url: options.Url = None,
    token: options.Token = None,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """Search the System Log: the newest events that match, oldest first."""
    from tenterhook.cli.client import connect

    now = datetime.now(UTC)
    params: dict[str, str | int] = {"sortOrder": "DESCENDING", "limit": min(limit, _PAGE)}
    if expression:
        params["filter"] = expression
    params |= {name: moment(text, now) for name, text in (("since", since), ("until", until)) if text}
    with connect(url, token, data) as client:
        events = list(client.pages("/api/v1/logs", params, limit))[::-1]
    if as_json:
        print_json(events)
        return
    for event in events:
        print(inert(f"{part(event, 'published')}  {part(event, 'uuid')}  {event_line(event)}"))


def moment(text: str, now: datetime) -> str:
    """Return *text* as a time that the API reads: "2h" is two hours before *now*, anything else must be ISO 8601.

    Raises: UsageError.
    """
    ago = _AGO.fullmatch(text.strip())
    if ago:
        then = now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        return then.strftime("%Y-%m-%dT%H:%M:%S.") + f"{then.microsecond // 1000:03d}Z"
    try:
        datetime.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(f"{text!r} is not a time: write 2026-01-31T12:00:00Z, or how long ago, such as 2h.") from None
    return text.strip()
