"""`tenterhook listen`: a receiver for development."""

from __future__ import annotations

import contextlib
import json
import ssl
import tempfile
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tenterhook.cli import options
from tenterhook.cli.failure import UsageError
from tenterhook.cli.hooks import read_file
from tenterhook.cli.inline import TYPES, type_named
from tenterhook.cli.output import count_of, event_line, inert, note, part, parts

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from tenterhook.cli.listening_socket import Listening
    from tenterhook.cli.receiver import Behaviour, Received

    Tell = Callable[[Received], None]
    MakeApp = Callable[[Tell], Any]

commands = typer.Typer()


@commands.command()
def listen(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free one.")] = 9000,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    secret: Annotated[
        str | None,
        typer.Option(
            envvar="TENTERHOOK_LISTEN_SECRET", show_default=False, help="Refuse requests without this secret."
        ),
    ] = None,
    secret_header: Annotated[str, typer.Option(help="The header that carries it.")] = "Authorization",  # noqa: S107 - its name
    status: Annotated[
        int | None,
        typer.Option(min=200, max=599, help="Answer with this status. [default: 204, with --inline 200]"),
    ] = None,
    fail_first: Annotated[int, typer.Option(min=0, max=1_000_000, help="Answer the first N deliveries with 500.")] = 0,
    delay: Annotated[float, typer.Option(min=0, max=3600, help="Wait so many seconds before each answer.")] = 0.0,
    wrong_echo: Annotated[bool, typer.Option("--wrong-echo", help="Answer the challenge wrongly.")] = False,
    inline: Annotated[
        str | None, typer.Option(metavar="TYPE", help=f"Answer inline calls instead: {', '.join(TYPES)}.")
    ] = None,
    reply: Annotated[
        str | None,
        typer.Option(metavar="JSON", help="With --inline: answer this, JSON or the name of a file of it."),
    ] = None,
    tls: Annotated[bool, typer.Option("--tls", help="HTTPS, with a certificate made on the spot.")] = False,
    tls_dir: Annotated[
        Path | None, typer.Option(help="Where to put the certificates. [default: a temporary one]")
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Receive hooks: a receiver for development.

    Answers the challenge and prints every event; with --inline it is the endpoint of an inline hook. Misbehaves on
    demand.
    """
    from tenterhook.cli.listening_socket import bind
    from tenterhook.cli.receiver import Behaviour

    if reply is not None and inline is None:
        raise UsageError("--reply goes with --inline.")
    usual = 204 if inline is None else 200
    behaviour = Behaviour(secret, secret_header, usual if status is None else status, delay, wrong_echo, fail_first)
    make = _receiver(behaviour) if inline is None else _inline_receiver(type_named(inline), behaviour, reply)
    with contextlib.ExitStack() as stack:
        listening = stack.enter_context(bind(host, port))
        if tls and tls_dir is None:
            tls_dir = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tenterhook-tls-")))
        _listen(listening, make, _make_tls(tls_dir, host) if tls_dir else None, as_json)


def _receiver(behaviour: Behaviour) -> MakeApp:
    from tenterhook.cli.receiver import Receiver

    return lambda tell: Receiver(behaviour, tell)


def _inline_receiver(type: str, behaviour: Behaviour, reply: str | None) -> MakeApp:
    from tenterhook.cli.inline_receiver import InlineReceiver, refusal_of

    said = None if reply is None else _reply_bytes(reply)
    refusal = None if said is None else refusal_of(type, said)
    if refusal is not None:
        note(f"This reply is not as the contract has it, and a hook's failure: {refusal}")
    return lambda tell: InlineReceiver(type, behaviour, said, tell)


def _reply_bytes(reply: str) -> bytes:
    """Return the reply that is given as JSON, or as the name of a file of it; "-" is standard input."""
    if reply.lstrip()[:1] in ("{", "["):
        return reply.encode()
    return read_file(reply).encode()


def _make_tls(folder: Path, host: str) -> ssl.SSLContext:
    from tenterhook.cli.certificates import write_certificates

    folder.mkdir(parents=True, exist_ok=True)
    ca_file, server_file = write_certificates(folder, host)
    note(f"The certificate authority is in {ca_file}. So that a server trusts it, start it with")
    note(f"  TENTERHOOK_EGRESS_CA_FILE={ca_file}")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(server_file)
    return context


def _listen(listening: Listening, make: MakeApp, tls: ssl.SSLContext | None, as_json: bool) -> None:
    from tenterhook.cli import web

    url = web.url_of(listening, "https" if tls else "http")
    ready = note if as_json else print_line
    app = make(print_received_json if as_json else printer())
    web.run(web.serve_until_signal(app, listening, ready=lambda: ready(f"listening on {url}"), tls=tls))


def print_line(text: str) -> None:
    """Print *text* at once, also into a pipe."""
    print(text, flush=True)


def print_received_json(received: Received) -> None:
    """Print one request as one line of JSON."""
    record = {"kind": received.kind, "status": received.status, "repeat": received.repeat, "body": received.body}
    if received.kind == "CALL":
        record["reply"] = getattr(received, "reply", None)
    print(json.dumps(record | ({"reason": received.reason} if received.reason else {})), flush=True)


def printer() -> Callable[[Received], None]:
    """Return what prints requests readably: a heading for each, and a line for each event."""
    from tenterhook.cli.output import console

    terminal = console()
    return lambda received: _print(terminal, received)


def _print(terminal: Console, received: Received) -> None:
    """Print the event first, then the answer, and the id, which few need, last."""
    from rich.text import Text

    told = [inert(event_line(event)) for event in received.events]
    if received.kind == "CALL":
        told = [inert(_call_line(received))]
    answer = "bold" if received.status < 300 else "bold red"
    line = Text.assemble((f"{datetime.now():%H:%M:%S}  ", "dim"))
    line.append(told[0] if len(told) == 1 else inert(_heading(received)), style="" if len(told) == 1 else answer)
    line.append(f"  → {received.status}", style=answer)
    if received.kind in ("DELIVERY", "CALL"):
        line.append("  sent again" if received.repeat else "", style="yellow")
        line.append(f"  {inert(part(received.body, 'eventId'))}", style="dim")
    terminal.print(line, soft_wrap=True)
    for command in parts(getattr(received, "reply", None), "commands"):
        text = f"{part(command, 'type')}  {json.dumps(part(command, 'value'), ensure_ascii=False)}"
        terminal.print(Text(f"          {inert(text)}"), soft_wrap=True)
    for event in told if len(told) > 1 else ():
        terminal.print(Text(f"          {event}"), soft_wrap=True)


def _call_line(received: Received) -> str:
    """Tell an inline call in one line: its type, what exactly is asked, and whom it is about."""
    from tenterhook.cli.inline_receiver import who

    asked = (part(received.body, "eventType"), part(received.body, "requestType"), who(received.body))
    return "  ".join(str(one) for one in asked if one)


def _heading(received: Received) -> str:
    if received.kind == "CHALLENGE":
        return f"challenge {received.reason or 'answered'}"
    if received.kind == "DELIVERY":
        return count_of(len(received.events), "event")
    return f"{'refused' if received.kind == 'REFUSED' else 'request'}: {received.reason}"
