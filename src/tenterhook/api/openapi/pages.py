"""The document and its page, in the document."""

from __future__ import annotations

from tenterhook.api.openapi.operation import Answer, Operation, Section
from tenterhook.api.openapi.schema import free, text

SECTION = Section(
    "This reference",
    "The API described, for programs and for people. No token is asked for.",
    (
        Operation(
            *("getOpenApi", "GET /openapi.json", "Read the OpenAPI document"),
            Answer("OpenAPI 3.1.", free(), example={"openapi": "3.1.1"}),
        ),
        Operation(
            *("getReference", "GET /docs", "Read the API reference"),
            Answer("A page.", text(), media_type="text/html", example="<!doctype html>"),
        ),
    ),
)
