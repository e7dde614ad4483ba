"""Preview an inline call: the very request that a hook's endpoint would get, and, if wanted, what would follow."""

from __future__ import annotations

from time import monotonic
from typing import Any

import msgspec

from tenterhook.domain.act import Act, inline_hook_target
from tenterhook.domain.attempt import Attempt, without_secrets
from tenterhook.domain.destination import DestinationError
from tenterhook.domain.document import Form, Problems, kind_of
from tenterhook.domain.inline.decide import decide
from tenterhook.domain.inline.decision import Command, Decision, Question
from tenterhook.domain.inline.hook import InlineHook
from tenterhook.domain.inline.kind import KINDS
from tenterhook.domain.inline.masking import Secrets, masked_decision, masked_tree, secrets_of
from tenterhook.domain.inline.question import read_question
from tenterhook.domain.inline.sample import sample_data
from tenterhook.domain.principal import Principal
from tenterhook.domain.secret import MASK, Secret
from tenterhook.egress.client import Request
from tenterhook.egress.request import render
from tenterhook.engine.inline.ask import ask, read_answer
from tenterhook.engine.inline.call import InlineResult, envelope_of, result_of
from tenterhook.engine.inline.compose import bearer, call_head
from tenterhook.engine.inline.register import find
from tenterhook.engine.pipeline import Pipeline
from tenterhook.engine.preview import HeaderView, RequestPreview
from tenterhook.engine.record import record_act
from tenterhook.engine.show_deliveries import AttemptView, shown_attempt
from tenterhook.errors import InvalidError, OverloadedError
from tenterhook.ids import new_call_id, new_request_id

#: What answers call this thing.
ENTITY = "inlinePreview"


class InlinePreview(msgspec.Struct, frozen=True):
    """What an endpoint would get, and what came of it if it was sent."""

    request: RequestPreview
    delivered: AttemptView | None  #: None: it was not sent, or no exchange with the endpoint came about
    result: InlineResult | None  #: what the process would be told; None: it was not sent


class _Wanted(msgspec.Struct, frozen=True):
    """What the caller wants to see."""

    question: Question
    deliver: bool


async def preview_inline_call(pipeline: Pipeline, principal: Principal, hook_id: str, body: object) -> InlinePreview:
    """Return the request that the hook's endpoint would get; send it with ``deliver`` and return what would follow.

    body: ``data`` (as an inline call has it; a sample without it), ``requestType``, ``deliver``. Works in every state
    of the hook, whatever its breaker says. Sending is logged as inline_hook.previewed and changes nothing.
    Raises: NotFoundError; InvalidError, also if today's rules refuse the hook's address; OverloadedError, if it is to
    be sent while as many inline calls are under way as may be.
    """
    hook = await pipeline.database.read(lambda tx: find(pipeline, tx, principal, hook_id))
    wanted = _read(body, hook)
    event_id, began = new_call_id(), monotonic()
    payload = envelope_of(pipeline, hook, wanted.question, event_id)
    shown = _shown(pipeline, hook, payload)
    if not wanted.deliver:
        return InlinePreview(shown, None, None)
    with pipeline.switchboard.places.hold(hook.org_id, hook.type) as refusal:
        if refusal is not None:
            raise OverloadedError(refusal, 1)
        asked = await ask(pipeline, hook, payload, pipeline.switchboard.timeout_s, began=began)
    decision = _masked(decide(wanted.question, read_answer(wanted.question, asked)), asked.secrets)
    in_log = masked_decision(decision, secrets_of(wanted.question))
    act = _act(principal, hook, event_id, in_log)
    await pipeline.database.write(lambda tx: record_act(pipeline, tx, act))
    attempt = None if asked.attempt is None else _attempt(without_secrets(asked.attempt, *asked.secrets), shown)
    return InlinePreview(shown, attempt, result_of(decision, hook.id, event_id, began))


def _read(body: object, hook: InlineHook) -> _Wanted:
    if not isinstance(body, dict):
        raise InvalidError(ENTITY, [f"body: must be a JSON object, not {kind_of(body)}"])
    problems = Problems()
    form = Form(body, "", problems)
    form.refuse_unknown(("data", "requestType", "deliver"))
    deliver = form.flag("deliver")
    if problems:
        raise InvalidError(ENTITY, problems.texts)
    asked: dict[str, Any] = {key: body[key] for key in ("requestType", "data") if body.get(key) is not None}
    return _Wanted(_question(asked, hook), bool(deliver))


def _question(asked: dict[str, Any], hook: InlineHook) -> Question:
    kinds = KINDS[hook.type].request_types
    if "requestType" not in asked and kinds:
        asked = {"requestType": kinds[0], **asked}
    if "data" not in asked:
        request_type = asked.get("requestType")
        known = request_type if request_type in kinds else None
        asked = {**asked, "data": sample_data(hook.type, known)}
    return read_question({"type": hook.type, **asked})


def _shown(pipeline: Pipeline, hook: InlineHook, payload: bytes) -> RequestPreview:
    """Return the request as it is sent, its secret masked; the access token of an OAUTH channel is not fetched."""
    mask = Secret(MASK)
    try:
        head = call_head(pipeline, hook.model_copy(update={"secret": mask}))
    except DestinationError as error:
        raise InvalidError(ENTITY, [f"channel.config.uri: {error}"]) from error
    extra = bearer(mask) if hook.channel.type == "OAUTH" else ()
    request = Request(head=head, request_id=new_request_id(), body=payload, pool=("preview", hook.id), extra=extra)
    lines = render(request).partition(b"\r\n\r\n")[0].decode("ascii").split("\r\n")[1:]
    return RequestPreview(
        method=head.method,
        url=hook.channel.config.uri,
        headers=[HeaderView(*line.split(": ", 1)) for line in lines],
        body=payload.decode(),
        json=msgspec.Raw(payload),
    )


def _attempt(attempt: Attempt, shown: RequestPreview) -> AttemptView:
    headers = {field.key: field.value for field in shown.headers}
    return shown_attempt(attempt, {**headers, "X-Okta-Request-Id": attempt.request_id})


def _masked(decision: Decision, secrets: Secrets) -> Decision:
    """Return *decision* with *secrets* masked in all of it: here it is people who read the data and the commands."""
    commands = tuple(Command(one.type, masked_tree(one.value, secrets)) for one in decision.commands)
    decision = msgspec.structs.replace(decision, data=masked_tree(decision.data, secrets), commands=commands)
    return masked_decision(decision, secrets)


def _act(principal: Principal, hook: InlineHook, event_id: str, decision: Decision) -> Act:
    failed = decision.error_message is not None
    told = {"inlineHookType": hook.type, "inlineHookEventId": event_id, "outcome": str(decision.outcome)}
    return Act(
        org_id=hook.org_id,
        event_type="inline_hook.previewed",
        principal=principal,
        targets=[inline_hook_target(hook.id, hook.name)],
        failure=decision.reason if failed else None,
        debug=told | ({"errorMessage": decision.error_message or ""} if failed else {}),
    )
