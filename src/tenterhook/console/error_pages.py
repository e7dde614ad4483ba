"""What somebody at a browser is told when something went wrong: what it was, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.responses import Response

from tenterhook import errors
from tenterhook.console.visit import Visit
from tenterhook.door.protocol_error import ProtocolError

#: A text from outside that is repeated is cut to this many characters.
MAX_ECHO = 300


class Fault(NamedTuple):
    """One error as a page: a heading, what happened, and what would help."""

    status: int
    title: str
    text: str
    advice: str
    causes: Sequence[str] = ()


_BY_STATUS = {
    404: Fault(404, "Nothing is here", "There is no page at this address.", "Check it, or begin at the overview."),
    405: Fault(405, "Not this way", "This address is not answered in this way.", "Go back and use the page's buttons."),
}
_INTERNAL = Fault(
    500,
    "That is our fault",
    "Something failed on the server, and nothing of what you sent may have been done.",
    "Try again. If it happens again, tell whoever runs this server the request id below: the server's log has it.",
)


def fault_of(error: Exception) -> Fault:
    """Return what is told of *error*; anything that is not the reader's fault is a bare 500."""
    if isinstance(error, errors.InvalidError):
        return Fault(400, "That is not valid", "What you sent was refused:", "Go back and correct it.", error.problems)
    if isinstance(error, errors.QueryError):
        return Fault(400, "That search is not valid", error.summary, "Correct it and search again.", error.causes)
    if isinstance(error, errors.QueryTimeoutError):
        return Fault(504, "That took too long", str(error), "Narrow the search: a shorter time, or one event type.")
    if isinstance(error, errors.OverloadedError):
        text = f"Nothing was changed: {str(error)[:MAX_ECHO]}."
        return Fault(503, "Too busy just now", text, f"Try again in {error.retry_after_s} s.")
    if isinstance(error, HTTPException):
        plain = Fault(error.status_code, "That did not work", error.detail[:MAX_ECHO], "Go back and try again.")
        return _BY_STATUS.get(error.status_code, plain if error.status_code < 500 else _INTERNAL)
    return _of_caller(error)


def _of_caller(error: Exception) -> Fault:
    text = str(error)[:MAX_ECHO]
    if isinstance(error, errors.ForbiddenError):
        advice = "If you came by a form, open its page anew and send it again. Otherwise ask a super admin."
        return Fault(403, "You may not do this", text, advice)
    if isinstance(error, errors.NotFoundError):
        named = error.identity[:MAX_ECHO]
        return Fault(404, "There is no such thing", f"Nothing in this org has the id {named}.", "It may be deleted.")
    if isinstance(error, errors.PreconditionError):
        return Fault(412, "Somebody was faster", text, "Open it anew, and make your change on what it is now.")
    if isinstance(error, errors.TooLargeError):
        return Fault(413, "That is too large", f"What you sent was not read: {text}.", "Send less.")
    if isinstance(error, errors.RateLimitedError):
        return Fault(429, "Too many tries", "You, or somebody at your address, called too often.", "Wait a moment.")
    if isinstance(error, ProtocolError):
        return Fault(error.status, "That request is not right", f"{text}.", "Check the address.")
    if isinstance(error, errors.CallerError):
        return Fault(400, "That request is not right", text, "Go back and try again.")
    return _INTERNAL


def error_page(error: Exception, visit: Visit) -> Response:
    """Return the page that tells of *error*; whoever is not signed in and has to be is sent to do so."""
    if isinstance(error, errors.NotAuthenticatedError):
        return visit.redirect(_sign_in(visit))
    fault = fault_of(error)
    wait_s = visit.exchange.standing.wait_s
    if fault.status == 429:
        fault = fault._replace(advice=f"Wait {wait_s} s, then try again.")
    response = visit.render("error.html", status=fault.status, fault=fault)
    if isinstance(error, HTTPException):
        response.headers.update(error.headers or {})
    if fault.status == 429:
        response.headers["retry-after"] = str(wait_s)
    elif isinstance(error, errors.OverloadedError):
        response.headers["retry-after"] = str(error.retry_after_s)
    return response


def _sign_in(visit: Visit) -> str:
    if visit.request.method not in ("GET", "HEAD") or visit.path == "/console":
        return "/console/sign-in"
    return f"/console/sign-in?next={quote(visit.address, safe='/')}"
