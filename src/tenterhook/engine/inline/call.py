"""Call an inline hook for a process that waits: ask within the time there is, and decide whatever came of it.

Source: DESIGN §2.4 and §3.5; okta/inline-hooks.md §3 and §4.
"""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Any

import msgspec

from tenterhook.domain.inline.breaker import Breaker, may_ask
from tenterhook.domain.inline.decide import decide
from tenterhook.domain.inline.decision import Command, Decision, Question, Reply, Tree, Unusable
from tenterhook.domain.inline.envelope import render_envelope
from tenterhook.domain.inline.hook import InlineHook
from tenterhook.domain.inline.kind import InlineOutcome
from tenterhook.domain.inline.masking import Secrets, masked_decision, secrets_of
from tenterhook.domain.inline.question import read_question
from tenterhook.domain.inline.source import source_of
from tenterhook.domain.principal import Principal
from tenterhook.domain.timestamp import format_ms
from tenterhook.engine.inline.ask import Asked, ask, read_answer
from tenterhook.engine.inline.breakers import Turn
from tenterhook.engine.inline.tell import Told, tell_call
from tenterhook.engine.pipeline import Pipeline
from tenterhook.errors import InvalidError, NotFoundError
from tenterhook.ids import new_call_id
from tenterhook.store import inline_hooks

ENTITY = "inlineCall"
#: Okta's internal name of an inline hook, as its 404 shows it.
HOOK_KIND = "InlineHook"

_GONE_AWAY = "The caller went away before the endpoint had answered."


class InlineResult(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a process is told (DESIGN §2.4)."""

    outcome: InlineOutcome
    data: Tree  #: the question's, after the commands that were applied
    commands: tuple[Command, ...] = ()  #: those that were applied, in order
    error: Tree | None = None  #: for the user of the process
    reason: str | None = None  #: in words: why it is not a plain SUCCESS
    hook_id: str | None = None  #: None: no hook of this type is active
    event_id: str | None = None  #: of the call, as the endpoint and the log have it; None: there was none
    duration_ms: float = 0.0


class _Answer(msgspec.Struct, frozen=True):
    """What an endpoint said, and what it took to hear it."""

    reply: Reply | Unusable
    attempts: int | None = 0
    turn: Turn | None = None
    secrets: Secrets = ()  #: to be masked in what people read of it


async def call_inline(pipeline: Pipeline, principal: Principal, body: object) -> InlineResult:
    """Ask the org's active hook of a type, and return what becomes of the process that asks.

    body: decoded JSON, ``{"type", "data", "requestType"?, "hookId"?}``. Of several active hooks the oldest is asked,
    unless *hookId* names one. Takes at most the setting inline_timeout_seconds, whatever the endpoint does; that it
    failed is a result by the type's rule, and is logged.
    Raises: InvalidError with one cause per problem of *body*; NotFoundError, if there is no hook *hookId*.
    """
    began = monotonic()
    question = read_question(body)
    hook = await _hook_for(pipeline, principal, question)
    if hook is None:
        return result_of(decide(question, None), None, None, began)
    event_id = new_call_id()
    try:
        answer = await _answer(pipeline, hook, question, event_id, began)
    except asyncio.CancelledError:
        # The endpoint may have read the question, so the log tells of it.
        gone = Unusable(_GONE_AWAY, _GONE_AWAY)
        _tell(pipeline, principal, hook, event_id, _Answer(gone, None), decide(question, gone))
        raise
    decision = masked_decision(decide(question, answer.reply), answer.secrets)
    _tell(
        pipeline,
        principal,
        hook,
        event_id,
        msgspec.structs.replace(answer, secrets=(*answer.secrets, *secrets_of(question))),
        decision,
    )
    return result_of(decision, hook.id, event_id, began)


def envelope_of(pipeline: Pipeline, hook: InlineHook, question: Question, event_id: str) -> bytes:
    """Return the body of a call to *hook*."""
    source = source_of(question, hook, pipeline.public_url)
    return render_envelope(question, source=source, event_id=event_id, now_ms=pipeline.now_ms())


async def _hook_for(pipeline: Pipeline, principal: Principal, question: Question) -> InlineHook | None:
    """Return the hook to ask, None if no hook of the type is active."""
    active, wanted = pipeline.active_inline_hooks, question.hook_id
    if wanted is None:
        hooks = active.of(principal.org_id, question.kind.type)
        return hooks[0] if hooks else None
    hook = active.get(principal.org_id, wanted)
    if hook is None:
        hook = await pipeline.database.read(lambda tx: inline_hooks.get(tx, pipeline.vault, principal.org_id, wanted))
        if hook is None:
            raise NotFoundError(wanted, HOOK_KIND)
        raise InvalidError(ENTITY, [f"hookId: the hook {wanted} is INACTIVE; activate it, or leave hookId out"])
    if hook.type != question.kind.type:
        raise InvalidError(ENTITY, [f"hookId: the hook {wanted} is of type {hook.type}, not {question.kind.type}"])
    return hook


async def _answer(pipeline: Pipeline, hook: InlineHook, question: Question, event_id: str, began: float) -> _Answer:
    switchboard = pipeline.switchboard
    breaker = switchboard.breakers.of(hook)
    if not may_ask(breaker, monotonic()):
        return _Answer(_unasked(_suspended(breaker, pipeline.now_ms())))
    with switchboard.places.hold(hook.org_id, hook.type) as refusal:
        if refusal is not None:
            return _Answer(_unasked(refusal))
        asked, turn = await _ask_watched(pipeline, hook, envelope_of(pipeline, hook, question, event_id), began)
    return _Answer(read_answer(question, asked), asked.number, turn, asked.secrets)


async def _ask_watched(pipeline: Pipeline, hook: InlineHook, body: bytes, began: float) -> tuple[Asked, Turn | None]:
    """Ask, and let the hook's breaker know how that went."""
    breakers = pipeline.switchboard.breakers
    probe = breakers.of(hook).is_open
    if probe:
        breakers.probe(hook)
    try:
        asked = await ask(pipeline, hook, body, pipeline.switchboard.timeout_s, began=began)
    except BaseException:
        if probe:
            breakers.give_up(hook)
        raise
    return asked, breakers.note(hook, asked.last, monotonic(), probe=probe)


def _unasked(why: str) -> Unusable:
    text = f"The endpoint was not asked: {why}"
    return Unusable(text, text)


def _suspended(breaker: Breaker, now_ms: int) -> str:
    left_s = breaker.probe_at - monotonic()
    when = (
        "Another call is trying it now."
        if left_s <= 0
        else (f"It is tried again from {format_ms(now_ms + int(left_s * 1000))} on.")
    )
    return f"its last {breaker.failures} calls got no answer. {when}"


def _tell(
    pipeline: Pipeline, principal: Principal, hook: InlineHook, event_id: str, answer: _Answer, decision: Decision
) -> None:
    told = Told(
        hook=hook,
        principal=principal,
        event_id=event_id,
        attempts=answer.attempts,
        decision=decision,
        unusable=answer.reply if isinstance(answer.reply, Unusable) else None,
        turn=answer.turn,
        secrets=answer.secrets,
    )
    tell_call(pipeline, told)


def result_of(decision: Decision, hook_id: str | None, event_id: str | None, began: float) -> InlineResult:
    """Return what a process is told. began: monotonic."""
    facts: dict[str, Any] = {name: getattr(decision, name) for name in ("data", "commands", "error", "reason")}
    return InlineResult(
        outcome=decision.outcome,
        **facts,
        hook_id=hook_id,
        event_id=event_id,
        duration_ms=round((monotonic() - began) * 1000.0, 3),
    )
