"""`tenterhook demo`: the whole thing in a throw-away directory, before a newcomer's eyes."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from tenterhook.cli.failure import CommandError
from tenterhook.cli.output import count_of, dim, inert, say

commands = typer.Typer()

#: Until a part of the demonstration is ready, and until it has stopped.
START_S, STOP_S = 30.0, 12.0
EVENT_TYPES = [
    "user.session.start",
    "user.lifecycle.create",
    "user.lifecycle.activate",
    "user.lifecycle.deactivate",
    "user.account.lock",
    "user.account.update_profile",
    "group.user_membership.add",
    "group.user_membership.remove",
    "user.mfa.factor.activate",
    "user.authentication.auth_via_mfa",
]
_SECRET = "a-shared-secret-of-the-demo"  # noqa: S105 - both ends live for a minute, in one process tree


@commands.command()
def demo(
    seconds: Annotated[float | None, typer.Option(min=1, help="End by itself. [default: at Ctrl-C]")] = None,
    rate: Annotated[float, typer.Option(min=0.1, max=100, help="Events per second.")] = 1.5,
) -> None:
    """Show the whole of it in a throw-away directory.

    A server, a receiver, a hook registered and verified, an organisation's events delivered; a failed one again.
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    # SIGTERM ends it as Ctrl-C does, so that nothing is left behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with (
        contextlib.suppress(KeyboardInterrupt),
        tempfile.TemporaryDirectory(prefix="tenterhook-demo-") as folder,
        contextlib.ExitStack() as stack,
    ):
        _show(stack, Path(folder), rate, deadline)
    say("The demonstration is over; its directory is removed.")
    say("Next: `make run` (or `tenterhook serve --dev`), and a hook of your own: see the README.")


def _show(stack: contextlib.ExitStack, folder: Path, rate: float, deadline: float | None) -> None:
    from tenterhook.cli.client import connect

    data = folder / "data"
    say("Ctrl-C ends it." if deadline is None else "It ends by itself, or at Ctrl-C.")
    say("1  a server, in a directory that is thrown away afterwards")
    server = stack.enter_context(_start("serve", "--port", "0", "--data", str(data), "--dev"))
    url, said = _wait_until_listening(server, "the server")
    say(f"   {url}")
    for line in said:
        if line.startswith("console: "):
            say(f"   {line}")
    say("2  a receiver, as somebody else would run it: tenterhook listen")
    receiver = stack.enter_context(_start("listen", "--port", "0", "--fail-first", "1", secret=_SECRET))
    endpoint, _ = _wait_until_listening(receiver, "the receiver")
    say(f"   {endpoint}")
    with connect(url, None, data) as client:
        _register(client, endpoint)
        _print_until(receiver, time.monotonic() + 0.5)
        say("4  an organisation comes to life; what the hook asked for arrives, as the receiver prints it.")
        say("   It answers the first delivery 500: a second later that is sent again, under the same eventId.")
        _play(client, receiver, rate, deadline)


def _register(client: Any, endpoint: str) -> None:
    from tenterhook.cli.hooks import PATH, hook_body

    say(f"3  an event hook for {len(EVENT_TYPES)} event types, registered over the API and verified by a challenge")
    secret = {"type": "HEADER", "key": "Authorization", "value": _SECRET}
    hook = client.post(PATH, hook_body("Demonstration", EVENT_TYPES, {"uri": endpoint, "authScheme": secret}))
    hook = client.post(f"{PATH}/{hook['id']}/lifecycle/verify")
    say(f"   {hook['name']} is {hook['status']} and {hook['verificationStatus']}  ", dim(hook["id"]))


def _play(client: Any, receiver: _Part, rate: float, deadline: float | None) -> None:
    import json
    from random import Random

    from tenterhook.cli.simulate import events

    life = events(Random())  # noqa: S311 - no secret is made of it
    published = 0
    try:
        while deadline is None or time.monotonic() < deadline:
            client.publish(json.dumps(next(life)).encode())
            published += 1
            _print_until(receiver, time.monotonic() + 1 / rate)
    finally:
        say(f"published {count_of(published, 'event')}")


def _print_until(receiver: _Part, moment: float) -> None:
    while (left := moment - time.monotonic()) > 0:
        try:
            line = receiver.lines.get(timeout=left)
        except queue.Empty:
            return
        if line is None:
            raise CommandError("The receiver of the demonstration has ended unexpectedly.")
        print(f"   {inert(line)}", flush=True)


class _Part:
    """One process of the demonstration, and what it has printed so far."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        #: Bounded: a reader that lags makes the process wait. None: it has ended.
        self.lines: queue.Queue[str | None] = queue.Queue(maxsize=1000)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._read, args=(process.stdout,), daemon=True)
        self._thread.start()

    def _read(self, stream: IO[str]) -> None:
        for line in stream:
            self._put(line.rstrip("\n"))
        self._put(None)

    def _put(self, line: str | None) -> None:
        while not self._stopping.is_set():
            try:
                self.lines.put(line, timeout=0.5)
                return
            except queue.Full:
                continue

    def stop(self) -> None:
        """End the process in order, or by force when it does not."""
        self._stopping.set()
        self.process.terminate()
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(STOP_S)
        self._thread.join(STOP_S)
        if self.process.stdout is not None:
            self.process.stdout.close()


@contextlib.contextmanager
def _start(*arguments: str, secret: str | None = None) -> Iterator[_Part]:
    """Run another command of ours as a process of its own, out of reach of this terminal's Ctrl-C."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TENTERHOOK_")}
    environment |= {"TENTERHOOK_LISTEN_SECRET": secret} if secret else {}
    process = subprocess.Popen(  # noqa: S603 - our own interpreter, our own module, no shell
        [sys.executable, "-m", "tenterhook.cli", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        env=environment,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )
    part = _Part(process)
    try:
        yield part
    finally:
        part.stop()


def _wait_until_listening(part: _Part, what: str) -> tuple[str, list[str]]:
    """Return the URL of the line `listening on …`, and the lines before. Raises: CommandError, with what was said."""
    until = time.monotonic() + START_S
    said: list[str] = []
    while (left := until - time.monotonic()) > 0:
        try:
            line = part.lines.get(timeout=left)
        except queue.Empty:
            break
        if line is None:
            break
        if line.startswith("listening on "):
            return line.removeprefix("listening on ").strip(), said
        said.append(line)
    raise CommandError("\n".join([f"{what.capitalize()} of the demonstration did not start.", *said[-20:]]))
