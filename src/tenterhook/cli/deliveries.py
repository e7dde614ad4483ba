"""`tenterhook deliveries`: what was sent to a hook, and how each attempt went."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import typer

from tenterhook.cli import options
from tenterhook.cli.failure import UsageError
from tenterhook.cli.hooks import Hook
from tenterhook.cli.naming import EVENT_HOOK, find_path
from tenterhook.cli.output import (
    Cell,
    dim,
    inert,
    moment_cell,
    note,
    part,
    parts,
    print_fields,
    print_json,
    print_table,
    say,
    state,
)

commands = typer.Typer(no_args_is_help=True)

PATH = "/api/v1/deliveries"
STATUSES = ("PENDING", "RETRYING", "HELD", "DELIVERED", "FAILED")
Delivery = Annotated[str, typer.Argument(metavar="ID", help="The delivery's eventId.")]


@commands.command("list")
def list_deliveries(
    hook: Hook,
    status: Annotated[str | None, typer.Option(help=f"{', '.join(STATUSES[:-1])} or {STATUSES[-1]}.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many, the newest.")] = 50,
    url: options.Url = None,
    token: options.Token = None,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """List the deliveries of a hook, the newest first."""
    from tenterhook.cli.client import connect

    params: dict[str, str | int] = {"limit": min(limit, 200)}
    if status and status.upper() not in STATUSES:
        raise UsageError(f"--status {status!r} is none: {', '.join(STATUSES[:-1])} or {STATUSES[-1]}.")
    if status:
        params["status"] = status.upper()
    with connect(url, token, data) as client:
        path = f"{find_path(client, EVENT_HOOK, hook)}/deliveries"
        found = list(client.pages(path, params, limit))
    if as_json:
        print_json(found)
    elif found:
        print_table(("ID", "STATUS", "CREATED", "TRIES", "LAST", "NEXT", "EVENTS"), [_row(one) for one in found])
        held = [str(part(one, "nextAttempt")) for one in found if part(one, "holdReason") == "QUOTA"]
        if held:
            note(f"{len(held)} {held_by_quota(min(held))}.")
    else:
        say("No deliveries.")


def _row(delivery: Any) -> list[object]:
    attempts = parts(delivery, "attempts")
    return [
        dim(part(delivery, "id")),
        state(part(delivery, "status")),
        moment_cell(part(delivery, "created")),
        len(attempts),
        _result(attempts[-1]) if attempts else "-",
        moment_cell(part(delivery, "nextAttempt")),
        len(parts(delivery, "events")),
    ]


def _result(attempt: object) -> str:
    """Return what came of an attempt in one word: 204, CONNECT."""
    return str(part(attempt, "status") or part(attempt, "reason") or part(attempt, "outcome"))


def status_words(delivery: object) -> Cell:
    """Return a delivery's status, and why it ended or is held."""
    why = part(delivery, "endReason") or part(delivery, "holdReason")
    if why == "QUOTA":
        return state(f"{part(delivery, 'status')} ({held_by_quota(part(delivery, 'nextAttempt'))})")
    return state(f"{part(delivery, 'status')} ({why})" if why else part(delivery, "status"))


def held_by_quota(until: object) -> str:
    """Tell why the quota holds a delivery, and until when. until: ISO 8601."""
    return f"held by the quota TENTERHOOK_LIMIT_EVENTS_PER_24H until {until}; see `tenterhook limits`"


def attempt_words(attempt: object) -> str:
    """Tell one attempt in a few words: 204 in 12 ms, TIMEOUT: the endpoint did not answer …"""
    message, total = part(attempt, "message"), part(attempt, "phasesMs", "total")
    words = _result(attempt)
    words += f" in {_ms(total)} ms" if isinstance(total, int | float) else ""
    return f"{words}: {message}" if message and part(attempt, "outcome") != "DELIVERED" else words


def phases_words(phases: object) -> str:
    """Tell where an attempt's time went: total 12.3 ms (connect 0.31, first byte 11.9); queue 0.20 ms before it."""
    known = phases if isinstance(phases, dict) else {}
    took = {name: _ms(ms) for name, ms in known.items() if isinstance(ms, int | float)}
    queue, total = took.pop("queue", None), took.pop("total", "0")
    spent = ", ".join(f"{'first byte' if name == 'firstByte' else name} {ms}" for name, ms in took.items())
    words = f"total {total} ms" + (f" ({spent})" if spent else "")
    return f"{words}; queue {queue} ms before it" if queue else words


def _ms(took: float) -> str:
    return f"{took:.1f}" if took >= 10 else f"{took:.2f}"


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
        print_delivery(client.get(f"{PATH}/{quote(delivery, safe='')}"), as_json)


@commands.command()
def retry(
    delivery: Delivery,
    url: options.Url = None,
    token: options.Token = None,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """Try a failed or waiting delivery now, with the same eventId."""
    from tenterhook.cli.client import connect

    with connect(url, token, data) as client:
        print_delivery(client.post(f"{PATH}/{quote(delivery, safe='')}/retry"), as_json)


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
        print_delivery(client.post(f"{PATH}/{quote(delivery, safe='')}/cancel"), as_json)


def print_delivery(delivery: Any, as_json: bool) -> None:
    """Print a delivery with its attempts."""
    if as_json:
        print_json(delivery)
        return
    print_fields(
        [
            ("eventId", dim(part(delivery, "eventId"))),
            ("hook", dim(part(delivery, "hookId"))),
            ("origin", part(delivery, "origin")),
            ("status", status_words(delivery)),
            ("created", moment_cell(part(delivery, "created"))),
            ("next attempt", moment_cell(part(delivery, "nextAttempt")) if part(delivery, "nextAttempt") else None),
            ("events", ", ".join(str(uuid) for uuid in parts(delivery, "events"))),
        ]
    )
    for attempt in parts(delivery, "attempts"):
        _print_attempt(attempt)


def _print_attempt(attempt: object) -> None:
    say(f"attempt {part(attempt, 'number')}  ", moment_cell(part(attempt, "started")), "  ", attempt_words(attempt))
    say("    ", dim(phases_words(part(attempt, "phasesMs"))))
    body = part(attempt, "response", "body")
    if body:
        say(f"    answered: {inert(body)[:500]}")
