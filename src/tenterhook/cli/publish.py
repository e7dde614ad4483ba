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
from tenterhook.cli.output import count_of, note, part, parts, print_json, say

if TYPE_CHECKING:
    from tenterhook.cli.client import ApiError, Client
    from tenterhook.cli.event_file import FileEvent

commands = typer.Typer()

_INDEX = re.compile(r"^events\[(\d+)\](?:\.|: )")


@dataclass
class Tally:
    """What became of the events so far."""

    accepted: int = 0
    duplicates: int = 0
    derived: int = 0
    conflicts: list[int] = field(default_factory=list)  #: lines
    last_line: int = 0


@commands.command()
def publish(
    file: Annotated[str, typer.Argument(help="JSON or NDJSON; - is standard input.")],
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Events without a uuid are new ones each time the command runs.")
    ] = False,
    org: Annotated[
        str | None,
        typer.Option("--org", metavar="ID", help="Publish into another org (00o…), with a token of the operator's."),
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

    if org is not None and not (org.isascii() and org.isalnum()):
        raise UsageError(f"--org {org!r} is no org's id: `tenterhook orgs list` shows them.")
    tally = Tally()
    with _open(file) as (stream, size), connect(url, token, data) as client, _progress(size) as advance:
        for batch in batches(read_events(stream, fresh=fresh)):
            _send(client, batch, tally, org)
            advance(batch[-1].end)
    _report(tally, as_json)


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
    tally.conflicts += [event.line for event, one in zip(batch, told, strict=False) if part(one, "conflict")]
    tally.last_line = batch[-1].line


def _by_line(error: ApiError, batch: list[FileEvent], tally: Tally) -> CommandError:
    """Return *error* with the lines of the file in place of the indexes of the batch."""

    def line_of(found: re.Match[str]) -> str:
        index = int(found[1])
        return f"line {batch[index].line}: " if index < len(batch) else found[0]

    causes = [_INDEX.sub(line_of, cause) for cause in error.causes]
    if not causes:
        return CommandError(f"{error}\n{_so_far(tally)}", body=error.body, fine_print=error.fine_print)
    where = f"Nothing of lines {batch[0].line} to {batch[-1].line} was stored."
    return CommandError("\n".join([*causes, where, _so_far(tally)]), body=error.body, fine_print=error.fine_print)


def _so_far(tally: Tally) -> str:
    if not tally.last_line:
        return "Nothing was published. Mend it and run the command again."
    return f"Published up to line {tally.last_line}. Mend it and run the command again: nothing is published twice."


def _report(tally: Tally, as_json: bool) -> None:
    if not tally.last_line:
        note("There are no events in it.")
    if tally.derived and not as_json:
        note(
            f"{tally.derived:,} of them had no uuid and got one from content and line, so that running this again "
            "publishes nothing twice (--fresh: new events each time)"
        )
    if tally.conflicts:
        lines = ", ".join(str(line) for line in tally.conflicts[:20])
        note(f"{len(tally.conflicts):,} known uuids came with other content, which was left as it was: lines {lines}")
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
