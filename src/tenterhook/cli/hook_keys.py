"""`tenterhook hook-keys`: the keys that sign for inline hooks."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tenterhook.cli import options
from tenterhook.cli.failure import CommandError
from tenterhook.cli.output import dim, moment_cell, part, print_fields, print_json, print_table, say

commands = typer.Typer(no_args_is_help=True)

PATH = "/api/v1/hook-keys"
MOST = 100_000
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
        _print(client.get(_path(client, key)), as_json)


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
        _print(client.put(_path(client, key), {"name": name}), as_json)


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
        kid = part(client.get(_path(client, key)), "keyId")
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
        path = _path(client, key)
        client.delete(path)
    if as_json:
        print_json({"id": path.rpartition("/")[2], "deleted": True})
    else:
        say(f"{key} is deleted")


def _path(client: Any, key: str) -> str:
    """Return the path of the key with this id or exact name. Raises: CommandError, if no key has the name."""
    if len(key) == 20 and key.startswith("HKY") and key.isalnum():
        return f"{PATH}/{key}"
    named = [found for found in client.pages(PATH, {}, MOST) if part(found, "name") == key]
    if not named:
        raise CommandError(f"No hook key has the id or the name {key!r}. `tenterhook hook-keys list` shows all.")
    return f"{PATH}/{named[0]['id']}"


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
