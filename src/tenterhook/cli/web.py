"""How the commands that listen do it: a socket bound first, uvicorn on it, signals, a bounded stop."""

from __future__ import annotations

import asyncio
import errno
import gc
import logging
import os
import resource
import signal
import ssl
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any

import uvicorn
import uvloop

from tenterhook.api.protocol import server_options
from tenterhook.errors import OperatorError

if TYPE_CHECKING:
    from tenterhook.cli.listening_socket import Listening

App = Callable[[Any, Any, Any], Awaitable[None]]

#: How long open requests may go on after the first signal. The platform's own stop (7 s at most) follows: 10 s in all.
DRAIN_S = 2


async def serve_until_signal(
    app: App,
    listening: Listening,
    *,
    ready: Callable[[], None],
    tls: ssl.SSLContext | None = None,
    failed: asyncio.Event | None = None,
    stopping: Callable[[], None] | None = None,
) -> None:
    """Serve *app* on the bound socket *listening* until SIGINT or SIGTERM; then stop accepting and drain.

    ready: called once connections are accepted. failed: when it is set, that ends it too. stopping: called when it
    begins to stop, to end what would not end by itself. A second signal ends the process at once, with 128 + its
    number.
    """
    server = uvicorn.Server(_config(app, tls))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, _stop, server, number)
    server.lifespan = server.config.lifespan_class(server.config)
    try:
        await server.startup(sockets=[listening])
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise OperatorError("The port was taken by another program a moment ago. Choose another with --port.") from None
    _settle_memory()
    if not server.should_exit:
        ready()
    watch = asyncio.create_task(_stop_on(failed, server)) if failed is not None else None
    await server.main_loop()
    if watch is not None:
        watch.cancel()
    if stopping is not None:
        stopping()
    await server.shutdown(sockets=[listening])


def _settle_memory() -> None:
    """Spare the collector what lives as long as the process, and let it look for cycles less often.

    An event makes some hundred containers and no cycle; looking after every 700 of them cost an eighth of the CPU.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def _config(app: App, tls: ssl.SSLContext | None) -> uvicorn.Config:
    config = uvicorn.Config(
        app,
        loop="uvloop",
        interface="asgi3",
        backlog=1024,
        timeout_graceful_shutdown=DRAIN_S,
        **server_options(),
    )
    # What a client sends is answered, not logged: nobody may fill the operator's disk from outside.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    config.load()
    config.ssl = tls
    return config


def _stop(server: uvicorn.Server, number: int) -> None:
    if server.should_exit:
        os._exit(128 + number)
    server.should_exit = True


async def _stop_on(failed: asyncio.Event, server: uvicorn.Server) -> None:
    await failed.wait()
    server.should_exit = True


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run *main* on uvloop, with as many open files as the system lets this process have."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)


def url_of(listening: Listening, scheme: str = "http") -> str:
    """Return the URL of a bound socket as a browser on this machine would write it."""
    host, port = listening.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104 - told apart, not listened on
        host = "127.0.0.1" if host == "0.0.0.0" else "::1"  # noqa: S104
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
