"""`server.json` in the data directory: where the running server listens, for commands on the same machine.

`serve` writes it when it is ready and removes it when it stops; after a kill it stays, so a reader looks at the pid.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

NAME = "server.json"
DEFAULT_DATA = Path("tenterhook-data")


@dataclass(frozen=True)
class RunningServer:
    """What a server said of itself."""

    url: str
    pid: int

    @property
    def alive(self) -> bool:
        """Return whether a process with its pid exists."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True


def write_server_file(data: Path, url: str) -> None:
    """Say in *data* that this process listens at *url*. Replaces what a killed server left; mode 0600."""
    temporary = data / f"{NAME}.{secrets.token_hex(8)}"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump({"url": url, "pid": os.getpid()}, file)
    temporary.replace(data / NAME)


def remove_server_file(data: Path) -> None:
    """Take back what `write_server_file` said, if it is still ours."""
    server = read_server_file(data)
    if server is not None and server.pid == os.getpid():
        with contextlib.suppress(OSError):
            (data / NAME).unlink()


def read_server_file(data: Path) -> RunningServer | None:
    """Return what the file in *data* says, or None if there is none that can be read."""
    try:
        if (data / NAME).stat().st_mode & 0o022:
            return None  # whoever else can write it would be told our token
        record = json.loads((data / NAME).read_text("utf-8"))
        return RunningServer(str(record["url"]), int(record["pid"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
