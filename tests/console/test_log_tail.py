"""The console's live tail on a real connection: rows in few messages, what is skipped counted, and how it ends."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from api_rig import Wire, with_wire
from console_rig import appoint, browsing, enter, link_of

from tenterhook.console.log_tail import BEAT_S, MOST_ROWS, ROWS_PER_S
from tenterhook.domain.principal import Role

STREAM = "/console/system-log/stream"


@dataclass
class Message:
    """One block of the stream that carries rows."""

    id: str
    uuids: list[str]
    skipped: int
    html: str


@dataclass
class Tail:
    """A browser's stream."""

    reader: asyncio.StreamReader
    cookie: str
    head: str = ""
    ids: list[str] = field(default_factory=list)

    async def block(self) -> dict[str, str] | None:
        """Return the fields of the next block; None when the stream has ended."""
        async with asyncio.timeout(10):
            size = int(await self.reader.readline(), 16)
            text = (await self.reader.readexactly(size)).decode()
            await self.reader.readline()
        return dict(line.split(": ", 1) for line in text.strip().split("\n")) if size else None

    async def message(self) -> Message | None:
        """Return the next block that has rows; None when the stream has ended."""
        while (fields := await self.block()) is not None:
            self.ids.append(fields.get("id", ""))
            if "data" in fields:
                said: dict[str, Any] = json.loads(fields["data"])
                uuids = re.findall(r'id="e-([^"]+)"', said["rows"])
                return Message(fields["id"], uuids, said["skipped"], said["rows"])
        return None


@asynccontextmanager
async def tailing(wire: Wire, query: str = "", *fields: str, cookie: str = "") -> AsyncIterator[Tail]:
    """Follow the log as a read-only admin whose browser is signed in."""
    if not cookie:
        async with browsing(wire.api) as browser:
            await enter(browser, await link_of(wire.api, await appoint(wire.api, Role.READ_ONLY_ADMIN)))
            cookie = browser.cookie("sid") or ""
    reader, writer = await asyncio.open_connection("127.0.0.1", wire.port, limit=1 << 22)
    try:
        target = f"{STREAM}?{query}" if query else STREAM
        writer.write(wire.head(target, "GET", f"Cookie: sid={cookie}", "Accept: text/event-stream", *fields))
        async with asyncio.timeout(10):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
        yield Tail(reader, cookie, head)
    finally:
        writer.close()


def typed(count: int, name: str = "a.b") -> list[dict[str, Any]]:
    return [{"eventType": name, "displayMessage": f"<b>{n}"} for n in range(count)]


@with_wire()
async def test_rows_come_as_they_are_logged_the_newest_first(wire: Wire) -> None:
    async with tailing(wire) as tail:
        assert tail.head.startswith("HTTP/1.1 200")
        assert "text/event-stream" in tail.head
        assert "content-security-policy" in tail.head
        assert (await tail.block() or {})["retry"] == "2000"
        published = await wire.api.publish(*typed(3))
        message = await tail.message()
        assert message is not None
        assert (message.uuids, message.skipped) == (published[::-1], 0)
        assert "&lt;b&gt;0" in message.html
        assert "<b>0" not in message.html


@with_wire()
async def test_a_filter_and_a_place_to_go_on_from_hold(wire: Wire) -> None:
    only = "q=" + quote('eventType eq "a.b"')
    async with tailing(wire, only) as tail:
        await wire.api.publish(*typed(2, "c.d"), *typed(1))
        first = await tail.message()
        assert first is not None
        assert len(first.uuids) == 1
        cookie = tail.cookie
    missed = await wire.api.publish(*typed(2), *typed(1, "c.d"))
    for query, *fields in ((only, f"Last-Event-ID: {first.id}"), (f"{only}&after={first.id}",)):
        async with tailing(wire, query, *fields, cookie=cookie) as tail:
            message = await tail.message()
            assert message is not None
            assert message.uuids == missed[1::-1]


@with_wire()
async def test_what_comes_too_fast_is_counted_and_the_newest_is_shown(wire: Wire) -> None:
    async with tailing(wire) as tail:
        clock = asyncio.get_running_loop().time
        await tail.block()
        began, told, rows, published = clock(), 0, 0, []
        messages = 0
        for _ in range(12):
            published += await wire.api.publish(*typed(100))
        while told < len(published):
            message = await tail.message()
            assert message is not None
            assert len(message.uuids) <= MOST_ROWS
            messages += 1
            rows += len(message.uuids)
            told += len(message.uuids) + message.skipped
        took = clock() - began
        assert told == len(published)
        assert message.uuids[0] == published[-1]
        assert messages <= took / BEAT_S + 2
        assert rows <= MOST_ROWS + ROWS_PER_S * took + messages


@with_wire()
async def test_the_end_of_a_session_ends_its_stream(wire: Wire) -> None:
    async with browsing(wire.api) as browser:
        admin = await appoint(wire.api, Role.READ_ONLY_ADMIN)
        await enter(browser, await link_of(wire.api, admin))
        await browser.open("/console")
        async with tailing(wire, cookie=browser.cookie("sid") or "") as tail:
            await tail.block()
            assert (await browser.send("/console/sign-out")).status_code == 303
            # The end of the session is logged, which wakes the stream; it tells nothing of it.
            assert await tail.message() is None


@with_wire()
async def test_who_may_not_read_the_log_any_more_is_told_nothing_more(wire: Wire) -> None:
    async with browsing(wire.api) as browser:
        admin = await appoint(wire.api, Role.READ_ONLY_ADMIN)
        await enter(browser, await link_of(wire.api, admin))
        cookie = browser.cookie("sid") or ""
        async with tailing(wire, cookie=cookie) as tail:
            await tail.block()
            changed = {"login": admin.login, "name": admin.name, "role": "PUBLISHER"}
            assert (await wire.api.call("PUT", f"/api/v1/admins/{admin.id}", json=changed)).status_code == 200
            await wire.api.publish(*typed(1))
            assert await tail.message() is None
        # The session itself goes on, with what its role allows, under the cookie that the next page gives it.
        assert (await browser.open("/console")).status_code == 200
        assert browser.cookie("sid") != cookie


@with_wire()
async def test_a_stream_that_cannot_be_is_refused(wire: Wire) -> None:
    async with tailing(wire, "q=" + quote("actor.id is 7")) as tail:
        assert tail.head.startswith("HTTP/1.1 400")
        cookie = tail.cookie
    async with tailing(wire, "after=" + "x" * 70, cookie=cookie) as tail:
        assert tail.head.startswith("HTTP/1.1 400")
    async with tailing(wire, cookie="A" * 43) as tail:
        assert tail.head.startswith("HTTP/1.1 303")
    assert wire.api.pipeline.followers.open == 0


@with_wire()
async def test_a_stream_gives_its_place_up_when_the_browser_goes(wire: Wire) -> None:
    async with tailing(wire) as tail:
        await tail.block()
        assert wire.api.pipeline.followers.open == 1
    for _ in range(200):
        await wire.api.publish(*typed(1))
        if wire.api.pipeline.followers.open == 0:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("its place is still taken")
