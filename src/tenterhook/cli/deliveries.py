"""`tenterhook deliveries`: what was sent to a hook, and how each attempt went."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import typer

from tenterhook.cli import options
from tenterhook.cli.hooks import Hook, find_hook
from tenterhook.cli.output import inert, part, parts, print_fields, print_json, print_table, say

commands = typer.Typer(no_args_is_help=True)

PATH = "/api/v1/deliveries"
Delivery = Annotated[str, typer.Argument(metavar="ID", help="The delivery's eventId.")]


@commands.command("list")
def list_deliveries(
    hook: Hook,
    status: Annotated[str | None, typer.Option(help="PENDING, RETRYING, HELD, DELIVERED or FAILED.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many, the newest.")] = 50,
    url: options.Url = None,
    token: options.Token = None,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """List the deliveries of a hook, the newest first."""
    from tenterhook.cli.client import connect

    params: dict[str, str | int] = {"limit": min(limit, 200)}
    if status:
        params["status"] = status.upper()
    with connect(url, token, data) as client:
        path = f"/api/v1/eventHooks/{find_hook(client, hook)}/deliveries"
        found = list(client.pages(path, params, limit))
    if as_json:
        print_json(found)
    elif found:
        headings = ("ID", "STATUS", "CREATED", "EVENTS", "ATTEMPTS", "LAST ATTEMPT", "NEXT ATTEMPT")
        print_table(headings, [_row(delivery) for delivery in found])
    else:
        say("No deliveries.")


def _row(delivery: Any) -> list[object]:
    attempts = parts(delivery, "attempts")
    return [
        part(delivery, "id"),
        status_words(delivery),
        part(delivery, "created"),
        len(parts(delivery, "events")),
        len(attempts),
        attempt_words(attempts[-1]) if attempts else "-",
        part(delivery, "nextAttempt") or "-",
    ]


def status_words(delivery: object) -> str:
    """Return a delivery's status, and why it ended or is held."""
    why = part(delivery, "endReason") or part(delivery, "holdReason")
    return f"{part(delivery, 'status')} ({why})" if why else str(part(delivery, "status"))


def attempt_words(attempt: object) -> str:
    """Tell one attempt in a few words: 204 in 12 ms, TIMEOUT: the endpoint did not answer …"""
    status, reason, message = (part(attempt, key) for key in ("status", "reason", "message"))
    total = part(attempt, "phasesMs", "total")
    words = str(status or reason or part(attempt, "outcome"))
    words += f" in {total:g} ms" if isinstance(total, int | float) else ""
    return f"{words}: {message}" if message and part(attempt, "outcome") != "DELIVERED" else words


@commands.command()
def show(
    delivery: Delivery,
    url: options.Url = None,
    token: options.Token = None,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """Show one delivery with every attempt."""
    from tenterhook.cli.client import connect

    with connect(url, token, data) as client:
        _print(client.get(f"{PATH}/{quote(delivery, safe='')}"), as_json)


@commands.command()
def retry(
    delivery: Delivery,
    url: options.Url = None,
    token: options.Token = None,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """Try a failed or waiting delivery once more now, with the same eventId."""
    from tenterhook.cli.client import connect

    with connect(url, token, data) as client:
        _print(client.post(f"{PATH}/{quote(delivery, safe='')}/retry"), as_json)


@commands.command()
def cancel(
    delivery: Delivery,
    url: options.Url = None,
    token: options.Token = None,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """End a waiting delivery: it will not be tried again."""
    from tenterhook.cli.client import connect

    with connect(url, token, data) as client:
        _print(client.post(f"{PATH}/{quote(delivery, safe='')}/cancel"), as_json)


def _print(delivery: Any, as_json: bool) -> None:
    if as_json:
        print_json(delivery)
        return
    print_fields(
        [
            ("eventId", part(delivery, "eventId")),
            ("hook", part(delivery, "hookId")),
            ("origin", part(delivery, "origin")),
            ("status", status_words(delivery)),
            ("created", part(delivery, "created")),
            ("next attempt", part(delivery, "nextAttempt")),
            ("events", ", ".join(str(uuid) for uuid in parts(delivery, "events"))),
        ]
    )
    for attempt in parts(delivery, "attempts"):
        _print_attempt(attempt)


def _print_attempt(attempt: object) -> None:
    say(f"attempt {part(attempt, 'number')}  {part(attempt, 'started')}  {attempt_words(attempt)}")
    phases = part(attempt, "phasesMs")
    if isinstance(phases, dict):
        say("    " + ", ".join(f"{name} {took:g} ms" for name, took in phases.items() if isinstance(took, int | float)))
    body = part(attempt, "response", "body")
    if body:
        say(f"    answered: {inert(body)[:500]}")
