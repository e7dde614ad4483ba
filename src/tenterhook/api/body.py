"""Reading JSON bodies."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from tenterhook.api.access import ask_again
from tenterhook.domain.strict_json import StrictJsonError, loads
from tenterhook.door.body import media_type, read_body
from tenterhook.door.exchange import exchange_of
from tenterhook.errors import MalformedBodyError, MediaTypeError

MAX_JSON_BYTES = 1024 * 1024

_JSON = ("application/json",)


async def read_json(request: Request) -> Any:
    """Return the JSON value that the body of *request* spells.

    Raises: MediaTypeError, if it does not say application/json; MalformedBodyError, if it is not JSON as we accept it;
    what `read_body` and `ask_again` raise.
    """
    if media_type(exchange_of(request.scope).facts) not in _JSON:
        raise MediaTypeError("Content-Type must be application/json (in UTF-8, as all JSON is).")
    body = await read_body(request, MAX_JSON_BYTES)
    await ask_again(request.scope)
    try:
        return loads(body)
    except StrictJsonError as error:
        raise MalformedBodyError(str(error)) from error
