"""The words that schemas are written in: JSON Schema 2020-12 as plain dicts.

An answer's record is open (clients have to bear new keys) and names what is always there; a body's record is closed
where the API refuses keys that it does not know.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Schema = dict[str, Any]

#: Times as the API writes them.
_MOMENT = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"
#: No control characters, and something that can be seen.
_LINE = r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$"
_LINES = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"
_UUID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"


def ref(name: str, about: str = "") -> Schema:
    """Return a reference to the component schema *name*."""
    return _told({"$ref": f"#/components/schemas/{name}"}, about)


def record(
    properties: Mapping[str, Schema],
    about: str = "",
    *,
    required: Iterable[str] | None = None,
    closed: bool = False,
    example: Any = None,
) -> Schema:
    """Return an object's schema.

    required: names of what has to be there; all of *properties*, if not given. closed: no other keys.
    """
    names = list(properties) if required is None else list(required)
    found = _told({"type": "object", "properties": dict(properties)}, about)
    if names:
        found["required"] = names
    if closed:
        found["additionalProperties"] = False
    if example is not None:
        found["examples"] = [example]
    return found


def free(about: str = "") -> Schema:
    """Return the schema of an object of any content."""
    return _told({"type": "object", "additionalProperties": True}, about)


def text(about: str = "", **facets: Any) -> Schema:
    """Return a text's schema. facets: keywords of JSON Schema."""
    return _told({"type": "string", **facets}, about)


def line(about: str = "", longest: int | None = None, **facets: Any) -> Schema:
    """Return the schema of a text on one line that is not blank. longest: in characters."""
    return text(about, **({} if longest is None else {"maxLength": longest}), pattern=_LINE, **facets)


def lines(about: str, longest: int) -> Schema:
    """Return the schema of a text that may have line breaks. longest: in characters."""
    return text(about, maxLength=longest, pattern=_LINES)


def choice(values: Iterable[str], about: str = "") -> Schema:
    """Return the schema of a text that is one of *values*."""
    return _told({"type": "string", "enum": [str(value) for value in values]}, about)


def moment(about: str = "") -> Schema:
    """Return the schema of a time as the API writes it: ISO 8601, UTC, milliseconds."""
    return text(about, format="date-time", pattern=_MOMENT)


def uuid(about: str = "") -> Schema:
    """Return the schema of a UUID as the API writes it."""
    return text(about, format="uuid", pattern=_UUID)


def identity(prefix: str, about: str = "") -> Schema:
    """Return the schema of an id: *prefix* and 17 letters and digits."""
    return text(about, pattern=f"^{prefix}[A-Za-z0-9]{{17}}$")


def whole(about: str = "", least: int | None = None, most: int | None = None, **facets: Any) -> Schema:
    """Return a whole number's schema, within its bounds."""
    return _told({"type": "integer", **_bounds(least, most), **facets}, about)


def number(about: str = "", least: float | None = None, most: float | None = None, **facets: Any) -> Schema:
    """Return a number's schema, within its bounds."""
    return _told({"type": "number", **_bounds(least, most), **facets}, about)


def flag(about: str = "", **facets: Any) -> Schema:
    """Return the schema of true or false."""
    return _told({"type": "boolean", **facets}, about)


def array(items: Schema, about: str = "", **facets: Any) -> Schema:
    """Return an array's schema."""
    return _told({"type": "array", "items": items, **facets}, about)


def maybe(schema: Schema) -> Schema:
    """Return *schema* with null allowed."""
    if "type" not in schema or not isinstance(schema["type"], str):
        about = schema.get("description", "")
        rest = {key: value for key, value in schema.items() if key != "description"}
        return _told({"anyOf": [rest, {"type": "null"}]}, about)
    found = {**schema, "type": [schema["type"], "null"]}
    if "enum" in found:
        found["enum"] = [*found["enum"], None]
    return found


def _bounds(least: float | None, most: float | None) -> Schema:
    found: Schema = {}
    if least is not None:
        found["minimum"] = least
    if most is not None:
        found["maximum"] = most
    return found


def _told(schema: Schema, about: str) -> Schema:
    return {**schema, "description": about} if about else schema
