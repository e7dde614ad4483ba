"""The real command line as a subprocess, in a directory and an environment of its own."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

WAIT_S = 30.0
COMMAND = [sys.executable, "-m", "tenterhook.cli"]


def environment(**variables: str) -> dict[str, str]:
    """Return the environment without anything of ours but *variables*."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TENTERHOOK_")}
    return kept | {"PYTHONUNBUFFERED": "1", "COLUMNS": "200"} | variables


@dataclass
class CommandLine:
    """Runs commands in *folder*."""

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)

    def run(self, *arguments: str, stdin: bytes = b"", **variables: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [*COMMAND, *arguments],
            input=stdin,
            capture_output=True,
            cwd=self.folder,
            env=environment(**self.variables, **variables),
            timeout=WAIT_S,
            check=False,
        )
        return subprocess.CompletedProcess(
            done.args, done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8")
        )

    def json(self, *arguments: str, stdin: bytes = b"") -> Any:
        """Run a command that must succeed, with --json, and return what it printed."""
        done = self.run(*arguments, "--json", stdin=stdin)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    @contextlib.contextmanager
    def start(self, *arguments: str, **variables: str) -> Iterator[Running]:
        """Run a command that goes on until it is stopped."""
        process = subprocess.Popen(
            [*COMMAND, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            cwd=self.folder,
            env=environment(**self.variables, **variables),
            text=True,
            encoding="utf-8",
        )
        running = Running(process)
        try:
            yield running
        finally:
            running.end()


class Running:
    """A process that goes on, and what it prints."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.printed: list[str] = []
        self.errors: list[str] = []
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._threads = [
            threading.Thread(target=self._read_output, daemon=True),
            threading.Thread(target=self._read_errors, daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def _read_output(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        self.errors.extend(line.rstrip("\n") for line in self.process.stderr)

    def wait_for(self, text: str) -> str:
        """Return the first further line that contains *text*."""
        until = time.monotonic() + WAIT_S
        while True:
            try:
                line = self._lines.get(timeout=max(0.01, until - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"no {text!r} in {self.printed} {self.errors}") from None
            assert line is not None, f"ended before {text!r}: {self.printed} {self.errors}"
            self.printed.append(line)
            if text in line:
                return line

    def url(self) -> str:
        """Wait until it listens and return its URL."""
        return self.wait_for("listening on ").partition("listening on ")[2].strip()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit code; drains what it printed meanwhile."""
        self.process.send_signal(number)
        code = self.process.wait(WAIT_S)
        for thread in self._threads:
            thread.join(WAIT_S)
        while (line := self._lines.get(timeout=WAIT_S)) is not None:
            self.printed.append(line)
        return code

    def end(self) -> None:
        """Leave nothing behind."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(WAIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(WAIT_S)
        for thread in self._threads:
            thread.join(WAIT_S)
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()


def lines_of(records: Sequence[object]) -> bytes:
    """Return *records* as NDJSON."""
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)
