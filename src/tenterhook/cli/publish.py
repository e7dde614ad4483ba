"""`tenterhook publish`: events from a file to a server."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from tenterhook.cli import options
from tenterhook.cli.failure import CommandError, UsageError
from tenterhook.cli.naming import MOST, ORG, find_id
from tenterhook.cli.output import count_of, note, part, parts, print_json, say
from tenterhook.domain.event_type import looks_made_up

if TYPE_CHECKING:
    from tenterhook.cli.client import ApiError, Client
    from tenterhook.cli.event_file import FileEvent

commands = typer.Typer()

EVENT_TYPES = "/api/v1/eventTypes"
#: Events of which it is said where they are.
MOST_PLACES = 20
#: Event types of which it is said that nobody knows them.
MOST_DOUBTS = 10
_INDEX = re.compile(r"^events\[(\d+)\](?:\.|: )")


@dataclass
class Tally:
    """What became of the events so far."""

    accepted: int = 0
    duplicates: int = 0
    derived: int = 0
    conflicts: list[int] = field(default_factory=list)  #: lines
    conflict_places: list[str] = field(default_factory=list)  #: of the first of them, for people
    made_up: set[str] = field(default_factory=set)  #: types outside the catalogue, a few of them
    last: FileEvent | None = None


@commands.command()
def publish(
    file: Annotated[str, typer.Argument(help="JSON or NDJSON; - is standard input.")],
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Events without a uuid are new ones each time the command runs.")
    ] = False,
    org: Annotated[
        str | None,
        typer.Option("--org", help="Publish into another org (its id or name), with a token of the operator's."),
    ] = None,
    url: options.Url = None,
    token: options.Token = None,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """Publish the events of a file.

    Running it again publishes nothing twice: an event is known by its uuid, and one without gets a uuid from its
    content and its line.
    """
    from tenterhook.cli.client import connect
    from tenterhook.cli.event_file import batches, read_events

    tally = Tally()
    with _open(file) as (stream, size), connect(url, token, data) as client:
        org_id = None if org is None else _find_org(client, org)
        with _progress(size) as advance:
            for batch in batches(read_events(stream, fresh=fresh)):
                _send(client, batch, tally, org_id)
                advance(batch[-1].end)
        doubts = _doubts(client, tally.made_up) if tally.made_up and org is None else []
    _report(tally, as_json)
    for doubt in doubts:
        note(doubt)
    if doubts:
        note(
            "That was logged as it is, but no event hook can ask for it. `tenterhook event-types create` makes a type."
        )


def _find_org(client: Client, org: str) -> str:
    from tenterhook.cli.client import ApiError

    try:
        return find_id(client, ORG, org)
    except ApiError as error:
        if error.status == 403:
            error.add("Without that, --org takes the org's id (00o…).")
        raise


def _send(client: Client, batch: list[FileEvent], tally: Tally, org_id: str | None) -> None:
    from tenterhook.cli.client import ApiError

    body = b"[" + b",".join(event.raw for event in batch) + b"]"
    try:
        answer = client.publish(body, org_id)
    except ApiError as error:
        raise _by_line(error, batch, tally) from None
    except CommandError as error:
        raise CommandError(f"{error}\n{_so_far(tally)}", body=error.body) from None
    tally.accepted += int(str(part(answer, "accepted") or 0))
    tally.duplicates += int(str(part(answer, "duplicates") or 0))
    tally.derived += sum(event.derived for event in batch)
    told = parts(answer, "events")
    odd = [event for event, one in zip(batch, told, strict=False) if part(one, "conflict")]
    tally.conflicts += [event.line for event in odd]
    tally.conflict_places += [event.place for event in odd[: MOST_PLACES - len(tally.conflict_places)]]
    for event in batch:
        if len(tally.made_up) < MOST_DOUBTS and isinstance(event.type, str) and looks_made_up(event.type):
            tally.made_up.add(event.type)
    tally.last = batch[-1]


def _doubts(client: Client, made_up: set[str]) -> list[str]:
    """Say of each type that is not among the org's own either that it is not known, and which one is like it."""
    from tenterhook.domain.event_hook_draft import unknown_type
    from tenterhook.domain.event_type import catalogue

    try:
        own = {str(part(one, "name")) for one in client.pages(EVENT_TYPES, {"custom": "true", "limit": 1000}, MOST)}
    except CommandError:  # a token that only publishes may not ask, and the events are in
        return []
    known = dict(catalogue()) | dict.fromkeys(own, True)
    return [unknown_type(name, known) for name in sorted(made_up - own)]


def _by_line(error: ApiError, batch: list[FileEvent], tally: Tally) -> CommandError:
    """Return *error* with the lines of the file in place of the indexes of the batch."""

    def line_of(found: re.Match[str]) -> str:
        index = int(found[1])
        return f"{batch[index].place}: " if index < len(batch) else found[0]

    causes = [_INDEX.sub(line_of, cause) for cause in error.causes]
    if not causes:
        return CommandError(f"{error}\n{_so_far(tally)}", body=error.body, fine_print=error.fine_print)
    first, last = batch[0], batch[-1]
    where = f"Nothing of lines {first.line} to {last.line} was stored."
    if first.number:
        where = f"Nothing of events {first.number} to {last.number} of the array was stored."
    return CommandError("\n".join([*causes, where, _so_far(tally)]), body=error.body, fine_print=error.fine_print)


def _so_far(tally: Tally) -> str:
    if tally.last is None:
        return "Nothing was published. Mend it and run the command again."
    return f"Published up to {tally.last.place}. Mend it and run the command again: nothing is published twice."


def _report(tally: Tally, as_json: bool) -> None:
    if tally.last is None:
        note("There are no events in it.")
    if tally.derived and not as_json:
        note(
            f"{tally.derived:,} of them had no uuid and got one from content and line, so that running this again "
            "publishes nothing twice (--fresh: new events each time)"
        )
    if tally.conflicts:
        places = ", ".join(tally.conflict_places)
        note(f"{len(tally.conflicts):,} known uuids came with other content, which was left as it was: {places}")
    if as_json:
        print_json({"accepted": tally.accepted, "duplicates": tally.duplicates, "conflictLines": tally.conflicts})
    else:
        known = f"; {tally.duplicates:,} {'was' if tally.duplicates == 1 else 'were'} known already"
        say(f"published {count_of(tally.accepted, 'event')}" + (known if tally.duplicates else ""))


@contextlib.contextmanager
def _open(file: str) -> Iterator[tuple[BinaryIO, int | None]]:
    if file == "-":
        yield sys.stdin.buffer, None
        return
    try:
        with Path(file).open("rb") as stream:
            yield stream, Path(file).stat().st_size
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.") from None


@contextlib.contextmanager
def _progress(size: int | None) -> Iterator[Callable[[int], None]]:
    """Show a bar on a terminal; elsewhere nothing. What it yields is told how many bytes are done."""
    from tenterhook.cli.output import console

    if not sys.stderr.isatty():
        yield lambda done: None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("publishing"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console(stderr=True), transient=True) as progress:
        task = progress.add_task("publishing", total=size)
        yield lambda done: progress.update(task, completed=done)
