"""`tenterhook serve`: the platform in one process."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tenterhook.cli.failure import CommandError
from tenterhook.cli.output import note, print_json
from tenterhook.cli.server_file import read_server_file, remove_server_file, write_server_file
from tenterhook.errors import OperatorError

if TYPE_CHECKING:
    from tenterhook.cli.listening_socket import Listening
    from tenterhook.settings import Settings

commands = typer.Typer()


@commands.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on. [default: 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(help="0 takes any free one. [default: 8080]")] = None,
    data: Annotated[
        Path | None, typer.Option(help="Directory of database, keys and admin token. [default: ./tenterhook-data]")
    ] = None,
    dev: Annotated[
        bool, typer.Option("--dev", help="Development: hooks may use http:// and reach this machine.")
    ] = False,
    config: Annotated[Path | None, typer.Option(help="A TOML file of settings; see config.default.toml.")] = None,
    public_url: Annotated[str | None, typer.Option(help="The address that others reach this server by.")] = None,
    profile: Annotated[str | None, typer.Option(help="open, okta or okta-2021. [default: open]")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object when ready, nothing else.")] = False,
) -> None:
    """Run the platform.

    Options win over TENTERHOOK_* variables, those over the TOML file. Prints `listening on http://HOST:PORT` when
    ready. SIGTERM and Ctrl-C stop it within 10 seconds, a second one at once.
    """
    from tenterhook.settings import load_settings

    options: dict[str, object] = {
        "host": host,
        "port": port,
        "data_dir": data,
        "dev": dev or None,
        "public_url": public_url,
        "profile": profile,
    }
    settings = load_settings(options, os.environ, config)
    configure_log(settings.log_level)
    with bind_or_advise(settings) as listening:
        from tenterhook.cli import web

        web.run(_serve(settings, listening, as_json))


def configure_log(level: str) -> None:
    """Send the program's own log to standard error, from *level* up, one line of `key='value'` pairs an entry.

    Values are written as Python literals: what came from a tenant cannot steer a terminal or forge a line.
    """
    import structlog

    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def bind_or_advise(settings: Settings) -> Listening:
    """Bind the settings' address; if it is taken by a server on the same data directory, say so."""
    from tenterhook.cli.listening_socket import bind

    try:
        return bind(settings.host, settings.port)
    except OperatorError as error:
        running = read_server_file(settings.data_dir)
        if running is None or not running.alive:
            raise
        told = f"A Tenterhook on {settings.data_dir} is running already: {running.url} (process {running.pid})."
        # Where the port is its own, another one would not help: the directory has room for one server.
        ours = running.url.endswith(f":{settings.port}")
        raise OperatorError(told if ours else f"{told} {error}") from None


async def _serve(settings: Settings, listening: Listening, as_json: bool) -> None:
    from tenterhook.api.app import create_app
    from tenterhook.cli import web
    from tenterhook.console.app import Console
    from tenterhook.engine.sign_in import sign_in_url
    from tenterhook.platform import Tenterhook

    url = web.url_of(listening)
    address, port = listening.getsockname()[:2]
    bound = settings.model_copy(update={"port": port, "public_url": settings.public_url or url})

    def ready() -> None:
        write_server_file(settings.data_dir, url)
        _warn(settings)
        _announce(settings, url, link, as_json)

    async with Tenterhook.from_settings(bound, own_addresses=((address, port),)) as hooks:
        try:
            app = create_app(hooks.pipeline, publishing=hooks.publishing, console=Console(hooks.pipeline))
            link = sign_in_url(hooks.pipeline.public_url, await hooks.sign_in_link())
            stopping = hooks.pipeline.followers.close
            await web.serve_until_signal(app, listening, ready=ready, failed=hooks.failed, stopping=stopping)
        finally:
            remove_server_file(settings.data_dir)
    if hooks.failed.is_set():
        raise CommandError("The database failed (see above), so this process ends: the next start recovers.")


def _warn(settings: Settings) -> None:
    if settings.dev:
        note("DEVELOPMENT MODE: hooks may use http:// and reach this machine and its networks. Never on a server.")
    if settings.host in ("0.0.0.0", "::"):  # noqa: S104 - warned of, not listened on
        note("It listens on every network interface of this machine: have TLS and a firewall before it.")


def _announce(settings: Settings, url: str, link: str, as_json: bool) -> None:
    token_file = settings.data_dir.absolute() / "admin-token"
    if as_json:
        print_json({"url": url, "data": str(settings.data_dir), "adminToken": str(token_file), "console": link})
        return
    print("Publish a first event:\n")
    print(f"  {first_curl(settings.public_url or url, token_file)}\n")
    print(f"console: {link}  (works once, for 15 minutes)\n")
    print(f"listening on {url}", flush=True)


def first_curl(url: str, token_file: Path) -> str:
    """Return a command line that publishes an event when pasted into a shell in any directory.

    token_file: absolute.
    """
    return (
        f'curl -H "Authorization: SSWS $(cat {shlex.quote(str(token_file))})" -H "Content-Type: application/json" '
        f"""-d '{{"eventType":"user.lifecycle.create"}}' {url}/api/v1/events"""
    )
