"""Put the OpenAPI document together: what a route asks comes from the route, what it says from its resource's module.

A new route is described where its resource's other routes are; tests/api/test_openapi.py fails until it is.
Source: OpenAPI 3.1.1.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from importlib.metadata import version
from typing import Any, NamedTuple

from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Route

from tenterhook.api import events
from tenterhook.api.access import guard_of
from tenterhook.api.openapi import (
    admins,
    deliveries,
    event_hooks,
    event_types,
    health,
    hook_keys,
    inline_calls,
    inline_hooks,
    limits,
    logs,
    pages,
    publishing,
    tokens,
    webhooks,
)
from tenterhook.api.openapi.answers import ALWAYS, ERROR, HEADERS, REFUSALS, header_refs, refusal_response
from tenterhook.api.openapi.operation import PATH_PARAMETERS, Answer, Operation, Parameter, Section, document_path
from tenterhook.domain.principal import Permission

#: In the order in which people read them.
SECTIONS: tuple[Section, ...] = (
    event_hooks.SECTION,
    deliveries.SECTION,
    inline_hooks.SECTION,
    inline_calls.SECTION,
    hook_keys.SECTION,
    event_types.SECTION,
    publishing.SECTION,
    logs.SECTION,
    admins.ADMINS,
    tokens.SECTION,
    admins.ORGS,
    limits.SECTION,
    health.SECTION,
    pages.SECTION,
)
#: Routes below the framework, which have no signature to read.
_BELOW = {f"POST {events.PATH}": (events.publish_events, Permission.PUBLISH)}

#: Statuses that any request can be refused with, and any call below /api/.
_ANY, _GUARDED = (400, 408, 414, 421, 431), (401, 403, 429, 503)

_ABOUT = """\
Event hooks, inline hooks and System Log as Okta has them, and what Tenterhook adds in the same conventions.
(Not affiliated with Okta.)

Calls carry a token: `Authorization: SSWS <token>`, or `Bearer <JWT>` of a configured issuer. Bodies are JSON in UTF-8.
Lists are bare arrays; a `Link` header leads to the next page. Every refusal has the same five fields, and every answer
carries `X-Okta-Request-Id`, `X-Rate-Limit-Limit`, `X-Rate-Limit-Remaining` and `X-Rate-Limit-Reset`.
Times are ISO 8601 in UTC. Clients must bear keys that they do not know.
"""
_SECURITY_SCHEMES = {
    "apiToken": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "`SSWS <token>`: an API token, with a role or with scopes.",
    },
    "oauth2": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "An OAuth 2.0 access token of an issuer that the operator has configured, with the scope named.",
    },
}
_PARAGRAPHS = re.compile(r"\n\s*\n")


class Call(NamedTuple):
    """One method of one route, as the application has it."""

    permission: Permission | None
    about: str  #: the first paragraph of its docstring
    also: tuple[Permission, ...] = ()  #: what it asks for beside


def calls_of(routes: Iterable[BaseRoute]) -> dict[str, Call]:
    """Return what each of *routes*, and of those below the framework, asks: method and path -> call."""
    calls = {key: Call(permission, _told(function)) for key, (function, permission) in _BELOW.items()}
    for route in routes:
        if not isinstance(route, Route):
            continue
        guard = guard_of(route) if isinstance(route, APIRoute) else None
        for method in sorted((route.methods or set()) - {"HEAD"}):
            key = f"{method} {document_path(route.path)}"
            about = _told(route.endpoint)
            calls[key] = Call(None, about) if guard is None else Call(guard.permission, about, guard.also)
    return calls


def document(routes: Iterable[BaseRoute], base_url: str) -> dict[str, Any]:
    """Return the OpenAPI document of *routes*.

    base_url: where the API is, absolute. A route that no section describes is left out, and so is a description
    without a route: a test sees to it that there are neither.
    """
    calls = calls_of(routes)
    paths: dict[str, dict[str, Any]] = {}
    schemas: dict[str, Any] = {"Error": ERROR}
    for section in SECTIONS:
        schemas.update(section.schemas)
    for section in SECTIONS:
        for operation in section.operations:
            if operation.call in calls:
                said = _operation(section, operation, calls[operation.call], schemas)
                paths.setdefault(operation.path, {})[operation.method.lower()] = said
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "Tenterhook",
            "version": version("tenterhook"),
            "summary": "Okta-compatible event hooks, inline hooks and System Log, self-hosted.",
            "description": _ABOUT,
        },
        "jsonSchemaDialect": "https://spec.openapis.org/oas/3.1/dialect/base",
        "servers": [{"url": base_url}],
        "tags": [{"name": section.tag, "description": section.about} for section in SECTIONS],
        "paths": paths,
        "webhooks": webhooks.WEBHOOKS,
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "responses": {refusal.name: refusal_response(refusal) for refusal in REFUSALS.values()},
            "headers": HEADERS,
            "securitySchemes": _SECURITY_SCHEMES,
        },
    }


def _told(function: Callable[..., Any]) -> str:
    first = _PARAGRAPHS.split(inspect.getdoc(function) or "")[0]
    return " ".join(first.split()).replace("``", "`")


def _operation(section: Section, operation: Operation, call: Call, schemas: dict[str, Any]) -> dict[str, Any]:
    said: dict[str, Any] = {
        "operationId": operation.id,
        "tags": [section.tag],
        "summary": operation.title,
        "description": "\n\n".join(part for part in (call.about, operation.about) if part),
    }
    parameters = [_path_parameter(name) for name in operation.path_parameters]
    parameters += [_parameter(parameter) for parameter in operation.parameters]
    if parameters:
        said["parameters"] = parameters
    if operation.body is not None:
        body = operation.body
        first, *others = body.media_types
        content = {first: {"schema": body.schema, "example": body.example}}
        content |= {name: {"schema": {"type": "string"}} for name in others}
        said["requestBody"] = {"required": body.required, "content": content}
    said["responses"] = _responses(operation, call, schemas)
    scopes = [] if call.permission is None else [str(one) for one in (call.permission, *call.also)]
    said["security"] = [{"apiToken": scopes}, {"oauth2": scopes}] if scopes else []
    return said


def _responses(operation: Operation, call: Call, schemas: dict[str, Any]) -> dict[str, Any]:
    answer = operation.answer
    statuses = {*_ANY, *operation.errors}
    if call.permission is not None:
        statuses.update(_GUARDED)
    if operation.path_parameters:
        statuses.add(404)
    if operation.body is not None:
        statuses |= {411, 413}
    responses = {"204" if answer.schema is None else "200": _success(answer, schemas)}
    return responses | {str(status): {"$ref": _response_ref(status)} for status in sorted(statuses)}


def _response_ref(status: int) -> str:
    return f"#/components/responses/{REFUSALS[status].name}"


def _success(answer: Answer, schemas: dict[str, Any]) -> dict[str, Any]:
    said: dict[str, Any] = {"description": answer.about, "headers": header_refs((*ALWAYS, *answer.headers))}
    if answer.schema is not None:
        example = example_of(answer.schema, schemas) if answer.example is None else answer.example
        told = {} if example is None else {"example": example}
        said["content"] = {answer.media_type: {"schema": answer.schema, **told}}
    return said


def example_of(schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """Return the first example that *schema*, or what it refers to, brings; None if there is none."""
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    if "examples" in schema:
        return schema["examples"][0]
    if schema.get("type") == "array":
        item = example_of(schema["items"], schemas)
        return None if item is None else [item]
    return None


def _parameter(parameter: Parameter) -> dict[str, Any]:
    said = {
        "name": parameter.name,
        "in": parameter.place,
        "description": parameter.about,
        "schema": parameter.schema,
    }
    return said if parameter.example is None else {**said, "example": parameter.example}


def _path_parameter(name: str) -> dict[str, Any]:
    about, schema, example = PATH_PARAMETERS[name]
    return {"name": name, "in": "path", "required": True, "description": about, "schema": schema, "example": example}
