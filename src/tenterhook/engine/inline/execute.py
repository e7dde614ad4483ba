"""Execute an inline hook by hand: send a payload of its type once, and return what the endpoint answered.

Source: okta/inline-hooks.md §1 and §5; DESIGN §2.2 decides its codes.
"""

from __future__ import annotations

from time import monotonic
from typing import Any

import msgspec

from tenterhook.domain.attempt import Attempt, Outcome
from tenterhook.domain.document import Form, Problems, kind_of
from tenterhook.domain.inline.decide import decide
from tenterhook.domain.inline.decision import Question, Reply, Tree, Unusable
from tenterhook.domain.inline.hook import InlineHook
from tenterhook.domain.inline.kind import KINDS
from tenterhook.domain.inline.masking import masked_decision, masked_tree, secrets_of
from tenterhook.domain.inline.question import read_question
from tenterhook.domain.principal import Principal
from tenterhook.domain.strict_json import reload
from tenterhook.engine.inline.ask import Asked, ask_once, is_answer, read_answer, timed
from tenterhook.engine.inline.call import envelope_of
from tenterhook.engine.inline.register import find
from tenterhook.engine.inline.tell import Told, tell_call
from tenterhook.engine.pipeline import Pipeline
from tenterhook.errors import EndpointError, InvalidError, OverloadedError
from tenterhook.ids import new_call_id

ENTITY = "inlineHook"
MAX_EVENT_ID = 255

_INACTIVE = "status: An inactive inline hook cannot be executed. Activate it first, or preview it."


async def execute_inline_hook(pipeline: Pipeline, principal: Principal, hook_id: str, body: object) -> bytes:
    """Send *body* to the hook's endpoint, and return the JSON that it answered, its secrets masked.

    body: decoded JSON, the whole payload or as much of it as is there: what the envelope lacks is filled in. It is
    sent once more after a time-out or a failure, each within the setting inline_timeout_seconds, unless the type is
    never asked twice.
    Raises: NotFoundError; InvalidError, also while the hook is INACTIVE; OverloadedError, while as many inline calls
    are under way as may be; EndpointError, by what the endpoint did.
    """
    hook = await pipeline.database.read(lambda tx: find(pipeline, tx, principal, hook_id))
    if hook.status != "ACTIVE":
        raise InvalidError(ENTITY, [_INACTIVE])
    question = _read(body, hook)
    event_id = _event_id(body) or new_call_id()
    payload = _payload(body, envelope_of(pipeline, hook, question, event_id))
    with pipeline.switchboard.places.hold(hook.org_id, hook.type) as refusal:
        if refusal is not None:
            raise OverloadedError(refusal, 1)
        asked = await _ask(pipeline, hook, payload)
    answer = read_answer(question, asked)
    decision = masked_decision(decide(question, answer), asked.secrets)
    told = Told(
        hook=hook,
        principal=principal,
        event_id=event_id,
        attempts=asked.number,
        decision=decision,
        unusable=answer if isinstance(answer, Unusable) else None,
        secrets=(*asked.secrets, *secrets_of(question)),
    )
    tell_call(pipeline, told)
    if isinstance(answer, Unusable):
        heard = asked.attempt is not None and asked.attempt.status is not None
        raise EndpointError("UNREADABLE" if heard else "SILENT", answer.why)
    if answer.error is not None:
        raise EndpointError("ERROR", decision.reason or "")
    return _shown(asked, answer)


def _read(body: object, hook: InlineHook) -> Question:
    if not isinstance(body, dict):
        raise InvalidError(ENTITY, [f"body: must be a JSON object, not {kind_of(body)}"])
    said = body.get("eventType")
    if said not in (None, hook.type):
        raise InvalidError(ENTITY, [f"eventType: must be this hook's type, {hook.type}"])
    asked = {"type": hook.type, "data": body.get("data"), "requestType": body.get("requestType")}
    return read_question({key: part for key, part in asked.items() if part is not None})


def _event_id(body: object) -> str | None:
    problems = Problems()
    found = Form(body if isinstance(body, dict) else {}, "", problems).text("eventId", longest=MAX_EVENT_ID)
    if problems:
        raise InvalidError(ENTITY, problems.texts)
    return found or None


def _payload(body: Any, envelope: bytes) -> bytes:
    """Return *body* as it was sent, with what it lacks of the *envelope*."""
    made: Tree = reload(envelope)
    return msgspec.json.encode({**made, **{key: part for key, part in body.items() if part is not None}})


async def _ask(pipeline: Pipeline, hook: InlineHook, payload: bytes) -> Asked:
    """Ask at most twice, each time with the whole of the time: somebody waits for this who may wait a little."""
    budget_s = pipeline.switchboard.timeout_s
    asked = await ask_once(pipeline, hook, payload, monotonic() + budget_s, 1)
    if KINDS[hook.type].retried and not (asked.attempt is not None and _is_2xx(asked.attempt)):
        asked = await ask_once(pipeline, hook, payload, monotonic() + budget_s, 2)
    return timed(asked, budget_s)


def _is_2xx(attempt: Attempt) -> bool:
    return is_answer(attempt) and attempt.outcome is Outcome.DELIVERED


def _shown(asked: Asked, reply: Reply) -> bytes:
    """Return the answer as JSON, byte for byte unless a secret has to be masked in it.

    Of an endpoint inside the operator's networks only what the contract has: whatever else stands there is not shown.
    """
    attempt = asked.attempt
    if attempt is not None and attempt.response_body.strip() and not attempt.private:
        said = reload(attempt.response_body)
        shown = masked_tree(said, asked.secrets)
        return attempt.response_body if shown == said else msgspec.json.encode(shown)
    told = {"commands": reply.commands} | ({} if reply.debug_context is None else {"debugContext": reply.debug_context})
    return msgspec.json.encode(masked_tree(msgspec.to_builtins(told), asked.secrets))
