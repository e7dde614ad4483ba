"""The yardstick: our own sender alone, posting the same bytes straight to the sink. Prints one JSON line."""

from __future__ import annotations

import asyncio
import json
import sys
import time

import uvloop

from tenterhook.domain.attempt import Outcome
from tenterhook.domain.destination import DestinationRules, parse_destination
from tenterhook.egress.client import Client, Request, render_head


async def send_all(uri: str, size: int, calls: int, connections: int) -> dict[str, float]:
    """Send *calls* POSTs of *size* bytes on *connections* connections; return posts a second and CPU µs of each."""
    rules = DestinationRules(dev=True)
    headers = [
        ("User-Agent", "Okta-Integrations"),
        ("Accept", "application/json"),
        ("Content-Type", "application/json"),
    ]
    head = render_head("POST", parse_destination(uri, rules), headers)
    client = Client(rules)
    request = Request(head, "req0123456789abcdef0123456789", b"x" * size, "bench")
    left = iter(range(calls))

    async def one_lane() -> None:
        for _ in left:
            attempt = await client.send(request, 10.0)
            assert attempt.outcome is Outcome.DELIVERED, attempt

    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(one_lane() for _ in range(connections)))
    result = {
        "posts_per_s": calls / (time.perf_counter() - began),
        "cpu_us_per_post": (time.process_time() - cpu) / calls * 1e6,
    }
    await client.close()
    return result


print(json.dumps(uvloop.run(send_all(sys.argv[1], *map(int, sys.argv[2:5])))))
