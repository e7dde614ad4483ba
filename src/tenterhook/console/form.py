"""What a form sent, and which of its fields is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

from starlette.requests import Request

from tenterhook.console.same_origin import TOKEN_FIELD
from tenterhook.door.body import media_type, read_body
from tenterhook.door.exchange import exchange_of
from tenterhook.errors import BadRequestError, ForbiddenError, InvalidError

#: Of a form, unless its route allows more.
MAX_FORM_BYTES = 64 * 1024
#: A longer one takes milliseconds to read.
AT_ONCE_BYTES = 16 * 1024
#: A hook may ask for 300 event types and filter each of them.
MAX_FIELDS = 1_500

_URLENCODED = "application/x-www-form-urlencoded"


class Form:
    """The fields of a form, in the order sent. A name may be there several times."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._pairs = pairs

    def text(self, name: str, default: str = "") -> str:
        """Return the last value of a field; *default* if it was not sent."""
        found = self.all(name)
        return found[-1] if found else default

    def all(self, name: str) -> list[str]:
        """Return every value of a field: of check boxes, those that are ticked."""
        return [value for key, value in self._pairs if key == name]

    def has(self, name: str) -> bool:
        """Return whether a field was sent: of a check box, whether it is ticked."""
        return any(key == name for key, _ in self._pairs)


NOTHING = Form([])


async def read_form_body(request: Request, cap_bytes: int) -> bytes:
    """Return the bytes of the form that *request* sends.

    Raises: ForbiddenError, if it is no form of a page: only those carry a token; TooLargeError.
    """
    if media_type(exchange_of(request.scope).facts) != _URLENCODED:
        raise ForbiddenError(f"Only forms of this console's pages are taken: {_URLENCODED}.")
    return await read_body(request, cap_bytes)


def read_form(body: bytes) -> Form:
    """Return the form whose bytes these are. Raises: BadRequestError."""
    if not body.isascii():
        raise BadRequestError("The form has bytes that a browser would have written as %XX.")
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except UnicodeError as error:
        raise BadRequestError("The form is not UTF-8.") from error
    except ValueError as error:
        raise BadRequestError(f"The form has more than {MAX_FIELDS} fields.") from error
    return Form([(name, value.replace("\r\n", "\n")) for name, value in pairs])


def token_of(form: Form) -> str:
    """Return the token that ties a form to its browser."""
    return form.text(TOKEN_FIELD)


class FieldErrors:
    """The problems of an InvalidError, by the form's fields.

    fields: where the form calls a field otherwise than the document does: ``{"channel.config.uri": "url"}``. A problem
    below a path (``events.items[2]``) is that path's.
    """

    def __init__(self, error: InvalidError | None = None, fields: Mapping[str, str] | None = None) -> None:
        self._fields = fields or {}
        self._by_field: dict[str, list[str]] = {}
        #: Every problem once, with its field's name, for the summary: (field, text).
        self.all: list[tuple[str, str]] = []
        for problem in error.problems if error is not None else ():
            path, parted, text = problem.partition(": ")
            self.add(self._field_of(path) if parted else "", text if parted else problem)

    def __bool__(self) -> bool:
        return bool(self.all)

    def add(self, field: str, text: str) -> None:
        """Note one problem of a field; "" is none of the form's."""
        said = text[:1].upper() + text[1:]
        said = said if said.endswith((".", "?", "!")) else said + "."
        self._by_field.setdefault(field, []).append(said)
        self.all.append((field, said))

    def of(self, field: str) -> list[str]:
        """Return what is wrong with a field."""
        return self._by_field.get(field, [])

    def _field_of(self, path: str) -> str:
        above = path
        while above not in self._fields and (cut := max(above.rfind("."), above.rfind("["))) > 0:
            above = above[:cut]
        return self._fields.get(above, path)


NO_ERRORS = FieldErrors()
