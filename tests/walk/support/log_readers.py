"""Readers of the System Log as log collectors are: pollers, bounded readers and a live tail, each in its thread."""

from __future__ import annotations

import abc
import contextlib
import http.client
import json
import re
import socket
import threading
import time
from urllib.parse import quote, urlencode, urlsplit

from support.api import Api

_LINK = re.compile(r'<([^<>\s]+)>; rel="next"')
PAUSE_S = 0.1


class Page:
    """One page of `/logs`: its events, and where its next link leads."""

    def __init__(self, answer):
        assert answer.status == 200, answer
        self.events = answer.json
        links = [_LINK.fullmatch(line) for line in answer.headers.get_all("link")]
        self.next = next((match[1] for match in links if match), None)


def page_at(api, address):
    """Return the page at *address*, followed to the letter."""
    parts = urlsplit(address)
    return Page(api.call("GET", f"{parts.path.removeprefix('/api/v1')}?{parts.query}"))


def first_address(server, **query):
    """Return the address of a log query."""
    return f"{server.url}/api/v1/logs?{urlencode(query, quote_via=quote)}"


class Reader(threading.Thread, abc.ABC):
    """Keeps what it was told, in its order, until it was told of the event *last*."""

    def __init__(self, server, token):
        super().__init__()
        self.server, self.token = server, token
        self.last = threading.Event()
        self.last_uuid = ""
        self.events: list[tuple[str, str]] = []
        self._seen: set[str] = set()
        self.failure: BaseException | None = None

    @property
    def uuids(self):
        return [uuid for uuid, _ in self.events]

    def run(self):
        try:
            self.read()
        except BaseException as error:
            self.failure = error

    @abc.abstractmethod
    def read(self):
        """Read until told to stop: what each kind of reader does in its own way."""

    def keep(self, events):
        self.events += [(one["uuid"], one["published"]) for one in events]
        self._seen |= {one["uuid"] for one in events}

    @property
    def done(self):
        return self.last.is_set() and self.last_uuid in self._seen

    def cut(self):
        """Break off whatever it waits for."""

    def until(self, uuid, deadline_s=60.0):
        """Wait until it was told of the event *uuid*, the last one that there will be."""
        self.last_uuid = uuid
        self.last.set()
        self.cut()
        self.join(deadline_s)
        assert self.failure is None, repr(self.failure)
        assert not self.is_alive(), f"{type(self).__name__} had {len(self.events)} events and not the last one"


class Poller(Reader):
    """Follows `next` and nothing else; after a page that is not full it waits: it may ask 1,200 times a minute."""

    def __init__(self, server, token, **query):
        super().__init__(server, token)
        self.address = first_address(server, **query)
        self.limit = query["limit"]

    def read(self):
        with Api(self.server) as api:
            api.token = self.token
            while not self.done:
                page = page_at(api, self.address)
                assert page.next is not None, "a polling query has a next link for ever"
                self.keep(page.events)
                if len(page.events) < self.limit:
                    time.sleep(PAUSE_S)
                self.address = page.next


class Tail(Reader):
    """Follows the live tail, and comes back with the last id after it was cut."""

    def __init__(self, server, token, **query):
        super().__init__(server, token)
        self.path = "/api/v1/logs/stream" + (f"?{urlencode(query, quote_via=quote)}" if query else "")
        self.connected = threading.Event()
        self.connections = 0
        self._socket = None
        self._last_id = None

    def read(self):
        while not self.done:
            connection = http.client.HTTPConnection(urlsplit(self.server.url).netloc, timeout=30)
            headers = {"Authorization": f"SSWS {self.token}"}
            if self._last_id is not None:
                headers["Last-Event-ID"] = self._last_id
            try:
                connection.request("GET", self.path, headers=headers)
                self._socket = connection.sock
                with connection.getresponse() as response:
                    self._take(response)
            except (OSError, http.client.HTTPException):
                pass  # cut: in the middle of a line as well as between two
            finally:
                connection.close()

    def _take(self, response):
        assert response.status == 200, response.read()
        self.connections += 1
        cursor, data = None, None
        while not self.done:
            line = response.readline()
            if not line.endswith(b"\n"):
                return
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name == "id":
                cursor = value
            elif name == "data":
                data = json.loads(value)
            elif not line.strip() and cursor:
                self._last_id = cursor
                self.keep([data] if data else [])
                cursor, data = None, None
                self.connected.set()

    def cut(self):
        """Break the connection as a network does."""
        with contextlib.suppress(OSError):  # it may be between two connections
            self._socket.shutdown(socket.SHUT_RDWR)


def bounded(server, token, **query):
    """Return (uuid, published) of every event of a bounded query, page by page until there is no next."""
    found = []
    with Api(server) as api:
        api.token = token
        page = page_at(api, first_address(server, **query))
        found += [(one["uuid"], one["published"]) for one in page.events]
        while page.next is not None:
            page = page_at(api, page.next)
            found += [(one["uuid"], one["published"]) for one in page.events]
    return found
