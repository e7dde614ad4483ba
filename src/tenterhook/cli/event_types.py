"""`tenterhook event-types`: the catalogue, and types of one's own."""

from __future__ import annotations

import json
from typing import Annotated, Any
from urllib.parse import quote

import typer

from tenterhook.cli import options
from tenterhook.cli.hooks import read_json_file
from tenterhook.cli.naming import MOST
from tenterhook.cli.output import dim, inert, moment_cell, part, print_fields, print_json, print_table, say

commands = typer.Typer(invoke_without_command=True)

PATH = "/api/v1/eventTypes"
Q = Annotated[str | None, typer.Option("--q", help="Words of the name, the display name or the family.")]
Eligible = Annotated[
    bool | None, typer.Option("--eligible/--not-eligible", help="Only those that event hooks can have, or cannot.")
]
Custom = Annotated[bool | None, typer.Option("--custom/--catalogue", help="Only the org's own, or only Okta's.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The type's name, such as user.lifecycle.create.")]


@commands.callback()
def _all(context: typer.Context) -> None:
    """List them, if nothing else is asked for."""
    if context.invoked_subcommand is None:
        list_types()


@commands.command("list")
def list_types(
    q: Q = None,
    eligible: Eligible = None,
    custom: Custom = None,
    url: options.Url = None,
    token: options.Token = None,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """List the event types by name."""
    from tenterhook.cli.client import connect

    flags = {"eligible": eligible, "custom": custom}
    params: dict[str, str | int] = {"limit": 1000, **({"q": q} if q else {})}
    params |= {name: str(wanted).lower() for name, wanted in flags.items() if wanted is not None}
    with connect(url, token, data) as client:
        found = list(client.pages(PATH, params, MOST))
    if as_json:
        print_json(found)
    elif found:
        print_table(("NAME", "HOOKS", "GROUP", "DISPLAY NAME"), [_row(one) for one in found])
    else:
        say("No event type is like that.")


def _row(one: Any) -> list[object]:
    may = "yes" if part(one, "eligible") else dim("no")
    return [part(one, "name"), may, part(one, "group"), part(one, "displayName")]


@commands.command()
def show(
    name: Name,
    url: options.Url = None,
    token: options.Token = None,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """Show one event type and a sample of it."""
    from tenterhook.cli.client import connect

    with connect(url, token, data) as client:
        _print(client.get(_path(name)), as_json)


@commands.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Lower-case and dotted, such as acme.order.paid.")],
    display_name: Annotated[str | None, typer.Option(help="What people read.")] = None,
    description: Annotated[str | None, typer.Option()] = None,
    sample: Annotated[
        str | None, typer.Option(metavar="FILE", help="A log event of this type as JSON; - is standard input.")
    ] = None,
    url: options.Url = None,
    token: options.Token = None,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """Make an event type of your own; hooks can subscribe to it at once."""
    from tenterhook.cli.client import connect, options_judged_by_server

    told = {"displayName": display_name, "description": description}
    body = {"name": name, **{key: text for key, text in told.items() if text is not None}}
    if sample is not None:
        body["sample"] = read_json_file(sample)
    with options_judged_by_server(), connect(url, token, data) as client:
        made = client.post(PATH, body)
    if as_json:
        print_json(made)
    else:
        say(f"{part(made, 'name')} can be published and subscribed to. Its sample: tenterhook event-types show {name}")


@commands.command()
def delete(
    name: Name,
    url: options.Url = None,
    token: options.Token = None,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """Delete an event type of your own that no hook subscribes to."""
    from tenterhook.cli.client import connect

    with connect(url, token, data) as client:
        client.delete(_path(name))
    if as_json:
        print_json({"name": name, "deleted": True})
    else:
        say(f"{name} is deleted")


def _path(name: str) -> str:
    return f"{PATH}/{quote(name, safe='')}"


def _print(one: Any, as_json: bool) -> None:
    if as_json:
        print_json(one)
        return
    print_fields(
        [
            ("name", part(one, "name")),
            ("display name", part(one, "displayName")),
            ("description", part(one, "description")),
            ("group", part(one, "group")),
            ("event hooks", "may subscribe" if part(one, "eligible") else "may not subscribe"),
            ("release", part(one, "release")),
            ("created", moment_cell(part(one, "created")) if part(one, "created") else None),
        ]
    )
    say("sample:")
    for line in json.dumps(part(one, "sample"), indent=2, ensure_ascii=False).splitlines():
        say("  ", inert(line))
