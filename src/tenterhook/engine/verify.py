"""Ask a hook's endpoint, once, whether it wants the events: the one-time verification."""

from __future__ import annotations

import secrets
from collections.abc import Hashable

from tenterhook.domain.destination import DestinationError, parse_destination
from tenterhook.domain.event_hook import EventHook, verified
from tenterhook.domain.precondition import Precondition
from tenterhook.domain.principal import Principal
from tenterhook.domain.verification import CHALLENGE_HEADER, read_echo, worth_another_try
from tenterhook.egress.client import Head, Request, render_head
from tenterhook.engine.pipeline import Pipeline
from tenterhook.engine.register import find, keep, limit_problem, tell
from tenterhook.errors import InvalidError
from tenterhook.ids import new_request_id
from tenterhook.store.transaction import Tx

TIMEOUT_S = 3.0  #: of each try, in all

_CHALLENGE_BYTES = 30  #: 240 random bits: 40 URL-safe characters, as Okta's


async def verify_event_hook(
    pipeline: Pipeline,
    principal: Principal,
    hook_id: str,
    *,
    timeout_s: float = TIMEOUT_S,
    expected: Precondition | None = None,
) -> EventHook:
    """Send the challenge to the hook's endpoint; return the hook, VERIFIED, once it was echoed.

    A failure is logged and changes nothing else: a hook that was VERIFIED stays so.
    expected: what it has to be like before its endpoint is asked and after.
    Raises: NotFoundError; PreconditionError; InvalidError with Okta's cause first, then what the endpoint did and how
    to mend it.
    Source: okta/event-hooks.md §5; guide statements G18-G22.
    """
    probed = await pipeline.database.read(lambda tx: find(pipeline, tx, principal, hook_id, expected))
    problem = await _ask(pipeline, probed, timeout_s)

    def settle(tx: Tx) -> EventHook | str:
        current = find(pipeline, tx, principal, hook_id, expected)
        hook = verified(current, pipeline.now_ms())
        failure = problem or _stale(probed, current) or limit_problem(pipeline, tx, current, hook)
        if failure is None:
            keep(pipeline, tx, hook)
            tell(pipeline, tx, principal, hook, "event_hook.verified")
            return hook
        tell(pipeline, tx, principal, current, "event_hook.verified", failure=failure)
        return failure

    # The failure is an answer and not an exception in there, because an exception would undo its log event.
    settled = await pipeline.database.write(settle)
    if isinstance(settled, EventHook):
        return settled
    raise InvalidError("eventHook", [f"Unable to verify event hook. Hook {probed.name} execution failed", settled])


async def _ask(pipeline: Pipeline, hook: EventHook, timeout_s: float) -> str | None:
    """Return None if the endpoint echoed the challenge, else what it did instead."""
    try:
        head = _head(pipeline, hook)
    except DestinationError as error:
        return f"channel.config.uri: {error}"  # the operator's rules were changed after it was registered
    pool = ("verification", hook.id, secrets.token_hex(8))
    try:
        for last in (False, True):
            challenge = secrets.token_urlsafe(_CHALLENGE_BYTES)
            attempt = await pipeline.client.send(_request(head, challenge, pool), timeout_s)
            if last or not worth_another_try(attempt):
                break
    finally:
        pipeline.client.forget(pool)
    problem = read_echo(attempt, challenge)
    # The text quotes keys of the answer; an endpoint that repeats our headers has the secret in its answer.
    return problem if problem is None or hook.secret is None else hook.secret.masked_in(problem)


def _request(head: Head, challenge: str, pool: Hashable) -> Request:
    return Request(
        head=head,
        request_id=new_request_id(),
        body=b"",
        pool=pool,
        extra=((CHALLENGE_HEADER, challenge),),
        need_body=True,
    )


def _head(pipeline: Pipeline, hook: EventHook) -> Head:
    headers = hook.request_headers([("User-Agent", pipeline.user_agent), ("Accept", "application/json")])
    return render_head("GET", parse_destination(hook.channel.config.uri, pipeline.rules), headers)


def _stale(probed: EventHook, current: EventHook) -> str | None:
    if probed.channel_version == current.channel_version:
        return None
    return "The hook's channel was changed while its endpoint was asked. Verify it again."
