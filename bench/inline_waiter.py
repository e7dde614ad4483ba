"""How long callers of hostile endpoints wait beyond their budget, embedded, in a process of its own.

Takes a JSON object of cases, each with its address, and prints one JSON line: ms beyond the budget, by case.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import uvloop

from bench.hostile import TOKEN_URL
from tenterhook.domain.address import Address
from tenterhook.domain.inline.kind import IMPORT
from tenterhook.domain.inline.sample import sample_data
from tenterhook.egress.client import Client
from tenterhook.engine.inline.breakers import Breakers
from tenterhook.platform import Tenterhook

BUDGET_S, ROUNDS, AT_ONCE = 1.0, 5, 10
NAME = "a name that is never resolved"


class _Never:
    """A resolver that never answers."""

    async def resolve(self, host: str, port: int) -> Sequence[Address]:
        await asyncio.Event().wait()
        raise AssertionError("it waits for ever")


def _config(case: str, uri: str) -> dict[str, Any]:
    if case != TOKEN_URL:
        return {"type": "HTTP", "version": "1.0.0", "config": {"uri": uri}}
    client = {"clientId": "bench", "clientSecret": "of the benchmark", "authType": "client_secret_post"}
    return {"type": "OAUTH", "version": "1.0.0", "config": {"uri": uri, "tokenUrl": uri, **client}}


async def _waited(hooks: Tenterhook, hook_id: str) -> list[float]:
    """Return what callers waited beyond their budget: ms."""
    data = sample_data(IMPORT.type)

    async def call() -> float:
        began = time.perf_counter()
        result = await hooks.call_inline(IMPORT.type, data, hook_id=hook_id)
        waited_s = time.perf_counter() - began
        assert result.outcome == "UNCHANGED", result
        assert waited_s >= BUDGET_S - 0.1, result.reason
        return (waited_s - BUDGET_S) * 1000

    found = []
    for _ in range(ROUNDS):
        hooks.pipeline.switchboard.breakers = Breakers()  # it would spare the endpoint, and with it the wait
        found += await asyncio.gather(*(call() for _ in range(AT_ONCE)))
        await asyncio.sleep(0.2)  # a fetch of a token that is about to end would be waited for, too
    return found


async def main(cases: dict[str, str]) -> dict[str, list[float]]:
    """Measure *cases* (what the endpoint does -> its address) and a name that nobody resolves."""
    found = {}
    with tempfile.TemporaryDirectory(prefix="tenterhook-bench-") as folder:
        async with Tenterhook.at(str(Path(folder) / "data"), dev=True) as hooks:
            hooks.pipeline.switchboard.timeout_s = BUDGET_S
            for case, uri in cases.items():
                document = {"name": case, "type": IMPORT.type, "version": "1.0.0", "channel": _config(case, uri)}
                found[case] = await _waited(hooks, (await hooks.put_inline_hook(document))["id"])
            hooks.pipeline.client = Client(hooks.pipeline.rules, resolver=_Never())
            document["name"], document["channel"] = NAME, _config(NAME, "http://never.example.com/ask")
            found[NAME] = await _waited(hooks, (await hooks.put_inline_hook(document))["id"])
    return found


print(json.dumps(uvloop.run(main(json.loads(sys.argv[1])))))
