"""The channel of a hook: where its requests go and what they carry."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from tenterhook.domain.destination import DestinationError, DestinationRules, parse_destination
from tenterhook.domain.document import BLANK, Form, kind_of
from tenterhook.domain.http_header import MAX_VALUE, header_problems, name_problem, value_problem
from tenterhook.domain.secret import Secret

_CONFIG_KEYS = ("uri", "headers", "method", "authScheme")
_UNEXPANDED = "${"
#: A hint: {} is what goes there.
NEW_HOST = "channel.config.uri names another host than before: {} will be sent to the new host"


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)


class Header(_Document):
    """One custom header."""

    key: str
    value: str


class AuthScheme(_Document):
    """The header that proves to the receiver who calls; its value is the hook's `Secret`."""

    type: str = "HEADER"
    key: str  #: the header's name, its case as given


class Config(_Document):
    """Where and how."""

    uri: str  #: as given
    headers: tuple[Header, ...] = ()
    method: str = "POST"
    auth_scheme: AuthScheme | None = None


class Channel(_Document):
    """The channel as the API shows it: without its secret."""

    type: str = "HTTP"
    version: str = "1.0.0"
    config: Config


def read_channel(
    form: Form, former: tuple[Channel, Secret | None] | None, rules: DestinationRules
) -> tuple[Channel | None, Secret | None]:
    """Return the channel that *form* spells and its secret; None for what could not be read.

    former: what this channel replaces; an authScheme without a value keeps its secret, if the key is the same.
    Every problem is noted in the form.
    """
    form.choice("type", ["HTTP"], required=True)
    form.choice("version", ["1.0.0"], required=True)
    config = form.form("config", required=True)
    if config is None:
        return None, None
    config.refuse_unknown(_CONFIG_KEYS)
    uri = read_address(config, "uri", rules)
    headers = read_headers(config)
    kept = None if former is None else (former[0].config.auth_scheme, former[1])
    scheme, secret = read_auth_scheme(config, headers, kept)
    return Channel(config=Config(uri=uri, headers=headers, auth_scheme=scheme)), secret


def same_channel(one: Channel, other: Channel) -> bool:
    """Return whether both send the same things to the same place; the order of headers tells nothing."""
    return _identity(one) == _identity(other)


def hints(channel: Channel, secret: Secret | None, former: tuple[Channel, Secret | None] | None = None) -> list[str]:
    """Return advice on what was accepted but looks like a slip, in ASCII, without any value; [] if nothing does.

    former: what this channel has replaced; its secret may go to another server now.

    Source: guide statement G15: a ``${…}`` is taken literally.
    """
    found = unexpanded(channel.config.headers, "channel.config.authScheme.value", secret)
    if former is not None and secret_moves(channel, secret, former):
        found.append(NEW_HOST.format("the stored secret"))
    return found


def secret_moves(channel: Channel, secret: Secret | None, former: tuple[Channel, Secret | None]) -> bool:
    """Return whether the secret of *former* was kept, and goes to another server now."""
    return secret is not None and secret == former[1] and moved(former[0].config.uri, channel.config.uri)


def unexpanded(headers: Sequence[Header], where: str, secret: Secret | None) -> list[str]:
    """Return a hint for each value of *headers*, and for *secret* at *where*, that looks like a forgotten variable."""
    values = [(f"channel.config.headers[{at}].value", header.value) for at, header in enumerate(headers)]
    if secret is not None:
        values.append((where, secret.reveal()))
    slip = f"holds '{_UNEXPANDED}...}}', which looks like a variable that nothing has expanded; it is sent as it is"
    return [f"{place} {slip}" for place, value in values if _UNEXPANDED in value]


def moved(before_uri: str, uri: str) -> bool:
    """Return whether the two lead to different servers."""
    before, now = urlsplit(before_uri), urlsplit(uri)
    return (before.scheme, before.hostname, before.port) != (now.scheme, now.hostname, now.port)


def _identity(channel: Channel) -> tuple[object, ...]:
    config = channel.config
    pairs: Sequence[tuple[str, str]] = [(header.key, header.value) for header in config.headers]
    return channel.type, channel.version, config.uri, sorted(pairs), config.auth_scheme


def read_address(config: Form, key: str, rules: DestinationRules) -> str:
    """Return the address at *key*, as given; "" if there is none. What may not be called is noted in the form."""
    uri = config.raw(key)
    if uri is None or uri == "":
        config.problem(key, BLANK)
    elif not isinstance(uri, str):
        config.problem(key, f"must be a string, not {kind_of(uri)}")
    else:
        try:
            parse_destination(uri, rules)
        except DestinationError as error:
            config.problem(key, str(error))
        return uri
    return ""


def read_headers(config: Form) -> tuple[Header, ...]:
    """Return the custom headers. What may not be sent is noted in the form."""
    headers: list[Header] = []
    whole = True
    for entry in config.forms("headers"):
        key, value = (_read_header_text(entry, name) for name in ("key", "value"))
        if key is None or value is None:
            whole = False
        else:
            headers.append(Header(key=key, value=value))
    found = config.raw("headers")
    if whole and isinstance(found, list) and len(found) == len(headers):
        for problem in header_problems([(header.key, header.value) for header in headers], config.path("headers")):
            config.problems.add(*problem.split(": ", 1))
    return tuple(headers)


def _read_header_text(entry: Form, name: str) -> str | None:
    value = entry.raw(name)
    if isinstance(value, str):
        return value
    entry.problem(name, BLANK if value is None else f"must be a string, not {kind_of(value)}")
    return None


def read_auth_scheme(
    config: Form, headers: Sequence[Header], former: tuple[AuthScheme | None, Secret | None] | None
) -> tuple[AuthScheme | None, Secret | None]:
    """Return the authScheme and its secret. What is wrong is noted in the form.

    headers: none may have the same name. former: what it replaces; without a value it keeps the secret of the same key.
    """
    form = config.form("authScheme")
    if form is None:
        return None, None
    form.choice("type", ["HEADER"], required=True)
    key = form.text("key", required=True, longest=10_000)
    if key is None:
        _read_secret(form, None)
        return None, None
    wrong = name_problem(key)
    if wrong is None and key.lower() in {header.key.lower() for header in headers}:
        wrong = f"is also the name of one of {config.path('headers')}; send it once"
    if wrong is not None:
        form.problem("key", wrong)
    had, kept = former or (None, None)
    same_key = had is not None and had.key.lower() == key.lower()
    return AuthScheme(key=key), _read_secret(form, kept if same_key else None)


def _read_secret(form: Form, kept: Secret | None) -> Secret | None:
    value = form.raw("value")
    if value is None and kept is not None:
        return kept
    if value is None or value == "":
        form.problem("value", BLANK)
        return None
    if not isinstance(value, str):
        form.problem("value", f"must be a string, not {kind_of(value)}")
        return None
    wrong = value_problem(value) if len(value) <= MAX_VALUE else f"must be at most {MAX_VALUE} characters long"
    if wrong is not None:
        form.problem("value", wrong)
    return Secret(value)


def own_headers(headers: Sequence[Header], scheme: AuthScheme | None, secret: Secret | None) -> list[tuple[str, str]]:
    """Return the headers that a channel brings: its custom ones, then its secret under the name that *scheme* gives."""
    own = [(header.key, header.value) for header in headers]
    if scheme is not None and secret is not None:
        own.append((scheme.key, secret.reveal()))
    return own


def joined_headers(ours: Sequence[tuple[str, str]], own: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return a request's headers: *ours* but for those that *own*, the channel's, has as well, and then those."""
    taken = {name.lower() for name, _ in own}
    return [(name, value) for name, value in ours if name.lower() not in taken] + list(own)
