"""A socket that is bound and does not listen yet, so that a taken port is known before anything else is opened."""

from __future__ import annotations

import errno
import socket

from tenterhook.errors import OperatorError

Listening = socket.socket


def bind(host: str, port: int) -> Listening:
    """Return a TCP socket bound to *host* (name or address) and *port* (0: any free one).

    Raises: OperatorError, with advice.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (socket.gaierror, UnicodeError) as error:
        raise OperatorError(f"--host {host}: this name has no address ({error}). 127.0.0.1 is this machine.") from None
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
    except OSError as error:
        listening.close()
        raise OperatorError(_advice(error, host, port)) from None
    listening.setblocking(False)
    return listening


def _advice(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is taken by another program. Stop that, or choose another port with --port."
    if error.errno == errno.EACCES:
        return f"Port {port} is for privileged programs. Choose one from 1024 up with --port."
    if error.errno == errno.EADDRNOTAVAIL:
        return f"--host {host}: no network interface of this machine has this address. 127.0.0.1 always works."
    return f"Cannot listen on {host} port {port}: {error.strerror}."
