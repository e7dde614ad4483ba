"""`tenterhook hook-keys`: the keys that sign for inline hooks."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tenterhook.cli import options
from tenterhook.cli.naming import HOOK_KEY, MOST, delete_named, find_path
from tenterhook.cli.output import dim, moment_cell, part, print_fields, print_json, print_table, say

commands = typer.Typer(no_args_is_help=True)

PATH = HOOK_KEY.path
Key = Annotated[str, typer.Argument(metavar="KEY", help="The key's id (HKY…) or its exact name.")]


@commands.command("list")
def list_keys(
    url: options.Url = None, token: options.Token = None, data: options.Data = None, as_json: options.Json = False
) -> None:
    """List the hook keys."""
    from tenterhook.cli.client import connect

    with connect(url, token, data) as client:
        keys = list(client.pages(PATH, {}, MOST))
    if as_json:
        print_json(keys)
    elif keys:
        print_table(("ID", "USED", "CREATED", "NAME"), [_row(key) for key in keys])
    else:
        say("No hook keys yet. Create one with `tenterhook hook-keys create NAME`.")


def _row(key: Any) -> list[object]:
    used = "yes" if part(key, "isUsed") else "no"
    return [dim(part(key, "id")), used, moment_cell(part(key, "created")), part(key, "name")]


@commands.command()
def show(
    key: Key,
    url: options.Url = None,
    token: options.Token = None,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """Show one hook key."""
    from tenterhook.cli.client import connect

    with connect(url, token, data) as client:
        _print(client.get(find_path(client, HOOK_KEY, key)), as_json)


@commands.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Unique among the org's hook keys.")],
    url: options.Url = None,
    token: options.Token = None,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """Make a key pair; the private half stays with the server."""
    from tenterhook.cli.client import connect, options_judged_by_server

    with options_judged_by_server(), connect(url, token, data) as client:
        _print(client.post(PATH, {"name": name}), as_json)


@commands.command()
def rename(
    key: Key,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its new name.")],
    url: options.Url = None,
    token: options.Token = None,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """Rename a hook key."""
    from tenterhook.cli.client import connect, options_judged_by_server

    with options_judged_by_server(), connect(url, token, data) as client:
        _print(client.put(find_path(client, HOOK_KEY, key), {"name": name}), as_json)


@commands.command()
def public(
    key: Key,
    url: options.Url = None,
    token: options.Token = None,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """Print the public half of a hook key, as a JWK."""
    from tenterhook.cli.client import connect

    with connect(url, token, data) as client:
        kid = part(client.get(find_path(client, HOOK_KEY, key)), "keyId")
        print_json(client.get(f"{PATH}/public/{kid}"))


@commands.command()
def delete(
    key: Key,
    url: options.Url = None,
    token: options.Token = None,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """Delete a hook key that no inline hook uses."""
    from tenterhook.cli.client import connect

    with connect(url, token, data) as client:
        delete_named(client, HOOK_KEY, key, as_json=as_json)


def _print(key: Any, as_json: bool) -> None:
    if as_json:
        print_json(key)
        return
    print_fields(
        [
            ("id", dim(part(key, "id"))),
            ("key id", part(key, "keyId")),
            ("name", part(key, "name")),
            ("used", "yes" if part(key, "isUsed") else "no"),
            ("created", moment_cell(part(key, "created"))),
            ("last updated", moment_cell(part(key, "lastUpdated"))),
        ]
    )
