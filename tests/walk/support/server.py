"""`tenterhook serve` as a process of its own: started, killed and stopped by its pid."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import time
from pathlib import Path

READY_S = 30.0


class ServerDiedError(AssertionError):
    """The process ended before it was ready."""

    def __init__(self, code, errors):
        super().__init__(f"the server ended with {code} before it was ready:\n{errors}")
        self.code, self.errors = code, errors


class Server:
    """One data directory, and the process that serves it; a context manager that leaves no process behind."""

    def __init__(self, data: Path, **settings: str):
        self.data = data
        self.settings = settings
        self.url = ""
        self.ready_s = 0.0
        self.process = None

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.kill()

    def start(self, *, port=0, **extra):
        """Start a process and wait until it says that it listens. extra: environment variables of this life alone."""
        self.launch(port=port, **extra)
        began = time.monotonic()
        line = b""
        with selectors.DefaultSelector() as ready:
            ready.register(self.process.stdout, selectors.EVENT_READ)
            while b"listening on " not in line:
                left = began + READY_S - time.monotonic()
                if left <= 0 or not ready.select(left):
                    self.kill()
                    raise AssertionError(f"not ready within {READY_S} s:\n{self.errors()}")
                line = self.process.stdout.readline()
                if not line:
                    raise ServerDiedError(self.wait(), self.errors())
        self.ready_s = time.monotonic() - began
        self.url = line.decode().split("listening on ")[1].strip()
        return self

    def launch(self, *, port=0, **extra):
        """Start a process and do not wait for it."""
        self._close()
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("TENTERHOOK_", "FAILPOINT"))}
        environ = {**kept, "PYTHONUNBUFFERED": "1", **self.settings, **extra}
        command = [sys.executable, "-m", "tenterhook.cli", "serve", "--port", str(port), "--data", str(self.data)]
        self.error_file = self.data.with_name(self.data.name + ".err")
        with self.error_file.open("ab") as errors:
            self.process = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=errors, bufsize=0)
        return self

    @property
    def token(self):
        return (self.data / "admin-token").read_text().strip()

    @property
    def pid(self):
        return self.process.pid

    def errors(self):
        """Return what all lives so far wrote to their standard error."""
        return self.error_file.read_text(errors="replace")

    def wait(self, timeout_s=20.0):
        """Wait for the end of the process, and return its exit code."""
        code = self.process.wait(timeout_s)
        self._close()
        return code

    def kill(self):
        """End it as `kill -9` does; harmless if it has ended."""
        if self.process is not None and self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGKILL)
            self.process.wait(20)
        self._close()

    def stop(self, timeout_s=20.0):
        """Ask it to stop, and return its exit code."""
        os.kill(self.process.pid, signal.SIGTERM)
        return self.wait(timeout_s)

    def rss_mb(self, what="VmRSS"):
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(what + ":"):
                return int(line.split()[1]) / 1024
        raise AssertionError("no such line")

    def _close(self):
        if self.process is not None and self.process.stdout is not None and not self.process.stdout.closed:
            self.process.stdout.close()
