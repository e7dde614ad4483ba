"""Ask an inline hook's endpoint: one exchange, a second one where the rules allow it, all within the call's time."""

from __future__ import annotations

from time import monotonic

import msgspec

from tenterhook.domain.attempt import Attempt, Reason
from tenterhook.domain.destination import DestinationError
from tenterhook.domain.inline.again import worth_again
from tenterhook.domain.inline.decision import Question, Reply, Unusable
from tenterhook.domain.inline.grant import Grant
from tenterhook.domain.inline.hook import InlineHook
from tenterhook.domain.inline.kind import KINDS
from tenterhook.domain.inline.masking import Secrets, masked, masked_unusable
from tenterhook.domain.inline.reply import read_reply
from tenterhook.egress.client import Request
from tenterhook.engine.inline.compose import bearer, call_head
from tenterhook.engine.inline.grant import access_token
from tenterhook.engine.inline.grants import NoGrant
from tenterhook.engine.inline.heads import pool_of
from tenterhook.engine.pipeline import Pipeline
from tenterhook.ids import new_request_id


class Asked(msgspec.Struct, frozen=True):
    """What came of asking."""

    attempt: Attempt | None = None  #: with the hook's endpoint, secrets and all; None: it was not reached out to
    problem: str | None = None  #: in words: why there is no answer to read; None: there is one
    last: Attempt | None = None  #: the last exchange, be it with the token endpoint; None: there was none
    secrets: Secrets = ()  #: the hook's and its token, to be masked in whatever people read of this
    number: int = 0  #: how many times the endpoint was asked


async def ask(pipeline: Pipeline, hook: InlineHook, body: bytes, budget_s: float, *, began: float) -> Asked:
    """Send *body* to the hook's endpoint, at most twice and with the same bytes, and return what came of it.

    budget_s: for everything, from *began* (monotonic) on: the fetch of a token and the second try included.
    Never raises for what a peer does.
    """
    deadline = began + budget_s
    asked = await ask_once(pipeline, hook, body, deadline, 1)
    if asked.last is not None and worth_again(KINDS[hook.type], asked.last, deadline - monotonic()):
        asked = await ask_once(pipeline, hook, body, deadline, 2)
    return timed(asked, budget_s)


async def ask_once(pipeline: Pipeline, hook: InlineHook, body: bytes, deadline: float, number: int) -> Asked:
    """Send *body* once. deadline: monotonic. number: which try this is."""
    grant: Grant | None = None
    secrets: Secrets = () if hook.secret is None else (hook.secret,)
    if hook.channel.type == "OAUTH":
        found = await access_token(pipeline, hook, deadline)
        if isinstance(found, NoGrant):
            return Asked(None, found.why, found.attempt, secrets, number - 1)
        grant, secrets = found, (*secrets, found.token)
    try:
        head = pipeline.switchboard.heads.of(hook, lambda: call_head(pipeline, hook), pipeline.client)
    except DestinationError as error:
        return Asked(None, f"This address may not be called: {error}", number=number - 1)
    request = Request(
        head=head,
        request_id=new_request_id(),
        body=body,
        pool=pool_of(hook.id, hook.revision),
        extra=() if grant is None else bearer(grant.token),
        need_body=True,
        number=number,
    )
    attempt = await pipeline.client.send(request, max(0.0, deadline - monotonic()))
    if grant is not None and attempt.status == 401:
        pipeline.switchboard.grants.drop(hook, grant)
    problem = None if is_answer(attempt) else masked(attempt.message, secrets)
    return Asked(attempt, problem, attempt, secrets, number)


def is_answer(attempt: Attempt) -> bool:
    """Return whether the endpoint gave an answer that can be judged: a status, and with a 2xx its whole body."""
    return attempt.status is not None and attempt.reason in (None, Reason.STATUS)


def read_answer(question: Question, asked: Asked) -> Reply | Unusable:
    """Return what the endpoint said to *question*, as it said it, or why that cannot be used, its secrets masked."""
    attempt = asked.attempt
    if asked.problem is not None or attempt is None or attempt.status is None:
        why = asked.problem or "The endpoint was not asked."
        return Unusable(why, why)
    found = read_reply(question, attempt.status, attempt.response_body, attempt.body_complete)
    return masked_unusable(found, asked.secrets) if isinstance(found, Unusable) else found


def timed(asked: Asked, budget_s: float) -> Asked:
    """Return *asked* with the time that there was in all in its words, if it ended for want of it."""
    attempt = asked.attempt
    if attempt is None or attempt.reason is not Reason.TIMEOUT:
        return asked
    message = f"The endpoint did not answer within {budget_s:g} seconds."
    attempt = msgspec.structs.replace(attempt, message=message)
    return msgspec.structs.replace(asked, attempt=attempt, problem=message, last=attempt)
