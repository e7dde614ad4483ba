"""Follow the System Log from the command line: one stream after another, none of its events lost or told twice."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from tenterhook.cli.client import ApiError, Client, Interrupted, NoServer
from tenterhook.cli.output import note

PATH = "/api/v1/logs/stream"
#: How long the next try waits after a lost connection; the last one for ever after.
WAITS_S = (1.0, 2.0, 5.0, 10.0, 30.0)
#: Answers that another try may better.
_PASSING = (408, 429, 500, 502, 503, 504)


class Message(NamedTuple):
    """One message of a stream of Server-Sent Events."""

    id: str | None
    name: str
    data: str


def follow(
    client: Client, params: Mapping[str, str | int], sleep: Callable[[float], None] = time.sleep
) -> Iterator[Any]:
    """Yield each log event as the server tells it, and come back to where a connection was lost, for ever.

    Every try waits longer than the one before, until a stream tells an event or, after silence, that it is still there.
    Raises: CommandError, if there is no server to begin with, or if it refuses for good.
    """
    last_id: str | None = None
    tries = 0
    while True:
        why = "The server ended the stream"
        try:
            headers = {"Accept": "text/event-stream", **({"Last-Event-ID": last_id} if last_id else {})}
            for nth, message in enumerate(read_messages(client.lines(PATH, params, headers))):
                last_id = message.id or last_id
                if message.name == "problem":
                    raise ApiError(504, json.loads(message.data))
                if message.data or nth > 0:  # the first one without an event is a greeting: nothing is achieved yet
                    tries = 0
                if message.data:
                    yield json.loads(message.data)
        except (NoServer, Interrupted, ApiError) as error:
            if last_id is None or (isinstance(error, ApiError) and error.status not in _PASSING):
                raise
            why = str(error).splitlines()[0] if isinstance(error, ApiError) else "The connection was lost"
        pause = WAITS_S[min(tries, len(WAITS_S) - 1)]
        note(f"{why}: going on in {pause:g} s")
        tries += 1
        sleep(pause)


def read_messages(lines: Iterable[bytes]) -> Iterator[Message]:
    """Yield the messages that *lines* spell, those with an id but no data too: they tell how far the log was read.

    Source: the HTML standard, "Server-sent events", 9.2.6. What a lost connection cut short is dropped.
    """
    cursor: str | None = None
    name, data = "message", []
    for line in lines:
        field, _, value = line.decode("utf-8", "replace").rstrip("\r").partition(":")
        value = value.removeprefix(" ")
        if field == "id":
            cursor = value
        elif field == "event":
            name = value
        elif field == "data":
            data.append(value)
        elif not field and not line.strip() and (cursor or data):
            yield Message(cursor, name, "\n".join(data))
            cursor, name, data = None, "message", []
