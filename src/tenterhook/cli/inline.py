"""`tenterhook inline`: inline hooks."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tenterhook.cli import options
from tenterhook.cli.failure import UsageError
from tenterhook.cli.hooks import read_file, read_header, read_json_file, refuse_beside_file, short
from tenterhook.cli.naming import INLINE_HOOK, MOST, delete_named, find_path
from tenterhook.cli.output import (
    dim,
    inert,
    moment_cell,
    part,
    parts,
    print_fields,
    print_json,
    print_table,
    say,
    state,
)

commands = typer.Typer(no_args_is_help=True)

PATH = INLINE_HOOK.path
#: Short words for the types.
TYPES = {
    "token": "com.okta.oauth2.tokens.transform",
    "saml": "com.okta.saml.tokens.transform",
    "registration": "com.okta.user.pre-registration",
    "import": "com.okta.import.transform",
    "password-import": "com.okta.user.credential.password.import",
    "telephony": "com.okta.telephony.provider",
}
Hook = Annotated[str, typer.Argument(metavar="HOOK", help="The hook's id (cal…) or its exact name.")]
Headers = Annotated[list[str] | None, typer.Option(help='A custom header, "Name: value"; repeat it for more.')]
SecretFile = Annotated[
    str | None,
    typer.Option(help="File with the secret that goes to the endpoint, or to --token-url; - is standard input."),
]
AuthHeader = Annotated[str | None, typer.Option(help="The header that carries the secret. [default: Authorization]")]
Whole = Annotated[str | None, typer.Option(help="JSON instead of the options; - is standard input.")]


@commands.command("list")
def list_hooks(
    type: Annotated[str | None, typer.Option(help=f"Only those of this type: {', '.join(TYPES)}.")] = None,
    url: options.Url = None,
    token: options.Token = None,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """List the inline hooks."""
    from tenterhook.cli.client import connect

    wanted = {} if type is None else {"type": type_named(type)}
    with connect(url, token, data) as client:
        hooks = list(client.pages(PATH, wanted, MOST))
    if as_json:
        print_json(hooks)
    elif hooks:
        print_table(("ID", "STATUS", "TYPE", "CHANNEL", "NAME", "URL"), [_row(hook) for hook in hooks])
    else:
        say("No inline hooks yet. Create one with `tenterhook inline create`.")


def _row(hook: Any) -> list[object]:
    channel = part(hook, "channel")
    facts = [state(part(hook, "status")), short_type(part(hook, "type")), part(channel, "type")]
    return [dim(part(hook, "id")), *facts, short(part(hook, "name")), part(channel, "config", "uri")]


@commands.command()
def show(
    hook: Hook,
    url: options.Url = None,
    token: options.Token = None,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """Show one inline hook."""
    from tenterhook.cli.client import connect

    with connect(url, token, data) as client:
        _print(client.get(find_path(client, INLINE_HOOK, hook)), as_json)


@commands.command()
def create(
    name: Annotated[str | None, typer.Option(help="Unique among the org's inline hooks.")] = None,
    type: Annotated[str | None, typer.Option(help=f"Which processes ask it: {', '.join(TYPES)}.")] = None,
    uri: Annotated[str | None, typer.Option(help="The endpoint's https:// address.")] = None,
    header: Headers = None,
    auth_header: AuthHeader = None,
    secret_file: SecretFile = None,
    token_url: Annotated[
        str | None, typer.Option(help="Make it an OAUTH channel: where access tokens are got.")
    ] = None,
    client_id: Annotated[str | None, typer.Option(help="With --token-url: who asks for them.")] = None,
    scope: Annotated[str | None, typer.Option(help="With --token-url: what is asked for.")] = None,
    hook_key: Annotated[
        str | None, typer.Option(help="With --token-url: the id (HKY…) of the key that signs, instead of a secret.")
    ] = None,
    file: Whole = None,
    url: options.Url = None,
    token: options.Token = None,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """Create an inline hook, from options or from a JSON file. It is active at once."""
    from tenterhook.cli.client import connect, options_judged_by_server

    oauth = {"client-id": client_id, "scope": scope, "hook-key": hook_key}
    if file is not None:
        texts = {"name": name, "type": type, "uri": uri, "auth-header": auth_header, "token-url": token_url}
        refuse_beside_file({**texts, **oauth, "header": header, "secret-file": secret_file})
        body = read_json_file(file)
    elif name and type and uri:
        _refuse_mixture(token_url, auth_header, secret_file, oauth)
        config: dict[str, object] = {"uri": uri, "headers": [read_header(text) for text in header or []]}
        if token_url is None:
            config |= _auth_scheme(auth_header, secret_file)
        else:
            config |= {"tokenUrl": token_url, "clientId": client_id, "scope": scope} | _proof(hook_key, secret_file)
        channel = {"type": "HTTP" if token_url is None else "OAUTH", "version": "1.0.0", "config": config}
        body = {"name": name, "type": type_named(type), "version": "1.0.0", "channel": channel}
    else:
        raise UsageError("Give --name, --type and --uri, or the whole hook with --file.")
    with options_judged_by_server(), connect(url, token, data) as client:
        _print(client.post(PATH, body), as_json)


@commands.command()
def replace(
    hook: Hook,
    file: Annotated[str, typer.Argument(help="The whole hook as JSON; - is standard input.")],
    url: options.Url = None,
    token: options.Token = None,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """Replace an inline hook with the JSON in FILE.

    Its type and its status stay.
    """
    from tenterhook.cli.client import connect, options_judged_by_server

    body = read_json_file(file)
    with options_judged_by_server(), connect(url, token, data) as client:
        _print(client.put(find_path(client, INLINE_HOOK, hook), body), as_json)


@commands.command()
def update(
    hook: Hook,
    name: Annotated[str | None, typer.Option(help="Another name.")] = None,
    uri: Annotated[str | None, typer.Option(help="Another https:// address.")] = None,
    header: Headers = None,
    auth_header: AuthHeader = None,
    secret_file: SecretFile = None,
    file: Whole = None,
    url: options.Url = None,
    token: options.Token = None,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """Change a part of an inline hook; the rest stays as it is."""
    from tenterhook.cli.client import connect, options_judged_by_server

    given = {"name": name, "uri": uri, "header": header, "auth-header": auth_header, "secret-file": secret_file}
    if file is not None:
        refuse_beside_file(given)
    elif not any(given.values()):
        raise UsageError(f"Nothing to change: give {', '.join(f'--{option}' for option in given)} or --file.")
    with options_judged_by_server(), connect(url, token, data) as client:
        path = find_path(client, INLINE_HOOK, hook)
        if file is not None:
            body = read_json_file(file)
        else:
            config: dict[str, object] = {} if uri is None else {"uri": uri}
            config |= {"headers": [read_header(text) for text in header]} if header else {}
            if auth_header or secret_file:
                oauth = part(client.get(path), "channel", "type") == "OAUTH"
                config |= _new_secret(auth_header, secret_file, oauth=oauth)
            body = {"channel": {"config": config}} if config else {}
            body |= {"name": name} if name else {}
        _print(client.post(path, body), as_json)


@commands.command()
def activate(
    hook: Hook,
    url: options.Url = None,
    token: options.Token = None,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """Switch an inline hook on."""
    from tenterhook.cli.client import connect

    with connect(url, token, data) as client:
        _print(client.post(f"{find_path(client, INLINE_HOOK, hook)}/lifecycle/activate"), as_json)


@commands.command()
def deactivate(
    hook: Hook,
    url: options.Url = None,
    token: options.Token = None,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """Switch an inline hook off.

    Processes of its type go on without asking it.
    """
    from tenterhook.cli.client import connect

    with connect(url, token, data) as client:
        _print(client.post(f"{find_path(client, INLINE_HOOK, hook)}/lifecycle/deactivate"), as_json)


@commands.command()
def delete(
    hook: Hook,
    url: options.Url = None,
    token: options.Token = None,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """Delete an inline hook.

    It must be INACTIVE: deactivate it first.
    """
    from tenterhook.cli.client import connect

    with connect(url, token, data) as client:
        delete_named(client, INLINE_HOOK, hook, as_json=as_json)


def type_named(text: str) -> str:
    """Return the type that *text* names, in full or by its short word. Raises: UsageError."""
    found = TYPES.get(text, text)
    if found not in TYPES.values():
        raise UsageError(f"{text!r} is no type of inline hook: {', '.join(TYPES)} are, or one of them in full.")
    return found


def short_type(type: object) -> object:
    """Return the short word for *type*, or what it is if there is none."""
    return next((word for word, found in TYPES.items() if found == type), type)


def _refuse_mixture(
    token_url: str | None, auth_header: str | None, secret_file: str | None, oauth: dict[str, str | None]
) -> None:
    """Refuse options of the other kind of channel."""
    if token_url is None:
        given = [f"--{name}" for name, value in oauth.items() if value]
        if given:
            raise UsageError(f"{', '.join(given)} needs --token-url, which makes it an OAUTH channel.")
    elif auth_header:
        raise UsageError("--auth-header goes without --token-url: an OAUTH channel proves itself with access tokens.")
    elif bool(oauth["hook-key"]) == bool(secret_file):
        raise UsageError("With --token-url give --secret-file (the client's secret) or --hook-key, one of them.")


def _auth_scheme(auth_header: str | None, secret_file: str | None) -> dict[str, object]:
    if secret_file is None:
        return {}
    secret = read_file(secret_file).strip()
    return {"authScheme": {"type": "HEADER", "key": auth_header or "Authorization", "value": secret}}


def _proof(hook_key: str | None, secret_file: str | None) -> dict[str, object]:
    """Return how the client of an OAUTH channel proves itself at its token endpoint."""
    if hook_key is not None:
        return {"authType": "private_key_jwt", "hookKeyId": hook_key}
    secret = read_file(secret_file).strip() if secret_file is not None else None
    return {"authType": "client_secret_post", "clientSecret": secret}


def _new_secret(auth_header: str | None, secret_file: str | None, *, oauth: bool) -> dict[str, object]:
    if secret_file is None:
        raise UsageError("--auth-header needs --secret-file: the secret of another header is not sent in this one.")
    if not oauth:
        return _auth_scheme(auth_header, secret_file)
    if auth_header:
        raise UsageError("--auth-header is not for this hook: its OAUTH channel proves itself with access tokens.")
    return {"clientSecret": read_file(secret_file).strip()}


def _print(hook: Any, as_json: bool) -> None:
    if as_json:
        print_json(hook)
        return
    config = part(hook, "channel", "config")
    print_fields(
        [
            ("id", dim(part(hook, "id"))),
            ("name", part(hook, "name")),
            ("type", part(hook, "type")),
            ("status", state(part(hook, "status"))),
            ("version", part(hook, "version")),
            ("channel", part(hook, "channel", "type")),
            ("url", part(config, "uri")),
            ("auth header", part(config, "authScheme", "key")),
            ("headers", ", ".join(inert(part(one, "key")) for one in parts(config, "headers")) or None),
            ("token url", part(config, "tokenUrl")),
            ("client", part(config, "clientId")),
            ("proof", part(config, "authType")),
            ("scope", part(config, "scope")),
            ("hook key", part(config, "hookKeyId")),
            ("created", moment_cell(part(hook, "created"))),
            ("last updated", moment_cell(part(hook, "lastUpdated"))),
        ]
    )
