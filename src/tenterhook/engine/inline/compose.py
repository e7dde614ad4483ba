"""Compose the requests of inline calls: the one place that says what goes over the wire, for calls and previews."""

from __future__ import annotations

from tenterhook.domain.channel import joined_headers, own_headers
from tenterhook.domain.destination import parse_destination
from tenterhook.domain.envelope import fixed_headers
from tenterhook.domain.inline.hook import InlineHook
from tenterhook.domain.secret import Secret
from tenterhook.egress.client import Head, render_head
from tenterhook.engine.pipeline import Pipeline


def call_head(pipeline: Pipeline, hook: InlineHook) -> Head:
    """Return the head of the hook's calls, the secret of its auth header in it; what `bearer` gives is not.

    Raises: DestinationError, if today's rules refuse the hook's address.
    """
    config = hook.channel.config
    secret = hook.secret if hook.channel.type == "HTTP" else None
    destination = parse_destination(config.uri, pipeline.rules)
    own = own_headers(config.headers, config.auth_scheme, secret)
    return render_head("POST", destination, joined_headers(fixed_headers(pipeline.user_agent), own))


def bearer(token: Secret) -> tuple[tuple[str, str], ...]:
    """Return the header that carries an OAUTH channel's access token."""
    return (("Authorization", f"Bearer {token.reveal()}"),)


def token_head(pipeline: Pipeline, hook: InlineHook) -> Head:
    """Return the head of the request that asks for the hook's access token.

    Raises: DestinationError, if today's rules refuse the token endpoint's address.
    """
    headers = [
        ("User-Agent", pipeline.user_agent),
        ("Accept", "application/json"),
        ("Content-Type", "application/x-www-form-urlencoded"),
    ]
    return render_head("POST", parse_destination(hook.channel.config.token_url, pipeline.rules), headers)
