"""What can go wrong, as one tree.

    TenterhookError
    ├── CallerError                the caller erred; api/ maps each to one answer in one place
    │   ├── InvalidError           400 E0000001: one cause per problem
    │   ├── QueryError             400 with the code and summary that Okta's System Log gives
    │   ├── BadRequestError        400 E0000002: the request as a whole is not valid
    │   ├── MalformedBodyError     400 E0000003: not JSON as we accept it
    │   ├── MediaTypeError         400 E0000021
    │   ├── NotAuthenticatedError  401 E0000011
    │   ├── SignInError            401 E0000004: the same for every reason
    │   ├── ForbiddenError         403 E0000006
    │   ├── NotFoundError          404 E0000007
    │   ├── PreconditionError      412: the thing was changed since the caller saw it
    │   ├── TooLargeError          413
    │   └── RateLimitedError       429 E0000047
    ├── OverloadedError            503 E0000010: refused early, nothing stored; retrying later helps
    ├── QueryTimeoutError          504 E0000009: a log query took too long
    ├── EndpointError              400, 502 or 504: what the endpoint of an inline hook did that was executed by hand
    └── OperatorError              a start that cannot be: one line of advice, exit 2
        ├── SettingsError          a setting is wrong
        └── StorageError           the data directory cannot be used

A failing *peer* is never an exception, it is an `Attempt` (domain/attempt.py): but where it is all that was asked for.
"""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from typing import Literal


def stack_of(error: BaseException) -> str:
    """Return the stack of *error* for a log line, without the variables of its frames: they may hold secrets."""
    return "".join(traceback.format_exception(error))


class TenterhookError(Exception):
    """The root of every exception that Tenterhook raises on purpose."""


class CallerError(TenterhookError):
    """The caller erred: a 4xx. Repeating the same call does not help."""


class InvalidError(CallerError):
    """One or more fields are not valid.

    entity: what Okta names after the colon of its summary, such as ``eventHook``.
    problems: one text per problem, ``<field>: <what is wrong and what would be right>``.
    """

    def __init__(self, entity: str, problems: Sequence[str]) -> None:
        super().__init__(f"{entity}: " + "; ".join(problems))
        self.entity = entity
        self.problems = tuple(problems)


class QueryError(CallerError):
    """A log query is not valid, in the words that Okta's System Log has for it.

    code, summary: the whole ``errorCode`` and ``errorSummary``. causes: one text each, none for most. position: where
    in the filter the mistake is, counted from 0; None: nowhere in particular.
    Source: okta/system-log.md §5.
    """

    def __init__(self, code: str, summary: str, causes: Sequence[str] = (), position: int | None = None) -> None:
        super().__init__(summary)
        self.code = code
        self.summary = summary
        self.causes = tuple(causes)
        self.position = position


class BadRequestError(CallerError):
    """The request as a whole is not valid."""


class MalformedBodyError(CallerError):
    """The body is not JSON as we accept it (strict UTF-8, no duplicate keys, within the caps)."""


class MediaTypeError(CallerError):
    """The request's Content-Type or Content-Encoding is none that we accept."""


class NotAuthenticatedError(CallerError):
    """No token, or one that is not valid.

    advice: how the header is written, if its form is wrong; "" if it is right, for of a token it is never told why not.
    """

    def __init__(self, why: str, advice: str = "") -> None:
        super().__init__(why)
        self.advice = advice


class SignInError(CallerError):
    """Nobody is signed in by what was given. What was wrong with it is never told."""


class ForbiddenError(CallerError):
    """The token is valid and may not do this."""


class NotFoundError(CallerError):
    """No such thing in this org.

    kind: Okta's internal type name, such as ``Webhook`` for event hooks.
    """

    def __init__(self, identity: str, kind: str) -> None:
        super().__init__(f"Resource not found: {identity} ({kind})")
        self.identity = identity
        self.kind = kind


class PreconditionError(CallerError):
    """The thing is not as the caller has seen it: what If-Match names is another state of it."""


class TooLargeError(CallerError):
    """The body exceeds its cap."""


class RateLimitedError(CallerError):
    """Too many calls in this window."""


class OverloadedError(TenterhookError):
    """Refused early: nothing was stored, and the same call may succeed after *retry_after_s* seconds."""

    def __init__(self, why: str, retry_after_s: int = 1) -> None:
        super().__init__(why)
        self.retry_after_s = retry_after_s


class QueryTimeoutError(TenterhookError):
    """A log query exceeded its time; a narrower one may succeed."""


class EndpointError(TenterhookError):
    """The endpoint of an inline hook, asked because the caller wanted just that, gave nothing to answer with.

    what: ERROR, it answered an error object; UNREADABLE, something else than the contract; SILENT, nothing.
    """

    def __init__(self, what: Literal["ERROR", "UNREADABLE", "SILENT"], why: str) -> None:
        super().__init__(why)
        self.what = what


class OperatorError(TenterhookError):
    """The process cannot start or go on as it is set up; the text says what to do."""


class SettingsError(OperatorError):
    """A setting is wrong: the text names it, what was wrong and what would be right."""


class StorageError(OperatorError):
    """The data directory or database cannot be used."""
