"""`tenterhook tokens`: API tokens."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import quote

import typer

from tenterhook.cli import options
from tenterhook.cli.failure import UsageError
from tenterhook.cli.logs import moment
from tenterhook.cli.output import dim, moment_cell, note, part, print_json, print_table, say

commands = typer.Typer(no_args_is_help=True)

PATH = "/api/v1/api-tokens"
MOST = 100_000
ROLES = ("SUPER_ADMIN", "PUBLISHER")


@commands.command("list")
def list_tokens(
    url: options.Url = None, token: options.Token = None, data: options.Data = None, as_json: options.Json = False
) -> None:
    """List the API tokens. Their secrets were shown once and cannot be shown again."""
    from tenterhook.cli.client import connect

    with connect(url, token, data) as client:
        tokens = list(client.pages(PATH, {}, MOST))
    if as_json:
        print_json(tokens)
        return
    print_table(("ID", "ROLE", "CREATED", "EXPIRES", "NAME"), [_row(one) for one in tokens])


def _row(one: object) -> list[object]:
    created, expires = (moment_cell(part(one, key)) for key in ("created", "expires"))
    return [dim(part(one, "id")), part(one, "role"), created, expires, part(one, "name")]


@commands.command()
def create(
    name: Annotated[str, typer.Argument(help="What the token is for.")],
    role: Annotated[str, typer.Option(help="SUPER_ADMIN, or PUBLISHER: only publishes.")] = "SUPER_ADMIN",
    expires: Annotated[str | None, typer.Option(help="When it stops working: ISO 8601, or 30d.")] = None,
    url: options.Url = None,
    token: options.Token = None,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """Create an API token and print it, once: only its hash is kept."""
    from tenterhook.cli.client import connect, options_judged_by_server

    if role.upper() not in ROLES:
        raise UsageError(f"--role {role!r} is not a role: {' or '.join(ROLES)}.")
    until = {"expires": moment(expires, datetime.now(UTC), ahead=True)} if expires else {}
    body = {"name": name, "role": role.upper()} | until
    with options_judged_by_server(), connect(url, token, data) as client:
        made = client.post(PATH, body)
    if as_json:
        print_json(made)
        return
    note(f"{part(made, 'id')} ({part(made, 'role')}). Keep the token now: it is not shown again.")
    say(str(part(made, "token")))


@commands.command()
def revoke(
    identity: Annotated[str, typer.Argument(metavar="ID", help="The token's id (00T…), not the token.")],
    url: options.Url = None,
    token: options.Token = None,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """Revoke an API token: it stops working at once."""
    from tenterhook.cli.client import connect

    with connect(url, token, data) as client:
        client.delete(f"{PATH}/{quote(identity, safe='')}")
    if as_json:
        print_json({"id": identity, "revoked": True})
    else:
        say(f"{identity} is revoked")
