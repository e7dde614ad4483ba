"""Inline calls in the OpenAPI document. Source: DESIGN §2.2 to §2.4; okta/inline-hooks.md §3 to §5."""

from __future__ import annotations

from typing import Any

from tenterhook.api.openapi.operation import Answer, Body, Operation, Section
from tenterhook.api.openapi.previews import REQUEST
from tenterhook.api.openapi.schema import Schema, array, choice, flag, free, maybe, number, record, ref, text
from tenterhook.domain.inline.kind import KINDS, REGISTRATION, InlineOutcome
from tenterhook.domain.inline.question import MAX_HOOK_ID

_HOOK = "/api/v1/inlineHooks/{inlineHookId}"
_REQUEST_TYPES = [name for kind in KINDS.values() for name in kind.request_types]
_REQUEST_TYPE = choice(_REQUEST_TYPES, "Of a registration or a telephony hook: what exactly is asked.")

_DATA: dict[str, Any] = {
    "context": {"request": {"method": "POST", "ipAddress": "192.0.2.7"}},
    "userProfile": {"login": "ada@example.com", "firstName": "Ada", "lastName": "Byron"},
    "action": "ALLOW",
}
_CALL_EXAMPLE: dict[str, Any] = {"type": REGISTRATION.type, "data": _DATA, "requestType": "self.service.registration"}
_COMMAND_EXAMPLE = {"type": "com.okta.user.profile.update", "value": {"department": "Analysis"}}
_RESULT_EXAMPLE: dict[str, Any] = {
    "outcome": "SUCCESS",
    "data": {**_DATA, "userProfile": {**_DATA["userProfile"], "department": "Analysis"}},
    "commands": [_COMMAND_EXAMPLE],
    "error": None,
    "reason": None,
    "hookId": "cal1a2b3c4d5e6f7g8h9",
    "eventId": "3OWo4oo-QQ-rBWfRyTmQYw",
    "durationMs": 41.7,
}
_PAYLOAD_EXAMPLE: dict[str, Any] = {
    "eventType": REGISTRATION.type,
    "requestType": "self.service.registration",
    "data": _DATA,
}
_PREVIEW_EXAMPLE = {"deliver": False}

_COMMAND = record({"type": text("What it does."), "value": {"description": "What with: its type decides."}})
_ERROR = record(
    {
        "errorSummary": text("For the user of the process."),
        "errorCauses": array(free("errorSummary, reason, locationType, location, domain: what there is.")),
    },
    "What the process shows to its user.",
)

_SCHEMAS: dict[str, Schema] = {
    "InlineCallDraft": record(
        {
            "type": choice(KINDS, "Which process asks."),
            "data": free("`context`, and what the hook's commands may change: as the type has it."),
            "requestType": maybe(_REQUEST_TYPE),
            "hookId": maybe(text("Which of several active hooks; the oldest without it.", maxLength=MAX_HOOK_ID)),
        },
        "What a process asks.",
        required=("type", "data"),
        closed=True,
        example=_CALL_EXAMPLE,
    ),
    "InlineResult": record(
        {
            "outcome": choice(
                InlineOutcome,
                "SUCCESS: answered, its commands are applied. UNCHANGED: no active hook, or a failure that this type "
                "survives: go on as if there were none. DENIED: the answer said no. FAILED: a failure that stops this "
                "type. FALLBACK: send through the platform's own provider.",
            ),
            "data": free("What was asked, after the commands."),
            "commands": array(_COMMAND, "Those that were applied, in order."),
            "error": maybe(_ERROR),
            "reason": maybe(text("In words: why it is not a plain SUCCESS.")),
            "hookId": maybe(text("The hook that was to be asked; null if no hook of the type is active.")),
            "eventId": maybe(text("Of the call, as the endpoint and the log have it; null if there was none.")),
            "durationMs": number("What it took.", 0),
        },
        "What becomes of the process.",
        example=_RESULT_EXAMPLE,
    ),
    "InlinePayload": record(
        {
            "eventType": maybe(choice(KINDS, "Left out, or the hook's type.")),
            "requestType": maybe(_REQUEST_TYPE),
            "data": free("As the hook's type has it."),
            "eventId": maybe(text("Left out, one is made.", maxLength=255)),
        },
        "A payload as an endpoint gets it. What the envelope lacks is filled in; other keys are sent as they are.",
        required=("data",),
        example=_PAYLOAD_EXAMPLE,
    ),
    "InlineReply": record(
        {
            "commands": array(_COMMAND),
            "error": maybe(free()),
            "debugContext": maybe(free("Copied to the System Log.")),
        },
        "What an inline hook's endpoint answers.",
        required=(),
        example={"commands": [_COMMAND_EXAMPLE]},
    ),
    "InlinePreviewDraft": record(
        {
            "data": maybe(free("As an inline call has it; a sample without it.")),
            "requestType": maybe(_REQUEST_TYPE),
            "deliver": flag("Whether to send it.", default=False),
        },
        "What the endpoint is asked.",
        required=(),
        closed=True,
        example=_PREVIEW_EXAMPLE,
    ),
    "InlinePreview": record(
        {
            "request": REQUEST,
            "delivered": maybe(ref("Attempt", "The last exchange with the endpoint; null if there was none.")),
            "result": maybe(ref("InlineResult", "What the process would be told; null if it was not sent.")),
        },
        "The request that an endpoint would get.",
        example={
            "request": {
                "method": "POST",
                "url": "https://id.example.com/sign-up",
                "headers": [
                    {"key": "Host", "value": "id.example.com"},
                    {"key": "User-Agent", "value": "Okta-Integrations"},
                    {"key": "Authorization", "value": "********"},
                ],
                "body": '{"eventType":"com.okta.user.pre-registration"}',
                "json": {"eventType": "com.okta.user.pre-registration"},
            },
            "delivered": None,
            "result": None,
        },
    ),
}

SECTION = Section(
    "Inline calls",
    "A process asks an inline hook's endpoint and goes on by its answer.",
    (
        Operation(
            *("callInline", "POST /api/v1/inlineCalls", "Ask an inline hook"),
            Answer("What becomes of the process: whatever the endpoint did.", ref("InlineResult")),
            body=Body(ref("InlineCallDraft"), _CALL_EXAMPLE),
            errors=(404,),
            about="It takes at most the setting inline_timeout_seconds, a token of an OAUTH channel and a second try "
            "included. A reply is read strictly: all of its commands are applied, or none is. An endpoint that fails "
            "again and again is not asked for a while; the rule that the type has for failures decides then, too.",
        ),
        Operation(
            *("executeInlineHook", f"POST {_HOOK}/execute", "Execute an inline hook"),
            Answer("What the endpoint answered, if it is as the contract has it.", ref("InlineReply")),
            body=Body(ref("InlinePayload"), _PAYLOAD_EXAMPLE),
            errors=(502, 504),
            about="Only an ACTIVE hook. 400 E0000135: the endpoint answered an error object; 502 E0000134: something "
            "else than the contract; 504 E0000137: nothing.",
        ),
        Operation(
            *("previewInlineHook", f"POST {_HOOK}/preview", "Preview an inline call"),
            Answer("The request, and what came of it if it was sent.", ref("InlinePreview")),
            body=Body(ref("InlinePreviewDraft"), _PREVIEW_EXAMPLE),
            about="In every state of the hook. An access token is fetched only for sending.",
        ),
    ),
    _SCHEMAS,
)
