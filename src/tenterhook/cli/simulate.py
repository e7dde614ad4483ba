"""`tenterhook simulate`: a believable organisation's life, published."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tenterhook.cli import options
from tenterhook.cli.output import console, count_of, event_line, inert, print_json, say

if TYPE_CHECKING:
    from tenterhook.cli.client import Client

commands = typer.Typer()

#: Events of one call when there is no pace to keep.
BATCH = 100
#: How often a fast pace publishes: what fell due since goes in one call.
TICK_S = 0.1


@commands.command()
def simulate(
    rate: Annotated[float, typer.Option(min=0, max=100_000, help="Events per second; 0: as fast as it goes.")] = 2.0,
    count: Annotated[int | None, typer.Option(min=1, help="Stop after so many events. [default: never]")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed makes the same organisation and history.")] = None,
    url: options.Url = None,
    token: options.Token = None,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """Publish the life of a made-up organisation.

    Sign-ins, failures, users, groups, MFA. Ctrl-C ends it.
    """
    from random import Random

    from tenterhook.cli.client import connect

    # Not for secrets: the history of a seed must be the same each time.
    life = events(Random(seed))  # noqa: S311
    published = 0
    began = time.monotonic()
    try:
        with connect(url, token, data) as client, _running_line() as show:
            while count is None or published < count:
                batch = _publish_due(client, life, published, (rate, count, began))
                published += len(batch)
                show(published, batch[-1])
    except KeyboardInterrupt:
        pass
    if as_json:
        print_json({"published": published, "seconds": round(time.monotonic() - began, 3)})
    else:
        say(f"published {count_of(published, 'event')} in {time.monotonic() - began:.1f} s")


def _publish_due(client: Client, life: Iterator[Any], done: int, pace: tuple[float, int | None, float]) -> list[Any]:
    """Publish what is due after *done* events, waiting until at least one is; return those events.

    pace: (events per second, how many in all or None, when it began on the monotonic clock).
    """
    rate, count, began = pace
    due = BATCH
    if rate:
        wait = began + done / rate - time.monotonic()
        time.sleep(max(wait, TICK_S if rate * TICK_S > 1 else 0.0, 0.0))
        due = max(1, min(1000, int((time.monotonic() - began) * rate) - done))
    batch = [next(life) for _ in range(due if count is None else min(due, count - done))]
    client.publish(json.dumps(batch).encode())
    return batch


@contextlib.contextmanager
def _running_line() -> Iterator[Callable[[int, object], None]]:
    """Show on a terminal how many events were published, and the last of them; elsewhere nothing."""
    if not sys.stderr.isatty():
        yield lambda count, last: None
        return
    from rich.text import Text

    terminal = console(stderr=True)

    def words(count: int, last: object) -> Text:
        text = Text(f"{count_of(count, 'event')}  ", no_wrap=True, overflow="ellipsis")
        text.append(inert(event_line(last)), style="dim")
        # The spinner and the space after it take two columns.
        text.truncate(max(10, terminal.width - 3), overflow="ellipsis")
        return text

    with terminal.status("publishing; Ctrl-C ends it") as status:
        yield lambda count, last: status.update(words(count, last))


def events(random: Any) -> Iterator[dict[str, Any]]:
    """Yield the events of an organisation for ever, each with a uuid, so that a repeated call is harmless."""
    from tenterhook.cli.organisation import Organisation
    from tenterhook.ids import uuid7, uuid_text

    organisation = Organisation(random)
    while True:
        for event in organisation.live():
            yield {"uuid": uuid_text(uuid7())} | event
