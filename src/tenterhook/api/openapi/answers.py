"""What every answer has, and how calls are refused: headers and errors that operations share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from tenterhook.api.openapi.schema import Schema, array, choice, record, text, whole

#: Headers of every answer.
ALWAYS = ("X-Okta-Request-Id", "X-Rate-Limit-Limit", "X-Rate-Limit-Remaining", "X-Rate-Limit-Reset")

HEADERS: dict[str, Schema] = {
    "X-Okta-Request-Id": {
        "description": "The request's id; our own log and the System Log name it.",
        "required": True,
        "schema": text(minLength=1),
        "example": "req0a1b2c3d4e5f6a7b8c9d",
    },
    "X-Rate-Limit-Limit": {
        "description": "Calls that the caller may make in a window of a minute.",
        "required": True,
        "schema": whole(least=0),
        "example": 1200,
    },
    "X-Rate-Limit-Remaining": {
        "description": "Calls left in this window.",
        "required": True,
        "schema": whole(least=0),
        "example": 1199,
    },
    "X-Rate-Limit-Reset": {
        "description": "When the window ends: seconds since the epoch, UTC.",
        "required": True,
        "schema": whole(least=0),
        "example": 1793000000,
    },
    "Link": {
        "description": 'Where this page is (`rel="self"`) and, if there is more, the next (`rel="next"`): '
        "absolute, one header line for each.",
        "required": True,
        "schema": text(pattern="^<https?://"),
        "example": '<https://hooks.example.com/api/v1/eventHooks?limit=20>; rel="self"',
    },
    "Retry-After": {
        "description": "Seconds to wait before the call is worth repeating.",
        "required": True,
        "schema": whole(least=1),
        "example": 5,
    },
    "X-Tenterhook-Hint": {
        "description": "Advice on what was accepted but looks like a slip.",
        "schema": text(),
        "example": "channel.config.headers[0].value holds '${...}', which looks like a variable that nothing has "
        "expanded; it is sent as it is",
    },
    "ETag": {
        "description": "The state that was answered, for `If-Match`.",
        "required": True,
        "schema": text(pattern='^"'),
        "example": '"3"',
    },
}


class Refusal(NamedTuple):
    """One status that a call can be refused with."""

    name: str  #: of the component response
    about: str
    codes: Sequence[str]
    example: tuple[str, str]  #: errorSummary and one cause; no cause if empty
    headers: tuple[str, ...] = ()


_NOT_VALID = "The request was not valid: "

REFUSALS: dict[int, Refusal] = {
    400: Refusal(
        "Invalid",
        "The request is not valid: what is wrong is told field by field, all of it at once.",
        ("E0000001", "E0000002", "E0000003", "E0000021", "E0000031", "E0000053", "E0000135"),
        ("Api validation failed: eventHook", "name: The field cannot be left blank"),
    ),
    401: Refusal(
        "Unauthenticated",
        "No valid token; or, when signing in, not the right password or link.",
        ("E0000011", "E0000004"),
        ("Invalid token provided", ""),
    ),
    403: Refusal(
        "Forbidden",
        "The token is valid and may not do this.",
        ("E0000006",),
        (
            "You do not have permission to perform the requested action",
            "This call needs okta.eventHooks.read; this caller has okta.logs.read.",
        ),
    ),
    404: Refusal(
        "NotFound",
        "There is no such thing in this org.",
        ("E0000007", "E0000008"),
        ("Not found: Resource not found: who1a2b3c4d5e6f7g8h9 (Webhook)", ""),
    ),
    408: Refusal(
        "TooSlow",
        "The request did not arrive in time.",
        ("E0000002",),
        (_NOT_VALID + "the request did not arrive in time", ""),
    ),
    411: Refusal(
        "LengthRequired",
        "The request says nothing of a body.",
        ("E0000002",),
        (_NOT_VALID + "a body is needed here, with Content-Length or Transfer-Encoding: chunked", ""),
    ),
    412: Refusal(
        "Changed",
        "`If-Match` names another version than there is: somebody else was faster. Read it anew.",
        ("E0000002",),
        (_NOT_VALID + "If-Match names another version of this than there is now; read it again", ""),
    ),
    413: Refusal(
        "TooLarge",
        "The body is larger than what is accepted here.",
        ("E0000002",),
        (_NOT_VALID + "the body is larger than 1,024 KiB, the most that is accepted here", ""),
    ),
    414: Refusal(
        "AddressTooLong",
        "Path and query are too long.",
        ("E0000002",),
        (_NOT_VALID + "the request target is longer than 14,336 bytes", ""),
    ),
    421: Refusal(
        "Misdirected",
        "This server does not answer to that Host.",
        ("E0000002",),
        (
            _NOT_VALID + "this server does not answer to that Host; the setting TENTERHOOK_PUBLIC_URL says which one "
            "it has",
            "",
        ),
    ),
    429: Refusal(
        "RateLimited",
        "Too many calls in this window.",
        ("E0000047",),
        ("API call exceeded rate limit due to too many requests.", ""),
        ("Retry-After",),
    ),
    431: Refusal(
        "HeadersTooLarge",
        "The headers are too many or too large.",
        ("E0000002",),
        (_NOT_VALID + "its headers are more than 100 or larger than 64 KiB", ""),
    ),
    502: Refusal(
        "EndpointUnreadable",
        "The inline hook's endpoint answered something else than the contract.",
        ("E0000134",),
        (
            "Okta could not communicate correctly with an inline hook.",
            "The endpoint answered 500 Internal Server Error.",
        ),
    ),
    503: Refusal(
        "Overloaded",
        "Refused early: nothing was stored, and the same call may succeed later.",
        ("E0000010",),
        ("Service is in read only mode", "too many writes are waiting for the disk"),
        ("Retry-After",),
    ),
    504: Refusal(
        "TooSlowToAnswer",
        "A query took too long, and a narrower one may succeed; or an inline hook's endpoint answered nothing.",
        ("E0000009", "E0000137"),
        ("Your last request took too long to complete. A narrower since, until or filter may succeed.", ""),
    ),
}

CODES = sorted({code for refusal in REFUSALS.values() for code in refusal.codes} | {"E0000022"})

ERROR = record(
    {
        "errorCode": choice(CODES, "What went wrong, for programs."),
        "errorSummary": text("What went wrong, for people."),
        "errorLink": text("The code again."),
        "errorId": text("One error's id.", pattern="^oae[A-Za-z0-9_-]{22}$"),
        "errorCauses": array(record({"errorSummary": text("`<field>: <what is wrong>`")}), "One entry per problem."),
    },
    "Every refusal, whatever its status.",
)


def error_example(refusal: Refusal) -> dict[str, Any]:
    """Return an error object as *refusal* has it."""
    summary, cause = refusal.example
    return {
        "errorCode": refusal.codes[0],
        "errorSummary": summary,
        "errorLink": refusal.codes[0],
        "errorId": "oaeZ1x2c3v4b5n6m7a8s9d0f1",
        "errorCauses": [{"errorSummary": cause}] if cause else [],
    }


def refusal_response(refusal: Refusal) -> dict[str, Any]:
    """Return the component response of *refusal*."""
    schema = {"$ref": "#/components/schemas/Error"}
    codes = {"properties": {"errorCode": {"enum": list(refusal.codes)}}}
    return {
        "description": refusal.about,
        "headers": header_refs((*ALWAYS, *refusal.headers)),
        "content": {"application/json": {"schema": {"allOf": [schema, codes]}, "example": error_example(refusal)}},
    }


def header_refs(names: Sequence[str]) -> dict[str, Any]:
    """Return the headers of a response by reference."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
