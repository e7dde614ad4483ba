"""`tenterhook explain`: where one event went."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import typer

from tenterhook.cli import options
from tenterhook.cli.deliveries import attempt_words, status_words
from tenterhook.cli.output import part, parts, print_json, say

commands = typer.Typer()

MOST_HOOKS = 10_000


@commands.command()
def explain(
    uuid: Annotated[str, typer.Argument(help="The event's uuid, as the log and the publish API give it.")],
    url: options.Url = None,
    token: options.Token = None,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """Tell where one event went: every hook, why it matched or not, each delivery and attempt."""
    from tenterhook.cli.client import connect

    with connect(url, token, data) as client:
        hooks = list(client.pages(f"/api/v1/logs/{quote(uuid, safe='')}/deliveries", {}, MOST_HOOKS))
    if as_json:
        print_json(hooks)
        return
    if not hooks:
        say("The event is in the log. There is no event hook that it could have gone to.")
    for hook in hooks:
        _print(hook)


def _print(hook: Any) -> None:
    matched = "matched" if part(hook, "matched") else "did not match"
    say(f"{part(hook, 'hookId')}  {part(hook, 'name')}: {matched}: {part(hook, 'reason')}")
    for delivery in parts(hook, "deliveries"):
        say(f"    delivery {part(delivery, 'id')}  {status_words(delivery)}")
        for attempt in parts(delivery, "attempts"):
            say(f"        attempt {part(attempt, 'number')}  {part(attempt, 'started')}  {attempt_words(attempt)}")
        if part(delivery, "nextAttempt"):
            say(f"        next attempt {part(delivery, 'nextAttempt')}")
