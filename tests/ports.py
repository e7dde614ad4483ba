"""Ports of this machine, for the tests of every folder: several run at once, and what one frees another may take."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def closed_port() -> Iterator[int]:
    """Yield a port on loopback that refuses connections, and that nobody else can listen on meanwhile."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # it never listens
        port: int = held.getsockname()[1]
        yield port
