"""What cannot be read as HTTP, on a real port: a clear refusal, the connection closed, everybody else unaffected."""

from __future__ import annotations

import asyncio
import re
import resource
import socket
from types import SimpleNamespace

import api_rig
import msgspec
import pytest
import uvloop
from api_rig import Api, Wire, api_at, served, with_wire

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
    "another coding before chunked": b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
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
    "HTTP/2.0": b"GET /healthz HTTP/2.0\r\nHost: localhost:%d\r\n\r\n",
    "HTTP/0.9 with a version": b"GET /healthz HTTP/0.9\r\nHost: localhost:%d\r\n\r\n",
    "RTSP": b"GET /healthz RTSP/1.0\r\nHost: localhost:%d\r\n\r\n",
    "RTSP after a blank line": b"\r\nGET /healthz RTSP/1.1\r\nHost: localhost:%d\r\n\r\n",
    "ICE": b"SOURCE /healthz ICE/1.0\r\nHost: localhost:%d\r\n\r\n",
    "CONNECT to a path": b"CONNECT /healthz HTTP/1.1\r\nHost: localhost:%d\r\n\r\n",
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


async def take_answer(reader: asyncio.StreamReader) -> bytes:
    """Read one answer that has a length."""
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
    length = re.search(rb"content-length: (\d+)", head)
    assert length, head
    return head + await asyncio.wait_for(reader.readexactly(int(length[1])), 10)


@with_wire()
async def test_many_offers_in_one_packet_are_all_answered(wire: Wire) -> None:
    offer = wire.head("/healthz", "GET", "Connection: Upgrade", "Upgrade: h2c")
    answer = await wire.say(offer * 700 + wire.head("/nowhere", "GET", "Connection: close"))
    assert re.findall(rb"HTTP/1\.1 (\d{3})", answer) == [b"200"] * 700 + [b"404"]


@with_wire()
async def test_another_protocol_is_told_from_http_if_its_line_comes_in_pieces_or_late(wire: Wire) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", wire.port)
    writer.write(wire.head())
    assert status_of(await take_answer(reader)) == 200
    for piece in (b"GET /heal", b"thz RT", b"SP/1.0\r\nHost: localhost:%d\r\n\r\n" % wire.port):
        writer.write(piece)
        await asyncio.sleep(0.05)
    assert_refused(await asyncio.wait_for(reader.read(), 5), 400)
    writer.close()


FRAMES = {
    "many trailers": (b"2\r\n{}\r\n0\r\n", b"X-A: b\r\n"),
    "a trailer without end": (b"2\r\n{}\r\n0\r\nX-A: ", b"a"),
    "a chunk extension without end": (b"2;a=", b"a"),
}


@pytest.mark.parametrize("what", FRAMES)
def test_what_frames_a_body_has_a_bound(tmp_path, what) -> None:
    @with_wire()
    async def walk(wire: Wire) -> None:
        auth, kind = f"Authorization: SSWS {wire.api.token}", "Content-Type: application/json"
        chunked = ("Transfer-Encoding: chunked", "Expect: 100-continue")
        reader, writer = await asyncio.open_connection("127.0.0.1", wire.port)
        writer.write(wire.head("/api/v1/api-tokens", "POST", auth, kind, *chunked))
        assert b"100 Continue" in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
        start, piece = FRAMES[what]
        writer.write(start + piece * (protocol.MAX_FRAMING_BYTES // len(piece) + 30))
        assert_refused(await asyncio.wait_for(reader.read(), 5), 431)
        writer.close()
        await assert_alive(wire)

    walk(tmp_path)


@with_wire()
async def test_a_body_in_very_small_chunks_is_read(wire: Wire) -> None:
    auth, kind = f"Authorization: SSWS {wire.api.token}", "Content-Type: application/json"
    head = wire.head("/api/v1/api-tokens", "POST", auth, kind, "Transfer-Encoding: chunked", "Connection: close")
    body = b" " * 200_000 + b'{"name": "a", "role": "PUBLISHER"}'
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body)
    answer = await wire.say(head + chunks + b"0\r\nX-Trailer: a\r\n\r\n")
    assert status_of(answer) in (200, 201), answer


@with_wire()
async def test_a_trailer_is_no_header(wire: Wire) -> None:
    body = b'{"name": "a", "role": "PUBLISHER"}'
    framed = b"%x\r\n%b\r\n0\r\n" % (len(body), body)
    fields = ("Content-Type: application/json", "Transfer-Encoding: chunked", "Connection: close")
    head = wire.head("/api/v1/api-tokens", "POST", *fields)
    answer = await wire.say(head + framed + f"Authorization: SSWS {wire.api.token}\r\n\r\n".encode())
    assert status_of(answer) == 401
    line, _, rest = head.partition(b"\r\n")
    host, _, rest = rest.partition(b"\r\n")
    auth = f"Authorization: SSWS {wire.api.token}\r\n".encode()
    answer = await wire.say(line + b"\r\n" + auth + rest + framed + host + b"\r\n\r\n")
    assert status_of(answer) == 400


def test_a_blank_line_does_not_keep_a_connection_open_for_ever(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(protocol, "KEEP_ALIVE_S", 1)

    @with_wire()
    async def walk(wire: Wire) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", wire.port)
        writer.write(wire.head())
        assert status_of(await take_answer(reader)) == 200
        writer.write(b"\r\n")
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()

    walk(tmp_path)


class Watched(protocol.BoundedProtocol):
    """The protocol, telling when a connection is over."""

    lost: asyncio.Event

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.lost.set()


PAGE = b"a" * (16 * 1024 * 1024)


def serving_a_page(monkeypatch: pytest.MonkeyPatch, *headers: tuple[bytes, bytes]):
    """Serve PAGE to every request; look often at what is written."""
    monkeypatch.setattr(protocol, "HEAD_DEADLINE_S", 0.2)
    options = {**protocol.server_options(), "http": Watched}
    monkeypatch.setattr(api_rig, "server_options", lambda: options)
    Watched.lost = asyncio.Event()

    async def page(scope, receive, send):
        length = (b"content-length", b"%d" % len(PAGE))
        await send({"type": "http.response.start", "status": 200, "headers": [length, *headers]})
        await send({"type": "http.response.body", "body": PAGE})

    return served(SimpleNamespace(frame=page))


@pytest.mark.parametrize("headers", [[], [(b"connection", b"close")]], ids=["kept", "closing"])
def test_an_answer_that_nobody_reads_is_given_up(monkeypatch, headers) -> None:
    monkeypatch.setattr(protocol, "WRITE_DEADLINE_S", 0.5)

    async def walk() -> None:
        async with serving_a_page(monkeypatch, *headers) as wire:
            with socket.create_connection(("127.0.0.1", wire.port)) as unread:
                unread.sendall(wire.head())
                await asyncio.wait_for(Watched.lost.wait(), 10)

    asyncio.run(walk())


def test_an_answer_that_is_read_slowly_is_read_to_its_end(monkeypatch) -> None:
    monkeypatch.setattr(protocol, "WRITE_DEADLINE_S", 1.5)

    async def walk() -> None:
        async with serving_a_page(monkeypatch, (b"connection", b"close")) as wire:
            reader, writer = await asyncio.open_connection("127.0.0.1", wire.port, limit=65536)
            writer.write(wire.head())
            await reader.readuntil(b"\r\n\r\n")
            for _ in range(64):
                await reader.readexactly(len(PAGE) // 64)
                await asyncio.sleep(0.05)
            assert await reader.read() == b""
            writer.close()

    asyncio.run(walk())


@with_wire()
async def test_a_connection_beyond_the_most_is_turned_away(wire: Wire) -> None:
    most, protocol.MAX_CONNECTIONS = protocol.MAX_CONNECTIONS, 1
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", wire.port)
        writer.write(wire.head())
        assert status_of(await take_answer(reader)) == 200
        assert_refused(await wire.say(b""), 503)
        writer.close()
    finally:
        protocol.MAX_CONNECTIONS = most


def test_half_of_the_files_that_may_be_open_are_left_to_others_than_callers() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (500, hard))
        assert protocol.most_connections() == 250
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert protocol.most_connections() <= protocol.MAX_CONNECTIONS


def test_a_caller_that_is_gone_when_the_answer_is_written_is_no_failure_of_ours(tmp_path) -> None:
    async def ask(api: Api, transport: asyncio.WriteTransport) -> None:
        async def receive():
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message):
            transport.write(b"anything")

        scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http"}
        more = {"path": "/healthz", "raw_path": b"/healthz", "query_string": b"", "root_path": ""}
        where = {"headers": ((b"host", b"localhost:8080"),), "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8080)}
        await api.frame({**scope, **more, **where}, receive, send)

    async def walk() -> None:
        server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
        transport, _ = await asyncio.get_running_loop().create_connection(
            asyncio.Protocol, *server.sockets[0].getsockname()
        )
        transport.abort()
        await asyncio.sleep(0.05)
        with pytest.raises(RuntimeError):
            transport.write(b"anything")
        async with api_at(tmp_path / "data") as api:
            await ask(api, transport)
            assert api.frame.failures == 0
        server.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(walk())
