"""`tenterhook orgs`: the tenants, for the operator."""

from __future__ import annotations

from typing import Annotated

import typer

from tenterhook.cli import options, tokens
from tenterhook.cli.naming import MOST, ORG, find_path
from tenterhook.cli.output import dim, moment_cell, note, part, print_fields, print_json, print_table, say

commands = typer.Typer(no_args_is_help=True)

PATH = ORG.path
Org = Annotated[str, typer.Argument(metavar="ORG", help="The org's id (00o…) or its exact name.")]


@commands.command("list")
def list_orgs(
    url: options.Url = None, token: options.Token = None, data: options.Data = None, as_json: options.Json = False
) -> None:
    """List all orgs."""
    from tenterhook.cli.client import connect

    with connect(url, token, data) as client:
        found = list(client.pages(PATH, {}, MOST))
    if as_json:
        print_json(found)
        return
    rows = [[dim(part(one, "id")), moment_cell(part(one, "created")), part(one, "name")] for one in found]
    print_table(("ID", "CREATED", "NAME"), rows)


@commands.command()
def create(
    name: Annotated[str, typer.Argument(help="The org's name; no two orgs have the same.")],
    url: options.Url = None,
    token: options.Token = None,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """Found an org, with its first super admin. An org cannot be deleted."""
    from tenterhook.cli.client import connect, options_judged_by_server

    with options_judged_by_server(), connect(url, token, data) as client:
        made = client.post(PATH, {"name": name})
    _show(made, as_json)
    if not as_json:
        note(f"Next: tenterhook orgs token {part(made, 'id')} NAME")


@commands.command()
def show(
    org: Org,
    url: options.Url = None,
    token: options.Token = None,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """Show an org."""
    from tenterhook.cli.client import connect

    with connect(url, token, data) as client:
        _show(client.get(find_path(client, ORG, org)), as_json)


@commands.command("token")
def create_token(
    org: Org,
    name: Annotated[str, typer.Argument(help="What the token is for.")],
    role: tokens.Role = None,
    scope: tokens.Scopes = None,
    expires: tokens.Expires = None,
    url: options.Url = None,
    token: options.Token = None,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """Create an API token in an org, and print it, once.

    It belongs to the org's first super admin.
    """
    from tenterhook.cli.client import connect, options_judged_by_server

    body = tokens.body_of(name, role, scope, expires)
    with options_judged_by_server(), connect(url, token, data) as client:
        made = client.post(f"{find_path(client, ORG, org)}/api-tokens", body)
    tokens.show_once(made, as_json)


def _show(org: object, as_json: bool) -> None:
    if as_json:
        print_json(org)
        return
    say(str(part(org, "id")), "  ", part(org, "name"))
    admin = part(org, "admin")
    print_fields([("created", part(org, "created"))])
    if admin is not None:
        print_fields([("first super admin", f"{part(admin, 'id')} {part(admin, 'login')}")])
