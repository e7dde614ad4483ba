"""Get the access token of an OAUTH channel from its token endpoint, within the time of the call that needs it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from time import monotonic
from urllib.parse import quote_plus

from tenterhook.domain.attempt import Attempt, Outcome, Phases, Reason, without_secrets
from tenterhook.domain.destination import DestinationError
from tenterhook.domain.inline.grant import Grant, read_grant, render_request, sign_assertion
from tenterhook.domain.inline.hook import InlineHook
from tenterhook.domain.inline.masking import masked
from tenterhook.domain.secret import Secret
from tenterhook.egress.client import Request
from tenterhook.engine.inline.compose import token_head
from tenterhook.engine.inline.grants import NoGrant
from tenterhook.engine.pipeline import Pipeline
from tenterhook.errors import OverloadedError, StorageError
from tenterhook.ids import new_request_id, uuid7, uuid_text
from tenterhook.store import hook_keys
from tenterhook.store.transaction import Tx

_FAILED = {
    Reason.TIMEOUT: "The token endpoint did not answer in time.",
    Reason.DNS: "The host name of tokenUrl was not resolved.",
    Reason.CONNECT: "No connection to the token endpoint was made.",
    Reason.TLS: "The token endpoint's TLS certificate or handshake is not as it must be.",
    Reason.RESET: "The token endpoint cut the connection before it answered.",
    Reason.PROTOCOL: "The token endpoint's answer is not HTTP/1.1 as it must be.",
    Reason.TOO_LARGE: "The token endpoint's answer is too large.",
    Reason.BLOCKED: "The address of the token endpoint may not be called.",
}


async def access_token(pipeline: Pipeline, hook: InlineHook, deadline: float) -> Grant | NoGrant:
    """Return a token for the hook's endpoint: one that serves still, or a new one.

    deadline: monotonic; of the call. Never raises for what the token endpoint does. To have waited in vain is an
    exchange that timed out: it counts against the hook as one with its own endpoint does.
    """
    began = monotonic()

    async def fetch() -> Grant | NoGrant:
        # Others wait for this one, too: it has a whole call's time, not what its first caller has left.
        return await _fetch(pipeline, hook, monotonic() + pipeline.switchboard.timeout_s)

    found = await pipeline.switchboard.grants.of(hook, fetch, deadline)
    return _timed_out(pipeline.now_ms(), monotonic() - began) if found is None else found


def _timed_out(now_ms: int, waited_s: float) -> NoGrant:
    why, total_ms = _FAILED[Reason.TIMEOUT], round(waited_s * 1000.0, 3)
    started = datetime.fromtimestamp((now_ms - total_ms) / 1000.0, UTC)
    return NoGrant(why, Attempt(Outcome.FAILED, Reason.TIMEOUT, why, started, Phases(total=total_ms)))


async def _fetch(pipeline: Pipeline, hook: InlineHook, deadline: float) -> Grant | NoGrant:
    try:
        head = token_head(pipeline, hook)
    except DestinationError as error:
        return NoGrant(f"channel.config.tokenUrl: {error}")
    proof = await _proof(pipeline, hook, deadline)
    if isinstance(proof, NoGrant):
        return proof
    request = Request(
        head=head,
        request_id=new_request_id(),
        body=render_request(hook.channel.config, (proof[0], proof[1].reveal())),
        pool=("inline token", hook.id, hook.revision),
        need_body=True,
    )
    attempt = await pipeline.client.send(request, max(0.0, deadline - monotonic()))
    # A token endpoint that repeats what it was sent has the secret in its answer, and its answer is quoted.
    secrets = (proof[1], Secret(quote_plus(proof[1].reveal())))
    shown = without_secrets(attempt, *secrets)
    if attempt.status is None or attempt.reason not in (None, Reason.STATUS):
        return NoGrant(masked(_why(attempt), secrets), shown)
    # What stands inside the operator's networks is not quoted.
    body = b"" if attempt.private and attempt.status != 200 else attempt.response_body
    found = read_grant(attempt.status, body, secrets)
    return NoGrant(found, shown) if isinstance(found, str) else found


async def _proof(pipeline: Pipeline, hook: InlineHook, deadline: float) -> tuple[str, Secret] | NoGrant:
    """Return by what the client proves itself: the name of the form's field, and its value."""
    config = hook.channel.config
    if config.auth_type == "client_secret_post":
        if hook.secret is None:
            return NoGrant("The hook has no clientSecret. Set channel.config.clientSecret anew.")
        return "client_secret", hook.secret
    try:
        async with asyncio.timeout(max(0.0, deadline - monotonic())):
            key = await pipeline.database.read(lambda tx: _key(pipeline, tx, hook))
            if key is None:
                return NoGrant(f"There is no hook key {config.hook_key_id}. Name one in channel.config.hookKeyId.")
            now_s = pipeline.now_ms() // 1000
            signed = await asyncio.to_thread(sign_assertion, config, key, uuid_text(uuid7()), now_s)
    except TimeoutError:
        return NoGrant("The token request was not signed in time.")
    except OverloadedError as error:
        return NoGrant(f"The hook's key could not be read: {error}.")
    except (StorageError, ValueError) as error:
        return NoGrant(f"The hook's key cannot be used: {str(error).rstrip('.')}.")
    return "client_assertion", Secret(signed)


def _key(pipeline: Pipeline, tx: Tx, hook: InlineHook) -> tuple[str, str] | None:
    """Return the ``kid`` and the private half, as PEM, of the hook's key."""
    key_id = hook.channel.config.hook_key_id or ""
    key = hook_keys.get(tx, hook.org_id, key_id)
    pem = hook_keys.private_key(tx, pipeline.vault, hook.org_id, key_id)
    return None if key is None or pem is None else (key.key_id, pem)


def _why(attempt: Attempt) -> str:
    known = None if attempt.reason is None else _FAILED.get(attempt.reason)
    return known or attempt.message
