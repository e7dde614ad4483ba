"""What cannot be read as HTTP, on a real port: a clear refusal, the connection closed, everybody else unaffected."""

from __future__ import annotations

import asyncio
import re

import msgspec
import pytest
from api_rig import Wire, with_wire

from tenterhook.api import protocol

POST = b"POST /api/v1/events HTTP/1.1\r\nHost: localhost:%d\r\nContent-Type: application/json\r\n"


def status_of(answer: bytes) -> int:
    match = re.match(rb"HTTP/1\.1 (\d{3}) ", answer)
    assert match, answer[:200]
    return int(match[1])


def assert_refused(answer: bytes, *statuses: int) -> None:
    assert status_of(answer) in statuses, answer[:300]
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"connection: close" in head.lower(), head
    assert head.lower().count(b"\r\ndate:") == 1
    assert head.lower().count(b"\r\nx-okta-request-id: ") == 1
    told = msgspec.json.decode(body)
    assert list(told) == ["errorCode", "errorSummary", "errorLink", "errorId", "errorCauses"]


async def assert_alive(wire: Wire) -> None:
    answer = await wire.say(wire.head("/healthz", "GET", "Connection: close"))
    assert status_of(answer) == 200


#: After the request line, Host and Content-Type (security check 131).
FRAMING = {
    "length and chunked": b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "a signed length": b"Content-Length: +2\r\n\r\n{}",
    "a list of lengths": b"Content-Length: 2,2\r\n\r\n{}",
    "a negative length": b"Content-Length: -2\r\n\r\n{}",
    "a length beyond all": b"Content-Length: 99999999999999999999999\r\n\r\n{}",
    "an unknown coding": b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunked not last": b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "a space before the colon": b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "a folded header": b"X-A: a\r\n b\r\nContent-Length: 2\r\n\r\n{}",
    "a hexadecimal chunk size": b"Transfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n",
    "a chunk size beyond all": b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n{}\r\n0\r\n\r\n",
    "a chunk extension with a bare line feed": b"Transfer-Encoding: chunked\r\n\r\n2;a\n\r\n{}\r\n0\r\n\r\n",
    "a chunk that is longer than it says": b"Transfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n",
    "bare line feeds": b"Content-Length: 2\n\n{}",
    "a NUL in a header": b"X-A: a\x00b\r\nContent-Length: 2\r\n\r\n{}",
    "a name with a space": b"X A: a\r\nContent-Length: 2\r\n\r\n{}",
}


@with_wire()
async def test_ambiguous_framing_is_refused_and_the_connection_closed(wire: Wire) -> None:
    for what, rest in FRAMING.items():
        answer = await wire.say(POST % wire.port + rest, wait_s=5)
        assert status_of(answer) == 400, (what, answer[:300])
        assert b"connection: close" in answer.lower(), what
    await assert_alive(wire)


@with_wire()
async def test_garbage_after_a_whole_request_ends_the_connection_after_its_answer(wire: Wire) -> None:
    answer = await wire.say(wire.head() + b"garbage\r\n\r\n", wait_s=5)
    assert status_of(answer) == 200
    assert answer.count(b"HTTP/1.1 ") == 1, "the rest is not answered: the connection ends"
    await assert_alive(wire)


LINES = {
    "HTTP/0.9": b"GET /healthz\r\n\r\n",
    "the HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "an unknown version": b"GET /healthz HTTP/3.7\r\nHost: localhost\r\n\r\n",
    "CONNECT": b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n",
    "an absolute target": b"GET http://evil.example/healthz HTTP/1.1\r\nHost: localhost:%d\r\n\r\n",
    "OPTIONS for all": b"OPTIONS * HTTP/1.1\r\nHost: localhost:%d\r\n\r\n",
    "an unknown method": b"BREW /healthz HTTP/1.1\r\nHost: localhost:%d\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}


@with_wire()
async def test_what_is_no_request_of_ours_is_refused_and_the_connection_closed(wire: Wire) -> None:
    for line in LINES.values():
        raw = line % wire.port if b"%d" in line else line
        assert_refused(await wire.say(raw, wait_s=5), 400, 405)
    await assert_alive(wire)


@with_wire()
async def test_a_request_without_exactly_one_host_is_refused(wire: Wire) -> None:
    none = await wire.say(b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n", wait_s=5)
    two = await wire.say(wire.head("/healthz", "GET", "Host: evil.example", "Connection: close"), wait_s=5)
    assert (status_of(none), status_of(two)) == (400, 400)
    evil = await wire.say(b"GET /healthz HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", wait_s=5)
    assert status_of(evil) == 421


@with_wire()
async def test_a_head_that_is_too_large_is_refused(wire: Wire) -> None:
    many = [f"X-{n}: a" for n in range(protocol.MAX_HEADERS)]
    assert_refused(await wire.say(wire.head("/healthz", "GET", *many)), 431)
    large = "a" * 16_000
    assert_refused(
        await wire.say(wire.head("/healthz", "GET", *[f"X-{n}: {large}" for n in range(4)], "X-5: aaaa" * 200)), 431
    )
    endless = wire.head()[:-2] + b"X-Endless: " + b"a" * (protocol.MAX_HEAD_BYTES + 70_000)
    assert_refused(await wire.say(endless), 431)
    assert_refused(await wire.say(wire.head("/" + "a" * 16_384)), 414)
    fits = [f"X-{n}: a" for n in range(protocol.MAX_HEADERS - 2)]
    assert status_of(await wire.say(wire.head("/healthz", "GET", *fits, "Connection: close"))) == 200


@with_wire()
async def test_an_expectation_that_nobody_meets_is_told_so(wire: Wire) -> None:
    assert_refused(await wire.say(wire.head("/api/v1/events", "POST", "Expect: 200-ok", "Content-Length: 2")), 417)


@with_wire()
async def test_a_client_that_waits_for_continue_is_told_to_go_on(wire: Wire) -> None:
    auth, kind = f"Authorization: SSWS {wire.api.token}", "Content-Type: application/json"
    body = b'{"eventType":"user.lifecycle.create"}'
    head = wire.head("/api/v1/events", "POST", auth, kind, f"Content-Length: {len(body)}", "Expect: 100-continue")
    reader, writer = await asyncio.open_connection("127.0.0.1", wire.port)
    writer.write(head)
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(body)
    assert status_of(await reader.readuntil(b"\r\n\r\n")) == 200
    writer.close()


@pytest.fixture
def short_deadlines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make waiting short: what is tested is that it ends, not how long it is."""
    monkeypatch.setattr(protocol, "HEAD_DEADLINE_S", 0.2)
    monkeypatch.setitem(protocol._DEADLINES, protocol._Phase.HEAD, 0.2)
    monkeypatch.setitem(protocol._DEADLINES, protocol._Phase.BODY, 0.4)


@pytest.mark.usefixtures("short_deadlines")
def test_slow_heads_and_bodies_are_cut_off_and_nobody_else_is(tmp_path) -> None:
    @with_wire()
    async def walk(wire: Wire) -> None:
        slow = wire.head("/api/v1/events", "POST", f"Authorization: SSWS {wire.api.token}", "Content-Length: 100")
        answers = await asyncio.gather(
            wire.say(b"GET /healthz HT"),
            wire.say(b""),
            wire.say(slow),
            wire.say(
                slow.replace(b"Content-Length: 100", b"Content-Type: application/json\r\nContent-Length: 100") + b"{"
            ),
            assert_alive(wire),
        )
        assert_refused(answers[0], 408)
        assert_refused(answers[1], 408)
        assert status_of(answers[2]) == 400, (
            "its media type is told at once; the connection ends although nothing more comes"
        )
        assert_refused(answers[3], 408)

    walk(tmp_path)


@with_wire()
async def test_a_body_over_its_cap_is_answered_while_it_is_being_sent(wire: Wire) -> None:
    auth, kind = f"Authorization: SSWS {wire.api.token}", "Content-Type: application/json"
    head = wire.head("/api/v1/api-tokens", "POST", auth, kind, "Content-Length: 3000000", "Connection: close")
    reader, writer = await asyncio.open_connection("127.0.0.1", wire.port)
    writer.write(head)
    answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
    assert status_of(answer) == 413
    writer.close()
    chunked = wire.head("/api/v1/api-tokens", "POST", auth, kind, "Transfer-Encoding: chunked")
    reader, writer = await asyncio.open_connection("127.0.0.1", wire.port)
    writer.write(chunked + b"200000\r\n" + b" " * 0x200000)
    answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
    assert status_of(answer) == 413
    writer.close()
    await assert_alive(wire)


@with_wire()
async def test_a_body_without_end_after_its_answer_is_cut_off(wire: Wire) -> None:
    auth = f"Authorization: SSWS {wire.api.token}"
    head = wire.head("/api/v1/api-tokens", "POST", auth, "Content-Type: application/json", "Content-Length: 900000000")
    _, writer = await asyncio.open_connection("127.0.0.1", wire.port)
    writer.write(head)
    sent = 0

    async def send_on() -> None:
        nonlocal sent
        while True:
            writer.write(b" " * 65536)
            await writer.drain()
            sent += 65536

    with pytest.raises(ConnectionError):
        await asyncio.wait_for(send_on(), 20)
    writer.close()
    assert sent < protocol.MAX_UNREAD_BYTES + 32 * 1024 * 1024
    await assert_alive(wire)


@with_wire()
async def test_each_answer_has_one_date_and_names_no_server(wire: Wire) -> None:
    answer = (await wire.say(wire.head("/healthz", "GET", "Connection: close"))).lower()
    assert answer.count(b"\r\ndate:") == 1
    assert b"\r\nserver:" not in answer


@with_wire()
async def test_an_empty_answer_is_bare_on_the_wire(wire: Wire) -> None:
    made = await wire.api.call("POST", "/api/v1/api-tokens", json={"name": "a", "role": "PUBLISHER"})
    path = f"/api/v1/api-tokens/{made.json()['id']}"
    auth = f"Authorization: SSWS {wire.api.token}"
    answer = await wire.say(wire.head(path, "DELETE", auth, "Content-Length: 0", "Connection: close"))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert status_of(answer) == 204
    assert body == b""
    assert b"\r\ncontent-type" not in head.lower()
    assert b"\r\ncontent-length" not in head.lower()


@with_wire()
async def test_slashes_at_the_beginning_of_a_path_are_read_as_one(wire: Wire) -> None:
    auth = f"Authorization: SSWS {wire.api.token}"
    answer = await wire.say(wire.head("//api/v1//api-tokens", "GET", auth, "Connection: close"))
    assert status_of(answer) == 200


@with_wire()
async def test_two_requests_in_one_packet_are_answered_in_order(wire: Wire) -> None:
    last = wire.head("/nowhere", "GET", "Connection: close")
    answer = await wire.say(wire.head("/readyz") + wire.head("/healthz") + last)
    assert re.findall(rb"HTTP/1\.1 (\d{3})", answer) == [b"200", b"200", b"404"]


@with_wire()
async def test_a_client_that_offers_http_2_is_answered_in_http_1(wire: Wire) -> None:
    body = b'{"eventType":"user.lifecycle.create"}'
    offer = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA")
    auth = f"Authorization: SSWS {wire.api.token}"
    more = ("Content-Type: application/json", f"Content-Length: {len(body)}")
    head = wire.head("/api/v1/events", "POST", auth, *offer, *more)
    reader, writer = await asyncio.open_connection("127.0.0.1", wire.port)
    writer.write(head + body)
    first = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
    assert status_of(first) == 200
    writer.close()
    await assert_alive(wire)
