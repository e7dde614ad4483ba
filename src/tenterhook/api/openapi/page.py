"""The reference as a page: rendered from the document, one file, readable without scripts.

Nothing in it comes from a tenant; everything is escaped all the same.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any, NamedTuple

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup, escape

_METHODS = ("get", "post", "put", "patch", "delete")
#: Records inside records are drawn this deep; what lies deeper has a schema of its own.
_DEEPEST = 8
_CODE = re.compile(r"`([^`]+)`")
_EMPHASIS = re.compile(r"\*([^*\s][^*]*)\*")
_IN_PATH = re.compile(r"(\{\w+\})")


def _load(name: str) -> str:
    return (files("tenterhook.api") / "templates" / name).read_text("utf-8")


STYLE = _load("docs.css")
#: The style's hash is the one thing that this page lets a browser apply; scripts, frames, forms, loads: none.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'sha256-"
    + base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    + "'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class Field(NamedTuple):
    """One line of a schema's tree."""

    name: str
    kind: str  #: in words: ``text``, ``array of EventHook`` …
    link: str | None  #: the schema that it refers to
    required: bool
    notes: list[str]  #: bounds, values, defaults
    about: str
    fields: list[Field]  #: of the record inside it


def render_page(document: Mapping[str, Any]) -> bytes:
    """Return the page of an OpenAPI *document* as UTF-8 HTML."""
    environment = Environment(
        autoescape=True,
        loader=FunctionLoader(_load),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["prose"] = prose
    environment.filters["path"] = _broken_path
    drawn = _Drawing(document)
    page = environment.get_template("docs.html").render(
        style=Markup(STYLE),  # noqa: S704 - our own file, and its hash is the policy
        info=document["info"],
        server=document["servers"][0]["url"],
        sections=list(drawn.sections()),
        schemas=[(name, drawn.tree(schema), schema) for name, schema in document["components"]["schemas"].items()],
        refusals=drawn.refusals(),
        pretty=_pretty,
    )
    return page.encode()


def prose(text: str) -> Markup:
    """Return *text* as HTML: paragraphs, `code`, *emphasis*; nothing else means anything."""
    paragraphs = [" ".join(part.split()) for part in text.split("\n\n") if part.strip()]
    return Markup("").join(Markup("<p>{}</p>").format(_inline(part)) for part in paragraphs)


def _inline(text: str) -> Markup:
    pieces = []
    for at, piece in enumerate(_CODE.split(text)):
        if at % 2:
            pieces.append(Markup("<code>{}</code>").format(piece))
        else:
            pieces.append(Markup(_EMPHASIS.sub(r"<em>\1</em>", str(escape(piece)))))  # noqa: S704 - escaped before
    return Markup("").join(pieces)


def _broken_path(path: str) -> Markup:
    """Return *path* with its parameters marked, and with places where a narrow screen may break it."""
    pieces = (
        Markup("<var>{}</var>").format(piece) if at % 2 else Markup("/<wbr>").join(escape(piece).split("/"))
        for at, piece in enumerate(_IN_PATH.split(path))
    )
    return Markup("").join(pieces)


def _pretty(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)


class _Drawing:
    """Reads one document for the template."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._components = document["components"]

    def sections(self) -> Iterator[dict[str, Any]]:
        """Yield each tag with its operations; what we send comes last."""
        found: dict[str, list[dict[str, Any]]] = {tag["name"]: [] for tag in self._document["tags"]}
        for path, item in self._document["paths"].items():
            for method in _METHODS:
                if method in item:
                    found[item[method]["tags"][0]].append(self._operation(method, path, item[method]))
        for tag in self._document["tags"]:
            if found[tag["name"]]:
                yield {"name": tag["name"], "about": tag["description"], "operations": found[tag["name"]]}
        sent = [
            self._operation(method, "your endpoint", said)
            for item in self._document["webhooks"].values()
            for method, said in item.items()
        ]
        yield {"name": "What your endpoint gets", "about": "The requests that Tenterhook sends.", "operations": sent}

    def refusals(self) -> list[dict[str, Any]]:
        """Return every refusal with its status, code and example."""
        found: dict[str, dict[str, Any]] = {}
        for item in self._document["paths"].values():
            for said in item.values():
                found |= {status: ref for status, ref in said["responses"].items() if "$ref" in ref}
        return [{"status": status, **self._refusal(ref)} for status, ref in sorted(found.items())]

    def tree(self, schema: Mapping[str, Any], depth: int = 0) -> list[Field]:
        """Return the lines of *schema*'s tree; a named schema is a link, not a branch."""
        if depth > _DEEPEST:
            return []
        inner = _record_in(schema)
        required = inner.get("required", ())
        return [self._field(name, part, name in required, depth) for name, part in inner.get("properties", {}).items()]

    def _field(self, name: str, schema: Mapping[str, Any], required: bool, depth: int) -> Field:
        kind, link = _kind(schema)
        branches = [] if link else self.tree(schema, depth + 1)
        return Field(name, kind, link, required, _notes(schema), schema.get("description", ""), branches)

    def _operation(self, method: str, path: str, said: Mapping[str, Any]) -> dict[str, Any]:
        body = self._content(said.get("requestBody", {}))
        answers = []
        errors = []
        for status, response in said["responses"].items():
            if "$ref" in response:
                errors.append((status, self._refusal(response)["name"]))
            else:
                answers.append(self._answer(status, response))
        security = said.get("security") or [{}]
        scopes = [scope for names in security[0].values() for scope in names]
        ours = path.startswith("/")
        return {
            "id": said["operationId"],
            "method": method.upper(),
            "path": path,
            "title": said["summary"],
            "about": said["description"],
            "scopes": scopes,
            "body": body,
            "answers": answers,
            "errors": errors,
            "parameters": [(one, *_kind(one["schema"]), _notes(one["schema"])) for one in said.get("parameters", ())],
            "curl": self._curl(method, path, said) if ours else None,
        }

    def _answer(self, status: str, response: Mapping[str, Any]) -> dict[str, Any]:
        headers = [name for name in response.get("headers", {}) if not name.startswith(("X-Rate", "X-Okta"))]
        return {
            "status": status,
            "about": response["description"],
            "content": self._content(response),
            "headers": [(name, self._components["headers"][name]["description"]) for name in headers],
        }

    def _content(self, said: Mapping[str, Any]) -> dict[str, Any] | None:
        if "content" not in said:
            return None
        media_type, content = next(iter(said["content"].items()))
        kind, link = _kind(content["schema"])
        return {
            "media_types": list(said["content"]),
            "kind": kind,
            "link": link,
            "fields": self.tree(content["schema"]) or self.tree(self._named(link)),
            "example": content.get("example") if media_type != "text/html" else None,
        }

    def _named(self, name: str | None) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._components["schemas"][name] if name else {}
        return found

    def _refusal(self, response: Mapping[str, Any]) -> dict[str, Any]:
        name = response["$ref"].rpartition("/")[2]
        found = self._components["responses"][name]
        content = found["content"]["application/json"]
        codes = content["schema"]["allOf"][1]["properties"]["errorCode"]["enum"]
        return {"name": name, "about": found["description"], "codes": codes, "example": content["example"]}

    def _curl(self, method: str, path: str, said: Mapping[str, Any]) -> str:
        examples = {one["name"]: one.get("example", "") for one in said.get("parameters", ()) if one["in"] == "path"}
        address = self._document["servers"][0]["url"] + path.format_map(examples)
        lines = ["curl" if method == "get" else f"curl -X {method.upper()}", f'"{address}"']
        line = " ".join(lines)
        if said.get("security"):
            line += ' \\\n  -H "Authorization: SSWS $TENTERHOOK_TOKEN"'
        if "requestBody" in said:
            media_type, content = next(iter(said["requestBody"]["content"].items()))
            body = json.dumps(content["example"], ensure_ascii=False).replace("'", "'\\''")
            line += f" \\\n  -H 'Content-Type: {media_type}' \\\n  -d '{body}'"
        return line


def _record_in(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the record that *schema* is, or is an array of, or may be."""
    if schema.get("properties"):
        return schema
    for inner in (schema.get("items"), *schema.get("anyOf", ()), *schema.get("oneOf", ())):
        if inner and (found := _record_in(inner)):
            return found
    return {}


def _kind(schema: Mapping[str, Any]) -> tuple[str, str | None]:
    """Return what *schema* is, in words, and the named schema in it."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return name, name
    for key in ("anyOf", "oneOf"):
        if key in schema:
            kinds = [_kind(one) for one in schema[key]]
            return " or ".join(dict.fromkeys(kind for kind, _ in kinds)), next(
                (link for _, link in kinds if link), None
            )
    kinds_named = schema.get("type", "any")
    kinds_named = [kinds_named] if isinstance(kinds_named, str) else kinds_named
    words = [_WORDS.get(kind, kind) for kind in kinds_named]
    if "array" in kinds_named:
        inner, link = _kind(schema["items"])
        return " or ".join([f"array of {inner}", *(word for word in words if word != "array")]), link
    return " or ".join(words), None


_WORDS = {"string": "text", "integer": "whole number", "boolean": "true or false"}
_FACETS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "maxLength": "at most {} characters",
    "minItems": "at least {}",
    "maxItems": "at most {} entries",
    "default": "{} if left out",
}


def _notes(schema: Mapping[str, Any]) -> list[str]:
    """Return what narrows *schema*, in words."""
    values = schema.get("enum") or (schema.get("items") or {}).get("enum")
    for option in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        values = values or option.get("enum")
    notes = [" · ".join("null" if value is None else str(value) for value in values)] if values else []
    notes += ["not empty"] if schema.get("minLength") == 1 else []
    return notes + [words.format(_said(schema[facet])) for facet, words in _FACETS.items() if facet in schema]


def _said(value: object) -> str:
    """Return a facet's value as people write it."""
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else _pretty(value)
