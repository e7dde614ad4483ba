"""`tenterhook hooks preview`: what a hook would get, and what it answers."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from tenterhook.cli import options
from tenterhook.cli.deliveries import attempt_words, phases_words
from tenterhook.cli.failure import UsageError
from tenterhook.cli.hooks import Hook, read_json_file
from tenterhook.cli.naming import EVENT_HOOK, find_path
from tenterhook.cli.output import dim, inert, note, part, parts, print_json, say

commands = typer.Typer()

MOST_BODY = 4096


@commands.command()
def preview(
    hook: Hook,
    event_type: Annotated[
        str | None, typer.Option("--type", help="A sample of this type; without any source of the hook's first type.")
    ] = None,
    event: Annotated[
        str | None, typer.Option(metavar="FILE", help="A log event as JSON, maybe edited; - is standard input.")
    ] = None,
    uuid: Annotated[str | None, typer.Option(help="An event of the log.")] = None,
    deliver: Annotated[bool, typer.Option("--deliver", help="Send it to the receiver, once.")] = False,
    url: options.Url = None,
    token: options.Token = None,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """Show the request that a hook would get for an event.

    Works before the hook is verified. What its filter would say is told, and not heeded.
    """
    from tenterhook.cli.client import connect, options_judged_by_server

    sources = {"eventType": event_type, "event": event, "uuid": uuid}
    given: dict[str, Any] = {key: value for key, value in sources.items() if value is not None}
    if len(given) > 1:
        raise UsageError("Give only one of --type, --event and --uuid.")
    if event is not None:
        given = {"event": read_json_file(event)}
    with connect(url, token, data) as client:
        path = find_path(client, EVENT_HOOK, hook)
        if not given:
            given = {"eventType": parts(client.get(path), "events", "items")[0]}
        with options_judged_by_server():
            shown = client.post(f"{path}/preview", {**given, "deliver": deliver})
    if as_json:
        print_json(shown)
    else:
        _print(shown)


def _print(shown: Any) -> None:
    if not part(shown, "subscribed"):
        note("The hook does not subscribe to events of this type: it would not get this one.")
    if part(shown, "matches") is False:
        note(f"The hook's filter would not let this event through: {part(shown, 'reason')}")
    print_request(part(shown, "request"))
    attempt = part(shown, "delivered")
    if attempt is None:
        note("Not sent. --deliver sends it.")
        return
    say("")
    print_attempt(attempt)


def print_request(request: object) -> None:
    """Print a request as a preview shows it: its target, its headers, its body indented."""
    say(f"{part(request, 'method')} {part(request, 'url')}")
    for field in parts(request, "headers"):
        say(dim(f"{part(field, 'key')}: "), part(field, "value"))
    say("")
    for line in json.dumps(part(request, "json"), indent=2, ensure_ascii=False).splitlines():
        say(inert(line))


def print_attempt(attempt: object) -> None:
    """Print what a receiver answered."""
    say("answer  ", attempt_words(attempt))
    say("    ", dim(phases_words(part(attempt, "phasesMs"))))
    answered = part(attempt, "response", "headers")
    for name, value in answered.items() if isinstance(answered, dict) else ():
        say("    ", dim(f"{name}: "), value)
    body = part(attempt, "response", "body")
    if body:
        say(f"    {inert(body)[:MOST_BODY]}")
