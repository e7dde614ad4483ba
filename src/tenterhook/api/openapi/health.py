"""Probes in the OpenAPI document. Source: `engine/check_health`."""

from __future__ import annotations

from tenterhook.api.openapi.operation import Answer, Operation, Section
from tenterhook.api.openapi.schema import choice, number, record, ref, text, whole

_SCHEMAS = {
    "Health": record(
        {
            "status": choice(("ok",)),
            "version": text("Of Tenterhook."),
            "profile": choice(("open", "okta", "okta-2021")),
            "mode": choice(("production", "development")),
            "durability": {
                **record({"grade": choice(("FULL", "REDUCED"))}, "What the database answered about its settings."),
                "additionalProperties": True,
            },
            "runnable": whole("Deliveries that could go out now.", 0),
            "oldestPendingAgeSeconds": number("Since the oldest of those was due.", 0),
        },
        "How this process is.",
        example={
            "status": "ok",
            "version": "0.1.0",
            "profile": "open",
            "mode": "production",
            "durability": {"grade": "FULL", "journal_mode": "wal", "synchronous": 2},
            "runnable": 0,
            "oldestPendingAgeSeconds": 0.0,
        },
    )
}

SECTION = Section(
    "Health",
    "For probes; no token is asked for.",
    (
        Operation(
            *("getHealth", "GET /healthz", "Read this server's health"),
            Answer("How it is.", ref("Health")),
            errors=(503,),
        ),
        Operation(
            *("getReadiness", "GET /readyz", "Ask whether this server can take work"),
            Answer("It can.", record({"status": choice(("ready",))}), example={"status": "ready"}),
            errors=(503,),
        ),
    ),
    _SCHEMAS,
)
