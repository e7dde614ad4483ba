"""`tenterhook tokens`: API tokens."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from tenterhook.cli import options
from tenterhook.cli.failure import UsageError
from tenterhook.cli.logs import moment
from tenterhook.cli.naming import MOST
from tenterhook.cli.output import dim, moment_cell, note, part, parts, print_json, print_table, say

if TYPE_CHECKING:
    from tenterhook.cli.client import Client

commands = typer.Typer(no_args_is_help=True)

PATH = "/api/v1/api-tokens"
ROLES = ("SUPER_ADMIN", "HOOKS_ADMIN", "READ_ONLY_ADMIN", "PUBLISHER")

#: Shared with `orgs token`.
Role = Annotated[
    str | None,
    typer.Option(
        help="SUPER_ADMIN (the default, without --scope), HOOKS_ADMIN, READ_ONLY_ADMIN or PUBLISHER.",
        show_default=False,
    ),
]
Scopes = Annotated[
    list[str] | None,
    typer.Option("--scope", help="Instead of a role: one thing that it may do, such as okta.logs.read. Repeatable."),
]
Expires = Annotated[str | None, typer.Option(help="When it stops working: ISO 8601, or 30d.")]


@commands.command("list")
def list_tokens(
    url: options.Url = None, token: options.Token = None, data: options.Data = None, as_json: options.Json = False
) -> None:
    """List the API tokens. Their secrets were shown once and cannot be shown again."""
    from tenterhook.cli.client import connect

    with connect(url, token, data) as client:
        tokens = list(client.pages(PATH, {}, MOST))
        logins = {} if as_json else _logins(client)
    if as_json:
        print_json(tokens)
        return
    headings = ("ID", "MAY", "OWNER", "CREATED", "EXPIRES", "LAST USED", "NAME")
    print_table(headings, [_row(one, logins) for one in tokens])


def _logins(client: Client) -> dict[str, str]:
    """Return the admins' logins by id; none, if the caller may not know them."""
    from tenterhook.cli.client import ApiError

    try:
        return {str(part(one, "id")): str(part(one, "login")) for one in client.pages("/api/v1/admins", {}, MOST)}
    except ApiError:
        return {}


def _row(one: object, logins: dict[str, str]) -> list[object]:
    owner = str(part(one, "adminId"))
    times = (moment_cell(part(one, key)) for key in ("created", "expires", "lastUsed"))
    return [dim(part(one, "id")), may(one), logins.get(owner, owner), *times, part(one, "name")]


def may(one: object) -> str:
    """Tell what a token may do: its role, or its scopes."""
    return str(part(one, "role") or ",".join(str(scope) for scope in parts(one, "scopes")))


@commands.command()
def create(
    name: Annotated[str, typer.Argument(help="What the token is for.")],
    role: Role = None,
    scope: Scopes = None,
    expires: Expires = None,
    url: options.Url = None,
    token: options.Token = None,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """Create an API token and print it, once: only its hash is kept."""
    from tenterhook.cli.client import connect, options_judged_by_server

    body = body_of(name, role, scope, expires)
    with options_judged_by_server(), connect(url, token, data) as client:
        made = client.post(PATH, body)
    show_once(made, as_json)


def body_of(name: str, role: str | None, scopes: list[str] | None, expires: str | None) -> dict[str, Any]:
    """Return the request for a token. Raises: UsageError, if role, scopes or end are none."""
    if role and scopes:
        raise UsageError("A token has a --role or --scope, not both.")
    if role and role.upper() not in ROLES:
        raise UsageError(f"--role {role!r} is not a role: {', '.join(ROLES[:-1])} or {ROLES[-1]}.")
    until = {"expires": moment(expires, datetime.now(UTC), ahead=True)} if expires else {}
    return {"name": name} | ({"scopes": scopes} if scopes else {"role": (role or ROLES[0]).upper()}) | until


def show_once(made: object, as_json: bool) -> None:
    """Print a new token: the text alone on standard output, all else beside it."""
    if as_json:
        print_json(made)
        return
    ends = part(made, "expires")
    note(
        f"{part(made, 'id')} ({may(made)}; {f'ends {ends}' if ends else 'never ends'}). Keep the token now: it is not "
        "shown again."
    )
    if part(made, "role") == ROLES[0] or not ends:
        note("To give less: --role PUBLISHER (or another role), or --scope okta.logs.read; --expires 90d ends it.")
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
