"""What clients that do not move hold in memory is bounded, and others are served meanwhile."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from api_rig import EVENT, Wire, until, with_wire

from tenterhook.engine.budget import FREE_BYTES, MAX_BYTES, MAX_ORG_BYTES, Budget
from tenterhook.errors import OverloadedError

MIB = 1024 * 1024
LARGE = {**EVENT, "actor": {"id": "x", "type": "User", "displayName": "a" * 250_000}}

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def connecting(wire: Wire, *, buffer_bytes: int | None = None) -> AsyncIterator[Streams]:
    """A connection whose client takes next to nothing by itself, if its buffer is small."""
    client = socket.socket()
    if buffer_bytes is not None:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
    client.setblocking(False)
    await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", wire.port))
    reader, writer = await asyncio.open_connection(sock=client, limit=buffer_bytes or 65536)
    try:
        yield reader, writer
    finally:
        writer.close()


def head(wire: Wire, target: str, method: str, *fields: str) -> bytes:
    return wire.head(target, method, f"Authorization: SSWS {wire.api.token}", *fields)


def publish_head(wire: Wire, size: int) -> bytes:
    return head(wire, "/api/v1/events", "POST", "Content-Type: application/json", f"Content-Length: {size}")


async def fill_log(wire: Wire, events: int) -> None:
    for _ in range(events // 10):
        await wire.api.publish(*[LARGE] * 10)


@with_wire()
async def test_unfinished_bodies_beyond_the_budget_are_refused_and_small_ones_are_not(wire: Wire) -> None:
    budget = wire.api.frame.state.receiving = Budget("unfinished requests", 4 * MIB, 2 * MIB)
    body = json.dumps([EVENT]).encode().ljust(3 * MIB)
    async with connecting(wire) as (_, stuck), connecting(wire) as (late_reader, late):
        stuck.write(publish_head(wire, len(body)) + body[: MIB + MIB // 2])
        await until(lambda: budget.used > MIB)
        late.write(publish_head(wire, len(body)) + body[:MIB])
        told = await late_reader.readuntil(b"\r\n\r\n")
        assert told.startswith(b"HTTP/1.1 503 ")
        assert b"\r\nretry-after: 2\r\n" in told
        assert len(await wire.api.publish()) == 1, "what arrives whole, or is small, is taken"
    await until(lambda: budget.used == 0)


@with_wire()
async def test_a_body_that_has_arrived_is_counted_no_longer(wire: Wire) -> None:
    budget = wire.api.frame.state.receiving = Budget("unfinished requests", 4 * MIB, 2 * MIB)
    body = json.dumps([EVENT]).encode().ljust(MIB)
    for _ in range(5):
        raw = publish_head(wire, len(body)).replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") + body
        assert (await wire.say(raw)).startswith(b"HTTP/1.1 200 ")
    assert budget.used == 0


@with_wire()
async def test_pages_that_nobody_reads_are_refused_beyond_the_budget(wire: Wire) -> None:
    budget = wire.api.frame.state.answering = Budget("unread answers", 8 * MIB, 8 * MIB)
    await fill_log(wire, 20)
    page = head(wire, "/api/v1/logs?limit=1000", "GET")
    async with connecting(wire, buffer_bytes=4096) as (_, stuck), connecting(wire) as (late_reader, late):
        stuck.write(page)
        await until(lambda: budget.used > 4 * MIB)
        late.write(page)
        told = await late_reader.readuntil(b"\r\n\r\n")
        assert told.startswith(b"HTTP/1.1 503 ")
        assert b"\r\nretry-after: 2\r\n" in told
        small = await wire.api.call("GET", "/api/v1/logs?sortOrder=DESCENDING&limit=0")
        assert small.status_code == 200
    await until(lambda: budget.used == 0)
    assert (await wire.api.call("GET", "/api/v1/logs?limit=1000")).status_code == 200


@with_wire()
async def test_a_page_in_pieces_is_the_array_of_its_events(wire: Wire) -> None:
    budget = wire.api.frame.state.answering
    uuids = await wire.api.publish(EVENT, LARGE, LARGE, EVENT, LARGE)
    raw = head(wire, "/api/v1/logs?filter=eventType+eq+%22user.lifecycle.create%22", "GET", "Connection: close")
    answer, _, body = (await wire.say(raw)).partition(b"\r\n\r\n")
    assert b"content-length: %d" % len(body) in answer.lower().split(b"\r\n")
    assert [event["uuid"] for event in json.loads(body)] == uuids
    assert budget.used == 0


@with_wire()
async def test_any_large_answer_is_counted(wire: Wire) -> None:
    wire.api.frame.state.answering = Budget("unread answers", 1000, 1000)
    for _ in range(20):
        await wire.api.add_hook("http://127.0.0.1:9/in", description="d" * 4000)
    answer = await wire.api.call("GET", "/api/v1/eventHooks")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "2"
    assert answer.json()["errorCode"] == "E0000010"


def test_an_org_that_fills_its_part_leaves_room_to_the_others() -> None:
    budget = Budget("things")
    with budget.hold("one") as full, budget.hold("other") as other:
        full.add(MAX_ORG_BYTES + FREE_BYTES)
        with pytest.raises(OverloadedError), budget.hold("one") as more:
            more.add(FREE_BYTES + 1)
        with budget.hold("one") as small:
            small.add(FREE_BYTES)
        other.add(MAX_ORG_BYTES)
        assert budget.used == 2 * MAX_ORG_BYTES - FREE_BYTES <= MAX_BYTES
    assert budget.used == 0
