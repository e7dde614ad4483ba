"""`tenterhook hooks`: event hooks."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tenterhook.cli import options
from tenterhook.cli.failure import CommandError, UsageError
from tenterhook.cli.naming import EVENT_HOOK, MOST, delete_named, find_path
from tenterhook.cli.output import (
    dim,
    inert,
    moment_cell,
    note,
    part,
    parts,
    print_fields,
    print_json,
    print_table,
    say,
    state,
)

if TYPE_CHECKING:
    from tenterhook.cli.client import Client

commands = typer.Typer(no_args_is_help=True)

PATH = EVENT_HOOK.path
MOST_NAME = 24
#: What an event type looks like; an operator such as != before the = of TYPE= leaves no such thing.
_TYPE = re.compile(r"[\w.:-]+", re.ASCII)
RETRIES = ("okta", "okta-2021", "durable")
Hook = Annotated[str, typer.Argument(metavar="HOOK", help="The hook's id (who…) or its exact name.")]


@commands.command("list")
def list_hooks(
    url: options.Url = None, token: options.Token = None, data: options.Data = None, as_json: options.Json = False
) -> None:
    """List the event hooks."""
    from tenterhook.cli.client import connect

    with connect(url, token, data) as client:
        hooks = list(client.pages(PATH, {}, MOST))
    if as_json:
        print_json(hooks)
    elif hooks:
        headings = ("ID", "STATUS", "VERIFICATION", "TYPES", "NAME", "URL")
        print_table(headings, [_row(hook) for hook in hooks])
    else:
        say("No event hooks yet. Create one with `tenterhook hooks create`.")


def _row(hook: Any) -> list[object]:
    standing = [state(part(hook, key)) for key in ("status", "verificationStatus")]
    count = len(parts(hook, "events", "items"))
    return [dim(part(hook, "id")), *standing, count, short(part(hook, "name")), part(hook, "channel", "config", "uri")]


def short(name: object) -> str:
    """Return *name* as a terminal's table has room for it."""
    text = inert(name)
    return text if len(text) <= MOST_NAME or not sys.stdout.isatty() else text[: MOST_NAME - 1] + "…"


@commands.command()
def show(
    hook: Hook,
    url: options.Url = None,
    token: options.Token = None,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """Show one event hook."""
    from tenterhook.cli.client import connect

    with connect(url, token, data) as client:
        _print(client.get(find_path(client, EVENT_HOOK, hook)), as_json)


@commands.command()
def create(
    name: Annotated[str | None, typer.Option(help="Unique among the org's hooks.")] = None,
    uri: Annotated[str | None, typer.Option(help="The receiver's https:// address.")] = None,
    event: Annotated[list[str] | None, typer.Option(help="An event type; repeat it for more.")] = None,
    description: Annotated[str | None, typer.Option()] = None,
    header: Annotated[
        list[str] | None, typer.Option(help='A custom header, "Name: value"; repeat it for more.')
    ] = None,
    auth_header: Annotated[
        str | None, typer.Option(help="The header that carries the secret. [default: Authorization]")
    ] = None,
    secret_file: Annotated[
        str | None, typer.Option(help="File with the secret that is sent to the receiver; - is standard input.")
    ] = None,
    condition: Annotated[
        list[str] | None,
        typer.Option(
            "--filter",
            metavar="TYPE=EXPRESSION",
            help="Of the events of this type only those for which the expression is true; repeat it for more types.",
        ),
    ] = None,
    retry: Annotated[str | None, typer.Option(help="okta, okta-2021 or durable.")] = None,
    file: Annotated[
        str | None, typer.Option(help="The whole hook as JSON, instead of the options; - is standard input.")
    ] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Verify it at once.")] = False,
    url: options.Url = None,
    token: options.Token = None,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """Create an event hook, from options or from a JSON file.

    It must be verified before it gets events.
    """
    from tenterhook.cli.client import connect, options_judged_by_server

    if retry is not None and retry not in RETRIES:
        raise UsageError(f"--retry {retry!r} is not a policy: {', '.join(RETRIES[:-1])} or {RETRIES[-1]}.")
    if file is not None:
        texts = {"name": name, "uri": uri, "description": description, "auth-header": auth_header, "retry": retry}
        lists = {"event": event, "header": header, "filter": condition}
        refuse_beside_file(texts | lists | {"secret-file": secret_file})
        body = read_json_file(file)
    elif name and uri and event:
        config: dict[str, object] = {"uri": uri, "headers": [read_header(text) for text in header or []]}
        if secret_file is not None:
            secret = read_file(secret_file).strip()
            config["authScheme"] = {"type": "HEADER", "key": auth_header or "Authorization", "value": secret}
        body = hook_body(name, event, config) | ({"description": description} if description else {})
        body["events"] |= {"filter": filter_body([_condition(text) for text in condition])} if condition else {}
        body |= {"deliveryPolicy": {"retry": retry}} if retry else {}
    else:
        raise UsageError("Give --name, --uri and at least one --event, or the whole hook with --file.")
    with connect(url, token, data) as client:
        with options_judged_by_server():
            hook = client.post(PATH, body)
        if verify:
            note(f"created {hook['id']}, verifying")
            hook = _verified(client, hook)
    _print_changed(hook, as_json)


def refuse_beside_file(others: Mapping[str, object]) -> None:
    """Refuse the options that --file would make forgotten. Raises: UsageError."""
    given = [f"--{name}" for name, value in others.items() if value]
    if given:
        raise UsageError(f"--file has the whole hook: leave {', '.join(given)} out, or put it into the file.")


def _verified(client: Client, hook: Any) -> Any:
    """Verify a new hook; if that fails, say that the hook is there all the same."""
    try:
        return client.post(f"{PATH}/{hook['id']}/lifecycle/verify")
    except CommandError as error:
        named = _named(hook)
        if "channel.config.authScheme" in str(error):
            error.add("The value of channel.config.authScheme is what --secret-file gave.")
        error.add(f"The hook is kept, UNVERIFIED. Mend the endpoint, then: tenterhook hooks verify {named}")
        error.add(f"`tenterhook hooks replace {named} FILE` changes its definition.")
        raise


def _print_changed(hook: Any, as_json: bool) -> None:
    _print(hook, as_json)
    if part(hook, "verificationStatus") != "VERIFIED":
        note(f"Not verified yet, so it gets no events. Next: tenterhook hooks verify {_named(hook)}")


def _named(hook: Any) -> str:
    """Return what a shell can be given to name *hook*: its name in quotes where that is plain, else its id."""
    name = str(part(hook, "name"))
    plain = name.isprintable() and not name.startswith("-") and not set(name) & set('"$`\\!')
    return f'"{name}"' if plain else str(part(hook, "id"))


def hook_body(name: str, events: list[str], config: dict[str, object]) -> dict[str, Any]:
    """Return the body that creates an event hook. config: the channel's, with at least `uri`."""
    return {
        "name": name,
        "events": {"type": "EVENT_TYPE", "items": events},
        "channel": {"type": "HTTP", "version": "1.0.0", "config": config},
    }


def filter_body(conditions: Iterable[tuple[str, str]]) -> dict[str, object]:
    """Return an `events.filter`. conditions: event types, each with its expression."""
    entries = [{"event": event, "condition": {"expression": expression}} for event, expression in conditions]
    return {"type": "EXPRESSION_LANGUAGE", "eventFilterMap": entries}


def _condition(text: str) -> tuple[str, str]:
    event, equals, expression = text.partition("=")
    if not equals or expression.startswith("=") or not _TYPE.fullmatch(event.strip()):
        what = "does not begin with an event type and =" if equals else "has no ="
        raise UsageError(
            f"--filter {text!r} {what}: write it as 'TYPE=EXPRESSION', such as "
            """"user.session.start=event.outcome.result eq 'FAILURE'"."""
        )
    return event.strip(), expression.strip()


def _filter_words(chosen: object) -> str | None:
    """Tell a filter: user.session.start if event.outcome.result eq 'FAILURE'."""
    entries = parts(chosen, "eventFilterMap")
    words = [f"{inert(part(one, 'event'))} if {inert(part(one, 'condition', 'expression'))}" for one in entries]
    return "; ".join(words) or None


def read_header(text: str) -> dict[str, str]:
    """Return the custom header that "Name: value" spells. Raises: UsageError."""
    name, colon, value = text.partition(":")
    if not colon:
        raise UsageError(f"--header {text!r} has no colon: write it as 'Name: value'.")
    return {"key": name.strip(), "value": value.strip()}


@commands.command()
def replace(
    hook: Hook,
    file: Annotated[str, typer.Argument(help="The whole hook as JSON; - is standard input.")],
    url: options.Url = None,
    token: options.Token = None,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """Replace an event hook with the JSON in FILE.

    A changed channel must be verified again.
    """
    from tenterhook.cli.client import connect, options_judged_by_server

    body = read_json_file(file)
    with options_judged_by_server(), connect(url, token, data) as client:
        replaced = client.put(find_path(client, EVENT_HOOK, hook), body)
    _print_changed(replaced, as_json)


@commands.command()
def activate(
    hook: Hook,
    url: options.Url = None,
    token: options.Token = None,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """Switch an event hook on."""
    _act("activate", hook, (url, token, data), as_json)


@commands.command()
def deactivate(
    hook: Hook,
    url: options.Url = None,
    token: options.Token = None,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """Switch an event hook off.

    Events are no longer matched to it.
    """
    _act("deactivate", hook, (url, token, data), as_json)


@commands.command()
def verify(
    hook: Hook,
    url: options.Url = None,
    token: options.Token = None,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """Send the challenge to the receiver now.

    When the receiver echoes it, the hook is verified and gets events.
    """
    from tenterhook.cli.client import connect

    with connect(url, token, data) as client:
        verified = client.post(f"{find_path(client, EVENT_HOOK, hook)}/lifecycle/verify")
    if not as_json:
        say(part(verified, "name"), " is ", state(part(verified, "verificationStatus")))
    _print(verified, as_json)


@commands.command()
def delete(
    hook: Hook,
    url: options.Url = None,
    token: options.Token = None,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """Delete an event hook.

    It must be INACTIVE: deactivate it first.
    """
    from tenterhook.cli.client import connect

    with connect(url, token, data) as client:
        delete_named(client, EVENT_HOOK, hook, as_json=as_json)


def _act(verb: str, hook: str, where: tuple[str | None, str | None, Path | None], as_json: bool) -> None:
    from tenterhook.cli.client import connect

    with connect(*where) as client:
        _print(client.post(f"{find_path(client, EVENT_HOOK, hook)}/lifecycle/{verb}"), as_json)


def _print(hook: Any, as_json: bool) -> None:
    if as_json:
        print_json(hook)
        return
    config = part(hook, "channel", "config")
    policy = part(hook, "deliveryPolicy")
    print_fields(
        [
            ("id", dim(part(hook, "id"))),
            ("name", part(hook, "name")),
            ("description", part(hook, "description")),
            ("status", state(part(hook, "status"))),
            ("verification", state(part(hook, "verificationStatus"))),
            ("url", part(config, "uri")),
            ("auth header", part(config, "authScheme", "key")),
            ("headers", ", ".join(inert(part(one, "key")) for one in parts(config, "headers")) or None),
            ("events", ", ".join(str(item) for item in parts(hook, "events", "items"))),
            ("filter", _filter_words(part(hook, "events", "filter"))),
            ("delivery policy", policy_words(policy) if isinstance(policy, dict) else None),
            ("created", moment_cell(part(hook, "created"))),
            ("last updated", moment_cell(part(hook, "lastUpdated"))),
        ]
    )


def policy_words(policy: object) -> str:
    """Tell a delivery policy: durable · 3 s · 100 events a request · 16 at once."""
    retry = part(policy, "retry")
    if isinstance(retry, dict):
        waits = ", ".join(str(wait) for wait in parts(retry, "waitsSeconds"))
        retry = f"tries again after {waits or 'no'} s on {', '.join(str(word) for word in parts(retry, 'retryOn'))}"
    words = [
        str(retry),
        f"{part(policy, 'timeoutSeconds')} s",
        f"{part(policy, 'maxEventsPerRequest')} events a request",
        f"{part(policy, 'maxConcurrency')} at once",
    ]
    return " · ".join([*words, "paused"] if part(policy, "paused") else words)


def read_file(file: str) -> str:
    """Return the text of *file*; "-" is standard input. Raises: UsageError."""
    try:
        raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        return raw.decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{file} is not UTF-8 text.") from None


def read_json_file(file: str) -> Any:
    """Return the JSON in *file*; "-" is standard input. Raises: UsageError."""
    try:
        return json.loads(read_file(file))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{file} is not JSON: {error}") from None
