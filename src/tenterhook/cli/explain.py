"""`tenterhook explain`: where one event went."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from tenterhook.cli import options
from tenterhook.cli.deliveries import PATH as DELIVERIES
from tenterhook.cli.deliveries import attempt_words, print_delivery, status_words
from tenterhook.cli.output import count_of, dim, event_words, moment_cell, note, part, parts, print_json, say

if TYPE_CHECKING:
    from tenterhook.cli.client import Client

commands = typer.Typer()

MOST_HOOKS = 10_000


@commands.command()
def explain(
    uuid: Annotated[
        str,
        typer.Argument(help="The event's uuid, as the log and the publish API give it; or a delivery's eventId."),
    ],
    url: options.Url = None,
    token: options.Token = None,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """Tell where one event went, and why.

    Every hook, why it matched or not, each delivery and attempt. Of a delivery's eventId, which receivers know, that
    delivery.
    """
    from tenterhook.cli.client import ApiError, connect

    with connect(url, token, data) as client:
        try:
            hooks = list(client.pages(f"/api/v1/logs/{quote(uuid, safe='')}/deliveries", {}, MOST_HOOKS))
        except ApiError as error:
            delivery = _delivery_of(client, uuid) if error.status == 404 else None
            if delivery is None:
                raise
            note("No event has this id, but a delivery has. `tenterhook explain UUID` tells of one of its events.")
            print_delivery(delivery, as_json)
            return
        found = [] if as_json else client.get("/api/v1/logs", {"filter": f'uuid eq "{uuid}"', "limit": 1})
    if as_json:
        print_json(hooks)
        return
    for event in found:
        say(part(event, "eventType"), "  ", "  ".join(event_words(event)), "  ", moment_cell(part(event, "published")))
    say(_summary(hooks))
    for hook in sorted(hooks, key=lambda hook: not part(hook, "matched")):
        _print(hook)


def _delivery_of(client: Client, event_id: str) -> Any:
    """Return the delivery with this eventId, or None."""
    from tenterhook.cli.client import ApiError

    try:
        return client.get(f"{DELIVERIES}/{quote(event_id, safe='')}")
    except ApiError:
        return None


def _summary(hooks: list[Any]) -> str:
    """Tell in one sentence how many hooks matched and what became of the deliveries."""
    if not hooks:
        return "The event is in the log. There is no event hook that it could have gone to."
    matched = sum(bool(part(hook, "matched")) for hook in hooks)
    statuses = Counter(str(part(one, "status")) for hook in hooks for one in parts(hook, "deliveries"))
    became = ", ".join(f"{number} {status}" for status, number in statuses.items())
    words = f"{matched} of {count_of(len(hooks), 'event hook')} matched"
    return f"{words}; deliveries: {became}." if became else f"{words}."


def _print(hook: Any) -> None:
    matched = "matched" if part(hook, "matched") else "did not match"
    say(f"{part(hook, 'name')}: {matched}: {part(hook, 'reason')}  ", dim(part(hook, "hookId")))
    for delivery in parts(hook, "deliveries"):
        say("    delivery ", status_words(delivery), "  ", dim(part(delivery, "id")))
        for attempt in parts(delivery, "attempts"):
            started = moment_cell(part(attempt, "started"))
            say(f"        attempt {part(attempt, 'number')}  ", started, "  ", attempt_words(attempt))
        if part(delivery, "nextAttempt"):
            say("        next attempt ", moment_cell(part(delivery, "nextAttempt")))
