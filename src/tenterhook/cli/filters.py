"""`tenterhook hooks filter`: which events an event hook's filter lets through."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tenterhook.cli import options
from tenterhook.cli.failure import UsageError
from tenterhook.cli.hooks import Hook, filter_body
from tenterhook.cli.naming import EVENT_HOOK, find_path
from tenterhook.cli.output import count_of, dim, moment_cell, note, part, parts, print_json, print_table, say

commands = typer.Typer(no_args_is_help=True)


@commands.command("test")
def try_filter(
    hook: Hook,
    expression: Annotated[
        str | None,
        typer.Option(help="Try this instead of the hook's filter; it needs --event. Its texts are in single quotes."),
    ] = None,
    event: Annotated[
        list[str] | None,
        typer.Option(metavar="TYPE", help="The event type that --expression is for; repeat it for more."),
    ] = None,
    last: Annotated[
        int, typer.Option(min=1, max=1000, help="Try it on so many events of these types, the newest.")
    ] = 100,
    url: options.Url = None,
    token: options.Token = None,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """Try a filter on the last events of the log.

    Tells of each event whether the filter lets it through, and why not. Nothing is delivered. Another filter than the
    hook's own is tried with --expression and --event, which need each other:

    \b
    event.outcome.result eq 'FAILURE' && event.actor.alternateId.contains('@acme.com')
    event.target.?[type eq 'AppInstance'].size() > 0 || event.severity ne 'INFO'
    """
    from tenterhook.cli.client import connect, options_judged_by_server

    if (expression is None) != (not event):
        raise UsageError("Give --expression and --event together: the expression, and the event type that it is for.")
    body: dict[str, Any] = {"last": last}
    if expression is not None:
        body["filter"] = filter_body([(one, expression) for one in event or ()])
    with options_judged_by_server(), connect(url, token, data) as client:
        outcome = client.post(f"{find_path(client, EVENT_HOOK, hook)}/filter/test", body)
    if as_json:
        print_json(outcome)
        return
    say(_summary(outcome))
    print_table((), [_row(one) for one in reversed(parts(outcome, "events"))])
    if not part(outcome, "complete"):
        note("The time was up before so many events were found: older ones were not looked at.")
    if part(outcome, "filterErrors"):
        note(
            f"The hook's filter failed on {part(outcome, 'filterErrors')} events as they came in: they did not go out."
        )


def _summary(outcome: Any) -> str:
    tested = int(str(part(outcome, "tested")))
    if not tested:
        return "The log holds no events of these types yet: publish some, or try another --event."
    words = f"{part(outcome, 'matched')} of {count_of(tested, 'event')} matched"
    errors = part(outcome, "errors")
    return f"{words}; the filter failed on {errors}." if errors else f"{words}."


def _row(event: object) -> list[object]:
    when, uuid = moment_cell(part(event, "published")), dim(part(event, "uuid"))
    return [when, uuid, part(event, "eventType"), "yes" if part(event, "matched") else "no", part(event, "reason")]
