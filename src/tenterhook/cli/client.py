"""The commands' client: it speaks HTTP to the operator's own server, and turns its errors into advice.

The only place of the command line that connects. Environment proxies and .netrc are left aside: the token must go to
the named server and nowhere else.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import re
import time
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import httpx2

from tenterhook.cli.failure import CommandError, UsageError
from tenterhook.cli.output import note, part, parts
from tenterhook.cli.server_file import DEFAULT_DATA, read_server_file

DEFAULT_URL = "http://127.0.0.1:8080"
#: A log query may take 5 s (its server-side limit), a verification two tries of 3 s, a delivery on trial its timeout,
#: an execution of an inline hook two tries of 30 s at most.
TIMEOUT = httpx2.Timeout(70.0, connect=5.0)
#: A stream gives a sign of life every 15 s.
STREAM_TIMEOUT = httpx2.Timeout(45.0, connect=5.0)
MAX_LINE_BYTES = 8 * 1024 * 1024
MAX_TRIES = 8
MAX_WAIT_S = 60.0

_ADVICE = {
    401: "Give a valid API token with --token or TENTERHOOK_TOKEN, or name the data directory with --data.",
    403: "Ask a super admin for a token that may do this.",
    421: "Use the address that the server knows as its own, or set TENTERHOOK_PUBLIC_URL there.",
    429: "Wait a minute, then try again.",
    503: "The server is overloaded or its disk is full: try again later.",
}


#: What only super admins may do: no token that they could hand out helps anybody else.
_THEIRS = re.compile(r"needs tenterhook\.(?:admins|orgs)\.")

#: Where what a 404 names (its kind, at the end of its summary) is listed.
_LISTS = {
    "Webhook": "tenterhook hooks list",
    "InlineHook": "tenterhook inline list",
    "HookKey": "tenterhook hook-keys list",
    "LogEvent": "tenterhook logs",
    "ApiToken": "tenterhook tokens list",
    "Delivery": "tenterhook deliveries list HOOK",
    "Admin": "tenterhook admins list",
    "EventType": "tenterhook event-types list",
    "Org": "tenterhook orgs list",
}
_KIND = re.compile(r"\((\w+)\)$")


class ApiError(CommandError):
    """The server answered with an error. status: HTTP; body: its error object, or None when it sent none.

    The causes come first, for they say what to mend; code and summary are the fine print.
    """

    def __init__(self, status: int, body: object) -> None:
        self.status = status
        summary = str(part(body, "errorSummary") or f"the server answered {status} without an explanation")
        self.causes = [str(part(cause, "errorSummary")) for cause in parts(body, "errorCauses")]
        code = f"{status} {part(body, 'errorCode') or ''}".strip()
        advice = "Ask a super admin." if any(map(_THEIRS.search, self.causes)) else _advice(status, summary)
        lines = [*(self.causes or [summary]), *([advice] if advice else [])]
        # Some summaries spell out their causes: once is enough.
        told = not self.causes or all(_told_in(summary, cause) for cause in self.causes)
        fine_print = f"({code})" if told else f"({code}: {summary})"
        super().__init__("\n".join(lines), body=body, fine_print=fine_print)


def _told_in(summary: str, cause: str) -> bool:
    text = cause.partition(": ")[2]
    return bool(text) and text in summary


def _advice(status: int, summary: str) -> str | None:
    kind = _KIND.search(summary)
    if status == 404 and kind is not None and kind[1] in _LISTS:
        return f"`{_LISTS[kind[1]]}` shows what there is."
    return _ADVICE.get(status)


@contextlib.contextmanager
def options_judged_by_server() -> Iterator[None]:
    """Turn a 400 into wrong usage, exit 2: what the server refuses in here is the value of an option.

    A name that is taken is a good value all the same.
    """
    try:
        yield
    except ApiError as error:
        if error.status == 400 and not all("already exists" in cause for cause in error.causes or ("",)):
            error.exit_code = UsageError.exit_code
        raise


def connect(url: str | None, token: str | None, data: Path | None) -> Client:
    """Return a client of the server that the options name.

    Without *url* the server is the one that *data* says is running, else the default address. Without *token* the
    data directory's admin token is used, but only towards that server or this machine: it never travels elsewhere, and
    nobody who happens to listen at the default address gets it. Nor does a given token go to an address that only a
    file in the current directory names, unless that is this machine.
    Raises: UsageError, if the address is no URL or no token is found; NoServer, if none runs on *data*.
    """
    folder = data or DEFAULT_DATA
    running = read_server_file(folder)
    if running is not None and (not running.alive or (token and not _is_this_machine(running.url))):
        running = None
    address = (url or (running.url if running else DEFAULT_URL)).rstrip("/")
    _check_url(address)
    if not token:
        at_home = _is_this_machine(address) or (running is not None and address == running.url)
        token = _read_admin_token(folder, address) if at_home else None
        if not url and running is None:
            raise NoServer(
                f"No server is running on {folder}: start one with `tenterhook serve`, or say where it is with --url."
            )
    if not token:
        raise UsageError(f"An API token for {address} is missing: give --token or set TENTERHOOK_TOKEN.")
    if not token.isascii() or not token.isprintable():
        raise UsageError("The API token has characters that no token has. Was it copied whole?")
    return Client(address, token)


def connect_as_nobody(url: str | None, data: Path | None) -> Client:
    """Return a client without a token, for signing in; the server is found as `connect` finds it.

    What is sent over it goes to the address that the operator named, or to this machine: never where only a file in
    the current directory says. Raises: UsageError.
    """
    running = read_server_file(data or DEFAULT_DATA)
    if running is not None and not (running.alive and _is_this_machine(running.url)):
        running = None
    address = (url or (running.url if running else DEFAULT_URL)).rstrip("/")
    _check_url(address)
    return Client(address, None)


def _check_url(address: str) -> None:
    try:
        parsed = urlsplit(address)
        valid = parsed.scheme in ("http", "https") and bool(parsed.hostname) and parsed.port != 0
    except ValueError:
        valid = False
    if not valid:
        raise UsageError(f"{address!r} is not the URL of a server. It looks like {DEFAULT_URL}")


def _is_this_machine(address: str) -> bool:
    host = urlsplit(address).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _read_admin_token(data: Path, address: str) -> str:
    file = data / "admin-token"
    try:
        return file.read_text("utf-8").strip()
    except FileNotFoundError:
        raise UsageError(
            f"No API token: {file} does not exist. Start a server here with `tenterhook serve`, name its data "
            f"directory with --data, or give a token for {address} with --token or TENTERHOOK_TOKEN."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise UsageError(f"{file} cannot be read ({why}). Give a token with --token or TENTERHOOK_TOKEN.") from None


class Client:
    """One server and the token to speak to it with, if there is one. A context manager."""

    def __init__(self, url: str, token: str | None) -> None:
        self.url = url
        self._http = httpx2.Client(
            base_url=url,
            timeout=TIMEOUT,
            trust_env=False,
            follow_redirects=False,
            headers={
                "Accept": "application/json",
                "User-Agent": "tenterhook-cli",
                **({"Authorization": f"SSWS {token}"} if token else {}),
            },
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def get(self, path: str, params: Mapping[str, str | int] | None = None) -> Any:
        """Return the JSON at *path*. Raises: CommandError."""
        return self._decode(self._send("GET", path, params=params))

    def post(self, path: str, body: object = None) -> Any:
        """Post *body* as JSON (None: no body at all) and return the answer's JSON, None on 204."""
        return self._decode(self._send("POST", path, content=None if body is None else json.dumps(body).encode()))

    def put(self, path: str, body: object) -> Any:
        """Put *body* as JSON and return the answer's JSON."""
        return self._decode(self._send("PUT", path, content=json.dumps(body).encode()))

    def delete(self, path: str) -> None:
        """Delete what is at *path*."""
        self._decode(self._send("DELETE", path))

    def pages(self, path: str, params: Mapping[str, str | int], limit: int) -> Iterator[Any]:
        """Yield up to *limit* elements of a paged array, following its `next` links on our own address.

        Ends at an empty page and at a link that leads to itself: a polling query has a `next` for ever.
        """
        target, query = path, dict(params)
        while limit > 0:
            response = self._send("GET", target, params=query or None)
            page = self._decode(response)
            if not isinstance(page, list):
                raise CommandError(f"{self.url} answered with something else than a list: is it a Tenterhook?")
            yield from page[:limit]
            limit -= len(page)
            following = response.links.get("next", {}).get("url")
            if not page or not following:
                return
            parsed = urlsplit(following)
            # Only path and query: the server may know itself by another name than the one we reached it by.
            step = f"{parsed.path}?{parsed.query}"
            if step == target:
                return
            target, query = step, {}

    def lines(self, path: str, params: Mapping[str, str | int], headers: Mapping[str, str]) -> Iterator[bytes]:
        """Yield the lines of an answer that has no end, each as it comes, without their line ends.

        Raises: ApiError; NoServer; Interrupted, if the connection breaks or is silent for `STREAM_TIMEOUT`.
        """
        asked = self._http.stream("GET", path, params=dict(params), headers=dict(headers), timeout=STREAM_TIMEOUT)
        with self._failing_in_words(), asked as response:
            if not response.is_success:
                response.read()
                self._decode(response)
            rest = b""
            for chunk in response.iter_raw():
                *lines, rest = (rest + chunk).split(b"\n")
                yield from lines
                if len(rest) > MAX_LINE_BYTES:
                    raise CommandError(f"{self.url} sent a line without an end: is it a Tenterhook?")

    def publish(self, body: bytes, org_id: str | None = None) -> Any:
        """Post *body* (JSON) to the publish API, waiting out 429, 503 and broken connections a bounded number of times.

        For events that carry a uuid only: sending those twice is harmless. org_id: another org than the token's.
        """
        headers = {} if org_id is None else {"X-Tenterhook-Org": org_id}
        waited = 0.0
        for tries_left in reversed(range(MAX_TRIES)):
            try:
                response = self._send("POST", "/api/v1/events", content=body, extra=headers)
            except Interrupted:
                if not tries_left:
                    raise
                response = None
            if response is not None and (response.status_code not in (429, 503) or not tries_left):
                return self._decode(response)
            pause = min(MAX_WAIT_S, _pause_of(response) if response is not None else 1.0)
            if waited == 0.0:
                note(f"{self.url} asks to wait: going on in {pause:g} s")
            waited += pause
            time.sleep(pause)
        raise AssertionError("the last try returns or raises")

    def _send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        content: bytes | None = None,
        extra: Mapping[str, str] | None = None,
    ) -> httpx2.Response:
        headers = {**({"Content-Type": "application/json"} if content is not None else {}), **(extra or {})}
        with self._failing_in_words():
            return self._http.request(method, path, params=params, content=content, headers=headers)

    @contextlib.contextmanager
    def _failing_in_words(self) -> Iterator[None]:
        try:
            yield
        except httpx2.ConnectError as error:
            raise NoServer(
                f"No server at {self.url}: start one with `tenterhook serve`, or name it with --url or TENTERHOOK_URL. "
                f"({error})"
            ) from None
        except httpx2.TimeoutException:
            raise Interrupted(f"{self.url} did not answer in time. Is it overloaded? /healthz tells.") from None
        except httpx2.TransportError as error:
            raise Interrupted(
                f"The connection to {self.url} broke before the answer was in ({error}). Whether the request took "
                "effect is not known: look before you repeat it."
            ) from None
        except httpx2.InvalidURL as error:
            raise UsageError(f"{self.url} is not the URL of a server ({error}).") from None

    def _decode(self, response: httpx2.Response) -> Any:
        try:
            body = response.json() if response.content else None
        except (ValueError, RecursionError):
            body = None
            if response.is_success:
                raise CommandError(f"{self.url} answered with something else than JSON: is it a Tenterhook?") from None
        if not response.is_success:
            error = ApiError(response.status_code, body)
            at_root = urlsplit(self.url)._replace(path="", query="", fragment="").geturl()
            # No thing was looked for in vain, there was no such page: so a path in --url was one too many.
            if (
                response.status_code in (404, 405)
                and at_root != self.url
                and not _KIND.search(str(part(body, "errorSummary")))
            ):
                error.add(f"--url (TENTERHOOK_URL) is the server's root, without a path: {at_root}")
            raise error
        hint = response.headers.get("X-Tenterhook-Hint")
        if hint:
            note(f"Hint: {hint}")
        return body


class NoServer(CommandError):  # noqa: N818 - it names what is missing
    """Nobody listens at the server's address."""


class Interrupted(CommandError):  # noqa: N818 - it names what happened to the exchange
    """The exchange did not end: whether it took effect is not known."""


def _pause_of(response: httpx2.Response) -> float:
    """Return how many seconds the server asks to wait: Retry-After, else X-Rate-Limit-Reset less its own Date."""
    try:
        return max(0.0, float(response.headers["Retry-After"]))
    except (KeyError, ValueError):
        pass
    try:
        served = parsedate_to_datetime(response.headers["Date"]).timestamp()
        return max(0.0, float(response.headers["X-Rate-Limit-Reset"]) - served + 1)
    except (KeyError, ValueError):
        return 1.0


def health_of(url: str) -> Any:
    """Return what the server at *url* says of its health within two seconds, or None if it says nothing."""
    try:
        answer = httpx2.get(f"{url}/healthz", timeout=2.0, trust_env=False)
        return answer.json() if answer.is_success else None
    except (httpx2.HTTPError, ValueError):
        return None


def is_ready(url: str) -> bool:
    """Return whether the server at *url* says, within two seconds, that it is ready."""
    try:
        return httpx2.get(f"{url}/readyz", timeout=2.0, trust_env=False).is_success
    except httpx2.HTTPError:
        return False
