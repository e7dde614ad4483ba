"""`tenterhook inline call`, `execute` and `preview`: ask an inline hook's endpoint."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from tenterhook.cli import options
from tenterhook.cli.hooks import read_json_file
from tenterhook.cli.inline import TYPES, Hook, type_named
from tenterhook.cli.naming import INLINE_HOOK, find_id, find_path
from tenterhook.cli.output import dim, inert, note, part, parts, print_fields, print_json, say
from tenterhook.cli.preview import print_attempt, print_request
from tenterhook.errors import InvalidError

commands = typer.Typer()

CALLS = "/api/v1/inlineCalls"
RequestType = Annotated[
    str | None, typer.Option(help="Of registration and telephony: what exactly is asked. [default: the first]")
]
Asked = Annotated[
    str | None, typer.Option(metavar="FILE", help="The call's data as JSON; - is standard input. [default: a sample]")
]


@commands.command()
def call(
    type: Annotated[str, typer.Argument(metavar="TYPE", help=f"{', '.join(TYPES)}, or one of them in full.")],
    file: Asked = None,
    request_type: RequestType = None,
    hook: Annotated[str | None, typer.Option(help="Which of several active hooks: its id or its exact name.")] = None,
    url: options.Url = None,
    token: options.Token = None,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """Ask the active inline hook of a type, as a process does.

    Prints what becomes of the process. That the endpoint failed is a result, not an error.
    """
    from tenterhook.cli.client import connect, options_judged_by_server

    asked = {"type": type_named(type), **_question(type_named(type), file, request_type)}
    with connect(url, token, data) as client:
        if hook is not None:
            asked["hookId"] = find_id(client, INLINE_HOOK, hook)
        with options_judged_by_server():
            result = client.post(CALLS, asked)
    if as_json:
        print_json(result)
    else:
        _print_result(result)


@commands.command()
def execute(
    hook: Hook,
    file: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="The payload as JSON; - is standard input. [default: a sample]"),
    ] = None,
    url: options.Url = None,
    token: options.Token = None,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """Send a payload to an inline hook's endpoint; print the answer.

    Fails if the answer is not as the contract has it. The hook has to be active.
    """
    from tenterhook.cli.client import connect, options_judged_by_server

    with connect(url, token, data) as client:
        path = find_path(client, INLINE_HOOK, hook)
        body = read_json_file(file) if file is not None else _question(str(part(client.get(path), "type")), None, None)
        with options_judged_by_server():
            answer = client.post(f"{path}/execute", body)
    if as_json:
        print_json(answer)
    else:
        _print_tree(answer)


@commands.command()
def preview(
    hook: Hook,
    file: Asked = None,
    request_type: RequestType = None,
    deliver: Annotated[bool, typer.Option("--deliver", help="Send it to the endpoint.")] = False,
    url: options.Url = None,
    token: options.Token = None,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """Show the request that an inline hook's endpoint would get.

    Works while the hook is inactive. With --deliver it is sent, and what a process would be told is shown.
    """
    from tenterhook.cli.client import connect, options_judged_by_server

    body: dict[str, Any] = {"deliver": deliver}
    if file is not None:
        body["data"] = read_json_file(file)
    if request_type is not None:
        body["requestType"] = request_type
    with connect(url, token, data) as client:
        path = find_path(client, INLINE_HOOK, hook)
        with options_judged_by_server():
            shown = client.post(f"{path}/preview", body)
    if as_json:
        print_json(shown)
    else:
        _print_preview(shown)


def _question(type: str, file: str | None, request_type: str | None) -> dict[str, Any]:
    """Return what is asked: ``data`` out of *file*, or a sample, and its ``requestType``, if it has one."""
    from tenterhook.inline import sample_call

    if file is not None:
        asked = {"data": read_json_file(file)}
        return asked if request_type is None else {**asked, "requestType": request_type}
    try:
        sample = json.loads(sample_call(type, request_type))
    except InvalidError:
        sample = json.loads(sample_call(type))
        sample["requestType"] = request_type  # no request type of this hook: the server says which there are
    return {key: sample[key] for key in ("data", "requestType") if key in sample}


def _print_preview(shown: Any) -> None:
    print_request(part(shown, "request"))
    attempt, result = part(shown, "delivered"), part(shown, "result")
    if attempt is not None:
        say("")
        print_attempt(attempt)
    if result is None:
        note("Not sent. --deliver sends it.")
        return
    say("")
    _print_result(result)


def _print_result(result: Any) -> None:
    error = part(result, "error")
    print_fields(
        (
            ("outcome", part(result, "outcome")),
            ("reason", part(result, "reason")),
            ("error", part(error, "errorSummary")),
            *(("cause", part(one, "errorSummary")) for one in parts(error, "errorCauses")),
            ("hook", part(result, "hookId")),
            ("eventId", part(result, "eventId")),
            ("took", f"{part(result, 'durationMs')} ms"),
        )
    )
    for command in parts(result, "commands"):
        value = json.dumps(part(command, "value"), ensure_ascii=False)
        say(dim("applied  "), inert(f"{part(command, 'type')}  {value}"))
    _print_tree(part(result, "data"))


def _print_tree(tree: object) -> None:
    for line in json.dumps(tree, indent=2, ensure_ascii=False).splitlines():
        say(inert(line))
