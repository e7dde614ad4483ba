"""What a caller is told when something went wrong: Okta's five-field error object, made in this one place.

Source: okta/errors-and-api.md; the codes that Okta lacks are DESIGN §2.2's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from tenterhook import errors
from tenterhook.door.protocol_error import ProtocolError
from tenterhook.door.rate_limit import Standing
from tenterhook.ids import new_error_id

#: A text from outside that is repeated in an answer is cut to this many characters.
MAX_ECHO = 200


class Complaint(NamedTuple):
    """What an error answer says."""

    status: int
    code: str
    summary: str
    causes: Sequence[str] = ()
    headers: Mapping[str, str] = {}


#: Advice that Okta's bodies have no place for.
HINT = "x-tenterhook-hint"
_INVALID = "Api validation failed: "
_NOT_VALID = "The request was not valid: "
_MEDIA_TYPE = "Bad request.  Accept and/or Content-Type headers likely do not match supported values."

#: What a bare status means, where the framework gives nothing else.
_BY_STATUS = {
    404: ("E0000008", "The requested path was not found"),
    405: ("E0000022", "The endpoint does not support the provided HTTP method"),
}
#: Errors whose code and summary are fixed; their text becomes the one cause.
_FIXED: dict[type[errors.TenterhookError], Complaint] = {
    errors.MalformedBodyError: Complaint(400, "E0000003", "The request body was not well-formed."),
    errors.MediaTypeError: Complaint(400, "E0000021", _MEDIA_TYPE),
    errors.ForbiddenError: Complaint(403, "E0000006", "You do not have permission to perform the requested action"),
    errors.RateLimitedError: Complaint(429, "E0000047", "API call exceeded rate limit due to too many requests."),
}
#: What an inline hook's endpoint did, in Okta's words (okta/inline-hooks.md §5; DESIGN §2.2).
_ENDPOINT = {
    "ERROR": Complaint(400, "E0000135", "An inline hook responded with an error."),
    "UNREADABLE": Complaint(502, "E0000134", "Okta could not communicate correctly with an inline hook."),
    "SILENT": Complaint(504, "E0000137", "Okta did not receive a response from an inline hook."),
}
_INTERNAL = Complaint(500, "E0000009", "Internal Server Error")


def complaint_of(error: Exception) -> Complaint:
    """Return what the caller is told about *error*; anything that is not the caller's fault is a bare 500."""
    if isinstance(error, errors.InvalidError):
        return Complaint(400, "E0000001", _INVALID + error.entity, [str(one) for one in error.problems])
    if isinstance(error, errors.QueryError):
        return Complaint(400, error.code, error.summary, error.causes)
    if isinstance(error, errors.QueryTimeoutError):
        return Complaint(504, "E0000009", str(error))
    if isinstance(error, errors.EndpointError):
        return _ENDPOINT[error.what]._replace(causes=[str(error)])
    if isinstance(error, errors.BadRequestError):
        return Complaint(400, "E0000002", _NOT_VALID + str(error))
    if isinstance(error, errors.PreconditionError):
        return Complaint(412, "E0000002", _NOT_VALID + str(error))
    if isinstance(error, errors.TooLargeError):
        return Complaint(413, "E0000002", _NOT_VALID + str(error))
    if isinstance(error, ProtocolError):
        return Complaint(error.status, "E0000002", _NOT_VALID + str(error))
    if isinstance(error, errors.NotAuthenticatedError):
        hint = {HINT: error.advice} if error.advice else {}
        return Complaint(401, "E0000011", "Invalid token provided", headers=hint)
    if isinstance(error, errors.SignInError):
        return Complaint(401, "E0000004", "Authentication failed")
    if isinstance(error, errors.NotFoundError):
        text = f"Not found: Resource not found: {error.identity[:MAX_ECHO]} ({error.kind})"
        return Complaint(404, "E0000007", text)
    if isinstance(error, errors.OverloadedError):
        wait = {"retry-after": str(error.retry_after_s)}
        return Complaint(503, "E0000010", "Service is in read only mode", [str(error)], wait)
    for kind, fixed in _FIXED.items():
        if isinstance(error, kind):
            return fixed._replace(causes=[str(error)] if str(error) else [])
    return _of_framework(error)


def _of_framework(error: Exception) -> Complaint:
    """Return what the caller is told about an error that FastAPI or Starlette raised."""
    if isinstance(error, RequestValidationError):
        texts = [f"{one['loc'][-1]}: {one['msg']}" for one in error.errors()]
        return Complaint(400, "E0000001", _INVALID + "request", texts)
    if isinstance(error, HTTPException):
        headers = error.headers or {}
        if error.status_code in _BY_STATUS:
            return Complaint(error.status_code, *_BY_STATUS[error.status_code], headers=headers)
        if error.status_code < 500:
            return Complaint(error.status_code, "E0000002", _NOT_VALID + error.detail[:MAX_ECHO], headers=headers)
    return _INTERNAL


def error_body(complaint: Complaint) -> bytes:
    """Return the five-field error object: errorCode, errorSummary, errorLink, errorId, errorCauses."""
    return msgspec.json.encode(
        {
            "errorCode": complaint.code,
            "errorSummary": complaint.summary,
            "errorLink": complaint.code,
            "errorId": new_error_id(),
            "errorCauses": [{"errorSummary": cause} for cause in complaint.causes],
        }
    )


def error_answer(error: Exception, standing: Standing | None = None) -> Response:
    """Return the answer to a request that ended with *error*.

    standing: of the caller, so that a 429 can say when to come back.
    """
    complaint = complaint_of(error)
    headers = dict(complaint.headers)
    if standing is not None and complaint.status == 429:
        headers["retry-after"] = str(standing.wait_s)
    return Response(error_body(complaint), complaint.status, headers, media_type="application/json")
