"""GET /api/v1/logs/stream on a real connection: the answer's form, who may, how many, and how it ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest
from api_rig import Wire, until, with_wire

STREAM = "/api/v1/logs/stream"
ONLY = quote('eventType eq "a.b"')


class Message(NamedTuple):
    """One block of the stream."""

    id: str | None
    event: Any
    name: str | None = None
    comment: str | None = None
    retry: str | None = None


class Stream:
    """One client of the stream, on a connection of its own."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.head: list[str] = []
        self._text = b""

    @property
    def status(self) -> int:
        return int(self.head[0].split()[1])

    async def begin(self) -> None:
        self.head = (await self.reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")

    async def body(self) -> Any:
        """Return the JSON of an answer that ends."""
        length = next(int(line.split(":")[1]) for line in self.head if line.startswith("content-length:"))
        return json.loads(await self.reader.readexactly(length))

    async def message(self) -> Message | None:
        """Return the next block, None when the stream has ended well."""
        async with asyncio.timeout(10):
            while b"\n\n" not in self._text:
                size = int(await self.reader.readline(), 16)
                self._text += await self.reader.readexactly(size)
                await self.reader.readline()
                if not size:
                    assert not self._text
                    return None
        block, _, self._text = self._text.partition(b"\n\n")
        fields = dict(line.split(": ", 1) for line in block.decode().split("\n"))
        data = fields.get("data")
        return Message(
            fields.get("id"), data and json.loads(data), fields.get("event"), fields.get(""), fields.get("retry")
        )

    async def events(self, count: int) -> list[Message]:
        """Return the next *count* blocks that carry an event."""
        found: list[Message] = []
        while len(found) < count:
            message = await self.message()
            assert message is not None, f"ended after {len(found)} of {count}"
            found += [message] if message.event else []
        return found


@asynccontextmanager
async def streaming(wire: Wire, query: str = "", *fields: str, token: str | None = None) -> AsyncIterator[Stream]:
    reader, writer = await asyncio.open_connection("127.0.0.1", wire.port, limit=1 << 20)
    try:
        auth = f"Authorization: SSWS {token or wire.api.token}"
        writer.write(wire.head(f"{STREAM}?{query}" if query else STREAM, "GET", auth, *fields))
        stream = Stream(reader, writer)
        async with asyncio.timeout(10):
            await stream.begin()
        yield stream
    finally:
        writer.close()


def uuids(messages: list[Message]) -> list[str]:
    return [message.event["uuid"] for message in messages]


@with_wire()
async def test_the_stream_begins_at_once_and_tells_each_event_as_the_log_has_it(wire: Wire) -> None:
    async with streaming(wire) as stream:
        assert stream.status == 200
        assert "content-type: text/event-stream; charset=utf-8" in stream.head
        assert {"cache-control: no-cache, no-store", "x-accel-buffering: no"} <= set(stream.head)
        first = await stream.message()
        assert first is not None
        assert (first.comment, first.retry, first.event) == ("connected", "2000", None)
        assert first.id is not None
        published = await wire.api.publish(
            {"eventType": "a.b.c", "displayMessage": "line\nbreak \u2028 ü"}, {"eventType": "a.b"}
        )
        told = await stream.events(2)
        assert uuids(told) == published
        log = await wire.api.call("GET", "/api/v1/logs", params={"limit": "2", "sortOrder": "DESCENDING"})
        assert sorted(uuids(told)) == sorted(one["uuid"] for one in log.json())
        assert {json.dumps(one.event) for one in told} == {json.dumps(one) for one in log.json()}
        assert {one.name for one in told} == {None}  # EventSource.onmessage gets unnamed ones only


@with_wire()
async def test_who_was_cut_goes_on_after_the_last_id_without_loss_or_repetition(wire: Wire) -> None:
    async with streaming(wire) as stream:
        published = await wire.api.publish(*[{"eventType": "a.b"}] * 5)
        seen = await stream.events(2)
    published += await wire.api.publish(*[{"eventType": "a.b"}] * 2)
    wrong = "after=not-a-cursor"  # what an EventSource comes back with wins over the address that it began with
    async with streaming(wire, wrong, f"Last-Event-ID: {seen[-1].id}") as stream:
        assert uuids(seen + await stream.events(5)) == published
    async with streaming(wire, f"after={seen[0].id}") as stream:
        assert uuids(await stream.events(6)) == published[1:]


@with_wire()
async def test_a_filter_and_a_since_mean_what_they_mean_in_a_search(wire: Wire) -> None:
    published = await wire.api.publish({"eventType": "a.b"}, {"eventType": "c.d"}, {"eventType": "a.b"})
    since = (await wire.api.call("GET", f"/api/v1/logs?filter=uuid%20eq%20%22{published[0]}%22")).json()[0]["published"]
    async with streaming(wire, f"since={since}&filter={ONLY}") as stream:
        assert uuids(await stream.events(2)) == [published[0], published[2]]


@with_wire()
async def test_keywords_mean_what_they_mean_in_a_search(wire: Wire) -> None:
    async with streaming(wire, "q=Hercules") as stream:
        published = await wire.api.publish(
            *[{"eventType": "a.b", "displayMessage": word} for word in ("x", "hercules")]
        )
        assert uuids(await stream.events(1)) == published[1:]


REFUSED = [
    ("", "Last-Event-ID: 1627500044869_1", 400, "after"),
    ("after=1627500044869_1", None, 400, "after"),
    ("until=2026-11-22T00:00:00Z", None, 400, "until"),
    ("limit=5", None, 400, "limit"),
    ("sortOrder=DESCENDING", None, 400, "sortOrder"),
    ("filter=eventType%20eqq%20%22x%22", None, 400, "eqq"),
    ("since=yesterday", None, 400, "since"),
    ("filter=%ff", None, 400, "UTF-8"),
]


@pytest.mark.parametrize(("query", "field", "status", "word"), REFUSED)
def test_what_a_tail_cannot_do_is_refused_in_words(
    tmp_path: Any, query: str, field: str | None, status: int, word: str
) -> None:
    @with_wire()
    async def refused(wire: Wire) -> None:
        async with streaming(wire, query, *([field] if field else [])) as stream:
            assert stream.status == status
            assert word in (await stream.body())["errorSummary"]

    refused(tmp_path)


@with_wire()
async def test_only_who_may_read_the_log_may_follow_it(wire: Wire) -> None:
    made = await wire.api.call("POST", "/api/v1/api-tokens", json={"name": "p", "role": "PUBLISHER"})
    async with streaming(wire, token=made.json()["token"]) as stream:
        assert (stream.status, (await stream.body())["errorCode"]) == (403, "E0000006")
    async with streaming(wire, token="00guess") as stream:
        assert (stream.status, (await stream.body())["errorCode"]) == (401, "E0000011")
    assert wire.api.pipeline.followers.open == 0


@with_wire()
async def test_a_revoked_token_ends_its_stream_and_no_other(wire: Wire) -> None:
    wire.api.pipeline.followers.heartbeat_s = 0.05
    made = (await wire.api.call("POST", "/api/v1/api-tokens", json={"name": "t", "role": "SUPER_ADMIN"})).json()
    async with streaming(wire) as ours, streaming(wire, token=made["token"]) as theirs:
        assert (await wire.api.call("DELETE", f"/api/v1/api-tokens/{made['id']}")).status_code == 204
        while await theirs.message() is not None:
            pass
        published = await wire.api.publish({"eventType": "a.b"})
        seen = await ours.events(2)
        assert uuids(seen)[-1:] == published


@with_wire()
async def test_silence_is_broken_by_signs_of_life_that_carry_the_place_in_the_log(wire: Wire) -> None:
    wire.api.pipeline.followers.heartbeat_s = 0.05
    async with streaming(wire, f"filter={ONLY}") as stream:
        first = await stream.message()
        assert first is not None
        await wire.api.publish({"eventType": "c.d"})

        async def moved() -> str | None:
            message = await stream.message()
            assert message is not None
            assert (message.comment, message.event) == ("still here", None)
            return message.id if message.id != first.id else None

        await until(moved)


@with_wire()
async def test_beyond_the_number_of_tails_an_org_is_told_to_wait_and_a_place_given_up_is_free(wire: Wire) -> None:
    followers = wire.api.pipeline.followers
    followers.max_per_org = 1
    async with streaming(wire):
        async with streaming(wire) as second:
            body = await second.body()
            assert (second.status, body["errorCode"]) == (429, "E0000047")
            assert "1 live tails of this org's log are open already" in body["errorCauses"][0]["errorSummary"]
            assert any(line.startswith("retry-after: ") for line in second.head)
        followers.max_in_all = 1
        followers.max_per_org = 2
        async with streaming(wire) as third:
            assert (third.status, (await third.body())["errorCode"]) == (503, "E0000010")
    await until(lambda: followers.open == 0)
    async with streaming(wire) as again:
        assert again.status == 200


@with_wire()
async def test_a_client_that_does_not_read_keeps_nobody_from_publishing_and_misses_nothing(wire: Wire) -> None:
    async with streaming(wire) as stream:
        published = []
        for _ in range(60):  # 12 MB, more than the connection and its buffers take
            published += await wire.api.publish(*[{"eventType": "a.b", "displayMessage": "x" * 900}] * 200)
        assert len(published) == 12_000
        seen = uuids(await stream.events(12_000))
        assert seen == published


@with_wire()
async def test_a_server_that_stops_ends_its_streams_well(wire: Wire) -> None:
    async with streaming(wire) as stream:
        await stream.message()
        wire.api.pipeline.followers.close()
        assert await stream.message() is None
        assert await stream.reader.read() == b""
    async with streaming(wire) as late:
        assert late.status == 503
