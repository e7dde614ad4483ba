"""What a receiver answers, and what is made of it: fault plan section 6 and security checks D 83-88."""

from __future__ import annotations

import asyncio
import gzip
import resource

import pytest
from rig import NO_CONTENT, answering, closing_after, listening, post, sending, to

from ports import closed_port
from tenterhook.domain.attempt import Outcome, Reason

OK = b"HTTP/1.1 200 OK\r\n"


def ask(run, script, timeout_s=1.0, **options):
    """Send one request to a receiver that follows *script*; return the attempt and how many connections it took."""

    async def go():
        async with listening(script) as receiver, sending() as client:
            attempt = await client.send(to(receiver, **options), timeout_s)
            return attempt, receiver.connections

    return run(go())


def test_the_request_is_sent_exactly_as_rendered(run):
    async def go():
        async with listening(answering(NO_CONTENT)) as receiver, sending() as client:
            headers = [("User-Agent", "Okta-Integrations"), ("x-LOWER", "${a b}"), ("Authorization", "s3cret")]
            await client.send(to(receiver, "/a%2f?b=c", headers=headers, extra=(("webhook-id", "1"),)), 1)
            await client.send(to(receiver, method="GET", headers=[]), 1)
            return receiver.port, receiver.requests

    port, requests = run(go())
    assert requests[0] == (
        b"POST /a%2f?b=c HTTP/1.1\r\n"
        b"Host: 127.0.0.1:" + str(port).encode() + b"\r\n"
        b"User-Agent: Okta-Integrations\r\nx-LOWER: ${a b}\r\nAuthorization: s3cret\r\nwebhook-id: 1\r\n"
        b"X-Okta-Request-Id: req01\r\nContent-Length: 7\r\n\r\n",
        b'{"a":1}',
    )
    assert requests[1][0] == (
        b"GET /hook HTTP/1.1\r\nHost: 127.0.0.1:" + str(port).encode() + b"\r\nX-Okta-Request-Id: req01\r\n\r\n"
    )


def test_a_success_records_status_headers_body_and_phases(run):
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: b\r\n\r\nhi"
    attempt, _ = ask(run, answering(answer), number=3, queue_ms=1.5)
    assert (attempt.outcome, attempt.reason, attempt.status) == (Outcome.DELIVERED, None, 200)
    assert attempt.response_headers == (("Content-Length", "2"), ("X-A", "b"))
    assert (attempt.response_body, attempt.body_complete) == (b"hi", True)
    assert (attempt.number, attempt.request_id, attempt.reused, attempt.private) == (3, "req01", False, False)
    phases = attempt.phases
    assert phases.queue == 1.5
    assert phases.connect is not None
    assert (phases.dns, phases.tls) == (None, None)
    assert 0 <= phases.first_byte <= phases.total
    assert attempt.started.utcoffset().total_seconds() == 0


@pytest.mark.parametrize("status", [200, 201, 202, 204, 226, 299])
def test_any_2xx_is_a_success(run, status):
    attempt, _ = ask(run, answering(b"HTTP/1.1 %d x\r\nContent-Length: 0\r\n\r\n" % status))
    assert (attempt.outcome, attempt.status) == (Outcome.DELIVERED, status)


@pytest.mark.parametrize("status", [300, 304, 400, 401, 403, 404, 405, 410, 413, 422, 429, 500, 503, 599])
def test_f36r_any_other_status_is_a_failure_with_that_status(run, status):
    attempt, connections = ask(run, answering(b"HTTP/1.1 %d x\r\nContent-Length: 0\r\n\r\n" % status))
    assert (attempt.outcome, attempt.reason, attempt.status) == (Outcome.FAILED, Reason.STATUS, status)
    assert connections == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_row_83_and_f35r_a_redirect_is_not_followed(run, status):
    async def go():
        async with listening(answering(NO_CONTENT)) as canary, sending() as client:
            answer = b"HTTP/1.1 %d x\r\nLocation: http://127.0.0.1:%d/\r\nContent-Length: 0\r\n\r\n"
            async with listening(answering(answer % (status, canary.port))) as receiver:
                attempt = await client.send(to(receiver), 1)
            untouched = canary.connections
            await client.send(to(canary), 1)
            return attempt, untouched, canary.connections

    attempt, untouched, touched = run(go())
    assert (attempt.reason, attempt.status) == (Reason.STATUS, status)
    assert "redirects are not followed" in attempt.message
    assert (untouched, touched) == (0, 1)


def test_rows_84_to_86_nothing_in_an_answer_makes_us_do_anything(run):
    first = (
        b"HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n"
        b'HTTP/1.1 401 No\r\nSet-Cookie: a=b\r\nWWW-Authenticate: Negotiate\r\nAlt-Svc: h3=":443"\r\n'
        b"Refresh: 0;url=/y\r\nContent-Length: 0\r\n\r\n"
    )

    async def go():
        async with listening(answering(first, NO_CONTENT)) as receiver, sending() as client:
            one = await client.send(to(receiver), 1)
            two = await client.send(to(receiver), 1)
            return one, two, receiver.requests, receiver.connections

    one, two, requests, connections = run(go())
    assert (one.status, two.status, two.reused, connections) == (401, 204, True, 1)
    assert len(requests) == 2
    assert requests[0] == requests[1]


def test_rows_78_and_79_proxy_variables_and_netrc_are_not_read(run, monkeypatch, tmp_path):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"]:
        monkeypatch.setenv(name, "http://127.0.0.1:9/")

    async def go():
        async with listening(answering(NO_CONTENT)) as receiver, sending() as client:
            return await client.send(to(receiver), 1), receiver.requests

    attempt, requests = run(go())
    assert attempt.outcome is Outcome.DELIVERED
    assert b"uthorization" not in requests[0][0]


def test_f21r_a_closed_port_is_a_connect_failure(run):
    async def go():
        async with sending() as client:
            with closed_port() as port:
                return await client.send(post(f"http://127.0.0.1:{port}/"), 1)

    attempt = run(go())
    assert (attempt.outcome, attempt.reason, attempt.status) == (Outcome.FAILED, Reason.CONNECT, None)


async def _silent(receiver, reader, writer):
    await reader.read(-1)


async def _reads_and_is_silent(receiver, reader, writer):
    await receiver.read(reader)
    await reader.read(-1)


def _dripping(start, piece):
    async def script(receiver, reader, writer):
        await receiver.read(reader)
        writer.write(start)
        for _ in range(1000):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.02)

    return script


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(_silent, id="F22r-plain"),
        pytest.param(_reads_and_is_silent, id="F23r"),
        pytest.param(_dripping(OK, b"X"), id="F24r-headers"),
        pytest.param(_dripping(b"", b"H"), id="F24r-status-line-nonsense-free"),
    ],
)
def test_the_deadline_is_total(run, script):
    attempt, connections = ask(run, script, timeout_s=0.3)
    if attempt.reason is not Reason.PROTOCOL:  # "HH" is no status line and need not be waited for
        assert attempt.reason is Reason.TIMEOUT
        assert "0.3 seconds" in attempt.message
    assert attempt.phases.total < 1000
    assert connections == 1


def test_f25r_a_dripping_body_does_not_delay_a_success_that_needs_none(run):
    attempt, _ = ask(run, _dripping(OK + b"Content-Length: 10000\r\n\r\n", b"x"), timeout_s=5)
    assert (attempt.outcome, attempt.body_complete) == (Outcome.DELIVERED, False)
    assert attempt.phases.total < 1000


def test_f25r_a_dripping_body_that_is_needed_times_out(run):
    script = _dripping(OK + b"Content-Length: 10000\r\n\r\n", b"x")
    attempt, _ = ask(run, script, timeout_s=0.3, need_body=True)
    assert (attempt.outcome, attempt.reason, attempt.status) == (Outcome.FAILED, Reason.TIMEOUT, 200)


def test_a_rest_of_a_body_that_is_not_needed_is_drained_so_that_the_connection_serves_again(run):
    async def script(receiver, reader, writer):
        while True:
            await receiver.read(reader)
            writer.write(OK + b"Content-Length: 4\r\n\r\nab")
            await asyncio.sleep(0.05)
            writer.write(b"cd")

    async def go():
        async with listening(script) as receiver, sending() as client:
            one = await client.send(to(receiver), 1)
            await asyncio.sleep(0.2)
            two = await client.send(to(receiver), 1)
            return one, two, receiver.connections

    one, two, connections = run(go())
    assert (one.response_body, one.body_complete) == (b"ab", False)
    assert (two.outcome, two.reused, connections) == (Outcome.DELIVERED, True, 1)


async def _endless(receiver, reader, writer):
    await receiver.read(reader)
    writer.write(OK + b"Transfer-Encoding: chunked\r\n\r\n")
    for _ in range(16_384):  # a GiB
        writer.write(b"10000\r\n" + b"x" * 65536 + b"\r\n")
        await writer.drain()


def test_f26r_an_endless_body_is_cut_off_at_64_kib(run):
    async def go():
        async with listening(_endless) as receiver, sending() as client:
            attempt = await client.send(to(receiver), 5)
            await asyncio.wait_for(receiver.ended.wait(), 5)  # its writes fail because we closed
            return attempt, client.open_connections

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    attempt, still_open = run(go())
    assert attempt.outcome is Outcome.DELIVERED
    assert len(attempt.response_body) <= 4096
    assert still_open == 0
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # KiB


def test_f26r_a_needed_body_over_256_kib_is_too_large(run):
    attempt, _ = ask(run, _endless, timeout_s=5, need_body=True)
    assert (attempt.outcome, attempt.reason, attempt.status) == (Outcome.FAILED, Reason.TOO_LARGE, 200)
    assert len(attempt.response_body) <= 256 * 1024


def test_a_needed_body_of_exactly_256_kib_is_taken_whole(run):
    body = b"x" * 262_144
    attempt, _ = ask(run, answering(OK + b"Content-Length: 262144\r\n\r\n" + body), timeout_s=5, need_body=True)
    assert (attempt.outcome, attempt.body_complete) == (Outcome.DELIVERED, True)
    assert attempt.response_body == body


def test_an_unneeded_body_over_4_kib_is_kept_in_part(run):
    attempt, _ = ask(run, answering(OK + b"Content-Length: 5000\r\n\r\n" + b"x" * 5000), timeout_s=5)
    assert attempt.outcome is Outcome.DELIVERED
    assert (len(attempt.response_body) <= 4096, attempt.body_complete) == (True, False)


def test_f27r_and_row_150_nothing_is_decompressed(run):
    bomb = gzip.compress(b"\0" * 1_000_000)
    answer = OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb) + bomb
    attempt, _ = ask(run, answering(answer), need_body=True)
    assert (attempt.outcome, attempt.response_body) == (Outcome.DELIVERED, bomb)


BAD_HEADS = {
    "F28r-two-lengths": OK + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\na",
    "F28r-two-different-lengths": OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\na",
    "F28r-negative-length": OK + b"Content-Length: -1\r\n\r\n",
    "F28r-plus-length": OK + b"Content-Length: +1\r\n\r\na",
    "F28r-length-list": OK + b"Content-Length: 1, 1\r\n\r\na",
    "F28r-both-framings": OK + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "F28r-both-framings-2": OK + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
    "F28r-other-encoding": OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "F28r-xchunked": OK + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "F28r-two-encodings": OK + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n\r\n0\r\n\r\n",
    "obs-fold": OK + b"A: b\r\n c\r\nContent-Length: 0\r\n\r\n",
    "bare-lf": OK + b"A: b\nContent-Length: 0\n\n",
    "space-before-colon": OK + b"A : b\r\nContent-Length: 0\r\n\r\n",
    "nul-in-value": OK + b"A: \0\r\nContent-Length: 0\r\n\r\n",
    "F29r-101": b"HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
    "F29r-nine-interim": b"HTTP/1.1 100 Continue\r\n\r\n" * 9 + OK + b"Content-Length: 0\r\n\r\n",
    "F29r-10000-interim": b"HTTP/1.1 103 x\r\n\r\n" * 10_000,
    "F31r-64-kb-line": OK + b"A: " + b"x" * 65536 + b"\r\nContent-Length: 0\r\n\r\n",
    "F31r-17-kb-line": OK + b"A: " + b"x" * 17_000 + b"\r\nContent-Length: 0\r\n\r\n",
    "F31r-10000-fields": OK + b"A: b\r\n" * 10_000 + b"Content-Length: 0\r\n\r\n",
    "F31r-101-fields": OK + b"A: b\r\n" * 101 + b"\r\n",
    "101-ssh": b"SSH-2.0-OpenSSH_9.2\r\n",
    "http-0.9": b"<html>hello</html>",
    **{
        f"F30r-{status}": b"HTTP/1.1 " + status.encode() + b" x\r\nContent-Length: 0\r\n\r\n"
        for status in ["99", "000", "999", "20O", "600", "2000", "-200", ""]
    },
    **{
        f"F30r-{version}": version.encode() + b" 200 x\r\nContent-Length: 0\r\n\r\n"
        for version in ["HTTP/9.9", "HTTP/2.0", "HTTP/0.9", "HTTP/1", "ICY", "RTSP/1.0"]
    },
}


@pytest.mark.parametrize("need_body", [False, True])
@pytest.mark.parametrize("answer", [pytest.param(a, id=name) for name, a in BAD_HEADS.items()])
def test_a_malformed_head_is_a_protocol_failure_and_its_connection_is_not_used_again(run, answer, need_body):
    async def go():
        async with listening(answering(answer, NO_CONTENT)) as receiver, sending() as client:
            one = await client.send(to(receiver, need_body=need_body), 2)
            two = await client.send(to(receiver), 2)
            return one, two

    one, two = run(go())
    assert (one.outcome, one.reason, one.status) == (Outcome.FAILED, Reason.PROTOCOL, None)
    assert two.reused is False


BAD_BODIES = {
    "F28r-bad-chunk-size": OK + b"Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n",
    "F28r-missing-crlf": OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello0\r\n\r\n",
    "F28r-huge-chunk-size": OK + b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFF\r\n",
    "F28r-longer-than-announced": OK + b"Content-Length: 2\r\n\r\nabcdef",
    "F28r-second-answer": OK + b"Content-Length: 2\r\n\r\nab" + NO_CONTENT,
}


@pytest.mark.parametrize("answer", [pytest.param(a, id=name) for name, a in BAD_BODIES.items()])
def test_a_malformed_body_fails_only_who_needs_it_and_its_connection_is_not_used_again(run, answer):
    async def go():
        async with listening(answering(answer)) as receiver, sending() as client:
            needing = await client.send(to(receiver, need_body=True), 2)
            not_needing = await client.send(to(receiver), 2)
            third = await client.send(to(receiver), 2)
            return needing, not_needing, third, receiver.connections

    needing, not_needing, third, connections = run(go())
    assert (needing.outcome, needing.reason, needing.status) == (Outcome.FAILED, Reason.PROTOCOL, 200)
    assert not_needing.outcome is Outcome.DELIVERED
    assert (third.reused, connections) == (False, 3)


def test_f28r_a_body_shorter_than_announced_fails_only_who_needs_it(run):
    answer = OK + b"Content-Length: 5\r\n\r\nab"
    attempt, _ = ask(run, closing_after(answer), need_body=True)
    assert (attempt.reason, attempt.response_body) == (Reason.PROTOCOL, b"ab")
    attempt, _ = ask(run, closing_after(answer))
    assert attempt.outcome is Outcome.DELIVERED


def test_a_body_that_ends_with_the_connection_is_complete(run):
    attempt, _ = ask(run, closing_after(OK + b"\r\nhello"), need_body=True)
    assert (attempt.outcome, attempt.response_body, attempt.body_complete) == (Outcome.DELIVERED, b"hello", True)


def test_a_chunked_body_with_trailers_is_read(run):
    answer = OK + b"Transfer-Encoding: Chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\nX-Trailer: t\r\n\r\n"
    attempt, _ = ask(run, answering(answer), need_body=True)
    assert (attempt.response_body, attempt.body_complete) == (b"abc", True)
    assert "X-Trailer" not in dict(attempt.response_headers)


def _framing_without_end(start, piece):
    async def script(receiver, reader, writer):
        await receiver.read(reader)
        writer.write(OK + b"Transfer-Encoding: chunked\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.write(start)
        for _ in range(200):  # 3 MB
            writer.write(piece * (16_384 // len(piece)))
            await writer.drain()
        await reader.read(-1)

    return script


FRAMES = {
    "many trailers": (b"2\r\nab\r\n0\r\n", b"X-A: b\r\n"),
    "a trailer without end": (b"2\r\nab\r\n0\r\nX-A: ", b"a"),
    "a chunk extension without end": (b"2;a=", b"a"),
}


@pytest.mark.parametrize("what", FRAMES)
def test_framing_without_end_fails_who_needs_the_body_and_is_not_read_on(run, what):
    async def go(need_body):
        async with listening(_framing_without_end(*FRAMES[what])) as receiver, sending() as client:
            attempt = await client.send(to(receiver, need_body=need_body), 20)
            await asyncio.wait_for(receiver.ended.wait(), 5)
            return attempt

    needing = run(go(True))
    assert (needing.outcome, needing.reason, needing.status) == (Outcome.FAILED, Reason.PROTOCOL, 200)
    assert "what frames its chunks exceeds 16 KiB" in needing.message
    assert run(go(False)).outcome is Outcome.DELIVERED


def test_a_body_in_very_small_chunks_is_taken_whole(run):
    body = b"abcd" * 20_000
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body)
    answer = OK + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"
    attempt, _ = ask(run, answering(answer), timeout_s=10, need_body=True)
    assert (attempt.outcome, attempt.response_body) == (Outcome.DELIVERED, body)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"HTTP/1.1 204\r\n\r\n", id="F30r-no-reason-phrase"),
        pytest.param(b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", id="http-1.0"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n" * 8 + NO_CONTENT, id="F29r-eight-interim"),
        pytest.param(OK + b"A: b\r\n" * 99 + b"Content-Length: 0\r\n\r\n", id="F31r-100-fields"),
        pytest.param(OK + b"A: " + b"x" * 15_000 + b"\r\nContent-Length: 0\r\n\r\n", id="F31r-15-kb"),
    ],
)
def test_what_is_allowed_is_accepted(run, answer):
    attempt, _ = ask(run, answering(answer))
    assert attempt.outcome is Outcome.DELIVERED


def test_f32r_an_answer_that_comes_before_the_request_is_sent_whole_is_read(run):
    async def script(receiver, reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()

    attempt, _ = ask(run, script, timeout_s=5, body=b"x" * 8_000_000)
    assert (attempt.reason, attempt.status) == (Reason.STATUS, 413)


def test_f33r_a_connection_that_died_idle_is_replaced_within_the_same_attempt(run):
    async def script(receiver, reader, writer):
        await receiver.read(reader)
        writer.write(NO_CONTENT)
        await receiver.read(reader)  # the second request is read, and the connection closed without an answer
        writer.transport.abort()

    async def go():
        async with listening(script) as receiver, sending() as client:
            one = await client.send(to(receiver), 2)
            two = await client.send(to(receiver), 2)
            return one, two, receiver.connections, len(receiver.requests)

    one, two, connections, requests = run(go())
    assert (one.outcome, two.outcome, two.reused) == (Outcome.DELIVERED, Outcome.DELIVERED, False)
    assert (connections, requests) == (2, 3)


def test_f33r_only_once_and_not_after_the_first_byte_of_an_answer(run):
    async def script(receiver, reader, writer):
        await receiver.read(reader)
        writer.write(NO_CONTENT)
        await receiver.read(reader)
        writer.write(b"HTTP/1.1 2")
        await writer.drain()

    async def go():
        async with listening(script) as receiver, sending() as client:
            await client.send(to(receiver), 2)
            two = await client.send(to(receiver), 2)
            return two, receiver.connections

    two, connections = run(go())
    assert (two.reason, connections) == (Reason.RESET, 1)


def test_f34r_a_cut_before_the_answer_on_a_new_connection_is_a_reset(run):
    async def script(receiver, reader, writer):
        await receiver.read(reader)

    attempt, connections = ask(run, script)
    assert (attempt.outcome, attempt.reason, connections) == (Outcome.FAILED, Reason.RESET, 1)


def test_bytes_that_nobody_asked_for_close_an_idle_connection(run):
    async def script(receiver, reader, writer):
        await receiver.read(reader)
        writer.write(NO_CONTENT)
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Planted: 1\r\n\r\n")
        await receiver.read(reader)
        writer.write(NO_CONTENT)

    async def go():
        async with listening(script) as receiver, sending() as client:
            await client.send(to(receiver), 2)
            await asyncio.sleep(0.2)
            return await client.send(to(receiver), 2)

    two = run(go())
    assert (two.status, two.reused) == (204, False)


def test_f38r_retry_after_is_kept_raw(run):
    attempt, _ = ask(
        run, answering(b"HTTP/1.1 503 x\r\nretry-after: 1e9\r\nRetry-After: 2\r\nContent-Length: 0\r\n\r\n")
    )
    assert (attempt.status, attempt.retry_after) == (503, "1e9")


@pytest.mark.parametrize("status", [b"200 OK\r\nContent-Length: 0", b"204 No Content"])
def test_connection_close_is_obeyed(run, status):
    async def go():
        answer = b"HTTP/1.1 " + status + b"\r\nConnection: close\r\n\r\n"
        async with listening(answering(answer)) as receiver, sending() as client:
            await client.send(to(receiver), 1)
            return await client.send(to(receiver), 1)

    assert run(go()).reused is False


def test_a_failing_status_is_told_even_if_its_body_never_ends(run):
    script = _dripping(b"HTTP/1.1 500 x\r\nContent-Length: 100000\r\n\r\n", b"x")
    attempt, _ = ask(run, script, timeout_s=0.3, need_body=True)
    assert (attempt.reason, attempt.status) == (Reason.STATUS, 500)


def test_cancelling_closes_the_connection_and_propagates(run):
    async def go():
        async with listening(_reads_and_is_silent) as receiver, sending() as client:
            task = asyncio.ensure_future(client.send(to(receiver), 10))
            await receiver.asked.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.wait_for(receiver.ended.wait(), 5)
            return client.open_connections

    assert run(go()) == 0


def test_closing_the_client_ends_attempts_interrupted(run):
    async def go():
        async with listening(_reads_and_is_silent) as receiver, sending() as client:
            task = asyncio.ensure_future(client.send(to(receiver), 10))
            await receiver.asked.wait()
            await client.close()
            after = await client.send(to(receiver), 1)
            return await task, after

    one, after = run(go())
    assert (one.reason, after.reason) == (Reason.INTERRUPTED, Reason.INTERRUPTED)


def test_a_header_that_would_split_the_request_cannot_be_rendered():
    from rig import post

    with pytest.raises(ValueError, match="line end"):
        post("http://127.0.0.1/", headers=[("X", "a\r\nY: b")])
