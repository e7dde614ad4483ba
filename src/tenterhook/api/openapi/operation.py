"""What is said of one route: its words, parameters, body, answers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from tenterhook.api.openapi.schema import Schema, identity, text, whole

_IN_PATH = re.compile(r"\{(\w+)\}")


class Parameter(NamedTuple):
    """One parameter in the query or a header."""

    name: str
    about: str
    schema: Schema
    place: str = "query"
    example: Any = None


class Body(NamedTuple):
    """What a request carries."""

    schema: Schema
    example: Any  #: of the first media type
    media_types: tuple[str, ...] = ("application/json",)
    required: bool = True


class Answer(NamedTuple):
    """How a call that went well is answered."""

    about: str
    schema: Schema | None = None  #: None: 204, without a body
    headers: tuple[str, ...] = ()  #: names of component headers, beside those of every answer
    media_type: str = "application/json"
    example: Any = None  #: else the example of the schema that it refers to


class Operation(NamedTuple):
    """One method of one path, as `document` looks it up."""

    id: str  #: operationId, once in the document
    call: str  #: method and path, such as ``GET /api/v1/eventHooks/{hookId}``
    title: str  #: a few words
    answer: Answer
    parameters: tuple[Parameter, ...] = ()
    body: Body | None = None
    errors: tuple[int, ...] = ()  #: statuses beside those that follow from the route: guard, path parameters, body
    about: str = ""  #: added to what the route's docstring says

    @property
    def method(self) -> str:
        """The method, in capitals."""
        return self.call.partition(" ")[0]

    @property
    def path(self) -> str:
        """The path, with its parameters in braces."""
        return self.call.partition(" ")[2]

    @property
    def path_parameters(self) -> list[str]:
        """The names of what the path leaves open."""
        return _IN_PATH.findall(self.path)


class Section(NamedTuple):
    """The operations on one resource, and the schemas they bring."""

    tag: str
    about: str
    operations: tuple[Operation, ...]
    schemas: Mapping[str, Schema] = {}


#: What stands in paths: name -> what it is, its schema, an example.
PATH_PARAMETERS: Mapping[str, tuple[str, Schema, str]] = {
    "hookId": ("The event hook's id.", identity("who"), "who1a2b3c4d5e6f7g8h9"),
    "eventId": ("The delivery's eventId.", text(format="uuid"), "019ab1c2-3d4e-7f50-8a6b-7c8d9e0f1a2b"),
    "uuid": ("The log event's uuid.", text(format="uuid"), "019ab1c2-0000-7f50-8a6b-7c8d9e0f1a2b"),
    "adminId": ("The admin's id.", identity("00u"), "00u1a2b3c4d5e6f7g8h9"),
    "name": ("The event type's name.", text(minLength=1), "user.session.start"),
    "orgId": ("The org's id.", identity("00o"), "00o1a2b3c4d5e6f7g8h9"),
    "inlineHookId": ("The inline hook's id.", identity("cal"), "cal1a2b3c4d5e6f7g8h9"),
    "hookKeyId": ("The hook key's id.", identity("HKY"), "HKY1a2b3c4d5e6f7g8h9"),
    "keyId": ("The hook key's keyId.", text(format="uuid"), "0f3c2a86-5d1e-4b7a-9c58-6e2d4f1b7a90"),
    "tokenId": ("The token's id; not the token.", identity("00T"), "00T1a2b3c4d5e6f7g8h9"),
}

AFTER = Parameter(
    "after", "The cursor of the page before: follow its `Link` header instead of making one.", text(minLength=1)
)


def limit(default: int | None, most: int) -> Parameter:
    """Return the parameter that says how much of a list is wanted. default: None for all of it."""
    facets = {} if default is None else {"default": default}
    return Parameter("limit", "How many at most.", whole("", 1, most, **facets), example=20)


def document_path(route_path: str) -> str:
    """Return the path of a route as the document spells it: ``{hook_id}`` is ``{hookId}``."""

    def camel(match: re.Match[str]) -> str:
        first, *others = match[1].split("_")
        return "{" + first + "".join(part.title() for part in others) + "}"

    return _IN_PATH.sub(camel, route_path)
