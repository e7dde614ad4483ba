"""`tenterhook admins` and `tenterhook sign-in`: the people of an org."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from tenterhook.cli import options
from tenterhook.cli.failure import CommandError, UsageError
from tenterhook.cli.naming import MOST
from tenterhook.cli.output import dim, moment_cell, note, part, print_fields, print_json, print_table, say
from tenterhook.cli.tokens import ROLES

if TYPE_CHECKING:
    from tenterhook.cli.client import Client

commands = typer.Typer(no_args_is_help=True)
sign_in_commands = typer.Typer()

PATH = "/api/v1/admins"
MAX_SECRET = 10_000

Admin = Annotated[str, typer.Argument(metavar="ADMIN", help="The admin's id (00u…) or login.")]
Role = Annotated[str, typer.Option(help="SUPER_ADMIN, HOOKS_ADMIN, READ_ONLY_ADMIN or PUBLISHER.")]
FromStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input. It is never an argument.")
]


@commands.command("list")
def list_admins(
    url: options.Url = None, token: options.Token = None, data: options.Data = None, as_json: options.Json = False
) -> None:
    """List the admins."""
    from tenterhook.cli.client import connect

    with connect(url, token, data) as client:
        found = list(client.pages(PATH, {}, MOST))
    if as_json:
        print_json(found)
        return
    print_table(("ID", "ROLE", "PASSWORD", "LAST SIGN-IN", "LOGIN", "NAME"), [_row(one) for one in found])


def _row(one: object) -> list[object]:
    password = "set" if part(one, "passwordSet") else "-"
    facts = [part(one, "role"), password, moment_cell(part(one, "lastSignIn"))]
    return [dim(part(one, "id")), *facts, part(one, "login"), part(one, "name")]


@commands.command()
def show(
    admin: Admin,
    url: options.Url = None,
    token: options.Token = None,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """Show an admin."""
    from tenterhook.cli.client import connect

    with connect(url, token, data) as client:
        _show(_found(client, admin), as_json)


@commands.command()
def create(
    login: Annotated[str, typer.Argument(help="What they sign in with, such as an e-mail address.")],
    role: Role,
    name: Annotated[str | None, typer.Option(help="Their name; without it the login.")] = None,
    ask: Annotated[bool, typer.Option("--password", help="Ask for a password.")] = False,
    password_stdin: FromStdin = False,
    url: options.Url = None,
    token: options.Token = None,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """Appoint an admin. Without a password, `admins sign-in-link` lets them in."""
    from tenterhook.cli.client import connect, options_judged_by_server

    body = {"login": login, "name": name or login, "role": _role(role)} | _password(ask, password_stdin)
    with options_judged_by_server(), connect(url, token, data) as client:
        made = client.post(PATH, body)
    _show(made, as_json)


@commands.command()
def change(
    admin: Admin,
    login: Annotated[str | None, typer.Option(help="Another login.")] = None,
    name: Annotated[str | None, typer.Option(help="Another name.")] = None,
    role: Annotated[str | None, typer.Option(help="Another role.")] = None,
    ask: Annotated[bool, typer.Option("--password", help="Ask for another password.")] = False,
    password_stdin: FromStdin = False,
    no_password: Annotated[bool, typer.Option("--no-password", help="Take the password away.")] = False,
    url: options.Url = None,
    token: options.Token = None,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """Change an admin. What their tokens may do follows the role at once; another password signs them out."""
    from tenterhook.cli.client import connect, options_judged_by_server

    if no_password and (ask or password_stdin):
        raise UsageError("--no-password takes it away: no other one can be given with it.")
    given = {"login": login, "name": name, "role": _role(role) if role else None}
    changes: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    changes |= {"password": None} if no_password else _password(ask, password_stdin)
    if not changes:
        raise UsageError("Nothing to change: give --login, --name, --role, --password or --no-password.")
    with options_judged_by_server(), connect(url, token, data) as client:
        found = _found(client, admin)
        kept = {key: part(found, key) for key in given}
        _show(client.put(_path(found), kept | changes), as_json)


@commands.command()
def delete(
    admin: Admin,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    url: options.Url = None,
    token: options.Token = None,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """Dismiss an admin: their tokens end at once."""
    from tenterhook.cli.client import connect

    with connect(url, token, data) as client:
        found = _found(client, admin)
        who = f"{part(found, 'login')} ({part(found, 'role')})"
        if not yes:
            if not sys.stdin.isatty():
                raise UsageError(f"This dismisses {who} and ends their tokens: give --yes.")
            typer.confirm(f"Dismiss {who} and end their tokens?", abort=True, err=True)
        client.delete(_path(found))
    if as_json:
        print_json({"id": part(found, "id"), "deleted": True})
    else:
        say(f"{who} is no admin any more")


@commands.command("sign-in-link")
def sign_in_link(
    admin: Admin,
    url: options.Url = None,
    token: options.Token = None,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """Print a link that signs an admin in once.

    It is good for 15 minutes: in a browser, or with `tenterhook sign-in --link`.
    """
    from tenterhook.cli.client import connect

    with connect(url, token, data) as client:
        found = _found(client, admin)
        made = client.post(f"{_path(found)}/sign-in-link")
    if as_json:
        print_json(made)
        return
    note(f"For {part(found, 'login')}, once, until {part(made, 'expires')}. Links made before are void.")
    say(str(part(made, "url")))


@sign_in_commands.command("sign-in")
def sign_in(
    login: Annotated[str | None, typer.Argument(help="The login; asked for if it is missing.")] = None,
    org: Annotated[str | None, typer.Option(metavar="ID", help="The org (00o…), if it is not the default one.")] = None,
    link: Annotated[bool, typer.Option("--link", help="Ask for a one-time link instead of a password.")] = False,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password, or the link, from standard input.")
    ] = False,
    export: Annotated[
        bool, typer.Option("--export", help='Print a line for the shell: eval "$(tenterhook sign-in --export)".')
    ] = False,
    url: options.Url = None,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """Sign in and print a token that is good for 12 hours."""
    from tenterhook.cli.client import ApiError, connect_as_nobody

    if link:
        if login or org:
            raise UsageError("A link says who signs in: leave login and --org out.")
        body = {"link": _secret("Link", password_stdin).rpartition("link=")[2]}  # an address, or what is at its end
    else:
        login = login or _asked("Login")
        body = {"login": login, "password": _secret("Password", password_stdin)} | ({"org": org} if org else {})
    with connect_as_nobody(url, data) as client:
        try:
            session = client.post("/api/v1/sign-in", body)
        except ApiError as error:
            if error.status != 401:
                raise
            what = (
                "The link is not good: it was used, is over 15 minutes old, or a newer one was made."
                if link
                else ("Login or password is wrong, or the admin has no password.")
            )
            raise CommandError(what, body=error.body, fine_print=error.fine_print) from None
    if as_json:
        print_json(session)
        return
    who = f"{part(session, 'admin', 'login')} ({part(session, 'role')})"
    note(f"Signed in as {who} until {part(session, 'expires')}.")
    text = str(part(session, "token"))
    say(f"export TENTERHOOK_TOKEN={text}" if export else text)


def _found(client: Client, admin: str) -> object:
    """Return the admin with this id or login."""
    if admin.startswith("00u") and len(admin) == 20:
        return client.get(f"{PATH}/{quote(admin, safe='')}")
    for one in client.pages(PATH, {}, MOST):
        if part(one, "login") == admin:
            return one
    raise CommandError(f"No admin has the login {admin!r}. `tenterhook admins list` shows them.")


def _path(found: object) -> str:
    return f"{PATH}/{quote(str(part(found, 'id')), safe='')}"


def _role(role: str) -> str:
    if role.upper() not in ROLES:
        raise UsageError(f"--role {role!r} is not a role: {', '.join(ROLES[:-1])} or {ROLES[-1]}.")
    return role.upper()


def _password(ask: bool, from_stdin: bool) -> dict[str, str]:
    if from_stdin:
        return {"password": _secret("Password", True)}
    if not ask:
        return {}
    _must_be_asked("Password")
    return {"password": typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)}


def _secret(what: str, from_stdin: bool) -> str:
    """Return a secret: the first line of standard input, or what is typed unseen."""
    if from_stdin:
        text = sys.stdin.readline(MAX_SECRET).rstrip("\r\n")
        if not text:
            raise UsageError(f"--password-stdin: there is no {what.lower()} on standard input.")
        return text
    _must_be_asked(what)
    return str(typer.prompt(what, hide_input=True, err=True))


def _asked(what: str) -> str:
    _must_be_asked(what)
    return str(typer.prompt(what, err=True))


def _must_be_asked(what: str) -> None:
    if not sys.stdin.isatty():
        raise UsageError(f"{what} cannot be asked for, because standard input is no terminal: give it otherwise.")


def _show(admin: object, as_json: bool) -> None:
    if as_json:
        print_json(admin)
        return
    say(str(part(admin, "id")), "  ", part(admin, "login"))
    print_fields(
        [
            ("name", part(admin, "name")),
            ("role", part(admin, "role")),
            ("created", part(admin, "created")),
            ("password", "set" if part(admin, "passwordSet") else "none"),
            ("last sign-in", part(admin, "lastSignIn")),
        ]
    )
