"""The product as a process on its own core: started, asked, measured from outside, and ended by its pid."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

PRODUCT_CPU, LOAD_CPU = 0, 1
_TICKS = os.sysconf("SC_CLK_TCK")


def pinned(cpu: int, environ: dict[str, str] | None = None) -> dict[str, Any]:
    """Return the options of a process that shall run on one core (on machines that have two)."""
    several = len(os.sched_getaffinity(0)) > 1 or os.cpu_count() != 1
    return {
        "preexec_fn": (lambda: os.sched_setaffinity(0, {cpu})) if several else None,
        "env": {**os.environ, **(environ or {})},
        "stdout": subprocess.PIPE,
    }


class Product:
    """`tenterhook serve` on a data directory of its own; a context manager."""

    def __init__(self, data: Path, environ: dict[str, str]) -> None:
        began = time.perf_counter()
        command = [
            sys.executable,
            "-m",
            "tenterhook.cli",
            "serve",
            "--dev",
            "--json",
            "--port",
            "0",
            "--data",
            str(data),
        ]
        self.process = subprocess.Popen(command, **pinned(PRODUCT_CPU, environ), stderr=subprocess.DEVNULL)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        self.ready_s = time.perf_counter() - began
        if not line:
            raise RuntimeError(f"the server ended with {self.process.wait()}")
        self.url: str = json.loads(line)["url"]
        self.port = int(self.url.rpartition(":")[2])
        self.token = (data / "admin-token").read_text().strip()

    def __enter__(self) -> Product:
        return self

    def __exit__(self, *exc: object) -> None:
        assert self.process.stdout is not None
        self.process.stdout.close()
        if self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            os.kill(self.process.pid, signal.SIGKILL)
            self.process.wait(5)

    def cpu_s(self) -> float:
        """Return the CPU time that the process has used, user and system, all threads."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def memory_mb(self, what: str) -> float:
        """Return VmRSS (now) or VmHWM (at most so far)."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(what + ":"):
                return int(line.split()[1]) / 1024
        raise LookupError(what)

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Call the API, and return the JSON of its answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Authorization": f"SSWS {self.token}", "Content-Type": "application/json"}
        connection.request(method, "/api/v1" + path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        if answer.status != 200:
            raise RuntimeError(f"{method} {path}: {answer.status} {data[:500]!r}")
        return json.loads(data)

    def publish_request(self, body: bytes) -> bytes:
        """Return the bytes of one publish call."""
        return (
            f"POST /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nAuthorization: SSWS {self.token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode() + body
